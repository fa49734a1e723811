//! What the compiler of the language says, in our words: our codes, places in the project's file, help that fits here.

use std::ops::Range;

use model::{Code, Diagnostic, Severity};
use vrl::diagnostic::{DiagnosticList, DiagnosticMessage, Label, Note};

use super::functions::{names, short};
use super::source::Source;
use super::syntax::Problem;
use crate::{codes, near};

/// What the compiler may report and we do not: `!` behind a function that cannot fail. It is caution; a contract may change.
const ABORT_INFALLIBLE: usize = 620;

/// Everything that a run of the compiler has reported.
pub(super) fn report(source: &Source, list: &DiagnosticList) -> Vec<Diagnostic> {
    let told = list.iter().filter(|found| found.code != ABORT_INFALLIBLE);
    told.map(|found| translate(source, found)).collect()
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
    translate(source, &found)
}

/// What we have found ourselves.
pub(super) fn report_problem(source: &Source, problem: Problem) -> Diagnostic {
    Diagnostic::error(problem.code, source.place_of(&problem.span), problem.message).help(problem.help)
}

/// A `??` behind something that cannot fail.
pub(super) fn report_needless(source: &Source, operator: Range<usize>) -> Diagnostic {
    let message = "what stands before `??` cannot fail, so what stands behind it is never used";
    Diagnostic::warning(codes::NEEDLESS, source.place_of(&operator), message)
}

fn translate(source: &Source, found: &vrl::diagnostic::Diagnostic) -> Diagnostic {
    let primary = found.labels.iter().find(|label| label.primary).or_else(|| found.labels.first());
    let whole = 0..source.text().len();
    let span = primary.map(|label| label.span.start()..label.span.end()).filter(|span| !span.is_empty()).unwrap_or(whole);
    let (inner, _) = inner_error(found);
    let code = our_code(inner.unwrap_or(found.code), primary);
    let written = source.text().get(span.clone()).unwrap_or_default();
    let mut diagnostic = Diagnostic::error(code, source.place_of(&span), message(code, found, written));
    diagnostic.label = label(code, primary, written);
    diagnostic.help = help(code, found, written);
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
        200..=299 | 601 | 602 | 632 | 641 | 642 | 650 => codes::EXPRESSION_SYNTAX,
        315 => codes::EXPRESSION_WRITES,
        102 | 300..=399 | 652 | 660 => codes::TYPES_DIFFER,
        104 | 640 | 801 | 900 => codes::NEEDLESS,
        701 => codes::UNKNOWN_VARIABLE,
        _ => codes::EXPRESSION_WRONG,
    }
}

fn message(code: Code, found: &vrl::diagnostic::Diagnostic, written: &str) -> String {
    match code {
        codes::UNKNOWN_FUNCTION => format!("there is no function `{written}`"),
        codes::UNKNOWN_VARIABLE => format!("there is no variable `{written}`"),
        codes::CAN_FAIL => {
            format!("`{}` can fail, and nothing says what happens then", short(written))
        }
        codes::EXPRESSION_WRITES => "an expression only reads the event; it cannot change it".to_owned(),
        codes::EXPRESSION_SYNTAX => format!("the expression cannot be read: {}", found.message),
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
        codes::CAN_FAIL | codes::UNKNOWN_FUNCTION | codes::UNKNOWN_VARIABLE | codes::EXPRESSION_WRITES => String::new(),
        codes::EXPRESSION_SYNTAX if said.starts_with("unexpected syntax token") => {
            format!("unexpected `{}`", short(written))
        }
        _ => said.to_owned(),
    }
}

/// What the compiler says before the type of an argument.
const RESOLVES_TO: &str = "this expression resolves to ";

fn this_is(said: &str) -> String {
    let kind = said.trim_start_matches(RESOLVES_TO).trim_start_matches("the exact type ").trim_start_matches("one of ");
    format!("this is {}", if kind == "any" { "anything" } else { kind })
}

fn help(code: Code, found: &vrl::diagnostic::Diagnostic, written: &str) -> String {
    let mut parts = Vec::new();
    match code {
        codes::UNKNOWN_FUNCTION => {
            parts.extend(near::nearest(written, names()).map(|name| format!("did you mean `{name}`?")));
        }
        codes::CAN_FAIL => {
            parts.push(context(found));
            parts.push("`name!(…)` refuses the message when it fails, `(…) ?? other` goes on with another value".to_owned());
        }
        codes::UNKNOWN_VARIABLE => {
            parts.push(format!("a field of the event begins with a point: `.{written}`; a text stands in quotes"));
        }
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

/// The remarks beside the first, without those that say nothing here.
fn context(found: &vrl::diagnostic::Diagnostic) -> String {
    const SAID_BYTES_MAX: usize = 120;
    let remarks = found.labels.iter().filter(|label| !label.primary && !label.message.is_empty());
    let remarks =
        remarks.map(|label| label.message.replace("but the parameter", "the parameter").replace("the exact type ", ""));
    // The list of all tokens that could have stood somewhere helps nobody.
    let said: Vec<_> =
        remarks.filter(|said| !said.starts_with("handle the error") && said.len() <= SAID_BYTES_MAX).collect();
    said.join("; ")
}
