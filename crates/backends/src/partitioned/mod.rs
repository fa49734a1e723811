//! A journal that behaves like a partitioned broker, for the simulator: several partitions, appends that commit late,
//! acknowledgements that get lost, and a memory for emitted ids that ends. Its key registry is exact.
//!
//! A late append gets its offset when it becomes visible, so a reader never misses it; it lands even when its caller has
//! gone, as a message does that was already on its way. With [`Troubles::NONE`] it is a journal as any other.

mod flight;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Answer, Clock, Hint, Journal, Mark, Usage};
use model::account::Census;
use model::{Appended, EventId, Fault, FaultKind, NewEntry, Offset, Partition, Position, Record, TimeSpan, Timestamp};
use tokio::sync::watch;

use self::flight::Flights;
use crate::memory::{EmittedWindow, Log, Reading};
use crate::random::Dice;

/// What goes wrong, and how often: "one in 0" is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Troubles {
    /// Of so many partitions that an append writes to, one becomes visible late.
    pub late_one_in: u64,
    /// By at most so much.
    pub late_max: TimeSpan,
    /// Of so many appends, one is answered `Unavailable` although it was taken.
    pub lost_answer_one_in: u64,
    /// Of so many appends, one is answered `Unavailable` and was not taken, or only its first entries were.
    pub refused_one_in: u64,
    /// How long an emitted id is found again; `None` for always.
    pub emitted_window: Option<TimeSpan>,
}

impl Troubles {
    /// None.
    pub const NONE: Self =
        Self { late_one_in: 0, late_max: TimeSpan::ZERO, lost_answer_one_in: 0, refused_one_in: 0, emitted_window: None };
}

/// How a journal is made.
#[derive(Clone, Copy, Debug)]
pub struct Making {
    /// How many partitions.
    pub partitions: u16,
    /// The byte budget.
    pub budget: u64,
    /// Where its chances come from.
    pub seed: u64,
    /// What goes wrong.
    pub troubles: Troubles,
}

/// A simulated partitioned broker. It lives as long as the value; a restart of a node keeps the value.
#[derive(Debug)]
pub struct PartitionedJournal {
    clock: Arc<dyn Clock>,
    broker: Mutex<Broker>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Broker {
    log: Log,
    flights: Flights,
    dice: Dice,
    troubles: Troubles,
}

/// How an append will be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Lost,
}

impl PartitionedJournal {
    /// An empty journal that takes the time from `clock`.
    pub fn new(clock: Arc<dyn Clock>, making: Making) -> Self {
        let broker = Broker {
            log: Log::new(making.partitions, making.budget),
            flights: Flights::default(),
            dice: Dice::new(making.seed),
            troubles: making.troubles,
        };
        Self { clock, broker: Mutex::new(broker), changed: watch::Sender::new(0) }
    }

    /// Other troubles from now on; what is on its way stays so.
    pub fn set_troubles(&self, troubles: Troubles) {
        self.broker().troubles = troubles;
    }

    /// Refuses intake at `budget` bytes from now on.
    pub fn set_budget(&self, budget: u64) {
        self.broker().log.set_budget(budget);
    }

    /// Entries that were taken and are not visible yet.
    pub fn in_flight(&self) -> usize {
        self.landed().flights.len()
    }

    fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The broker, after what is due has landed.
    fn landed(&self) -> MutexGuard<'_, Broker> {
        let now = (self.clock.now(), self.clock.ran());
        let mut broker = self.broker();
        if broker.land(now) {
            self.changed.send_modify(|count| *count += 1);
        }
        broker
    }

    async fn append_all(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, Fault> {
        let (ticket, fate) = {
            let now = self.clock.now();
            let mut broker = self.landed();
            let (number, fate) = broker.take(entries, now)?;
            (Ticket { journal: self, number }, fate)
        };
        let answers = loop {
            let due = {
                let broker = self.landed();
                match broker.flights.outcome(ticket.number) {
                    Ok(answers) => break answers,
                    Err(due) => due,
                }
            };
            self.clock.sleep(due.since(self.clock.now())).await;
        };
        match fate {
            Fate::Answered => Ok(answers),
            Fate::Lost => Err(Fault::new(FaultKind::Unavailable, "journal.append")),
        }
    }

    fn ask<'a, T, F>(&'a self, question: F) -> Answer<'a, T>
    where
        T: Send + 'a,
        F: FnOnce(&mut Log) -> T + Send + 'a,
    {
        Box::pin(async move { Ok(question(&mut self.landed().log)) })
    }
}

/// An append that waits for its answers; when its caller goes, they are dropped and its entries land all the same.
struct Ticket<'a> {
    journal: &'a PartitionedJournal,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.journal.broker().flights.abandon(self.number);
    }
}

impl Broker {
    /// Sends entries on their way. Those of one append to one partition keep their order.
    fn take(&mut self, mut entries: Vec<NewEntry>, now: Timestamp) -> Result<(u64, Fate), Fault> {
        self.log.admits(&entries)?;
        let refused = self.dice.one_in(self.troubles.refused_one_in);
        let lost = refused || self.dice.one_in(self.troubles.lost_answer_one_in);
        if refused {
            let first = self.dice.below(entries.len() as u64);
            entries.truncate(usize::try_from(first).unwrap_or(0));
        }
        let delays: Vec<(Partition, TimeSpan)> =
            self.log.partitions().into_iter().map(|partition| (partition, self.delay())).collect();
        let due = |partition: Partition| {
            let delay = delays.iter().find(|(of, _)| *of == partition).map(|(_, delay)| *delay);
            now + delay.unwrap_or_default()
        };
        let entries = entries.into_iter().map(|new| (due(new.partition), new)).collect();
        Ok((self.flights.depart(entries), if lost { Fate::Lost } else { Fate::Answered }))
    }

    fn delay(&mut self) -> TimeSpan {
        if self.dice.one_in(self.troubles.late_one_in) {
            TimeSpan::from_micros(1 + self.dice.below(self.troubles.late_max.micros()))
        } else {
            TimeSpan::ZERO
        }
    }

    /// Makes visible what is due. Says whether anything was.
    fn land(&mut self, now: Reading) -> bool {
        let window = self.troubles.emitted_window.map_or(EmittedWindow::Endless, EmittedWindow::For);
        let mut any = false;
        while let Some(flight) = self.flights.next(now.0) {
            let answer = self.log.append(flight.entry, now, window);
            self.flights.arrive(flight.ticket, flight.index, answer);
            any = true;
        }
        any
    }
}

impl Journal for PartitionedJournal {
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        Box::pin(self.append_all(entries))
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
        self.broker().log.partitions()
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
