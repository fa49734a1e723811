//! From fields to programs, with the types that the contract of the events gives, and the paths that it does not have.

use model::{Diagnostic, Severity};
use vrl::value::Kind;

use super::{Compiled, Field, FieldKind, Mapping};
use crate::codes;
use crate::contract::{Contract, Found, Schema, follow, type_from};
use crate::expression::{Failing, Path, Program, Query, Root, Segment, Setting, Source};

/// A field with its program.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) target: Vec<String>,
    pub(super) optional: bool,
    pub(super) source: Source,
    pub(super) program: Program,
    /// The fields of each item, where the program gives a list.
    pub(super) each: Option<Vec<Self>>,
}

impl Step {
    fn name(&self) -> String {
        self.target.join(".")
    }

    /// The field, or the fields of its items.
    pub(super) fn names(&self) -> Vec<String> {
        let name = self.name();
        match &self.each {
            None => vec![name],
            Some(steps) => steps.iter().flat_map(Self::names).map(|inner| format!("{name}[].{inner}")).collect(),
        }
    }

    /// What a target is made from, if it is this one or inside of this one.
    pub(super) fn sources(&self, target: &str) -> Vec<String> {
        let read = |query: &Query| match query.root {
            Root::Here => query.path.to_string(),
            Root::Whole => format!("event{}", query.path),
            Root::Envelope => query.path.to_string().replacen('.', "%", 1),
        };
        match (&self.each, target.strip_prefix(&self.name())) {
            (_, Some("")) => self.program.queries.iter().map(read).collect(),
            (Some(steps), Some(rest)) => {
                let inner = rest.strip_prefix("[].").unwrap_or_default();
                let items = self.program.list.as_ref().map_or_else(|| "[]".to_owned(), |list| format!("{list}[]"));
                let within = |source: String| {
                    if source.starts_with('.') { format!("{items}{source}") } else { source }
                };
                steps.iter().flat_map(|step| step.sources(inner)).map(within).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What is known where an expression stands.
#[derive(Clone)]
struct Around<'m> {
    mapping: &'m Mapping,
    contract: Option<&'m Contract>,
    /// The parts of the schema for `.`; nothing where it is not known.
    here: Option<Vec<Schema<'m>>>,
    in_list: bool,
}

pub(super) fn compile(mapping: &Mapping) -> Compiled {
    let contract = mapping.reads.as_deref();
    let around = Around { mapping, contract, here: contract.map(|contract| vec![contract.schema()]), in_list: false };
    let mut found = Vec::new();
    let steps = steps(&mapping.fields, &around, &mut found);
    let is_right = found.iter().all(|found| found.severity != Severity::Error);
    Compiled { steps, found, is_right }
}

fn steps(fields: &[Field], around: &Around<'_>, found: &mut Vec<Diagnostic>) -> Vec<Step> {
    fields.iter().filter_map(|field| step(field, around, found)).collect()
}

fn step(field: &Field, around: &Around<'_>, found: &mut Vec<Diagnostic>) -> Option<Step> {
    let (source, inside) = match &field.kind {
        FieldKind::Expr(source) => (source, None),
        FieldKind::Each { list, fields } => (list, Some(fields)),
    };
    let program = program(source, around, found);
    let each = inside.map(|fields| {
        let here = program.as_ref().and_then(|program| items(program, around));
        let inner = Around { here, in_list: true, ..around.clone() };
        steps(fields, &inner, found)
    });
    let program = program?;
    if each.is_some() && !may_be_list(&program.result) {
        let message = format!("`each` needs a list, this is {}", crate::expression::named(&program.result));
        let help = "name the list itself; without `each`, the fields below are those of one object";
        found.push(Diagnostic::error(codes::EACH_NO_LIST, source.place(), message).help(help));
    }
    Some(Step { target: field.target.clone(), optional: field.optional, source: source.clone(), program, each })
}

fn program(source: &Source, around: &Around<'_>, found: &mut Vec<Diagnostic>) -> Option<Program> {
    let types = |root: Root, path: &Path| match root {
        Root::Here => around.here.as_ref().map_or_else(Kind::any, |schemas| type_from(schemas, path)),
        Root::Whole => around.contract.map_or_else(Kind::any, |contract| contract.type_at(path)),
        Root::Envelope => Kind::any(),
    };
    let unknown = |query: &Query| unknown(query, source, around);
    let (tables, in_list) = (&around.mapping.tables, around.in_list);
    let setting = Setting { tables, in_list, failing: Failing::Refuses, types: &types, unknown: &unknown };
    match Program::compile(source, setting) {
        Ok(program) => {
            found.extend(program.warnings.iter().cloned());
            Some(program)
        }
        Err(errors) => {
            found.extend(errors);
            None
        }
    }
}

/// A path that the contract does not have.
fn unknown(query: &Query, source: &Source, around: &Around<'_>) -> Option<Diagnostic> {
    let contract = around.contract?;
    let from = match query.root {
        Root::Here => around.here.clone()?,
        Root::Whole => vec![contract.schema()],
        Root::Envelope => return None,
    };
    match follow(from, &query.path) {
        Found::Lacking(lacking) => {
            Some(contract.lacking(codes::UNKNOWN_PATH, source.place_of(&query.span), &query.path, &lacking))
        }
        Found::Declared(_) | Found::Open => None,
    }
}

/// What the schema says of the items of the list that a program hands on.
fn items<'m>(program: &Program, around: &Around<'m>) -> Option<Vec<Schema<'m>>> {
    let mut segments = program.list.as_ref()?.segments().to_vec();
    // Behind all places that may be fixed.
    segments.push(Segment::Index(i64::MAX));
    match follow(around.here.clone()?, &Path::new(segments)) {
        Found::Declared(schemas) => Some(schemas),
        Found::Open | Found::Lacking(_) => None,
    }
}

fn may_be_list(kind: &Kind) -> bool {
    kind.contains_array() || kind.is_any()
}
