//! Failures of calls to an Odoo as diagnostics: the code, the words and the repair. Pure.

use adapters::odoo::{Failure, No};
use model::diagnostic::Place;
use model::outcome::TransportError;
use model::{Code, Diagnostic};
use policy::codes;

/// What is said where waiting mends it.
const WAIT: &str = "wait a minute and ask again: nothing is lost meanwhile, the first sweep after finds what changed";

/// Why a call failed, of the system of this name.
pub fn diagnostic(failure: &Failure, name: &str) -> Diagnostic {
    let told = failure.unread();
    let (why, said) = match failure {
        // What Odoo says stands by itself: it may have several lines.
        Failure::Said { refusal, name: exception, message } => {
            (No::of(*refusal).sentence().to_owned(), spoken(exception, message))
        }
        Failure::Foreign { status: status @ 502..=504, .. } => {
            (format!("Odoo does not answer whoever stands before it (HTTP {status}); it may be restarting"), String::new())
        }
        Failure::Unreached(_) | Failure::Foreign { .. } | Failure::TooLarge | Failure::Version(_) => {
            (told.why, String::new())
        }
        Failure::Unusable(why) => (why.trim_end_matches('.').to_owned(), String::new()),
    };
    let code = code(failure);
    let help = if told.help.is_empty() || code == codes::ODOO_BUSY { WAIT } else { told.help };
    Diagnostic::error(code, Place::Whole, format!("{name}: {why}")).label(said).help(help)
}

/// Which code it is.
fn code(failure: &Failure) -> Code {
    match failure {
        Failure::Said { refusal, .. } => of_no(No::of(*refusal)),
        Failure::Unreached(error) => of_transport(*error),
        Failure::Foreign { status: 502..=504, .. } => codes::ODOO_BUSY,
        Failure::Foreign { .. } | Failure::TooLarge => codes::NOT_ODOO,
        Failure::Unusable(_) => codes::ODOO_KEY,
        Failure::Version(_) => codes::ODOO_TOO_OLD,
    }
}

const fn of_no(no: No) -> Code {
    match no {
        No::Key => codes::ODOO_KEY,
        No::Database => codes::ODOO_DATABASE,
        No::Access => codes::ODOO_ACCESS,
        No::Model => codes::ODOO_MODEL,
        No::Field => codes::ODOO_FIELD,
        No::Conflict | No::Unavailable => codes::ODOO_BUSY,
        No::Refused => codes::ODOO_REFUSES,
    }
}

const fn of_transport(error: TransportError) -> Code {
    match error {
        TransportError::Resolve => codes::ODOO_NAME,
        TransportError::ForbiddenAddress => codes::ODOO_PRIVATE,
        TransportError::Connect => codes::ODOO_UNREACHED,
        TransportError::Tls => codes::ODOO_TLS,
        TransportError::Redirected => codes::ODOO_REDIRECTS,
        TransportError::Timeout | TransportError::Closed => codes::ODOO_BUSY,
        TransportError::Protocol => codes::NOT_ODOO,
    }
}

fn spoken(exception: &str, message: &str) -> String {
    match (exception, sentence(message)) {
        (_, message) if message.is_empty() => String::new(),
        ("", message) => message,
        (exception, message) => format!("{message} ({exception})"),
    }
}

/// What Odoo says, in one line.
pub fn sentence(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use model::outcome::Refusal;

    use super::*;

    #[test]
    fn each_kind_of_failure_has_a_code_of_its_own_and_a_help() {
        let said = |refusal, message: &str| Failure::Said { refusal, name: "n".to_owned(), message: message.to_owned() };
        for (failure, expected) in [
            (said(Refusal::KeyRefused, ""), codes::ODOO_KEY),
            (said(Refusal::Database, ""), codes::ODOO_DATABASE),
            (said(Refusal::Access, "no"), codes::ODOO_ACCESS),
            (said(Refusal::Rule, "no"), codes::ODOO_REFUSES),
            (said(Refusal::Unavailable, ""), codes::ODOO_BUSY),
            (Failure::Unreached(TransportError::Resolve), codes::ODOO_NAME),
            (Failure::Unreached(TransportError::Tls), codes::ODOO_TLS),
            (Failure::Unreached(TransportError::Redirected), codes::ODOO_REDIRECTS),
            (Failure::Foreign { status: 503, looks: "a proxy" }, codes::ODOO_BUSY),
            (Failure::Foreign { status: 200, looks: "a page" }, codes::NOT_ODOO),
            (Failure::Version("16.0".to_owned()), codes::ODOO_TOO_OLD),
        ] {
            let found = diagnostic(&failure, "erp");
            assert_eq!(found.code, expected, "{failure:?}");
            assert!(found.message.starts_with("erp: ") && !found.help.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn what_odoo_says_becomes_one_line() {
        let said = "You are not allowed.\n\nThis operation is allowed for the following groups:\n\t- Sales/User\n";
        assert_eq!(sentence(said), "You are not allowed. This operation is allowed for the following groups: - Sales/User");
    }
}
