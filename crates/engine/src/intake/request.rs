//! The outside of a request: source, address, size, headers, media type. Nothing in here reads the body, so that what
//! can be refused cheaply is refused first.

use formats::cloudevents::{self, Mode};
use http::HeaderMap;
use model::event::Brought;
use model::limit::{BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX};
use model::{Received, Refusal, RefusalKind};
use policy::Policy;
use policy::compiled::{Format, Source};

/// LIMIT: a header's name; the longest registered one has 41 bytes.
const HEADER_NAME_BYTES_MAX: usize = 128;

/// A request within the limits of its source.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The source that it came to.
    pub(super) source: &'a Source,
    /// What came.
    pub(super) received: &'a Received,
}

/// How a request carries events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// One JSON document, one event.
    Json,
    /// One `CloudEvent`: attributes in headers, data as the body.
    Binary,
    /// One `CloudEvent` as a JSON object.
    Structured,
    /// A JSON array of `CloudEvents`.
    Batch,
}

impl Carried {
    /// Levels of nesting around the data.
    pub(super) const fn envelope_depth(self) -> usize {
        match self {
            Self::Json | Self::Binary => 0,
            Self::Structured => 1,
            Self::Batch => 2,
        }
    }
}

impl<'a> Request<'a> {
    /// The request, where it is allowed to come in at all: source, address, size, headers, in this order.
    pub(super) fn open(policy: &'a Policy, received: &'a Received) -> Result<Self, Refusal> {
        let source = policy.sources.get(&received.source).ok_or_else(unknown_source)?;
        check_address(source, received)?;
        let bytes_max = source.limits.body_bytes.min(BODY_BYTES_MAX);
        if received.body.len() > bytes_max {
            let detail = format!("the body has {} bytes, this source takes {bytes_max}", received.body.len());
            return Err(Refusal::new(RefusalKind::TooLarge, detail));
        }
        check_headers(source, &received.headers)?;
        Ok(Self { source, received })
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.received.header(name)
    }

    /// How it carries events, by its media type.
    pub(super) fn carried(&self) -> Result<Carried, Refusal> {
        let refusal = |detail: &str| Refusal::new(RefusalKind::UnsupportedMediaType, detail);
        if self.header("content-encoding").is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
            return Err(refusal("a compressed body is not taken here"));
        }
        let content_type = self.header("content-type");
        match (cloudevents::mode(content_type), self.source.format) {
            (Mode::Batch, Format::Json | Format::CloudEvents) => Ok(Carried::Batch),
            (Mode::Structured, Format::Json | Format::CloudEvents) => Ok(Carried::Structured),
            (Mode::Unsupported, Format::Json | Format::CloudEvents) => {
                Err(refusal("of CloudEvents, JSON in UTF-8 is taken here and no other event format"))
            }
            (Mode::Binary, _) if self.header("ce-specversion").is_some() => Ok(Carried::Binary),
            (Mode::Binary, Format::CloudEvents) => Err(refusal("this source takes CloudEvents only")),
            (Mode::Binary, Format::Json) if content_type.is_none_or(cloudevents::is_json) => Ok(Carried::Json),
            (Mode::Binary, Format::Json) => Err(refusal("this source takes JSON or CloudEvents")),
        }
    }
}

/// Without the name: what is asked for is not repeated.
pub(super) fn unknown_source() -> Refusal {
    Refusal::new(RefusalKind::UnknownSource, "there is no such source here")
}

fn check_address(source: &Source, received: &Received) -> Result<(), Refusal> {
    let allowed = received.by == Brought::Capture
        || source.allow_from.is_empty()
        || received.peer.is_some_and(|peer| source.allow_from.iter().any(|network| network.contains(peer)));
    if allowed { Ok(()) } else { Err(Refusal::new(RefusalKind::ForbiddenAddress, "this address may not send here")) }
}

/// Whether the header lines are within the limits of the source, and text.
pub(super) fn check_headers(source: &Source, headers: &HeaderMap) -> Result<(), Refusal> {
    let too_large = |detail: String| Refusal::new(RefusalKind::HeadersTooLarge, detail);
    let lines_max = source.limits.headers.min(HEADERS_MAX);
    if headers.len() > lines_max {
        return Err(too_large(format!("there are {} header lines, this source takes {lines_max}", headers.len())));
    }
    for (name, value) in headers {
        if name.as_str().len() > HEADER_NAME_BYTES_MAX || value.len() > HEADER_BYTES_MAX {
            return Err(too_large(format!(
                "a header is longer than {HEADER_BYTES_MAX} bytes, or its name than {HEADER_NAME_BYTES_MAX}"
            )));
        }
        if std::str::from_utf8(value.as_bytes()).is_err() {
            return Err(Refusal::new(RefusalKind::Malformed, format!("the header {name} is no UTF-8 text")));
        }
    }
    Ok(())
}
