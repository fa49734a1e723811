//! A web session: what a person's browser has, opened with login and password. Some things Odoo lets nobody do without one.
//!
//! It is used for keys and nothing else, and closed after use. An API key opens none.

use engine::ports::Peer;
use formats::signature::Secret;
use reqwest::header::{COOKIE, HeaderValue};
use serde_json::{Value, json};

use super::call::{CHANGE_TIMEOUT, READ_TIMEOUT};
use super::exchange::Asked;
use super::failure::Failure;
use super::rpc;
use super::session::{Odoo, text};

/// The cookie of a session.
const SESSION: &str = "session_id=";

/// An open web session. It holds the cookie, which is as good as the password.
pub(super) struct Web {
    cookie: HeaderValue,
}

impl Odoo {
    /// Opens one. Refused where the password is wrong, or where it alone is not enough.
    pub(super) async fn open_web(&self, peer: &Peer, password: &Secret) -> Result<Web, Failure> {
        let login = peer.login.as_deref().ok_or_else(|| {
            Failure::Unusable("A web session is opened with the login of the user, and none is known.".to_owned())
        })?;
        let params = json!({ "db": peer.database, "login": login, "password": text(password)? });
        let raw = self.ask(peer, Asked::post("/web/session/authenticate", envelope(&params), READ_TIMEOUT)).await?;
        let told = rpc::answer(raw.status, &raw.body)?;
        if told.get("uid").and_then(Value::as_u64).is_none() {
            return Err(Failure::Unusable(
                "The user logs in with two factors, and a password alone opens no session.".to_owned(),
            ));
        }
        let cookie = raw.cookies.iter().find_map(session).ok_or_else(|| rpc::foreign(raw.status))?;
        Ok(Web { cookie })
    }

    /// Calls a method in it.
    pub(super) async fn call_web(
        &self,
        (peer, web): (&Peer, &Web),
        (model, method): (&str, &str),
        args: Value,
        kwargs: Value,
    ) -> Result<Value, Failure> {
        let params = json!({ "model": model, "method": method, "args": args, "kwargs": kwargs });
        let path = format!("/web/dataset/call_kw/{model}/{method}");
        let mut asked = Asked::post(path, envelope(&params), CHANGE_TIMEOUT);
        asked.proof = Some((COOKIE, web.cookie.clone()));
        let raw = self.ask(peer, asked).await?;
        rpc::answer(raw.status, &raw.body)
    }

    /// Closes it. One that cannot be closed ends by itself after a week.
    pub(super) async fn close_web(&self, peer: &Peer, web: Web) {
        let mut asked = Asked::post("/web/session/destroy", envelope(&json!({})), READ_TIMEOUT);
        asked.proof = Some((COOKIE, web.cookie));
        drop(self.ask(peer, asked).await);
    }
}

fn envelope(params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params })
}

/// The pair of a session's cookie, without what says how long it is kept.
fn session(cookie: &HeaderValue) -> Option<HeaderValue> {
    let pair = cookie.to_str().ok()?.split(';').next()?.trim();
    let mut value = HeaderValue::from_str(pair.strip_prefix(SESSION).map(|_| pair)?).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_of_a_session_is_its_pair_and_is_not_shown() {
        let of = |text: &str| session(&HeaderValue::from_str(text).unwrap());
        let found = of("session_id=abc-d; Max-Age=604800; HttpOnly; Path=/").unwrap();
        assert_eq!(found.to_str().unwrap(), "session_id=abc-d");
        assert!(!format!("{found:?}").contains("abc"));
        assert_eq!(of("frontend_lang=en_US; Path=/"), None);
    }
}
