//! A journal against the one in memory: the same random entries, trims, releases, jumps of the clock and restarts, the same
//! answers.
//!
//! Offsets may have gaps, so positions are compared by their order of appending.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ports::{Clock as _, Journal, Mark};
use model::{Appended, Entry, Event, EventId, NewEntry, Offset, Origin, Partition, Position, Record, TimeSpan};

use super::fixture::JournalFixture;
use super::sample::{emitted, event, event_id, new_entry, person, position, reason, replayed, with_body};
use crate::memory::MemoryJournal;
use crate::random::Dice;

pub(super) const LIST: &[super::Entry<JournalFixture>] = &[
    ("it_answers_as_memory_does_under_random_entries", |it| Box::pin(some_seeds(it, 1))),
    ("it_answers_as_memory_does_under_other_random_entries", |it| Box::pin(some_seeds(it, 2))),
    ("it_answers_as_memory_does_through_a_long_history", |it| Box::pin(a_long_history(it))),
];

const ZERO: Partition = Partition(0);
/// How many keys and emitted ids there are: few, so that they repeat.
const KEYS: u64 = 40;

async fn some_seeds(mut it: JournalFixture, seed: u64) {
    compare_journals(&mut it, seed, 150).await;
}

async fn a_long_history(mut it: JournalFixture) {
    compare_journals(&mut it, 3, 800).await;
}

/// Appends random entries to a fresh journal and to one in memory, and panics with the seed and the step where they differ.
pub async fn compare_journals(it: &mut JournalFixture, seed: u64, steps: u32) {
    let mut pair = Pair {
        reference: Arc::new(MemoryJournal::new(Arc::clone(&it.clock) as _, u64::MAX)),
        dice: Dice::new(seed),
        drawn: 0,
        places: BTreeMap::new(),
        floor: Offset(0),
    };
    for step in 0..steps {
        let told = format!("seed {seed}, step {step}");
        match pair.dice.below(20) {
            0 => pair.trim(it).await,
            1 => pair.pass_time(it),
            2 if pair.dice.one_in(2) => it.restart().await,
            3 => pair.forget(it).await,
            4 => pair.release(it).await,
            _ => pair.append(it, &told).await,
        }
        if step % 10 == 9 || step + 1 == steps {
            pair.compare(it, &told).await;
        }
    }
}

/// The journal in memory, and where its records stand in the other.
struct Pair {
    reference: Arc<MemoryJournal>,
    dice: Dice,
    drawn: u64,
    places: BTreeMap<Offset, Position>,
    floor: Offset,
}

impl Pair {
    /// An event of its own, with one of few keys and one of two bodies for it.
    fn event(&mut self) -> Event {
        self.drawn += 1;
        let key = self.dice.below(KEYS);
        let body = if self.dice.one_in(5) { format!("other {key}") } else { format!("body {key}") };
        let origin = if self.dice.one_in(5) { Origin::Synthetic } else { Origin::Live };
        let received_at = event(self.drawn).received_at;
        with_body(Event { id: event_id(self.drawn), received_at, origin, ..event(key) }, body)
    }

    async fn entry(&mut self) -> NewEntry {
        let n = 1_000_000 + self.drawn + self.dice.below(4);
        match self.dice.below(8) {
            0 => new_entry(Entry::Quarantined { event: self.event(), reasons: vec![reason()] }),
            1 => emitted(self.fresh(n).await, replayed(n, 1)),
            2 => {
                let why = "corrected".to_owned();
                let entry = Entry::Resubmitted {
                    of: event_id(1),
                    at: Some(position(1)),
                    revision: 1,
                    by: person(),
                    why,
                    event: self.event(),
                };
                emitted(self.fresh(n).await, entry)
            }
            3 => {
                let entry = Entry::Released { of: event_id(1), at: position(1), by: person(), why: String::new() };
                emitted(self.fresh(n).await, entry)
            }
            _ => new_entry(Entry::Admitted(self.event())),
        }
    }

    /// The number, unless retention has removed the record under it: whether its id is still found is left open.
    async fn fresh(&mut self, n: u64) -> u64 {
        let live = self.reference.read(ZERO, Offset(0), usize::MAX).await.expect("memory answers");
        let id = Some(super::sample::emitted_id(n));
        let trimmed = self.floor > Offset(0) && !live.iter().any(|record| record.emitted == id);
        if trimmed { 2_000_000 + self.drawn * 8 + self.dice.below(8) } else { n }
    }

    async fn append(&mut self, it: &JournalFixture, told: &str) {
        let mut entries = Vec::new();
        for _ in 0..=self.dice.below(6) {
            entries.push(self.entry().await);
        }
        let expected = self.reference.append(entries.clone()).await.expect("memory appends");
        let found = it.journal().append(entries).await.expect("the append is taken");
        assert_eq!(found.len(), expected.len(), "{told}");
        for (found, expected) in found.iter().zip(&expected) {
            if let (Appended::New(here), Appended::New(there)) = (found, expected) {
                let last = self.places.insert(there.offset, *here);
                assert_eq!(last, None, "{told}");
            }
            assert_eq!(*found, self.placed(*expected), "{told}");
        }
    }

    /// The answer of memory, with the position that its record has in the other.
    fn placed(&self, answer: Appended) -> Appended {
        match answer {
            Appended::New(there) => Appended::New(self.place(there)),
            Appended::Duplicate(there, id) => Appended::Duplicate(self.place(there), id),
            Appended::KeyReused(there, id) => Appended::KeyReused(self.place(there), id),
        }
    }

    fn place(&self, there: Position) -> Position {
        self.places.get(&there.offset).copied().unwrap_or_default()
    }

    fn pass_time(&mut self, it: &JournalFixture) {
        let jitter = TimeSpan::from_micros(self.dice.below(1_000_000));
        let days = TimeSpan::from_days(self.dice.below(6));
        match self.dice.below(25) {
            0..5 => it.clock.set(it.clock.now() - days - jitter),
            5..9 => it.clock.set(it.clock.now() + days.times(10) + jitter),
            _ => it.clock.advance(days + jitter),
        }
    }

    async fn forget(&mut self, it: &JournalFixture) {
        for journal in [it.journal(), &*self.reference] {
            journal.forget_keys().await.expect("the journal forgets");
        }
    }

    async fn trim(&mut self, it: &JournalFixture) {
        let live = self.reference.read(ZERO, Offset(0), usize::MAX).await.expect("memory answers");
        let half = self.dice.below(live.len() as u64 / 2 + 1);
        let gone: Vec<Offset> =
            live.iter().take(usize::try_from(half).unwrap_or(0)).map(|record| record.position.offset).collect();
        let Some(to) = gone.last().copied() else { return };
        let keep: Vec<Offset> = gone.iter().copied().filter(|_| self.dice.one_in(3)).collect();
        let place = |offset: &Offset| self.places.get(offset).map(|place| place.offset).unwrap_or_default();
        let (to_there, keep_there): (Offset, Vec<Offset>) = (place(&to), keep.iter().map(place).collect());
        let marks = self.marks(it).await;
        let spared: Vec<Offset> = live.iter().map(|at| at.position.offset).filter(|_| self.dice.one_in(20)).collect();
        self.keep(it, spared).await;
        while self.reference.trim(ZERO, to, keep.clone(), marks.0).await.expect("memory trims") < to {}
        while it.journal().trim(ZERO, to_there, keep_there.clone(), marks.1).await.expect("the journal trims") < to_there {}
        self.floor = to;
    }

    /// Now, in memory and in the other.
    async fn marks(&self, it: &JournalFixture) -> (Mark, Mark) {
        let there = self.reference.usage().await.expect("memory measures").mark;
        (there, it.journal().usage().await.expect("the journal measures").mark)
    }

    async fn keep(&self, it: &JournalFixture, offsets: Vec<Offset>) {
        let here = offsets.iter().map(|offset| self.place(position(offset.0)).offset).collect();
        let expected = self.reference.keep(ZERO, offsets).await.expect("memory keeps");
        let found = it.journal().keep(ZERO, here).await.expect("the journal keeps");
        let expected: Vec<Offset> = expected.iter().map(|offset| self.place(position(offset.0)).offset).collect();
        assert_eq!(found, expected);
    }

    /// Some of what is kept goes, but for what is asked for in between.
    async fn release(&mut self, it: &JournalFixture) {
        let kept = self.reference.kept(ZERO, Offset(0), usize::MAX).await.expect("memory answers");
        let gone: Vec<Offset> = kept.iter().copied().filter(|_| self.dice.one_in(3)).collect();
        let marks = self.marks(it).await;
        let spared: Vec<Offset> = kept.into_iter().filter(|_| self.dice.one_in(4)).collect();
        self.keep(it, spared).await;
        let here = gone.iter().map(|offset| self.place(position(offset.0)).offset).collect();
        let expected = self.reference.release(ZERO, gone, marks.0).await.expect("memory releases");
        let found = it.journal().release(ZERO, here, marks.1).await.expect("the journal releases");
        assert_eq!(found, expected);
    }

    /// Everything that can be asked, asked of both.
    async fn compare(&mut self, it: &JournalFixture, told: &str) {
        let expected = self.reference.read(ZERO, Offset(0), usize::MAX).await.expect("memory answers");
        let found = it.read_all(ZERO, Offset(0)).await;
        self.same(&found, &expected, told);
        let kept = self.reference.kept(ZERO, Offset(0), usize::MAX).await.expect("memory answers");
        let kept: Vec<Offset> = kept.iter().map(|offset| self.place(position(offset.0)).offset).collect();
        assert_eq!(it.journal().kept(ZERO, Offset(0), usize::MAX).await.ok(), Some(kept), "{told}");
        for (there, here) in &self.places {
            let expected = self.reference.get(position(there.0)).await.expect("memory answers");
            let found = it.journal().get(*here).await.expect("the journal reads");
            self.same(found.as_slice(), expected.as_slice(), told);
        }
        for n in 1..=self.drawn {
            self.compare_event(it, event_id(n), told).await;
        }
        let recent = it.journal().recent(None, 30).await.expect("the journal reads");
        self.same(&recent, &self.reference.recent(None, 30).await.expect("memory answers"), told);
        let cursor = self.dice.pick(&expected).map(|record| record.position.offset).unwrap_or(self.floor);
        let here = self.places.get(&cursor).map(|place| place.offset).unwrap_or_default();
        let census = it.journal().census(vec![(ZERO, here)]).await.ok();
        assert_eq!(census, self.reference.census(vec![(ZERO, cursor)]).await.ok(), "{told}");
        let oldest = it.journal().usage().await.expect("the journal measures").oldest_at;
        assert_eq!(oldest, self.reference.usage().await.expect("memory measures").oldest_at, "{told}");
    }

    async fn compare_event(&self, it: &JournalFixture, event: EventId, told: &str) {
        let expected = self.reference.find(event).await.expect("memory answers");
        let found = it.journal().find(event).await.expect("the journal reads");
        self.same(found.as_slice(), expected.as_slice(), told);
    }

    fn same(&self, found: &[Arc<Record>], expected: &[Arc<Record>], told: &str) {
        let moved = |record: &Arc<Record>| Record { position: self.place(record.position), ..Record::clone(record) };
        let expected: Vec<Record> = expected.iter().map(moved).collect();
        assert_eq!(found.len(), expected.len(), "{told}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(**found, *expected, "{told}");
        }
    }
}
