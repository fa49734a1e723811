//! A problem that the product answered, as the failure of a command: its exit code, its sentences, what to do.

use model::Diagnostic;
use model::diagnostic::Place;
use reqwest::StatusCode;
use server::http::problem::Problem;

use crate::exit::{Exit, Failure};

/// LIMIT: broken rules that an error shows; the first ones tell what is wrong.
const REASONS_SHOWN: usize = 10;

/// The failure that an answer without success means.
pub(super) fn problem(status: StatusCode, bytes: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
        return Failure::new(exit_of(status.as_u16(), ""), "answer", format!("the answer was {status}"));
    };
    let hint = match status.as_u16() {
        401 => "set CROSSDOCK_TOKEN to a token that holds; `crossdock up` shows one at its first start",
        409 | 412 => "look at it again, then repeat the command",
        _ => "",
    };
    let message = [problem.detail]
        .into_iter()
        .chain(problem.errors.iter().take(REASONS_SHOWN).map(reason))
        .collect::<Vec<_>>()
        .join("\n  ");
    Failure::new(exit_of(status.as_u16(), &problem.code), &problem.code, message).hint(hint)
}

fn exit_of(status: u16, code: &str) -> Exit {
    match (status, code) {
        (401 | 503, _) => Exit::Unreachable,
        (403 | 412, _) | (422, "refused" | "missing-secrets" | "breaks-contract" | "overtaken") => Exit::Refused,
        (422, "invalid") => Exit::Findings,
        (404, _) => Exit::NotFound,
        (400 | 422, _) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// A broken rule in a line: its code, what is wrong, and where.
pub(crate) fn reason(reason: &Diagnostic) -> String {
    let at = match &reason.place {
        Place::Pointer(pointer) if pointer.is_empty() => " at the top".to_owned(),
        Place::Pointer(pointer) => format!(" at {pointer}"),
        Place::Header(name) => format!(" in the header {name}"),
        Place::File { path, .. } => format!(" in {path}"),
        Place::Whole => String::new(),
    };
    format!("{}: {}{at}", reason.code, reason.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_against_it_is_no_wrong_usage() {
        for code in ["refused", "missing-secrets", "breaks-contract", "overtaken"] {
            assert_eq!(exit_of(422, code), Exit::Refused, "{code}");
        }
        assert_eq!(exit_of(422, "reason"), Exit::Usage);
    }
}
