//! Functions of the library that put one text into another again and again: `replace`, `join` and `sieve`. What they would make is
//! measured before it is made, because a text of a kilobyte in the place of each letter of an event is a gigabyte. They answer as the
//! library does.

use std::borrow::Cow;

use vrl::compiler::function::closure::Definition;
use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::VrlValueConvert as _;
use vrl::compiler::{Function, FunctionExpression as _, TypeDef};
use vrl::value::{Value, ValueRegex};

use super::argument;
use super::guard::KEPT_BYTES_MAX;
use super::own::{Call, Run};

/// The function, with a body that measures where it needs one.
pub(super) fn measured(function: Box<dyn Function>) -> Box<dyn Function> {
    let run: Run = match function.identifier() {
        "join" => join,
        "replace" => replace,
        "sieve" => sieve,
        _ => return function,
    };
    Box::new(Measured { function, run })
}

/// What the library says of a function, and a body of ours.
#[derive(Debug)]
struct Measured {
    function: Box<dyn Function>,
    run: Run,
}

impl Function for Measured {
    fn identifier(&self) -> &'static str {
        self.function.identifier()
    }

    fn usage(&self) -> &'static str {
        self.function.usage()
    }

    fn category(&self) -> &'static str {
        self.function.category()
    }

    fn return_kind(&self) -> u16 {
        self.function.return_kind()
    }

    fn examples(&self) -> &'static [Example] {
        self.function.examples()
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.function.parameters()
    }

    fn closure(&self) -> Option<Definition> {
        self.function.closure()
    }

    fn compile(&self, _: &TypeState, _: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let answer = || TypeDef::bytes().infallible();
        Ok(Call::new(self.function.parameters(), &arguments, self.run, answer).as_expr())
    }
}

/// `join(value, separator)`.
fn join(arguments: &[Option<Value>]) -> Result<Value, String> {
    let Value::Array(items) = argument(arguments, 0) else { return Err("expected a list".to_owned()) };
    let texts: Option<Vec<Cow<'_, str>>> = items.iter().map(Value::to_str_lossy).collect();
    let texts = texts.ok_or("all array items must be strings")?;
    let separator = text_or_empty(arguments, 1)?;
    bounded(texts.iter().map(|text| text.len()).sum(), texts.len(), separator.len())?;
    Ok(texts.join(separator.as_ref()).into())
}

/// `replace(value, pattern, with, count)`.
fn replace(arguments: &[Option<Value>]) -> Result<Value, String> {
    let (value, with) = (text(argument(arguments, 0))?, text(argument(arguments, 2))?);
    let count = match argument(arguments, 3) {
        Value::Null => usize::MAX,
        count => match count.clone().try_integer().map_err(|wrong| wrong.to_string())? {
            0 => return Ok(value.into_owned().into()),
            count => usize::try_from(count).unwrap_or(usize::MAX),
        },
    };
    match argument(arguments, 1) {
        Value::Regex(pattern) => replace_pattern(&value, pattern, &with, count),
        pattern => {
            let pattern = text(pattern)?;
            let found = hits(&value, &with, || value.matches(pattern.as_ref()).take(count).count());
            bounded(value.len(), found, with.len())?;
            Ok(value.replacen(pattern.as_ref(), &with, count).into())
        }
    }
}

fn replace_pattern(value: &str, pattern: &ValueRegex, with: &str, count: usize) -> Result<Value, String> {
    let found = hits(value, with, || pattern.find_iter(value).take(count).count());
    // `$1` puts in a part of what was found, and all that is found is no longer than the text.
    let repeated = with.matches('$').count() * value.len();
    bounded(value.len() + repeated, found, with.len())?;
    let limit = if count == usize::MAX { 0 } else { count };
    Ok(pattern.replacen(value, limit, with).into())
}

/// `sieve(value, permitted_characters, replace_single, replace_repeated)`.
fn sieve(arguments: &[Option<Value>]) -> Result<Value, String> {
    let value = text(argument(arguments, 0))?;
    let Value::Regex(permitted) = argument(arguments, 1) else { return Err("expected a pattern".to_owned()) };
    let (single, repeated) = (text_or_empty(arguments, 2)?, text_or_empty(arguments, 3)?);
    let longer = if single.len() > repeated.len() { &single } else { &repeated };
    let found = hits(&value, longer, || permitted.find_iter(&value).count());
    bounded(value.len(), found, longer.len())?;
    let (mut kept, mut end) = (String::with_capacity(value.len()), 0);
    for permitted in permitted.find_iter(&value) {
        match permitted.start() - end {
            0 => {}
            1 => kept.push_str(&single),
            _ => kept.push_str(&repeated),
        }
        end = permitted.end();
        kept.push_str(permitted.as_str());
    }
    Ok(kept.into())
}

/// How often a text is put in at most. Only where that could be too much is it worth looking.
fn hits(value: &str, with: &str, count: impl FnOnce() -> usize) -> usize {
    let most = value.len() + 1;
    if value.len() + most.saturating_mul(with.len()) <= KEPT_BYTES_MAX { most } else { count() }
}

/// Refuses what would be longer than a variable may be.
fn bounded(before: usize, hits: usize, length: usize) -> Result<(), String> {
    let after = before.saturating_add(hits.saturating_mul(length));
    if after > KEPT_BYTES_MAX { Err("the text would be longer than an event may be".to_owned()) } else { Ok(()) }
}

fn text(value: &Value) -> Result<Cow<'_, str>, String> {
    value.try_bytes_utf8_lossy().map_err(|wrong| wrong.to_string())
}

fn text_or_empty(arguments: &[Option<Value>], at: usize) -> Result<Cow<'_, str>, String> {
    match argument(arguments, at) {
        Value::Null => Ok(Cow::Borrowed("")),
        value => text(value),
    }
}
