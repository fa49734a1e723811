//! `set_tracking`: the tracking numbers of a transfer, before or after it is done. Pure.

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

/// Asks for the numbers to be set where they are other ones. Without numbers nothing is asked of the field.
pub(super) fn numbers(document: &Value, (id, row): (u64, &Value), seen: &Seen) -> Step<()> {
    let wanted = texts(document, "tracking")?.join(",");
    if wanted.is_empty() || said(&row[TRACKING]) == wanted {
        return Ok(());
    }
    let write = Call::of_records(PICKING, "write", vec![id]).first("vals", json!({ TRACKING: wanted }));
    Err(seen.change("tracking", write))
}
