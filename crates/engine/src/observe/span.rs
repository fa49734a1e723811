//! Spans: the hops of a chain as a collector wants them. A span is made of a fact and nothing else; its ids follow from
//! the ids of what it is about, so no context is carried through the rooms.
//!
//! Routing has no span: it takes a batch of records at once, and what it decides is seen in the attempts.

use model::{EventId, Timestamp};

use super::fact::{Accepted, Arrival, Fact};
use crate::rules::traced::{Chain, Share};

/// A hop that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Itself.
    pub span_id: [u8; 8],
    /// What it hangs below.
    pub parent: Option<[u8; 8]>,
    /// The flags of its trace.
    pub flags: u8,
    /// Which end of an exchange it is.
    pub side: Side,
    /// What was done and by whom, in few different words.
    pub name: String,
    /// When it began.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// Names and values, as the semantic conventions of OpenTelemetry have them and `crossdock.` besides.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Why it failed, if it did, in a word.
    pub error: Option<String>,
}

/// Which end of an exchange a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It was asked.
    Server,
    /// It asked.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A name, an id or a word.
    Text(String),
    /// A number.
    Number(i64),
}

impl Span {
    /// The span of a fact, where it is about a hop of a recorded trace.
    pub(super) fn of(fact: &Fact<'_>, roots: Share) -> Option<Self> {
        match fact {
            Fact::Accepted { arrival, event, verdict, took } => {
                let chain = Chain::of(*event, arrival.sender, roots);
                chain.is_recorded().then(|| receive(chain, arrival, (*event, *verdict), arrival.at + *took))
            }
            Fact::AttemptEnded { chain, .. } => chain.filter(Chain::is_recorded).and_then(|chain| deliver(chain, fact)),
            Fact::Refused { .. }
            | Fact::RefusedMore { .. }
            | Fact::Routed { .. }
            | Fact::Breaker { .. }
            | Fact::Unreadable { .. }
            | Fact::NoSecret { .. }
            | Fact::Shards { .. }
            | Fact::Trimmed { .. }
            | Fact::BudgetAlarm { .. }
            | Fact::RequestFailed { .. }
            | Fact::LoopFault { .. }
            | Fact::Captured(_)
            | Fact::Exported(_)
            | Fact::NotExported { .. } => None,
        }
    }
}

fn receive(chain: Chain, arrival: &Arrival<'_>, (event, verdict): (EventId, Accepted), ended: Timestamp) -> Span {
    let (span_id, above) = match verdict {
        Accepted::Admitted | Accepted::Quarantined => (chain.arrival, None),
        // An arrival of its own, below the first one where its sender does not say otherwise.
        Accepted::Duplicate => (Chain::of(arrival.id, None, Share::NONE).arrival, Some(chain.arrival)),
    };
    let attributes = vec![
        ("messaging.system", text("crossdock")),
        ("messaging.operation.name", text("receive")),
        ("messaging.operation.type", text("receive")),
        ("messaging.destination.name", text(arrival.source)),
        ("messaging.message.id", text(&event)),
        ("cloudevents.event_type", text(&arrival.kind)),
        ("http.route", text("/in/{source}")),
        ("http.request.method", text("POST")),
        ("http.response.status_code", Attribute::Number(202)),
        ("crossdock.source", text(arrival.source)),
        ("crossdock.verdict", text(verdict.word())),
        ("crossdock.policy", text(&arrival.policy.short())),
    ];
    Span {
        trace_id: chain.trace_id,
        span_id,
        parent: chain.sender.or(above),
        flags: chain.flags,
        side: Side::Server,
        name: format!("receive {}", arrival.source),
        started: arrival.at,
        ended,
        attributes,
        error: None,
    }
}

fn deliver(chain: Chain, fact: &Fact<'_>) -> Option<Span> {
    let Fact::AttemptEnded { delivery, cause, state, took, ended, .. } = fact else { return None };
    let no = delivery.attempts;
    let mut attributes = vec![
        ("messaging.system", text("crossdock")),
        ("messaging.operation.name", text("deliver")),
        ("messaging.operation.type", text("send")),
        ("messaging.destination.name", text(&delivery.destination)),
        ("messaging.message.id", text(&delivery.event)),
        ("crossdock.flow", text(&delivery.flow)),
        ("crossdock.delivery", text(&delivery.id)),
        ("crossdock.attempt", Attribute::Number(no.into())),
        ("crossdock.cause", text(cause)),
        ("crossdock.state", text(state)),
        ("crossdock.policy", text(&delivery.policy.short())),
    ];
    let status = cause.strip_prefix("http_").and_then(|status| status.parse().ok());
    attributes.extend(status.map(|status| ("http.response.status_code", Attribute::Number(status))));
    if no > 1 {
        attributes.push(("http.request.resend_count", Attribute::Number((no - 1).into())));
    }
    attributes.extend(delivery.replay.map(|replay| ("crossdock.replay", text(&replay))));
    let error = (!cause.starts_with("http_2")).then(|| (*cause).to_owned());
    attributes.extend(error.iter().map(|cause| ("error.type", text(cause))));
    Some(Span {
        trace_id: chain.trace_id,
        span_id: chain.attempt(delivery.id, no).parent_id,
        parent: Some(chain.arrival),
        flags: chain.flags,
        side: Side::Client,
        name: format!("deliver {}", delivery.destination),
        started: *ended - took.unwrap_or_default(),
        ended: *ended,
        attributes,
        error,
    })
}

fn text(value: &(impl ToString + ?Sized)) -> Attribute {
    Attribute::Text(value.to_string())
}
