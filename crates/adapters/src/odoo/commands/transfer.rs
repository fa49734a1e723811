//! `validate_transfer`: what was really moved, and that it is over. Pure.
//!
//! A transfer that is done was validated; whether with these quantities is compared, and what differs goes to a person, since
//! nothing of it can be taken back here.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::moves::{self, Line};
use super::refer::{list, one, only, record, said, same, search, text, texts};
use super::seen::{Seen, Step, refused, unreadable};
use super::tracking::{PICKING, TRACKING, numbers};
use crate::odoo::call::Call;

/// `{"command": "validate_transfer", "record": …, "lines": […], "backorder": "make", "tracking": […]}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let id = record(seen, PICKING, &document["record"])?;
    let rest = Rest::of(document)?;
    let mut fields = vec!["name", "state", "picking_type_code", "backorder_ids"];
    if !texts(document, "tracking")?.is_empty() {
        fields.push(TRACKING);
    }
    let rows = seen.read(search(PICKING, json!([["id", "=", id]]), &fields))?;
    let row = only(rows, PICKING, id)?;
    let lines = moves::lines(list(document, "lines")?, seen)?;
    if lines.iter().all(|line| same(line.quantity, 0.0)) {
        return Err(unreadable("the command moves nothing"));
    }
    let all = moves::all(seen, "picking_id", id)?;
    match said(&row["state"]) {
        "cancel" => {
            return Err(refused(Refusal::Rule, Again::Never, format!("{} is cancelled", said(&row["name"]))));
        }
        "draft" => return Err(seen.change("confirm", Call::of_records(PICKING, "action_confirm", vec![id]))),
        "done" => {
            as_told(all, &lines, said(&row["name"]))?;
            numbers(document, (id, row), seen)?;
        }
        _ => {
            numbers(document, (id, row), seen)?;
            let open: Vec<&Value> = all.iter().filter(|row| moves::is_open(row)).collect();
            moves::hold(&open, &lines, said(&row["picking_type_code"]) == "incoming", seen)?;
            return Err(seen.change("validate", rest.validate(id)));
        }
    }
    Ok(json!({ "model": PICKING, "id": id, "name": row["name"], "state": "done", "backorders": row["backorder_ids"] }))
}

/// What becomes of what was not moved.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rest {
    /// It is planned again.
    Made,
    /// It is given up.
    Dropped,
}

impl Rest {
    pub(super) fn of(document: &Value) -> Step<Self> {
        match text(document, "backorder")? {
            "make" => Ok(Self::Made),
            "none" => Ok(Self::Dropped),
            other => Err(unreadable(format!("`backorder` is `make` or `none`, and not `{other}`"))),
        }
    }

    /// With both switches Odoo asks nobody.
    fn validate(self, id: u64) -> Call {
        let call = Call::of_records(PICKING, "button_validate", vec![id]).context("skip_backorder", true);
        match self {
            Self::Made => call,
            Self::Dropped => call.context("picking_ids_not_to_backorder", json!([id])),
        }
    }
}

/// Refuses a transfer that was done with other quantities.
fn as_told(rows: &[Value], lines: &[Line<'_>], name: &str) -> Step<()> {
    let done = rows.iter().filter(|row| said(&row["state"]) == "done");
    let moved = |product: Option<u64>| -> f64 {
        let of = done.clone().filter(|row| product.is_none_or(|product| one(&row["product_id"]) == Some(product)));
        of.map(|row| row["quantity"].as_f64().unwrap_or_default()).sum()
    };
    let told: f64 = lines.iter().map(|line| line.quantity).sum();
    let differs = lines.iter().find(|line| !same(moved(Some(line.product)), line.quantity));
    match differs {
        Some(line) => {
            let found = moved(Some(line.product));
            let why = format!("{name} is done already, with {found} of product {} and not {}", line.product, line.quantity);
            Err(refused(Refusal::Unmet, Again::Never, why))
        }
        None if !same(moved(None), told) => {
            Err(refused(Refusal::Unmet, Again::Never, format!("{name} is done already, with more products than these")))
        }
        None => Ok(()),
    }
}
