//! Guards that the compiler puts around parts of an expression, so that no message can make it ask for more memory than
//! an event may. Their names are no identifiers: nobody can call them.

use model::limit::OUTPUT_BYTES_MAX;
use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{Context, Expression, ExpressionError, Function, FunctionExpression, Resolved, TypeDef};
use vrl::diagnostic::{Label, Span};
use vrl::value::{Kind, Value};

/// Around the operands of `*`: a text times a number repeats the text, as often as the message says.
pub(crate) const NUMBER: &str = "*";
/// Around what is kept in a variable, so that it cannot double from line to line.
pub(crate) const KEPT: &str = "=";
/// Around arguments that multiply: separators, replacements, counts of places.
pub(crate) const SMALL: &str = ",";

/// LIMIT: a separator or replacement; joined thousands of times it is still less than an event may be.
const SMALL_BYTES_MAX: usize = 1024;
/// LIMIT: a count of digits.
const SMALL_NUMBER_MAX: i64 = 1_000;

pub(super) fn functions() -> Vec<Box<dyn Function>> {
    [NUMBER, KEPT, SMALL].into_iter().map(|name| Box::new(Guard(name)) as Box<dyn Function>).collect()
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
        let problem = match self.guard {
            NUMBER if matches!(value, Value::Bytes(_) | Value::String(_)) => Some(NO_TEXT),
            KEPT if size(&value, OUTPUT_BYTES_MAX) > OUTPUT_BYTES_MAX => Some("a variable would be larger than an event may be"),
            SMALL if !is_small(&value) => Some("a separator, replacement or number of places is too large"),
            _ => None,
        };
        problem.map_or(Ok(value), |problem| Err(problem.into()))
    }

    fn type_def(&self, state: &TypeState) -> TypeDef {
        let inner = self.value.type_def(state);
        if self.guard == NUMBER {
            let mut numbers: Kind = inner.kind().clone();
            numbers.remove_bytes();
            return inner.with_kind(numbers);
        }
        inner
    }
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Bytes(bytes) => bytes.len() <= SMALL_BYTES_MAX,
        Value::String(text) => text.len() <= SMALL_BYTES_MAX,
        Value::Integer(number) => number.unsigned_abs() <= SMALL_NUMBER_MAX.unsigned_abs(),
        Value::Null | Value::Boolean(_) | Value::Float(_) | Value::Timestamp(_) | Value::Regex(_) | Value::Array(_) | Value::Object(_) => true,
    }
}

/// About the bytes of a value; stops counting above `enough`.
fn size(value: &Value, enough: usize) -> usize {
    let mut total = 0_usize;
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        total += match value {
            Value::Bytes(bytes) => bytes.len(),
            Value::String(text) => text.len(),
            Value::Array(items) => {
                waiting.extend(items);
                items.len()
            }
            Value::Object(members) => {
                waiting.extend(members.values());
                members.keys().map(|name| name.len() + 1).sum()
            }
            Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Timestamp(_) | Value::Regex(_) => 8,
        };
        if total > enough {
            break;
        }
    }
    total
}
