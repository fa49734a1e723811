//! `CloudEvents` 1.0 over HTTP: binary, structured and batch, to a value and back.
//!
//! Decoding keeps the payload as a byte range of the body that was given, so that the raw bytes
//! stay what they were. It must never re-serialise, copy or interpret the payload, and accepts no
//! attribute that the specification refuses. Source: spec.md, json-format.md and
//! http-protocol-binding.md at 1.0.2.

mod attribute;
mod binary;
mod builder;
mod error;
pub mod handshake;
mod structured;
#[cfg(test)]
mod tests;

pub use binary::{decode_binary, encode_binary_body, encode_binary_headers};
pub use error::{Error, Location, Problem};
pub use structured::{BatchElement, decode_batch, decode_structured, encode_structured};

use std::collections::BTreeMap;
use std::ops::Range;

/// The media type of a single event in the JSON format.
pub const STRUCTURED_JSON: &str = "application/cloudevents+json";
/// The media type of a batch of events in the JSON format.
pub const BATCH_JSON: &str = "application/cloudevents-batch+json";

/// How an HTTP message carries `CloudEvents`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A JSON array of events.
    Batch,
    /// One event as a JSON object.
    Structured,
    /// Attributes in `ce-` headers, the payload as the body; also what is no event at all. The
    /// header `ce-specversion` tells them apart.
    Binary,
    /// An event format or a charset that is not known here: answer 415.
    Unsupported,
}

/// Decides the mode by the `Content-Type` header, `None` where there is none.
pub fn mode(content_type: Option<&str>) -> Mode {
    let content_type = content_type.unwrap_or_default().trim().to_ascii_lowercase();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    let Some(format) = media_type.trim_end().strip_prefix("application/cloudevents") else {
        return Mode::Binary;
    };
    let charset = parameters.split(';').find_map(|part| part.trim().strip_prefix("charset="));
    let charset = charset.map_or("utf-8", |charset| charset.trim_matches('"'));
    if !matches!(charset, "utf-8" | "us-ascii") {
        return Mode::Unsupported;
    }
    // The batch types share the prefix of the structured ones: compare all that follows it.
    match format {
        "-batch+json" => Mode::Batch,
        "+json" => Mode::Structured,
        _ => Mode::Unsupported,
    }
}

/// Whether a media type is JSON by its name: `application/json`, `text/json` or `…+json`.
/// Parameters and case do not matter.
pub fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.split_once('/').map(|(_, subtype)| subtype);
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// An event of `specversion` 1.0. The payload is not in it, only where to find it in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    /// `id`: not empty; unique together with `source`.
    pub id: String,
    /// `source`: a URI reference, not empty.
    pub source: String,
    /// `type`: not empty.
    pub kind: String,
    /// `subject`: not empty.
    pub subject: Option<String>,
    /// `time`: an RFC 3339 instant, in the text form in which it came.
    pub time: Option<String>,
    /// `datacontenttype`: a media type.
    pub datacontenttype: Option<String>,
    /// `dataschema`: an absolute URI.
    pub dataschema: Option<String>,
    /// The extension attributes by name; names are `[a-z0-9]+`.
    pub extensions: BTreeMap<String, Value>,
    /// Where the payload is.
    pub data: Data,
}

/// The value of an extension attribute. In headers everything is a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A JSON boolean.
    Boolean(bool),
    /// A JSON number, 32 bits signed.
    Integer(i32),
    /// A string without control characters; all other types of `CloudEvents` come as strings.
    String(String),
}

impl Value {
    /// The canonical text of the value, as it stands in a header.
    pub fn text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::String(value) => value.clone(),
        }
    }
}

/// Where the payload of an event is. Ranges are bytes of the body that was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// There is none.
    Absent,
    /// The bytes as they are (binary mode).
    Body(Range<usize>),
    /// One JSON value (the member `data` of a structured event); a string stays a string.
    Json(Range<usize>),
    /// Bytes decoded from `data_base64`.
    Bytes(Vec<u8>),
}

impl Data {
    /// The raw bytes of the payload; `body` is the body that was decoded.
    ///
    /// `None` where there is no payload, or where `body` is another, shorter one.
    pub fn raw<'a>(&'a self, body: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Absent => None,
            Self::Body(range) | Self::Json(range) => body.get(range.clone()),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}
