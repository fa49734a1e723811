//! What a status means: a table, and how long the destination asks to be left alone.
//!
//! Pure. The body is never asked here, and nothing here decides how long we wait.

use model::outcome::{Again, Outcome, TransportError};
use model::{TimeSpan, Timestamp};

/// The outcome that a status stands for. `retry_after` is what the answer's `Retry-After` says, if anything.
///
/// A redirect counts as not reached: the address in the policy is the one that was agreed on. A 4xx without a line of its
/// own is final like a 400 (RFC 9110, 15); what is no final status at all may be a broken proxy and is tried again.
pub(super) fn outcome(status: u16, retry_after: Option<TimeSpan>) -> Outcome {
    let refused = |again| Outcome::Refused { status, again, refusal: None };
    match status {
        200..=299 => Outcome::Accepted { status },
        300..=399 => Outcome::Unreached { error: TransportError::Redirected },
        429 | 503 => Outcome::Deferred { status, retry_after },
        502 | 504 if retry_after.is_some() => Outcome::Deferred { status, retry_after },
        // What configuration can mend, what time can mend, and what another connection can mend (421).
        401 | 403 | 404 | 407 | 408 | 409 | 421 | 423 | 424 | 425 => refused(Again::Perhaps),
        400..=499 => refused(Again::Never),
        _ => refused(Again::Perhaps),
    }
}

/// The wait that `Retry-After` asks for: seconds, or a date.
///
/// A date is measured against the answer's own `Date` where it has one, because the destination's clock may be wrong by
/// hours; otherwise against `now`. `None` for a missing or unreadable value.
pub(super) fn retry_after(value: Option<&str>, date: Option<&str>, now: Timestamp) -> Option<TimeSpan> {
    let now_s = now.secs();
    let there_s = date.and_then(|date| formats::instant::http_date(date, now_s)).unwrap_or(now_s);
    formats::retry_after::parse(value?, there_s).map(TimeSpan::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERHAPS: &[u16] = &[
        100, 101, 199, 401, 403, 404, 407, 408, 409, 421, 423, 424, 425, 500, 501, 502, 504, 505, 507, 508, 511, 520, 599,
        600, 999,
    ];
    const NEVER: &[u16] =
        &[400, 402, 405, 406, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 420, 422, 426, 428, 431, 451, 430, 444, 499];

    #[test]
    fn every_status_has_its_meaning() {
        for status in 200..=299 {
            assert_eq!(outcome(status, None), Outcome::Accepted { status });
        }
        for status in 300..=399 {
            assert_eq!(outcome(status, None), Outcome::Unreached { error: TransportError::Redirected });
        }
        for &status in PERHAPS {
            assert_eq!(outcome(status, None), Outcome::Refused { status, again: Again::Perhaps, refusal: None });
        }
        for &status in NEVER {
            assert_eq!(outcome(status, None), Outcome::Refused { status, again: Again::Never, refusal: None });
        }
    }

    #[test]
    fn overload_defers_and_a_gateway_does_when_it_says_how_long() {
        let wait = Some(TimeSpan::from_secs(7));
        for status in [429, 503] {
            assert_eq!(outcome(status, None), Outcome::Deferred { status, retry_after: None });
            assert_eq!(outcome(status, wait), Outcome::Deferred { status, retry_after: wait });
        }
        for status in [502, 504] {
            assert_eq!(outcome(status, wait), Outcome::Deferred { status, retry_after: wait });
        }
        for (status, again) in [(500, Again::Perhaps), (400, Again::Never)] {
            assert_eq!(outcome(status, wait), Outcome::Refused { status, again, refusal: None });
        }
    }

    #[test]
    fn a_date_is_measured_by_the_clock_that_wrote_it() {
        let now = Timestamp::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let (later, earlier) = ("Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT");
        for (value, date, expected_s) in [
            (Some("120"), None, Some(120)),
            (Some("120"), Some(later), Some(120)),
            (Some(later), None, Some(60)),
            (Some(later), Some(earlier), Some(30)),
            (Some(earlier), Some(later), Some(0)),
            (Some(later), Some("yesterday"), Some(60)),
            (Some("soon"), None, None),
            (None, Some(later), None),
        ] {
            assert_eq!(retry_after(value, date, now), expected_s.map(TimeSpan::from_secs), "{value:?} {date:?}");
        }
    }
}
