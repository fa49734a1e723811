//! Lots and serial numbers: `register_lots`, and the lines of a move that say which of them were moved. Pure.

use std::collections::BTreeMap;

use model::Digest;
use model::outcome::{Again, Refusal};
use serde_json::{Map, Value, json};

use super::refer::{one, own, quantity, record, said, same, search, text, texts};
use super::seen::{Seen, Step, refused, unreadable};
use super::upsert::not_loaded;
use crate::odoo::call::Call;

/// The models.
const LOT: &str = "stock.lot";
const LINE: &str = "stock.move.line";
/// LIMIT: lots that are made in one change; what is behind them is made in the next, so that an attempt that ends has made some.
const MADE_AT_ONCE: usize = 200;

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
    /// Whether lots that are not known yet come in with it.
    pub(super) brings: bool,
}

/// A part of a move under one lot.
#[derive(Debug)]
struct Part {
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
        is_lot && same(row["quantity"].as_f64().unwrap_or_default(), self.quantity)
    }

    fn values(&self) -> Map<String, Value> {
        let mut values = Map::new();
        values.insert("quantity".to_owned(), json!(self.quantity));
        match self.lot {
            Some(lot) => values.insert("lot_id".to_owned(), json!(lot)),
            None => values.insert("lot_name".to_owned(), json!(self.name)),
        };
        values
    }
}

/// Asks for the lines of a move to be as its lots say: a line for each lot, and no other.
pub(super) fn lines(moved: Moved<'_>, seen: &Seen) -> Step<()> {
    let parts = parts(moved, seen)?;
    if parts.is_empty() {
        return Ok(());
    }
    let fields = ["lot_id", "lot_name", "quantity"];
    let rows = seen.read(search(LINE, json!([["move_id", "=", moved.id]]), &fields))?;
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let (mut unused, mut lacking): (Vec<&Value>, Vec<&Part>) = (rows.iter().collect(), Vec::new());
    for part in &parts {
        match unused.iter().position(|row| part.is_in(row)) {
            Some(at) => drop(unused.remove(at)),
            None => lacking.push(part),
        }
    }
    let id = |row: &Value| row["id"].as_u64().unwrap_or_default();
    if let Some(part) = lacking.first() {
        let name = format!("lot {} of move {}", part.name, moved.id);
        let call = match unused.first() {
            Some(row) => Call::of_records(LINE, "write", vec![id(row)]).first("vals", Value::Object(part.values())),
            None => {
                let mut values = part.values();
                values.insert("move_id".to_owned(), json!(moved.id));
                values.insert("product_id".to_owned(), json!(moved.product));
                Call::of_model(LINE, "create").first("vals_list", json!([values]))
            }
        };
        return Err(seen.change(&name, call));
    }
    let left: Vec<u64> = unused.into_iter().map(id).collect();
    if !left.is_empty() {
        return Err(seen.change(&format!("other lines of move {}", moved.id), Call::of_records(LINE, "unlink", left)));
    }
    Ok(())
}

/// What lots moves were made with, where they are not those that a line names; nothing where it names none.
pub(super) fn differ(moves: &[u64], line: &Value, seen: &Seen) -> Step<Option<String>> {
    let mut wanted: BTreeMap<String, f64> = BTreeMap::new();
    for item in super::refer::list(line, "lots")? {
        *wanted.entry(text(item, "name")?.to_owned()).or_default() += quantity(item, "quantity")?;
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let rows = seen.read(search(LINE, json!([["move_id", "in", moves]]), &["lot_id", "lot_name", "quantity"]))?;
    let mut found: BTreeMap<String, f64> = BTreeMap::new();
    for row in rows.as_array().into_iter().flatten() {
        let name = row["lot_id"].get(1).and_then(Value::as_str).unwrap_or_else(|| said(&row["lot_name"]));
        *found.entry(name.to_owned()).or_default() += row["quantity"].as_f64().unwrap_or_default();
    }
    wanted.retain(|_, quantity| !same(*quantity, 0.0));
    found.retain(|_, quantity| !same(*quantity, 0.0));
    let is_same = wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(one, other)| one.0 == other.0 && same(*one.1, *other.1));
    let list = |(name, quantity): (&String, &f64)| format!("{quantity} {name}");
    Ok((!is_same).then(|| found.iter().map(list).collect::<Vec<_>>().join(", ")))
}

fn parts(moved: Moved<'_>, seen: &Seen) -> Step<Vec<Part>> {
    let items = super::refer::list(moved.line, "lots")?;
    let mut parts = Vec::new();
    for item in items {
        parts.push(Part { name: text(item, "name")?.to_owned(), lot: None, quantity: quantity(item, "quantity")? });
    }
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let known = known(seen, moved.product, &names)?;
    for part in &mut parts {
        part.lot = known.iter().find(|(name, _)| *name == part.name).map(|(_, id)| *id);
        if part.lot.is_none() && !moved.brings {
            let why =
                format!("Odoo has no lot {} of product {}, and what was never there cannot leave", part.name, moved.product);
            return Err(refused(Refusal::Reference, Again::Perhaps, why));
        }
    }
    let all: f64 = parts.iter().map(|part| part.quantity).sum();
    if !parts.is_empty() && !same(all, quantity(moved.line, "quantity")?) {
        return Err(unreadable("the quantities of the lots are not that of their line"));
    }
    Ok(parts)
}
