//! A token bucket: so many at once, so many per second. Never refuses for good; it says when there is room again.

use model::{TimeSpan, Timestamp};
use policy::compiled::Rate;

/// The state of a bucket. Full at first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    taken: f64,
    at: Option<Timestamp>,
}

impl Bucket {
    /// Takes one token, or says how long until there is one.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), TimeSpan> {
        self.flow(rate, now);
        if self.taken + 1.0 <= f64::from(rate.burst.max(1)) {
            self.taken += 1.0;
            return Ok(());
        }
        let missing = self.taken + 1.0 - f64::from(rate.burst.max(1));
        Err(wait(missing, rate.per_s))
    }

    /// Gives a token back that was not used.
    pub fn give_back(&mut self) {
        self.taken = (self.taken - 1.0).max(0.0);
    }

    fn flow(&mut self, rate: Rate, now: Timestamp) {
        let elapsed = self.at.map_or(TimeSpan::ZERO, |at| now.since(at));
        let micros = u32::try_from(elapsed.micros().min(3_600_000_000)).unwrap_or(u32::MAX);
        self.taken = (self.taken - f64::from(micros) / 1e6 * rate.per_s).max(0.0);
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
    }
}

/// How long `missing` tokens take at `per_s`: at least a millisecond and at most an hour.
fn wait(missing: f64, per_s: f64) -> TimeSpan {
    let seconds = (missing / per_s.max(1e-6)).clamp(0.001, 3_600.0);
    let micros = std::time::Duration::from_secs_f64(seconds).as_micros();
    TimeSpan::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_s: 10.0, burst: 2 };

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut bucket = Bucket::default();
        let now = Timestamp::from_secs(100);
        assert_eq!(bucket.take(RATE, now), Ok(()));
        assert_eq!(bucket.take(RATE, now), Ok(()));
        assert_eq!(bucket.take(RATE, now), Err(TimeSpan::from_millis(100)));
        assert_eq!(bucket.take(RATE, now + TimeSpan::from_millis(100)), Ok(()));
        assert!(bucket.take(RATE, now + TimeSpan::from_millis(150)).is_err());
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let mut bucket = Bucket::default();
        let now = Timestamp::from_secs(100);
        for _ in 0..2 {
            assert_eq!(bucket.take(RATE, now), Ok(()));
        }
        assert!(bucket.take(RATE, now - TimeSpan::from_secs(50)).is_err());
        assert!(bucket.take(RATE, now).is_err());
    }

    #[test]
    fn what_was_given_back_can_be_taken_again() {
        let mut bucket = Bucket::default();
        let now = Timestamp::from_secs(100);
        for _ in 0..2 {
            assert_eq!(bucket.take(RATE, now), Ok(()));
        }
        bucket.give_back();
        assert_eq!(bucket.take(RATE, now), Ok(()));
    }
}
