//! Trying whether Odoo's webhooks arrive: the action of a rule is run by hand, on a record that is there.
//!
//! Odoo sends what a save of that record would send, and nothing is written: the record keeps its values and its write date.

use engine::ports::Peer;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::model_there;
use super::rules::RULES;
use super::session::{Odoo, Session};

/// Actions of rules.
pub(super) const ACTIONS: &str = "ir.actions.server";

impl Odoo {
    /// The rule of a name, switched off ones included.
    pub async fn rule_named(&self, peer: &Peer, session: &Session, name: &str) -> Result<Option<u64>, Failure> {
        self.one(peer, session, RULES, json!([["name", "=", name]])).await
    }

    /// Lets Odoo send the webhook of a rule for a record. Answers whether the rule has an action to be run.
    pub async fn ring(
        &self,
        peer: &Peer,
        session: &Session,
        rule: u64,
        (model, record): (&str, u64),
    ) -> Result<bool, Failure> {
        let Some(action) = self.one(peer, session, ACTIONS, json!([["base_automation_id", "=", rule]])).await? else {
            return Ok(false);
        };
        let run = Call::of_records(ACTIONS, "run", vec![action])
            .context("active_model", model_there(&session.version, model))
            .context("active_id", record)
            .context("active_ids", json!([record]));
        self.call(peer, session, &run).await.map(|_| true)
    }

    /// The newest record of a model; none where it has none that our user sees.
    pub async fn newest(&self, peer: &Peer, session: &Session, model: &str) -> Result<Option<u64>, Failure> {
        let call = Call::of_model(model_there(&session.version, model), "search")
            .with("domain", json!([]))
            .with("order", "id desc")
            .with("limit", 1);
        let told = self.call(peer, session, &call).await?;
        Ok(told.value.get(0).and_then(Value::as_u64))
    }
}
