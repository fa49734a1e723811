//! Guards that the compiler puts around parts of an expression, so that no message can make it ask for more memory than
//! an event may. Their names are no identifiers: nobody can call them.

use model::limit::OUTPUT_BYTES_MAX;
use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{
    Context, Expression, ExpressionError, Function, FunctionExpression, Resolved, TypeDef,
};
use vrl::diagnostic::{Label, Span};
use vrl::value::kind::Collection;
use vrl::value::{Kind, Value};

/// Around the operands of `*`: a text times a number repeats the text, as often as the message says.
pub(crate) const NUMBER: &str = "*";
/// Around what is kept in a variable, so that it cannot double from line to line.
pub(crate) const KEPT: &str = "=";
/// Around arguments that multiply: separators, replacements, counts of places.
pub(crate) const SMALL: &str = ",";

/// LIMIT: memory of one variable. An event of the largest size, read into values, is about ten times its text.
const KEPT_BYTES_MAX: usize = 16 * OUTPUT_BYTES_MAX;
/// What a value takes besides its text.
const VALUE_BYTES: usize = 32;
/// LIMIT: a separator or replacement; joined thousands of times it is still less than an event may be.
const SMALL_BYTES_MAX: usize = 1024;
/// LIMIT: parts of the type of a variable; what is larger is an object or a list of anything.
const TYPE_PARTS_MAX: usize = 200;
/// LIMIT: a count of digits.
const SMALL_NUMBER_MAX: i64 = 1_000;

pub(super) fn functions() -> Vec<Box<dyn Function>> {
    [NUMBER, KEPT, SMALL]
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

    fn compile(
        &self,
        state: &TypeState,
        _: &mut FunctionCompileContext,
        arguments: ArgumentList,
    ) -> Compiled {
        let value = arguments.required("value");
        if self.0 == NUMBER && value.type_def(state).kind().is_bytes() {
            let labels = vec![Label::primary("this is a text", Span::default())];
            return Err(Box::new(ExpressionError::Error {
                message: NO_TEXT.to_owned(),
                labels,
                notes: Vec::new(),
            }));
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
            KEPT if size(&value, KEPT_BYTES_MAX) > KEPT_BYTES_MAX => {
                Some("a variable would be larger than an event may be")
            }
            SMALL if !is_small(&value) => {
                Some("a separator, replacement or number of places is too large")
            }
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
                let coarse = if inner.kind().contains_array() {
                    coarse.or_array(Collection::any())
                } else {
                    coarse
                };
                let coarse = if inner.kind().contains_object() {
                    coarse.or_object(Collection::any())
                } else {
                    coarse
                };
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

fn is_small(value: &Value) -> bool {
    match value {
        Value::Bytes(bytes) => bytes.len() <= SMALL_BYTES_MAX,
        Value::String(text) => text.len() <= SMALL_BYTES_MAX,
        Value::Integer(number) => number.unsigned_abs() <= SMALL_NUMBER_MAX.unsigned_abs(),
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
