//! An event as expressions see it: `.` is its data, `%` its envelope. Nothing is parsed before it is asked for.

use std::sync::OnceLock;

use model::Event;
use vrl::path::{OwnedSegment, OwnedTargetPath, PathPrefix};
use vrl::value::kind::Collection;
use vrl::value::{Kind, ObjectMap, Value};

use super::data::Data;

/// An event, with its data parsed at most once however many filters, lanes and mappings ask.
#[derive(Debug)]
pub struct EventView<'e> {
    event: &'e Event,
    data: Data<'e>,
    envelope: OnceLock<Value>,
}

/// What `%` has.
pub(crate) const ENVELOPE: &[&str] = &["id", "type", "source", "subject", "time", "key", "correlation", "attributes"];

/// The name under which the whole data is found in the envelope by the items of a list. No expression can say it.
pub(crate) const WHOLE: &str = "*";

impl<'e> EventView<'e> {
    /// A view of this event.
    pub fn new(event: &'e Event) -> Self {
        Self::with_data(event, Data::new(event.data(), &event.content_type))
    }

    /// A view of this event, the data of which was parsed already.
    pub const fn with_data(event: &'e Event, data: Data<'e>) -> Self {
        Self { event, data, envelope: OnceLock::new() }
    }

    /// The event.
    pub const fn event(&self) -> &'e Event {
        self.event
    }

    /// Its data.
    pub const fn data(&self) -> &Data<'e> {
        &self.data
    }

    fn envelope(&self) -> &Value {
        self.envelope.get_or_init(|| envelope(self.event))
    }
}

fn envelope(event: &Event) -> Value {
    let text = |text: &str| Value::from(text);
    let attributes = event.attributes.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect::<ObjectMap>();
    Value::Object(ObjectMap::from([
        ("id".into(), text(&event.id.to_string())),
        ("type".into(), text(event.kind.as_str())),
        ("source".into(), text(event.source.as_str())),
        ("subject".into(), event.subject.as_deref().map_or(Value::Null, text)),
        ("time".into(), event.time.map_or(Value::Null, |time| text(&time.to_string()))),
        ("key".into(), text(&event.key)),
        ("correlation".into(), text(&event.correlation)),
        ("attributes".into(), Value::Object(attributes)),
    ]))
}

/// The types of what `%` has, with the type of the whole data under its secret name.
pub(crate) fn envelope_kind(whole: Kind) -> Kind {
    let attributes = Kind::object(Collection::from_unknown(Kind::bytes().or_undefined()));
    let mut object = Collection::empty();
    for name in ["id", "type", "source", "key", "correlation"] {
        object = object.with_known(name, Kind::bytes());
    }
    for name in ["subject", "time"] {
        object = object.with_known(name, Kind::bytes().or_null());
    }
    Kind::object(object.with_known("attributes", attributes).with_known(WHOLE, whole))
}

/// What an expression reads: an item or the whole data, and the envelope. It cannot be written to.
#[derive(Debug)]
pub(crate) struct Reading<'r> {
    /// What `.` is.
    pub(crate) here: &'r Value,
    /// The event around it; nothing while there is none yet.
    pub(crate) view: Option<&'r EventView<'r>>,
}

impl vrl::compiler::Target for Reading<'_> {
    fn target_get(&self, path: &OwnedTargetPath) -> Result<Option<&Value>, String> {
        Ok(match path.prefix {
            PathPrefix::Event => self.here.get(&path.path),
            PathPrefix::Metadata => {
                let Some(view) = self.view else { return Ok(None) };
                match path.path.segments.split_first() {
                    Some((OwnedSegment::Field(name), rest)) if name.as_str() == WHOLE => {
                        rest.iter().try_fold(view.data().value(), step)
                    }
                    _ => view.envelope().get(&path.path),
                }
            }
        })
    }

    fn target_insert(&mut self, _: &OwnedTargetPath, _: Value) -> Result<(), String> {
        Err(READ_ONLY.to_owned())
    }

    fn target_get_mut(&mut self, _: &OwnedTargetPath) -> Result<Option<&mut Value>, String> {
        Err(READ_ONLY.to_owned())
    }

    fn target_remove(&mut self, _: &OwnedTargetPath, _: bool) -> Result<Option<Value>, String> {
        Err(READ_ONLY.to_owned())
    }
}

const READ_ONLY: &str = "an expression only reads the event";

fn step<'v>(value: &'v Value, segment: &OwnedSegment) -> Option<&'v Value> {
    match segment {
        OwnedSegment::Field(name) => value.as_object()?.get(name.as_str()),
        OwnedSegment::Index(index) => {
            let items = value.as_array()?;
            items.get(super::path::position(i64::try_from(*index).ok()?, items.len())?)
        }
    }
}

/// There are no secrets in an expression.
impl vrl::compiler::SecretTarget for Reading<'_> {
    fn get_secret(&self, _: &str) -> Option<&str> {
        None
    }

    fn insert_secret(&mut self, _: &str, _: &str) {}

    fn remove_secret(&mut self, _: &str) {}
}
