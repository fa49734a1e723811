//! What is wrong with a `CloudEvent`, and where.
//!
//! The text goes back to the sender: it names the place and the rule, and must never repeat the
//! value that broke it.

use std::fmt;

use thiserror::Error;

/// One reason why something is not a valid `CloudEvent`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {problem}")]
pub struct Error {
    /// Where.
    pub at: Location,
    /// What.
    pub problem: Problem,
}

/// A place in an HTTP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A JSON pointer (RFC 6901) into the body; `""` is the body as a whole.
    Pointer(String),
    /// A header, by its name in lower case.
    Header(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => f.write_str("body"),
            Self::Pointer(pointer) => write!(f, "body at {pointer}"),
            Self::Header(name) => write!(f, "header {name}"),
        }
    }
}

impl Location {
    /// The place of a member of this object, with the escapes of RFC 6901.
    pub(super) fn member(&self, name: &str) -> Self {
        match self {
            Self::Pointer(pointer) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                Self::Pointer(format!("{pointer}/{name}"))
            }
            Self::Header(_) => Self::Header(format!("ce-{name}")),
        }
    }
}

/// The rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The body is not JSON, or not UTF-8.
    #[error("this is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// The line, counted from 1; inside a batch element, from its first line.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// A structured event is an object.
    #[error("an event is a JSON object")]
    NotAnObject,
    /// A batch is an array.
    #[error("a batch is a JSON array of events")]
    NotAnArray,
    /// LIMIT given by the caller.
    #[error("there are more than {0} events in this batch")]
    TooManyEvents(usize),
    /// A required attribute is not there (or null).
    #[error("the attribute is required")]
    Missing,
    /// An attribute occurs more than once.
    #[error("the attribute occurs more than once")]
    Repeated,
    /// Only version 1.0 is known.
    #[error("the specversion is not 1.0")]
    SpecVersion,
    /// A name that is not `[a-z0-9]+`.
    #[error("an attribute name has only lower-case letters a-z and digits")]
    Name,
    /// The names of payload members, and in binary mode `datacontenttype`, which is the header
    /// `Content-Type`.
    #[error("this name is not allowed for an attribute here")]
    ReservedName,
    /// An attribute of the specification that is not a string.
    #[error("the value is a string")]
    NotAString,
    /// An array, an object or a fraction.
    #[error("the value of an attribute is a string, a boolean or an integer")]
    NotAnAttributeValue,
    /// The integers of `CloudEvents` have 32 bits.
    #[error("the integer is outside -2147483648 to 2147483647")]
    IntegerRange,
    /// An attribute that is there has content.
    #[error("the value is empty")]
    Empty,
    /// C0 and C1 controls, noncharacters, lone surrogates.
    #[error("the value has a control character, a noncharacter or a lone surrogate")]
    Character,
    /// `time`.
    #[error("the value is not an RFC 3339 instant, like 2018-04-05T17:31:00Z")]
    Time,
    /// `source`.
    #[error("the value is not a URI reference")]
    UriReference,
    /// `dataschema`.
    #[error("the value is not an absolute URI")]
    Uri,
    /// `datacontenttype`.
    #[error("the value is not a media type, like application/json")]
    MediaType,
    /// A header value with `%` and no two hex digits after it.
    #[error("a percent sign is not followed by two hex digits")]
    PercentEncoding,
    /// A header value that begins with a quote and does not end with one.
    #[error("the quoted value is not closed")]
    Quoting,
    /// A header value that is not UTF-8 after decoding.
    #[error("the value is not UTF-8")]
    Utf8,
    /// `data_base64`.
    #[error("the value is not base64")]
    Base64,
    /// Both payload members.
    #[error("data and data_base64 exclude each other")]
    TwoPayloads,
    /// The payload to encode does not lie inside the body, or is not JSON where it says so.
    #[error("the payload does not belong to this body")]
    Payload,
    /// Webhook handshake: the number is not a positive integer.
    #[error("the value is not a positive integer")]
    NotPositive,
    /// Webhook handshake: this origin is not on the list.
    #[error("this origin is not allowed to send here")]
    OriginNotAllowed,
}

impl Problem {
    /// This problem at a place.
    pub(super) fn at(self, at: Location) -> Error {
        Error { at, problem: self }
    }
}
