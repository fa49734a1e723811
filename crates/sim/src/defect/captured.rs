//! Defects of captures: between a node and the company, and between a node and the journal.

use std::sync::{Mutex, PoisonError};

use engine::ports::{Absence, Journal};
use model::{Appended, Entry, Event, Fault, NewEntry, Offset, Partition, Position, Sight, TimeSpan, Timestamp};

use super::{Defect, Flaw};
use crate::project::Captured;

/// Where the part of a key stands that says how often a record was told: `model/id/written/told/digest`.
const TOLD: usize = 3;

/// What one life of a node has answered, and not yet appended.
#[derive(Debug, Default)]
pub struct Held(Mutex<Vec<NewEntry>>);

impl Defect {
    /// An append that may be answered before it is made: [`Flaw::I13Journal`] strikes here.
    pub async fn append_or_hold(
        &self,
        journal: &dyn Journal,
        entries: Vec<NewEntry>,
        held: &Held,
    ) -> Result<Vec<Appended>, Fault> {
        let is_captured = |new: &NewEntry| new.entry.event().is_some_and(is_of_company);
        if self.flaw != Flaw::I13Journal || !entries.iter().all(is_captured) {
            return self.append(journal, entries).await;
        }
        let nowhere = Position { partition: Partition(0), offset: Offset(1) };
        let answers = vec![Appended::New(nowhere); entries.len()];
        let before = std::mem::replace(&mut *held.0.lock().unwrap_or_else(PoisonError::into_inner), entries);
        if !before.is_empty() {
            journal.append(before).await?;
        }
        Ok(answers)
    }

    /// The key under which an event is appended: [`Flaw::I13Keys`] strikes here.
    pub(super) fn forget_told(&self, entry: &mut Entry) {
        let (Entry::Admitted(event) | Entry::Quarantined { event, .. }) = entry else { return };
        if self.flaw == Flaw::I13Keys && is_of_company(event) {
            let parts = event.key.split('/').enumerate().filter(|(place, _)| *place != TOLD);
            event.key = parts.map(|(_, part)| part).collect::<Vec<_>>().join("/");
        }
    }

    /// From when on a sweep asks: [`Flaw::I13Overlap`] strikes here.
    pub fn written_from(&self, from: Timestamp, captured: &Captured) -> Timestamp {
        if self.flaw == Flaw::I13Overlap { from + captured.overlap } else { from }
    }

    /// When a page is said to be read that took so long: [`Flaw::I13Watermark`] strikes here.
    pub fn read_at(&self, at: Timestamp, took: TimeSpan) -> Timestamp {
        if self.flaw == Flaw::I13Watermark { at + took } else { at }
    }

    /// Ids of known records that are so: [`Flaw::I13Hidden`] strikes here.
    pub fn known_ids(&self, sight: Sight, ids: Vec<u64>) -> Vec<u64> {
        if self.flaw == Flaw::I13Hidden && sight == Sight::Unread { Vec::new() } else { ids }
    }

    /// What is said of records that are not shown: [`Flaw::I13Gone`] strikes here.
    pub fn absent(&self, told: Vec<(u64, Absence)>) -> Vec<(u64, Absence)> {
        if self.flaw == Flaw::I13Gone { told.into_iter().map(|(id, _)| (id, Absence::Gone)).collect() } else { told }
    }
}

fn is_of_company(event: &Event) -> bool {
    event.source.as_str() == Captured::NAME
}
