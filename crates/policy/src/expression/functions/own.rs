//! Our own functions as the language sees them: a row each, with plain functions behind.

use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{Context, Expression, Function, FunctionExpression, Resolved, TypeDef};
use vrl::value::Value;

use super::lookup::Lookup;
use super::{decimal, gs1, iso_time, units};

/// Their names.
pub(super) const NAMES: &[&str] = &["convert", "decimal", "gtin14", "is_sscc", "iso_time", "lookup"];

/// All of them.
pub(super) fn functions() -> Vec<Box<dyn Function>> {
    let rows = ROWS.iter().map(|row| Box::new(Ours(row)) as Box<dyn Function>);
    rows.chain([Box::new(Lookup) as Box<dyn Function>]).collect()
}

static ROWS: &[Row] = &[
    Row {
        name: "convert",
        usage: "Converts a quantity between units of UN/ECE Rec 20; the result is a decimal text.",
        parameters: &[
            Parameter::required("value", kind::ANY, "A number, or a text that writes one."),
            Parameter::required("from", kind::BYTES, "The unit that it has."),
            Parameter::required("to", kind::BYTES, "The unit that it shall have."),
        ],
        run: units::convert,
        answer: || TypeDef::bytes().fallible(),
    },
    Row {
        name: "decimal",
        usage: "A number as a decimal text without exponent and traces of float arithmetic.",
        parameters: &[
            Parameter::required("value", kind::ANY, "A number, or a text that writes one."),
            Parameter::optional(
                "scale",
                kind::INTEGER | kind::NULL,
                "Places behind the point; halves are rounded away from zero.",
            ),
        ],
        run: decimal::decimal,
        answer: || TypeDef::bytes().fallible(),
    },
    Row {
        name: "gtin14",
        usage: "A GTIN of 8, 12, 13 or 14 digits, padded to 14, when its check digit is right.",
        parameters: &[Parameter::required("value", kind::ANY, "The number of an article.")],
        run: gs1::gtin14,
        answer: || TypeDef::bytes().fallible(),
    },
    Row {
        name: "is_sscc",
        usage: "Whether a value is a serial shipping container code with a right check digit.",
        parameters: &[Parameter::required("value", kind::ANY, "The code, 18 digits.")],
        run: |arguments| Ok(gs1::is_sscc(arguments)),
        answer: || TypeDef::boolean().infallible(),
    },
    Row {
        name: "iso_time",
        usage: "RFC 3339 from the forms of date and time that carriers send.",
        parameters: &[
            Parameter::required("text", kind::ANY, "The date and time."),
            Parameter::optional("zone", kind::BYTES | kind::NULL, "The zone of a text without one: a name or an offset."),
        ],
        run: iso_time::iso_time,
        answer: || TypeDef::bytes().fallible(),
    },
];

/// A function of ours.
struct Row {
    name: &'static str,
    usage: &'static str,
    parameters: &'static [Parameter],
    run: Run,
    answer: fn() -> TypeDef,
}

/// A row as a function of the library.
#[derive(Clone, Copy)]
struct Ours(&'static Row);

impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Function for Ours {
    fn identifier(&self) -> &'static str {
        self.0.name
    }

    fn usage(&self) -> &'static str {
        self.0.usage
    }

    fn category(&self) -> &'static str {
        "Crossdock"
    }

    fn return_kind(&self) -> u16 {
        if (self.0.answer)().kind().is_boolean() { kind::BOOLEAN } else { kind::BYTES }
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.0.parameters
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, _: &TypeState, _: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        Ok(Call::new(self.0.parameters, &arguments, self.0.run, self.0.answer).as_expr())
    }
}

/// A plain function over the arguments in the order of the parameters.
pub(super) type Run = fn(&[Option<Value>]) -> Result<Value, String>;

/// A call of a plain function.
#[derive(Clone, Debug)]
pub(super) struct Call {
    arguments: Vec<Option<Box<dyn Expression>>>,
    run: Run,
    answer: fn() -> TypeDef,
}

impl Call {
    pub(super) fn new(parameters: &[Parameter], given: &ArgumentList, run: Run, answer: fn() -> TypeDef) -> Self {
        Self { arguments: parameters.iter().map(|parameter| given.optional(parameter.keyword)).collect(), run, answer }
    }
}

impl FunctionExpression for Call {
    fn resolve(&self, context: &mut Context<'_>) -> Resolved {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(argument.as_ref().map(|argument| argument.resolve(context)).transpose()?);
        }
        (self.run)(&values).map_err(Into::into)
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        (self.answer)()
    }
}
