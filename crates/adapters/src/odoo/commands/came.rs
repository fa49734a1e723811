//! What a command came to, as an outcome and as the answer that people see. Pure. A server's traceback is in none of it.

use bytes::Bytes;
use engine::ports::Sent;
use model::limit::RESPONSE_BYTES_KEPT;
use model::outcome::{Again, Lack, Outcome, Refusal};
use serde_json::{Value, json};

use super::seen::Refused;
use crate::odoo::failure::Failure;

/// What should be true is.
pub(super) fn done(state: &Value) -> Sent {
    sent(Outcome::Accepted { status: 200 }, state)
}

/// Nothing can be done.
pub(super) fn refused(refused: &Refused) -> Sent {
    match refused {
        Refused::Ours { refusal, again, why } => {
            let outcome = Outcome::Refused { status: status(*refusal), again: *again, refusal: Some(*refusal) };
            sent(outcome, &json!({ "why": why }))
        }
        Refused::Theirs(failure) => failed(failure),
    }
}

/// A call had no result.
pub(super) fn failed(failure: &Failure) -> Sent {
    match failure {
        Failure::Said { refusal, name, message } => {
            let outcome = Outcome::Refused { status: status(*refusal), again: failure.again(), refusal: Some(*refusal) };
            sent(outcome, &json!({ "name": name, "message": message }))
        }
        Failure::Unreached(error) => Sent { outcome: Outcome::Unreached { error: *error }, ..empty() },
        Failure::Foreign { status, looks } => {
            let refusal = Some(Refusal::Foreign);
            let status = if *status == 200 { 502 } else { *status };
            sent(Outcome::Refused { status, again: Again::Perhaps, refusal }, &json!({ "why": looks }))
        }
        Failure::TooLarge => {
            let outcome = Outcome::Refused { status: 502, again: Again::Never, refusal: Some(Refusal::Foreign) };
            sent(outcome, &json!({ "why": "the answer is larger than one may be" }))
        }
        Failure::Unusable(why) => unsent(why.clone()),
        Failure::Version(version) => unsent(format!("it is Odoo {version}, and 17 is the oldest that is spoken to")),
    }
}

fn unsent(why: String) -> Sent {
    Sent { outcome: Outcome::Unsent { lack: Lack::Message, why }, ..empty() }
}

fn empty() -> Sent {
    Sent { outcome: Outcome::Unknown, response: Bytes::new(), cut: false }
}

fn sent(outcome: Outcome, response: &Value) -> Sent {
    let mut bytes = Bytes::from(response.to_string());
    let cut = bytes.len() > RESPONSE_BYTES_KEPT;
    bytes.truncate(RESPONSE_BYTES_KEPT);
    Sent { outcome, response: bytes, cut }
}

/// A status that says the same on both wires: one of them answers everything with 200, the other a mistake of ours with 500.
const fn status(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::KeyRefused => 401,
        Refusal::Access => 403,
        Refusal::Database | Refusal::Missing | Refusal::NotFound => 404,
        Refusal::Concurrency | Refusal::Reference | Refusal::Unmet => 409,
        Refusal::Mistake | Refusal::Document => 400,
        Refusal::Validation | Refusal::Constraint | Refusal::Rule => 422,
        Refusal::Other => 500,
        Refusal::Foreign => 502,
        Refusal::Unavailable => 503,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_odoo_says_no_with_has_its_cause_and_its_words_and_no_traceback() {
        for (refusal, cause, again) in [
            (Refusal::Validation, "odoo_validation", Again::Never),
            (Refusal::Rule, "odoo_rule", Again::Never),
            (Refusal::Missing, "odoo_missing", Again::Never),
            (Refusal::Mistake, "odoo_mistake", Again::Never),
            (Refusal::Access, "odoo_access", Again::Perhaps),
            (Refusal::Concurrency, "odoo_concurrency", Again::Perhaps),
            (Refusal::Unavailable, "odoo_unavailable", Again::Perhaps),
        ] {
            let sent = failed(&Failure::Said { refusal, name: "n".to_owned(), message: "m".to_owned() });
            assert_eq!(sent.outcome.cause(), cause);
            assert!(matches!(sent.outcome, Outcome::Refused { again: found, .. } if found == again), "{cause}");
            assert_eq!(sent.response, Bytes::from(r#"{"name":"n","message":"m"}"#));
        }
    }
}
