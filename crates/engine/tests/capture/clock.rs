//! A clock that counts how often a loop looks at it, and ends a loop that runs hot instead of running with it for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backends::conformance::ManualClock;
use engine::ports::{Clock, Waiting};
use model::{TimeSpan, Timestamp};

/// LIMIT: looks at one moment.
const HOT: u64 = 20_000;

#[derive(Debug)]
pub(crate) struct CountedClock {
    clock: Arc<ManualClock>,
    looks: AtomicU64,
    /// Looks since the clock moved, and where it stood.
    at_once: AtomicU64,
    stood_at: AtomicU64,
}

impl CountedClock {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, looks: AtomicU64::new(0), at_once: AtomicU64::new(0), stood_at: AtomicU64::new(0) }
    }

    /// Looks so far.
    pub(crate) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Clock for CountedClock {
    fn now(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let ran = self.clock.ran().micros();
        if self.stood_at.swap(ran, Ordering::Relaxed) != ran {
            self.at_once.store(0, Ordering::Relaxed);
        }
        assert!(self.at_once.fetch_add(1, Ordering::Relaxed) < HOT, "the loop runs hot");
        self.clock.now()
    }

    fn not_before(&self, at: Timestamp) {
        self.clock.not_before(at);
    }

    fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    fn ran(&self) -> TimeSpan {
        self.clock.ran()
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        self.clock.sleep(span)
    }

    fn chance(&self) -> [u8; 10] {
        self.clock.chance()
    }
}
