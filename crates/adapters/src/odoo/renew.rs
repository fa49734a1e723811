//! New keys for our user, and the end of old ones: by the outbox addon, or by a web session.
//!
//! Odoo shows a key once. Whoever makes one here keeps it before doing anything else.

use engine::ports::Peer;
use formats::signature::Secret;
use model::outcome::Refusal;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::session::{Odoo, Session};
use super::web::Web;

/// How long a new key lives: what a plain user may have at most by default, and what is tried where that is refused.
const DAYS: [u64; 2] = [90, 30];
/// Since when the check of a password takes it from the context: before, it is written into the wizard.
const CHECK_BY_CONTEXT_SINCE: u32 = 19;
const DESCRIPTION: &str = "res.users.apikeys.description";
const CHECK: &str = "res.users.identitycheck";
const KEYS: &str = "res.users.apikeys";

/// By what a key is made.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'a> {
    /// The outbox addon, with the key in use.
    Addon,
    /// A web session with the user's password.
    Password(&'a Secret),
}

impl Odoo {
    /// Makes a key of this name for our user.
    pub async fn make_key(&self, peer: &Peer, session: &Session, name: &str, by: Maker<'_>) -> Result<Secret, Failure> {
        let mut refused = None;
        for days in DAYS {
            let made = match by {
                Maker::Addon => self.made_by_addon(peer, session, name, days).await,
                Maker::Password(password) => self.made_by_session(peer, session, (name, password), days).await,
            };
            match made {
                // Odoo lets a user's groups say how long its keys live.
                Err(failure @ Failure::Said { refusal: Refusal::Validation, .. }) => refused = Some(failure),
                made => return made,
            }
        }
        Err(refused.unwrap_or_else(foreign))
    }

    /// Ends a key of our user by its row. That needs a web session.
    pub async fn end_key(&self, peer: &Peer, session: &Session, password: &Secret, row: u64) -> Result<(), Failure> {
        let web = self.open_web(peer, password).await?;
        let ended = async {
            let told = self.call_web((peer, &web), (KEYS, "remove"), json!([[row]]), json!({})).await?;
            match wizard(&told) {
                Some(check) => self.identify((peer, session, &web), password, check).await.map(|_| ()),
                None => Ok(()),
            }
        };
        let ended = ended.await;
        self.close_web(peer, web).await;
        ended
    }

    async fn made_by_addon(&self, peer: &Peer, session: &Session, name: &str, days: u64) -> Result<Secret, Failure> {
        let call = Call::of_model("crossdock.outbox", "rotate_key").first("name", name).first("days", days).changing();
        let told = self.call(peer, session, &call).await?;
        key(told.value.get("key"))
    }

    async fn made_by_session(
        &self,
        peer: &Peer,
        session: &Session,
        (name, password): (&str, &Secret),
        days: u64,
    ) -> Result<Secret, Failure> {
        let web = self.open_web(peer, password).await?;
        let made = self.described((peer, session, &web), (name, password), days).await;
        self.close_web(peer, web).await;
        made
    }

    /// A description first, then the key, then the password where Odoo wants it again.
    async fn described(
        &self,
        (peer, session, web): (&Peer, &Session, &Web),
        (name, password): (&str, &Secret),
        days: u64,
    ) -> Result<Secret, Failure> {
        let description = json!([{ "name": name, "duration": days.to_string() }]);
        let told = self.call_web((peer, web), (DESCRIPTION, "create"), description, json!({})).await?;
        let id = told.as_u64().or_else(|| told.get(0)?.as_u64()).ok_or_else(foreign)?;
        let told = self.call_web((peer, web), (DESCRIPTION, "make_key"), json!([[id]]), json!({})).await?;
        let told = match wizard(&told) {
            Some(check) => self.identify((peer, session, web), password, check).await?,
            None => told,
        };
        key(told.pointer("/context/default_key"))
    }

    /// Says the password to a wizard, which then does what was asked before.
    async fn identify(
        &self,
        (peer, session, web): (&Peer, &Session, &Web),
        password: &Secret,
        check: u64,
    ) -> Result<Value, Failure> {
        let password = json!({ "password": super::session::text(password)? });
        if session.version.major < CHECK_BY_CONTEXT_SINCE {
            self.call_web((peer, web), (CHECK, "write"), json!([[check], password]), json!({})).await?;
            return self.call_web((peer, web), (CHECK, "run_check"), json!([[check]]), json!({})).await;
        }
        self.call_web((peer, web), (CHECK, "run_check"), json!([[check]]), json!({ "context": password })).await
    }
}

/// The wizard that an answer leads to, where it asks who we are.
fn wizard(told: &Value) -> Option<u64> {
    (told.get("res_model").and_then(Value::as_str) == Some(CHECK)).then(|| told.get("res_id")?.as_u64()).flatten()
}

fn key(told: Option<&Value>) -> Result<Secret, Failure> {
    let text = told.and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(foreign)?;
    Ok(Secret::new(text.as_bytes().to_vec()))
}

fn foreign() -> Failure {
    Failure::Foreign { status: 200, looks: "not an answer of Odoo's" }
}
