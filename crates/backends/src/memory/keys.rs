//! The key registry: which (source, key) was accepted with which body, for the window of keys.

use std::collections::{BTreeMap, BTreeSet};

use model::limit::KEY_WINDOW;
use model::{Digest, EventId, Position, TimeSpan};

/// The unit in which keys are forgotten: as a store with one table per day would do it.
const PERIOD: TimeSpan = TimeSpan::from_days(1);

/// Keys by their hash.
#[derive(Debug, Default)]
pub(super) struct Keys {
    rows: BTreeMap<Digest, Key>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The digest of the body that it came with.
    pub(super) digest: Digest,
    /// Where the entry stands.
    pub(super) position: Position,
    /// The event.
    pub(super) event: EventId,
    /// What the clock had run when it was first appended; a repeat does not prolong it, and no calendar shortens it.
    pub(super) ran: TimeSpan,
}

impl Keys {
    /// The key, where it is still remembered after the clock has run so long.
    pub(super) fn find(&self, hash: Digest, ran: TimeSpan) -> Option<Key> {
        self.rows.get(&hash).copied().filter(|key| ran < key.ran + KEY_WINDOW)
    }

    /// Remembers a key from now on.
    pub(super) fn put(&mut self, hash: Digest, key: Key) {
        self.rows.insert(hash, key);
    }

    /// Forgets what is remembered no more; answers in how many periods that came.
    pub(super) fn forget(&mut self, ran: TimeSpan) -> u64 {
        let mut periods = BTreeSet::new();
        self.rows.retain(|_, key| {
            let stays = ran < key.ran + KEY_WINDOW;
            if !stays {
                periods.insert(key.ran.micros() / PERIOD.micros());
            }
            stays
        });
        periods.len() as u64
    }
}
