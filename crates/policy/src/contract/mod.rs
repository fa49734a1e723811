//! Contracts: what an event of a type looks like, and which of its values are identifiers, keys and times.
//!
//! The schema compiles when the first message is validated. It is JSON Schema 2020-12; formats are remarks, references lead
//! nowhere outside of the contract, no pattern runs without end, and no schema makes an event cost more than a limit.

mod applied;
mod check;
mod compare;
mod counting;
mod effort;
mod kinds;
mod reading;
mod schema;
mod sought;
mod spread;
mod validator;
mod violation;

use std::sync::OnceLock;

use model::diagnostic::Place;
use model::digest::bounded;
use model::limit::{IDENTIFIER_BYTES_MAX, IDENTIFIERS_MAX};
use model::{Code, ContractRef, Diagnostic, EventType, Identifier, Owner, Timestamp};
use serde_json::Value;
use vrl::value::Kind;

use crate::expression::{BadPath, Data, Expression, Path, Query, Root, Segment, Steps, timestamp};
use crate::specs::ContractSpec;
use crate::tree::Node;
use crate::{Spanned, codes, near, spanned};

use sought::Sought;
use validator::Ready;

pub use crate::specs::{Classification, Lifecycle, Repeatable};

pub use compare::{Difference, Hurts, Of, compare, hurt_by};
pub use effort::Effort;
pub(crate) use schema::{Found, Lacking, Schema, Why, follow};

/// A compiled contract.
#[derive(Debug)]
pub struct Contract {
    /// `name@version`.
    pub reference: ContractRef,
    /// The event type that it describes.
    pub kind: EventType,
    /// What it describes, in a sentence, or empty.
    pub summary: String,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// Where it stands in its life.
    pub lifecycle: Lifecycle,
    /// How its data may be shown.
    pub classification: Classification,
    /// What a replay may do.
    pub repeat: Repeatable,
    path: String,
    identifiers: Vec<(String, Sought)>,
    ordering: Option<Path>,
    correlation: Option<Path>,
    time: Option<Path>,
    schema: Value,
    /// The schema as it stands in the file.
    tree: Node,
    validator: OnceLock<Result<Ready, String>>,
}

impl Contract {
    /// The contract of a file, and what is wrong with its paths. A path that is none is left out.
    pub fn new(spec: &ContractSpec) -> (Self, Vec<Diagnostic>) {
        let mut wrong = Vec::new();
        let mut read = |text: &Spanned<String>| match text.value.parse::<Path>() {
            Ok(path) => Some(path),
            Err(bad) => {
                wrong.push(bad_path(text, bad, &spec.path));
                None
            }
        };
        let (ordering, correlation) =
            (spec.ordering.as_ref().and_then(&mut read), spec.correlation.as_ref().and_then(&mut read));
        let time = spec.time.as_ref().and_then(&mut read);
        let sought = |(scheme, text): &(Spanned<String>, Spanned<String>)| match Sought::read(text, &spec.path) {
            Ok(sought) => Some((scheme.value.clone(), sought)),
            Err(bad) => {
                wrong.push(bad_path(text, bad, &spec.path));
                None
            }
        };
        let contract = Self {
            reference: spec.reference.clone(),
            kind: spec.kind.clone(),
            summary: spec.summary.as_ref().map_or_else(String::new, |summary| summary.value.clone()),
            owner: spec.owner.as_ref().map(|owner| owner.value.clone()),
            lifecycle: spec.lifecycle,
            classification: spec.classification,
            repeat: spec.repeat,
            path: spec.path.clone(),
            identifiers: spec.identifiers.iter().filter_map(sought).collect(),
            ordering,
            correlation,
            time,
            schema: spec.schema.value.clone(),
            tree: spec.schema_tree.clone(),
            validator: OnceLock::new(),
        };
        (contract, wrong)
    }

    /// What is to be read of a record, where this is a contract of captured records: what its schema declares below `record`.
    pub fn reading(&self) -> Option<crate::compiled::Reading> {
        reading::reading(&Schema::root(&self.schema))
    }

    /// Fields without which a record breaks it, where this is a contract of captured records.
    pub fn required_fields(&self) -> Vec<String> {
        reading::required(&Schema::root(&self.schema))
    }

    /// What is wrong with the schema itself and its references. Where there is nothing, flows and mappings can be held against it,
    /// whatever else is wrong.
    pub fn check_schema(&self) -> Vec<Diagnostic> {
        check::schema(self)
    }

    /// What is wrong beside the schema, in which nothing was: paths that it does not have, expressions, examples. `spec` is what it
    /// was made from.
    pub fn check_rest(&self, spec: &ContractSpec) -> Vec<Diagnostic> {
        check::rest(self, spec)
    }

    /// Which rules of the schema the data breaks, at most [`model::limit::REASONS_MAX`] of them. Empty where it is valid.
    pub fn validate(&self, data: &Value) -> Vec<Diagnostic> {
        self.validate_within(data, &mut Effort::of_one_request())
    }

    fn validate_within(&self, data: &Value, effort: &mut Effort) -> Vec<Diagnostic> {
        match self.validator() {
            Ok(ready) => violation::violations(ready, &self.schema, data, effort),
            Err(why) => {
                vec![
                    Diagnostic::error(
                        codes::RULE_BROKEN,
                        Place::Whole,
                        format!("the schema of {} cannot be used: {why}", self.reference),
                    )
                    .help(
                        "correct it in a new version of the contract and apply that; what was kept can be resubmitted then",
                    ),
                ]
            }
        }
    }

    /// As [`Contract::validate`], of data that may be no JSON at all. It takes no more than what is left of the effort; what
    /// cannot be decided with it is said to be too costly.
    pub fn validate_data(&self, data: &Data<'_>, effort: &mut Effort) -> Vec<Diagnostic> {
        match data.json() {
            Ok(json) => self.validate_within(json, effort),
            Err(not_json) => {
                vec![Diagnostic::error(codes::DATA_NOT_JSON, Place::Whole, format!("the data is no JSON: {}", not_json.why))]
            }
        }
    }

    /// The business identifiers, in the order of the file; a list of texts gives one each. At most
    /// [`IDENTIFIERS_MAX`]; empty ones are left out, and in the place of one longer than [`IDENTIFIER_BYTES_MAX`] is its digest.
    pub fn identifiers(&self, data: &Data<'_>) -> Vec<Identifier> {
        self.identifiers_within(data, &mut Effort::of_one_request())
    }

    /// As [`Contract::identifiers`], with no more than what is left of the effort.
    pub fn identifiers_within(&self, data: &Data<'_>, effort: &mut Effort) -> Vec<Identifier> {
        effort.read(|steps| self.sought(data, steps))
    }

    fn sought(&self, data: &Data<'_>, steps: &Steps) -> Vec<Identifier> {
        let values = self.identifiers.iter().flat_map(|(scheme, sought)| {
            let found = sought.texts(data, steps);
            let identifier = |value| Identifier { scheme: scheme.clone(), value: bounded(value, IDENTIFIER_BYTES_MAX) };
            found.into_iter().map(identifier)
        });
        let usable = values.filter(|found| !found.value.is_empty());
        let mut identifiers: Vec<Identifier> = Vec::new();
        for identifier in usable {
            if identifiers.len() < IDENTIFIERS_MAX && !identifiers.contains(&identifier) {
                identifiers.push(identifier);
            }
        }
        identifiers
    }

    /// The ordering key.
    pub fn ordering(&self, data: &Data<'_>) -> Option<String> {
        non_empty(data.text(self.ordering.as_ref()?)?)
    }

    /// Whether events of this contract have an ordering key at all.
    pub const fn has_ordering(&self) -> bool {
        self.ordering.is_some()
    }

    /// The business transaction.
    pub fn correlation(&self, data: &Data<'_>) -> Option<String> {
        non_empty(data.text(self.correlation.as_ref()?)?)
    }

    /// When it happened: a text with date, time and offset. Nothing where the text is in another form.
    pub fn time(&self, data: &Data<'_>) -> Option<Timestamp> {
        timestamp(&data.text(self.time.as_ref()?)?).map(|at| Timestamp::from_micros(at.as_microsecond()))
    }

    /// The place of a part of the schema in the project's file, by a pointer into the schema.
    pub(crate) fn place(&self, pointer: &str) -> Place {
        spanned::place(&self.path, self.tree.at_pointer(pointer))
    }

    /// A path that this contract does not have: what it has instead, and where.
    pub(crate) fn lacking(&self, code: Code, place: Place, path: &Path, lacking: &Lacking) -> Diagnostic {
        let (before, step) = path.segments().split_at(lacking.step.min(path.segments().len()));
        let (before, whole) =
            (Path::new(before.to_vec()), Path::new(path.segments().get(..=lacking.step).unwrap_or_default().to_vec()));
        let contract = &self.reference;
        match (&lacking.why, step.first()) {
            (Why::Members(names), Some(Segment::Field(name))) => {
                let near = near::nearest(name, names.iter().map(String::as_str));
                let pointer = near.map_or_else(
                    || lacking.pointer.clone(),
                    |near| format!("{}/properties/{}", lacking.pointer, near.replace('~', "~0").replace('/', "~1")),
                );
                let seen = near
                    .map_or_else(|| "its members are declared here".to_owned(), |near| format!("`{near}` is declared here"));
                Diagnostic::error(code, place, format!("{contract} has no `{whole}`"))
                    .help(near::suggestion(name, names.iter().map(String::as_str)))
                    .related(self.place(&pointer), seen)
            }
            (Why::Types(types), Some(Segment::Field(_))) => {
                let message = format!("`{before}` is {} in {contract}, so it has no `{whole}`", types.join(" or "));
                let help = format!("read `{before}` itself, or declare it as an object in a new version of the contract");
                Diagnostic::error(code, place, message).help(help).related(self.place(&lacking.pointer), "declared here")
            }
            (Why::Types(types), _) => {
                let message = format!("`{before}` is {} in {contract}, not a list", types.join(" or "));
                let help = format!("read `{before}` itself, or declare it as a list in a new version of the contract");
                Diagnostic::error(code, place, message).help(help).related(self.place(&lacking.pointer), "declared here")
            }
            (Why::Items | Why::Members(_), _) => {
                let message = format!("{contract} has no `{whole}`: the list is shorter");
                Diagnostic::error(code, place, message).related(self.place(&lacking.pointer), "declared here")
            }
        }
    }

    /// The schema, to walk in.
    pub(crate) fn schema(&self) -> Schema<'_> {
        Schema::root(&self.schema)
    }

    /// The type of what a path leads to, for the compiler of expressions: never narrower than what the schema allows.
    pub(crate) fn type_at(&self, path: &Path) -> Kind {
        kinds::kind_at(&[self.schema()], path.segments())
    }

    fn validator(&self) -> Result<&Ready, &String> {
        self.validator.get_or_init(|| validator::compile(&self.schema).map_err(|error| error.to_string())).as_ref()
    }
}

/// The type of what a path leads to from parts of a schema that all hold.
pub(crate) fn type_from(schemas: &[Schema<'_>], path: &Path) -> Kind {
    kinds::kind_at(schemas, path.segments())
}

/// Paths of an expression that none of the contracts has; nothing where there are no contracts to ask.
pub(crate) fn unknown_paths(expression: &Expression, contracts: &[&Contract]) -> Vec<Diagnostic> {
    let unknown = |query: &Query| {
        let mut lacking = Vec::new();
        for contract in contracts {
            match contract.schema().follow(&query.path) {
                Found::Lacking(found) => lacking.push((contract, found)),
                Found::Declared(_) | Found::Open => return None,
            }
        }
        let (contract, found) = lacking.first()?;
        Some(contract.lacking(codes::UNKNOWN_PATH, expression.source().place_of(&query.span), &query.path, found))
    };
    expression.queries().iter().filter(|query| query.root == Root::Here).filter_map(unknown).collect()
}

fn bad_path(text: &Spanned<String>, bad: BadPath, file: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_PATH, text.place(file), format!("`{}` is not a path: {bad}", text.value))
        .help("a path looks like .customer.address[0].\"postal-code\"")
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
mod cost_tests;
