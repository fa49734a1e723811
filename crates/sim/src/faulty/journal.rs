//! The journal as a node sees it.

use std::future::Future;
use std::sync::Arc;

use engine::ports::{Answer, Hint, Journal, Mark, Usage};
use model::account::Census;
use model::limit::TRIM_ROWS_MAX;
use model::{Appended, EventId, Fault, FaultKind, NewEntry, Offset, Partition, Position, Record, Timestamp};
use tokio::sync::watch;

use super::Between;
use crate::checks::{Size, i1_retention_keeps_what_is_needed, i9_everything_has_a_limit};
use crate::defect::Held;
use crate::oracle::Rule;

/// A journal behind weather.
#[derive(Debug)]
pub struct FaultyJournal {
    inner: Arc<dyn Journal>,
    between: Between,
    silence: watch::Sender<u64>,
    held: Held,
}

impl FaultyJournal {
    /// The way of one node's life to a journal.
    pub fn new(inner: Arc<dyn Journal>, between: Between) -> Self {
        Self { inner, between, silence: watch::Sender::new(0), held: Held::default() }
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
            return Err(self.full());
        }
        let answers = match &self.between.defect {
            None => self.inner.append(entries).await,
            Some(defect) => defect.append_or_hold(&*self.inner, entries, &self.held).await,
        };
        let answers = answers.map_err(|fault| if fault.kind == FaultKind::Full { self.full() } else { fault })?;
        let oracle = &self.between.oracle;
        oracle.known().senders.note_appended(&answers, oracle.elapsed());
        oracle.note(|| format!("journal.append answers {answers:?}"));
        self.between.weather.come_back("journal.append", forecast).await?;
        Ok(answers)
    }

    /// The budget is used up.
    fn full(&self) -> Fault {
        self.between.oracle.known().upkeep.refused += 1;
        Fault::new(FaultKind::Full, "journal.append")
    }

    async fn read_through(&self, partition: Partition, after: Offset, records: usize) -> Result<Vec<Arc<Record>>, Fault> {
        self.look(Size::Read(records));
        let page = self.pass("journal.read", self.inner.read(partition, after, records)).await?;
        self.look(Size::Got(page.len(), records));
        Ok(match &self.between.defect {
            None => page,
            Some(defect) => defect.judged(page),
        })
    }
}

impl FaultyJournal {
    /// What goes is looked at and archived first; nothing happens between that and its removal.
    async fn trim_through(
        &self,
        partition: Partition,
        to: Offset,
        (keep, as_of): (Vec<Offset>, Mark),
    ) -> Result<Offset, Fault> {
        let Between { weather, oracle, stores, defect } = &self.between;
        let forecast = weather.go("journal.trim").await?;
        let mut going = self.inner.read(partition, Offset(0), TRIM_ROWS_MAX).await?;
        going.retain(|record| record.position.offset <= to);
        let keep = defect.as_ref().map_or_else(|| keep.clone(), |defect| defect.keep(keep.clone()));
        stores.archive.keep(&going);
        oracle.note(|| format!("journal.trim of {} records of partition {}, keeping {keep:?}", going.len(), partition.0));
        let trimmed = self.inner.trim(partition, to, keep, as_of).await?;
        let removed: Vec<Position> = going.iter().map(|record| record.position).collect();
        self.look_at_removed(removed).await?;
        weather.come_back("journal.trim", forecast).await?;
        Ok(trimmed)
    }

    async fn release_through(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Result<u64, Fault> {
        let Between { weather, oracle, stores, .. } = &self.between;
        let forecast = weather.go("journal.release").await?;
        let removed: Vec<Position> = offsets.iter().map(|offset| Position { partition, offset: *offset }).collect();
        for position in &removed {
            stores.archive.keep(self.inner.get(*position).await?.as_slice());
        }
        oracle.note(|| format!("journal.release in partition {} of {offsets:?}", partition.0));
        let released = self.inner.release(partition, offsets, as_of).await?;
        self.look_at_removed(removed).await?;
        weather.come_back("journal.release", forecast).await?;
        Ok(released)
    }

    /// Whether something is gone that somebody needs.
    async fn look_at_removed(&self, removed: Vec<Position>) -> Result<(), Fault> {
        let mut gone = Vec::new();
        for position in removed {
            if self.inner.get(position).await?.is_none() {
                gone.push(position);
            }
        }
        let broken = i1_retention_keeps_what_is_needed(&self.between.oracle.known().work, &gone);
        self.between.oracle.blame(Rule::I1, broken);
        Ok(())
    }

    async fn forget_keys_through(&self) -> Result<u64, Fault> {
        let Between { weather, oracle, .. } = &self.between;
        let forecast = weather.go("journal.forget_keys").await?;
        let periods = self.inner.forget_keys().await?;
        oracle.known().upkeep.key_periods += periods;
        oracle.note(|| format!("journal.forget_keys: {periods} periods"));
        weather.come_back("journal.forget_keys", forecast).await?;
        Ok(periods)
    }

    async fn keep_through(&self, partition: Partition, offsets: Vec<Offset>) -> Result<Vec<Offset>, Fault> {
        let Between { weather, oracle, .. } = &self.between;
        let forecast = weather.go("journal.keep").await?;
        let there = self.inner.keep(partition, offsets).await?;
        oracle.known().work.kept_now(there.iter().map(|offset| Position { partition, offset: *offset }));
        weather.come_back("journal.keep", forecast).await?;
        Ok(there)
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

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset> {
        Box::pin(self.trim_through(partition, to, (keep, as_of)))
    }

    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>> {
        self.look(Size::Trim(records));
        Box::pin(self.pass("journal.kept", self.inner.kept(partition, after, records)))
    }

    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64> {
        self.look(Size::Trim(offsets.len()));
        Box::pin(self.release_through(partition, offsets, as_of))
    }

    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>> {
        self.look(Size::Trim(offsets.len()));
        Box::pin(self.keep_through(partition, offsets))
    }

    fn forget_keys(&self) -> Answer<'_, u64> {
        Box::pin(self.forget_keys_through())
    }

    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64> {
        Box::pin(self.pass("journal.forget_emitted", self.inner.forget_emitted(before)))
    }

    fn usage(&self) -> Answer<'_, Usage> {
        Box::pin(self.pass("journal.usage", self.inner.usage()))
    }
}
