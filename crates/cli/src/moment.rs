//! Moments and rates as people type them: `2h` for two hours ago, or an instant; `2/s`, `120/m`.

use std::str::FromStr;

use engine::ports::Clock as _;
use jiff::tz::TimeZone;
use model::{TimeSpan, Timestamp};
use server::clock::SystemClock;

/// The machine's time.
pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}

/// A time for people: to the millisecond, with its zone.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_jiff().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

/// Twenty hexadecimal digits of chance.
pub(crate) fn chance() -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    SystemClock::new().chance().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long before now.
    Ago(TimeSpan),
    /// Then.
    At(Timestamp),
}

impl Moment {
    /// As an instant.
    pub(crate) fn at(self) -> Timestamp {
        match self {
            Self::Ago(span) => now() - span,
            Self::At(at) => at,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = text.parse::<TimeSpan>() {
            return Ok(Self::Ago(span));
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| "a moment is a span such as 30m or 2h, or an instant such as 2026-03-01T10:00:00Z".to_owned())
    }
}

/// Members per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PerSecond(pub(crate) u32);

impl FromStr for PerSecond {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a rate is a number a second, such as 2/s or 20, or 60 and more a minute, such as 120/m".to_owned();
        let (number, divisor) = match text.split_once('/') {
            None => (text, 1),
            Some((number, "s")) => (number, 1),
            Some((number, "m")) => (number, 60),
            Some(_) => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let rate = number / divisor;
        if rate == 0 { Err(wrong()) } else { Ok(Self(rate)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spans_or_instants() {
        assert_eq!("2h".parse(), Ok(Moment::Ago(TimeSpan::from_secs(7_200))));
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Moment::At(Timestamp::from_secs(1))));
        assert!("yesterday".parse::<Moment>().is_err());
    }

    #[test]
    fn people_read_their_own_time_with_its_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(local(Timestamp::from_micros(1_500_999), &zone), "1970-01-01 02:00:01.500 +02:00");
    }

    #[test]
    fn rates_are_by_the_second_or_the_minute() {
        for (text, expected) in
            [("2/s", Some(2)), ("20", Some(20)), ("120/m", Some(2)), ("30/m", None), ("0", None), ("2/h", None)]
        {
            assert_eq!(text.parse::<PerSecond>().ok().map(|rate| rate.0), expected, "{text}");
        }
    }
}
