//! JSON as a value, and whether an object names a member twice: of such data every reader may see another value (RFC 8259,
//! section 4). It must never refuse it: who sent it and what it is for decide that.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// A text of JSON, read.
#[derive(Debug)]
pub(super) struct Json {
    /// What it says; of a member that stands twice its last value.
    pub(super) value: Value,
    /// The first name that stood twice in one object.
    pub(super) repeated: Option<String>,
}

/// Reads a text. Nesting has the limit of the parser.
pub(super) fn read(bytes: &[u8]) -> Result<Json, serde_json::Error> {
    let repeated = Cell::new(None);
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { repeated: &repeated }.deserialize(&mut text)?;
    text.end()?;
    Ok(Json { value, repeated: repeated.into_inner() })
}

#[derive(Clone, Copy)]
struct Reader<'r> {
    repeated: &'r Cell<Option<String>>,
}

impl Reader<'_> {
    fn note(self, name: &str) {
        let first = self.repeated.take().unwrap_or_else(|| name.to_owned());
        self.repeated.set(Some(first));
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            match object.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(mut place) => {
                    self.note(place.key());
                    place.insert(value);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_the_parser_reads_and_refuses_what_it_refuses() {
        for text in [
            "null",
            "true",
            "-1",
            "18446744073709551615",
            "1.5e300",
            r#""a\u00e9\"""#,
            "[]",
            r#"[1,[2,{"a":{"b":[]}}]]"#,
            r#"{"z":1,"a":{"z":2}}"#,
            "",
            "{",
            "[1,]",
            "{} {}",
            "\"\u{0}\"",
        ] {
            let expected = serde_json::from_str::<Value>(text);
            match (read(text.as_bytes()), expected) {
                (Ok(json), Ok(expected)) => assert_eq!((json.value, json.repeated), (expected, None), "{text}"),
                (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string(), "{text}"),
                (read, expected) => panic!("{text}: {read:?}, but {expected:?}"),
            }
        }
        let deep = "[".repeat(200);
        assert_eq!(
            read(deep.as_bytes()).unwrap_err().to_string(),
            serde_json::from_str::<Value>(&deep).unwrap_err().to_string()
        );
    }

    #[test]
    fn a_name_that_stands_twice_in_one_object_is_told_and_its_last_value_counts() {
        let json = read(br#"{"a":{"b":1},"c":[{"b":2,"\u0062":3}],"a":4}"#).unwrap();
        assert_eq!(json.repeated.as_deref(), Some("b"));
        assert_eq!(json.value, serde_json::json!({ "a": 4, "c": [{ "b": 3 }] }));
    }
}
