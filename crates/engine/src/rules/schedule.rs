//! When a delivery is attempted again, and when the policy gives up. Jitter goes upwards only: never before due (I7).

use model::limit::ATTEMPTS_MAX;
use model::{TimeSpan, Timestamp};
use policy::compiled::Retry;

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before this.
    At(Timestamp),
    /// No further attempt: the count is used up.
    CountUsedUp,
    /// No further attempt: the deadline comes first.
    DeadlineFirst,
}

/// The least wait that a destination's Retry-After can impose is its own word; the most is this.
pub const RETRY_AFTER_MAX: TimeSpan = TimeSpan::from_secs(3_600);

/// One delivery's present round.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Attempts in it so far, at least 1.
    pub attempts: u32,
    /// When it has to be over.
    pub deadline: Option<Timestamp>,
}

/// The next attempt after a failed one.
///
/// `asked` is what the destination said by Retry-After; `chance` is a number from 0 to 65,535.
pub fn next(retry: &Retry, round: Round, asked: Option<TimeSpan>, now: Timestamp, chance: u16) -> Next {
    let made = round.attempts.max(1) as usize;
    let wait = match (retry.waits.get(made - 1), retry.waits.last()) {
        (Some(wait), _) => *wait,
        (None, Some(last)) if retry.repeat_last => *last,
        (None, _) => return Next::CountUsedUp,
    };
    if round.attempts >= ATTEMPTS_MAX {
        return Next::CountUsedUp;
    }
    let wait = wait.max(asked.unwrap_or(TimeSpan::ZERO).min(RETRY_AFTER_MAX));
    let due = now + wait + jitter(wait, retry.jitter_percent, chance);
    match round.deadline {
        Some(deadline) if due > deadline => Next::DeadlineFirst,
        Some(_) | None => Next::At(due),
    }
}

/// When a round that begins then has to be over: by the tighter of the retry policy's and the flow's deadline.
pub fn deadline(retry: &Retry, flow: Option<TimeSpan>, from: Timestamp) -> Option<Timestamp> {
    let span = match (retry.deadline, flow) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    span.map(|span| from + span)
}

/// The most attempts that a round can have.
pub fn attempts_max(retry: &Retry) -> u32 {
    if retry.repeat_last {
        ATTEMPTS_MAX
    } else {
        u32::try_from(retry.waits.len() + 1).unwrap_or(ATTEMPTS_MAX).min(ATTEMPTS_MAX)
    }
}

fn jitter(wait: TimeSpan, percent: u32, chance: u16) -> TimeSpan {
    let most = wait.percent(u64::from(percent));
    TimeSpan::from_micros(most.micros().saturating_mul(u64::from(chance)) / 65_535)
}

#[cfg(test)]
mod tests {
    use model::RetryName;
    use policy::compiled::End;

    use super::*;

    fn retry(waits: &[u64], repeat_last: bool, deadline_s: Option<u64>) -> Retry {
        Retry {
            name: RetryName::new("under-test").unwrap(),
            waits: waits.iter().map(|s| TimeSpan::from_secs(*s)).collect(),
            repeat_last,
            deadline: deadline_s.map(TimeSpan::from_secs),
            jitter_percent: 20,
            end: End::Hold,
        }
    }

    fn check(retry: &Retry, attempts: u32, asked_s: Option<u64>, chance: u16, expected: Next) {
        let round = Round { attempts, deadline: deadline(retry, None, Timestamp::from_secs(1_000)) };
        let now = Timestamp::from_secs(1_100);
        assert_eq!(next(retry, round, asked_s.map(TimeSpan::from_secs), now, chance), expected);
    }

    fn at(s: i64) -> Next {
        Next::At(Timestamp::from_secs(s))
    }

    #[test]
    fn waits_follow_the_list_and_jitter_goes_upwards_only() {
        let list = retry(&[10, 100], false, None);
        check(&list, 1, None, 0, at(1_110));
        check(&list, 1, None, u16::MAX, at(1_112));
        check(&list, 2, None, 0, at(1_200));
        check(&list, 3, None, 0, Next::CountUsedUp);
    }

    #[test]
    fn the_last_wait_repeats_until_the_deadline() {
        let list = retry(&[10, 20], true, Some(130));
        check(&list, 7, None, 0, at(1_120));
        check(&retry(&[10, 31], true, Some(130)), 7, None, 0, Next::DeadlineFirst);
    }

    #[test]
    fn retry_after_lengthens_a_wait_within_bounds_and_never_shortens_it() {
        let list = retry(&[10], false, None);
        check(&list, 1, Some(60), 0, at(1_160));
        check(&list, 1, Some(2), 0, at(1_110));
        check(&list, 1, Some(999_999), 0, at(1_100 + 3_600));
    }

    #[test]
    fn the_tighter_deadline_holds() {
        let of = |retry_s, flow_s: Option<u64>| {
            deadline(&retry(&[50], false, retry_s), flow_s.map(TimeSpan::from_secs), Timestamp::from_secs(100))
        };
        assert_eq!(of(Some(1_000), Some(40)), Some(Timestamp::from_secs(140)));
        assert_eq!(of(Some(30), Some(40)), Some(Timestamp::from_secs(130)));
        assert_eq!(of(None, Some(40)), Some(Timestamp::from_secs(140)));
        assert_eq!(of(None, None), None);
    }

    #[test]
    fn an_attempt_may_fall_on_the_deadline_and_not_after_it() {
        let list = retry(&[50], false, None);
        let next_by = |deadline_s| {
            let round = Round { attempts: 1, deadline: Some(Timestamp::from_secs(deadline_s)) };
            next(&list, round, None, Timestamp::from_secs(1), 0)
        };
        assert_eq!((next_by(50), next_by(51)), (Next::DeadlineFirst, at(51)));
    }
}
