//! JSON-2, spoken from 19 on: one object of named arguments in, the bare value out. Pure.
//!
//! The status says little: a 500 is as often a mistake of the caller as a fault. What counts is the name in the body.

use model::outcome::Refusal;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::failure::Failure;
use super::rpc::foreign;

/// Where the version is told to anybody.
pub(super) const VERSION_PATH: &str = "/web/version";

/// Where a call goes.
pub(super) fn path(call: &Call) -> String {
    format!("/json/2/{}/{}", call.model, call.method)
}

/// The body of a call.
pub(super) fn body(call: &Call) -> Value {
    let mut body = Map::new();
    if let Some(ids) = &call.ids {
        body.insert("ids".to_owned(), json!(ids));
    }
    if !call.context.is_empty() {
        body.insert("context".to_owned(), Value::Object(call.context.clone()));
    }
    body.extend(call.first.iter().chain(&call.named).map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(body)
}

/// What an answer says. Requests name their database; where it is not there, the answer is a page with 404.
pub(super) fn answer(status: u16, body: &[u8]) -> Result<Value, Failure> {
    let parsed = serde_json::from_slice::<Value>(body);
    match (status, parsed) {
        (200, Ok(value)) => Ok(value),
        (_, Ok(data)) => Err(Failure::said(&data).unwrap_or_else(|| foreign(status))),
        (401, Err(_)) => Err(said(Refusal::KeyRefused)),
        (404, Err(_)) => Err(said(Refusal::Database)),
        (_, Err(_)) => Err(foreign(status)),
    }
}

/// An error that came as a page.
fn said(refusal: Refusal) -> Failure {
    Failure::Said { refusal, name: String::new(), message: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_has_its_name() {
        let create = Call::of_model("res.partner", "create").first("vals_list", json!([{ "name": "ACME" }]));
        assert_eq!(
            (path(&create), body(&create)),
            ("/json/2/res.partner/create".to_owned(), json!({ "vals_list": [{ "name": "ACME" }] }))
        );
        let validate = Call::of_records("stock.picking", "button_validate", vec![3]).context("skip_backorder", true);
        assert_eq!(body(&validate), json!({ "ids": [3], "context": { "skip_backorder": true } }));
    }

    #[test]
    fn the_name_in_the_body_counts_and_not_the_status() {
        let data =
            |name: &str| json!({ "name": name, "message": "m", "arguments": ["m"], "context": {}, "debug": "Traceback" });
        for (status, name, expected) in [
            (401, "werkzeug.exceptions.Unauthorized", Refusal::KeyRefused),
            (403, "odoo.exceptions.AccessError", Refusal::Access),
            (404, "odoo.exceptions.MissingError", Refusal::Missing),
            (404, "werkzeug.exceptions.NotFound", Refusal::NotFound),
            (422, "odoo.exceptions.ValidationError", Refusal::Validation),
            (422, "odoo.exceptions.UserError", Refusal::Rule),
            (500, "builtins.ValueError", Refusal::Mistake),
            (500, "psycopg2.errors.SerializationFailure", Refusal::Concurrency),
        ] {
            let Err(Failure::Said { refusal, .. }) = answer(status, data(name).to_string().as_bytes()) else {
                panic!("{name}")
            };
            assert_eq!(refusal, expected, "{name}");
        }
        assert_eq!(answer(404, b"<html>"), Err(said(Refusal::Database)));
        assert_eq!(answer(200, b"null"), Ok(Value::Null));
        assert_eq!(answer(200, b"<html>"), Err(foreign(200)));
        assert_eq!(answer(503, b"<html>"), Err(foreign(503)));
    }
}
