//! The journal in memory: one partition, every append visible and final at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Answer, Clock, Hint, Journal, Mark, Usage};
use model::account::Census;
use model::{Appended, EventId, Fault, NewEntry, Offset, Partition, Position, Record, Timestamp};
use tokio::sync::watch;

use super::log::{EmittedWindow, Log};

/// A journal in memory. It lives as long as the value; a restart is simulated by keeping the value.
#[derive(Debug)]
pub struct MemoryJournal {
    clock: Arc<dyn Clock>,
    log: Mutex<Log>,
    changed: watch::Sender<u64>,
}

impl MemoryJournal {
    /// An empty journal that takes the time from `clock` and refuses intake at `budget` bytes.
    pub fn new(clock: Arc<dyn Clock>, budget: u64) -> Self {
        Self { clock, log: Mutex::new(Log::new(1, budget)), changed: watch::Sender::new(0) }
    }

    /// Refuses intake at `budget` bytes from now on.
    pub fn set_budget(&self, budget: u64) {
        self.log().set_budget(budget);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, Fault> {
        let now = (self.clock.now(), self.clock.ran());
        let mut log = self.log();
        log.admits(&entries)?;
        let answers = entries.into_iter().map(|new| log.append(new, now, EmittedWindow::Endless)).collect();
        drop(log);
        self.changed.send_modify(|count| *count += 1);
        Ok(answers)
    }

    fn ask<'a, T, F>(&'a self, question: F) -> Answer<'a, T>
    where
        T: Send + 'a,
        F: FnOnce(&mut Log) -> T + Send + 'a,
    {
        Box::pin(async move { Ok(question(&mut self.log())) })
    }
}

impl Journal for MemoryJournal {
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        Box::pin(async move { self.append_now(entries) })
    }

    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.ask(move |log| log.read(partition, after, records))
    }

    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>> {
        self.ask(move |log| log.get(position))
    }

    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>> {
        self.ask(move |log| log.find(event))
    }

    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.ask(move |log| log.recent(before, records))
    }

    fn partitions(&self) -> Vec<Partition> {
        self.log().partitions()
    }

    fn head(&self, partition: Partition) -> Answer<'_, Offset> {
        self.ask(move |log| log.head(partition))
    }

    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census> {
        self.ask(move |log| log.census(&cursors))
    }

    fn changed(&self) -> Hint {
        self.changed.subscribe()
    }

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset> {
        self.ask(move |log| log.trim(partition, to, &keep, as_of))
    }

    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>> {
        self.ask(move |log| log.kept(partition, after, records))
    }

    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64> {
        self.ask(move |log| log.release(partition, &offsets, as_of))
    }

    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>> {
        self.ask(move |log| log.keep(partition, offsets))
    }

    fn forget_keys(&self) -> Answer<'_, u64> {
        self.ask(|log| log.forget_keys(self.clock.ran()))
    }

    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64> {
        self.ask(move |log| log.forget_emitted(before))
    }

    fn usage(&self) -> Answer<'_, Usage> {
        self.ask(|log| log.usage())
    }
}
