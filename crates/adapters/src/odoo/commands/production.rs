//! `start_production` and `finish_production`: an order that begins, and one that ends with what was made and used up. Pure.
//!
//! Nothing is consumed by writing how much was made, and to silence Odoo's question about it ends the order with nothing used
//! up at all. So the components are written and read again before the order is ended. An order is done for a command only under
//! the command's note (`marks`); else it is about what is left of it (`batch`).

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::batch;
use super::lots::{self, Unknown, registered};
use super::marks::{self, Doing, Whose};
use super::moves::{self, Line};
use super::refer::{found, list, nothing, one, only, quantity, said, same, same_unit, search, texts};
use super::seen::{Need, Seen, Step, refused, unreadable};
use super::transfer::Rest;
use crate::odoo::call::Call;
use crate::odoo::fields::name_there;

/// The model.
pub(super) const ORDER: &str = "mrp.production";
const WORK: &str = "mrp.workorder";
const FIELDS: &[&str] =
    &["name", "state", "product_id", "product_qty", "qty_producing", "qty_produced", "backorder_sequence", "write_uid"];
/// Its unit, where the version and the modules have the field.
const UNIT: &str = "product_uom_id";
/// What was produced goes under these.
const LOTS: &str = "lot_producing_ids";
/// What is done to an order once.
pub(super) const FINISH: Doing = Doing { model: ORDER, word: "finish", when: "date_finished" };
/// An order begins once too, and what is left of it later begins anew.
const START: Doing = Doing { model: ORDER, word: "start", when: "date_start" };

/// `{"command": "start_production", "record": …}`. An order without work orders is confirmed: Odoo has no other beginning of it.
/// To begin adds nothing, so an order that is under way has begun, whoever began it; of one that is done the open rest begins.
pub(super) fn start(document: &Value, seen: &Seen) -> Step<Value> {
    let named = noted(START, document, seen)?;
    let fields = fields(seen);
    let rows = seen.read(search(ORDER, json!([["id", "=", named]]), &fields))?;
    let row = only(rows, ORDER, named)?;
    let mut all = vec![row];
    all.extend(batch::rests(named, row, &fields, seen)?);
    let ids: Vec<u64> = all.iter().filter_map(|row| row["id"].as_u64()).collect();
    let notes = START.notes(&ids, seen)?;
    let is_ours = |row: &&&Value| marks::ours(&notes, id(row), seen) != Whose::Nobodys;
    let begun = all.iter().find(is_ours).or_else(|| all.iter().find(|row| batch::is_open(row)));
    let row = begun.copied().unwrap_or(row);
    if said(&row["state"]) == "cancel" {
        return Err(cancelled(row));
    }
    let whose = marks::ours(&notes, id(row), seen);
    START.guarded(begin(id(row), row, seen), (id(row), whose), "Started.", seen)?;
    Ok(json!({ "model": ORDER, "id": id(row), "name": row["name"], "state": row["state"] }))
}

fn begin(id: u64, row: &Value, seen: &Seen) -> Step<()> {
    match said(&row["state"]) {
        "draft" => Err(seen.change("confirm", Call::of_records(ORDER, "action_confirm", vec![id]))),
        "confirmed" => {
            let works = seen.read(search(WORK, json!([["production_id", "=", id]]), &["state"]))?;
            let is_next = |work: &&Value| !matches!(said(&work["state"]), "progress" | "done" | "cancel");
            let next = works.as_array().into_iter().flatten().find(is_next).and_then(|work| work["id"].as_u64());
            next.map_or(Ok(()), |next| Err(seen.change("start", Call::of_records(WORK, "button_start", vec![next]))))
        }
        _ => Ok(()),
    }
}

/// `{"command": "finish_production", "record": …, "quantity": "2", "lots": […], "consumption": […], "backorder": "make"}`.
pub(super) fn finish(document: &Value, seen: &Seen) -> Step<Value> {
    let (made, rest) = (quantity(document, "quantity")?, Rest::of(document)?);
    if same(made, 0.0) {
        return Err(unreadable("the command produces nothing"));
    }
    let named = noted(FINISH, document, seen)?;
    let mut fields = fields(seen);
    fields.push(FINISH.when);
    let lots = name_there(&seen.version, ORDER, LOTS);
    let known = &seen.fields(ORDER)?.0;
    fields.extend([UNIT, lots].into_iter().filter(|field| known.contains_key(*field)));
    let batch = batch::production(named, &fields, seen)?;
    let (id, row) = (batch.id, batch.row);
    match said(&row["state"]) {
        "cancel" => return FINISH.guarded(Err(cancelled(row)), (id, batch.whose), "", seen),
        "done" if FINISH.is_by_hand((id, row), batch.whose, seen) => {
            let by_hand = Err(batch::by_hand(row, &batch::produced(row)));
            return FINISH.guarded(by_hand, (id, batch.whose), "", seen);
        }
        "done" => {
            as_told(document, (id, row), made, seen)?;
            let produced = &row["qty_produced"];
            return Ok(json!({ "model": ORDER, "id": id, "name": row["name"], "state": "done", "qty_produced": produced }));
        }
        _ => {}
    }
    let says = format!("Finished with {made} produced.");
    let step = finished(document, (id, row), made, seen).and_then(|share| {
        // What was used up is written and was read: the question about it is answered.
        let mut end = Call::of_records(ORDER, "button_mark_done", vec![id]).context("skip_consumption", true);
        if share < 1.0 && !same(share, 1.0) {
            end = end.context("skip_backorder", true);
            if matches!(rest, Rest::Made) {
                end = end.context("mo_ids_to_backorder", json!([id]));
            }
        }
        Err(FINISH.done(id, end, seen))
    });
    FINISH.guarded(step, (id, batch.whose), &says, seen)
}

/// Asks for all that has to be so before an order is finished. Answers the part of it that is made.
fn finished(document: &Value, (id, row): (u64, &Value), made: f64, seen: &Seen) -> Step<f64> {
    if said(&row["state"]) == "draft" {
        return Err(seen.change("confirm", Call::of_records(ORDER, "action_confirm", vec![id])));
    }
    same_unit(seen, document, row, UNIT)?;
    producing(document, (id, row), made, seen)?;
    let share = made / row["product_qty"].as_f64().filter(|whole| *whole > 0.0).unwrap_or(made);
    consumed(document, id, share, seen)?;
    Ok(share)
}

/// Refuses an order of ours that was finished with another quantity, other lots, or with more or less used up than was told.
fn as_told(document: &Value, (id, row): (u64, &Value), made: f64, seen: &Seen) -> Step<()> {
    let differs = |how: String| {
        let why = format!("{} was finished for this delivery, but with {how}", said(&row["name"]));
        Err(refused(Refusal::Unmet, Again::Never, why))
    };
    let produced = row["qty_produced"].as_f64().unwrap_or_default();
    if !same(produced, made) {
        return differs(format!("{produced} produced and not {made}"));
    }
    let names = texts(document, "lots")?;
    if !names.is_empty() {
        let known = lots::known(seen, one(&row["product_id"]).unwrap_or_default(), &names)?;
        let mut wanted: Vec<u64> = known.into_iter().map(|(_, id)| id).collect();
        wanted.sort_unstable();
        if wanted.len() < names.len() || wanted != under(row, seen) {
            return differs("other lots of its product".to_owned());
        }
    }
    let told = moves::lines(list(document, "consumption")?, seen)?;
    if told.is_empty() {
        return Ok(());
    }
    let all = moves::all(seen, "raw_material_production_id", id)?;
    moves::differs(all, &told, seen)?.map_or(Ok(()), differs)
}

/// The lots that an order's product goes under: one before 19, a list since.
fn under(row: &Value, seen: &Seen) -> Vec<u64> {
    let field = name_there(&seen.version, ORDER, LOTS);
    let mut there: Vec<u64> = match field {
        LOTS => row[field].as_array().into_iter().flatten().filter_map(Value::as_u64).collect(),
        _ => one(&row[field]).into_iter().collect(),
    };
    there.sort_unstable();
    there
}

fn fields(seen: &Seen) -> Vec<&'static str> {
    FIELDS.iter().copied().chain([batch::group(seen)]).collect()
}

fn id(row: &Value) -> u64 {
    row["id"].as_u64().unwrap_or_default()
}

/// The order that has our note, else the one that the document names.
fn noted(doing: Doing, document: &Value, seen: &Seen) -> Step<u64> {
    match doing.home(seen)? {
        Some(home) => Ok(home),
        None => order(document, seen),
    }
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
    let mut ids = registered(seen, product, &names)?;
    ids.sort_unstable();
    if ids.is_empty() || ids == under(row, seen) {
        return Ok(());
    }
    let field = name_there(&seen.version, ORDER, LOTS);
    let values = match ids.as_slice() {
        ids if field == LOTS => json!({ field: [[6, 0, ids]] }),
        [only] => json!({ field: only }),
        _ => return Err(unreadable("an order of this version has one lot")),
    };
    Err(seen.change("lots of the product", Call::of_records(ORDER, "write", vec![id]).first("vals", values)))
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
    moves::hold(&open, &lines, Unknown::AreRefused, seen)
}
