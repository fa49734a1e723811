//! Between JSON and the values of the expression language, both ways, without losing digits or order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number};
use vrl::value::{KeyString, ObjectMap, Value};

/// A value of the language, read from JSON. An unsigned number above `i64::MAX` is a text, so that it keeps its digits.
pub(crate) struct Read(pub(crate) Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from_f64_or_zero(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Read(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = ObjectMap::new();
        while let Some((name, Read(value))) = entries.next_entry::<KeyString, Read>()? {
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

fn unsigned(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::from(number.to_string()), Value::Integer)
}

/// A value of the language from a JSON value.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::Number(number) => from_number(number),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (KeyString::from(name.as_str()), from_json(value))).collect())
        }
    }
}

fn from_number(number: &Number) -> Value {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), _, _) => Value::Integer(integer),
        (None, Some(integer), _) => unsigned(integer),
        (None, None, Some(float)) => Value::from_f64_or_zero(float),
        (None, None, None) => Value::from(number.to_string()),
    }
}

/// What is left of a size that JSON may reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room(pub(crate) usize);

/// It would be larger than the room that there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Room {
    /// Takes so many bytes of it.
    pub(crate) const fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        match self.0.checked_sub(bytes) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => Err(TooLarge),
        }
    }
}

/// JSON from a value of the language: members in the order of their names, instants and patterns as texts, bytes that
/// are no UTF-8 with replacement characters. Ends early where it would be larger than `room`.
pub(crate) fn to_json(value: &Value, room: &mut Room) -> Result<serde_json::Value, TooLarge> {
    room.take(1)?;
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(truth) => serde_json::Value::Bool(*truth),
        Value::Integer(number) => serde_json::Value::from(*number),
        Value::Float(number) => {
            Number::from_f64(number.into_inner()).map_or(serde_json::Value::Null, serde_json::Value::Number)
        }
        Value::Bytes(_) | Value::String(_) | Value::Regex(_) | Value::Timestamp(_) => {
            let text = value.to_string_lossy();
            room.take(text.len())?;
            serde_json::Value::String(text.into_owned())
        }
        Value::Array(items) => {
            let items: Result<Vec<_>, TooLarge> = items.iter().map(|item| to_json(item, room)).collect();
            serde_json::Value::Array(items?)
        }
        Value::Object(members) => {
            let mut object = Map::with_capacity(members.len());
            for (name, value) in members {
                room.take(name.len())?;
                object.insert(name.as_str().to_owned(), to_json(value, room)?);
            }
            serde_json::Value::Object(object)
        }
    })
}

/// The type of a value, as JSON calls it.
pub(crate) const fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) => "integer",
        Value::Float(_) => "number",
        Value::Bytes(_) | Value::String(_) | Value::Regex(_) => "string",
        Value::Timestamp(_) => "timestamp",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A scalar as a text: numbers and booleans in their JSON notation, nothing for the rest.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::Bytes(_) | Value::String(_) | Value::Timestamp(_) | Value::Integer(_) | Value::Boolean(_) => {
            Some(value.to_string_lossy().into_owned())
        }
        Value::Float(number) => Number::from_f64(number.into_inner()).map(|number| number.to_string()),
        Value::Regex(_) | Value::Object(_) | Value::Array(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ways_into_the_language_agree_and_come_back() {
        let text =
            r#"{"b":[1,-2,1.5,true,null,"x"],"a":{"id":820982911946154508,"big":18446744073709551615},"e":[],"o":{}}"#;
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let Read(value) = serde_json::from_str(text).unwrap();
        assert_eq!(value, from_json(&json));
        let back = to_json(&value, &mut Room(1000)).unwrap();
        let sorted =
            r#"{"a":{"big":"18446744073709551615","id":820982911946154508},"b":[1,-2,1.5,true,null,"x"],"e":[],"o":{}}"#;
        assert_eq!(back.to_string(), sorted);
    }

    #[test]
    fn the_way_out_ends_at_its_limit() {
        let value = from_json(&json!({"text": "0123456789"}));
        assert!(to_json(&value, &mut Room(16)).is_ok());
        assert_eq!(to_json(&value, &mut Room(15)), Err(TooLarge));
    }

    #[test]
    fn scalars_have_a_text() {
        for (json, expected) in [
            (json!("a"), Some("a")),
            (json!(7), Some("7")),
            (json!(true), Some("true")),
            (json!(1.5), Some("1.5")),
            (json!(null), None),
            (json!([]), None),
        ] {
            assert_eq!(scalar_text(&from_json(&json)).as_deref(), expected);
        }
    }
}
