//! Guards that the compiler puts around parts of an expression, so that no message can make it ask for more memory than
//! an event may. Their names are no identifiers: nobody can call them.

use model::limit::OUTPUT_BYTES_MAX;
use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{Context, Expression, ExpressionError, Function, FunctionExpression, Resolved, TypeDef};
use vrl::diagnostic::{Label, Span};
use vrl::value::kind::Collection;
use vrl::value::{Kind, Value};

use crate::expression::steps::count;

/// Around the operands of `*`: a text times a number repeats the text, as often as the message says.
pub(crate) const NUMBER: &str = "*";
/// Around what is kept in a variable, so that it cannot double from line to line.
pub(crate) const KEPT: &str = "=";
/// Around arguments that multiply: separators, replacements, counts of places.
pub(crate) const SMALL: &str = ",";

/// Around variables where they are read: each time, their value is copied.
pub(crate) const READ: &str = ".";
/// Around texts that a pattern is looked for again and again in: what is behind a match may be read anew for each.
pub(crate) const SEARCHED: &str = "/";
/// Around texts that a function goes through once for each of several others, or for each of its own characters.
pub(crate) const AGAIN: &str = "^";
/// Around lists the items of which are put into a table: that takes longer than going through them.
pub(crate) const HASHED: &str = "#";
/// Around texts that a function goes through once more for each of their parts.
pub(crate) const SQUARED: &str = "%";
/// Around a list of texts that are looked for one by one.
pub(crate) const FEW: &str = ";";

/// Around objects of which a function names each value by the names of all that it stands in.
pub(crate) const NAMED: &str = "@";
/// Around what is put between such names.
pub(crate) const NARROW: &str = ":";

/// Around XML, the reader of which goes down as deep as the text does.
pub(crate) const SHALLOW_XML: &str = "<";

/// LIMIT: levels of values and of XML; as many as the reader of JSON allows. Deeper ones would exhaust the stack.
const DEPTH_MAX: usize = 128;
/// LIMIT: memory of one variable, or of a text that is put together. An event of the largest size, read into values, is about ten times its text.
pub(super) const KEPT_BYTES_MAX: usize = 16 * OUTPUT_BYTES_MAX;
/// What a value takes besides its text.
const VALUE_BYTES: usize = 32;
/// LIMIT: a separator that a text is searched for, or that stands between a few digits.
const SMALL_BYTES_MAX: usize = 1024;
/// LIMIT: what is put between names, which is done again and again at each level.
const NARROW_BYTES_MAX: usize = 16;
/// LIMIT: texts, all of a value together, that a pattern is searched in for all its matches; with the worst of patterns it takes a second or two.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;
/// How often a list counts the items of which are put into a table.
const HASHED_STEPS: usize = 8;
/// Bytes of a text times its bytes that are one step.
const SQUARED_BYTES: usize = 1_024;
/// LIMIT: texts that are looked for one by one in another; and how often a text counts that is gone through again and again.
const FEW_MAX: usize = 64;
/// LIMIT: parts of the type of a variable; what is larger is an object or a list of anything.
const TYPE_PARTS_MAX: usize = 200;
/// LIMIT: a count of digits.
const SMALL_NUMBER_MAX: i64 = 1_000;

pub(super) fn functions() -> Vec<Box<dyn Function>> {
    [NUMBER, KEPT, SMALL, READ, SEARCHED, AGAIN, HASHED, SQUARED, FEW, NAMED, NARROW, SHALLOW_XML]
        .into_iter()
        .map(|name| Box::new(Guard(name)) as Box<dyn Function>)
        .collect()
}

#[derive(Clone, Copy, Debug)]
struct Guard(&'static str);

impl Function for Guard {
    fn identifier(&self) -> &'static str {
        self.0
    }

    fn usage(&self) -> &'static str {
        ""
    }

    fn category(&self) -> &'static str {
        "Crossdock"
    }

    fn return_kind(&self) -> u16 {
        kind::ANY
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[Parameter::required("value", kind::ANY, "")];
        PARAMETERS
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, _: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let value = arguments.required("value");
        if self.0 == NUMBER && value.type_def(state).kind().is_bytes() {
            let labels = vec![Label::primary("this is a text", Span::default())];
            return Err(Box::new(ExpressionError::Error { message: NO_TEXT.to_owned(), labels, notes: Vec::new() }));
        }
        Ok(Guarded { guard: self.0, value }.as_expr())
    }
}

const NO_TEXT: &str = "a text cannot be multiplied";

#[derive(Clone, Debug)]
struct Guarded {
    guard: &'static str,
    value: Box<dyn Expression>,
}

impl FunctionExpression for Guarded {
    fn resolve(&self, context: &mut Context<'_>) -> Resolved {
        let value = self.value.resolve(context)?;
        match self.guard {
            READ => count(&value, context)?,
            SQUARED => (0..length_of_text(&value).pow(2) / SQUARED_BYTES).try_for_each(|_| context.checkpoint())?,
            HASHED => (0..HASHED_STEPS).try_for_each(|_| count(&value, context))?,
            AGAIN => (0..FEW_MAX).try_for_each(|_| count(&value, context))?,
            _ => {}
        }
        let problem = match self.guard {
            NUMBER if matches!(value, Value::Bytes(_) | Value::String(_)) => Some(NO_TEXT),
            KEPT if size(&value, KEPT_BYTES_MAX) > KEPT_BYTES_MAX => Some("a variable would be larger than an event may be"),
            KEPT if depth(&value) > DEPTH_MAX => Some("a variable would be nested too deeply"),
            SHALLOW_XML if xml_depth(&value.to_string_lossy()) > DEPTH_MAX => Some("the XML is nested too deeply"),
            NAMED if names(&value) > KEPT_BYTES_MAX => Some("the names of all values would be longer than an event may be"),
            NARROW if length_of_text(&value) > NARROW_BYTES_MAX => Some("a separator between names is too long"),
            SEARCHED if length_of_texts(&value) > SEARCHED_BYTES_MAX => {
                Some("the text is too long to search all matches of a pattern")
            }
            FEW if value.as_array().is_some_and(|items| items.len() > FEW_MAX) => {
                Some("the list of texts to look for is too long")
            }
            SMALL if !is_small(&value) => Some("a separator or number of places is too large"),
            _ => None,
        };
        problem.map_or(Ok(value), |problem| Err(problem.into()))
    }

    fn type_def(&self, state: &TypeState) -> TypeDef {
        let inner = self.value.type_def(state);
        match self.guard {
            NUMBER => {
                let mut numbers: Kind = inner.kind().clone();
                numbers.remove_bytes();
                inner.with_kind(numbers)
            }
            // `x = [x, x]` doubles the type too, and the compiler copies types at every step.
            KEPT if parts(inner.kind()) > TYPE_PARTS_MAX => {
                let coarse = inner.kind().to_owned().to_primitives();
                let coarse = if inner.kind().contains_array() { coarse.or_array(Collection::any()) } else { coarse };
                let coarse = if inner.kind().contains_object() { coarse.or_object(Collection::any()) } else { coarse };
                inner.with_kind(coarse)
            }
            _ => inner,
        }
    }
}

/// How many types a type is made of; stops counting above the limit.
fn parts(kind: &Kind) -> usize {
    let mut total = 0_usize;
    let mut waiting = vec![kind];
    while let Some(kind) = waiting.pop() {
        total += 1;
        waiting.extend(kind.as_object().into_iter().flat_map(|object| object.known().values()));
        waiting.extend(kind.as_array().into_iter().flat_map(|array| array.known().values()));
        if total > TYPE_PARTS_MAX {
            break;
        }
    }
    total
}

fn length_of_text(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::String(text) => text.len(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Timestamp(_)
        | Value::Regex(_)
        | Value::Array(_)
        | Value::Object(_) => 0,
    }
}

/// The bytes of all texts of a value; stops counting above what may be searched.
fn length_of_texts(value: &Value) -> usize {
    let (mut total, mut waiting) = (0_usize, vec![value]);
    while let Some(value) = waiting.pop() {
        total += length_of_text(value);
        waiting.extend(value.as_array().into_iter().flatten());
        waiting.extend(value.as_object().into_iter().flat_map(|members| members.values()));
        if total > SEARCHED_BYTES_MAX {
            break;
        }
    }
    total
}

/// The bytes of the names by which a function names each value: those of all that it stands in, with what is put between
/// them. Stops counting above what may be kept.
fn names(value: &Value) -> usize {
    let (mut total, mut waiting) = (0_usize, vec![(value, 0)]);
    while let Some((value, path)) = waiting.pop() {
        total += path;
        if total > KEPT_BYTES_MAX {
            break;
        }
        let items = value.as_array().into_iter().flatten();
        waiting.extend(items.map(|item| (item, path + NARROW_BYTES_MAX)));
        let members = value.as_object().into_iter().flatten();
        waiting.extend(members.map(|(name, member)| (member, path + name.len() + NARROW_BYTES_MAX)));
    }
    total
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Bytes(bytes) => bytes.len() <= SMALL_BYTES_MAX,
        Value::String(text) => text.len() <= SMALL_BYTES_MAX,
        Value::Integer(number) => (0..=SMALL_NUMBER_MAX).contains(number),
        Value::Null
        | Value::Boolean(_)
        | Value::Float(_)
        | Value::Timestamp(_)
        | Value::Regex(_)
        | Value::Array(_)
        | Value::Object(_) => true,
    }
}

/// About the memory of a value; stops counting above `enough`.
fn size(value: &Value, enough: usize) -> usize {
    let mut total = 0_usize;
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        total += VALUE_BYTES;
        total += match value {
            Value::Bytes(bytes) => bytes.len(),
            Value::String(text) => text.len(),
            Value::Array(items) => {
                waiting.extend(items);
                0
            }
            Value::Object(members) => {
                waiting.extend(members.values());
                members.keys().map(|name| VALUE_BYTES + name.len()).sum()
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Timestamp(_)
            | Value::Regex(_) => 0,
        };
        if total > enough {
            break;
        }
    }
    total
}

/// How many levels a value has; stops counting above the limit.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut waiting = vec![(value, 1_usize)];
    while let Some((value, level)) = waiting.pop() {
        deepest = deepest.max(level);
        if deepest > DEPTH_MAX {
            break;
        }
        match value {
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(members) => {
                waiting.extend(members.values().map(|member| (member, level + 1)));
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Bytes(_)
            | Value::String(_)
            | Value::Timestamp(_)
            | Value::Regex(_) => {}
        }
    }
    deepest
}

/// How deep the elements of an XML text are nested, without reading it properly: too deep rather than not deep enough.
fn xml_depth(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0_usize);
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        let skip_to = |end: &str| tag.split_once(end).map_or("", |(_, after)| after);
        rest = match tag.as_bytes() {
            [b'!', b'-', b'-', ..] => skip_to("-->"),
            [b'!', b'[', ..] => skip_to("]]>"),
            [b'!' | b'?', ..] => skip_to(">"),
            [b'/', ..] => {
                level = level.saturating_sub(1);
                skip_to(">")
            }
            _ => {
                let (inside, after) = tag.split_at(tag_length(tag));
                if !inside.ends_with('/') {
                    level += 1;
                    deepest = deepest.max(level);
                }
                after
            }
        };
    }
    deepest
}

/// Where a tag ends: at the first `>` outside of quotes.
fn tag_length(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None | Some(_), _) => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_measured_before_it_is_read() {
        for (text, expected) in [
            ("<a/>", 0),
            ("<a>1</a>", 1),
            ("<a><b/><c>x</c></a>", 2),
            ("<?xml version='1.0'?><!-- <x><y> --><a><![CDATA[<x><y>]]></a>", 1),
            ("<a b='>'><c></c></a>", 2),
            ("<a b=\"/>\"><a b='/>'></a></a>", 2),
            ("no xml at all", 0),
        ] {
            assert_eq!(xml_depth(text), expected, "{text}");
        }
        assert!(xml_depth(&"<a>".repeat(100_000)) > DEPTH_MAX);
    }
}
