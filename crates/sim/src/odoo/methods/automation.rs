//! Automation rules: what a trigger fills in by itself, what an action is called by version, and running one by hand.

use crate::odoo::calls::{Call, Method, Outcome};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::rights::{self, Operation};
use crate::odoo::store::Record;
use crate::odoo::value::{Value, text};
use crate::odoo::webhooks;

const ACTION: &str = "ir.actions.server";

pub(in crate::odoo) const METHODS: &[Method] = &[Method { needs: Operation::Read, ..Method::act(ACTION, "run", run) }];

/// Runs actions on the record that the context names, as the button does: a webhook tells of it, and nothing is written. Whoever
/// may not change records of the model may not run it.
fn run(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let record = env.context.get("active_id").and_then(serde_json::Value::as_i64).unwrap_or_default();
    for id in &call.ids {
        let action = env.get(ACTION, *id)?;
        let of = env.get("ir.model", action.int("model_id"))?;
        let (_, model) = env.model(of.text("model"))?;
        rights::check(env, model, Operation::Write)?;
        webhooks::tell(env, *id, &action, (model, record));
    }
    Ok(Outcome::Plain(serde_json::Value::Bool(false)))
}

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    if record.text("trigger") == "on_state_set" {
        let choice = env.get("ir.model.fields.selection", record.int("trg_selection_field_id"))?;
        let field = choice.int("field_id");
        let name = env.get("ir.model.fields", field)?.text("name").to_owned();
        record.set("trigger_field_ids", Value::Refs(vec![field]));
        record.set("filter_domain", text(&format!("[('{name}', '=', '{}')]", choice.text("value"))));
    }
    if record.text("trigger") == "on_webhook" {
        let uuid = env.world.digits(32);
        record.set("webhook_uuid", text(&uuid));
    }
    Ok(())
}

/// 18 gives a webhook a name of its own; 19 keeps the one that was given.
pub(super) fn fill_action(env: &Env<'_>, record: &mut Record) {
    if record.text("state") == "webhook" && !env.version().is_new() {
        record.set("name", text("Send Webhook Notification"));
    }
}
