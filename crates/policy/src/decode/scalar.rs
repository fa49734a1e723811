//! Parsers of scalars: a text in, a value out. Why a text is wrong is told by [`check`], once and for all kinds.

use std::net::IpAddr;

use model::{Code, ContractRef, Owner, SecretName, TimeSpan, Timestamp};

use super::header;
use super::table::Kind;
use super::url::{Url, has_credentials};
use crate::codes;
use crate::compiled::Network;
use crate::near;

/// Why a text is wrong. It never repeats the text of a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The code.
    pub code: Code,
    /// What is wrong, as the end of a sentence that begins with the key: "is not a span of time".
    pub message: String,
    /// What to write.
    pub help: String,
}

pub(super) fn wrong(code: Code, message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { code, message: message.into(), help: help.into() }
}

/// Whether a text is of this kind. Kinds that are no scalars take every text.
pub fn check(kind: &Kind, text: &str) -> Result<(), Wrong> {
    match kind {
        Kind::Text | Kind::Expression if text.trim().is_empty() => {
            Err(wrong(codes::NOTHING_HERE, "is an empty text", "write something, or remove the key"))
        }
        Kind::Name => Owner::new(text)
            .map(drop)
            .map_err(|bad| wrong(codes::BAD_NAME, format!("is not a name: `{text}`"), bad.to_string())),
        Kind::SourceName => check_source_name(text),
        Kind::Secret => check_secret(text),
        Kind::Header => header::check_name(text),
        Kind::SentHeader => header::check_sent(text),
        Kind::FixedHeader => header::check_fixed(text),
        Kind::HeaderValue => header::check_value(text),
        Kind::Word(words) if !words.contains(&text) => {
            Err(wrong(codes::UNKNOWN_WORD, format!("cannot be `{text}`"), near::suggestion(text, words.iter().copied())))
        }
        Kind::Duration(least, most) => check_duration(text, least, most),
        Kind::Size(most) => check_size(text, *most),
        Kind::Whole(least, most) => check_whole(text, *least, *most),
        Kind::Url if has_credentials(text) => Err(wrong(
            codes::URL_CREDENTIALS,
            "has a user or a password in it",
            "use `auth` with the name of a secret, and replace the password: it was in a file",
        )),
        Kind::Url => Url::parse(text).map(drop).map_err(|bad| {
            wrong(codes::BAD_URL, bad, "write an absolute URL, such as `https://wms.example.com/api/orders`")
        }),
        Kind::Rate | Kind::Percent | Kind::Bool | Kind::Network | Kind::Date | Kind::Instant | Kind::ContractRef => {
            check_plain(kind, text)
        }
        Kind::EventType => check_type(text),
        Kind::TypePattern => check_type(text.strip_suffix('*').unwrap_or(text)),
        Kind::Code => text
            .parse::<Code>()
            .map(drop)
            .map_err(|bad| wrong(codes::TEST_UNKNOWN_CODE, format!("is not a code: `{text}`"), bad.to_string())),
        Kind::Text
        | Kind::Expression
        | Kind::TextOrEmpty
        | Kind::Word(_)
        | Kind::Json
        | Kind::List(..)
        | Kind::Map(..)
        | Kind::Table(_)
        | Kind::ListOrTable(..)
        | Kind::Fields => Ok(()),
    }
}

/// Kinds that are read by one parser and explained by one sentence.
fn check_plain(kind: &Kind, text: &str) -> Result<(), Wrong> {
    let (reads, code, what, help) = match kind {
        Kind::Rate => (
            rate(text).is_some(),
            codes::BAD_RATE,
            "is not a rate",
            "write a number with a time, such as `50/s`, `600/m` or `1000/h`",
        ),
        Kind::Percent => (
            percent(text).is_some(),
            codes::BAD_PERCENT,
            "is not a percentage",
            "write a whole number from 0 to 100 with `%`, such as `30%`",
        ),
        Kind::Bool => (boolean(text).is_some(), codes::BAD_NUMBER, "is neither true nor false", "write `true` or `false`"),
        Kind::Network => (
            network(text).is_some(),
            codes::BAD_NETWORK,
            "is not a network",
            "write an address and its leading bits, such as `10.20.0.0/16` or `fd00::/8`",
        ),
        Kind::Date => {
            (end_of_day(text).is_some(), codes::BAD_DATE, "is not a date", "write year, month and day, such as `2027-01-31`")
        }
        Kind::Instant => (
            instant(text).is_some(),
            codes::BAD_DATE,
            "is not an instant",
            "write date, time and offset, such as `2026-03-01T10:00:00Z`",
        ),
        Kind::ContractRef => (
            contract_ref(text).is_some(),
            codes::BAD_CONTRACT_REF,
            "is not a contract with its version",
            "write name and version, such as `shopify.order@1.0.0`",
        ),
        _ => return Ok(()),
    };
    if reads { Ok(()) } else { Err(wrong(code, format!("{what}: `{text}`"), help)) }
}

fn check_source_name(text: &str) -> Result<(), Wrong> {
    check(&Kind::Name, text)?;
    if text.contains('/') {
        return Err(wrong(
            codes::BAD_NAME,
            "has a `/` in it",
            "a source's name is one part of the path `/in/NAME`; use `-`",
        ));
    }
    Ok(())
}

/// Whether a text begins as the secrets of known vendors do.
pub(super) fn looks_secret(text: &str) -> bool {
    ["whsec_", "whsk_", "sk_", "shpss_", "ghp_"].iter().any(|head| text.starts_with(head))
}

/// The text is not repeated: it may be a secret that was written by mistake.
fn check_secret(text: &str) -> Result<(), Wrong> {
    if looks_secret(text) || (text.len() >= 24 && !text.contains('/')) {
        return Err(wrong(
            codes::BAD_SECRET,
            "looks like a secret itself",
            "name it, such as `shop/webhook`, keep the value in the environment or a file, and replace it: it was in a file",
        ));
    }
    SecretName::new(text).map(drop).map_err(|bad| wrong(codes::BAD_SECRET, "is not the name of a secret", bad.to_string()))
}

fn check_duration(text: &str, least: &str, most: &str) -> Result<(), Wrong> {
    let Some(span) = duration(text) else {
        return Err(wrong(
            codes::BAD_DURATION,
            format!("is not a span of time: `{text}`"),
            "write a number with a unit, such as `250ms`, `15s`, `5m`, `2h` or `14d`",
        ));
    };
    if duration(least).is_some_and(|least| span < least) || duration(most).is_some_and(|most| span > most) {
        return Err(wrong(codes::OUT_OF_RANGE, format!("is out of its range: `{text}`"), format!("from {least} to {most}")));
    }
    Ok(())
}

fn check_size(text: &str, most: usize) -> Result<(), Wrong> {
    let Some(bytes) = size(text) else {
        return Err(wrong(
            codes::BAD_SIZE,
            format!("is not a size: `{text}`"),
            "write a number with a unit, such as `512B`, `256KiB` or `1MiB`",
        ));
    };
    if bytes == 0 || bytes > most {
        return Err(wrong(
            codes::OUT_OF_RANGE,
            format!("is out of its range: `{text}`"),
            format!("from 1B to {}KiB", most / 1024),
        ));
    }
    Ok(())
}

fn check_whole(text: &str, least: u32, most: u32) -> Result<(), Wrong> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits {
        return Err(wrong(codes::BAD_NUMBER, format!("is not a whole number: `{text}`"), "write digits only"));
    }
    match whole(text) {
        Some(number) if (least..=most).contains(&number) => Ok(()),
        Some(_) | None => {
            Err(wrong(codes::OUT_OF_RANGE, format!("is out of its range: `{text}`"), format!("from {least} to {most}")))
        }
    }
}

fn check_type(text: &str) -> Result<(), Wrong> {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || c == '*';
    if text.len() > 255 || text.contains(is_bad) {
        return Err(wrong(
            codes::BAD_TYPE_PATTERN,
            format!("is not an event type: `{text}`"),
            "an event type has no blanks and at most 255 bytes; `*` stands only at the end of a prefix",
        ));
    }
    Ok(())
}

/// `15s`
pub fn duration(text: &str) -> Option<TimeSpan> {
    text.parse().ok()
}

/// `256KiB`, in bytes.
pub fn size(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

/// `50/s`, `600/m`, `1000/h`, per second.
pub fn rate(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once('/')?;
    let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
    let unit_s = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(f64::from(number) / unit_s)
}

/// `30%`, in hundredths.
pub fn percent(text: &str) -> Option<u32> {
    whole(text.strip_suffix('%')?).filter(|percent| *percent <= 100)
}

/// A whole number of digits only.
pub fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `true` or `false`.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// `10.20.0.0/16`; a bare address is a network of one.
pub fn network(text: &str) -> Option<Network> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| whole(bits).and_then(|bits| u8::try_from(bits).ok()))?;
    (bits <= most).then_some(Network { address, bits })
}

/// The instant at which a day has ended, in UTC.
pub fn end_of_day(text: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let midnight = date.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_secs(midnight.timestamp().as_second()))
}

/// An instant with its offset.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `NAME@VERSION`, the version with three numbers.
pub fn contract_ref(text: &str) -> Option<ContractRef> {
    let (name, version) = text.split_once('@')?;
    (Owner::new(name).is_ok() && !name.contains('/') && is_version(version)).then(|| ContractRef::new(name, version))
}

/// `1.0.0`: three numbers.
pub fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').count() == 3 && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests;
