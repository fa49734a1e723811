//! `post_message` and `schedule_activity`: words for people at a record. Pure.
//!
//! Odoo keeps nobody from saying the same twice, so each has a name of ours: a message its message id, an activity its external
//! id, both made of the key that all attempts of a delivery share.

use serde_json::{Value, json};

use super::refer::{own, record, search, text};
use super::seen::{Seen, Step, unreadable};
use crate::odoo::call::Call;
use crate::odoo::fields::model_there;

const MESSAGE: &str = "mail.message";
const ACTIVITY: &str = "mail.activity";

/// `{"command": "post_message", "model": "sale.order", "record": …, "body": "…", "html": false}`. As a note: it is sent to nobody.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let model = model_there(&seen.version, text(document, "model")?);
    let id = record(seen, model, &document["record"])?;
    let key = format!("<{}@crossdock>", seen.key);
    let domain = json!([["model", "=", model], ["res_id", "=", id], ["message_id", "=", key]]);
    let rows = seen.read(search(MESSAGE, domain, &["message_id"]).with("limit", 1))?;
    if let Some(row) = rows.get(0) {
        return Ok(json!({ "model": MESSAGE, "id": row["id"], "of": model, "of_id": id }));
    }
    let mut post = Call::of_records(model, "message_post", vec![id])
        .with("body", text(document, "body")?)
        .with("message_type", "comment")
        .with("subtype_xmlid", "mail.mt_note")
        .with("message_id", key);
    match document.get("html") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::Bool(true)) => post = post.with("body_is_html", true),
        Some(_) => return Err(unreadable("`html` is true or false")),
    }
    Err(seen.change("post", post))
}

/// `{"command": "schedule_activity", "model": "sale.order", "record": …, "summary": "…", "note": "…", "due": "2026-12-01", "user": …}`.
pub(super) fn schedule(document: &Value, seen: &Seen) -> Step<Value> {
    let model = model_there(&seen.version, text(document, "model")?);
    let id = record(seen, model, &document["record"])?;
    let external = format!("crossdock.activity_{}", seen.key);
    if let Some(activity) = own(seen, ACTIVITY, &external, "schedule")? {
        return Ok(json!({ "model": ACTIVITY, "id": activity, "of": model, "of_id": id }));
    }
    let mut columns = vec!["id", "res_id", "summary"];
    let mut row = vec![external, id.to_string(), text(document, "summary")?.to_owned()];
    for (name, field) in [("note", "note"), ("due", "date_deadline")] {
        if document.get(name).is_some_and(|value| !value.is_null()) {
            columns.push(field);
            row.push(text(document, name)?.to_owned());
        }
    }
    if let Some(user) = document.get("user").filter(|user| !user.is_null()) {
        columns.push("user_id/.id");
        row.push(record(seen, "res.users", user)?.to_string());
    }
    // Plain users may not read `ir.model`; Odoo finds the number of the model itself.
    let load = Call::of_model(ACTIVITY, "load")
        .first("fields", json!(columns))
        .first("data", json!([row]))
        .context("default_res_model", model);
    match seen.came("schedule") {
        Some(Ok(answer)) if !answer["ids"].is_array() => Err(super::upsert::not_loaded(answer)),
        Some(_) | None => Err(seen.change("schedule", load)),
    }
}
