//! `start_production` and `finish_production`: an order that begins, and one that ends with what was made and used up. Pure.
//!
//! Nothing is consumed by writing how much was made, and to silence Odoo's question about it ends the order with nothing used
//! up at all. So the components are written and read again before the order is ended.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::lots::registered;
use super::moves::{self, Line};
use super::refer::{found, list, nothing, one, only, quantity, said, same, same_unit, search, texts};
use super::seen::{Need, Seen, Step, refused, unreadable};
use super::transfer::Rest;
use crate::odoo::call::Call;
use crate::odoo::fields::name_there;

const ORDER: &str = "mrp.production";
const WORK: &str = "mrp.workorder";
const FIELDS: &[&str] = &["name", "state", "product_id", "product_qty", "qty_producing", "qty_produced"];
/// Its unit, where the version and the modules have the field.
const UNIT: &str = "product_uom_id";
/// What was produced goes under these.
const LOTS: &str = "lot_producing_ids";

/// `{"command": "start_production", "record": …}`. An order without work orders is confirmed: Odoo has no other beginning of it.
pub(super) fn start(document: &Value, seen: &Seen) -> Step<Value> {
    let id = order(document, seen)?;
    let rows = seen.read(search(ORDER, json!([["id", "=", id]]), FIELDS))?;
    let row = only(rows, ORDER, id)?;
    match said(&row["state"]) {
        "draft" => return Err(seen.change("confirm", Call::of_records(ORDER, "action_confirm", vec![id]))),
        "confirmed" => {
            let works = seen.read(search(WORK, json!([["production_id", "=", id]]), &["state"]))?;
            let is_next = |work: &&Value| !matches!(said(&work["state"]), "progress" | "done" | "cancel");
            let next = works.as_array().into_iter().flatten().find(is_next).and_then(|work| work["id"].as_u64());
            if let Some(next) = next {
                return Err(seen.change("start", Call::of_records(WORK, "button_start", vec![next])));
            }
        }
        "cancel" => return Err(cancelled(row)),
        _ => {}
    }
    Ok(json!({ "model": ORDER, "id": id, "name": row["name"], "state": row["state"] }))
}

/// `{"command": "finish_production", "record": …, "quantity": "2", "lots": […], "consumption": […], "backorder": "make"}`.
pub(super) fn finish(document: &Value, seen: &Seen) -> Step<Value> {
    let id = order(document, seen)?;
    let (made, rest) = (quantity(document, "quantity")?, Rest::of(document)?);
    if same(made, 0.0) {
        return Err(unreadable("the command produces nothing"));
    }
    let mut fields = FIELDS.to_vec();
    let lots = name_there(&seen.version, ORDER, LOTS);
    let known = &seen.fields(ORDER)?.0;
    fields.extend([UNIT, lots].into_iter().filter(|field| known.contains_key(*field)));
    let rows = seen.read(search(ORDER, json!([["id", "=", id]]), &fields))?;
    let row = only(rows, ORDER, id)?;
    match said(&row["state"]) {
        "draft" => return Err(seen.change("confirm", Call::of_records(ORDER, "action_confirm", vec![id]))),
        "cancel" => return Err(cancelled(row)),
        "done" => {
            let produced = row["qty_produced"].as_f64().unwrap_or_default();
            if !same(produced, made) {
                let why = format!("{} is done already, with {produced} and not {made}", said(&row["name"]));
                return Err(refused(Refusal::Unmet, Again::Never, why));
            }
            return Ok(json!({ "model": ORDER, "id": id, "name": row["name"], "state": "done", "qty_produced": produced }));
        }
        _ => {}
    }
    same_unit(seen, document, row, UNIT)?;
    producing(document, (id, row), made, seen)?;
    let share = made / row["product_qty"].as_f64().filter(|whole| *whole > 0.0).unwrap_or(made);
    consumed(document, id, share, seen)?;
    // What was used up is written and was read: the question about it is answered.
    let mut end = Call::of_records(ORDER, "button_mark_done", vec![id]).context("skip_consumption", true);
    if share < 1.0 && !same(share, 1.0) {
        end = end.context("skip_backorder", true);
        if matches!(rest, Rest::Made) {
            end = end.context("mo_ids_to_backorder", json!([id]));
        }
    }
    Err(seen.change("finish", end))
}

/// The order. One that left a rest behind has another name since: its own with `-001`.
pub(super) fn order(document: &Value, seen: &Seen) -> Step<u64> {
    let reference = document.get("record").ok_or_else(|| unreadable("the command has no `record`"))?;
    if let Some(id) = found(seen, ORDER, reference)? {
        return Ok(id);
    }
    if let Some(name) = reference["find"]["name"].as_str() {
        let mut first = reference.clone();
        first["find"]["name"] = json!(format!("{name}-001"));
        if let Some(id) = found(seen, ORDER, &first)? {
            return Ok(id);
        }
    }
    Err(nothing(ORDER, reference))
}

fn cancelled(row: &Value) -> Need {
    refused(Refusal::Rule, Again::Never, format!("{} is cancelled", said(&row["name"])))
}

/// How much is made, and under which lots.
fn producing(document: &Value, (id, row): (u64, &Value), made: f64, seen: &Seen) -> Step<()> {
    if !same(row["qty_producing"].as_f64().unwrap_or_default(), made) {
        let write = Call::of_records(ORDER, "write", vec![id]).first("vals", json!({ "qty_producing": made }));
        return Err(seen.change("quantity", write));
    }
    let names = texts(document, "lots")?;
    let product = one(&row["product_id"]).unwrap_or_default();
    let ids = registered(seen, product, &names)?;
    let field = name_there(&seen.version, ORDER, LOTS);
    let is_list = field == LOTS;
    match ids.as_slice() {
        [] => Ok(()),
        [only] if !is_list => {
            if one(&row[field]) == Some(*only) {
                return Ok(());
            }
            let write = Call::of_records(ORDER, "write", vec![id]).first("vals", json!({ field: only }));
            Err(seen.change("lots of the product", write))
        }
        _ if !is_list => Err(unreadable("an order of this version has one lot")),
        ids => {
            let mut there: Vec<u64> = row[field].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
            let mut wanted = ids.to_vec();
            there.sort_unstable();
            wanted.sort_unstable();
            if there == wanted {
                return Ok(());
            }
            let write = Call::of_records(ORDER, "write", vec![id]).first("vals", json!({ field: [[6, 0, ids]] }));
            Err(seen.change("lots of the product", write))
        }
    }
}

/// What was used up, as the document says; where it says nothing, as the bill of materials does.
fn consumed(document: &Value, id: u64, share: f64, seen: &Seen) -> Step<()> {
    let all = moves::all(seen, "raw_material_production_id", id)?;
    let open: Vec<&Value> = all.iter().filter(|row| moves::is_open(row)).collect();
    let told = list(document, "consumption")?;
    let none = Value::Null;
    let lines = if told.is_empty() {
        let of = |row: &&Value| -> Option<Line<'_>> {
            let quantity = row["product_uom_qty"].as_f64()? * share;
            Some(Line { product: one(&row["product_id"])?, quantity, told: &none })
        };
        let mut lines: Vec<Line<'_>> = Vec::new();
        for line in open.iter().filter_map(of) {
            match lines.iter_mut().find(|known| known.product == line.product) {
                Some(known) => known.quantity += line.quantity,
                None => lines.push(line),
            }
        }
        lines
    } else {
        moves::lines(told, seen)?
    };
    moves::hold(&open, &lines, false, seen)
}
