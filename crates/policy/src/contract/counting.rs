//! The keyword of ours that counts, in every part of a schema: what a part does when it is asked, and what it may say when all that is
//! wrong is searched. It never changes an answer.

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::{Map, Value};

use super::effort::{left, mistake, take};
use super::validator::options;

/// The keyword that counts. No dialect has it, and what a schema says under it is written over.
pub(super) const KEYWORD: &str = "crossdock:counted";
/// Characters of a text that cost as much as one part of a schema.
const STEP_CHARS: usize = 64;
/// Values below a value that are compared as fast as one part of a schema is applied.
const STEP_VALUES: usize = 8;
/// What a part costs that is searched, beside one that only answers whether all is right.
const SEARCHED_STEPS: usize = 2;
/// What a mistake costs beside what it copies, and where it is.
const MISTAKE_STEPS: usize = 50;
/// What a keyword costs that may say something of the value for what it finds below, whether it does or not.
const POSSIBLE_STEPS: usize = 8;

/// Keywords that look at the value itself, and at no other part.
const OWN: &[&str] = &[
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
];
/// Keywords that say something of the value for what other parts find.
const POSSIBLE: &[&str] = &[
    "anyOf",
    "oneOf",
    "not",
    "contains",
    "propertyNames",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// A part of a schema that counts itself when it is asked.
struct Asked {
    /// It compares the whole value.
    compares: bool,
}

impl Asked {
    fn of(part: &Map<String, Value>) -> Self {
        Self { compares: ["const", "enum", "uniqueItems"].iter().any(|keyword| part.contains_key(*keyword)) }
    }

    fn count(&self, value: &Value) {
        take(if self.compares { 1 + weight(value).compared() } else { length(value) });
    }
}

impl<'i> Keyword<'i> for Asked {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        self.count(value);
        Ok(())
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        self.count(value);
        true
    }
}

/// A part of a schema that counts what it says: each mistake has a copy of the value, as soon as it stands in an alternative.
struct Searched {
    asked: Asked,
    /// The part without all that it says by other parts.
    own: Option<Validator>,
    /// Keywords that may say something by other parts.
    possible: usize,
    /// What a mistake repeats of the part.
    repeats: usize,
}

impl<'i> Keyword<'i> for Searched {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        take(SEARCHED_STEPS + length(value));
        let said = self.own.as_ref().filter(|own| !own.is_valid(value)).map_or(0, |own| own.iter_errors(value).count());
        if said + self.possible > 0 {
            let copy = weight(value).copied();
            take(said.saturating_mul(mistake() + self.repeats + copy));
            take(self.possible.saturating_mul(POSSIBLE_STEPS + copy));
        }
        Ok(())
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        self.asked.is_valid(value)
    }
}

/// Makes the keyword of one part that is only asked.
#[expect(clippy::unnecessary_wraps, reason = "the library asks for it")]
pub(super) fn asked<'s>(
    part: &'s Map<String, Value>,
    _: &'s Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    Ok(Box::new(Asked::of(part)))
}

/// Makes the keyword of one part that is searched.
pub(super) fn searched<'s>(
    part: &'s Map<String, Value>,
    _: &'s Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    let own: Map<String, Value> =
        OWN.iter().filter_map(|keyword| Some(((*keyword).to_owned(), part.get(*keyword)?.clone()))).collect();
    let repeats =
        ["enum", "const", "pattern"].iter().filter_map(|keyword| own.get(*keyword)).map(|said| weight(said).copied());
    let repeats = repeats.sum();
    let own =
        if own.is_empty() { None } else { Some(options().build(&Value::Object(own)).map_err(ValidationError::to_owned)?) };
    let possible = POSSIBLE.iter().filter(|keyword| part.contains_key(**keyword)).count() + refusals(part);
    Ok(Box::new(Searched { asked: Asked::of(part), own, possible, repeats }))
}

/// What each mistake costs in this data: it says where it is, and names of members can be long.
pub(super) fn mistake_in(data: &Value) -> usize {
    let (mut longest, mut waiting) = (0, vec![(data, 0)]);
    while let Some((value, path)) = waiting.pop() {
        longest = longest.max(path);
        match value {
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, path + 1))),
            Value::Object(members) => waiting.extend(members.iter().map(|(name, member)| (member, path + 1 + name.len()))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    MISTAKE_STEPS + longest / STEP_CHARS
}

/// How many parts below this one are `false`: they cannot count themselves.
fn refusals(part: &Map<String, Value>) -> usize {
    let is_refusal = |part: &&Value| **part == Value::Bool(false);
    let below = |value: &Value| match value {
        Value::Object(named) => named.values().filter(is_refusal).count(),
        Value::Array(items) => items.iter().filter(is_refusal).count(),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => 0,
    };
    let applied = ["properties", "patternProperties", "dependentSchemas", "prefixItems", "allOf"];
    let alone = part.get("items").iter().filter(|items| is_refusal(items)).count();
    alone + applied.iter().filter_map(|keyword| part.get(*keyword)).map(below).sum::<usize>()
}

/// A part applied to a value: its texts are read, its items and members are gone through elsewhere.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / STEP_CHARS,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => 1,
    }
}

/// What there is in a value: values, itself included, and steps of text.
struct Weight {
    values: usize,
    texts: usize,
}

impl Weight {
    const fn compared(&self) -> usize {
        self.values / STEP_VALUES + self.texts
    }

    const fn copied(&self) -> usize {
        self.values + self.texts
    }
}

/// The weight of a value; where it is more than there are steps left for, it stops and is more than that all the same.
fn weight(value: &Value) -> Weight {
    let enough = left();
    let mut weight = Weight { values: 0, texts: 0 };
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        weight.values += 1;
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => {
                weight.texts += members.keys().map(|name| name.len() / STEP_CHARS).sum::<usize>();
                waiting.extend(members.values());
            }
            Value::String(text) => weight.texts += text.len() / STEP_CHARS,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if weight.compared() > enough {
            break;
        }
    }
    weight
}

/// The schema with the keyword in every part. What is data stays, and so do names of members.
pub(super) fn with_keyword(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut counted = Map::from_iter([(KEYWORD.to_owned(), Value::Bool(true))]);
            for (keyword, value) in members.iter().filter(|(keyword, _)| *keyword != KEYWORD) {
                let value = match keyword.as_str() {
                    "const" | "enum" | "default" | "examples" => value.clone(),
                    "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => named(value),
                    _ => with_keyword(value),
                };
                counted.insert(keyword.clone(), value);
            }
            Value::Object(counted)
        }
        Value::Array(items) => Value::Array(items.iter().map(with_keyword).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn named(parts: &Value) -> Value {
    match parts {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, part)| (name.clone(), with_keyword(part))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => parts.clone(),
    }
}
