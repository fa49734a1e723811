//! The journal as a node sees it.

use std::future::Future;
use std::sync::Arc;

use engine::ports::{Answer, Hint, Journal, Usage};
use model::account::Census;
use model::limit::TRIM_ROWS_MAX;
use model::{Appended, EventId, Fault, FaultKind, NewEntry, Offset, Partition, Position, Record, Timestamp};
use tokio::sync::watch;

use super::Between;
use crate::checks::{Size, i1_retention_keeps_what_is_needed, i9_everything_has_a_limit};
use crate::oracle::Rule;

/// A journal behind weather.
#[derive(Debug)]
pub struct FaultyJournal {
    inner: Arc<dyn Journal>,
    between: Between,
    silence: watch::Sender<u64>,
}

impl FaultyJournal {
    /// The way of one node's life to a journal.
    pub fn new(inner: Arc<dyn Journal>, between: Between) -> Self {
        Self { inner, between, silence: watch::Sender::new(0) }
    }

    async fn pass<T>(&self, op: &'static str, ask: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let forecast = self.between.weather.go(op).await?;
        let answer = ask.await;
        self.between.weather.come_back(op, forecast).await?;
        answer
    }

    fn look(&self, size: Size) {
        self.between.oracle.blame(Rule::I9, i9_everything_has_a_limit(size));
    }

    async fn append_through(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, Fault> {
        self.look(Size::Append(entries.len()));
        let forecast = self.between.weather.go("journal.append").await?;
        if self.between.weather.is_full() && entries.iter().any(|new| new.emitted.is_none()) {
            return Err(Fault::new(FaultKind::Full, "journal.append"));
        }
        let answers = match &self.between.defect {
            None => self.inner.append(entries).await?,
            Some(defect) => defect.append(&*self.inner, entries).await?,
        };
        self.between.oracle.note(|| format!("journal.append answers {answers:?}"));
        self.between.weather.come_back("journal.append", forecast).await?;
        Ok(answers)
    }

    async fn read_through(&self, partition: Partition, after: Offset, records: usize) -> Result<Vec<Arc<Record>>, Fault> {
        self.look(Size::Read(records));
        let page = self.pass("journal.read", self.inner.read(partition, after, records)).await?;
        self.look(Size::Got(page.len(), records));
        Ok(page)
    }
}

impl FaultyJournal {
    /// What goes is looked at and archived first; nothing happens between that and its removal.
    async fn trim_through(&self, partition: Partition, to: Offset, keep: Vec<Offset>) -> Result<Offset, Fault> {
        let Between { weather, oracle, archive, .. } = &self.between;
        let forecast = weather.go("journal.trim").await?;
        let mut going = self.inner.read(partition, Offset(0), TRIM_ROWS_MAX).await?;
        going.retain(|record| record.position.offset <= to);
        let broken = i1_retention_keeps_what_is_needed(&oracle.known().work, &going, &keep);
        oracle.blame(Rule::I1, broken);
        archive.keep(&going);
        oracle.note(|| format!("journal.trim of {} records of partition {}, keeping {keep:?}", going.len(), partition.0));
        let trimmed = self.inner.trim(partition, to, keep).await?;
        weather.come_back("journal.trim", forecast).await?;
        Ok(trimmed)
    }
}

impl Journal for FaultyJournal {
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        Box::pin(self.append_through(entries))
    }

    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        Box::pin(self.read_through(partition, after, records))
    }

    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>> {
        Box::pin(self.pass("journal.get", self.inner.get(position)))
    }

    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>> {
        Box::pin(self.pass("journal.find", self.inner.find(event)))
    }

    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.look(Size::Page(records));
        Box::pin(self.pass("journal.recent", self.inner.recent(before, records)))
    }

    fn partitions(&self) -> Vec<Partition> {
        self.inner.partitions()
    }

    fn head(&self, partition: Partition) -> Answer<'_, Offset> {
        Box::pin(self.pass("journal.head", self.inner.head(partition)))
    }

    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census> {
        Box::pin(self.pass("journal.census", self.inner.census(cursors)))
    }

    fn changed(&self) -> Hint {
        if self.between.weather.faults.deaf { self.silence.subscribe() } else { self.inner.changed() }
    }

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>) -> Answer<'_, Offset> {
        Box::pin(self.trim_through(partition, to, keep))
    }

    fn forget_keys(&self, before: Timestamp) -> Answer<'_, u64> {
        Box::pin(self.pass("journal.forget_keys", self.inner.forget_keys(before)))
    }

    fn usage(&self) -> Answer<'_, Usage> {
        Box::pin(self.pass("journal.usage", self.inner.usage()))
    }
}
