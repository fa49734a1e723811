//! Text forms of an instant: RFC 3339 and the three HTTP date forms, to unix seconds.
//!
//! This must never read a clock or a time zone; what it accepts is the grammar, not more.

const DAY_S: i64 = 86_400;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A calendar date and a time of day, with no offset.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// Unix seconds as if the offset was zero, or `None` when a field is out of its range.
    fn unix_s(&self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days_in_month = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        let day_exists = (1..=days_in_month).contains(&self.day);
        // Second 60 is a leap second: RFC 3339 and HTTP allow it, unix time has no place for it.
        if !day_exists || self.hour > 23 || self.minute > 59 || self.second > 60 {
            return None;
        }
        let second = self.second.min(59);
        let days = days_from_epoch(self.year, self.month, self.day);
        Some(days * DAY_S + self.hour * 3600 + self.minute * 60 + second)
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, `days_from_civil`).
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A cursor over ASCII text; each step returns `None` when the text is not what was asked for.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn any_of(&mut self, expected: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        expected.contains(first).then_some(*first)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        self.take(digits)?.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    }

    fn month(&mut self) -> Option<i64> {
        let name = self.take(3)?;
        let index = MONTHS.iter().position(|month| month.as_bytes() == name)?;
        i64::try_from(index + 1).ok()
    }

    fn clock(&mut self) -> Option<(i64, i64, i64)> {
        let hour = self.number(2)?;
        self.literal(b":")?;
        let minute = self.number(2)?;
        self.literal(b":")?;
        Some((hour, minute, self.number(2)?))
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Parses an RFC 3339 `date-time` to unix seconds; a fraction of a second is cut off.
///
/// `T` and `Z` may be in lower case, a space in place of `T` is refused, second 60 counts as 59.
pub fn rfc3339(text: &str) -> Option<i64> {
    let mut cursor = Cursor(text.as_bytes());
    let year = cursor.number(4)?;
    cursor.literal(b"-")?;
    let month = cursor.number(2)?;
    cursor.literal(b"-")?;
    let day = cursor.number(2)?;
    cursor.any_of(b"Tt")?;
    let (hour, minute, second) = cursor.clock()?;
    if cursor.literal(b".").is_some() {
        let digits = cursor.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        cursor.take(digits)?;
    }
    let offset_s = match cursor.any_of(b"Zz+-")? {
        b'+' => offset(&mut cursor)?,
        b'-' => -offset(&mut cursor)?,
        _ => 0,
    };
    cursor.end()?;
    Some(Civil { year, month, day, hour, minute, second }.unix_s()? - offset_s)
}

fn offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    let hour = cursor.number(2)?;
    cursor.literal(b":")?;
    let minute = cursor.number(2)?;
    (hour <= 23 && minute <= 59).then_some(hour * 3600 + minute * 60)
}

/// Parses an HTTP date (RFC 9110, 5.6.7) in any of its three forms to unix seconds.
///
/// `now_s` (unix seconds) decides the century of the obsolete form with a two-digit year: the
/// latest year that is at most 50 years ahead. The name of the weekday is not checked.
pub fn http_date(text: &str, now_s: i64) -> Option<i64> {
    let text = text.trim_matches([' ', '\t']).as_bytes();
    match text.get(3)? {
        b',' => imf_fixdate(&mut Cursor(text.get(4..)?)),
        b' ' => asctime(&mut Cursor(text.get(3..)?)),
        _ => {
            let comma = text.iter().position(|byte| *byte == b',')?;
            rfc850(&mut Cursor(text.get(comma + 1..)?), now_s)
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, from the space after the comma.
fn imf_fixdate(cursor: &mut Cursor<'_>) -> Option<i64> {
    cursor.literal(b" ")?;
    let day = cursor.number(2)?;
    cursor.literal(b" ")?;
    let month = cursor.month()?;
    cursor.literal(b" ")?;
    let year = cursor.number(4)?;
    cursor.literal(b" ")?;
    let (hour, minute, second) = cursor.clock()?;
    cursor.literal(b" GMT")?;
    cursor.end()?;
    Civil { year, month, day, hour, minute, second }.unix_s()
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`, from the space after the comma.
fn rfc850(cursor: &mut Cursor<'_>, now_s: i64) -> Option<i64> {
    cursor.literal(b" ")?;
    let day = cursor.number(2)?;
    cursor.literal(b"-")?;
    let month = cursor.month()?;
    cursor.literal(b"-")?;
    let year_of_century = cursor.number(2)?;
    cursor.literal(b" ")?;
    let (hour, minute, second) = cursor.clock()?;
    cursor.literal(b" GMT")?;
    cursor.end()?;
    let year_now = 1970 + now_s.div_euclid(DAY_S * 146_097 / 400);
    let latest = year_now + 50;
    let year = latest - (latest - year_of_century).rem_euclid(100);
    Civil { year, month, day, hour, minute, second }.unix_s()
}

/// `Sun Nov  6 08:49:37 1994`, from the space after the weekday.
fn asctime(cursor: &mut Cursor<'_>) -> Option<i64> {
    cursor.literal(b" ")?;
    let month = cursor.month()?;
    cursor.literal(b" ")?;
    let day = match cursor.literal(b" ") {
        Some(()) => cursor.number(1)?,
        None => cursor.number(2)?,
    };
    cursor.literal(b" ")?;
    let (hour, minute, second) = cursor.clock()?;
    cursor.literal(b" ")?;
    let year = cursor.number(4)?;
    cursor.end()?;
    Civil { year, month, day, hour, minute, second }.unix_s()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_instants_become_unix_seconds() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2018-04-05T03:56:24Z", Some(1_522_900_584)),
            ("2018-04-05t03:56:24.123456789z", Some(1_522_900_584)),
            ("2018-04-05T05:56:24+02:00", Some(1_522_900_584)),
            ("2018-04-04T22:26:24-05:30", Some(1_522_900_584)),
            ("1969-12-31T23:59:59Z", Some(-1)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_799)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("1900-02-29T00:00:00Z", None),
            ("2018-13-01T00:00:00Z", None),
            ("2018-04-31T00:00:00Z", None),
            ("2018-04-05 03:56:24Z", None),
            ("2018-04-05T03:56:24", None),
            ("2018-04-05T03:56:24.Z", None),
            ("2018-04-05T24:00:00Z", None),
            ("2018-04-05T03:56:24+24:00", None),
            ("2018-04-05T03:56:24Z ", None),
            ("2018-4-5T03:56:24Z", None),
            ("", None),
        ] {
            assert_eq!(rfc3339(text), expected, "{text:?}");
        }
    }

    #[test]
    fn all_three_http_date_forms_are_read() {
        let now_s = 1_700_000_000;
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(946_684_799)),
            ("Sunday, 06-Nov-30 08:49:37 GMT", Some(1_920_185_377)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 nov 1994 08:49:37 GMT", None),
            ("Sun", None),
            ("", None),
        ] {
            assert_eq!(http_date(text, now_s), expected, "{text:?}");
        }
    }
}
