//! Gathers attributes, one after another, into an event and checks that it is complete.
//!
//! The one place that knows which attribute has which rule; it must never know how they came.

use std::collections::BTreeMap;

use super::attribute::{check_media_type, check_name, check_string, check_text, check_time, check_uri, check_uri_reference};
use super::{CloudEvent, Data, Error, Location, Problem, Value};

/// The attributes that have been seen.
pub(super) struct Builder {
    /// The place of the event; members are placed relative to it.
    at: Location,
    context: BTreeMap<&'static str, String>,
    extensions: BTreeMap<String, Value>,
}

type Check = fn(&str) -> Result<(), Problem>;

/// The context attributes of the specification, with their rules.
const CONTEXT: [(&str, Check); 8] = [
    ("specversion", check_specversion),
    ("id", check_text),
    ("source", check_uri_reference),
    ("type", check_text),
    ("subject", check_text),
    ("time", check_time),
    ("datacontenttype", check_media_type),
    ("dataschema", check_uri),
];

fn check_specversion(value: &str) -> Result<(), Problem> {
    if value == "1.0" { Ok(()) } else { Err(Problem::SpecVersion) }
}

impl Builder {
    pub(super) fn new(at: Location) -> Self {
        Self { at, context: BTreeMap::new(), extensions: BTreeMap::new() }
    }

    /// Takes one attribute that is not null.
    pub(super) fn add(&mut self, name: &str, value: Value) -> Result<(), Error> {
        self.try_add(name, value).map_err(|problem| problem.at(self.at.member(name)))
    }

    fn try_add(&mut self, name: &str, value: Value) -> Result<(), Problem> {
        check_name(name)?;
        let Some((name, check)) = CONTEXT.into_iter().find(|(known, _)| *known == name) else {
            if name == "data" {
                return Err(Problem::ReservedName);
            }
            if let Value::String(text) = &value {
                check_string(text)?;
            }
            let earlier = self.extensions.insert(name.to_owned(), value);
            return earlier.map_or(Ok(()), |_| Err(Problem::Repeated));
        };
        let Value::String(text) = value else { return Err(Problem::NotAString) };
        check(&text)?;
        let earlier = self.context.insert(name, text);
        earlier.map_or(Ok(()), |_| Err(Problem::Repeated))
    }

    /// The event, where all required attributes are there.
    pub(super) fn build(mut self, data: Data) -> Result<CloudEvent, Error> {
        // An unknown version first: the rules for the rest may be others there.
        self.required("specversion")?;
        Ok(CloudEvent {
            id: self.required("id")?,
            source: self.required("source")?,
            kind: self.required("type")?,
            subject: self.context.remove("subject"),
            time: self.context.remove("time"),
            datacontenttype: self.context.remove("datacontenttype"),
            dataschema: self.context.remove("dataschema"),
            extensions: self.extensions,
            data,
        })
    }

    fn required(&mut self, name: &str) -> Result<String, Error> {
        let value = self.context.remove(name);
        value.ok_or_else(|| Problem::Missing.at(self.at.member(name)))
    }
}

impl CloudEvent {
    /// The attributes in the order of the specification, without `datacontenttype`, which the
    /// bindings write in their own ways. An event that a caller built is checked again here, so
    /// that nothing invalid is sent; `at` is where it would stand.
    pub(super) fn checked_attributes(&self, at: &Location) -> Result<Vec<(&str, Value)>, Error> {
        let text = |text: &String| Value::String(text.clone());
        let mut attributes = vec![("specversion", Value::String("1.0".to_owned()))];
        attributes.push(("id", text(&self.id)));
        attributes.push(("source", text(&self.source)));
        attributes.push(("type", text(&self.kind)));
        let optional = [("subject", &self.subject), ("time", &self.time), ("dataschema", &self.dataschema)];
        for (name, value) in optional {
            attributes.extend(value.as_ref().map(|value| (name, text(value))));
        }
        let extensions = self.extensions.iter();
        attributes.extend(extensions.map(|(name, value)| (name.as_str(), value.clone())));
        let is_context = |name: &str| CONTEXT.iter().any(|(known, _)| *known == name);
        if let Some(name) = self.extensions.keys().find(|name| is_context(name)) {
            return Err(Problem::ReservedName.at(at.member(name)));
        }
        let mut builder = Builder::new(at.clone());
        for (name, value) in &attributes {
            builder.add(name, value.clone())?;
        }
        if let Some(media_type) = &self.datacontenttype {
            builder.add("datacontenttype", text(media_type))?;
        }
        Ok(attributes)
    }
}
