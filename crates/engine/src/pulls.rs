//! What pulling from outboxes meets, for people: lines that wait for an older transaction, lines that were removed before they
//! were read, and lines that tell something else than the contract reads. A view of this life; nothing decides by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{SourceName, Timestamp};

/// So many lines, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// How many.
    pub count: u64,
    /// Since when they wait behind the same transaction, or when it was learnt that they are lost.
    pub since: Timestamp,
}

/// The outbox of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// What is committed there and waits.
    pub held_back: Option<Lines>,
    /// What is lost and not made up for yet.
    pub lost: Option<Lines>,
    /// What was written by another reading than the contract's now.
    pub other_reading: Option<Lines>,
    /// Records that it named and that a rule hides from our user.
    pub hidden: u64,
    /// Since when it is another one than before, while not everything is compared since.
    pub anew: Option<Timestamp>,
}

/// All outboxes of a node.
#[derive(Debug, Default)]
pub struct Pulls {
    outlooks: Mutex<BTreeMap<SourceName, Outlook>>,
}

impl Pulls {
    /// Takes note of how an outbox is.
    pub fn note(&self, source: &SourceName, outlook: Outlook) {
        self.lock().insert(source.clone(), outlook);
    }

    /// Forgets sources that are not captured any more.
    pub fn keep(&self, is_captured: impl Fn(&SourceName) -> bool) {
        self.lock().retain(|source, _| is_captured(source));
    }

    /// All outboxes, by source.
    pub fn all(&self) -> Vec<(SourceName, Outlook)> {
        self.lock().iter().map(|(source, outlook)| (source.clone(), *outlook)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceName, Outlook>> {
        self.outlooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
