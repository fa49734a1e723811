//! How much a contract may do with what comes. Where parts of a schema multiply, each part counts itself when it is applied, and the one that
//! finds nothing left ends the validation from within: no other way leads out of the validator.
//!
//! The count is by thread: a validation is one call that does not wait, and what it calls can be told nothing else.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use model::limit::{VALIDATION_FLOOR, VALIDATION_STEPS_MAX};
use serde_json::{Map, Value};

use crate::expression::{STEPS_MAX, Steps};

/// The keyword that counts. No dialect has it, and what a schema says under it is written over.
pub(super) const KEYWORD: &str = "crossdock:counted";
/// LIMIT: steps of the search for all that is wrong, once it is known that something is. Each mistake keeps a copy of the value
/// that it is about, so this bounds memory too.
const SEARCH_STEPS_MAX: usize = 10_000;
/// What a step of the search costs beside one that only asks whether all is right: it writes down what it finds.
const SEARCH_PRICE: usize = 50;
/// Characters of a text that cost as much as one part of a schema.
const STEP_CHARS: usize = 64;
/// Values below a value that are copied or compared as fast as one part of a schema is applied.
const STEP_VALUES: usize = 8;

/// What validations may still do: of one event, or of all events of a request together.
#[derive(Debug)]
pub struct Effort {
    left: usize,
    /// Steps of the expressions that find identifiers.
    expressions: usize,
}

/// It takes more steps than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

impl Effort {
    /// As much as one request may ask for.
    pub const fn of_one_request() -> Self {
        Self { left: VALIDATION_STEPS_MAX, expressions: STEPS_MAX }
    }

    /// Runs a validation that is counted. It may always take a few steps, so that no event suffers for those before it.
    pub(super) fn run<T>(&mut self, validate: impl FnOnce() -> T) -> Result<T, Spent> {
        let allowed = self.left.max(VALIDATION_FLOOR);
        let (answer, left) = counted(Count { left: allowed, copies: false }, validate);
        self.left = self.left.min(left);
        answer
    }

    /// Runs expressions over one event. They too may always take a few steps.
    pub(super) fn read<T>(&mut self, find: impl FnOnce(&Steps) -> T) -> T {
        let steps = Steps::of(self.expressions.max(VALIDATION_FLOOR));
        let found = find(&steps);
        self.expressions = self.expressions.min(steps.left());
        found
    }

    /// Runs the search for all that is wrong.
    pub(super) fn search<T>(&mut self, validate: impl FnOnce() -> T) -> Result<T, Spent> {
        let allowed = (self.left.max(VALIDATION_FLOOR) / SEARCH_PRICE).min(SEARCH_STEPS_MAX);
        let (answer, left) = counted(Count { left: allowed, copies: true }, validate);
        self.left = self.left.saturating_sub((allowed - left) * SEARCH_PRICE);
        answer
    }
}

#[derive(Clone, Copy)]
struct Count {
    left: usize,
    /// Whether a mistake copies the value that it is about.
    copies: bool,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { left: usize::MAX, copies: false }) };
}

/// What it answers, and how many steps are left.
fn counted<T>(count: Count, validate: impl FnOnce() -> T) -> (Result<T, Spent>, usize) {
    let before = COUNT.replace(count);
    let answer = catch_unwind(AssertUnwindSafe(validate));
    let left = COUNT.replace(before).left;
    match answer {
        Ok(answer) => (Ok(answer), left),
        Err(thrown) if thrown.is::<Spent>() => (Err(Spent), 0),
        Err(thrown) => resume_unwind(thrown),
    }
}

/// A part of a schema that counts.
struct Counted {
    /// It compares the whole value.
    compares: bool,
}

impl Counted {
    fn count(&self, value: &Value) {
        let Count { left, copies } = COUNT.get();
        let price = if copies || self.compares { size(value, left) } else { length(value) };
        match left.checked_sub(price) {
            Some(left) => COUNT.set(Count { left, copies }),
            None => resume_unwind(Box::new(Spent)),
        }
    }
}

impl<'i> Keyword<'i> for Counted {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        self.count(value);
        Ok(())
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        self.count(value);
        true
    }
}

/// Makes the keyword of one part.
#[expect(clippy::unnecessary_wraps, reason = "the library asks for it")]
pub(super) fn keyword<'s>(
    part: &'s Map<String, Value>,
    _: &'s Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>> {
    let compares = ["const", "enum", "uniqueItems"].iter().any(|keyword| part.contains_key(*keyword));
    Ok(Box::new(Counted { compares }))
}

/// A part applied to a value: its texts are read, its items and members are gone through elsewhere.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / STEP_CHARS,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => 1,
    }
}

/// As [`length`], with all that is below the value; stops above `enough`.
fn size(value: &Value, enough: usize) -> usize {
    let (mut values, mut texts, mut waiting) = (0, 0, vec![value]);
    while let Some(value) = waiting.pop() {
        values += 1;
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(members) => waiting.extend(members.values()),
            Value::String(text) => texts += text.len() / STEP_CHARS,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if values / STEP_VALUES + texts > enough {
            break;
        }
    }
    1 + values / STEP_VALUES + texts
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
