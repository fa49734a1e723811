//! What our user may do in an Odoo, and what it has: for the one who connects it, and for who looks whether it still works.
//!
//! It changes nothing. What Odoo says of a missing right is passed on as text and decides nothing.

use engine::ports::Peer;
use model::Timestamp;
use model::outcome::Refusal;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::{Fields, model_there, name_there};
use super::outbox::OUTBOX;
use super::session::{Odoo, Session};

/// The version that asks for rights by `has_access` alone.
const HAS_ACCESS_SINCE: u32 = 19;
/// LIMIT: keys of one user that are looked at.
const KEYS_MAX: u32 = 50;

/// Whether something may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Granted,
    /// It may not: in Odoo's words, with the groups that may; empty where it says nothing.
    Refused(String),
    /// There is no such model.
    Absent,
}

/// What our user may do with the records of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The model, by its newest name.
    pub model: String,
    /// Reading.
    pub read: Standing,
    /// Changing.
    pub write: Standing,
    /// Making.
    pub create: Standing,
}

/// Records of a model that the rules of the outbox tell of, and how many of them are kept from our user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The model, by its newest name.
    pub model: String,
    /// All that they tell of.
    pub told: u64,
    /// Those that our user may not see.
    pub hidden: u64,
}

/// A key of our user, as Odoo lists it: the key itself is not shown, nor which of them is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its row.
    pub id: u64,
    /// What it was called.
    pub name: String,
    /// When it ends; none where it does not.
    pub ends_at: Option<Timestamp>,
}

impl Odoo {
    /// What may be done with a model. Reading is tried, the rest is asked.
    pub async fn rights(&self, peer: &Peer, session: &Session, model: &str) -> Result<Rights, Failure> {
        let there = model_there(&session.version, model);
        let count = Call::of_model(there, "search_count").with("domain", json!([])).with("limit", 1);
        let read = standing(self.call(peer, session, &count).await.map(|_| true))?;
        let (write, create) = match read {
            Standing::Absent => (Standing::Absent, Standing::Absent),
            Standing::Granted | Standing::Refused(_) => {
                (self.may(peer, session, there, "write").await?, self.may(peer, session, there, "create").await?)
            }
        };
        Ok(Rights { model: model.to_owned(), read, write, create })
    }

    /// Whether `read`, `write`, `create` or `unlink` may be done with some records of a model.
    pub async fn may(&self, peer: &Peer, session: &Session, model: &str, operation: &str) -> Result<Standing, Failure> {
        let call = if session.version.major < HAS_ACCESS_SINCE {
            Call::of_model(model, "check_access_rights").with("operation", operation).with("raise_exception", false)
        } else {
            Call::of_records(model, "has_access", Vec::new()).with("operation", operation)
        };
        standing(self.call(peer, session, &call).await.map(|told| told.value == Value::Bool(true)))
    }

    /// Which of these fields, by their newest names, a model does not have in this Odoo.
    pub async fn absent_fields(
        &self,
        peer: &Peer,
        session: &Session,
        model: &str,
        wanted: &[String],
    ) -> Result<Vec<String>, Failure> {
        let there = model_there(&session.version, model);
        let call = Call::of_model(there, "fields_get").with("attributes", json!(["type", "relation"]));
        let told = self.call(peer, session, &call).await?;
        let fields = Fields::from_answer(&told.value).ok_or_else(foreign)?;
        let is_absent = |name: &&String| !fields.0.contains_key(name_there(&session.version, there, name));
        Ok(wanted.iter().filter(is_absent).cloned().collect())
    }

    /// What of these models, by their newest names, the outbox tells of and our user may not see; none where its addon is too old to count
    /// that.
    pub async fn kept_from_us(&self, peer: &Peer, session: &Session, models: &[&str]) -> Result<Option<Vec<Kept>>, Failure> {
        let there: Vec<&str> = models.iter().map(|model| model_there(&session.version, model)).collect();
        let call = Call::of_model(OUTBOX, "kept_from").with("names", json!(there));
        let told = match self.call(peer, session, &call).await {
            Ok(told) => told.value,
            Err(Failure::Said { refusal: Refusal::NotFound, .. }) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let kept = models.iter().zip(there).filter_map(|(model, there)| {
            let counts = told.get(there)?;
            let count = |name: &str| counts.get(name).and_then(Value::as_u64);
            Some(Kept { model: (*model).to_owned(), told: count("told")?, hidden: count("hidden")? })
        });
        Ok(Some(kept.collect()))
    }

    /// The keys of our user; ended ones too, until Odoo clears them away.
    pub async fn keys(&self, peer: &Peer, session: &Session) -> Result<Vec<Key>, Failure> {
        let call = Call::of_model("res.users.apikeys", "search_read")
            .with("domain", json!([["user_id", "=", session.user], ["scope", "in", [false, "rpc"]]]))
            .with("fields", json!(["name", "expiration_date"]))
            .with("limit", KEYS_MAX)
            .with("order", "id");
        let told = self.call(peer, session, &call).await?;
        let rows = told.value.as_array().ok_or_else(foreign)?;
        Ok(rows.iter().map(key).collect())
    }
}

fn key(row: &Value) -> Key {
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default().chars().take(80).collect();
    let ends = row.get("expiration_date").and_then(Value::as_str).and_then(|text| text.get(..19));
    let ends_at = ends.and_then(|text| formats::instant::rfc3339(&format!("{}Z", text.replacen(' ', "T", 1))));
    Key { id: row.get("id").and_then(Value::as_u64).unwrap_or_default(), name, ends_at: ends_at.map(Timestamp::from_secs) }
}

/// A question that only asks is refused for nothing but a right or a model. JSON-RPC says of a missing model what it says of a
/// rule of the business, and counting breaks none.
pub(super) fn standing(told: Result<bool, Failure>) -> Result<Standing, Failure> {
    match told {
        Ok(true) => Ok(Standing::Granted),
        Ok(false) => Ok(Standing::Refused(String::new())),
        Err(Failure::Said { refusal: Refusal::Access, message, .. }) => Ok(Standing::Refused(message)),
        Err(Failure::Said { refusal: Refusal::NotFound | Refusal::Rule, .. }) => Ok(Standing::Absent),
        Err(failure) => Err(failure),
    }
}

fn foreign() -> Failure {
    Failure::Foreign { status: 200, looks: "not an answer of Odoo's" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_right_and_a_model_are_answers_and_all_else_is_a_failure() {
        let said = |refusal| Failure::Said { refusal, name: "n".to_owned(), message: "m".to_owned() };
        for (told, expected) in [
            (Ok(true), Ok(Standing::Granted)),
            (Ok(false), Ok(Standing::Refused(String::new()))),
            (Err(said(Refusal::Access)), Ok(Standing::Refused("m".to_owned()))),
            (Err(said(Refusal::NotFound)), Ok(Standing::Absent)),
            (Err(said(Refusal::Rule)), Ok(Standing::Absent)),
            (Err(said(Refusal::KeyRefused)), Err(said(Refusal::KeyRefused))),
            (Err(said(Refusal::Unavailable)), Err(said(Refusal::Unavailable))),
        ] {
            assert_eq!(standing(told.clone()), expected, "{told:?}");
        }
    }

    #[test]
    fn a_key_ends_at_an_instant_in_utc_or_never() {
        let at = |text: &str| formats::instant::rfc3339(text).map(Timestamp::from_secs);
        for (ends, expected) in
            [(json!("2026-12-02 10:00:00"), at("2026-12-02T10:00:00Z")), (json!(false), None), (json!("soon"), None)]
        {
            assert_eq!(key(&json!({ "id": 1, "name": "crossdock", "expiration_date": ends })).ends_at, expected);
        }
    }
}
