//! Entries on their way: taken, not visible yet.

use std::collections::BTreeMap;

use model::{Appended, NewEntry, Timestamp};

/// All that is on its way, and the answers that callers wait for.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// By when they land, and by the order of their taking.
    flying: BTreeMap<(Timestamp, u64), Flight>,
    waiting: BTreeMap<u64, Waiting>,
    taken: u64,
}

/// One entry on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// The append that it belongs to.
    pub(super) ticket: u64,
    /// Its place among the entries of that append.
    pub(super) index: usize,
    /// The entry.
    pub(super) entry: NewEntry,
}

/// A caller who waits.
#[derive(Debug)]
struct Waiting {
    answers: Vec<Option<Appended>>,
    /// When the last of its entries lands.
    due: Timestamp,
}

impl Flights {
    /// Takes the entries of an append, each with its time of landing. Answers the number to ask by.
    pub(super) fn depart(&mut self, entries: Vec<(Timestamp, NewEntry)>) -> u64 {
        self.taken += 1;
        let ticket = self.taken;
        let due = entries.iter().map(|(due, _)| *due).max().unwrap_or_default();
        self.waiting.insert(ticket, Waiting { answers: vec![None; entries.len()], due });
        for (index, (due, entry)) in entries.into_iter().enumerate() {
            self.taken += 1;
            self.flying.insert((due, self.taken), Flight { ticket, index, entry });
        }
        ticket
    }

    /// The next that lands at or before `now`.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Flight> {
        let first = self.flying.first_entry()?;
        let (due, _) = *first.key();
        (due <= now).then(|| first.remove())
    }

    /// What became of an entry; kept for its caller, if there still is one.
    pub(super) fn arrive(&mut self, ticket: u64, index: usize, answer: Appended) {
        if let Some(place) = self.waiting.get_mut(&ticket).and_then(|it| it.answers.get_mut(index)) {
            *place = Some(answer);
        }
    }

    /// All answers of an append, or when the last of them comes.
    pub(super) fn outcome(&self, ticket: u64) -> Result<Vec<Appended>, Timestamp> {
        let Some(waiting) = self.waiting.get(&ticket) else { return Ok(Vec::new()) };
        let answers: Option<Vec<Appended>> = waiting.answers.iter().copied().collect();
        answers.ok_or(waiting.due)
    }

    /// Nobody waits for this append any more.
    pub(super) fn abandon(&mut self, ticket: u64) {
        self.waiting.remove(&ticket);
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.flying.len()
    }
}
