//! A clock that stands until it is moved.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::ports::{Clock, Waiting};
use model::{TimeSpan, Timestamp};
use tokio::sync::watch;

use crate::random::Dice;

/// A clock for tests: time passes only by [`ManualClock::advance`] and [`ManualClock::set`].
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
    ran_us: AtomicU64,
    drawn: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now), ran_us: AtomicU64::new(0), drawn: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, span: TimeSpan) {
        self.ran_us.fetch_add(span.micros(), Ordering::Relaxed);
        self.now.send_modify(|now| *now = *now + span);
    }

    /// Jumps, also back, and no time passes: as from one life of the process to the next.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn not_before(&self, at: Timestamp) {
        self.now.send_modify(|now| *now = (*now).max(at));
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn ran(&self) -> TimeSpan {
        TimeSpan::from_micros(self.ran_us.load(Ordering::Relaxed))
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        let mut now = self.now.subscribe();
        let until = self.now() + span;
        Box::pin(async move {
            let ended = now.wait_for(|now| *now >= until).await;
            assert!(ended.is_ok(), "the clock outlives its sleepers");
        })
    }

    fn chance(&self) -> [u8; 10] {
        let mut dice = Dice::new(self.drawn.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&dice.draw().to_be_bytes());
        bytes[8..].copy_from_slice(&dice.draw().to_be_bytes()[..2]);
        bytes
    }
}
