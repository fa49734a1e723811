//! The meter of a source: how many events it may bring now, and how many of its key conflicts are still told.
//!
//! The rate counts events. A request costs one before its body is read; what else a batch brought is owed, and the next
//! request waits until it is paid. So a batch is never refused for its size, and the rate holds over time.

use model::{TimeSpan, Timestamp};
use policy::compiled::Rate;

use crate::rules::bucket::Bucket;

/// LIMIT: key conflicts of one source that the audit tells of; more are counted only, so that nobody can fill it.
const CONFLICTS_TOLD: Rate = Rate { per_s: 0.1, burst: 10 };

/// LIMIT: refusals of one source that the log tells of one by one; more are counted, so that a flood does not fill it.
const REFUSALS_TOLD: Rate = Rate { per_s: 0.1, burst: 10 };

/// The meter's state. Lost at a restart, which gives every source one burst.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    events: Bucket,
    closed_until: Option<Timestamp>,
    conflicts: Bucket,
    refusals: Bucket,
    untold: Option<Untold>,
}

/// Refusals that the log was not told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untold {
    /// How many.
    pub(super) count: u64,
    /// Since when.
    pub(super) since: Timestamp,
}

/// Whether a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is, after those that were not.
    After(Option<Untold>),
    /// It is counted only.
    Not,
}

impl Meter {
    /// Takes one request, or says how long to wait.
    pub(super) fn enter(&mut self, rate: Rate, now: Timestamp) -> Result<(), TimeSpan> {
        match self.closed_until.filter(|until| now < *until) {
            Some(until) => Err(until.since(now)),
            None => self.events.take(rate, now),
        }
    }

    /// Takes the further events that a request brought.
    pub(super) fn owe(&mut self, rate: Rate, further: usize, now: Timestamp) {
        let mut wait = TimeSpan::ZERO;
        for event in 0..further {
            if let Err(missing) = self.events.take(rate, now) {
                // The bucket is empty: each event that is left takes as long as one token.
                wait = one_token(rate).times((further - event) as u64).max(missing);
                break;
            }
        }
        if wait > TimeSpan::ZERO {
            self.closed_until = Some(self.closed_until.unwrap_or(now).max(now) + wait);
        }
    }

    /// Whether a refusal is told in the log. All are counted by the metrics.
    pub(super) fn tells_refusal(&mut self, now: Timestamp) -> Told {
        match self.refusals.take(REFUSALS_TOLD, now) {
            Ok(()) => Told::After(self.untold.take()),
            Err(_) => {
                let before = self.untold.unwrap_or(Untold { count: 0, since: now });
                self.untold = Some(Untold { count: before.count + 1, ..before });
                Told::Not
            }
        }
    }

    /// Whether a key conflict is told.
    pub(super) fn tells_conflict(&mut self, now: Timestamp) -> bool {
        self.conflicts.take(CONFLICTS_TOLD, now).is_ok()
    }
}

/// LIMIT: an hour for one event, however slow the rate.
fn one_token(rate: Rate) -> TimeSpan {
    let seconds = (1.0 / rate.per_s.max(1e-6)).clamp(1e-6, 3_600.0);
    let micros = std::time::Duration::from_secs_f64(seconds).as_micros();
    TimeSpan::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_s: 10.0, burst: 2 };

    #[test]
    fn a_batch_passes_and_is_paid_for_by_those_who_come_next() {
        let mut meter = Meter::default();
        let now = Timestamp::from_secs(100);
        assert_eq!(meter.enter(RATE, now), Ok(()));
        meter.owe(RATE, 11, now);
        // One token of the burst was left, so ten events are owed: a second.
        assert_eq!(meter.enter(RATE, now), Err(TimeSpan::from_secs(1)));
        assert_eq!(meter.enter(RATE, now + TimeSpan::from_millis(400)), Err(TimeSpan::from_millis(600)));
        assert_eq!(meter.enter(RATE, now + TimeSpan::from_secs(1)), Ok(()));
    }

    #[test]
    fn one_event_owes_nothing() {
        let mut meter = Meter::default();
        let now = Timestamp::from_secs(100);
        for _ in 0..2 {
            assert_eq!(meter.enter(RATE, now), Ok(()));
            meter.owe(RATE, 0, now);
        }
        assert_eq!(meter.enter(RATE, now), Err(TimeSpan::from_millis(100)));
    }

    #[test]
    fn of_a_flood_of_refusals_a_few_are_told_and_the_rest_is_counted() {
        let mut meter = Meter::default();
        let now = Timestamp::from_secs(100);
        let told = (0..1_250).filter(|_| meter.tells_refusal(now) == Told::After(None)).count();
        assert_eq!(told, 10);
        let rest = Told::After(Some(Untold { count: 1_240, since: now }));
        assert_eq!(meter.tells_refusal(now + TimeSpan::from_secs(10)), rest);
        assert_eq!(meter.tells_refusal(now + TimeSpan::from_secs(20)), Told::After(None));
    }

    #[test]
    fn conflicts_are_told_a_few_at_a_time() {
        let mut meter = Meter::default();
        let now = Timestamp::from_secs(100);
        let told = (0..1_000).filter(|_| meter.tells_conflict(now)).count();
        assert_eq!(told, 10);
        assert!(meter.tells_conflict(now + TimeSpan::from_secs(10)));
    }
}
