//! Values that a source reads out of a request: in a header, in the data, or always the same.

use std::collections::BTreeMap;

use formats::cloudevents::CloudEvent;
use http::HeaderMap;
use model::Timestamp;
use model::limit::HEADER_BYTES_MAX;
use policy::compiled::Pick;
use policy::expression::Data;

use super::request::Carried;

/// What can be read about one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    /// How the request carries it: the headers are its own, or those of a batch.
    pub(super) carried: Carried,
    /// The headers of the request; empty where they are not known any more.
    pub(super) headers: &'a HeaderMap,
    /// The attributes, where it is a `CloudEvent`.
    pub(super) envelope: Option<&'a CloudEvent>,
    /// The data.
    pub(super) data: &'a Data<'a>,
}

impl<'a> Sight<'a> {
    /// The first value of a header. INVARIANT: all of them are text, see [`super::request::check_headers`].
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        model::event::header(self.headers, name)
    }

    /// The text of an extension attribute.
    pub(super) fn extension(&self, name: &str) -> Option<String> {
        self.envelope?.extensions.get(name).map(formats::cloudevents::Value::text)
    }

    /// What the rule finds; nothing where it is empty.
    pub(super) fn pick(&self, rule: &Pick) -> Option<String> {
        let found = match rule {
            Pick::Header(name) => self.header(name).map(|value| value.trim().to_owned()),
            Pick::Path(path) => self.data.text(path),
            Pick::Is(text) => Some(text.clone()),
        };
        found.filter(|text| !text.is_empty())
    }

    /// The business transaction that the sender names.
    pub(super) fn correlation(&self) -> Option<String> {
        let header = || CORRELATION_HEADERS.iter().find_map(|name| self.header(name)).map(str::to_owned);
        self.extension(CORRELATION).or_else(header).filter(|text| !text.is_empty())
    }
}

/// The business transaction as what is kept of headers and attributes names it.
pub(super) fn correlation_kept(attributes: &BTreeMap<String, String>) -> Option<String> {
    CORRELATION_HEADERS.iter().find_map(|name| attributes.get(*name)).filter(|text| !text.is_empty()).cloned()
}

const CORRELATION: &str = "correlationid";
const CORRELATION_HEADERS: [&str; 2] = [CORRELATION, "x-correlation-id"];

/// An instant in RFC 3339, or in whole seconds or milliseconds since 1970; what is none of these says nothing.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if text.len() > HEADER_BYTES_MAX {
        return None;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    match (text.parse::<i64>().ok()?, text.len()) {
        (secs, 9 | 10) => Some(Timestamp::from_secs(secs)),
        (millis, 12 | 13) => Some(Timestamp::from_micros(millis.saturating_mul(1_000))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_three_forms() {
        let expected = Some(Timestamp::from_secs(1_772_359_200));
        for text in ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00+01:00", "1772359200", "1772359200000"] {
            assert_eq!(instant(text), expected, "{text}");
        }
        for text in ["", "yesterday", "20260301", "2026-03-01", "99999999999999999999"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
