//! The other side's books: what each simulated system sent, what it received, and what it did about it. Written by the
//! systems alone; the product never writes here, and is compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::system::System;

/// LIMIT: ids that are remembered, about 100 bytes each; the shop places no orders above it.
pub const IDS_MAX: usize = 1_000_000;

/// The totals of one system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Different events that were answered with 202.
    pub sent_accepted: u64,
    /// Answers with 202 for an event that had one before.
    pub sent_duplicates: u64,
    /// What it sent and was refused: answers that are no 202.
    pub sent_refused: u64,
    /// What it sent without an answer.
    pub sent_unanswered: u64,
    /// Webhooks that it gave up.
    pub sent_given_up: u64,
    /// Requests that reached it.
    pub received: u64,
    /// Different deliveries that it took.
    pub received_unique: u64,
    /// Deliveries that it had taken before and recognised by their id.
    pub received_repeats: u64,
    /// Requests that it turned away: it was down, in a hurry, or did not like them.
    pub turned_away: u64,
    /// Requests that did not prove where they come from.
    pub unproven: u64,
    /// Things that it did.
    pub effects: u64,
    /// Commands that it carried out a second time for the same order, because they came as another delivery. 0, or
    /// something is wrong, or a person wanted it so.
    pub doubled_effects: u64,
}

/// The books as they are answered at `GET /ledger`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// `crossdock/world/1`.
    pub schema: String,
    /// The seed of all decisions.
    pub seed: u64,
    /// How fast the world goes.
    pub speed: u32,
    /// Whether it stands still.
    pub paused: bool,
    /// Orders that the shop placed since the start.
    pub orders_placed: u64,
    /// Journeys that are not at their end.
    pub under_way: u64,
    /// The totals since the start.
    pub systems: BTreeMap<System, Totals>,
}

/// What a system is asked to do, as far as its book must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// It brings a state up to date; again is the same.
    State(&'a str),
    /// It does something; again would be twice.
    Command(&'a str),
}

/// What a delivery is to the system that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// New, about something new.
    New,
    /// New, about something that was known.
    Further,
    /// The same delivery again.
    Repeat,
}

#[derive(Debug, Default)]
struct Book {
    totals: Totals,
    accepted: BTreeSet<String>,
    taken: BTreeSet<String>,
    known: BTreeSet<String>,
}

/// The books of all systems.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<BTreeMap<System, Book>>);

impl Ledger {
    /// An answer with 202 and the event's id.
    pub fn accepted(&self, system: System, event: &str) {
        self.with(system, |book| {
            if book.accepted.insert(event.to_owned()) {
                book.totals.sent_accepted += 1;
            } else {
                book.totals.sent_duplicates += 1;
            }
        });
    }

    /// Something that is only counted.
    pub fn count(&self, system: System, counted: impl FnOnce(&mut Totals)) {
        self.with(system, |book| counted(&mut book.totals));
    }

    /// A delivery that the system takes under its id.
    pub fn take(&self, system: System, delivery: &str, deed: Deed<'_>) -> Taken {
        self.with(system, |book| {
            if !book.taken.insert(delivery.to_owned()) {
                book.totals.received_repeats += 1;
                return Taken::Repeat;
            }
            book.totals.received_unique += 1;
            book.totals.effects += 1;
            let (Deed::State(about) | Deed::Command(about)) = deed;
            let is_new = book.known.insert(about.to_owned());
            if !is_new && matches!(deed, Deed::Command(_)) {
                book.totals.doubled_effects += 1;
            }
            if is_new { Taken::New } else { Taken::Further }
        })
    }

    /// The totals of all systems.
    pub fn totals(&self) -> BTreeMap<System, Totals> {
        let books = self.books();
        System::ALL
            .into_iter()
            .map(|system| (system, books.get(&system).map(|book| book.totals).unwrap_or_default()))
            .collect()
    }

    /// Whether no more ids can be remembered.
    pub fn is_full(&self) -> bool {
        self.books().values().map(|book| book.accepted.len() + book.taken.len() + book.known.len()).sum::<usize>() >= IDS_MAX
    }

    fn with<T>(&self, system: System, act: impl FnOnce(&mut Book) -> T) -> T {
        act(self.books().entry(system).or_default())
    }

    fn books(&self) -> MutexGuard<'_, BTreeMap<System, Book>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(ledger: &Ledger, system: System) -> Totals {
        ledger.totals()[&system]
    }

    #[test]
    fn an_event_counts_once_however_often_it_is_accepted() {
        let ledger = Ledger::default();
        for event in ["a", "b", "a", "a"] {
            ledger.accepted(System::Shop, event);
        }
        ledger.count(System::Shop, |totals| totals.sent_refused += 1);
        let expected = Totals { sent_accepted: 2, sent_duplicates: 2, sent_refused: 1, ..Totals::default() };
        assert_eq!(totals(&ledger, System::Shop), expected);
        assert_eq!(totals(&ledger, System::Odoo), Totals::default());
    }

    #[test]
    fn a_repeat_has_no_effect_and_a_second_command_is_a_doubled_one() {
        let ledger = Ledger::default();
        let take = |delivery, deed| ledger.take(System::Warehouse, delivery, deed);
        assert_eq!(take("d1", Deed::Command("S1")), Taken::New);
        assert_eq!(take("d1", Deed::Command("S1")), Taken::Repeat);
        assert_eq!(take("d2", Deed::Command("S2")), Taken::New);
        let expected = Totals { received_unique: 2, received_repeats: 1, effects: 2, ..Totals::default() };
        assert_eq!(totals(&ledger, System::Warehouse), expected);
        assert_eq!(take("d3", Deed::Command("S1")), Taken::Further);
        assert_eq!(totals(&ledger, System::Warehouse).doubled_effects, 1);
    }

    #[test]
    fn a_state_may_be_told_again() {
        let ledger = Ledger::default();
        assert_eq!(ledger.take(System::Odoo, "d1", Deed::State("S1")), Taken::New);
        assert_eq!(ledger.take(System::Odoo, "d2", Deed::State("S1")), Taken::Further);
        let expected = Totals { received_unique: 2, effects: 2, ..Totals::default() };
        assert_eq!(totals(&ledger, System::Odoo), expected);
    }
}
