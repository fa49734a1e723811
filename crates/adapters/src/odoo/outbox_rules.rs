//! Rules of the outbox addon: what it writes down of a model when a record was saved or deleted. Found again by event type, so that
//! making them twice makes them once, and brought in line when the contract reads something else.

use engine::ports::{Peer, Reading};
use model::outcome::TransportError;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::model_there;
use super::session::{Odoo, Session};
use super::specified::Specified;

/// The model of rules.
pub const OUTBOX_RULES: &str = "crossdock.rule";
/// What rules tell of: one of each for a model.
pub const TRIGGERS: [&str; 2] = ["saved", "deleted"];

/// A rule as it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRule {
    /// What its rows are called, by which it is found again.
    pub event_type: String,
    /// The model, by its name there.
    pub model: String,
    /// One of [`TRIGGERS`].
    pub trigger: &'static str,
    /// What is read, and the name of that.
    pub specified: Specified,
}

/// How a rule stands in Odoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleStands {
    /// It is as it has to be.
    Same(u64),
    /// It is there and reads something else, or is switched off.
    Differs(u64),
    /// It is not there.
    Missing,
}

impl Odoo {
    /// The rules that a model has to have for a reading.
    pub async fn outbox_rules(
        &self,
        peer: &Peer,
        session: &Session,
        (model, reading): (&str, &Reading),
    ) -> Result<[OutboxRule; 2], Failure> {
        let specified = self.specified(peer, session, model, reading).await?;
        let there = model_there(&session.version, model).to_owned();
        Ok(TRIGGERS.map(|trigger| OutboxRule {
            event_type: format!("crossdock.{there}.{trigger}"),
            model: there.clone(),
            trigger,
            specified: specified.clone(),
        }))
    }

    /// How a rule stands.
    pub async fn outbox_rule(&self, peer: &Peer, session: &Session, rule: &OutboxRule) -> Result<RuleStands, Failure> {
        let call = Call::of_model(OUTBOX_RULES, "search_read")
            .with("domain", json!([["event_type", "=", rule.event_type], ["trigger", "=", rule.trigger]]))
            .with("fields", json!(["reading", "active"]))
            .with("limit", 1)
            .context("active_test", false);
        let told = self.call(peer, session, &call).await?;
        let Some(held) = told.value.get(0) else { return Ok(RuleStands::Missing) };
        let id = held.get("id").and_then(Value::as_u64).ok_or_else(super::specified::not_odoo)?;
        let is_same = held.get("reading").and_then(Value::as_str) == Some(&rule.specified.reading)
            && held.get("active") == Some(&Value::Bool(true));
        Ok(if is_same { RuleStands::Same(id) } else { RuleStands::Differs(id) })
    }

    /// Makes a rule, or brings it in line. An answer that does not come is looked after. Answers how it stood before.
    pub async fn keep_outbox_rule(&self, peer: &Peer, session: &Session, rule: &OutboxRule) -> Result<RuleStands, Failure> {
        let before = self.outbox_rule(peer, session, rule).await?;
        let specification = Value::Object(rule.specified.specification.clone()).to_string();
        let reads = json!({ "specification": specification, "reading": rule.specified.reading, "active": true });
        let call = match before {
            RuleStands::Same(_) => return Ok(before),
            RuleStands::Differs(id) => Call::of_records(OUTBOX_RULES, "write", vec![id]).first("vals", reads),
            RuleStands::Missing => {
                let model = self.one(peer, session, "ir.model", json!([["model", "=", rule.model]])).await?;
                let mut values = reads;
                values["event_type"] = json!(rule.event_type);
                values["trigger"] = json!(rule.trigger);
                values["model_id"] = json!(model.ok_or_else(super::specified::not_odoo)?);
                Call::of_model(OUTBOX_RULES, "create").first("vals_list", values)
            }
        };
        match self.call(peer, session, &call.changing()).await {
            Ok(_) => Ok(before),
            Err(Failure::Unreached(error @ (TransportError::Timeout | TransportError::Closed))) => {
                match self.outbox_rule(peer, session, rule).await? {
                    RuleStands::Same(_) => Ok(before),
                    RuleStands::Differs(_) | RuleStands::Missing => Err(Failure::Unreached(error)),
                }
            }
            Err(failure) => Err(failure),
        }
    }
}
