//! Records that nudges named, and when each is read: one entry for a record, however often it is named. Pure.

use std::collections::{BTreeMap, BTreeSet};

use model::limit::NUDGES_MAX;
use model::{TimeSpan, Timestamp};

use crate::nudges::Nudge;

/// How long after a nudge the record is read, and again where nothing was seen yet: Odoo 18 tells before it commits.
const AFTER: [TimeSpan; 3] = [TimeSpan::from_millis(500), TimeSpan::from_secs(3), TimeSpan::from_secs(15)];

/// Nudged records of a source.
#[derive(Debug, Default)]
pub(super) struct Nudged {
    due: BTreeSet<(Timestamp, Nudge)>,
    /// When it is read next, and how often it was.
    records: BTreeMap<Nudge, (Timestamp, usize)>,
}

/// Records of one model that are due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) model: String,
    /// Ids, and how often each was read.
    pub(super) ids: BTreeMap<u64, usize>,
}

impl Nudged {
    /// Whether another nudge finds room.
    pub(super) fn has_room(&self) -> bool {
        self.records.len() < NUDGES_MAX
    }

    /// Takes note of a nudge. One that waits for its first look waits on; one that was looked at begins anew.
    pub(super) fn hear(&mut self, nudge: Nudge, now: Timestamp) {
        if self.records.get(&nudge).is_none_or(|(_, tries)| *tries > 0) {
            self.put(nudge, now + AFTER[0], 0);
        }
    }

    /// Records of a model that wait to be looked at.
    pub(super) fn waiting(&self, model: &str) -> BTreeSet<u64> {
        let first = Nudge { model: model.to_owned(), id: 0 };
        self.records
            .range(first..)
            .map(|(nudge, _)| nudge)
            .take_while(|nudge| nudge.model == model)
            .map(|nudge| nudge.id)
            .collect()
    }

    /// When the first is due.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes what is due of one model, at most `limit`.
    pub(super) fn take(&mut self, now: Timestamp, limit: usize) -> Option<Batch> {
        let model = self.due.first().filter(|(due, _)| *due <= now).map(|(_, nudge)| nudge.model.clone())?;
        let is_due = self.due.iter().take_while(|(due, _)| *due <= now).filter(|(_, nudge)| nudge.model == model);
        let taken: Vec<_> = is_due.take(limit).cloned().collect();
        let mut ids = BTreeMap::new();
        for (due, nudge) in taken {
            let tries = self.records.remove(&nudge).map_or(0, |(_, tries)| tries);
            ids.insert(nudge.id, tries);
            self.due.remove(&(due, nudge));
        }
        Some(Batch { model, ids })
    }

    /// Puts back what was not read: it is as due as it was.
    pub(super) fn put_back_unread(&mut self, batch: Batch, now: Timestamp) {
        for (id, tries) in batch.ids {
            let nudge = Nudge { model: batch.model.clone(), id };
            if !self.records.contains_key(&nudge) {
                self.put(nudge, now + AFTER[0], tries);
            }
        }
    }

    /// Puts back what was read and had no news, unless it was read often enough: then the next sweep has it.
    pub(super) fn put_back(&mut self, batch: Batch, news: &BTreeSet<u64>, now: Timestamp) {
        for (id, tries) in batch.ids.into_iter().filter(|(id, _)| !news.contains(id)) {
            let nudge = Nudge { model: batch.model.clone(), id };
            if let Some(after) = AFTER.get(tries + 1).filter(|_| !self.records.contains_key(&nudge)) {
                self.put(nudge, now + *after, tries + 1);
            }
        }
    }

    fn put(&mut self, nudge: Nudge, due: Timestamp, tries: usize) {
        if let Some((before, _)) = self.records.insert(nudge.clone(), (due, tries)) {
            self.due.remove(&(before, nudge.clone()));
        }
        self.due.insert((due, nudge));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    fn order(id: u64) -> Nudge {
        Nudge { model: "sale.order".to_owned(), id }
    }

    fn ids(batch: Option<&Batch>) -> Vec<(u64, usize)> {
        batch.map(|batch| batch.ids.clone().into_iter().collect()).unwrap_or_default()
    }

    #[test]
    fn a_record_is_read_soon_and_twice_more_while_there_is_no_news() {
        let (mut nudged, nothing) = (Nudged::default(), BTreeSet::new());
        nudged.hear(order(1), at(0));
        nudged.hear(order(1), at(400));
        let mut read = Vec::new();
        for now in (0..30_000).step_by(100) {
            if let Some(batch) = nudged.take(at(now), 10) {
                read.push((now, ids(Some(&batch))));
                nudged.put_back(batch, &nothing, at(now));
            }
        }
        assert_eq!(read, [(500, vec![(1, 0)]), (3_500, vec![(1, 1)]), (18_500, vec![(1, 2)])]);
        assert_eq!((nudged.due_at(), nudged.records.len()), (None, 0));
    }

    #[test]
    fn what_had_news_is_done_and_what_is_named_again_begins_anew() {
        let mut nudged = Nudged::default();
        nudged.hear(order(1), at(0));
        nudged.hear(order(2), at(0));
        let batch = nudged.take(at(500), 10).unwrap();
        nudged.put_back(batch, &BTreeSet::from([1]), at(500));
        assert_eq!(nudged.due_at(), Some(at(3_500)));
        nudged.hear(order(2), at(600));
        assert_eq!((nudged.due_at(), nudged.due.len()), (Some(at(1_100)), 1));
        assert_eq!(ids(nudged.take(at(1_100), 10).as_ref()), [(2, 0)]);
    }

    #[test]
    fn models_are_read_one_by_one_and_no_more_than_asked_for() {
        let mut nudged = Nudged::default();
        for id in 0..5 {
            nudged.hear(order(id), at(0));
        }
        nudged.hear(Nudge { model: "stock.quant".to_owned(), id: 9 }, at(0));
        assert_eq!(nudged.take(at(499), 3), None);
        assert_eq!(ids(nudged.take(at(500), 3).as_ref()).len(), 3);
        assert_eq!(ids(nudged.take(at(500), 3).as_ref()).len(), 2);
        assert_eq!(nudged.take(at(500), 3).map(|batch| batch.model).as_deref(), Some("stock.quant"));
        assert_eq!(nudged.take(at(500), 3), None);
    }
}
