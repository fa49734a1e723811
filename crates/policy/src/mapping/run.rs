//! Running a mapping: field by field, item by item, with one limit of steps and one of bytes for all of it.

use bytes::Bytes;
use model::Diagnostic;
use model::limit::{OUTPUT_BYTES_MAX, REASONS_MAX};
use serde_json::{Map, Value as Json};
use vrl::value::Value;

use super::compile::Step;
use super::failure::{failed, no_list, too_large};
use super::{Mapped, Mapping};
use crate::expression::{EventView, Reading, Reason, Room, Steps, TooLarge, to_json};

/// Where in the event and in the result the run is.
#[derive(Clone, Copy)]
pub(super) struct Here<'h> {
    /// What `.` is.
    pub(super) value: &'h Value,
    /// The pointer to it in the data, where that is known.
    pub(super) pointer: Option<&'h str>,
    /// What the names of fields begin with: empty, or `lines[2].`.
    pub(super) prefix: &'h str,
}

struct Run<'r> {
    view: &'r EventView<'r>,
    steps: Steps,
    room: Room,
    failures: Vec<Diagnostic>,
    /// Nothing more is worth trying.
    ended: bool,
}

pub(super) fn run(mapping: &Mapping, steps: &[Step], view: &EventView<'_>) -> Result<Mapped, Vec<Diagnostic>> {
    let mut run = Run { view, steps: Steps::new(), room: Room(OUTPUT_BYTES_MAX), failures: Vec::new(), ended: false };
    let here = Here { value: view.data().value(), pointer: Some(""), prefix: "" };
    let json = Json::Object(run.object(steps, here));
    if !run.failures.is_empty() {
        run.failures.truncate(REASONS_MAX);
        return Err(run.failures);
    }
    let bytes = serde_json::to_vec(&json).unwrap_or_default();
    if bytes.len() > OUTPUT_BYTES_MAX {
        return Err(vec![too_large(mapping)]);
    }
    Ok(Mapped { bytes: Bytes::from(bytes), json })
}

impl Run<'_> {
    fn object(&mut self, steps: &[Step], here: Here<'_>) -> Map<String, Json> {
        let mut object = Map::new();
        for step in steps {
            if self.ended {
                break;
            }
            if let Some(value) = self.field(step, here) {
                insert(&mut object, &step.target, value);
            }
        }
        object
    }

    /// The value of a field; nothing where it is left out or cannot be made.
    fn field(&mut self, step: &Step, here: Here<'_>) -> Option<Json> {
        let reading = Reading { here: here.value, view: Some(self.view) };
        match step.program.run(reading, &self.steps) {
            Ok(Value::Null) if step.optional => None,
            Ok(value) => match &step.each {
                None => self.json(step, here, &value),
                Some(inside) => self.list(step, inside, here, value),
            },
            Err(failure) => {
                self.ended |= failure.reason == Reason::TooLong;
                let diagnostic = failed(step, here, self.view, &failure);
                self.fail(diagnostic);
                None
            }
        }
    }

    fn json(&mut self, step: &Step, here: Here<'_>, value: &Value) -> Option<Json> {
        let names: usize = step.target.iter().map(|name| name.len() + 3).sum();
        let json = self.room.take(names).and_then(|()| to_json(value, &mut self.room));
        match json {
            Ok(json) => Some(json),
            Err(TooLarge) => {
                self.ended = true;
                self.fail(super::failure::field_too_large(step, here));
                None
            }
        }
    }

    fn list(&mut self, step: &Step, inside: &[Step], here: Here<'_>, value: Value) -> Option<Json> {
        let Value::Array(items) = value else {
            let diagnostic = no_list(step, here, self.view, &value);
            self.fail(diagnostic);
            return None;
        };
        // Only where the list is handed on whole do the places of its items tell their places in the event.
        let is_whole = step.program.queries.len() == 1;
        let list = step.program.list.as_ref().filter(|_| is_whole).zip(here.pointer);
        let list = list.map(|(path, pointer)| format!("{pointer}{}", path.pointer()));
        let mut objects = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            if self.ended {
                break;
            }
            let pointer = list.as_ref().map(|list| format!("{list}/{at}"));
            let prefix = format!("{}{}[{at}].", here.prefix, step.target.join("."));
            let inner = Here { value: item, pointer: pointer.as_deref(), prefix: &prefix };
            objects.push(Json::Object(self.object(inside, inner)));
        }
        Some(Json::Array(objects))
    }

    fn fail(&mut self, failure: Diagnostic) {
        self.failures.push(failure);
        self.ended |= self.failures.len() >= REASONS_MAX;
    }
}

fn insert(object: &mut Map<String, Json>, target: &[String], value: Json) {
    match target {
        [] => {}
        [name] => {
            object.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let inner = object.entry(name.clone()).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
