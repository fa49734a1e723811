//! What the compiler of the language says, in our words: our codes, places in the project's file, help that fits here.

use std::ops::Range;

use model::{Code, Diagnostic, Severity};
use vrl::diagnostic::{DiagnosticList, DiagnosticMessage, Label, Note};

use super::functions::{names, short};
use super::program::Failing;
use super::source::Source;
use super::syntax::Problem;
use crate::{codes, near};

/// What the compiler may report and we do not: `!` behind a function that cannot fail. It is caution; a contract may change.
const ABORT_INFALLIBLE: usize = 620;

/// Everything that a run of the compiler has reported.
pub(super) fn report(source: &Source, failing: Failing, list: &DiagnosticList) -> Vec<Diagnostic> {
    let told = list.iter().filter(|found| found.code != ABORT_INFALLIBLE);
    told.map(|found| translate(source, failing, found)).collect()
}

/// A text that is no expression at all.
pub(super) fn report_syntax(source: &Source, error: &vrl::parser::Error) -> Diagnostic {
    let found = vrl::diagnostic::Diagnostic {
        severity: vrl::diagnostic::Severity::Error,
        code: error.code(),
        message: error.message(),
        labels: error.labels(),
        notes: error.notes(),
    };
    translate(source, Failing::Refuses, &found)
}

/// What we have found ourselves.
pub(super) fn report_problem(source: &Source, problem: Problem) -> Diagnostic {
    Diagnostic::error(problem.code, source.place_of(&problem.span), problem.message).help(problem.help)
}

/// A `??` behind something that cannot fail.
pub(super) fn report_needless(source: &Source, operator: Range<usize>) -> Diagnostic {
    let message = "what stands before `??` cannot fail, so what stands behind it is never used";
    Diagnostic::warning(codes::NEEDLESS, source.place_of(&operator), message)
        .help("take `??` away with what stands behind it, unless it is caution")
}

fn translate(source: &Source, failing: Failing, found: &vrl::diagnostic::Diagnostic) -> Diagnostic {
    let primary = found.labels.iter().find(|label| label.primary).or_else(|| found.labels.first());
    let whole = 0..source.text().len();
    let span = primary.map(|label| label.span.start()..label.span.end()).filter(|span| !span.is_empty()).unwrap_or(whole);
    let (inner, _) = inner_error(found);
    let code = our_code(inner.unwrap_or(found.code), primary);
    let written = source.text().get(span.clone()).unwrap_or_default();
    let mut diagnostic = Diagnostic::error(code, source.place_of(&span), message(code, found, written));
    diagnostic.label = label(code, primary, written);
    diagnostic.help = help(code, failing, found, written);
    if !matches!(found.severity, vrl::diagnostic::Severity::Error | vrl::diagnostic::Severity::Bug) {
        diagnostic.severity = Severity::Warning;
    }
    diagnostic
}

fn our_code(code: usize, primary: Option<&Label>) -> Code {
    match code {
        100 | 103 | 630 | 631 => codes::CAN_FAIL,
        // The same finding for what cannot fit and for what may not fit; only the label tells.
        110 if primary.is_some_and(|label| !label.message.contains("the exact type")) => codes::CAN_FAIL,
        101 | 106..=114 | 120..=122 | 400..=499 | 610 => codes::BAD_ARGUMENT,
        105 => codes::UNKNOWN_FUNCTION,
        315 => codes::EXPRESSION_WRITES,
        102 | 300..=399 | 652 | 660 => codes::TYPES_DIFFER,
        104 | 640 | 801 | 900 => codes::NEEDLESS,
        701 => codes::UNKNOWN_VARIABLE,
        // The grammar (200 to 299), literals and targets that cannot be; and what the compiler finds no number for.
        _ => codes::EXPRESSION_SYNTAX,
    }
}

fn message(code: Code, found: &vrl::diagnostic::Diagnostic, written: &str) -> String {
    let shown = short(written);
    match (code, found.code) {
        (codes::UNKNOWN_FUNCTION, _) => format!("there is no function `{written}`"),
        (codes::UNKNOWN_VARIABLE, _) => format!("there is no variable `{written}`"),
        (codes::CAN_FAIL, 110) => format!("`{shown}` may be something else than the function takes"),
        (codes::CAN_FAIL, _) => format!("`{shown}` can fail, and nothing says what happens then"),
        (codes::BAD_ARGUMENT, 110) => format!("`{shown}` is not what the function takes"),
        (codes::EXPRESSION_WRITES, _) => "an expression only reads the event; it cannot change it".to_owned(),
        (codes::EXPRESSION_SYNTAX, 203 | 204) => "the expression cannot be read here".to_owned(),
        (codes::EXPRESSION_SYNTAX, _) => format!("the expression cannot be read: {}", found.message),
        (codes::TYPES_DIFFER, 102) => "what an `if` asks is not true or false".to_owned(),
        (codes::TYPES_DIFFER, 660) => "what stands behind `!` is not true or false".to_owned(),
        (codes::NEEDLESS, 900) => match found.message.strip_prefix("unused variable ") {
            Some(name) => format!("the variable {name} is never read"),
            None => "nothing takes this value".to_owned(),
        },
        _ => inner_error(found).1.to_owned(),
    }
}

/// What a function complains about while it is compiled: `function compilation error: error[E403] what is wrong`.
fn inner_error(found: &vrl::diagnostic::Diagnostic) -> (Option<usize>, &str) {
    let inner = found.message.strip_prefix("function compilation error: error[E").and_then(|rest| rest.split_once("] "));
    let inner = inner.and_then(|(code, message)| Some((code.parse::<usize>().ok().filter(|code| *code > 0)?, message)));
    inner.map_or_else(
        || (None, found.message.rsplit("error[E0] ").next().unwrap_or_default()),
        |(code, message)| (Some(code), message),
    )
}

fn label(code: Code, primary: Option<&Label>, written: &str) -> String {
    let said = primary.map_or("", |label| label.message.as_str());
    match code {
        codes::CAN_FAIL | codes::BAD_ARGUMENT if said.starts_with(RESOLVES_TO) => this_is(said),
        codes::CAN_FAIL
        | codes::UNKNOWN_FUNCTION
        | codes::UNKNOWN_VARIABLE
        | codes::EXPRESSION_WRITES
        | codes::TYPES_DIFFER
        | codes::NEEDLESS => String::new(),
        codes::EXPRESSION_SYNTAX if said.starts_with("unexpected syntax token") => {
            format!("unexpected `{}`", short(written))
        }
        codes::EXPRESSION_SYNTAX if said.starts_with("unexpected end") => "something is missing at its end".to_owned(),
        _ => said.to_owned(),
    }
}

/// What the compiler says before the type of an argument.
const RESOLVES_TO: &str = "this expression resolves to ";

fn this_is(said: &str) -> String {
    format!("this is {}", in_words(said.trim_start_matches(RESOLVES_TO)))
}

/// The compiler's list of types, `the exact type integer` or `one of string, integer or null`, as people call them.
fn in_words(types: &str) -> String {
    let types = types.trim_start_matches("the exact type ").trim_start_matches("one of ");
    let mut words = Vec::new();
    for kind in types.split([',', ' ']).filter(|kind| !kind.is_empty() && *kind != "or") {
        let word = match kind {
            "any" => "anything",
            "string" | "bytes" => "a text",
            "integer" => "a whole number",
            "float" => "a number with a point",
            "boolean" => "true or false",
            "timestamp" => "an instant",
            "regex" => "a pattern",
            "array" => "a list",
            "object" => "an object",
            other => other,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" or ")
}

fn help(code: Code, failing: Failing, found: &vrl::diagnostic::Diagnostic, written: &str) -> String {
    let mut parts = Vec::new();
    match code {
        codes::UNKNOWN_FUNCTION => {
            parts.extend(near::nearest(written, names()).map(|name| format!("did you mean `{name}`?")));
        }
        codes::CAN_FAIL => parts.extend([context(found), or_else(failing).to_owned()]),
        codes::UNKNOWN_VARIABLE => {
            parts.push(format!("a field of the event begins with a point: `.{written}`; a text stands in quotes"));
        }
        codes::EXPRESSION_SYNTAX if written == "'" => parts.push("a text stands in double quotes".to_owned()),
        codes::EXPRESSION_WRITES if written.ends_with(')') => parts.push("read the field itself".to_owned()),
        codes::EXPRESSION_WRITES => {
            parts.push("`==` compares; what is to be kept has a name without a point, as in `total = 3`".to_owned());
        }
        codes::TYPES_DIFFER if matches!(found.code, 102 | 660) => {
            return "compare it, as in `.paid == true` or `.paid != true`".to_owned();
        }
        codes::NEEDLESS => return "use it, or remove it".to_owned(),
        _ => parts.push(context(found)),
    }
    parts.extend(found.notes.iter().filter_map(|note| match note {
        Note::Hint(hint) => Some(hint.clone()),
        Note::CoerceValue => Some("to_string, to_int, to_float and to_bool convert".to_owned()),
        _ => None,
    }));
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// What can be done about something that can fail.
const fn or_else(failing: Failing) -> &'static str {
    match failing {
        Failing::Refuses => "`name!(…)` refuses the message when it fails, `(…) ?? other` goes on with another value",
        Failing::Never => "`(…) ?? other` goes on with another value when it fails",
    }
}

/// The remarks beside the first, without those that say nothing here.
fn context(found: &vrl::diagnostic::Diagnostic) -> String {
    const SAID_BYTES_MAX: usize = 120;
    let remarks = found.labels.iter().filter(|label| !label.primary && !label.message.is_empty());
    let remarks = remarks.map(|label| parameter(&label.message).unwrap_or_else(|| label.message.clone()));
    // The list of all tokens that could have stood somewhere helps nobody.
    let said: Vec<_> =
        remarks.filter(|said| !said.starts_with("handle the error") && said.len() <= SAID_BYTES_MAX).collect();
    said.join("; ")
}

/// `but the parameter "value" expects the exact type string`, in our words.
fn parameter(said: &str) -> Option<String> {
    let (name, types) = said.strip_prefix("but the parameter \"")?.split_once("\" expects ")?;
    Some(format!("its `{name}` has to be {}", in_words(types)))
}
