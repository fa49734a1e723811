//! What becomes of a request, decided from the policy, the keys and the request alone. The same request always gets
//! the same keys and digests, whatever else differs.
//!
//! Cheap and safe checks come first: source, address, size, headers, handshakes, media type, signature over the bytes
//! as they came; and only then is the body read: depth, JSON or envelope, and event by event type, key and contract.

use std::cell::RefCell;

use bytes::Bytes;
use formats::{cloudevents, depth, trace_context};
use model::event::DataAt;
use model::limit::{BODY_BYTES_MAX, BODY_DEPTH_MAX};
use model::{Event, EventId, Received, Refusal, RefusalKind, Timestamp, Verdict};
use policy::Policy;
use policy::compiled::Source;
use policy::contract::Effort;

use super::batch;
use super::handshake::{self, HandshakeAnswer};
use super::judge::{Before, Ground, Identity, judge_again, judge_new};
use super::key;
use super::message::{self, Message};
use super::nudge;
use super::request::{Carried, Request};
use super::verify::Verifiers;
use crate::nudges::Nudge;

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision {
    /// It is answered and admits nothing.
    Answered(HandshakeAnswer),
    /// It says that a record may have changed, and admits nothing.
    Nudged(Nudge),
    /// A verdict for each of its events, in their order; several only for a batch, none for an empty one. All of them
    /// can be taken.
    Judged(Vec<Verdict>),
    /// It is refused as a whole.
    Refused(Refusal),
}

/// A request that has shown who sent it.
#[derive(Debug)]
pub enum Opened<'a> {
    /// It is answered and admits nothing.
    Answered(HandshakeAnswer),
    /// It says that a record may have changed, and admits nothing.
    Nudged(Nudge),
    /// It carries events.
    Proven(Proven<'a>),
}

/// A request whose sender is known and whose body nobody has looked into.
#[derive(Debug)]
pub struct Proven<'a> {
    request: Request<'a>,
    carried: Carried,
}

/// How the events of a request came: a batch is answered as one, whether it has many, one or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One event by itself.
    Alone,
    /// In a batch.
    Batch,
}

impl<'a> Proven<'a> {
    /// The source that it came to.
    pub fn source(&self) -> &'a Source {
        self.request.source
    }

    /// How its events came.
    pub fn form(&self) -> Form {
        match self.carried {
            Carried::Json | Carried::Binary | Carried::Structured => Form::Alone,
            Carried::Batch => Form::Batch,
        }
    }
}

/// Judges a request. `wall` is the time of the machine's clock, by which signatures are judged.
pub fn admit(policy: &Policy, verifiers: &Verifiers, received: &Received, wall: Timestamp) -> Decision {
    match open(policy, verifiers, received, wall) {
        Ok(Opened::Answered(answer)) => Decision::Answered(answer),
        Ok(Opened::Nudged(nudge)) => Decision::Nudged(nudge),
        Ok(Opened::Proven(proven)) => judge(policy, &proven).map_or_else(Decision::Refused, Decision::Judged),
        Err(refusal) => Decision::Refused(refusal),
    }
}

/// The first half: all that is decided without looking into the body. Pauses and rates are asked between the halves, so
/// that a stranger can neither learn of the one nor use up the other.
pub fn open<'a>(
    policy: &'a Policy,
    verifiers: &Verifiers,
    received: &'a Received,
    wall: Timestamp,
) -> Result<Opened<'a>, Refusal> {
    let request = Request::open(policy, received)?;
    if let Some(answer) = handshake::unsigned(&request)? {
        verifiers.verify_address(received)?;
        return Ok(Opened::Answered(answer));
    }
    if let Some(capture) = nudge::capture(&request) {
        verifiers.verify_address(received)?;
        return nudge::read(&received.body, capture).map(Opened::Nudged);
    }
    let carried = request.carried()?;
    verifiers.verify(received, wall)?;
    if let Some(answer) = handshake::ping(&request) {
        return Ok(Opened::Answered(answer));
    }
    Ok(Opened::Proven(Proven { request, carried }))
}

/// The second half: a verdict for each event. Refused as a whole when one of them cannot be taken.
pub fn judge(policy: &Policy, proven: &Proven<'_>) -> Result<Vec<Verdict>, Refusal> {
    let Proven { request, carried } = proven;
    let Received { at, seed, headers, .. } = request.received;
    let messages = message::messages(request, *carried)?;
    let trace = trace_context::extract(headers);
    let effort = RefCell::new(Effort::of_one_request());
    let ground =
        Ground { policy, source: request.source, carried: *carried, headers, trace: trace.as_ref(), effort: &effort };
    let count = messages.len();
    let mut verdicts = Vec::with_capacity(count);
    let mut refused = Vec::new();
    for (index, message) in messages.into_iter().enumerate() {
        let id = key::arrival(request.source, *at, *seed, index);
        match message.and_then(|message| verdict(&ground, &message, index, Identity { id, received_at: *at })) {
            Ok(verdict) => verdicts.push(verdict),
            Err(refusal) => refused.push((index, refusal)),
        }
    }
    if *carried != Carried::Batch {
        return refused.pop().map_or(Ok(verdicts), |(_, only)| Err(only));
    }
    if refused.is_empty() {
        refused = batch::contradictions(&verdicts);
    }
    if refused.is_empty() { Ok(verdicts) } else { Err(batch::refusal(count, refused)) }
}

fn verdict(ground: &Ground<'_>, message: &Message, index: usize, identity: Identity) -> Result<Verdict, Refusal> {
    let judged = judge_new(ground, message, identity);
    if ground.carried == Carried::Batch {
        return judged.map_err(|refusal| batch::in_element(refusal, index, "/data"));
    }
    judged
}

/// Judges a kept event again under the present policy, with another body: in the form of the one that was received,
/// envelope included where it had one in the body. Without signature, handshake and key registry; its key stays.
pub fn again(policy: &Policy, before: &Event, body: Bytes, id: EventId) -> Result<Verdict, Refusal> {
    let source = policy.sources.get(&before.source);
    let source = source.ok_or_else(|| Refusal::new(RefusalKind::UnknownSource, "the source of the event is gone"))?;
    let bytes_max = source.limits.body_bytes.min(BODY_BYTES_MAX);
    if body.len() > bytes_max {
        let detail = format!("the body has {} bytes, the source takes {bytes_max}", body.len());
        return Err(Refusal::new(RefusalKind::TooLarge, detail));
    }
    let depth_max = source.limits.depth.min(BODY_DEPTH_MAX);
    let carried = if had_envelope(before) { Carried::Structured } else { Carried::Json };
    let message = if carried == Carried::Structured {
        depth::check(&body, depth_max + carried.envelope_depth()).map_err(message::too_deep)?;
        message::structured(&body, depth_max)?
    } else {
        if cloudevents::is_json(&before.content_type) {
            depth::check(&body, depth_max).map_err(message::too_deep)?;
        }
        let content_type = before.content_type.clone();
        Message { raw: body, data: DataAt::Whole, content_type, envelope: None }
    };
    // What only its headers said stays as it was.
    let none = http::HeaderMap::new();
    let effort = RefCell::new(Effort::of_one_request());
    let ground = Ground { policy, source, carried, headers: &none, trace: None, effort: &effort };
    let replaced = if carried == Carried::Structured { message::envelope(&before.body) } else { None };
    judge_again(&ground, &message, id, Before { event: before, replaced: replaced.as_deref() })
}

/// Whether the kept bytes are an envelope with the data inside.
fn had_envelope(event: &Event) -> bool {
    match event.data {
        DataAt::Range(..) | DataAt::Base64(..) => true,
        DataAt::Absent => !event.body.is_empty(),
        DataAt::Whole => false,
    }
}
