//! Lots and serial numbers: `register_lots`, and the lines of moves that say which of them were moved. Pure.
//!
//! The lines of all moves of a record are read at once and written at once, so that many products cost no more reads than one.

use std::collections::BTreeMap;

use model::Digest;
use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::refer::{list, one, own, quantity, record, said, same, search, text, texts};
use super::seen::{Seen, Step, refused, unreadable};
use super::upsert::not_loaded;
use crate::odoo::call::Call;

/// The models.
const LOT: &str = "stock.lot";
const LINE: &str = "stock.move.line";
/// LIMIT: lots that are made in one change; what is behind them is made in the next, so that an attempt that ends has made some.
const MADE_AT_ONCE: usize = 200;
/// LIMIT: lines of moves that are written or made in one change, for the same reason.
const LINES_AT_ONCE: usize = 200;

/// `{"command": "register_lots", "product": …, "lots": ["SN-1"]}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let product = record(seen, "product.product", &document["product"])?;
    let names = texts(document, "lots")?;
    let ids = registered(seen, product, &names)?;
    Ok(json!({ "model": LOT, "ids": ids }))
}

/// The lots of a product by name, made where they are not there. Odoo looks whether a name is there already, and two who make it
/// at the same moment do not see each other there; but an external id is there once, and each lot is made with one of ours.
pub(super) fn registered(seen: &Seen, product: u64, names: &[String]) -> Step<Vec<u64>> {
    let known = known(seen, product, names)?;
    let mut missing = names.iter().filter(|name| !known.iter().any(|(lot, _)| lot == *name)).take(MADE_AT_ONCE).peekable();
    let Some(first) = missing.peek() else { return Ok(known.into_iter().map(|(_, id)| id).collect()) };
    let change = format!("lots from {first}");
    if let Some(Ok(answer)) = seen.came(&change).filter(|came| matches!(came, Ok(answer) if !answer["ids"].is_array())) {
        return Err(not_loaded(answer));
    }
    let mut rows = Vec::new();
    for name in missing {
        let external = format!("crossdock.lot_{product}_{}", Digest::of(name.as_bytes()));
        if let Some(lot) = own(seen, LOT, &external, &change)? {
            let why = format!("the lot {name} of product {product} was made, and has another name now: {LOT} {lot}");
            return Err(refused(Refusal::Unmet, Again::Never, why));
        }
        rows.push(json!([external, name, product.to_string()]));
    }
    let load =
        Call::of_model(LOT, "load").first("fields", json!(["id", "name", "product_id/.id"])).first("data", json!(rows));
    Err(seen.change(&change, load))
}

/// The lots of a product among these names, and their ids.
pub(super) fn known(seen: &Seen, product: u64, names: &[String]) -> Step<Vec<(String, u64)>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let domain = json!([["product_id", "=", product], ["name", "in", names]]);
    let rows = seen.read(search(LOT, domain, &["name"]))?.as_array().map_or(&[][..], Vec::as_slice);
    Ok(rows.iter().filter_map(|row| Some((said(&row["name"]).to_owned(), row["id"].as_u64()?))).collect())
}

/// A move whose lines should name lots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved<'a> {
    pub(super) id: u64,
    pub(super) product: u64,
    /// The line of the document.
    pub(super) line: &'a Value,
}

/// Whether lots that are not known yet come in with the moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// They come in with them.
    ComeIn,
    /// What was never there cannot leave.
    AreRefused,
}

/// A part of a move under one lot.
#[derive(Debug)]
struct Part {
    of: u64,
    product: u64,
    /// Its place in the line of the document.
    nth: usize,
    name: String,
    lot: Option<u64>,
    quantity: f64,
}

impl Part {
    fn is_in(&self, row: &Value) -> bool {
        let is_lot = match self.lot {
            Some(lot) => one(&row["lot_id"]) == Some(lot),
            None => one(&row["lot_id"]).is_none() && said(&row["lot_name"]) == self.name,
        };
        one(&row["move_id"]) == Some(self.of) && is_lot && same(row["quantity"].as_f64().unwrap_or_default(), self.quantity)
    }
}

/// Asks for the lines of moves to be as their lots say: a line for each lot, and no other.
pub(super) fn lines(moved: &[Moved<'_>], unknown: Unknown, seen: &Seen) -> Step<()> {
    let parts = parts(moved, unknown, seen)?;
    if parts.is_empty() {
        return Ok(());
    }
    let moves: Vec<u64> = moved.iter().map(|it| it.id).collect();
    let mut unused: Vec<&Value> = of_moves(&moves, seen)?.iter().collect();
    let mut lacking: Vec<&Part> = Vec::new();
    for part in &parts {
        match unused.iter().position(|row| part.is_in(row)) {
            Some(at) => drop(unused.remove(at)),
            None => lacking.push(part),
        }
    }
    let id = |row: &Value| row["id"].as_u64().unwrap_or_default();
    let (mut written, mut made): (Vec<(u64, &Part)>, Vec<&Part>) = (Vec::new(), Vec::new());
    for part in lacking {
        match unused.iter().position(|row| one(&row["move_id"]) == Some(part.of)) {
            Some(at) => written.push((id(unused.remove(at)), part)),
            None => made.push(part),
        }
    }
    for field in BY_LOT {
        let rows = written.iter().filter(|(_, part)| part.column() == field).take(LINES_AT_ONCE);
        let rows: Vec<Vec<String>> = rows.map(|(id, part)| part.cells(&[id.to_string()])).collect();
        loaded(&[".id", "quantity", field], &rows, seen)?;
    }
    for field in BY_LOT {
        let rows = made.iter().filter(|part| part.column() == field).take(LINES_AT_ONCE);
        let rows: Vec<Vec<String>> = rows.map(|part| part.cells(&part.begins(seen))).collect();
        loaded(&["id", "move_id/.id", "product_id/.id", "quantity", field], &rows, seen)?;
    }
    let left: Vec<u64> = unused.into_iter().map(id).collect();
    match left.first() {
        Some(first) => Err(seen.change(&format!("other lines from {first}"), Call::of_records(LINE, "unlink", left))),
        None => Ok(()),
    }
}

/// The columns that say which lot it is: of those that are there, and of those that come in.
const BY_LOT: [&str; 2] = ["lot_id/.id", "lot_name"];

impl Part {
    const fn column(&self) -> &'static str {
        let [known, unknown] = BY_LOT;
        if self.lot.is_some() { known } else { unknown }
    }

    /// A row of a `load`.
    fn cells(&self, begins: &[String]) -> Vec<String> {
        let lot = self.lot.map_or_else(|| self.name.clone(), |lot| lot.to_string());
        begins.iter().cloned().chain([self.quantity.to_string(), lot]).collect()
    }

    /// How the row of a line begins that is made. With an external id of ours: a change that comes late, or twice, finds the
    /// line that is there and makes no second one.
    fn begins(&self, seen: &Seen) -> [String; 3] {
        let external = format!("crossdock.line_{}_{}_{}", seen.key, self.of, self.nth);
        [external, self.of.to_string(), self.product.to_string()]
    }
}

/// Asks for lines to be loaded, where there are any.
fn loaded(fields: &[&str], rows: &[Vec<String>], seen: &Seen) -> Step<()> {
    let Some(first) = rows.first().and_then(|row| row.first()) else { return Ok(()) };
    let change = format!("lines from {first}");
    match seen.came(&change) {
        Some(Ok(answer)) if !answer["ids"].is_array() => Err(not_loaded(answer)),
        Some(_) | None => {
            let load = Call::of_model(LINE, "load").first("fields", json!(fields)).first("data", json!(rows));
            Err(seen.change(&change, load))
        }
    }
}

/// The lines of moves.
fn of_moves<'a>(moves: &[u64], seen: &'a Seen) -> Step<&'a [Value]> {
    let fields = ["move_id", "lot_id", "lot_name", "quantity"];
    let rows = seen.read(search(LINE, json!([["move_id", "in", moves]]), &fields))?;
    Ok(rows.as_array().map_or(&[][..], Vec::as_slice))
}

/// The first line whose moves were made with other lots than it names, and those lots; nothing where there is none.
pub(super) fn differ<'a>(all: &[(Vec<u64>, &'a Value)], seen: &Seen) -> Step<Option<(&'a Value, String)>> {
    let mut named = Vec::new();
    for (moves, line) in all {
        let mut wanted: BTreeMap<String, f64> = BTreeMap::new();
        for item in list(line, "lots")? {
            *wanted.entry(text(item, "name")?.to_owned()).or_default() += quantity(item, "quantity")?;
        }
        if !wanted.is_empty() {
            named.push((moves, *line, wanted));
        }
    }
    if named.is_empty() {
        return Ok(None);
    }
    let moves: Vec<u64> = named.iter().flat_map(|(moves, ..)| moves.iter().copied()).collect();
    let rows = of_moves(&moves, seen)?;
    for (moves, line, mut wanted) in named {
        let mut found: BTreeMap<String, f64> = BTreeMap::new();
        for row in rows.iter().filter(|row| one(&row["move_id"]).is_some_and(|of| moves.contains(&of))) {
            let name = row["lot_id"].get(1).and_then(Value::as_str).unwrap_or_else(|| said(&row["lot_name"]));
            *found.entry(name.to_owned()).or_default() += row["quantity"].as_f64().unwrap_or_default();
        }
        wanted.retain(|_, quantity| !same(*quantity, 0.0));
        found.retain(|_, quantity| !same(*quantity, 0.0));
        let is_same = wanted.len() == found.len()
            && wanted.iter().zip(&found).all(|(one, other)| one.0 == other.0 && same(*one.1, *other.1));
        if !is_same {
            let told = found.iter().map(|(name, quantity)| format!("{quantity} {name}"));
            return Ok(Some((line, told.collect::<Vec<_>>().join(", "))));
        }
    }
    Ok(None)
}

/// The parts of moves by lot.
fn parts(moved: &[Moved<'_>], unknown: Unknown, seen: &Seen) -> Step<Vec<Part>> {
    let mut parts = Vec::new();
    for Moved { id, product, line } in moved {
        let first = parts.len();
        for (nth, item) in list(line, "lots")?.iter().enumerate() {
            let (name, quantity) = (text(item, "name")?.to_owned(), quantity(item, "quantity")?);
            parts.push(Part { of: *id, product: *product, nth, name, lot: None, quantity });
        }
        let all: f64 = parts.iter().skip(first).map(|part| part.quantity).sum();
        if parts.len() > first && !same(all, quantity(line, "quantity")?) {
            return Err(unreadable("the quantities of the lots are not that of their line"));
        }
    }
    let known = known_among(&parts, seen)?;
    for part in &mut parts {
        let lot = known.iter().find(|row| one(&row["product_id"]) == Some(part.product) && said(&row["name"]) == part.name);
        part.lot = lot.and_then(|row| row["id"].as_u64());
        if part.lot.is_none() && unknown == Unknown::AreRefused {
            let why =
                format!("Odoo has no lot {} of product {}, and what was never there cannot leave", part.name, part.product);
            return Err(refused(Refusal::Reference, Again::Perhaps, why));
        }
    }
    Ok(parts)
}

/// The lots of all products and names of parts that are there.
fn known_among<'a>(parts: &[Part], seen: &'a Seen) -> Step<&'a [Value]> {
    if parts.is_empty() {
        return Ok(&[]);
    }
    let mut products: Vec<u64> = parts.iter().map(|part| part.product).collect();
    products.dedup();
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    let domain = json!([["product_id", "in", products], ["name", "in", names]]);
    let rows = seen.read(search(LOT, domain, &["name", "product_id"]))?;
    Ok(rows.as_array().map_or(&[][..], Vec::as_slice))
}
