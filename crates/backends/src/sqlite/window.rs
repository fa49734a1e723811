//! The records that were just appended, as they were parsed: consumers take them from here without SQL.

use std::collections::VecDeque;
use std::sync::Arc;

use model::limit::READ_BYTES_MAX;
use model::{Offset, Record};

/// What a record takes beside its body, roughly.
const HEAD_BYTES: usize = 512;

/// A bounded run of records without gaps, up to the journal's head.
#[derive(Debug)]
pub(super) struct Window {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    bytes_max: usize,
}

impl Window {
    /// An empty window for so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { records: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Takes the next record in; the oldest leave.
    pub(super) fn push(&mut self, record: Arc<Record>) {
        let follows = self.records.back().is_none_or(|last| last.position.offset.0 + 1 == record.position.offset.0);
        assert!(follows, "INVARIANT: the window has no gaps");
        self.bytes += weight(&record);
        self.records.push_back(record);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= weight(&oldest);
        }
    }

    /// Records after an offset; `None` when the window does not reach back so far.
    pub(super) fn after(&self, after: Offset, records: usize) -> Option<Vec<Arc<Record>>> {
        let from = self.index(Offset(after.0.checked_add(1)?))?;
        Some(page(self.records.range(from..).take(records).cloned()))
    }

    /// The record at an offset, where it is here.
    pub(super) fn get(&self, offset: Offset) -> Option<Arc<Record>> {
        self.records.get(self.index(offset)?).cloned()
    }

    /// The records up to and including `to` are gone.
    pub(super) fn trim(&mut self, to: Offset) {
        while self.records.front().is_some_and(|record| record.position.offset <= to) {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= weight(&oldest);
        }
    }

    fn index(&self, offset: Offset) -> Option<usize> {
        let first = self.records.front()?.position.offset;
        usize::try_from(offset.0.checked_sub(first.0)?).ok().filter(|index| *index < self.records.len())
    }
}

/// As many records as one read answers: at least one, where there is one.
pub(super) fn page(records: impl Iterator<Item = Arc<Record>>) -> Vec<Arc<Record>> {
    let mut page = Vec::new();
    let mut bytes = 0;
    for record in records {
        bytes += weight(&record);
        if bytes > READ_BYTES_MAX && !page.is_empty() {
            break;
        }
        page.push(record);
    }
    page
}

/// What a record counts as.
pub(super) fn weight(record: &Record) -> usize {
    HEAD_BYTES + record.entry.event().map_or(0, |event| event.body.len())
}
