//! JSON-2 of 19: the path names the method, the body its arguments, the bearer the user, and the status says what happened.

use http::{Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::Odoo;
use super::errors::{Failure, data};
use super::keys::keys_work;
use super::perform::{Ask, Caller, perform};
use super::wire::{Reply, Request, Routed, not_found};

/// `/json/2/<model>/<method>`.
pub(super) async fn answer(odoo: &Odoo, request: &Request) -> Routed {
    let Some((model, method)) = request.path.strip_prefix("/json/2/").and_then(|rest| rest.split_once('/')) else {
        return not_found().into();
    };
    if request.method != Method::POST {
        let said = format!("Did you mean POST /json/2/{model}/{method}?");
        return refused(StatusCode::NOT_FOUND, "werkzeug.exceptions.NotFound", &said).into();
    }
    let database = request.header("x-odoo-database");
    if !database.is_empty() && odoo.is_database(database).is_err() {
        return not_found().into();
    }
    if !request.is_json() {
        let said = "Request inferred type is not compatible with 'json2'";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "werkzeug.exceptions.UnsupportedMediaType", said).into();
    }
    let Some(user) = bearer(odoo, request) else {
        return failed(&Failure::InvalidKey).with("www-authenticate", "Bearer".to_owned()).into();
    };
    let body = match parse(&request.body) {
        Ok(body) => body,
        Err(said) => return refused(StatusCode::BAD_REQUEST, "werkzeug.exceptions.BadRequest", &said).into(),
    };
    let ask = Ask::Names { model: model.to_owned(), method: method.to_owned(), body };
    match perform(&odoo.shared, &Caller { user, session: None }, &ask).await {
        Ok(done) => Routed { reply: Reply::json(StatusCode::OK, &done.outcome.to_json2()), wrote: done.wrote },
        Err(failure) => failed(&failure).into(),
    }
}

/// The user of the key; scoped keys are of no use here, and passwords neither.
fn bearer(odoo: &Odoo, request: &Request) -> Option<i64> {
    let (scheme, key) = request.header("authorization").split_once(' ')?;
    let now = odoo.now();
    let world = odoo.shared.world();
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    let user = world.accounts.by_key(key.trim(), now);
    user.filter(|_| is_bearer && keys_work(&world, key.trim()))
}

fn parse(body: &[u8]) -> Result<Map<String, Json>, String> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let parsed: Json = serde_json::from_slice(body).map_err(|error| format!("could not parse the body as json: {error}"))?;
    parsed.as_object().cloned().ok_or_else(|| "could not parse the body as json: an object is expected".to_owned())
}

fn failed(failure: &Failure) -> Reply {
    Reply::json(failure.status(), &failure.to_json2())
}

fn refused(status: StatusCode, name: &str, said: &str) -> Reply {
    Reply::json(status, &data(name, said))
}
