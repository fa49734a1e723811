//! What retention has removed from the journal, kept by the oracle: checkers ask the stores and the archive together, so that they see the
//! whole history however little of it is left.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Journal, Ledger, Views};
use model::{EventId, Fault, Offset, Partition, Position, Record};

use super::over::Over;

/// Records that were removed, by their place, and what was removed from the ledger.
#[derive(Debug, Default)]
pub struct Archive {
    records: Mutex<BTreeMap<Position, Arc<Record>>>,
    pub(super) over: Over,
}

impl Archive {
    /// Takes records in before they are removed.
    pub fn keep(&self, records: &[Arc<Record>]) {
        self.records().extend(records.iter().map(|record| (record.position, Arc::clone(record))));
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<Position, Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stores themselves, without any weather.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its views.
    pub views: Arc<dyn Views>,
    /// What retention took from both.
    pub archive: Arc<Archive>,
}

impl Stores {
    /// The record that carries an event.
    pub async fn find(&self, event: EventId) -> Result<Option<Arc<Record>>, Fault> {
        if let Some(record) = self.journal.find(event).await? {
            return Ok(Some(record));
        }
        let carries = |record: &&Arc<Record>| record.entry.event().is_some_and(|it| it.id == event);
        Ok(self.archive.records().values().find(carries).cloned())
    }

    /// The record at a position.
    pub async fn get(&self, position: Position) -> Result<Option<Arc<Record>>, Fault> {
        let found = self.journal.get(position).await?;
        Ok(found.or_else(|| self.archive.records().get(&position).cloned()))
    }

    /// Records of a partition after `after`, in order; first what is archived, then what is there.
    pub async fn read(&self, partition: Partition, after: Offset, records: usize) -> Result<Vec<Arc<Record>>, Fault> {
        let from = Position { partition, offset: after };
        let to = Position { partition, offset: Offset(u64::MAX) };
        let archived = |archive: &Archive| -> Vec<Arc<Record>> {
            archive
                .records()
                .range((Excluded(from), Included(to)))
                .take(records)
                .map(|(_, record)| Arc::clone(record))
                .collect()
        };
        let page = archived(&self.archive);
        if page.is_empty() { self.journal.read(partition, after, records).await } else { Ok(page) }
    }
}
