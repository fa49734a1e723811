//! Automation rules whose webhooks nudge us: made in Odoo by name, so that making them twice makes them once.
//!
//! A rule sends model and id and no other field, because what it sends is read in the middle of a transaction and believed by
//! nobody.

use engine::ports::Peer;
use model::outcome::TransportError;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::model_there;
use super::session::{Odoo, Session};
use super::trial::ACTIONS;

/// The model of rules: there where the module of automation rules is.
pub const RULES: &str = "base.automation";

/// What rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A record was saved.
    Saved,
    /// A record is about to be deleted: Odoo tells before it does, in 18 also before it commits.
    Deleted,
}

impl When {
    /// Odoo's word for it.
    pub const fn trigger(self) -> &'static str {
        match self {
            Self::Saved => "on_create_or_write",
            Self::Deleted => "on_unlink",
        }
    }
}

/// A rule that calls our address when something happened to records of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, by which it is found again.
    pub name: String,
    /// The model.
    pub model: String,
    /// What rings.
    pub when: When,
    /// It rings only when one of these was written; at each save where there is none.
    pub fields: Vec<&'static str>,
    /// Our address, secret included.
    pub url: String,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New(u64),
    /// One of this name was there and is as it was.
    There(u64),
    /// One of this name was there, switched off or with another address, and has been brought in line.
    Changed(u64),
}

impl Odoo {
    /// Makes a rule, or brings the one of its name in line. An answer that does not come is looked after.
    pub async fn make_rule(&self, peer: &Peer, session: &Session, rule: &Rule) -> Result<Made, Failure> {
        if let Some(id) = self.rule_named(peer, session, &rule.name).await? {
            return self.bring_in_line((peer, session), id, rule).await;
        }
        let there = model_there(&session.version, &rule.model);
        let model = self.model_of(peer, session, rule).await?;
        let mut fields = Vec::with_capacity(rule.fields.len());
        for name in &rule.fields {
            let domain = json!([["model", "=", there], ["name", "=", name]]);
            fields.extend(self.one(peer, session, "ir.model.fields", domain).await?);
        }
        let call = Call::of_model(RULES, "create").first("vals_list", values(rule, model, &fields)).changing();
        match self.call(peer, session, &call).await {
            Ok(told) => id(&told.value).map(Made::New).ok_or_else(foreign),
            Err(Failure::Unreached(error @ (TransportError::Timeout | TransportError::Closed))) => {
                let found = self.rule_named(peer, session, &rule.name).await?;
                found.map(Made::New).ok_or(Failure::Unreached(error))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Has a rule that is there ring at our address. Each of the changes may be made twice.
    async fn bring_in_line(&self, (peer, session): (&Peer, &Session), id: u64, rule: &Rule) -> Result<Made, Failure> {
        let of = |model, domain: Value, field| {
            let call = Call::of_model(model, "search_read").with("domain", domain).with("fields", json!([field]));
            call.with("limit", 1).context("active_test", false)
        };
        let held = self.call(peer, session, &of(RULES, json!([["id", "=", id]]), "active")).await?.value;
        let hooks = json!([["base_automation_id", "=", id], ["state", "=", "webhook"]]);
        let hook = self.call(peer, session, &of(ACTIONS, hooks, "webhook_url")).await?.value;
        let mut changes = Vec::new();
        match (hook.pointer("/0/id").and_then(Value::as_u64), hook.pointer("/0/webhook_url")) {
            (Some(_), Some(url)) if *url == json!(rule.url) => {}
            (Some(action), _) => changes.push((ACTIONS, action, json!({ "webhook_url": rule.url }))),
            (None, _) => {
                let action = action(rule, self.model_of(peer, session, rule).await?);
                changes.push((RULES, id, json!({ "action_server_ids": [[0, 0, action]] })));
            }
        }
        if held.pointer("/0/active") != Some(&Value::Bool(true)) {
            changes.push((RULES, id, json!({ "active": true })));
        }
        let made = if changes.is_empty() { Made::There(id) } else { Made::Changed(id) };
        for (model, record, values) in changes {
            self.call(peer, session, &Call::of_records(model, "write", vec![record]).first("vals", values).changing())
                .await?;
        }
        Ok(made)
    }

    async fn model_of(&self, peer: &Peer, session: &Session, rule: &Rule) -> Result<u64, Failure> {
        let there = model_there(&session.version, &rule.model);
        self.one(peer, session, "ir.model", json!([["model", "=", there]])).await?.ok_or_else(foreign)
    }

    /// The first record that a domain finds, switched off ones included.
    pub(super) async fn one(
        &self,
        peer: &Peer,
        session: &Session,
        model: &str,
        domain: Value,
    ) -> Result<Option<u64>, Failure> {
        let call = Call::of_model(model, "search").with("domain", domain).with("limit", 1).context("active_test", false);
        let told = self.call(peer, session, &call).await?;
        Ok(told.value.as_array().ok_or_else(foreign)?.first().and_then(Value::as_u64))
    }
}

/// What a rule does when it rings.
fn action(rule: &Rule, model: u64) -> Value {
    json!({
        "name": rule.name, "model_id": model, "state": "webhook", "webhook_url": rule.url,
        "webhook_field_ids": [[6, 0, []]],
    })
}

fn values(rule: &Rule, model: u64, fields: &[u64]) -> Value {
    let mut values = json!({
        "name": rule.name, "model_id": model, "trigger": rule.when.trigger(),
        "action_server_ids": [[0, 0, action(rule, model)]],
    });
    if !fields.is_empty() {
        values["trigger_field_ids"] = json!([[6, 0, fields]]);
    }
    values
}

/// One id or a list with it, as the wires answer.
fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.get(0)?.as_u64())
}

fn foreign() -> Failure {
    Failure::Foreign { status: 200, looks: "not an answer of Odoo's" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_sends_no_field_of_the_record() {
        let rule = |when, fields: Vec<&'static str>| Rule {
            name: "Crossdock erp: stock.quant".to_owned(),
            model: "stock.quant".to_owned(),
            when,
            fields,
            url: "https://hooks.example.com/in/erp/s".to_owned(),
        };
        let action = json!({
            "name": "Crossdock erp: stock.quant", "model_id": 9, "state": "webhook",
            "webhook_url": "https://hooks.example.com/in/erp/s", "webhook_field_ids": [[6, 0, []]],
        });
        let whole = json!({
            "name": "Crossdock erp: stock.quant", "model_id": 9, "trigger": "on_create_or_write",
            "action_server_ids": [[0, 0, action]],
        });
        assert_eq!(values(&rule(When::Saved, Vec::new()), 9, &[]), whole);
        let narrowed = values(&rule(When::Saved, vec!["quantity"]), 9, &[4]);
        assert_eq!(narrowed["trigger_field_ids"], json!([[6, 0, [4]]]));
        assert_eq!(values(&rule(When::Deleted, Vec::new()), 9, &[])["trigger"], "on_unlink");
    }
}
