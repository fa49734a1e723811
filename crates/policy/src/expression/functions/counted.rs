//! A function of the library, the result of which counts by its size: it may make a long list of one text.

use vrl::compiler::expression::Expression;
use vrl::compiler::function::closure::Definition;
use vrl::compiler::function::{ArgumentList, Compiled, Example, FunctionCompileContext, Parameter};
use vrl::compiler::state::{TypeInfo, TypeState};
use vrl::compiler::{Context, ExpressionError, Function, Resolved};
use vrl::value::Value;

use crate::expression::steps::count;

/// The function with its count.
#[derive(Debug)]
pub(super) struct Counted(pub(super) Box<dyn Function>);

impl Function for Counted {
    fn identifier(&self) -> &'static str {
        self.0.identifier()
    }

    fn usage(&self) -> &'static str {
        self.0.usage()
    }

    fn category(&self) -> &'static str {
        self.0.category()
    }

    fn return_kind(&self) -> u16 {
        self.0.return_kind()
    }

    fn pure(&self) -> bool {
        self.0.pure()
    }

    fn examples(&self) -> &'static [Example] {
        self.0.examples()
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.0.parameters()
    }

    fn closure(&self) -> Option<Definition> {
        self.0.closure()
    }

    fn compile(&self, state: &TypeState, context: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        Ok(Box::new(Call(self.0.compile(state, context, arguments)?)))
    }
}

#[derive(Clone, Debug)]
struct Call(Box<dyn Expression>);

impl Expression for Call {
    fn resolve(&self, context: &mut Context<'_>) -> Resolved {
        let value = self.0.resolve(context)?;
        count(&value, context)?;
        Ok(value)
    }

    fn resolve_unused(&self, context: &mut Context<'_>) -> Result<(), ExpressionError> {
        self.0.resolve_unused(context)
    }

    fn resolve_constant(&self, state: &TypeState) -> Option<Value> {
        self.0.resolve_constant(state)
    }

    fn type_info(&self, state: &TypeState) -> TypeInfo {
        self.0.type_info(state)
    }

    fn format(&self) -> Option<String> {
        self.0.format()
    }
}
