//! Mappings: one expression per target field, from an event of one contract to a body of another.
//!
//! Each field is a program of its own. So the body keeps the order of the file, every field that fails is named at once,
//! and what a field was made from is known. The same event gives the same bytes, always.

mod check;
mod compile;
mod failure;
mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use model::diagnostic::Place;
use model::{ContractRef, Diagnostic, MappingName, Owner, Severity, Span};
use serde_json::Value;

use crate::compiled::Policy;
use crate::contract::Contract;
use crate::expression::{EventView, Source, Tables, from_json};
use crate::specs::{FieldKind as FieldKindSpec, FieldSpec, MappingSpec, TableSpec};
use crate::{codes, spanned};

use compile::Step;

/// A compiled mapping.
#[derive(Debug)]
pub struct Mapping {
    /// Its name.
    pub name: MappingName,
    /// What it does, in a sentence, or empty.
    pub summary: String,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// The contract of the events that it takes.
    pub from: Option<ContractRef>,
    /// The contract of what it makes.
    pub to: Option<ContractRef>,
    path: String,
    tables: Tables,
    fields: Vec<Field>,
    reads: Option<Arc<Contract>>,
    writes: Option<Arc<Contract>>,
    compiled: OnceLock<Compiled>,
}

/// What a mapping has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The body: JSON, members in the order of the mapping's file.
    pub bytes: Bytes,
    /// The same as a value.
    pub json: Value,
}

/// A target field.
#[derive(Debug)]
struct Field {
    target: Vec<String>,
    span: Span,
    optional: bool,
    kind: FieldKind,
}

#[derive(Debug)]
enum FieldKind {
    Expr(Source),
    Each { list: Source, fields: Vec<Field> },
}

/// The programs, and what was found while they were made.
#[derive(Debug)]
struct Compiled {
    steps: Vec<Step>,
    found: Vec<Diagnostic>,
    is_right: bool,
}

impl Mapping {
    /// The mapping of a file with this text. The contracts are those that it names, as far as they are known.
    pub fn new(spec: &MappingSpec, text: &str, from: Option<Arc<Contract>>, to: Option<Arc<Contract>>) -> Self {
        Self {
            name: spec.name.clone(),
            summary: spec.summary.as_ref().map_or_else(String::new, |summary| summary.value.clone()),
            owner: spec.owner.as_ref().map(|owner| owner.value.clone()),
            from: spec.from.as_ref().map(|from| from.value.clone()),
            to: spec.to.as_ref().map(|to| to.value.clone()),
            path: spec.path.clone(),
            tables: tables(&spec.tables),
            fields: fields(&spec.fields, &spec.path, text),
            reads: from,
            writes: to,
            compiled: OnceLock::new(),
        }
    }

    /// Everything that is wrong with it, warnings included: expressions that do not compile, fields that its contracts do
    /// not have, required fields that it does not make.
    pub fn check(&self) -> Vec<Diagnostic> {
        let mut found = self.compiled().found.clone();
        check::targets(self, &mut found);
        found
    }

    /// Makes the body for an event, or says which fields cannot be made, at most [`model::limit::REASONS_MAX`] of them.
    pub fn apply(&self, view: &EventView<'_>) -> Result<Mapped, Vec<Diagnostic>> {
        let compiled = self.compiled();
        if !compiled.is_right {
            return Err(compiled.found.iter().filter(|found| found.severity == Severity::Error).cloned().collect());
        }
        if let Some(not_json) = view.data().broken() {
            let message = format!("the data is no JSON: {}", not_json.why);
            return Err(vec![Diagnostic::error(codes::DATA_NOT_JSON, Place::Whole, message)]);
        }
        run::run(self, &compiled.steps, view)
    }

    /// As [`Mapping::apply`], and the body satisfies the target's contract, which is looked up in `policy`.
    pub fn apply_checked(&self, policy: &Policy, view: &EventView<'_>) -> Result<Bytes, Vec<Diagnostic>> {
        let mapped = self.apply(view)?;
        let contract = self.to.as_ref().and_then(|to| policy.contracts.get(to));
        let refused = contract.map_or_else(Vec::new, |contract| self.refused(contract, &mapped.json));
        if refused.is_empty() { Ok(mapped.bytes) } else { Err(refused) }
    }

    /// The target fields in the order of the file, as `lines[].quantity.value`.
    pub fn targets(&self) -> Vec<String> {
        self.compiled().steps.iter().flat_map(Step::names).collect()
    }

    /// What a target field is made from: the paths that its expressions read, as they are written in them.
    pub fn sources(&self, target: &str) -> Vec<String> {
        let mut sources: Vec<String> = self.compiled().steps.iter().flat_map(|step| step.sources(target)).collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// What the contract of the target does not take, with the fields that made it.
    fn refused(&self, contract: &Contract, json: &Value) -> Vec<Diagnostic> {
        let broken = contract.validate(json);
        let refusal = |broken: Diagnostic| {
            let at = match broken.place {
                Place::Pointer(pointer) => pointer,
                Place::File { .. } | Place::Header(_) | Place::Whole => String::new(),
            };
            let made_by = self.field_at(&at).map_or(Place::Whole, |field| spanned::place(&self.path, field.span));
            let shown = if at.is_empty() { "the result".to_owned() } else { format!("the result at {at}") };
            let message = format!("{shown} breaks {}: {}", contract.reference, broken.message);
            Diagnostic { related: broken.related, ..Diagnostic::error(codes::RESULT_REFUSED, made_by, message) }
        };
        broken.into_iter().map(refusal).collect()
    }

    /// The field that made what stands at a pointer, or the first that made a part of it.
    fn field_at(&self, pointer: &str) -> Option<&Field> {
        let steps: Vec<String> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        field_at(&self.fields, &steps)
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| compile::compile(self))
    }
}

fn field_at<'f>(fields: &'f [Field], steps: &[&str]) -> Option<&'f Field> {
    let common = |field: &Field| field.target.iter().zip(steps).all(|(name, step)| name == step);
    let field = fields.iter().find(|field| common(field))?;
    match &field.kind {
        FieldKind::Expr(_) => Some(field),
        FieldKind::Each { fields, .. } => {
            let inside = steps.get(field.target.len() + 1..).unwrap_or_default();
            if inside.is_empty() { Some(field) } else { field_at(fields, inside).or(Some(field)) }
        }
    }
}

fn tables(specs: &[TableSpec]) -> Tables {
    let table =
        |spec: &TableSpec| spec.rows.iter().map(|(key, value)| (key.value.clone(), from_json(&value.value))).collect();
    let tables: BTreeMap<_, _> = specs.iter().map(|spec| (spec.name.value.clone(), Arc::new(table(spec)))).collect();
    Tables(Arc::new(tables))
}

fn fields(specs: &[FieldSpec], path: &str, text: &str) -> Vec<Field> {
    let kind = |spec: &FieldSpec| match &spec.kind {
        FieldKindSpec::Expr(expression) => FieldKind::Expr(Source::new(path, text, expression)),
        FieldKindSpec::Each { list, fields: inside } => {
            FieldKind::Each { list: Source::new(path, text, list), fields: fields(inside, path, text) }
        }
    };
    specs
        .iter()
        .map(|spec| Field { target: spec.target.clone(), span: spec.span, optional: spec.optional, kind: kind(spec) })
        .collect()
}

#[cfg(test)]
mod tests;
