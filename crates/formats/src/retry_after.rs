//! The `Retry-After` header (RFC 9110, 10.2.3): seconds to wait or a date.
//!
//! It says what the other side asked for; it must never decide how long we wait.

use crate::instant;

/// Parses a `Retry-After` value to the seconds to wait from `now_s` (unix seconds).
///
/// A date in the past is 0 seconds. A number too large for `u64` is `u64::MAX`: the caller caps
/// it in any case. `None` where the value is neither a non-negative integer nor an HTTP date.
pub fn parse(value: &str, now_s: i64) -> Option<u64> {
    let value = value.trim_matches([' ', '\t']);
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let wait_s = instant::http_date(value, now_s)?.saturating_sub(now_s);
    Some(u64::try_from(wait_s).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_become_seconds_from_now() {
        let now_s = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("+3", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse(value, now_s), expected, "{value:?}");
        }
    }
}
