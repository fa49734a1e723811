//! Getting to know an Odoo, and calling it.
//!
//! A session is what was learnt by greeting it: version, wire and user. It holds no connection and no secret; whoever
//! calls brings the peer with its key, so that a key that changes is used with the next call.

use std::sync::Arc;

use engine::ports::{Clock, Peer};
use formats::signature::Secret;
use model::outcome::Refusal;
use model::{TimeSpan, Timestamp};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::Value;

use super::call::{Call, READ_TIMEOUT};
use super::exchange::{Asked, Raw, exchange};
use super::failure::Failure;
use super::version::{Version, Wire};
use super::{json2, rpc};
use crate::http::clients::Clients;

/// LIMIT: the answer to a probe. Checking a password costs Odoo seconds on a busy machine.
const GREETING_TIMEOUT: TimeSpan = TimeSpan::from_secs(30);

/// What was learnt by greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which Odoo.
    pub version: Version,
    /// How it is spoken to.
    pub wire: Wire,
    /// Our user there.
    pub user: u64,
    /// Seconds that its clock is ahead of ours; none where its answers have no date.
    pub ahead_s: Option<i64>,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The result; null of a method that gives none.
    pub value: Value,
    /// When, by Odoo's own clock, in whole seconds; none where its answers have no date.
    pub at: Option<Timestamp>,
}

/// All Odoos of the process: it holds the connection pools.
#[derive(Debug)]
pub struct Odoo {
    clock: Arc<dyn Clock>,
    clients: Clients,
}

impl Odoo {
    /// With no connection yet. The clock measures the timeouts.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, clients: Clients::new() }
    }

    /// Which version it is, asked as anybody may.
    pub async fn version(&self, peer: &Peer) -> Result<(Version, Option<i64>), Failure> {
        let raw = self.ask(peer, Asked::get(json2::VERSION_PATH, GREETING_TIMEOUT)).await?;
        let told = serde_json::from_slice(&raw.body).ok().as_ref().and_then(Version::from_answer);
        let (version, raw) = match told {
            Some(version) => (Some(version), raw),
            // Before 19 this path is a page.
            None => {
                let raw = self.ask(peer, Asked::post(rpc::PATH, rpc::version(), GREETING_TIMEOUT)).await?;
                (Version::from_answer(&rpc::answer(raw.status, &raw.body)?), raw)
            }
        };
        let version = version.ok_or_else(|| rpc::foreign(raw.status))?;
        let ahead_s = raw.at.map(|at| at.secs() - self.clock.wall().secs());
        Ok((version, ahead_s))
    }

    /// Finds the version, and whether database, user and key are good.
    pub async fn greet(&self, peer: &Peer) -> Result<Session, Failure> {
        let (version, ahead_s) = self.version(peer).await?;
        let wire = version.wire().ok_or_else(|| Failure::Version(version.text.clone()))?;
        let user = match wire {
            Wire::JsonRpc => self.authenticate(peer).await?,
            Wire::Json2 => self.whoami(peer).await?,
        };
        Ok(Session { version, wire, user, ahead_s })
    }

    /// Calls a method.
    pub async fn call(&self, peer: &Peer, session: &Session, call: &Call) -> Result<Told, Failure> {
        match session.wire {
            Wire::Json2 => self.call_json2(peer, call).await,
            Wire::JsonRpc => {
                let caller = rpc::Caller { database: &peer.database, user: session.user, key: text(&peer.key)? };
                let raw = self.ask(peer, Asked::post(rpc::PATH, rpc::call(caller, call), call.timeout())).await?;
                Ok(Told { value: rpc::answer(raw.status, &raw.body)?, at: raw.at })
            }
        }
    }

    async fn call_json2(&self, peer: &Peer, call: &Call) -> Result<Told, Failure> {
        let mut asked = Asked::post(json2::path(call), json2::body(call), call.timeout());
        let mut bearer = HeaderValue::from_str(&format!("bearer {}", text(&peer.key)?)).map_err(|_| unreadable_key())?;
        bearer.set_sensitive(true);
        asked.proof = Some((AUTHORIZATION, bearer));
        let raw = self.ask(peer, asked).await?;
        Ok(Told { value: json2::answer(raw.status, &raw.body)?, at: raw.at })
    }

    /// Checking the key is slow there, so this is done once for a session.
    async fn authenticate(&self, peer: &Peer) -> Result<u64, Failure> {
        let login = peer.login.as_deref().ok_or_else(|| {
            Failure::Unusable("Odoo 18 and earlier want to know the login of the user that the key belongs to.".to_owned())
        })?;
        let asked = Asked::post(rpc::PATH, rpc::authenticate(&peer.database, login, text(&peer.key)?), GREETING_TIMEOUT);
        let raw = self.ask(peer, asked).await?;
        match rpc::answer(raw.status, &raw.body) {
            Ok(told) => told.as_u64().ok_or_else(|| said(Refusal::KeyRefused)),
            // PostgreSQL says the same of a database that is not there and of one that is not up.
            Err(Failure::Said { refusal: Refusal::Unavailable, name, message }) => {
                let exists =
                    self.ask(peer, Asked::post(rpc::PATH, rpc::database_exists(&peer.database), READ_TIMEOUT)).await?;
                match rpc::answer(exists.status, &exists.body) {
                    Ok(Value::Bool(false)) => Err(said(Refusal::Database)),
                    Ok(_) | Err(_) => Err(Failure::Said { refusal: Refusal::Unavailable, name, message }),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn whoami(&self, peer: &Peer) -> Result<u64, Failure> {
        let told = self.call_json2(peer, &Call::of_model("res.users", "context_get")).await?;
        told.value.get("uid").and_then(Value::as_u64).ok_or_else(|| rpc::foreign(200))
    }

    pub(super) async fn ask(&self, peer: &Peer, asked: Asked) -> Result<Raw, Failure> {
        exchange(&self.clients, &*self.clock, peer, asked).await
    }
}

pub(super) fn text(key: &Secret) -> Result<&str, Failure> {
    std::str::from_utf8(key.expose()).map(str::trim).map_err(|_| unreadable_key())
}

fn unreadable_key() -> Failure {
    Failure::Unusable("The key has characters that no key of Odoo's has.".to_owned())
}

fn said(refusal: Refusal) -> Failure {
    Failure::Said { refusal, name: String::new(), message: String::new() }
}
