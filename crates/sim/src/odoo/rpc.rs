//! JSON-RPC: 200 for everything that was understood, errors inside, and no `result` where a method returns None.

use http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::Odoo;
use super::errors::Failure;
use super::keys::keys_work;
use super::perform::{Ask, Caller, Done, perform};
use super::version::Version;
use super::wire::{Reply, Request, Routed};

/// The parts of a request in the form of JSON-RPC, or the refusal.
pub(super) fn envelope(request: &Request) -> Result<(Json, Map<String, Json>), Reply> {
    if request.method != http::Method::POST {
        return Err(Reply::page(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for the requested URL."));
    }
    if !request.is_json() {
        let said = format!("Request inferred type is compatible with ['http'] but '{}' is type='json'.", request.path);
        return Err(Reply::page(StatusCode::BAD_REQUEST, &said));
    }
    let body: Json = serde_json::from_slice(&request.body).map_err(|_| invalid())?;
    let id = body.get("id").cloned().unwrap_or_default();
    let params = body.get("params").and_then(Json::as_object).cloned().unwrap_or_default();
    if body.is_object() { Ok((id, params)) } else { Err(invalid()) }
}

fn invalid() -> Reply {
    Reply::text(StatusCode::BAD_REQUEST, "Invalid JSON data")
}

/// The answer to a call.
pub(super) fn reply(id: &Json, result: Result<Done, Failure>) -> Routed {
    match result {
        Ok(done) => Routed { reply: good(id, done.outcome.to_rpc()), wrote: done.wrote },
        Err(failure) => bad(id, &failure).into(),
    }
}

pub(super) fn good(id: &Json, result: Option<Json>) -> Reply {
    let mut body = json!({ "jsonrpc": "2.0", "id": id });
    if let Some(result) = result {
        body["result"] = result;
    }
    Reply::json(StatusCode::OK, &body)
}

pub(super) fn bad(id: &Json, failure: &Failure) -> Reply {
    Reply::json(StatusCode::OK, &json!({ "jsonrpc": "2.0", "id": id, "error": failure.to_rpc() }))
}

/// `/jsonrpc`.
pub(super) async fn answer(odoo: &Odoo, request: &Request) -> Routed {
    let (id, params) = match envelope(request) {
        Ok(parts) => parts,
        Err(refused) => return refused.into(),
    };
    let word = |name: &str| params.get(name).and_then(Json::as_str).unwrap_or_default();
    let args = params.get("args").and_then(Json::as_array).cloned().unwrap_or_default();
    match (word("service"), word("method")) {
        ("common", "version") => good(&id, Some(version(odoo.version()))).into(),
        ("common", "authenticate" | "login") => match authenticate(odoo, &args) {
            Ok(result) => good(&id, Some(result)).into(),
            Err(failure) => bad(&id, &failure).into(),
        },
        ("db", "db_exist") => {
            let name = args.first().and_then(Json::as_str).unwrap_or_default();
            good(&id, Some(json!(odoo.is_database(name).is_ok()))).into()
        }
        ("object", "execute_kw" | "execute") => reply(&id, execute(odoo, word("method"), &args).await),
        (service, method) => {
            let unknown = Failure::NoMethod(format!("there is no method {method} of the service {service}"));
            bad(&id, &unknown).into()
        }
    }
}

/// `POST /web/webclient/version_info`.
pub(super) fn version_info(odoo: &Odoo, request: &Request) -> Routed {
    match envelope(request) {
        Ok((id, _)) => good(&id, Some(version(odoo.version()))).into(),
        Err(refused) => refused.into(),
    }
}

fn version(version: Version) -> Json {
    let major = version.major();
    json!({
        "server_version": version.server(),
        "server_version_info": [major, 0, 0, "final", 0, ""],
        "server_serie": format!("{major}.0"),
        "protocol_version": 1,
    })
}

fn authenticate(odoo: &Odoo, args: &[Json]) -> Result<Json, Failure> {
    let word = |at: usize| args.get(at).and_then(Json::as_str).unwrap_or_default();
    odoo.is_database(word(0))?;
    let now = odoo.now();
    let world = odoo.shared.world();
    let user = world.accounts.authenticate(word(1), word(2), now);
    Ok(user.filter(|_| keys_work(&world, word(2))).map_or(json!(false), |user| json!(user)))
}

async fn execute(odoo: &Odoo, form: &str, args: &[Json]) -> Result<Done, Failure> {
    let word = |at: usize| args.get(at).and_then(Json::as_str).unwrap_or_default().to_owned();
    let user = args.get(1).and_then(Json::as_i64).unwrap_or_default();
    odoo.is_database(&word(0))?;
    {
        let now = odoo.now();
        let world = odoo.shared.world();
        if !world.accounts.knows(user, &word(2), now) || !keys_work(&world, &word(2)) {
            return Err(Failure::Denied);
        }
    }
    let (places, named) = match form {
        "execute" => (args.get(5..).unwrap_or_default().to_vec(), Map::new()),
        _ => (
            args.get(5).and_then(Json::as_array).cloned().unwrap_or_default(),
            args.get(6).and_then(Json::as_object).cloned().unwrap_or_default(),
        ),
    };
    let ask = Ask::Places { model: word(3), method: word(4), args: places, named };
    perform(&odoo.shared, &Caller { user, session: None }, &ask).await
}
