//! JSON-RPC, spoken up to 18: bodies of requests, and what an answer says. Pure.
//!
//! Every answer has status 200, errors too; one without a result is the answer of a method that gives nothing back. The
//! secret is part of each body, so a body of this wire is never shown.

use model::outcome::TransportError;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;

/// Where it is spoken.
pub(super) const PATH: &str = "/jsonrpc";

/// Who calls, in each body.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) database: &'a str,
    pub(super) user: u64,
    pub(super) key: &'a str,
}

/// The version, asked by anybody.
pub(super) fn version() -> Value {
    request("common", "version", &json!([]))
}

/// The number of the user with this login; `false` where the secret is wrong.
pub(super) fn authenticate(database: &str, login: &str, key: &str) -> Value {
    request("common", "authenticate", &json!([database, login, key, {}]))
}

/// Whether there is a database of this name; refused where lists of databases are switched off.
pub(super) fn database_exists(database: &str) -> Value {
    request("db", "db_exist", &json!([database]))
}

/// A call.
pub(super) fn call(caller: Caller<'_>, call: &Call) -> Value {
    let ids = call.ids.iter().map(|ids| json!(ids));
    let args: Vec<Value> = ids.chain(call.first.iter().map(|(_, value)| value.clone())).collect();
    let mut named: serde_json::Map<String, Value> =
        call.named.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    if !call.context.is_empty() {
        named.insert("context".to_owned(), Value::Object(call.context.clone()));
    }
    let Caller { database, user, key } = caller;
    request("object", "execute_kw", &json!([database, user, key, call.model, call.method, args, named]))
}

fn request(service: &str, method: &str, args: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": { "service": service, "method": method, "args": args } })
}

/// What an answer says.
pub(super) fn answer(status: u16, body: &[u8]) -> Result<Value, Failure> {
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice(body) else {
        return Err(foreign(status));
    };
    if let Some(error) = envelope.get("error") {
        return Err(error.get("data").and_then(Failure::said).unwrap_or_else(|| foreign(status)));
    }
    if status != 200 || !envelope.contains_key("jsonrpc") {
        return Err(foreign(status));
    }
    Ok(envelope.remove("result").unwrap_or(Value::Null))
}

/// What comes of an answer that is none of Odoo's.
pub(super) fn foreign(status: u16) -> Failure {
    match status {
        300..=399 => Failure::Unreached(TransportError::Redirected),
        404 => Failure::Foreign { status, looks: "nothing of Odoo's at this address" },
        502..=504 => Failure::Foreign { status, looks: "a proxy whose Odoo does not answer" },
        _ => Failure::Foreign { status, looks: "not an answer of Odoo's" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::outcome::Refusal;

    #[test]
    fn a_call_puts_what_comes_first_by_place_and_the_rest_by_name() {
        let caller = Caller { database: "prod", user: 2, key: "k" };
        let write = Call::of_records("stock.move", "write", vec![3])
            .first("vals", json!({ "quantity": 3 }))
            .context("lang", "en_US");
        assert_eq!(
            call(caller, &write)["params"]["args"],
            json!(["prod", 2, "k", "stock.move", "write", [[3], { "quantity": 3 }], { "context": { "lang": "en_US" } }])
        );
        let read = Call::of_model("sale.order", "search_read").with("domain", json!([])).with("limit", 80);
        assert_eq!(
            call(caller, &read)["params"]["args"],
            json!(["prod", 2, "k", "sale.order", "search_read", [], { "domain": [], "limit": 80 }])
        );
    }

    #[test]
    fn an_answer_is_a_result_nothing_or_an_error_of_odoo_and_all_else_is_foreign() {
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":200,"message":"Odoo Server Error","data":{"name":"odoo.exceptions.MissingError","debug":"Traceback","message":"gone","arguments":[],"context":{}}}}"#;
        let missing = Failure::Said {
            refusal: Refusal::Missing,
            name: "odoo.exceptions.MissingError".to_owned(),
            message: "gone".to_owned(),
        };
        for (status, body, expected) in [
            (200, r#"{"jsonrpc":"2.0","id":1,"result":[1]}"#, Ok(json!([1]))),
            (200, r#"{"jsonrpc":"2.0","id":5}"#, Ok(Value::Null)),
            (200, error, Err(missing)),
            (200, "<html>hello</html>", Err(foreign(200))),
            (200, r#"{"status":"ok"}"#, Err(foreign(200))),
            (502, "<html>Bad Gateway</html>", Err(foreign(502))),
            (301, "", Err(Failure::Unreached(TransportError::Redirected))),
        ] {
            assert_eq!(answer(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
