//! The oracle: what is known of a run from outside of the product. Senders, receivers, people and the wrappers of the
//! ports tell it what they saw; checkers compare that with what the stores say.
//!
//! It never changes what happens, apart from ending a run that has broken a rule.

mod archive;
mod arrivals;
mod captures;
mod over;
mod people;
mod senders;
mod work;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{PolicyVersion, TimeSpan};

pub use archive::{Archive, Stores};
pub use arrivals::{Arrival, Arrivals};
pub use captures::Captures;
pub use over::{Gone, Over, Rows};
pub use people::{Action, People};
pub use senders::{Promise, Reply, Request, Senders};
pub use work::{Attempted, Entry, Followed, Life, Step, Work};

use crate::project::Project;
use crate::timeline::Timeline;
use crate::trace::Trace;

/// What can be broken: the invariants of the design, and the product's own assertions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An accepted event is durable.
    I1,
    /// Every admitted event reaches an end or a person in every flow that takes it.
    I2,
    /// Nothing arrives that was not admitted, and the bytes are right.
    I3,
    /// One key, one event, the same deliveries.
    I4,
    /// A lane keeps the journal's order, one in flight.
    I5,
    /// A cursor never goes back and is never ahead of its effects.
    I6,
    /// Attempts keep count and time.
    I7,
    /// What people change is audited.
    I8,
    /// Everything has a limit.
    I9,
    /// After the faults the backlog drains and a fresh event passes.
    I10,
    /// The accounts balance.
    I11,
    /// What is committed in a captured system is an event, once, in order.
    I13,
    /// A panic, or a loop that gave up.
    Assertion,
}

impl Rule {
    /// The invariants, without the assertions. I12 is of processes, which are not built yet.
    pub const INVARIANTS: [Self; 12] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I13,
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// How, in a sentence.
    pub sentence: String,
    /// When, in virtual time since the beginning.
    pub at: TimeSpan,
}

/// What went because of its age, or for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Rows of the ledger that were removed.
    pub rows: u64,
    /// Appends that a journal without room refused.
    pub refused: u64,
    /// Times that a ledger without room was seen.
    pub shut: u64,
    /// Periods of keys that were forgotten.
    pub key_periods: u64,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Known {
    /// What senders sent and were answered.
    pub senders: Senders,
    /// What arrived at destinations.
    pub arrivals: Arrivals,
    /// What the ledger took.
    pub work: Work,
    /// What the ledger took of captures.
    pub captures: Captures,
    /// What people did.
    pub people: People,
    /// What went.
    pub upkeep: Upkeep,
    /// The projects that policies were made of.
    pub projects: BTreeMap<PolicyVersion, Arc<Project>>,
    /// What was broken, oldest first.
    pub violations: Vec<Violation>,
}

/// The oracle of a run.
#[derive(Debug)]
pub struct Oracle {
    timeline: Arc<Timeline>,
    trace: Arc<Trace>,
    known: Mutex<Known>,
}

impl Oracle {
    /// An oracle that knows nothing yet.
    pub fn new(timeline: Arc<Timeline>, trace: Arc<Trace>) -> Self {
        Self { timeline, trace, known: Mutex::new(Known::default()) }
    }

    /// What is known; held for a moment, never across an await.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that a rule was broken, once for each of these sentences.
    pub fn blame(&self, rule: Rule, sentences: impl IntoIterator<Item = String>) {
        let at = self.timeline.elapsed();
        for sentence in sentences {
            self.trace.note(at, || format!("{rule} is broken: {sentence}"));
            self.known().violations.push(Violation { rule, sentence, at });
        }
    }

    /// Whether any rule was broken.
    pub fn is_broken(&self) -> bool {
        !self.known().violations.is_empty()
    }

    /// Whether this rule was broken.
    pub fn is_broken_by(&self, rule: Rule) -> bool {
        self.known().violations.iter().any(|violation| violation.rule == rule)
    }

    /// The true time since the beginning.
    pub fn elapsed(&self) -> TimeSpan {
        self.timeline.elapsed()
    }

    /// Something that a person may want to read.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.trace.note(self.timeline.elapsed(), line);
    }
}
