//! The key of an event: what makes its repeats the same event. The same request always gives the same key.
//!
//! Where the source declares nothing else, a `CloudEvent` is known by its source and id, whatever request brings it;
//! anything else by what the preset of the source knows, such as the `webhook-id` of a Standard Webhook; and what is
//! neither by the digest of its bytes. A declared header says which request it was: in a batch, which has one header
//! for many events, the event's own source and id tell them apart.

use model::diagnostic::Place;
use model::digest::{bounded, digest_text};
use model::limit::KEY_BYTES_MAX;
use model::{Diagnostic, Digest, Event, EventId, Partition, Refusal, Timestamp};
use policy::codes;
use policy::compiled::{Key, Pick, Source};
use policy::expression::Path;

use super::message::malformed;
use super::pick::Sight;
use super::request::Carried;

/// The key of an event with these bytes; refused where the rule finds nothing.
pub(super) fn key(source: &Source, sight: Sight<'_>, native_type: Option<&str>, digest: &Digest) -> Result<String, Refusal> {
    let key = match &source.key {
        Key::Usual(rule) => match (sight.envelope, rule) {
            // A space cannot be part of a source, which is a URI reference.
            (Some(event), _) => format!("{} {}", event.source, event.id),
            (None, Some(rule)) => sight.pick(rule).ok_or_else(|| missing(rule))?,
            (None, None) => digest_text(digest),
        },
        Key::Native(rule) => native(rule, sight)?,
        Key::Derived(paths) => derived(paths, sight, native_type)?,
        Key::Body => digest_text(digest),
    };
    Ok(bounded(key, KEY_BYTES_MAX))
}

/// What the rule finds. All events of a batch see the same headers, so there it is not the whole key.
fn native(rule: &Pick, sight: Sight<'_>) -> Result<String, Refusal> {
    let found = sight.pick(rule).ok_or_else(|| missing(rule))?;
    match (rule, sight.carried, sight.envelope) {
        (Pick::Header(_) | Pick::Is(_), Carried::Batch, Some(event)) => {
            let fields = [found.as_bytes(), event.source.as_bytes(), event.id.as_bytes()];
            Ok(digest_text(&Digest::of_fields(&fields)))
        }
        (Pick::Header(_) | Pick::Path(_) | Pick::Is(_), _, _) => Ok(found),
    }
}

/// The digest of the type and the values. One that is missing counts as missing, not as empty; all of them missing is
/// no key.
fn derived(paths: &[Path], sight: Sight<'_>, native_type: Option<&str>) -> Result<String, Refusal> {
    let data = sight.data.json().ok();
    let values = paths.iter().map(|path| data.and_then(|data| path.get(data)).filter(|value| !value.is_null()));
    let texts: Vec<Option<String>> = values.map(|value| value.map(ToString::to_string)).collect();
    if texts.iter().all(Option::is_none) {
        let place = paths.first().map_or(Place::Whole, |path| Place::Pointer(path.pointer()));
        return Err(malformed(no_key(place)));
    }
    let mut fields: Vec<&[u8]> = vec![native_type.unwrap_or_default().as_bytes()];
    for text in &texts {
        // JSON text is never empty, so that an empty field says that there was none.
        fields.push(text.as_deref().unwrap_or_default().as_bytes());
    }
    Ok(digest_text(&Digest::of_fields(&fields)))
}

fn missing(rule: &Pick) -> Refusal {
    malformed(no_key(place(rule)))
}

fn no_key(place: Place) -> Diagnostic {
    Diagnostic::error(codes::NO_KEY, place, "the request has no key by which a repeat of it would be known")
}

/// Where a rule looks.
pub(super) fn place(rule: &Pick) -> Place {
    match rule {
        Pick::Header(name) => Place::Header(name.clone()),
        Pick::Path(path) => Place::Pointer(path.pointer()),
        Pick::Is(_) => Place::Whole,
    }
}

/// The id of the event at a place in a request: its time is the arrival's, its chance is derived from the request's.
pub(super) fn arrival(source: &Source, at: Timestamp, seed: u64, index: usize) -> EventId {
    let (seed, index) = (seed.to_be_bytes(), (index as u64).to_be_bytes());
    let chance = Digest::of_fields(&[source.name.as_str().as_bytes(), &seed, &index]);
    EventId(model::ids::arrival_id(at, chance.head()))
}

/// The partition of an event: by its ordering key, so that what is to be handled in order is journalled in order; by
/// its own key where it has none.
pub fn partition(event: &Event, partitions: &[Partition]) -> Partition {
    let hash = match &event.ordering {
        Some(ordering) => Digest::of(ordering.as_bytes()),
        None => event.key_hash(),
    };
    let count = partitions.len().max(1) as u64;
    let index = usize::try_from(hash.short() % count).unwrap_or_default();
    partitions.get(index).copied().unwrap_or_default()
}
