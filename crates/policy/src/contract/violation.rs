//! What a message breaks, said by pointer, expectation and what was seen.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use model::diagnostic::Place;
use model::limit::REASONS_MAX;
use model::{Code, Diagnostic};
use serde_json::Value;

use super::counting::mistake_in;
use super::effort::{Effort, Spent};
use super::validator::Ready;
use crate::codes;
use crate::expression::short;

/// All rules of the schema that the data breaks, up to the limit of reasons. Where naming all takes too much, the first is named.
pub(super) fn violations(ready: &Ready, schema: &Value, data: &Value, effort: &mut Effort) -> Vec<Diagnostic> {
    match ready.is_valid(data, effort) {
        Ok(true) => return Vec::new(),
        Ok(false) => {}
        Err(Spent) => return vec![too_costly(UNDECIDED)],
    }
    let broken_somewhere = || vec![too_costly(BROKEN_SOMEWHERE)];
    let Some(validator) = ready.searched(schema) else { return broken_somewhere() };
    let all = || validator.iter_errors(data).flat_map(|error| diagnostics(&error)).take(REASONS_MAX).collect();
    let first = || validator.validate(data).err().iter().flat_map(diagnostics).collect();
    let mistake = mistake_in(data);
    effort.search(mistake, all).or_else(|Spent| effort.search(mistake, first)).unwrap_or_else(|Spent| broken_somewhere())
}

const BROKEN_SOMEWHERE: &str = "the data breaks the schema, and finding out where takes more steps than a validation may";
const UNDECIDED: &str = "whether the data breaks the schema takes more steps to find out than a validation may";

fn too_costly(message: &str) -> Diagnostic {
    Diagnostic::error(codes::TOO_COSTLY, Place::Whole, message).help(
        "declare members that contain the same type once beside the alternatives, in a new version of the contract; what was \
         kept can be resubmitted then",
    )
}

/// One diagnostic for each member or value that is wrong.
pub(super) fn diagnostics(error: &ValidationError<'_>) -> Vec<Diagnostic> {
    let at = error.instance_path().as_str();
    let one = |code: Code, message: String| Diagnostic::error(code, Place::Pointer(at.to_owned()), message);
    let member = |name: &str| Place::Pointer(format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")));
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![Diagnostic::error(codes::FIELD_MISSING, member(name), format!("`{name}` is missing"))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let extra = |name: &String| {
                Diagnostic::error(codes::EXTRA_FIELD, member(name), format!("`{}` is not allowed here", short(name)))
            };
            unexpected.iter().take(REASONS_MAX).map(extra).collect()
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            no_alternative(error, context)
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            let message = format!("the name of a member is not allowed: {}", expectation(inner).1);
            vec![one(codes::EXTRA_FIELD, message)]
        }
        _ => {
            let (code, expected) = expectation(error);
            let public = format!("expected {expected}, seen {}", shape(error.instance()));
            vec![one(code, format!("expected {expected}, seen {}", seen(error))).without_values(public)]
        }
    }
}

/// What was expected, with the code of its family.
fn expectation(error: &ValidationError<'_>) -> (Code, String) {
    use ValidationErrorKind as Kind;

    match error.kind() {
        Kind::Type { kind } => (codes::WRONG_TYPE, types(kind)),
        Kind::Constant { expected_value } => (codes::NOT_ALLOWED, written(expected_value)),
        Kind::Enum { options } => (codes::NOT_ALLOWED, format!("one of {}", listed(options))),
        Kind::FalseSchema => (codes::NOT_ALLOWED, "nothing at all".to_owned()),
        Kind::Minimum { limit } => (codes::OUT_OF_BOUNDS, format!("at least {limit}")),
        Kind::ExclusiveMinimum { limit } => (codes::OUT_OF_BOUNDS, format!("more than {limit}")),
        Kind::Maximum { limit } => (codes::OUT_OF_BOUNDS, format!("at most {limit}")),
        Kind::ExclusiveMaximum { limit } => (codes::OUT_OF_BOUNDS, format!("less than {limit}")),
        Kind::MultipleOf { multiple_of } => (codes::OUT_OF_BOUNDS, format!("a multiple of {multiple_of}")),
        Kind::MinLength { limit } => (codes::OUT_OF_BOUNDS, format!("at least {}", counted(*limit, "character"))),
        Kind::MaxLength { limit } => (codes::OUT_OF_BOUNDS, format!("at most {}", counted(*limit, "character"))),
        Kind::MinItems { limit } => (codes::OUT_OF_BOUNDS, format!("at least {}", counted(*limit, "item"))),
        Kind::MaxItems { limit } => (codes::OUT_OF_BOUNDS, format!("at most {}", counted(*limit, "item"))),
        Kind::AdditionalItems { limit } => (codes::OUT_OF_BOUNDS, format!("at most {}", counted(*limit, "item"))),
        Kind::MinProperties { limit } => (codes::OUT_OF_BOUNDS, format!("at least {}", counted(*limit, "member"))),
        Kind::MaxProperties { limit } => (codes::OUT_OF_BOUNDS, format!("at most {}", counted(*limit, "member"))),
        Kind::UniqueItems => (codes::OUT_OF_BOUNDS, "items that all differ".to_owned()),
        Kind::Contains => (codes::OUT_OF_BOUNDS, "an item that fits `contains`".to_owned()),
        Kind::UnevaluatedItems { .. } => (codes::OUT_OF_BOUNDS, "no further items".to_owned()),
        Kind::Pattern { pattern } => (codes::WRONG_FORM, format!("a text that fits `{}`", short(pattern))),
        Kind::Format { format } => (codes::WRONG_FORM, format!("a text of the form `{format}`")),
        Kind::ContentEncoding { content_encoding } => (codes::WRONG_FORM, format!("a text in {content_encoding}")),
        Kind::ContentMediaType { content_media_type } => {
            (codes::WRONG_FORM, format!("a text of the type {content_media_type}"))
        }
        Kind::FromUtf8 { .. } => (codes::WRONG_FORM, "text inside of the encoding".to_owned()),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            (codes::WRONG_FORM, "a text that its pattern can decide on".to_owned())
        }
        Kind::OneOfMultipleValid { .. } => {
            (codes::NO_ALTERNATIVE, "exactly one of the alternatives to fit, not several".to_owned())
        }
        Kind::Not { .. } => (codes::NO_ALTERNATIVE, "something that the schema does not exclude".to_owned()),
        Kind::Required { .. }
        | Kind::AdditionalProperties { .. }
        | Kind::UnevaluatedProperties { .. }
        | Kind::AnyOf { .. }
        | Kind::OneOfNotValid { .. }
        | Kind::PropertyNames { .. }
        | Kind::Custom { .. }
        | Kind::Referencing(_) => (codes::RULE_BROKEN, format!("what `{}` says", error.kind().keyword())),
    }
}

/// Says what is wrong with the alternative that comes nearest: the one with the fewest mistakes.
fn no_alternative(error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) -> Vec<Diagnostic> {
    let place = Place::Pointer(error.instance_path().as_str().to_owned());
    let message = format!("none of the {} alternatives fits, seen {}", context.len(), seen(error));
    let public = format!("none of the {} alternatives fits, seen {}", context.len(), shape(error.instance()));
    let mut diagnostic = Diagnostic::error(codes::NO_ALTERNATIVE, place, message).without_values(public);
    let nearest = context.iter().filter(|errors| !errors.is_empty()).min_by_key(|errors| errors.len());
    for inner in nearest.into_iter().flatten().flat_map(diagnostics).take(5) {
        diagnostic = diagnostic.related_value(inner.place, inner.message, inner.without_values);
    }
    vec![diagnostic]
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            let names: Vec<_> = several.iter().map(|one| one.to_string()).collect();
            names.join(" or ")
        }
    }
}

fn listed(options: &Value) -> String {
    const OPTIONS_MAX: usize = 12;
    let Value::Array(options) = options else { return written(options) };
    let mut names: Vec<_> = options.iter().take(OPTIONS_MAX).map(written).collect();
    if options.len() > OPTIONS_MAX {
        names.push("…".to_owned());
    }
    names.join(", ")
}

fn written(value: &Value) -> String {
    short(&value.to_string())
}

/// `1 item`, `2 items`.
fn counted(number: impl std::fmt::Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// What stands there, for those who may not read it.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("a string of {}", counted(text.chars().count(), "character")),
        Value::Array(items) => format!("a list of {}", counted(items.len(), "item")),
        Value::Object(members) => format!("an object of {}", counted(members.len(), "member")),
    }
}

/// What stands there, in a few words.
fn seen(error: &ValidationError<'_>) -> String {
    match error.instance().as_ref() {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => format!("boolean {truth}"),
        Value::Number(number) => format!("number {number}"),
        Value::String(text) => {
            let length = text.chars().count();
            let text = Value::from(short(text)).to_string();
            match error.kind() {
                ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MaxLength { .. } => {
                    format!("{length}: {text}")
                }
                _ => format!("string {text}"),
            }
        }
        Value::Array(items) => format!("a list of {}", counted(items.len(), "item")),
        Value::Object(members) => format!("an object of {}", counted(members.len(), "member")),
    }
}
