//! Nudges that wait to be looked after, one for a record however often it was named. Not durable, and not meant to be: what
//! is lost here, the next sweep finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::SourceName;
use model::limit::NUDGES_MAX;
use tokio::sync::watch;

use crate::ports::Hint;

/// A record that may have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nudge {
    /// Its model.
    pub model: String,
    /// Its id.
    pub id: u64,
}

/// All nudges of a node.
#[derive(Debug, Default)]
pub struct Nudges {
    waiting: Mutex<BTreeMap<SourceName, Waiting>>,
    heard: watch::Sender<u64>,
}

/// What waits of a source.
#[derive(Debug, Default)]
struct Waiting {
    records: BTreeSet<Nudge>,
    /// Nudges that were heard, those that said nothing new and those without room included.
    heard: u64,
}

/// What was taken of a source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Records to be looked at.
    pub records: Vec<Nudge>,
    /// How many nudges were heard since the last time.
    pub heard: u64,
}

impl Nudges {
    /// Takes note of a nudge. Without room it is only counted.
    pub fn hear(&self, source: &SourceName, nudge: Nudge) {
        let mut all = self.lock();
        let waiting = all.entry(source.clone()).or_default();
        waiting.heard += 1;
        if waiting.records.len() < NUDGES_MAX {
            waiting.records.insert(nudge);
        }
        drop(all);
        self.heard.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Takes what waits of a source, at most `limit` records.
    pub fn take(&self, source: &SourceName, limit: usize) -> Taken {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(source) else { return Taken::default() };
        let records: Vec<Nudge> = waiting.records.iter().take(limit).cloned().collect();
        for record in &records {
            waiting.records.remove(record);
        }
        Taken { records, heard: std::mem::take(&mut waiting.heard) }
    }

    /// Rises when something was heard.
    pub fn changed(&self) -> Hint {
        self.heard.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceName, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_waits_once_however_often_it_is_named() {
        let nudges = Nudges::default();
        let (erp, other) = ("erp".parse().unwrap(), "other".parse().unwrap());
        let nudge = |id| Nudge { model: "sale.order".to_owned(), id };
        for id in [2, 1, 2, 2, 3] {
            nudges.hear(&erp, nudge(id));
        }
        assert_eq!(nudges.take(&other, 10), Taken::default());
        assert_eq!(nudges.take(&erp, 2), Taken { records: vec![nudge(1), nudge(2)], heard: 5 });
        assert_eq!(nudges.take(&erp, 2), Taken { records: vec![nudge(3)], heard: 0 });
        assert_eq!(nudges.take(&erp, 2), Taken::default());
    }

    #[test]
    fn without_room_a_nudge_is_counted_and_not_kept() {
        let nudges = Nudges::default();
        let erp = "erp".parse().unwrap();
        for id in 0..NUDGES_MAX as u64 + 5 {
            nudges.hear(&erp, Nudge { model: "sale.order".to_owned(), id });
        }
        let taken = nudges.take(&erp, usize::MAX);
        assert_eq!((taken.records.len(), taken.heard), (NUDGES_MAX, NUDGES_MAX as u64 + 5));
    }
}
