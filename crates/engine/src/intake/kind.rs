//! The type of an event: what the sender calls it, what it is here, and the contract that it must satisfy.

use model::diagnostic::Place;
use model::{Diagnostic, Event, EventType, Refusal, RefusalKind};
use policy::codes;
use policy::compiled::{EventRule, Source, Unknown};

use super::key::place;
use super::message;
use super::pick::Sight;

/// What an event is.
#[derive(Debug)]
pub(super) struct Recognised<'p> {
    /// Its type.
    pub(super) kind: EventType,
    /// The rule of the source, where the type is listed.
    pub(super) rule: Option<&'p EventRule>,
    /// Why a person has to look at it.
    pub(super) reason: Option<Diagnostic>,
}

/// What the sender calls it: by the source's rule, else by the envelope.
pub(super) fn native(source: &Source, sight: Sight<'_>) -> Option<String> {
    let declared = source.kind.as_ref().and_then(|rule| sight.pick(rule));
    declared.or_else(|| sight.envelope.map(|event| event.kind.clone()))
}

/// What it is here.
///
/// With no list at all every type is accepted; a source that says nothing of types gives its own name to all it brings.
pub(super) fn kind<'p>(source: &'p Source, native: Option<&str>) -> Result<Recognised<'p>, Refusal> {
    if let Some(rule) = native.and_then(|native| source.events.get(native)) {
        return Ok(Recognised { kind: rule.kind.clone(), rule: Some(rule), reason: None });
    }
    let kind = EventType::new(native.unwrap_or(source.name.as_str()));
    let unknown = if source.events.is_empty() { Unknown::Accept } else { source.unknown };
    match unknown {
        Unknown::Accept => Ok(Recognised { kind, rule: None, reason: None }),
        Unknown::Quarantine => Ok(Recognised { kind, rule: None, reason: Some(unlisted(source, native)) }),
        Unknown::Refuse => {
            let reason = unlisted(source, native);
            Err(Refusal { reasons: vec![reason.clone()], ..Refusal::new(RefusalKind::UnknownType, reason.message) })
        }
    }
}

/// What a kept event is under the present policy. Its native type may have stood in a header, which is not kept: then
/// it is looked for by what it was taken for.
pub(super) fn kind_again<'p>(source: &'p Source, native: Option<&str>, before: &Event) -> Result<Recognised<'p>, Refusal> {
    let taken_for = before.kind.as_str();
    if native.is_some() || source.events.contains_key(taken_for) {
        return kind(source, native.or(Some(taken_for)));
    }
    let same_kind = || source.events.values().filter(|rule| rule.kind == before.kind);
    let rule = same_kind().find(|rule| rule.contract == before.contract).or_else(|| same_kind().next());
    match rule {
        Some(rule) => Ok(Recognised { kind: rule.kind.clone(), rule: Some(rule), reason: None }),
        None => kind(source, Some(taken_for)),
    }
}

fn unlisted(source: &Source, native: Option<&str>) -> Diagnostic {
    let at = source.kind.as_ref().map_or(Place::Whole, place);
    match native {
        Some(native) => {
            let message = format!("the type `{}` is not one that {} lists", message::shown(native), source.name);
            Diagnostic::error(codes::UNLISTED_TYPE, at, message)
                .help("list it under `events` of the source, or say what `unknown` types are")
        }
        None => Diagnostic::error(codes::NO_TYPE, at, "the request does not say what type of event it is"),
    }
}
