//! The fields of a JSON Schema in a flat list, and how two of them differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Line, Mark};

/// LIMIT: nesting and references of a schema that are followed.
const DEPTH_MAX: usize = 32;
/// LIMIT: fields of one schema that are compared.
const FIELDS_MAX: usize = 5_000;

/// What a schema says of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    types: BTreeSet<String>,
    required: bool,
    words: Option<BTreeSet<String>>,
    /// Further rules by keyword.
    rules: BTreeMap<String, String>,
}

/// Whom a change breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Breaks {
    /// Those who send: what was valid is refused.
    pub(super) producers: bool,
    /// Those who read: what they counted on is not there.
    pub(super) consumers: bool,
}

/// The fields of a schema by path: `lines[].quantity`; the path of the whole is empty.
pub(super) fn fields(schema: &Value) -> BTreeMap<String, Shape> {
    let mut walk = Walk { root: schema, fields: BTreeMap::new() };
    walk.add(String::new(), schema, true, 0);
    walk.fields
}

struct Walk<'a> {
    root: &'a Value,
    fields: BTreeMap<String, Shape>,
}

impl<'a> Walk<'a> {
    fn add(&mut self, path: String, schema: &'a Value, required: bool, depth: usize) {
        if depth > DEPTH_MAX || self.fields.len() >= FIELDS_MAX {
            return;
        }
        let mut shape = Shape { required, ..Shape::default() };
        let mut inner = Vec::new();
        self.read(schema, &mut shape, &mut inner, depth);
        for (key, schema, required) in inner {
            let path = match key {
                None => format!("{path}[]"),
                Some(key) if path.is_empty() => key.to_owned(),
                Some(key) => format!("{path}.{key}"),
            };
            self.add(path, schema, required, depth + 1);
        }
        self.fields.insert(path, shape);
    }

    /// Reads one schema, with what it refers to and is made of; inner fields are left in `inner`, items without a key.
    fn read(&self, schema: &'a Value, shape: &mut Shape, inner: &mut Vec<(Option<&'a str>, &'a Value, bool)>, depth: usize) {
        let Some(members) = schema.as_object().filter(|_| depth <= DEPTH_MAX) else { return };
        if let Some(target) =
            members.get("$ref").and_then(Value::as_str).and_then(|it| self.root.pointer(it.strip_prefix('#')?))
        {
            self.read(target, shape, inner, depth + 1);
        }
        for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.read(part, shape, inner, depth + 1);
        }
        let required: BTreeSet<&str> = texts(members, "required").collect();
        for (key, schema) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
            inner.push((Some(key.as_str()), schema, required.contains(key.as_str())));
        }
        inner.extend(members.get("items").filter(|items| items.is_object()).map(|items| (None, items, true)));
        shape.types.extend(texts(members, "type").map(str::to_owned));
        if let Some(words) = members.get("enum").and_then(Value::as_array) {
            shape.words = Some(words.iter().map(ToString::to_string).collect());
        }
        for (keyword, rule) in members {
            if !TOLD.contains(&keyword.as_str()) {
                shape.rules.insert(keyword.clone(), rule.to_string());
            }
        }
    }
}

/// Keywords that are read elsewhere or bind nobody.
const TOLD: &[&str] = &[
    "$ref",
    "allOf",
    "properties",
    "required",
    "items",
    "type",
    "enum",
    "title",
    "description",
    "examples",
    "default",
    "$comment",
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "deprecated",
];

/// The texts of a member that is one text or a list of them.
fn texts<'a>(members: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a str> {
    let value = members.get(key);
    let single = value.and_then(Value::as_str);
    let many = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    single.into_iter().chain(many)
}

/// The fields that come, change and go, and whom that breaks.
pub(super) fn compare(was: &BTreeMap<String, Shape>, is: &BTreeMap<String, Shape>) -> (Vec<Line>, Breaks) {
    let mut lines = Vec::new();
    let mut breaks = Breaks::default();
    let paths: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for path in paths {
        match (was.get(path), is.get(path)) {
            (None, None) => {}
            (None, Some(new)) => {
                breaks.producers |= new.required && is_inside_of_known(path, was);
                lines.push(Line { mark: Mark::Add, path: path.clone(), before: None, after: Some(new.words()) });
            }
            (Some(old), None) => {
                breaks.consumers = true;
                lines.push(Line { mark: Mark::Remove, path: path.clone(), before: Some(old.words()), after: None });
            }
            (Some(old), Some(new)) => change(path, old, new, &mut lines, &mut breaks),
        }
    }
    (lines, breaks)
}

/// Whether what a field belongs to was there before: a required field of a new optional object asks nothing of anyone.
fn is_inside_of_known(path: &str, was: &BTreeMap<String, Shape>) -> bool {
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    was.contains_key(parent)
}

fn change(path: &str, old: &Shape, new: &Shape, lines: &mut Vec<Line>, breaks: &mut Breaks) {
    let name = if path.is_empty() { "(whole)" } else { path };
    let mut line = |what: &str, before: String, after: String| {
        let path = if what.is_empty() { name.to_owned() } else { format!("{name} {what}") };
        lines.push(Line { mark: Mark::Change, path, before: Some(before), after: Some(after) });
    };
    if old.types != new.types {
        breaks.producers |= old.types.is_empty() || !old.types.is_subset(&new.types) && !new.types.is_empty();
        breaks.consumers |= new.types.is_empty() || !new.types.is_subset(&old.types) && !old.types.is_empty();
        line("", old.kinds(), new.kinds());
    }
    if old.required != new.required {
        breaks.producers |= new.required;
        breaks.consumers |= old.required;
        line("", old.need().to_owned(), new.need().to_owned());
    }
    if old.words != new.words {
        let none = BTreeSet::new();
        let (before, after) = (old.words.as_ref().unwrap_or(&none), new.words.as_ref().unwrap_or(&none));
        breaks.producers |= new.words.is_some() && (old.words.is_none() || !before.is_subset(after));
        breaks.consumers |= old.words.is_some() && (new.words.is_none() || !after.is_subset(before));
        line("enum", listed(before), listed(after));
    }
    let keywords: BTreeSet<&String> = old.rules.keys().chain(new.rules.keys()).collect();
    for keyword in keywords {
        let (before, after) = (old.rules.get(keyword), new.rules.get(keyword));
        if before != after {
            let looser = is_looser(keyword, before, after);
            breaks.producers |= !looser;
            breaks.consumers |= looser && keyword != "additionalProperties" && keyword != "format";
            let shown = |rule: Option<&String>| rule.map_or_else(|| "none".to_owned(), Clone::clone);
            line(keyword, shown(before), shown(after));
        }
    }
}

/// Whether everything that satisfied the old rule satisfies the new one.
fn is_looser(keyword: &str, before: Option<&String>, after: Option<&String>) -> bool {
    let number = |rule: Option<&String>| rule.and_then(|rule| rule.parse::<f64>().ok());
    match (keyword, number(before), number(after)) {
        _ if after.is_none() => true,
        ("minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties", Some(before), Some(after)) => {
            after < before
        }
        ("maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties", Some(before), Some(after)) => {
            after > before
        }
        ("additionalProperties", _, _) => after.is_some_and(|rule| rule == "true"),
        // A format is a remark to people and refuses nothing.
        ("format", _, _) => true,
        _ => false,
    }
}

fn listed(words: &BTreeSet<String>) -> String {
    if words.is_empty() { "any".to_owned() } else { words.iter().cloned().collect::<Vec<_>>().join(" ") }
}

impl Shape {
    fn kinds(&self) -> String {
        if self.types.is_empty() { "any".to_owned() } else { self.types.iter().cloned().collect::<Vec<_>>().join(" or ") }
    }

    const fn need(&self) -> &'static str {
        if self.required { "required" } else { "optional" }
    }

    fn words(&self) -> String {
        format!("{}, {}", self.kinds(), self.need())
    }
}
