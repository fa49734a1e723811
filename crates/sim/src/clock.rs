//! The clock of a node: a machine whose calendar may be wrong and may jump, and a life on it that never goes back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::{Clock, Waiting};
use model::{TimeSpan, Timestamp};

use crate::random::Random;
use crate::timeline::Timeline;

/// How far a machine's calendar is from the true time; it outlives the node's lives.
#[derive(Debug, Default)]
pub struct Calendar {
    off_us: AtomicI64,
}

impl Calendar {
    /// Sets how many microseconds it is ahead of the true time.
    pub fn set_off(&self, micros: i64) {
        self.off_us.store(micros, Ordering::Relaxed);
    }

    fn off_us(&self) -> i64 {
        self.off_us.load(Ordering::Relaxed)
    }
}

/// The clock of one life of a node.
#[derive(Debug)]
pub struct SimClock {
    timeline: Arc<Timeline>,
    calendar: Arc<Calendar>,
    /// How far the calendar was ahead at most in this life.
    ahead_us: AtomicI64,
    chance: Mutex<Random>,
}

impl SimClock {
    /// A clock at the beginning of a life.
    pub fn new(timeline: Arc<Timeline>, calendar: Arc<Calendar>, chance: Random) -> Self {
        Self { timeline, calendar, ahead_us: AtomicI64::new(i64::MIN), chance: Mutex::new(chance) }
    }
}

impl Clock for SimClock {
    /// As the clock of the server does: when the wall goes back, this one goes on from where it was.
    fn now(&self) -> Timestamp {
        let off = self.calendar.off_us();
        let ahead = self.ahead_us.fetch_max(off, Ordering::Relaxed).max(off);
        Timestamp::from_micros(self.timeline.now().micros().saturating_add(ahead))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(self.timeline.now().micros().saturating_add(self.calendar.off_us()))
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(self.timeline.sleep(span))
    }

    fn chance(&self) -> [u8; 10] {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).ten_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_never_goes_back_and_the_wall_does() {
        let (timeline, calendar) = (Arc::new(Timeline::default()), Arc::new(Calendar::default()));
        let clock = SimClock::new(Arc::clone(&timeline), Arc::clone(&calendar), Random::stream(0, "test"));
        calendar.set_off(3_600_000_000);
        let ahead = clock.now();
        calendar.set_off(0);
        assert_eq!(clock.now(), ahead);
        assert_eq!(clock.wall(), timeline.now());
    }
}
