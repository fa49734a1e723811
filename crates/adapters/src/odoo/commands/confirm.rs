//! `confirm`: an order of customers, an order to suppliers, a production order. Pure.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::production;
use super::refer::{only, record, said, search, text};
use super::seen::{Seen, Step, refused, unreadable};
use crate::odoo::call::Call;

/// What confirming is to a model: its method, the states before it and those behind it.
struct Confirming {
    model: &'static str,
    method: &'static str,
    before: &'static [&'static str],
    behind: &'static [&'static str],
}

const CONFIRMING: &[Confirming] = &[
    Confirming { model: "sale.order", method: "action_confirm", before: &["draft", "sent"], behind: &["sale", "done"] },
    Confirming {
        model: "purchase.order",
        method: "button_confirm",
        before: &["draft", "sent"],
        behind: &["purchase", "done"],
    },
    Confirming {
        model: "mrp.production",
        method: "action_confirm",
        before: &["draft"],
        behind: &["confirmed", "progress", "to_close", "done"],
    },
];

/// `{"command": "confirm", "model": "sale.order", "record": …}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let model = text(document, "model")?;
    let confirming = CONFIRMING.iter().find(|it| it.model == model);
    let confirming = confirming.ok_or_else(|| unreadable(format!("a {model} cannot be confirmed")))?;
    let id = match model {
        "mrp.production" => production::order(document, seen)?,
        _ => record(seen, model, &document["record"])?,
    };
    let rows = seen.read(search(model, json!([["id", "=", id]]), &["name", "state"]))?;
    let row = only(rows, model, id)?;
    let state = said(&row["state"]);
    if confirming.behind.contains(&state) {
        return Ok(json!({ "model": model, "id": id, "name": row["name"], "state": state }));
    }
    if confirming.before.contains(&state) {
        return Err(seen.change("confirm", Call::of_records(model, confirming.method, vec![id])));
    }
    let why = format!("{} is {state}, and cannot be confirmed", said(&row["name"]));
    Err(refused(Refusal::Rule, Again::Never, why))
}
