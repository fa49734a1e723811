//! `post_invoice`: an invoice, a refund or another entry that is a draft. Pure.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::refer::{only, record, said, search};
use super::seen::{Seen, Step, refused};
use crate::odoo::call::Call;

const ENTRY: &str = "account.move";

/// `{"command": "post_invoice", "record": …}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let id = record(seen, ENTRY, &document["record"])?;
    let rows = seen.read(search(ENTRY, json!([["id", "=", id]]), &["name", "state"]))?;
    let row = only(rows, ENTRY, id)?;
    match said(&row["state"]) {
        "posted" => Ok(json!({ "model": ENTRY, "id": id, "name": row["name"], "state": "posted" })),
        "draft" => Err(seen.change("post", Call::of_records(ENTRY, "action_post", vec![id]))),
        state => {
            Err(refused(Refusal::Rule, Again::Never, format!("{} is {state}, and cannot be posted", said(&row["name"]))))
        }
    }
}
