//! `set_tracking`: tracking numbers of a transfer, before or after it is done. Must never take away one that is there. Pure.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::refer::{only, record, said, search, texts};
use super::seen::{Seen, Step, refused};
use crate::odoo::call::Call;

/// The model.
pub(super) const PICKING: &str = "stock.picking";
/// Its field; of the module `stock_delivery`.
pub(super) const TRACKING: &str = "carrier_tracking_ref";

/// `{"command": "set_tracking", "record": …, "tracking": ["1Z…"]}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let id = record(seen, PICKING, &document["record"])?;
    let rows = seen.read(search(PICKING, json!([["id", "=", id]]), &["name", "state", TRACKING]))?;
    let row = only(rows, PICKING, id)?;
    if said(&row["state"]) == "cancel" {
        return Err(refused(Refusal::Rule, Again::Never, format!("{} is cancelled", said(&row["name"]))));
    }
    numbers(document, (id, row), seen)?;
    Ok(json!({ "model": PICKING, "id": id, "name": row["name"], "tracking": row[TRACKING] }))
}

/// Asks for the numbers to be among those of a transfer. Others stay: they may be another box's, and one that was made void is
/// taken away by a person. Without numbers nothing is asked of the field.
pub(super) fn numbers(document: &Value, (id, row): (u64, &Value), seen: &Seen) -> Step<()> {
    let there = said(&row[TRACKING]);
    let mut all: Vec<String> = Vec::new();
    if !there.trim().is_empty() {
        all.push(there.to_owned());
    }
    let known = all.len();
    for number in texts(document, "tracking")? {
        let is_there = parts(&number).all(|part| all.iter().any(|known| parts(known).any(|it| it == part)));
        if !is_there {
            all.push(number);
        }
    }
    if all.len() == known {
        return Ok(());
    }
    let write = Call::of_records(PICKING, "write", vec![id]).first("vals", json!({ TRACKING: all.join(",") }));
    Err(seen.change("tracking", write))
}

/// The numbers in one field: Odoo joins them by commas, and people by what they like.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|at: char| matches!(at, ',' | ';' | '+') || at.is_whitespace()).filter(|part| !part.is_empty())
}
