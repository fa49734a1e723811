//! Events: what was received and what was admitted. The raw bytes are kept as they came; nothing re-serialises them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{ContractRef, EventId, EventType, SourceName};
use crate::time::Timestamp;

/// One request of a sender, before anything about it is believed.
#[derive(Clone, Debug)]
pub struct Received {
    /// The source that the path named.
    pub source: SourceName,
    /// When the last byte had arrived.
    pub at: Timestamp,
    /// As they came; repeated names stay repeated, in their order.
    pub headers: HeaderMap,
    /// `POST` for all that carries events; `GET` and `OPTIONS` for handshakes.
    pub method: String,
    /// The path below `/in/{source}`, with its leading slash, or empty.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The bytes as they came; what signatures are verified over.
    pub body: Bytes,
    /// Who was at the other end of the connection.
    pub peer: Option<IpAddr>,
    /// Who brought it.
    pub by: Brought,
    /// Sixteen bytes of chance per event, drawn by the caller: ids are made from them.
    pub seed: u64,
}

/// Who brought a message to intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// Somebody outside, who has to prove who it is.
    Sender,
    /// This process, which read it itself from a system that it knows.
    Capture,
}

impl Received {
    /// The first value of a header, as [`header`] finds it.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// The first value of a header, whatever the case of its name; none where it is no text in UTF-8.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// Header lines as [`Received`] has them; an error where one is none of HTTP.
pub fn headers<N: AsRef<str>, V: AsRef<str>>(lines: impl IntoIterator<Item = (N, V)>) -> Result<HeaderMap, http::Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let (name, value) = (name.as_ref().as_bytes(), value.as_ref().as_bytes());
        headers.append(HeaderName::from_bytes(name)?, HeaderValue::from_bytes(value)?);
    }
    Ok(headers)
}

/// Where an event comes from, for accounts that are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A partner sent it.
    Live,
    /// A replay brought it again.
    Replay,
    /// A test of the chain; kept out of sinks and measures.
    Synthetic,
}

impl Origin {
    /// Every origin, in the order of the accounts.
    pub const ALL: [Self; 3] = [Self::Live, Self::Replay, Self::Synthetic];

    /// The place of this origin in [`Origin::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Live => 0,
            Self::Replay => 1,
            Self::Synthetic => 2,
        }
    }

    /// The word for it on screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Replay => "replay",
            Self::Synthetic => "synthetic",
        }
    }
}

/// An admitted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Made at the first arrival; every duplicate is answered with it.
    pub id: EventId,
    /// The source that it came in by.
    pub source: SourceName,
    /// The event type.
    pub kind: EventType,
    /// The idempotency key, native or derived, unique per source within [`crate::limit::KEY_WINDOW`].
    pub key: String,
    /// The digest of the received bytes: same key with another digest is refused.
    pub digest: Digest,
    /// What it is about, such as `order/S00042`.
    pub subject: Option<String>,
    /// When it happened, as the sender says.
    pub time: Option<Timestamp>,
    /// When it was received.
    pub received_at: Timestamp,
    /// The contract that it was validated against.
    pub contract: Option<ContractRef>,
    /// The ordering key: events with the same one are to be handled in order.
    pub ordering: Option<String>,
    /// The business transaction that it belongs to; its own id where nothing else is known.
    pub correlation: String,
    /// The trace that it was received in.
    pub trace: Option<TraceContext>,
    /// The business identifiers that its contract declares.
    pub identifiers: Vec<Identifier>,
    /// Live, replayed or synthetic.
    pub origin: Origin,
    /// `CloudEvents` extension attributes and the request headers that the source keeps.
    pub attributes: BTreeMap<String, String>,
    /// The bytes.
    #[serde(skip)]
    pub body: Body,
    /// Where in the bytes the data is.
    pub data: DataAt,
    /// The media type of the data.
    pub content_type: String,
}

/// Received bytes; cheap to clone.
pub type Body = Bytes;

/// Where the data of an event is in its received bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataAt {
    /// All of it.
    #[default]
    Whole,
    /// From the first to before the second byte: the `data` member of a structured event.
    Range(u32, u32),
    /// The inside of the JSON string `data_base64`, from the first to before the second byte.
    Base64(u32, u32),
    /// There is none.
    Absent,
}

impl Event {
    /// The data: what contracts and mappings speak of. Empty where a range is out of bounds, which the
    /// constructor of the event excludes.
    pub fn data(&self) -> Cow<'_, [u8]> {
        match self.data {
            DataAt::Whole => Cow::Borrowed(&self.body),
            DataAt::Range(from, to) => Cow::Borrowed(self.slice(from, to)),
            DataAt::Base64(from, to) => {
                Cow::Owned(base64::engine::general_purpose::STANDARD.decode(self.slice(from, to)).unwrap_or_default())
            }
            DataAt::Absent => Cow::Borrowed(&[]),
        }
    }

    fn slice(&self, from: u32, to: u32) -> &[u8] {
        self.body.get(from as usize..to as usize).unwrap_or_default()
    }
}

/// A business identifier: `order = S00042`, `tracking = 1Z…`. The value is always text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Identifier {
    /// What kind of thing it names, as the contract declares.
    pub scheme: String,
    /// The value as it stands in the event.
    pub value: String,
}

/// W3C trace context as received; passed on with our own span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// 32 lower-case hexadecimal digits.
    pub trace_id: String,
    /// 16 lower-case hexadecimal digits: the span of the sender.
    pub parent_id: String,
    /// The flags octet.
    pub flags: u8,
    /// The `tracestate` header, or empty.
    pub state: String,
}
