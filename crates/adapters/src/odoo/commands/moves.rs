//! Stock moves that should hold what was really moved or used up: quantities, lots, and that they are picked. Pure.
//!
//! Once one move of a transfer is picked, Odoo counts no other; so what was moved is picked, and what was not is not.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::lots::{self, Moved};
use super::refer::{one, quantity, record, said, same, same_unit, search};
use super::seen::{Seen, Step, refused, unreadable};
use crate::odoo::call::Call;

/// The model.
pub(super) const MOVE: &str = "stock.move";
/// Its unit, where the version and the modules have the field.
const UNIT: &str = "product_uom";

/// The moves of a record, done and cancelled ones too.
pub(super) fn all<'a>(seen: &'a Seen, of: &str, id: u64) -> Step<&'a [Value]> {
    let mut fields = vec!["product_id", "product_uom_qty", "quantity", "picked", "state"];
    if seen.fields(MOVE)?.0.contains_key(UNIT) {
        fields.push(UNIT);
    }
    let rows = seen.read(search(MOVE, json!([[of, "=", id]]), &fields))?;
    Ok(rows.as_array().map_or(&[][..], Vec::as_slice))
}

/// Whether a move can still be changed.
pub(super) fn is_open(row: &Value) -> bool {
    !matches!(said(&row["state"]), "done" | "cancel")
}

/// The moves that were made.
pub(super) fn done(rows: &[Value]) -> impl Iterator<Item = &Value> {
    rows.iter().filter(|row| said(&row["state"]) == "done")
}

/// What a move holds.
pub(super) fn quantity_of(row: &Value) -> f64 {
    row["quantity"].as_f64().unwrap_or_default()
}

/// What was moved of a product, as a line of the document says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) product: u64,
    pub(super) quantity: f64,
    pub(super) told: &'a Value,
}

/// The lines of a document, each with its product; a product has one.
pub(super) fn lines<'a>(items: &'a [Value], seen: &Seen) -> Step<Vec<Line<'a>>> {
    let mut lines: Vec<Line<'_>> = Vec::with_capacity(items.len());
    for line in items {
        let product = record(seen, "product.product", &line["product"])?;
        if lines.iter().any(|known| known.product == product) {
            return Err(unreadable(format!("product {product} has two lines")));
        }
        lines.push(Line { product, quantity: quantity(line, "quantity")?, told: line });
    }
    Ok(lines)
}

/// What moves were made with, in words.
pub(super) fn told(rows: &[Value]) -> String {
    let names: Vec<String> = done(rows).map(|row| format!("{} of {}", quantity_of(row), name(row))).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// What lines say, in words.
pub(super) fn listed(rows: &[Value], lines: &[Line<'_>]) -> String {
    let of = |line: &Line<'_>| format!("{} of {}", line.quantity, listed_name(rows, line));
    lines.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn listed_name(rows: &[Value], line: &Line<'_>) -> String {
    let row = rows.iter().find(|row| one(&row["product_id"]) == Some(line.product));
    row.map_or_else(|| format!("product {}", line.product), |row| name(row).to_owned())
}

fn name(row: &Value) -> &str {
    row["product_id"].get(1).and_then(Value::as_str).unwrap_or("a product")
}

/// How moves that were made differ from what lines say, quantities and the lots that they name; nothing where they do not.
pub(super) fn differs(rows: &[Value], lines: &[Line<'_>], seen: &Seen) -> Step<Option<String>> {
    for line in lines {
        let of: Vec<&Value> = done(rows).filter(|row| one(&row["product_id"]) == Some(line.product)).collect();
        let found: f64 = of.iter().map(|row| quantity_of(row)).sum();
        if !same(found, line.quantity) {
            return Ok(Some(format!("{found} of {} and not {}", listed_name(rows, line), line.quantity)));
        }
        let ids: Vec<u64> = of.iter().filter_map(|row| row["id"].as_u64()).collect();
        if let Some(lots) = lots::differ(&ids, line.told, seen)? {
            return Ok(Some(format!("the lots {lots} of {}", listed_name(rows, line))));
        }
    }
    Ok(None)
}

/// What moves hold when they are picked: move and quantity.
type Share<'a> = (&'a Value, f64);

/// Asks for moves to hold what the lines say. `brings` says whether unknown lots come in with them.
pub(super) fn hold(rows: &[&Value], lines: &[Line<'_>], brings: bool, seen: &Seen) -> Step<()> {
    for line in lines {
        let of: Vec<&Value> = rows.iter().copied().filter(|row| one(&row["product_id"]) == Some(line.product)).collect();
        for (row, share) in shares(&of, line, seen)? {
            let is_alone = of.len() == 1;
            picked(row, share, (line, is_alone, brings), seen)?;
        }
    }
    let is_named = |row: &Value| lines.iter().any(|line| one(&row["product_id"]) == Some(line.product));
    if let Some(row) = rows.iter().find(|row| !is_named(row) && row["picked"] == json!(true)) {
        let id = row["id"].as_u64().unwrap_or_default();
        let write = Call::of_records(MOVE, "write", vec![id]).first("vals", json!({ "picked": false }));
        return Err(seen.change(&format!("move {id} is not picked"), write));
    }
    Ok(())
}

/// Each move gets up to its demand, the last what is left.
fn shares<'a>(of: &[&'a Value], line: &Line<'_>, seen: &Seen) -> Step<Vec<Share<'a>>> {
    let Some((last, others)) = of.split_last() else {
        let why = format!("there is no move of product {}", line.product);
        return Err(refused(Refusal::Reference, Again::Never, why));
    };
    let mut left = line.quantity;
    let mut shares = Vec::with_capacity(of.len());
    for row in others {
        let share = row["product_uom_qty"].as_f64().unwrap_or_default().min(left);
        left -= share;
        shares.push((*row, share));
    }
    shares.push((*last, left));
    for row in of {
        same_unit(seen, line.told, row, UNIT)?;
    }
    Ok(shares)
}

fn picked(row: &Value, share: f64, (line, is_alone, brings): (&Line<'_>, bool, bool), seen: &Seen) -> Step<()> {
    let id = row["id"].as_u64().unwrap_or_default();
    let has_lots = !super::refer::list(line.told, "lots")?.is_empty();
    if has_lots {
        if !is_alone {
            let why = format!("product {} has several moves, and which lot is in which is not said", line.product);
            return Err(refused(Refusal::Document, Again::Never, why));
        }
        lots::lines(Moved { id, product: line.product, line: line.told, brings }, seen)?;
    }
    let is_moved = !same(share, 0.0);
    let holds = same(quantity_of(row), share);
    if row["picked"] == json!(is_moved) && (holds || !is_moved) {
        return Ok(());
    }
    // The lines say how much it is where they name lots.
    let values =
        if has_lots || !is_moved { json!({ "picked": is_moved }) } else { json!({ "quantity": share, "picked": true }) };
    Err(seen.change(&format!("move {id}"), Call::of_records(MOVE, "write", vec![id]).first("vals", values)))
}
