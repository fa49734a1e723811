//! What the day looks at beside the stores: a clock that moves when somebody sleeps, and a journal that counts what
//! retention takes in one commit, and how many such commits an append waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use engine::ports::{Answer, Clock, Hint, Journal, Mark, Usage, Waiting};
use model::account::Census;
use model::{Appended, EventId, NewEntry, Offset, Partition, Position, Record, TimeSpan, Timestamp};

/// Time that passes when somebody waits, and when the test says so.
#[derive(Debug)]
pub(crate) struct DayClock {
    now_us: AtomicI64,
    drawn: AtomicU64,
}

impl DayClock {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { now_us: AtomicI64::new(now.micros()), drawn: AtomicU64::new(0) }
    }

    pub(crate) fn advance(&self, span: TimeSpan) {
        self.now_us.fetch_add(i64::try_from(span.micros()).expect("days, not ages"), Ordering::Relaxed);
    }
}

impl Clock for DayClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now_us.load(Ordering::Relaxed))
    }

    fn not_before(&self, at: Timestamp) {
        self.now_us.fetch_max(at.micros(), Ordering::Relaxed);
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        self.now().since(Timestamp::EPOCH)
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(async move {
            self.advance(span);
            tokio::task::yield_now().await;
        })
    }

    fn chance(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }
}

/// A journal with counts.
#[derive(Debug)]
pub(crate) struct WatchedJournal {
    pub(crate) inner: Arc<dyn Journal>,
    /// Commits of retention that have ended.
    ended: AtomicU64,
    /// Rows of the largest of them.
    pub(crate) largest: AtomicU64,
    /// Commits of retention that one append waited for, at most.
    pub(crate) waited_for: AtomicU64,
}

impl WatchedJournal {
    pub(crate) fn new(inner: Arc<dyn Journal>) -> Self {
        let zero = || AtomicU64::new(0);
        Self { inner, ended: zero(), largest: zero(), waited_for: zero() }
    }

    fn took(&self, rows: u64) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.largest.fetch_max(rows, Ordering::Relaxed);
    }
}

impl Journal for WatchedJournal {
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        Box::pin(async move {
            let before = self.ended.load(Ordering::Relaxed);
            let answer = self.inner.append(entries).await;
            self.waited_for.fetch_max(self.ended.load(Ordering::Relaxed) - before, Ordering::Relaxed);
            answer
        })
    }

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset> {
        Box::pin(async move {
            let floor = self.inner.usage().await?.floor;
            let trimmed = self.inner.trim(partition, to, keep, as_of).await?;
            self.took(trimmed.0 + 1 - floor.0);
            Ok(trimmed)
        })
    }

    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move {
            let forgotten = self.inner.forget_emitted(before).await?;
            self.took(forgotten);
            Ok(forgotten)
        })
    }

    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64> {
        Box::pin(async move {
            let released = self.inner.release(partition, offsets, as_of).await?;
            self.took(released);
            Ok(released)
        })
    }

    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.inner.read(partition, after, records)
    }

    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>> {
        self.inner.get(position)
    }

    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>> {
        self.inner.find(event)
    }

    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.inner.recent(before, records)
    }

    fn partitions(&self) -> Vec<Partition> {
        self.inner.partitions()
    }

    fn head(&self, partition: Partition) -> Answer<'_, Offset> {
        self.inner.head(partition)
    }

    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census> {
        self.inner.census(cursors)
    }

    fn changed(&self) -> Hint {
        self.inner.changed()
    }

    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>> {
        self.inner.kept(partition, after, records)
    }

    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>> {
        self.inner.keep(partition, offsets)
    }

    fn forget_keys(&self) -> Answer<'_, u64> {
        self.inner.forget_keys()
    }

    fn usage(&self) -> Answer<'_, Usage> {
        self.inner.usage()
    }
}
