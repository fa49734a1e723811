//! How much a contract may do with what comes. What counts takes its steps here, and where none is left the validation is ended from
//! within, by unwinding: no other way leads out of the validator.
//!
//! The count is by thread: a validation is one call that does not wait, and what it calls can be told nothing else.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use model::limit::{VALIDATION_FLOOR, VALIDATION_STEPS_MAX};

use crate::expression::{STEPS_MAX, Steps};

/// LIMIT: steps of one search for what is wrong, once it is known that something is. A step of it is a value that a mistake copies
/// or a fiftieth of a mistake itself, so this bounds memory too: to about 30 MB.
const SEARCH_STEPS_MAX: usize = VALIDATION_STEPS_MAX / 2;

/// What validations may still do: of one event, or of all events of a request together.
#[derive(Debug)]
pub struct Effort {
    left: usize,
    /// Steps of the expressions that find identifiers.
    expressions: usize,
}

/// It takes more steps than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

impl Effort {
    /// As much as one request may ask for.
    pub const fn of_one_request() -> Self {
        Self { left: VALIDATION_STEPS_MAX, expressions: STEPS_MAX }
    }

    /// So many steps of validations, to see what happens at their end.
    #[cfg(test)]
    pub(super) const fn of(left: usize) -> Self {
        Self { left, ..Self::of_one_request() }
    }

    /// Runs a validation that is counted. It may always take a few steps, so that no event suffers for those before it.
    pub(super) fn run<T>(&mut self, validate: impl FnOnce() -> T) -> Result<T, Spent> {
        let allowed = self.left.max(VALIDATION_FLOOR);
        let (answer, left) = counted(Count { left: allowed, mistake: 0 }, validate);
        self.left = self.left.saturating_sub(allowed - left);
        answer
    }

    /// Runs expressions over one event. They too may always take a few steps.
    pub(super) fn read<T>(&mut self, find: impl FnOnce(&Steps) -> T) -> T {
        let steps = Steps::of(self.expressions.max(VALIDATION_FLOOR));
        let found = find(&steps);
        self.expressions = self.expressions.min(steps.left());
        found
    }

    /// Runs a search for what is wrong, in which a mistake costs so much beside what it copies.
    pub(super) fn search<T>(&mut self, mistake: usize, validate: impl FnOnce() -> T) -> Result<T, Spent> {
        let allowed = self.left.clamp(VALIDATION_FLOOR, SEARCH_STEPS_MAX);
        let (answer, left) = counted(Count { left: allowed, mistake }, validate);
        self.left = self.left.saturating_sub(allowed - left);
        answer
    }
}

#[derive(Clone, Copy)]
struct Count {
    left: usize,
    /// What a mistake costs.
    mistake: usize,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { left: usize::MAX, mistake: 0 }) };
}

/// What it answers, and how many steps are left.
fn counted<T>(count: Count, validate: impl FnOnce() -> T) -> (Result<T, Spent>, usize) {
    let before = COUNT.replace(count);
    let answer = catch_unwind(AssertUnwindSafe(validate));
    let left = COUNT.replace(before).left;
    match answer {
        Ok(answer) => (Ok(answer), left),
        Err(thrown) if thrown.is::<Spent>() => (Err(Spent), 0),
        Err(thrown) => resume_unwind(thrown),
    }
}

/// How many steps are left to the validation that runs in this thread.
pub(super) fn left() -> usize {
    COUNT.get().left
}

/// What a mistake costs the validation that runs in this thread.
pub(super) fn mistake() -> usize {
    COUNT.get().mistake
}

/// Takes steps from the validation that runs in this thread, or ends it.
pub(super) fn take(steps: usize) {
    let count = COUNT.get();
    match count.left.checked_sub(steps) {
        Some(left) => COUNT.set(Count { left, ..count }),
        None => resume_unwind(Box::new(Spent)),
    }
}
