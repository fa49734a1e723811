//! Automation rules: what a trigger fills in by itself, and what an action is called by version.

use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, text};

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
