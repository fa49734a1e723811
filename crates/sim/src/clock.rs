//! The clock of a node: a machine whose calendar may be wrong and may jump, and a life on it that never goes back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Clock, Waiting};
use engine::rules::onward::Onward;
use model::{TimeSpan, Timestamp};

use crate::defect::Defect;
use crate::random::Random;
use crate::timeline::Timeline;

/// How far a machine's calendar is from the true time; it outlives the node's lives.
#[derive(Debug, Default)]
pub struct Calendar {
    off_us: AtomicI64,
}

impl Calendar {
    /// One that is so far ahead of the true time.
    pub fn fast(span: TimeSpan) -> Self {
        let calendar = Self::default();
        calendar.set_off(i64::try_from(span.micros()).unwrap_or(0));
        calendar
    }

    /// What it says.
    pub fn at(&self, timeline: &Timeline) -> Timestamp {
        Timestamp::from_micros(timeline.now().micros().saturating_add(self.off_us()))
    }

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
    onward: Mutex<Onward>,
    chance: Mutex<Random>,
    defect: Option<Arc<Defect>>,
}

impl SimClock {
    /// A clock at the beginning of a life.
    pub fn new(timeline: Arc<Timeline>, calendar: Arc<Calendar>, chance: Random) -> Self {
        Self { timeline, calendar, onward: Mutex::default(), chance: Mutex::new(chance), defect: None }
    }

    /// The same, in a world where this is broken.
    #[must_use]
    pub fn broken(self, defect: Option<Arc<Defect>>) -> Self {
        Self { defect, ..self }
    }

    /// A new life, no earlier than what was shown last: as of a store that was closed while its nodes were off.
    pub fn begin_again(&self, shown: Timestamp) {
        let mut onward = Onward::default();
        onward.not_before(shown, self.timeline.elapsed(), self.wall());
        *self.onward() = onward;
    }

    fn onward(&self) -> MutexGuard<'_, Onward> {
        self.onward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimClock {
    /// As the clock of the server does: when the wall goes back, this one goes on from where it was.
    fn now(&self) -> Timestamp {
        self.onward().read(self.timeline.elapsed(), self.wall())
    }

    fn not_before(&self, at: Timestamp) {
        if !self.defect.as_ref().is_some_and(|defect| defect.forgets_time()) {
            self.onward().not_before(at, self.timeline.elapsed(), self.wall());
        }
    }

    fn wall(&self) -> Timestamp {
        self.calendar.at(&self.timeline)
    }

    fn ran(&self) -> TimeSpan {
        if self.defect.as_ref().is_some_and(|defect| defect.counts_by_calendar()) {
            return self.now().since(Timestamp::EPOCH);
        }
        self.timeline.elapsed()
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
