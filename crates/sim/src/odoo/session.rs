//! The web session, as far as the making of API keys needs it: a log-in with the password, and calls with its cookie.

use serde_json::{Value as Json, json};

use super::Odoo;
use super::errors::Failure;
use super::perform::{Ask, Caller, perform};
use super::rpc::{bad, envelope, good, reply};
use super::wire::{Request, Routed};

/// `POST /web/session/authenticate`. A key is no password here.
pub(super) fn authenticate(odoo: &Odoo, request: &Request) -> Routed {
    let (id, params) = match envelope(request) {
        Ok(parts) => parts,
        Err(refused) => return refused.into(),
    };
    let word = |name: &str| params.get(name).and_then(Json::as_str).unwrap_or_default();
    if let Err(failure) = odoo.is_database(word("db")) {
        return bad(&id, &failure).into();
    }
    let mut world = odoo.shared.world();
    let Some(user) = world.accounts.by_password(word("login"), word("password")) else {
        return bad(&id, &Failure::Denied).into();
    };
    if world.accounts.is_two_factor(user) {
        // The password alone opens nothing: the code is asked for on a page.
        return good(&id, Some(json!({ "uid": null }))).into();
    }
    let cookie = world.digits(84);
    world.accounts.begin_session(&cookie, user);
    let partner = world.store.committed("res.users", user).map_or(0, |user| user.int("partner_id"));
    let is_administrator = world.accounts.is_administrator(user);
    let result = json!({
        "uid": user,
        "is_system": is_administrator,
        "is_admin": is_administrator,
        "db": world.database,
        "user_context": { "lang": "en_US", "tz": false, "uid": user },
        "server_version": world.version.server(),
        "partner_id": partner,
        "user_companies": { "current_company": 1, "allowed_companies": { "1": { "id": 1, "name": "My Company" } } },
    });
    good(&id, Some(result)).with("set-cookie", format!("session_id={cookie}; Max-Age=604800; HttpOnly; Path=/")).into()
}

/// `POST /web/session/destroy`: the end of a session.
pub(super) fn destroy(odoo: &Odoo, request: &Request) -> Routed {
    let id = match envelope(request) {
        Ok((id, _)) => id,
        Err(refused) => return refused.into(),
    };
    if let Some(cookie) = cookie(request) {
        odoo.shared.world().accounts.end_session(cookie);
    }
    good(&id, None).into()
}

fn cookie(request: &Request) -> Option<&str> {
    request.header("cookie").split(';').find_map(|part| part.trim().strip_prefix("session_id="))
}

/// `POST /web/dataset/call_kw/<model>/<method>`.
pub(super) async fn call(odoo: &Odoo, request: &Request) -> Routed {
    let (id, params) = match envelope(request) {
        Ok(parts) => parts,
        Err(refused) => return refused.into(),
    };
    let cookie = cookie(request);
    let user = cookie.and_then(|cookie| odoo.shared.world().accounts.session(cookie));
    let (Some(user), Some(cookie)) = (user, cookie) else {
        return bad(&id, &Failure::SessionExpired).into();
    };
    let word = |name: &str| params.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let ask = Ask::Places {
        model: word("model"),
        method: word("method"),
        args: params.get("args").and_then(Json::as_array).cloned().unwrap_or_default(),
        named: params.get("kwargs").and_then(Json::as_object).cloned().unwrap_or_default(),
    };
    let caller = Caller { user, session: Some(cookie.to_owned()) };
    reply(&id, perform(&odoo.shared, &caller, &ask).await)
}
