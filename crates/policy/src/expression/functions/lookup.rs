//! `lookup(table, key)`: the value of a key in one of the mapping's own tables. It fails, with both, where there is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::compiler::value::kind;
use vrl::compiler::{Context, Expression, ExpressionError, Function, FunctionExpression, Resolved, TypeDef};
use vrl::diagnostic::{DiagnosticMessage, Note};
use vrl::value::{Kind, Value};

use crate::expression::json::scalar_text;

/// The lookup tables of a mapping by their names; keys are texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables(pub(crate) Arc<BTreeMap<String, Arc<BTreeMap<String, Value>>>>);

/// Marks the error of a value that is not in its table.
pub(crate) const NOT_IN_TABLE: &str = "not in table";

#[derive(Clone, Copy, Debug)]
pub(super) struct Lookup;

impl Function for Lookup {
    fn identifier(&self) -> &'static str {
        "lookup"
    }

    fn usage(&self) -> &'static str {
        "The value of a key in one of the tables of the mapping."
    }

    fn category(&self) -> &'static str {
        "Crossdock"
    }

    fn return_kind(&self) -> u16 {
        kind::ANY
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            Parameter::required("table", kind::BYTES, "The name of the table, in quotes."),
            Parameter::required("key", kind::ANY, "The key: a text, a number or a boolean."),
        ];
        PARAMETERS
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, context: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let name = arguments.optional_literal("table", state).ok().flatten();
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let tables = context.get_external_context::<Tables>().cloned().unwrap_or_default();
        match tables.0.get(&name) {
            Some(table) => Ok(Call { name, table: Arc::clone(table), key: arguments.required("key") }.as_expr()),
            None => {
                Err(Box::new(ExpressionError::from(format!("there is no table \"{name}\""))) as Box<dyn DiagnosticMessage>)
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Call {
    name: String,
    table: Arc<BTreeMap<String, Value>>,
    key: Box<dyn Expression>,
}

impl FunctionExpression for Call {
    fn resolve(&self, context: &mut Context<'_>) -> Resolved {
        let key = self.key.resolve(context)?;
        let found = scalar_text(&key).and_then(|key| self.table.get(&key));
        found.cloned().ok_or_else(|| ExpressionError::Error {
            message: format!("the table \"{}\" has no \"{}\"", self.name, super::short(&key.to_string_lossy())),
            labels: Vec::new(),
            notes: vec![Note::UserErrorMessage(NOT_IN_TABLE.to_owned())],
        })
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        let kind = self.table.values().map(Kind::from).reduce(|all, one| all.union(one));
        TypeDef::from(kind.unwrap_or_else(Kind::null)).fallible()
    }
}
