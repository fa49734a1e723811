//! The key registry: which (source, key) was accepted with which body, for the window of keys.

use std::collections::{BTreeMap, BTreeSet};

use model::limit::KEY_WINDOW;
use model::{Digest, EventId, Position, TimeSpan, Timestamp};

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
    /// When it was first appended; a repeat does not prolong it.
    pub(super) first_at: Timestamp,
}

impl Keys {
    /// The key, where it is still remembered at `now`.
    pub(super) fn find(&self, hash: Digest, now: Timestamp) -> Option<Key> {
        self.rows.get(&hash).copied().filter(|key| now < key.first_at + KEY_WINDOW)
    }

    /// Remembers a key from now on.
    pub(super) fn put(&mut self, hash: Digest, key: Key) {
        self.rows.insert(hash, key);
    }

    /// Forgets what was first seen before `before`; answers in how many periods that was.
    pub(super) fn forget(&mut self, before: Timestamp) -> u64 {
        let mut periods = BTreeSet::new();
        self.rows.retain(|_, key| {
            let stays = key.first_at >= before;
            if !stays {
                periods.insert(key.first_at.since(Timestamp::EPOCH).micros() / PERIOD.micros());
            }
            stays
        });
        periods.len() as u64
    }
}
