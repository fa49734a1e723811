//! Walking in a schema along a path: what is declared there, what is open, and what cannot be.
//!
//! The walk is ours, and kinder than a validator in one point only: an object that declares its members and does not say
//! that it is open is taken to have no others. That is what finds slips before a message does.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::expression::{Path, Segment};

/// LIMIT: subschemas that are taken together; what lies beyond is not looked at.
const PARTS_MAX: usize = 200;

/// A part of a schema, with the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Schema<'s> {
    root: &'s Value,
    /// The part itself.
    pub(crate) node: &'s Value,
    /// The JSON pointer to it.
    pub(crate) pointer: String,
}

/// A subschema that is to be taken together with others.
#[derive(Clone, Debug)]
pub(crate) struct Part<'s> {
    pub(crate) schema: Schema<'s>,
    /// It holds always, not only in one of several cases.
    pub(crate) certain: bool,
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found<'s> {
    /// To parts of the schema.
    Declared(Vec<Schema<'s>>),
    /// To something that the schema allows and says nothing about.
    Open,
    /// To nothing.
    Lacking(Lacking),
}

/// Where a path stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// The step that leads nowhere, counted from zero.
    pub(crate) step: usize,
    /// Why.
    pub(crate) why: Why,
    /// The pointer to the part of the schema that does not have it.
    pub(crate) pointer: String,
}

/// Why a step leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The object has other members: these.
    Members(Vec<String>),
    /// It is no object or no list, but one of these types.
    Types(Vec<String>),
    /// The list is shorter.
    Items,
}

impl<'s> Schema<'s> {
    /// A whole schema.
    pub(crate) const fn root(schema: &'s Value) -> Self {
        Self { root: schema, node: schema, pointer: String::new() }
    }

    pub(super) fn child(&self, node: &'s Value, steps: &[&str]) -> Self {
        let mut pointer = self.pointer.clone();
        for step in steps {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        Self { root: self.root, node, pointer }
    }

    pub(super) fn member(&self, keyword: &str) -> Option<&'s Value> {
        self.node.as_object()?.get(keyword)
    }

    /// What a reference inside of this schema leads to.
    pub(super) fn referred(&self, reference: &str) -> Option<Self> {
        let fragment = reference.strip_prefix('#')?;
        let pointer = percent_decoded(fragment);
        let node = self.root.pointer(&pointer)?;
        Some(Self { root: self.root, node, pointer })
    }

    /// The part with this anchor.
    pub(super) fn anchored(&self, anchor: &str) -> Option<Self> {
        let whole = Self::root(self.root);
        let mut waiting = vec![whole];
        while let Some(part) = waiting.pop() {
            let named = |keyword: &str| part.member(keyword).and_then(Value::as_str) == Some(anchor);
            if named("$anchor") || named("$dynamicAnchor") {
                return Some(part);
            }
            match part.node {
                Value::Object(members) => waiting.extend(members.iter().map(|(name, node)| part.child(node, &[name]))),
                Value::Array(items) => {
                    waiting.extend(items.iter().enumerate().map(|(at, node)| part.child(node, &[&at.to_string()])));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        None
    }

    /// This part with everything that holds beside it: what it refers to, combines and chooses from.
    pub(crate) fn parts(&self) -> Vec<Part<'s>> {
        let mut parts = vec![Part { schema: self.clone(), certain: true }];
        let mut seen = BTreeSet::from([self.pointer.clone()]);
        let mut at = 0;
        while let Some(part) = parts.get(at).cloned() {
            let more = part.beside().into_iter().filter(|part| seen.insert(part.schema.pointer.clone()));
            parts.extend(more);
            if parts.len() > PARTS_MAX {
                break;
            }
            at += 1;
        }
        parts
    }

    /// Follows a path from this part.
    pub(crate) fn follow(&self, path: &Path) -> Found<'s> {
        follow(vec![self.clone()], path)
    }

    /// The types that it says to be, if it does.
    pub(super) fn types(&self) -> Vec<&'s str> {
        match self.member("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Its declared members.
    pub(super) fn properties(&self) -> Option<&'s Map<String, Value>> {
        self.member("properties")?.as_object()
    }

    pub(super) fn property(&self, name: &str) -> Option<Self> {
        self.properties()?.get(name).map(|node| self.child(node, &["properties", name]))
    }

    /// The members that have to be there.
    pub(crate) fn required(&self) -> impl Iterator<Item = &'s str> {
        self.member("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// What it says of the item at this place of a list.
    pub(super) fn item(&self, index: i64) -> Option<Self> {
        let fixed = self.member("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let place = usize::try_from(index).ok();
        if let Some((at, node)) = place.and_then(|at| Some((at, fixed.get(at)?))) {
            return Some(self.child(node, &["prefixItems", &at.to_string()]));
        }
        self.member("items").map(|node| self.child(node, &["items"]))
    }
}

impl Part<'_> {
    fn beside(&self) -> Vec<Self> {
        let schema = &self.schema;
        let mut beside = Vec::new();
        if let Some(target) = schema.member("$ref").and_then(Value::as_str).and_then(|reference| schema.referred(reference))
        {
            beside.push(Self { schema: target, certain: self.certain });
        }
        for (keyword, certain) in [("allOf", true), ("anyOf", false), ("oneOf", false)] {
            for (at, node) in schema.member(keyword).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let schema = schema.child(node, &[keyword, &at.to_string()]);
                beside.push(Self { schema, certain: certain && self.certain });
            }
        }
        for keyword in ["then", "else"] {
            let node = schema.member(keyword).filter(|_| schema.member("if").is_some());
            beside.extend(node.map(|node| Self { schema: schema.child(node, &[keyword]), certain: false }));
        }
        for (name, node) in schema.member("dependentSchemas").and_then(Value::as_object).into_iter().flatten() {
            beside.push(Self { schema: schema.child(node, &["dependentSchemas", name]), certain: false });
        }
        beside
    }
}

/// Follows a path from parts that belong together.
pub(crate) fn follow<'s>(from: Vec<Schema<'s>>, path: &Path) -> Found<'s> {
    let mut present = from;
    for (step, segment) in path.segments().iter().enumerate() {
        let parts: Vec<_> = present.iter().flat_map(Schema::parts).map(|part| part.schema).collect();
        let next = match segment {
            Segment::Field(name) => member(&parts, name),
            Segment::Index(index) => item(&parts, *index),
        };
        match next {
            Ok(Some(next)) => present = next,
            Ok(None) => return Found::Open,
            Err(why) => {
                let pointer = place_of(&parts, &why);
                return Found::Lacking(Lacking { step, why, pointer });
            }
        }
    }
    Found::Declared(present)
}

type Step<'s> = Result<Option<Vec<Schema<'s>>>, Why>;

fn member<'s>(parts: &[Schema<'s>], name: &str) -> Step<'s> {
    let declared: Vec<_> = parts.iter().filter_map(|part| part.property(name)).collect();
    if !declared.is_empty() {
        // `false` forbids a member; it is declared only to be refused.
        let forbidden = declared.iter().all(|schema| schema.node == &Value::Bool(false));
        return if forbidden { Err(Why::Members(names(parts))) } else { Ok(Some(declared)) };
    }
    if let Some(types) = other_types(parts, "object") {
        return Err(Why::Types(types));
    }
    let says = |part: &Schema<'s>, open: bool| {
        ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .filter_map(|keyword| part.member(keyword))
            .any(|value| (value != &Value::Bool(false)) == open)
    };
    if parts.iter().any(|part| part.member("patternProperties").is_some() || says(part, true)) {
        return Ok(None);
    }
    let names = names(parts);
    if names.is_empty() && !parts.iter().any(|part| says(part, false)) { Ok(None) } else { Err(Why::Members(names)) }
}

fn item<'s>(parts: &[Schema<'s>], index: i64) -> Step<'s> {
    let declared: Vec<_> = parts.iter().filter_map(|part| part.item(index)).collect();
    if declared.is_empty() {
        return other_types(parts, "array").map_or(Ok(None), |types| Err(Why::Types(types)));
    }
    let forbidden = declared.iter().all(|schema| schema.node == &Value::Bool(false));
    if forbidden { Err(Why::Items) } else { Ok(Some(declared)) }
}

/// The declared types, where there are some and the wanted one is not among them.
fn other_types(parts: &[Schema<'_>], wanted: &str) -> Option<Vec<String>> {
    let types: BTreeSet<&str> = parts.iter().flat_map(Schema::types).collect();
    (!types.is_empty() && !types.contains(wanted)).then(|| types.into_iter().map(ToOwned::to_owned).collect())
}

fn names(parts: &[Schema<'_>]) -> Vec<String> {
    let names: BTreeSet<&String> = parts.iter().filter_map(Schema::properties).flat_map(Map::keys).collect();
    names.into_iter().cloned().collect()
}

/// The part that a person should look at: the one that lists the members, or says the type.
fn place_of(parts: &[Schema<'_>], why: &Why) -> String {
    let tells = |part: &&Schema<'_>| match why {
        Why::Members(_) => part.properties().is_some(),
        Why::Types(_) => part.member("type").is_some(),
        Why::Items => part.member("items").is_some(),
    };
    parts.iter().find(tells).or(parts.first()).map_or_else(String::new, |part| part.pointer.clone())
}

/// A fragment of a URI reference as the text that it stands for.
fn percent_decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
