//! Expressions: the one language of filters, lanes and mappings, and the paths of contracts and sources.
//!
//! An expression reads an event and answers a value. It has no loop without an end, no clock, no network and no chance;
//! what it may call stands in one table. It is compiled when it is first used, or checked, and cannot change the event.

mod calls;
mod data;
mod functions;
mod json;
mod long_integer;
mod path;
mod program;
mod reader;
mod report;
mod source;
mod steps;
mod syntax;
mod view;
mod walk;

use std::fmt;
use std::sync::OnceLock;

use model::Diagnostic;
use vrl::value::{Kind as Type, Value};

pub use data::{Data, NotJson};
pub use path::{BadPath, Path, Segment};
pub use source::Source;
pub use syntax::{Query, Root};
pub use view::EventView;

pub(crate) use functions::{Tables, short, timestamp};
pub(crate) use json::{Room, TooLarge, from_json, kind_name, to_json};
pub(crate) use path::{position, scalar_text};
pub(crate) use program::{Failing, Failure, Program, Reason, Setting};
pub(crate) use steps::{STEPS_MAX, Steps, length};
pub(crate) use view::Reading;

use crate::codes;

/// What an expression has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false, always: a filter.
    Bool,
    /// A text or null, always: a lane. Numbers and booleans count as texts.
    Text,
    /// Texts, a list of them or null, always: an identifier.
    Texts,
    /// Anything.
    Any,
}

/// Why an expression has no answer for an event: it takes too long, a function breaks down on a value, or it cannot be
/// compiled, which only an expression that was stored by an earlier version cannot. No answer is neither false nor null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer(pub String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An expression of a project file.
#[derive(Debug)]
pub struct Expression {
    source: Source,
    kind: Kind,
    program: OnceLock<Result<Program, Vec<Diagnostic>>>,
}

impl Expression {
    /// An expression, not compiled yet: that happens when it is checked or first asked.
    pub const fn new(source: Source, kind: Kind) -> Self {
        Self { source, kind, program: OnceLock::new() }
    }

    /// An expression, compiled, or everything that is wrong with it.
    pub fn compile(source: Source, kind: Kind) -> Result<Self, Vec<Diagnostic>> {
        let expression = Self::new(source, kind);
        let errors = expression.program().as_ref().err().cloned();
        errors.map_or(Ok(expression), Err)
    }

    /// Everything that is wrong with it, warnings included.
    pub fn check(&self) -> Vec<Diagnostic> {
        match self.program() {
            Ok(program) => program.warnings.clone(),
            Err(errors) => errors.clone(),
        }
    }

    /// Where it stands.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// What it reads; nothing where it is wrong.
    pub fn queries(&self) -> &[Query] {
        self.program().as_ref().map_or(&[], |program| &program.queries)
    }

    /// Whether it is true of an event.
    pub fn eval_bool(&self, view: &EventView<'_>) -> Result<bool, NoAnswer> {
        Ok(matches!(self.eval(view)?, Value::Boolean(true)))
    }

    /// Its text for an event; nothing where it is null, an object, a list or an empty text.
    pub fn eval_text(&self, view: &EventView<'_>) -> Result<Option<String>, NoAnswer> {
        Ok(json::scalar_text(&self.eval(view)?).filter(|text| !text.is_empty()))
    }

    /// Its texts for data that is no event yet: one, or those of a list.
    pub(crate) fn eval_texts(&self, data: &Data<'_>, steps: &Steps) -> Result<Vec<String>, NoAnswer> {
        Ok(match self.run(Reading { here: data.value(), view: None }, steps)? {
            Value::Array(items) => items.iter().filter_map(json::scalar_text).collect(),
            answer => json::scalar_text(&answer).into_iter().collect(),
        })
    }

    fn eval(&self, view: &EventView<'_>) -> Result<Value, NoAnswer> {
        self.run(Reading { here: view.data().value(), view: Some(view) }, &Steps::new())
    }

    fn run(&self, reading: Reading<'_>, steps: &Steps) -> Result<Value, NoAnswer> {
        let program = self.program().as_ref().map_err(|errors| {
            NoAnswer(errors.first().map_or_else(String::new, |error| format!("{}: {}", error.code, error.message)))
        })?;
        program.run(reading, steps).map_err(|failure| NoAnswer(failure.message))
    }

    fn program(&self) -> &Result<Program, Vec<Diagnostic>> {
        self.program.get_or_init(|| {
            let failing = match self.kind {
                Kind::Bool | Kind::Text | Kind::Texts => Failing::Never,
                Kind::Any => Failing::Refuses,
            };
            let (types, unknown) = (&|_: Root, _: &Path| Type::any(), &|_: &Query| None);
            let setting = Setting { tables: &Tables::default(), in_list: false, failing, types, unknown };
            let program = Program::compile(&self.source, setting)?;
            self.complaint(&program).map_or(Ok(program), |complaint| Err(vec![complaint]))
        })
    }

    /// What is wrong with the answer that it gives.
    fn complaint(&self, program: &Program) -> Option<Diagnostic> {
        let place = self.source.place();
        let result = &program.result;
        match self.kind {
            Kind::Bool | Kind::Text | Kind::Texts if program.can_fail => Some(
                Diagnostic::error(codes::GIVES_UP, place, "the expression can give up, but here it has to answer always")
                    .help("instead of `name!(…)` write `(name(…)) ?? other`, which goes on with another value"),
            ),
            Kind::Bool if !result.is_boolean() => Some(
                Diagnostic::error(
                    codes::NOT_BOOLEAN,
                    place,
                    format!("the condition answers {}, not true or false", named(result)),
                )
                .help("compare it, as in `.paid == true`"),
            ),
            Kind::Text if !may_be_text(result) => Some(
                Diagnostic::error(codes::NOT_TEXT, place, format!("the key answers {}, not a text", named(result)))
                    .help("choose a field of it"),
            ),
            Kind::Texts if !may_be_text(result) && !result.contains_array() => Some(
                Diagnostic::error(codes::NOT_TEXT, place, format!("the identifier answers {}, not a text", named(result)))
                    .help("choose a field of it"),
            ),
            Kind::Any | Kind::Bool | Kind::Text | Kind::Texts => None,
        }
    }
}

fn may_be_text(kind: &Type) -> bool {
    let texts = Type::bytes().or_integer().or_float().or_boolean().or_timestamp().or_null().or_undefined();
    kind.intersects(&texts)
}

/// A type as people call it.
pub(crate) fn named(kind: &Type) -> String {
    if kind.is_any() {
        return "anything".to_owned();
    }
    let types = [
        ("a text", kind.contains_bytes()),
        ("a number", kind.contains_integer() || kind.contains_float()),
        ("true or false", kind.contains_boolean()),
        ("an instant", kind.contains_timestamp()),
        ("a pattern", kind.contains_regex()),
        ("a list", kind.contains_array()),
        ("an object", kind.contains_object()),
        ("null", kind.contains_null() || kind.contains_undefined()),
    ];
    types.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
mod function_tests;

#[cfg(test)]
mod cost_tests;
