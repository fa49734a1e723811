//! What happened in a run: a digest that two runs of one seed share, and on demand lines for people.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::TimeSpan;

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    keep: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    digest: u64,
    lines: VecDeque<String>,
}

impl Trace {
    /// A trace that keeps its last `keep` lines; with 0 no line is ever made.
    pub fn new(keep: usize) -> Self {
        Self { keep, state: Mutex::new(State::default()) }
    }

    /// A task was polled at a time.
    pub fn step(&self, task: u64, at: TimeSpan) {
        self.mix(task ^ at.micros().rotate_left(20));
    }

    /// Something happened that a person may want to read.
    pub fn note(&self, at: TimeSpan, line: impl FnOnce() -> String) {
        if self.keep == 0 {
            return;
        }
        let micros = at.micros();
        let line = format!("{:>9}.{:06} {}", micros / 1_000_000, micros % 1_000_000, line());
        let mut state = self.lock();
        if state.lines.len() >= self.keep {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
    }

    /// Something that two runs of one seed must agree in.
    pub fn mix(&self, value: u64) {
        let mut state = self.lock();
        state.digest = (state.digest.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    /// The digest so far.
    pub fn digest(&self) -> u64 {
        self.lock().digest
    }

    /// The lines that were kept, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
