//! One event: its type, its key, its contract, and what the contract reads out of it. The data is parsed once, for all
//! of them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use formats::cloudevents::{self, CloudEvent};
use formats::trace_context::{TraceContext as Traced, TraceParent, TraceState};
use http::HeaderMap;
use model::diagnostic::Place;
use model::digest::bounded;
use model::event::DataAt;
use model::limit::{HEADER_BYTES_MAX, IDENTIFIER_BYTES_MAX, LANE_KEY_BYTES_MAX, REASONS_MAX};
use model::{Diagnostic, Digest, Event, EventId, Origin, Refusal, RefusalKind, Timestamp, TraceContext, Verdict};
use policy::compiled::{OnInvalid, Source};
use policy::contract::{Contract, Effort};
use policy::expression::Data;
use policy::{Policy, codes};

use super::key;
use super::kind;
use super::message::{self, Message, malformed};
use super::pick::{self, Sight, instant};
use super::request::Carried;

/// What all events of a request have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub(super) policy: &'a Policy,
    pub(super) source: &'a Source,
    pub(super) carried: Carried,
    pub(super) headers: &'a HeaderMap,
    pub(super) trace: Option<&'a Traced>,
    /// What the contracts may take for all of them.
    pub(super) effort: &'a RefCell<Effort>,
}

impl<'a> Ground<'a> {
    fn sight(&self, message: &'a Message, data: &'a Data<'a>) -> Sight<'a> {
        Sight { carried: self.carried, headers: self.headers, envelope: message.envelope.as_deref(), data }
    }
}

/// What an event is given, not what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) id: EventId,
    pub(super) received_at: Timestamp,
}

/// The verdict on an event that arrived.
pub(super) fn judge_new(ground: &Ground<'_>, message: &Message, identity: Identity) -> Result<Verdict, Refusal> {
    let bytes = message.data_bytes();
    let data = Data::new(bytes, &message.content_type);
    let sight = ground.sight(message, &data);
    check_json(message, &data)?;
    let native = kind::native(ground.source, sight);
    let kind = kind::kind(ground.source, native.as_deref())?;
    let digest = Digest::of(&message.raw);
    let key = key::key(ground.source, sight, native.as_deref(), &digest)?;
    let event = Event {
        id: identity.id,
        source: ground.source.name.clone(),
        kind: kind.kind.clone(),
        key,
        digest,
        subject: sight.envelope.and_then(|event| event.subject.clone()),
        time: time(ground.source, sight),
        received_at: identity.received_at,
        contract: kind.rule.and_then(|rule| rule.contract.clone()),
        ordering: sight.extension(PARTITION_KEY).map(|key| bounded(key, LANE_KEY_BYTES_MAX)),
        correlation: sight.correlation().map_or_else(String::new, |text| bounded(text, IDENTIFIER_BYTES_MAX)),
        trace: trace(sight, ground.trace),
        identifiers: Vec::new(),
        origin: Origin::Live,
        attributes: attributes(ground.source, sight),
        body: message.raw.clone(),
        data: message.data,
        content_type: message.content_type.clone(),
    };
    complete(ground, (event, Said::default()), kind.reason, &data)
}

/// A kept event, and the attributes that stood in the bytes which another body takes the place of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    pub(super) event: &'a Event,
    pub(super) replaced: Option<&'a CloudEvent>,
}

impl Before<'_> {
    /// The attributes that nothing in these bytes said.
    fn attributes(&self) -> BTreeMap<String, String> {
        let mut attributes = self.event.attributes.clone();
        if let Some(CloudEvent { extensions, dataschema, .. }) = self.replaced {
            let is_replaced = |name: &str| extensions.contains_key(name) || name == DATASCHEMA && dataschema.is_some();
            attributes.retain(|name, _| !is_replaced(name));
        }
        attributes
    }
}

/// The verdict on a kept event with another body: what only its headers said stays as it was, and nothing that was read out
/// of the body before, with the envelope where it had one inside.
pub(super) fn judge_again(
    ground: &Ground<'_>,
    message: &Message,
    id: EventId,
    kept: Before<'_>,
) -> Result<Verdict, Refusal> {
    let before = kept.event;
    let data = Data::new(message.data_bytes(), &message.content_type);
    let sight = ground.sight(message, &data);
    check_json(message, &data)?;
    let kind = kind::kind_again(ground.source, kind::native(ground.source, sight).as_deref(), before)?;
    let mut attributes = kept.attributes();
    attributes.extend(self::attributes(ground.source, sight));
    let said_subject = before.subject.as_ref().filter(|_| kept.replaced.is_none());
    let event = Event {
        id,
        kind: kind.kind.clone(),
        digest: Digest::of(&message.raw),
        subject: sight.envelope.and_then(|event| event.subject.clone()).or_else(|| said_subject.cloned()),
        time: time(ground.source, sight),
        contract: kind.rule.and_then(|rule| rule.contract.clone()),
        ordering: ordering_again(ground.source, &attributes, before),
        correlation: pick::correlation_kept(&attributes)
            .map_or_else(String::new, |text| bounded(text, IDENTIFIER_BYTES_MAX)),
        trace: trace(sight, None).or_else(|| before.trace.clone()),
        identifiers: Vec::new(),
        attributes,
        body: message.raw.clone(),
        data: message.data,
        content_type: message.content_type.clone(),
        ..before.clone()
    };
    complete(ground, (event, Said::before(ground, kept)), kind.reason, &data)
}

const PARTITION_KEY: &str = "partitionkey";
const DATASCHEMA: &str = "dataschema";

/// The ordering key that an attribute gives, which binary form has in its headers only (I5). A header that the source keeps
/// under this name gave none, unless the event had it.
fn ordering_again(source: &Source, attributes: &BTreeMap<String, String>, before: &Event) -> Option<String> {
    let key = bounded(attributes.get(PARTITION_KEY)?.clone(), LANE_KEY_BYTES_MAX);
    let is_attribute = !source.keep_headers.iter().any(|name| name == PARTITION_KEY);
    (is_attribute || before.ordering.as_ref() == Some(&key)).then_some(key)
}

/// What an event said outside of its body, where nothing else says it.
#[derive(Debug, Default)]
struct Said {
    time: Option<Timestamp>,
    correlation: Option<String>,
}

impl Said {
    /// What source and contract read out of the earlier body is left out, and what its envelope said: it was said by what the
    /// person has replaced.
    fn before(ground: &Ground<'_>, Before { event: before, replaced }: Before<'_>) -> Self {
        let bytes = before.data();
        let data = Data::new(bytes, &before.content_type);
        let sight = Sight { envelope: replaced, data: &data, carried: ground.carried, headers: ground.headers };
        let contract = before.contract.as_ref().and_then(|name| ground.policy.contracts.get(name));
        let time_in_body = time(ground.source, sight).or_else(|| contract.and_then(|contract| contract.time(&data)));
        let named_in_body =
            contract.and_then(|contract| contract.correlation(&data)).map(|text| bounded(text, IDENTIFIER_BYTES_MAX));
        let named_in_envelope = sight.correlation().map(|text| bounded(text, IDENTIFIER_BYTES_MAX));
        let named = [named_in_envelope, named_in_body];
        let is_own = |text: &String| *text == before.id.to_string() || named.iter().flatten().any(|it| it == text);
        Self {
            time: before.time.filter(|time| Some(*time) != time_in_body),
            correlation: Some(before.correlation.clone()).filter(|text| !is_own(text)),
        }
    }
}

/// Asks the contract, and decides. Also what breaks its contract is read as far as it goes, so that people find it.
fn complete(
    ground: &Ground<'_>,
    (mut event, said): (Event, Said),
    reason: Option<Diagnostic>,
    data: &Data<'_>,
) -> Result<Verdict, Refusal> {
    let contract = event.contract.as_ref().and_then(|name| ground.policy.contracts.get(name));
    let repeated = data.repeated().map(says_two_things);
    let broken = contract.map_or_else(Vec::new, |contract| contract.validate_data(data, &mut ground.effort.borrow_mut()));
    if ground.source.on_invalid == OnInvalid::Refuse {
        refuse(contract.map(Arc::as_ref), repeated.as_ref(), &broken)?;
    }
    if let Some(contract) = contract {
        event.identifiers = contract.identifiers_within(data, &mut ground.effort.borrow_mut());
        let ordering = contract.ordering(data).map(|key| bounded(key, LANE_KEY_BYTES_MAX));
        event.ordering = ordering.or(event.ordering);
        event.time = event.time.or_else(|| contract.time(data));
    }
    event.time = event.time.or(said.time);
    if event.correlation.is_empty() {
        let named = contract.and_then(|contract| contract.correlation(data)).or(said.correlation);
        event.correlation = named.map_or_else(|| event.id.to_string(), |text| bounded(text, IDENTIFIER_BYTES_MAX));
    }
    let reasons: Vec<Diagnostic> = repeated.into_iter().chain(reason).chain(broken).take(REASONS_MAX).collect();
    let event = Box::new(event);
    Ok(if reasons.is_empty() { Verdict::Admitted(event) } else { Verdict::Quarantined { event, reasons } })
}

/// For a source whose sender is to mend what is wrong.
fn refuse(contract: Option<&Contract>, repeated: Option<&Diagnostic>, broken: &[Diagnostic]) -> Result<(), Refusal> {
    if let Some(repeated) = repeated {
        return Err(malformed(repeated.clone()));
    }
    match contract {
        Some(contract) if !broken.is_empty() => {
            let detail = format!("the data breaks the contract {}", contract.reference);
            Err(Refusal { reasons: broken.to_vec(), ..Refusal::new(RefusalKind::ContractViolation, detail) })
        }
        Some(_) | None => Ok(()),
    }
}

/// A contract was asked about one value, and a receiver of the bytes may read the other.
fn says_two_things(name: &str) -> Diagnostic {
    let shown = message::shown(name);
    let message = format!("the name `{shown}` stands twice in one object, so that readers may see different values");
    Diagnostic::error(codes::REPEATED_NAME, Place::Whole, message)
        .help("ask the sender which of the values is meant, and correct the event to have only that one")
}

/// What is declared as JSON, or must be JSON for want of a declaration, is JSON.
fn check_json(message: &Message, data: &Data<'_>) -> Result<(), Refusal> {
    if message.data == DataAt::Absent || !cloudevents::is_json(&message.content_type) {
        return Ok(());
    }
    let why = match data.json() {
        Ok(_) if data.bytes().is_empty() => "it is empty",
        Ok(_) => return Ok(()),
        Err(not_json) => not_json.why.as_str(),
    };
    Err(malformed(Diagnostic::error(codes::NOT_JSON, Place::Whole, format!("the data is not JSON: {why}"))))
}

/// By the source's rule, else as the envelope says.
fn time(source: &Source, sight: Sight<'_>) -> Option<Timestamp> {
    let declared = source.time.as_ref().and_then(|rule| sight.pick(rule)).and_then(|text| instant(&text));
    declared.or_else(|| sight.envelope?.time.as_deref().and_then(instant))
}

/// Extension attributes, the schema that the envelope names, and the headers that the source keeps; an attribute comes
/// before a header of its name. `INVARIANT`: their number and length were checked when they came in.
fn attributes(source: &Source, sight: Sight<'_>) -> BTreeMap<String, String> {
    let kept = source.keep_headers.iter().filter_map(|name| Some((name.clone(), sight.header(name)?.to_owned())));
    let mut attributes: BTreeMap<String, String> = kept.collect();
    if let Some(CloudEvent { extensions, dataschema, .. }) = sight.envelope {
        attributes.extend(extensions.iter().map(|(name, value)| (name.clone(), value.text())));
        let dataschema = dataschema.clone().filter(|uri| uri.len() <= HEADER_BYTES_MAX);
        attributes.extend(dataschema.map(|uri| (DATASCHEMA.to_owned(), uri)));
    }
    attributes
}

/// The trace that the event itself names, else that of the request.
fn trace(sight: Sight<'_>, request: Option<&Traced>) -> Option<TraceContext> {
    let own = sight.extension("traceparent").and_then(|text| TraceParent::parse(&text)).map(|parent| {
        let state = sight.extension("tracestate").and_then(|text| TraceState::parse([text.as_str()]));
        Traced { parent, state: state.unwrap_or_default() }
    });
    let Traced { parent, state } = own.as_ref().or(request)?;
    Some(TraceContext {
        trace_id: hex::encode(parent.trace_id),
        parent_id: hex::encode(parent.parent_id),
        flags: parent.flags,
        state: state.to_header(TRACE_STATE_CHARS_MAX),
    })
}

/// LIMIT: what W3C Trace Context asks everyone to pass on.
const TRACE_STATE_CHARS_MAX: usize = 512;

impl Message {
    /// The bytes of the data.
    fn data_bytes(&self) -> Cow<'_, [u8]> {
        let slice = |from: u32, to: u32| self.raw.get(from as usize..to as usize).unwrap_or_default();
        match self.data {
            DataAt::Whole => Cow::Borrowed(&self.raw),
            DataAt::Range(from, to) => Cow::Borrowed(slice(from, to)),
            DataAt::Base64(from, to) => Cow::Owned(STANDARD.decode(slice(from, to)).unwrap_or_default()),
            DataAt::Absent => Cow::Borrowed(&[]),
        }
    }
}
