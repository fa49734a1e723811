//! What is said when a field cannot be made: which one, where its expression stands, and what it has read.

use model::Diagnostic;
use model::diagnostic::Place;
use model::limit::OUTPUT_BYTES_MAX;
use vrl::value::Value;

use super::Mapping;
use super::compile::Step;
use super::run::Here;
use crate::codes;
use crate::expression::{EventView, Failure, Query, Reason, Root, Segment, kind_name, length, position, short};

/// LIMIT: values that are shown beside one failure.
const VALUES_MAX: usize = 8;

/// LIMIT: how long a value is, as expressions count it, that is written out to be shown.
const SHOWN_STEPS_MAX: usize = 100;

/// A field whose expression has failed.
pub(super) fn failed(step: &Step, here: Here<'_>, view: &EventView<'_>, failure: &Failure) -> Diagnostic {
    let (code, verb) = match failure.reason {
        Reason::Refused => (codes::FIELD_FAILED, "cannot be made"),
        Reason::NotInTable => (codes::NOT_IN_TABLE, "cannot be made"),
        Reason::Aborted => (codes::MAPPING_GAVE_UP, "refuses the event"),
        Reason::TooLong => (codes::TOO_MANY_STEPS, "cannot be made"),
    };
    let place = failure.at.as_ref().map_or_else(|| step.source.place(), |part| step.source.place_of(part));
    let message = format!("`{}` {verb}: {}", name(step, here), failure.message.trim_end_matches('.'));
    with_values(Diagnostic::error(code, place, message), step, here, view)
}

/// An `each` that got something else.
pub(super) fn no_list(step: &Step, here: Here<'_>, view: &EventView<'_>, value: &Value) -> Diagnostic {
    let message = format!("`{}` cannot be made: `each` needs a list, got {}", name(step, here), kind_name(value));
    let help = "write `array(…) ?? []` for an empty list, or mark the field with `?` to leave it out when there is nothing";
    with_values(Diagnostic::error(codes::EACH_GOT_NO_LIST, step.source.place(), message).help(help), step, here, view)
}

/// The result would be too large; this is the field that went over.
pub(super) fn field_too_large(step: &Step, here: Here<'_>) -> Diagnostic {
    let message = format!("the result is larger than {OUTPUT_BYTES_MAX} bytes, with `{}`", name(step, here));
    Diagnostic::error(codes::RESULT_TOO_LARGE, step.source.place(), message)
}

/// The result is too large as a whole.
pub(super) fn too_large(mapping: &Mapping) -> Diagnostic {
    let message = format!("the result of `{}` is larger than {OUTPUT_BYTES_MAX} bytes", mapping.name);
    Diagnostic::error(codes::RESULT_TOO_LARGE, Place::Whole, message)
}

fn name(step: &Step, here: Here<'_>) -> String {
    format!("{}{}", here.prefix, step.target.join("."))
}

/// What the expression has read, as far as it is in the event.
fn with_values(mut diagnostic: Diagnostic, step: &Step, here: Here<'_>, view: &EventView<'_>) -> Diagnostic {
    let mut shown: Vec<(Root, String)> = Vec::new();
    for query in step.program.queries.iter().filter(|query| query.root != Root::Envelope) {
        let key = (query.root, query.path.to_string());
        if shown.len() >= VALUES_MAX || shown.contains(&key) {
            continue;
        }
        let root = if query.root == Root::Whole { view.data().value() } else { here.value };
        let seen = get(root, query).map_or_else(|| "was missing".to_owned(), |value| format!("was {}", seen(value)));
        let place = match (query.root, here.pointer) {
            (Root::Whole, _) => Place::Pointer(query.path.pointer()),
            (_, Some(pointer)) => Place::Pointer(format!("{pointer}{}", query.path.pointer())),
            (_, None) => Place::Whole,
        };
        let written = if query.root == Root::Whole { format!("event{}", key.1) } else { key.1.clone() };
        diagnostic = diagnostic.related(place, format!("`{written}` {seen}"));
        shown.push(key);
    }
    diagnostic
}

/// A value in a few words. Of a large one no text is made to be cut: a message may name it in every reason.
fn seen(value: &Value) -> String {
    match value {
        Value::Array(items) if length(value) > SHOWN_STEPS_MAX => format!("a list of {} items", items.len()),
        Value::Object(members) if length(value) > SHOWN_STEPS_MAX => format!("an object of {} members", members.len()),
        _ => short(&value.to_string()),
    }
}

fn get<'v>(root: &'v Value, query: &Query) -> Option<&'v Value> {
    query.path.segments().iter().try_fold(root, |value, segment| match segment {
        Segment::Field(name) => value.as_object()?.get(name.as_str()),
        Segment::Index(index) => {
            let items = value.as_array()?;
            items.get(position(*index, items.len())?)
        }
    })
}
