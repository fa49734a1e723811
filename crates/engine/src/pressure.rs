//! How long intake holds a request back while this node has more to do than it can: what was accepted is delivered at the
//! rate at which it is accepted, instead of later and later.
//!
//! The sign is a loop that wakes late while work waits. Work that waits for a slow destination is no sign: then the
//! loops wake in time. It holds nothing back longer than a sender notices, and refuses only while the ledger is full.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::TimeSpan;

/// A loop that wakes so late, on the average of its last wakes, shows a node that has too much to do.
const LATE: TimeSpan = TimeSpan::from_millis(2);
/// LIMIT: how long a request is held back.
const HOLD_MAX: TimeSpan = TimeSpan::from_millis(50);
/// The first step, and what is no more worth a wait.
const STEP: TimeSpan = TimeSpan::from_millis(1);

/// The pressure on a node. Shared by intake, which feels it, and the loops, which make it.
#[derive(Debug, Default)]
pub struct Pressure {
    hold_us: AtomicU64,
    late_us: AtomicU64,
    behind: AtomicBool,
    full: AtomicBool,
}

impl Pressure {
    /// There is more work than a loop could take at once.
    pub fn behind(&self) {
        self.behind.store(true, Ordering::Relaxed);
    }

    /// A loop woke so much later than it wanted to. To be told again and again by one loop.
    pub fn woke(&self, late: TimeSpan) {
        let average = (self.late_us.load(Ordering::Relaxed) * 7 + late.micros()) / 8;
        self.late_us.store(average, Ordering::Relaxed);
        let hold = self.hold_us.load(Ordering::Relaxed);
        let more = self.behind.swap(false, Ordering::Relaxed) && average >= LATE.micros();
        let hold = if more { (hold + hold / 2 + STEP.micros()).min(HOLD_MAX.micros()) } else { hold * 7 / 8 };
        self.hold_us.store(if hold < STEP.micros() { 0 } else { hold }, Ordering::Relaxed);
    }

    /// Whether the ledger has no room for what would follow from one more event. To be told again and again by one loop.
    pub fn set_full(&self, is_full: bool) {
        self.full.store(is_full, Ordering::Relaxed);
    }

    /// Whether the ledger was full when it was last looked at.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// How long a request is held back now.
    pub fn hold(&self) -> Option<TimeSpan> {
        Some(TimeSpan::from_micros(self.hold_us.load(Ordering::Relaxed))).filter(|hold| hold.micros() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hold after so many wakes, each so late, with work waiting or not.
    fn after(wakes: usize, late_ms: u64, is_behind: bool, pressure: &Pressure) -> u64 {
        for _ in 0..wakes {
            if is_behind {
                pressure.behind();
            }
            pressure.woke(TimeSpan::from_millis(late_ms));
        }
        pressure.hold().map_or(0, TimeSpan::micros)
    }

    #[test]
    fn only_a_late_loop_with_work_waiting_holds_requests_back() {
        assert_eq!(after(50, 0, true, &Pressure::default()), 0, "a slow destination");
        assert_eq!(after(50, 20, false, &Pressure::default()), 0, "a busy machine");
        assert!(after(50, 20, true, &Pressure::default()) > 0);
    }

    #[test]
    fn the_hold_has_a_limit_and_goes_when_the_work_is_done() {
        let pressure = Pressure::default();
        assert_eq!(after(200, 90, true, &pressure), HOLD_MAX.micros());
        assert_eq!(after(40, 90, false, &pressure), 0);
    }
}
