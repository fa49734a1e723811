//! From the body of a request to events: one, or the elements of a batch, each with the bytes that are its own and the
//! place of its data in them. The bytes are cut, never written anew.

use bytes::Bytes;
use formats::cloudevents::{self, CloudEvent, Data as Payload, Location, Problem};
use formats::{depth, visible};
use model::diagnostic::Place;
use model::event::DataAt;
use model::limit::{BATCH_EVENTS_MAX, BODY_DEPTH_MAX, HEADER_BYTES_MAX, HEADERS_MAX};
use model::{Diagnostic, Refusal, RefusalKind};
use policy::codes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::batch;
use super::request::{Carried, Request};

/// What data is where its sender does not say it.
pub(super) const JSON: &str = "application/json";

/// LIMIT: the name of an attribute; the specification advises 20.
const ATTRIBUTE_NAME_BYTES_MAX: usize = 64;

/// LIMIT: what a sentence repeats of a name.
const SHOWN_CHARS_MAX: usize = 80;

/// What a request says about one event.
#[derive(Debug)]
pub(super) struct Message {
    /// The bytes that are the event's own: the body, or its element of a batch.
    pub(super) raw: Bytes,
    /// Where the data is in them.
    pub(super) data: DataAt,
    /// The media type of the data.
    pub(super) content_type: String,
    /// The attributes, where it is a `CloudEvent`.
    pub(super) envelope: Option<Box<CloudEvent>>,
}

/// The events of a request, each of its own fate; the refusal is for the request as a whole.
pub(super) fn messages(request: &Request<'_>, carried: Carried) -> Result<Vec<Result<Message, Refusal>>, Refusal> {
    let body = &request.received.body;
    let content_type = request.header("content-type");
    let depth_max = request.source.limits.depth.min(BODY_DEPTH_MAX);
    if carried != Carried::Binary || content_type.is_some_and(cloudevents::is_json) {
        depth::check(body, depth_max + carried.envelope_depth()).map_err(too_deep)?;
    }
    Ok(match carried {
        Carried::Json => {
            let content_type = content_type.unwrap_or(JSON).to_owned();
            vec![Ok(Message { raw: body.clone(), data: DataAt::Whole, content_type, envelope: None })]
        }
        Carried::Binary => {
            let event = cloudevents::decode_binary(&request.received.headers, body).map_err(|error| broken(&error))?;
            vec![of_event(event, body.clone(), 0, depth_max)]
        }
        Carried::Structured => vec![structured(body, depth_max)],
        Carried::Batch => {
            let elements = cloudevents::decode_batch(body, BATCH_EVENTS_MAX).map_err(|error| broken(&error))?;
            let message = |(index, element): (usize, cloudevents::BatchElement)| {
                let start = element.raw.start;
                let event = element.event.map_err(|error| broken(&error))?;
                of_event(event, body.slice(element.raw), start, depth_max)
                    .map_err(|refusal| batch::in_element(refusal, index, ""))
            };
            elements.into_iter().enumerate().map(message).collect()
        }
    })
}

/// A name that its sender chose, as a sentence for people can hold it.
pub(super) fn shown(name: &str) -> String {
    let start: String = name.chars().take(SHOWN_CHARS_MAX).collect();
    visible::line(&start).into_owned()
}

/// The event in a JSON object.
pub(super) fn structured(body: &Bytes, depth_max: usize) -> Result<Message, Refusal> {
    let event = cloudevents::decode_structured(body).map_err(|error| broken(&error))?;
    of_event(event, body.clone(), 0, depth_max)
}

/// The attributes that stand in the bytes of an event which was taken once; none where they stand elsewhere.
pub(super) fn envelope(body: &Bytes) -> Option<Box<CloudEvent>> {
    structured(body, BODY_DEPTH_MAX).ok()?.envelope
}

/// `raw` begins at byte `start` of the body that the event's ranges count in.
fn of_event(mut event: CloudEvent, raw: Bytes, start: usize, depth_max: usize) -> Result<Message, Refusal> {
    check_bounds(&event)?;
    let declared = event.datacontenttype.take();
    let says_json = declared.as_deref().is_none_or(cloudevents::is_json);
    let (data, content_type) = match &event.data {
        Payload::Absent => (DataAt::Absent, declared),
        Payload::Body(_) => (DataAt::Whole, declared),
        // The bytes are a JSON value whatever the sender says of the text that it may stand for.
        Payload::Json(range) => (range_at(range.start - start, range.end - start), declared.filter(|_| says_json)),
        Payload::Bytes(bytes) => {
            if says_json {
                depth::check(bytes, depth_max).map_err(too_deep)?;
            }
            (base64_at(&raw)?, declared)
        }
    };
    let content_type = content_type.unwrap_or_else(|| JSON.to_owned());
    Ok(Message { raw, data, content_type, envelope: Some(Box::new(event)) })
}

fn range_at(from: usize, to: usize) -> DataAt {
    DataAt::Range(offset(from), offset(to))
}

/// INVARIANT: bodies have at most [`model::limit::BODY_BYTES_MAX`] bytes, so that every offset fits.
fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a body is far below four gigabytes")
}

/// Where the text of `data_base64` is. Base64 needs no escapes in JSON; one that has them cannot be kept as a range.
fn base64_at(raw: &[u8]) -> Result<DataAt, Refusal> {
    #[derive(Deserialize)]
    struct Member<'a> {
        #[serde(borrow)]
        data_base64: &'a RawValue,
    }
    let refusal = || {
        let why = "data_base64 is written with escapes; base64 needs none";
        malformed(Diagnostic::error(codes::BAD_ENVELOPE, Place::Pointer("/data_base64".to_owned()), why))
    };
    let member: Member<'_> = serde_json::from_slice(raw).map_err(|_| refusal())?;
    let text = member.data_base64.get();
    if text.contains('\\') || text.len() < 2 {
        return Err(refusal());
    }
    let from = text.as_ptr().addr() - raw.as_ptr().addr() + 1;
    Ok(DataAt::Base64(offset(from), offset(from + text.len() - 2)))
}

/// Attributes go into indexes, logs and headers: they have limits that the body does not have.
fn check_bounds(event: &CloudEvent) -> Result<(), Refusal> {
    let long = event.subject.as_ref().is_some_and(|subject| subject.len() > HEADER_BYTES_MAX)
        || event.extensions.len() > HEADERS_MAX
        || event
            .extensions
            .iter()
            .any(|(name, value)| name.len() > ATTRIBUTE_NAME_BYTES_MAX || value.text().len() > HEADER_BYTES_MAX);
    if !long {
        return Ok(());
    }
    let message = format!("more than {HEADERS_MAX} extension attributes, or one that is too long");
    Err(malformed(Diagnostic::error(codes::BAD_ENVELOPE, Place::Whole, message)))
}

/// A request that breaks one rule which makes it unreadable.
pub(super) fn malformed(rule: Diagnostic) -> Refusal {
    Refusal { reasons: vec![rule.clone()], ..Refusal::new(RefusalKind::Malformed, rule.message) }
}

pub(super) fn too_deep(deep: depth::TooDeep) -> Refusal {
    let rule = Diagnostic::error(codes::BODY_TOO_DEEP, Place::Whole, deep.to_string());
    Refusal { reasons: vec![rule], ..Refusal::new(RefusalKind::TooDeep, deep.to_string()) }
}

fn broken(error: &cloudevents::Error) -> Refusal {
    let place = match &error.at {
        Location::Pointer(pointer) if pointer.is_empty() => Place::Whole,
        Location::Pointer(pointer) => Place::Pointer(pointer.clone()),
        Location::Header(name) => Place::Header(name.clone()),
    };
    let is_json = !matches!(error.problem, Problem::NotJson { .. });
    let code = if is_json { codes::BAD_ENVELOPE } else { codes::NOT_JSON };
    let is_small = !matches!(error.problem, Problem::TooManyEvents(_));
    let kind = if is_small { RefusalKind::Malformed } else { RefusalKind::TooLarge };
    let rule = Diagnostic::error(code, place, error.problem.to_string());
    Refusal { reasons: vec![rule], ..Refusal::new(kind, error.to_string()) }
}
