//! The data of an event, parsed when it is first needed and at most once: as JSON for contracts and paths, as a value of
//! the expression language for filters and mappings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{Read, from_json};
use super::long_integer::quote_long_integers;
use super::path::{Path, Segment, position, scalar_text};
use super::reader::{self, Json};

/// Bytes with their media type, and what they say.
///
/// What is declared as JSON, declared as nothing, or begins like an object or a list is JSON. Anything else is one text.
#[derive(Debug)]
pub struct Data<'d> {
    bytes: Cow<'d, [u8]>,
    is_json: bool,
    json: OnceLock<Result<Json, NotJson>>,
    value: OnceLock<vrl::value::Value>,
}

/// The data is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// What is wrong, with line and column where it is meant to be JSON.
    pub why: String,
}

impl<'d> Data<'d> {
    /// These bytes of this media type; an empty media type means JSON. A byte order mark is passed over.
    pub fn new(bytes: impl Into<Cow<'d, [u8]>>, content_type: &str) -> Self {
        let mut bytes = bytes.into();
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes = match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(BYTE_ORDER_MARK.len()..).unwrap_or_default()),
                Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(BYTE_ORDER_MARK.len())),
            };
        }
        let is_json = is_json_type(content_type) || begins_like_json(&bytes);
        Self { bytes, is_json, json: OnceLock::new(), value: OnceLock::new() }
    }

    /// These bytes as JSON.
    pub fn json_bytes(bytes: &'d [u8]) -> Self {
        Self::new(bytes, "")
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As JSON; `null` where there is no data.
    pub fn json(&self) -> Result<&Value, &NotJson> {
        self.read().map(|json| &json.value)
    }

    /// The first name that stands twice in one object: what has it says something else to every reader.
    pub fn repeated(&self) -> Option<&str> {
        self.read().ok()?.repeated.as_deref()
    }

    /// As a value of the expression language: `null` where there is no data or what should be JSON is none. A member that
    /// stands twice in an object counts with its last value; integers beyond 64 bits are texts.
    pub fn value(&self) -> &vrl::value::Value {
        self.value.get_or_init(|| self.parse_value())
    }

    /// What is wrong with data that should be JSON and is none.
    pub fn broken(&self) -> Option<&NotJson> {
        if !self.is_json || self.value() != &vrl::value::Value::Null {
            return None;
        }
        self.json().err()
    }

    /// What a path leads to, as a text: texts as they are, numbers exactly as they stand in the bytes.
    pub fn text(&self, path: &Path) -> Option<String> {
        let value = path.get(self.json().ok()?)?;
        if value.is_f64() { number_text(&self.bytes, path).or_else(|| scalar_text(value)) } else { scalar_text(value) }
    }

    fn read(&self) -> Result<&Json, &NotJson> {
        self.json.get_or_init(|| self.parse_json()).as_ref()
    }

    fn parse_json(&self) -> Result<Json, NotJson> {
        if self.bytes.is_empty() {
            return Ok(Json { value: Value::Null, repeated: None });
        }
        if !self.is_json {
            return Err(NotJson { why: "the data is declared to be something else".to_owned() });
        }
        reader::read(&self.bytes).map_err(|error| NotJson { why: error.to_string() })
    }

    fn parse_value(&self) -> vrl::value::Value {
        use vrl::value::Value;

        if self.bytes.is_empty() {
            return Value::Null;
        }
        if !self.is_json {
            return Value::from(String::from_utf8_lossy(&self.bytes).as_ref());
        }
        match (quote_long_integers(&self.bytes), self.json.get()) {
            (Cow::Borrowed(_), Some(Ok(json))) => from_json(&json.value),
            (_, Some(Err(_))) => Value::Null,
            (quoted, _) => serde_json::from_slice(&quoted).map_or(Value::Null, |Read(value)| value),
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

fn is_json_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty() || essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn begins_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// The notation of the number that a path leads to. Walks the text again: only for numbers that a parser has rounded.
fn number_text(bytes: &[u8], path: &Path) -> Option<String> {
    let mut place: &RawValue = serde_json::from_slice(bytes).ok()?;
    for segment in path.segments() {
        place = match segment {
            Segment::Field(name) => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(place.get()).ok()?;
                members.get(name).copied()?
            }
            Segment::Index(index) => {
                let items: Vec<&RawValue> = serde_json::from_str(place.get()).ok()?;
                items.get(position(*index, items.len())?).copied()?
            }
        };
    }
    Some(place.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_keep_the_digits_that_the_sender_wrote() {
        let data = Data::json_bytes(
            br#"{"id":820982911946154508,"price":19.90,"long":[{"n":123456789012345678901234567890}],"e":1e2}"#,
        );
        for (at, expected) in [
            (".id", "820982911946154508"),
            (".price", "19.90"),
            (".long[0].n", "123456789012345678901234567890"),
            (".e", "1e2"),
        ] {
            assert_eq!(data.text(&path(at)).as_deref(), Some(expected), "{at}");
        }
    }

    #[test]
    fn integers_beyond_64_bits_are_texts_in_expressions() {
        let data = Data::json_bytes(br#"{"n":123456789012345678901234567890,"u":18446744073709551615}"#);
        let texts = |data: &Data<'_>| {
            let object = data.value().as_object().unwrap();
            ["n", "u"].map(|name| object.get(name).unwrap().to_string_lossy().into_owned())
        };
        let expected = ["123456789012345678901234567890", "18446744073709551615"];
        assert_eq!(texts(&data), expected);
        let parsed_before = Data::json_bytes(data.bytes());
        assert!(parsed_before.json().is_ok());
        assert_eq!(texts(&parsed_before), expected);
    }

    #[test]
    fn what_is_no_json_is_a_text_or_nothing() {
        let xml = Data::new(&b"<a/>"[..], "application/xml");
        assert!(xml.json().is_err());
        assert_eq!(xml.value(), &vrl::value::Value::from("<a/>"));
        let broken = Data::new(&b"{\"a\":"[..], "application/json");
        assert!(broken.json().is_err());
        assert_eq!(broken.value(), &vrl::value::Value::Null);
        let unnamed = Data::new(&b" [1]"[..], "text/plain");
        assert!(unnamed.json().is_ok());
        let absent = Data::new(&b""[..], "application/json");
        assert_eq!(absent.json(), Ok(&Value::Null));
        let marked = Data::new(&b"\xef\xbb\xbf{}"[..], "application/json; charset=utf-8");
        assert!(marked.json().is_ok());
    }
}
