//! RFC 3339 from the forms of date and time that carriers and old systems send: local, without separators, in parts.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use vrl::compiler::TimeZone;
use vrl::value::Value;

/// Local forms, the longest first; a date alone is the beginning of its day.
const FORMS: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d%H%M%S",
    "%Y%m%dT%H%M",
    "%Y%m%d %H%M",
    "%Y%m%d%H%M",
];

/// `iso_time(text, zone?)`. A text with an offset keeps it; one without needs a zone: a name of the tz database or an
/// offset. A local time that a change of clocks leaves out or repeats counts by the offset before the change.
pub(super) fn iso_time(arguments: &[Option<Value>]) -> Result<Value, String> {
    let text = super::argument(arguments, 0).to_string_lossy().trim().to_owned();
    let zone = match super::argument(arguments, 1) {
        Value::Null => None,
        zone => Some(zone.to_string_lossy().into_owned()),
    };
    instant(&text, zone.as_deref()).map(Value::from)
}

fn instant(text: &str, zone: Option<&str>) -> Result<String, String> {
    let unknown = || format!("\"{}\" is in no form of date and time that is known", super::short(text));
    if let Some((local, offset)) = split_offset(text) {
        return Ok(written(civil(local).ok_or_else(unknown)?, offset));
    }
    let local = civil(text).ok_or_else(unknown)?;
    let zone = zone
        .ok_or_else(|| format!("\"{}\" has no zone: say which, as in iso_time(…, \"Europe/Rome\")", super::short(text)))?;
    let offset = match split_offset(&format!("00{zone}")) {
        Some((_, offset)) => offset,
        None => offset_in_zone(local, zone)?,
    };
    Ok(written(local, offset))
}

/// Only what is a date goes to the forms; `%Y` would take any number of digits.
fn civil(text: &str) -> Option<DateTime> {
    let is_part = |c: u8| c.is_ascii_digit() || b"-:T .".contains(&c);
    if !text.bytes().all(is_part) || text.len() > 40 {
        return None;
    }
    let read = match text.bytes().filter(u8::is_ascii_digit).count() {
        8 => ["%Y-%m-%d", "%Y%m%d"].iter().find_map(|form| Date::strptime(form, text).ok()).map(|date| date.at(0, 0, 0, 0)),
        12 | 14.. => FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok()),
        _ => None,
    };
    // Digits in another order, such as 12102011, read as a year long ago.
    read.filter(|local| local.year() >= YEAR_MIN)
}

/// No event of ours is older.
const YEAR_MIN: i16 = 1900;

/// The offset at the end of a text: `Z`, `+02:00`, `+0200`, `+02`.
fn split_offset(text: &str) -> Option<(&str, Offset)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local.trim_end(), Offset::UTC));
    }
    for length in [6, 5, 3] {
        let Some((local, offset)) = text.len().checked_sub(length).and_then(|at| text.split_at_checked(at)) else {
            continue;
        };
        // A minus sign may belong to the date: 2026-03-01 is no local time with an offset of -01.
        let in_date = offset.starts_with('-') && !local.contains([':', 'T']) && local.len() < 12 && local != "00";
        if let Some(offset) = parse_offset(offset).filter(|_| !in_date) {
            return Some((local.trim_end(), offset));
        }
    }
    None
}

fn parse_offset(text: &str) -> Option<Offset> {
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text.get(1..)?.replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 =
        digits.get(2..).filter(|minutes| !minutes.is_empty()).map_or(Some(0), |minutes| minutes.parse().ok())?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// The offset that holds in a zone at a local time, by the tz database that is compiled in.
fn offset_in_zone(local: DateTime, name: &str) -> Result<Offset, String> {
    let zone = TimeZone::parse(name).filter(|zone| *zone != TimeZone::Local);
    let zone = zone.ok_or_else(|| format!("\"{}\" is no time zone of the tz database", super::short(name)))?;
    let offset_at = |local: DateTime| {
        let text = local.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let instant = zone.datetime_from_str(&text, "%Y-%m-%d %H:%M:%S").ok()?.timestamp();
        let as_utc = Offset::UTC.to_timestamp(local).ok()?.as_second();
        Offset::from_seconds(i32::try_from(as_utc - instant).ok()?).ok()
    };
    // Left out or repeated: what held some hours before holds on.
    let before = local.checked_sub(Span::new().hours(4)).ok();
    offset_at(local).or_else(|| offset_at(before?)).ok_or_else(|| "the instant is out of range".to_owned())
}

fn written(local: DateTime, offset: Offset) -> String {
    if offset == Offset::UTC { format!("{local}Z") } else { format!("{local}{}", colon_offset(offset)) }
}

fn colon_offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
}

/// The instant of an RFC 3339 text, for contracts that name a time.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let (local, offset) = split_offset(text.trim())?;
    offset.to_timestamp(civil(local)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_that_carriers_send_become_rfc_3339() {
        for (text, zone, expected) in [
            ("2026-03-01T10:00:00Z", None, "2026-03-01T10:00:00Z"),
            ("2026-03-01T10:00:00+01:00", None, "2026-03-01T10:00:00+01:00"),
            ("2026-03-01T10:00:00.250-0500", None, "2026-03-01T10:00:00.25-05:00"),
            ("2026-03-01 10:00:00 +02", None, "2026-03-01T10:00:00+02:00"),
            ("2026-03-01T10:00:00+01:00", Some("Asia/Tokyo"), "2026-03-01T10:00:00+01:00"),
            ("2026-03-01T10:00:00", Some("Europe/Rome"), "2026-03-01T10:00:00+01:00"),
            ("2026-07-01 10:00", Some("Europe/Rome"), "2026-07-01T10:00:00+02:00"),
            ("20260301", Some("America/New_York"), "2026-03-01T00:00:00-05:00"),
            ("2026-03-01", Some("UTC"), "2026-03-01T00:00:00Z"),
            ("20260301100530", Some("+09:00"), "2026-03-01T10:05:30+09:00"),
            ("202603011005", Some("-03:30"), "2026-03-01T10:05:00-03:30"),
            ("20260301 100530", Some("UTC"), "2026-03-01T10:05:30Z"),
            ("20260301T1005", Some("Z"), "2026-03-01T10:05:00Z"),
        ] {
            assert_eq!(instant(text, zone).as_deref(), Ok(expected), "{text} {zone:?}");
        }
    }

    #[test]
    fn hours_that_the_clocks_leave_out_or_repeat_count_by_the_offset_before() {
        assert_eq!(instant("2026-03-29 02:30", Some("Europe/Rome")).as_deref(), Ok("2026-03-29T02:30:00+01:00"));
        assert_eq!(instant("2026-10-25 02:30", Some("Europe/Rome")).as_deref(), Ok("2026-10-25T02:30:00+02:00"));
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        for (text, zone) in [
            ("2026-03-01T10:00:00", None),
            ("01/03/2026", Some("UTC")),
            ("03012026", Some("UTC")),
            ("260301", Some("UTC")),
            ("2026-02-30", Some("UTC")),
            ("2026-03-01T25:00:00", Some("UTC")),
            ("2026-03-01T10:00:00", Some("local")),
            ("2026-03-01T10:00:00", Some("")),
            ("2026-03-01T10:00:00", Some("Rome")),
            ("yesterday", Some("UTC")),
            ("", Some("UTC")),
        ] {
            assert!(instant(text, zone).is_err(), "{text} {zone:?} {:?}", instant(text, zone));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC*", zone in prop::option::of("\\PC*")) {
            prop_assert_eq!(instant(&text, zone.as_deref()), instant(&text, zone.as_deref()));
        }

        #[test]
        fn digits_and_signs_do_not_break_it(text in "[-0-9T:. +Z]{0,30}") {
            let read = instant(&text, Some("Europe/Rome"));
            prop_assert!(read.is_err() || read.is_ok_and(|text| timestamp(&text).is_some()));
        }
    }
}
