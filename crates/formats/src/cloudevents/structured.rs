//! Structured and batch content mode in the JSON format.
//!
//! The payload and the elements of a batch are found as byte ranges of the body. It must never
//! build a tree of the payload: nesting costs no stack here, but `depth` should be asked first.

use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::builder::Builder;
use super::{CloudEvent, Data, Error, Location, Problem, Value, is_json};

/// One element of a batch: where it is, and the event or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchElement {
    /// The bytes of the element in the body, without white space around it.
    pub raw: Range<usize>,
    /// The event; its ranges count from the start of the whole body. Errors point into the batch.
    pub event: Result<CloudEvent, Error>,
}

/// Decodes one event from a JSON object; `data` is kept as a range of `body`.
pub fn decode_structured(body: &[u8]) -> Result<CloudEvent, Error> {
    decode_object(body, body, &Location::Pointer(String::new()))
}

/// Decodes a JSON array of events, at most `events_max` of them; an empty array is legal.
///
/// Elements are decoded one by one, so that one that is wrong does not hide the others.
pub fn decode_batch(body: &[u8], events_max: usize) -> Result<Vec<BatchElement>, Error> {
    let at = Location::Pointer(String::new());
    if !body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::NotAnArray.at(at));
    }
    let elements: Vec<&RawValue> = parse(body, &at)?;
    if elements.len() > events_max {
        return Err(Problem::TooManyEvents(events_max).at(at));
    }
    let decode = |(index, element): (usize, &RawValue)| {
        let at = Location::Pointer(format!("/{index}"));
        let event = decode_object(element.get().as_bytes(), body, &at);
        BatchElement { raw: range_in(body, element.get()), event }
    };
    Ok(elements.into_iter().enumerate().map(decode).collect())
}

/// The members of a JSON object in their order, with repeated ones, values not parsed.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8], at: &Location) -> Result<T, Error> {
    serde_json::from_slice(json)
        .map_err(|error| Problem::NotJson { line: error.line(), column: error.column() }.at(at.clone()))
}

/// Where a part lies in the body it borrows from, in bytes.
fn range_in(body: &[u8], part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - body.as_ptr().addr();
    let range = start..start + part.len();
    // INVARIANT: serde_json lends raw values out of the slice that it was given.
    assert!(range.end <= body.len(), "a raw value lies in the body it was parsed from");
    range
}

/// Decodes the event in `object`, a part of `body` or all of it.
fn decode_object(object: &[u8], body: &[u8], at: &Location) -> Result<CloudEvent, Error> {
    if !object.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::NotAnObject.at(at.clone()));
    }
    let Members(members) = parse(object, at)?;
    let mut builder = Builder::new(at.clone());
    let mut json = None;
    let mut base64 = None;
    for (name, raw) in members {
        let payload = match name.as_str() {
            "data" => &mut json,
            "data_base64" => &mut base64,
            _ => {
                let value = attribute(raw).map_err(|problem| problem.at(at.member(&name)))?;
                value.map_or(Ok(()), |value| builder.add(&name, value))?;
                continue;
            }
        };
        if payload.replace(raw).is_some() {
            return Err(Problem::Repeated.at(at.member(&name)));
        }
    }
    builder.build(payload(json, base64, body, at)?)
}

/// The payload out of the members `data` and `data_base64`, which exclude each other. A null in
/// one of them does not count where the other one is there.
fn payload(json: Option<&RawValue>, base64: Option<&RawValue>, body: &[u8], at: &Location) -> Result<Data, Error> {
    let is_null = |raw: &&RawValue| raw.get() == "null";
    let base64 = base64.filter(|raw| !is_null(raw));
    match (json, base64) {
        (Some(json), Some(_)) if !is_null(&json) => Err(Problem::TwoPayloads.at(at.member("data_base64"))),
        (_, Some(base64)) => {
            let error = || Problem::Base64.at(at.member("data_base64"));
            let text: String = serde_json::from_str(base64.get()).map_err(|_| error())?;
            Ok(Data::Bytes(STANDARD.decode(text).map_err(|_| error())?))
        }
        (Some(json), None) => Ok(Data::Json(range_in(body, json.get()))),
        (None, None) => Ok(Data::Absent),
    }
}

/// The value of an attribute; `None` for null, which is the same as absent.
fn attribute(raw: &RawValue) -> Result<Option<Value>, Problem> {
    let text = raw.get();
    match text.as_bytes() {
        b"null" => Ok(None),
        b"true" => Ok(Some(Value::Boolean(true))),
        b"false" => Ok(Some(Value::Boolean(false))),
        // The text is valid JSON, so that the one thing left to go wrong is a lone surrogate.
        [b'"', ..] => serde_json::from_str(text).map(|text| Some(Value::String(text))).map_err(|_| Problem::Character),
        [b'[' | b'{', ..] => Err(Problem::NotAnAttributeValue),
        number if number.iter().any(|byte| b".eE".contains(byte)) => Err(Problem::NotAnAttributeValue),
        _ => text.parse().map(|value| Some(Value::Integer(value))).map_err(|_| Problem::IntegerRange),
    }
}

/// Encodes an event as a JSON object; `body` is the one it was decoded from.
///
/// A JSON payload goes into `data` byte for byte. A payload that came as bytes (binary mode) does
/// so too where `datacontenttype` is JSON and the bytes are; everything else is `data_base64`.
/// Fails where the event breaks a rule of the specification.
pub fn encode_structured(event: &CloudEvent, body: &[u8]) -> Result<Vec<u8>, Error> {
    let at = Location::Pointer(String::new());
    let attributes = event.checked_attributes(&at)?;
    let payload = || Problem::Payload.at(at.member("data"));
    let raw = match event.data {
        Data::Absent => None,
        Data::Body(_) | Data::Json(_) | Data::Bytes(_) => Some(event.data.raw(body).ok_or_else(payload)?),
    };
    let is_json_type = event.datacontenttype.as_deref().is_some_and(is_json);
    let as_json = |raw| serde_json::from_slice::<&RawValue>(raw).ok();
    let json = match (&event.data, raw) {
        (Data::Json(_), Some(raw)) => Some(as_json(raw).ok_or_else(payload)?),
        (Data::Body(_), Some(raw)) if is_json_type => as_json(raw),
        (Data::Absent | Data::Body(_) | Data::Json(_) | Data::Bytes(_), _) => None,
    };
    write(event, &attributes, json, raw).map_err(|_| payload())
}

fn write(
    event: &CloudEvent,
    attributes: &[(&str, Value)],
    json: Option<&RawValue>,
    raw: Option<&[u8]>,
) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut out);
    let mut map = serializer.serialize_map(None)?;
    for (name, value) in attributes {
        match value {
            Value::Boolean(value) => map.serialize_entry(name, value)?,
            Value::Integer(value) => map.serialize_entry(name, value)?,
            Value::String(value) => map.serialize_entry(name, value)?,
        }
    }
    if let Some(media_type) = &event.datacontenttype {
        map.serialize_entry("datacontenttype", media_type)?;
    }
    match (json, raw) {
        (Some(json), _) => map.serialize_entry("data", json)?,
        (None, Some(raw)) => map.serialize_entry("data_base64", &STANDARD.encode(raw))?,
        (None, None) => {}
    }
    map.end()?;
    Ok(out)
}
