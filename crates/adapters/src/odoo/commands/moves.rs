//! Stock moves that should hold what was really moved or used up: quantities, lots, and that they are picked. Pure.
//!
//! Once one move of a transfer is picked, Odoo counts no other; so what was moved is picked, and what was not is not.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::lots::{self, Moved, Unknown};
use super::refer::{list, one, quantity, record, said, same, same_unit, search};
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
    let mut named = Vec::with_capacity(lines.len());
    for line in lines {
        let of: Vec<&Value> = done(rows).filter(|row| one(&row["product_id"]) == Some(line.product)).collect();
        let found: f64 = of.iter().map(|row| quantity_of(row)).sum();
        if !same(found, line.quantity) {
            return Ok(Some(format!("{found} of {} and not {}", listed_name(rows, line), line.quantity)));
        }
        named.push((of.iter().filter_map(|row| row["id"].as_u64()).collect(), line.told));
    }
    let Some((told, lots)) = lots::differ(&named, seen)? else { return Ok(None) };
    let line = lines.iter().find(|line| std::ptr::eq(line.told, told));
    Ok(Some(format!("the lots {lots} of {}", line.map_or_else(String::new, |line| listed_name(rows, line)))))
}

/// A move that should hold so much of what a line says.
#[derive(Clone, Copy, Debug)]
struct Share<'a> {
    row: &'a Value,
    quantity: f64,
    has_lots: bool,
}

impl Share<'_> {
    fn id(&self) -> u64 {
        self.row["id"].as_u64().unwrap_or_default()
    }

    fn is_moved(&self) -> bool {
        !same(self.quantity, 0.0)
    }

    fn is_held(&self) -> bool {
        let holds = same(quantity_of(self.row), self.quantity) || !self.is_moved();
        holds && self.row["picked"] == json!(self.is_moved())
    }

    /// What is written to the move. Where lines name lots they say how much it is.
    fn values(&self) -> Value {
        match (self.is_moved(), self.has_lots) {
            (true, false) => json!({ "quantity": self.quantity, "picked": true }),
            (is_moved, _) => json!({ "picked": is_moved }),
        }
    }
}

/// Asks for moves to hold what the lines say. What is written alike is one change.
pub(super) fn hold(rows: &[&Value], lines: &[Line<'_>], unknown: Unknown, seen: &Seen) -> Step<()> {
    let (mut all, mut moved): (Vec<Share<'_>>, Vec<Moved<'_>>) = (Vec::new(), Vec::new());
    for line in lines {
        let of: Vec<&Value> = rows.iter().copied().filter(|row| one(&row["product_id"]) == Some(line.product)).collect();
        let shares = shares(&of, line, seen)?;
        if let (true, [first, rest @ ..]) = (has_lots(line)?, shares.as_slice()) {
            if !rest.is_empty() {
                let why = format!("product {} has several moves, and which lot is in which is not said", line.product);
                return Err(refused(Refusal::Document, Again::Never, why));
            }
            moved.push(Moved { id: first.id(), product: line.product, line: line.told });
        }
        all.extend(shares);
    }
    lots::lines(&moved, unknown, seen)?;
    let lacking: Vec<&Share<'_>> = all.iter().filter(|share| !share.is_held()).collect();
    if let Some(first) = lacking.first() {
        let values = first.values();
        let alike: Vec<u64> = lacking.iter().filter(|share| share.values() == values).map(|share| share.id()).collect();
        let write = Call::of_records(MOVE, "write", alike).first("vals", values);
        return Err(seen.change(&format!("move {}", first.id()), write));
    }
    let is_named = |row: &Value| lines.iter().any(|line| one(&row["product_id"]) == Some(line.product));
    let other = rows.iter().filter(|row| !is_named(row) && row["picked"] == json!(true));
    let other: Vec<u64> = other.filter_map(|row| row["id"].as_u64()).collect();
    match other.first() {
        Some(first) => {
            let name = format!("move {first} is not picked");
            Err(seen.change(&name, Call::of_records(MOVE, "write", other).first("vals", json!({ "picked": false }))))
        }
        None => Ok(()),
    }
}

fn has_lots(line: &Line<'_>) -> Step<bool> {
    Ok(!list(line.told, "lots")?.is_empty())
}

/// Each move gets up to its demand, the last what is left.
fn shares<'a>(of: &[&'a Value], line: &Line<'_>, seen: &Seen) -> Step<Vec<Share<'a>>> {
    let Some((last, others)) = of.split_last() else {
        let why = format!("there is no move of product {}", line.product);
        return Err(refused(Refusal::Reference, Again::Never, why));
    };
    let has_lots = has_lots(line)?;
    let mut left = line.quantity;
    let mut shares = Vec::with_capacity(of.len());
    for row in others {
        let share = row["product_uom_qty"].as_f64().unwrap_or_default().min(left);
        left -= share;
        shares.push(Share { row, quantity: share, has_lots });
    }
    shares.push(Share { row: last, quantity: left, has_lots });
    for row in of {
        same_unit(seen, line.told, row, UNIT)?;
    }
    Ok(shares)
}
