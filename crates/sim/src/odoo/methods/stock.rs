//! Quants: what is where. Counting is an upsert that is applied by a move; everything else changes quantities by moving,
//! reserving and unreserving, each a write of its own.

use serde_json::{Map, Value as Json};

use super::{is_none, preset};
use crate::odoo::calls::{Call, Method, Outcome};
use crate::odoo::env::{Env, known};
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, reference, second, text};

pub(super) const METHODS: &[Method] = &[Method::act("stock.quant", "action_apply_inventory", apply_inventory)];

/// Where counting takes from and gives to.
const ADJUSTMENT: i64 = 14;

/// What a quant is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) product: i64,
    pub(super) location: i64,
    pub(super) lot: i64,
    pub(super) package: i64,
}

impl Place {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            product: record.int("product_id"),
            location: record.int("location_id"),
            lot: record.int("lot_id"),
            package: record.int("package_id"),
        }
    }
}

/// The quant of a place.
fn quant(env: &Env<'_>, place: Place) -> Option<i64> {
    let view = env.view();
    let mut quants = view.referring("stock.quant", "product_id", place.product).into_iter();
    quants.find(|id| view.find("stock.quant", *id).is_some_and(|record| Place::of(&record) == place))
}

/// Changes the quantity at a place.
pub(super) fn shift(env: &mut Env<'_>, place: Place, by: f64) -> Result<(), Failure> {
    if is_none(by) {
        return Ok(());
    }
    if let Some(id) = quant(env, place) {
        let quantity = env.get("stock.quant", id)?.float("quantity") + by;
        return env.set("stock.quant", id, &[("quantity", Value::Float(quantity))]);
    }
    let mut fields = vec![
        ("product_id", Value::Ref(place.product)),
        ("location_id", Value::Ref(place.location)),
        ("lot_id", reference(place.lot)),
        ("package_id", reference(place.package)),
        ("quantity", Value::Float(by)),
        ("in_date", second(env.now())),
        ("company_id", Value::Ref(1)),
    ];
    fields.retain(|(_, value)| *value != Value::Empty);
    env.add("stock.quant", fields).map(drop)
}

/// Changes what is reserved at a place; only our own stock is reserved.
pub(super) fn reserve(env: &mut Env<'_>, place: Place, by: f64) -> Result<(), Failure> {
    let Some(id) = quant(env, place).filter(|_| !is_none(by) && env.view().is_internal(place.location)) else {
        return Ok(());
    };
    let reserved = (env.get("stock.quant", id)?.float("reserved_quantity") + by).max(0.0);
    env.set("stock.quant", id, &[("reserved_quantity", Value::Float(reserved))])
}

/// What is free of a product at a location, by place, the oldest first.
pub(super) fn free(env: &Env<'_>, product: i64, location: i64) -> Vec<(Place, f64)> {
    let view = env.view();
    let quants = view.referring("stock.quant", "product_id", product);
    let places = quants.into_iter().filter_map(|id| {
        let record = view.find("stock.quant", id)?;
        let free = record.float("quantity") - record.float("reserved_quantity");
        (record.int("location_id") == location && free > 1e-6).then(|| (Place::of(&record), free))
    });
    places.collect()
}

/// Makes what is reserved of a product agree with the lines of open moves.
pub(super) fn rebalance(env: &mut Env<'_>, product: i64) -> Result<(), Failure> {
    let lines = env.referring("stock.move.line", "product_id", product);
    let mut wanted = std::collections::BTreeMap::new();
    for line in lines {
        let line = env.get("stock.move.line", line)?;
        if !matches!(line.text("state"), "done" | "cancel" | "draft") {
            *wanted.entry(Place::of(&line)).or_insert(0.0) += line.float("quantity");
        }
    }
    for id in env.referring("stock.quant", "product_id", product) {
        let record = env.get("stock.quant", id)?;
        if env.view().is_internal(record.int("location_id")) {
            let reserved = wanted.get(&Place::of(&record)).copied().unwrap_or_default();
            if !is_none(reserved - record.float("reserved_quantity")) {
                env.set("stock.quant", id, &[("reserved_quantity", Value::Float(reserved))])?;
            }
        }
    }
    Ok(())
}

/// Counting at a place that has a quant finds it.
pub(super) fn upsert(env: &mut Env<'_>, values: &Map<String, Json>) -> Result<Option<i64>, Failure> {
    if !env.has("inventory_mode") {
        return Ok(None);
    }
    let number = |name: &str| values.get(name).and_then(Json::as_i64).unwrap_or_default();
    let place = Place {
        product: number("product_id"),
        location: number("location_id"),
        lot: number("lot_id"),
        package: number("package_id"),
    };
    let Some(id) = quant(env, place) else { return Ok(None) };
    let counted = values.get("inventory_quantity").and_then(Json::as_f64).unwrap_or_default();
    env.set("stock.quant", id, &[("inventory_quantity", Value::Float(counted))])?;
    Ok(Some(id))
}

fn apply_inventory(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        let record = env.get("stock.quant", *id)?;
        let (place, difference) = (Place::of(&record), record.float("inventory_quantity") - record.float("quantity"));
        let other = Place { location: ADJUSTMENT, package: 0, ..place };
        let (from, to) = if difference > 0.0 { (other, place) } else { (place, other) };
        book(env, from, to, difference.abs())?;
        let quantity = Value::Float(record.float("inventory_quantity"));
        let fields = [("quantity", quantity), ("inventory_quantity", Value::Empty), ("in_date", second(env.now()))];
        env.set("stock.quant", *id, &fields)?;
        shift(env, other, -difference)?;
    }
    Ok(Outcome::Nothing)
}

/// A move that is done at once, without touching quants.
fn book(env: &mut Env<'_>, from: Place, to: Place, quantity: f64) -> Result<(), Failure> {
    if is_none(quantity) {
        return Ok(());
    }
    let (schema, _) = env.model("stock.move")?;
    let at = second(env.now());
    let fields = vec![
        ("name", text("Product Quantity Updated")),
        ("inventory_name", text("Product Quantity Updated")),
        ("reference", text("Product Quantity Updated")),
        ("product_id", Value::Ref(from.product)),
        ("product_uom_qty", Value::Float(quantity)),
        ("quantity", Value::Float(quantity)),
        ("picked", Value::Bool(true)),
        ("state", text("done")),
        ("location_id", Value::Ref(from.location)),
        ("location_dest_id", Value::Ref(to.location)),
        ("is_inventory", Value::Bool(true)),
        ("date", at.clone()),
        ("company_id", Value::Ref(1)),
    ];
    let fields = schema.model("stock.move").map(|model| known(model, fields)).unwrap_or_default();
    let id = env.add("stock.move", fields)?;
    let mut line = Record::default();
    line.set("move_id", Value::Ref(id));
    preset(&mut line, "lot_id", reference(from.lot));
    let mut fields = vec![
        ("move_id", Value::Ref(id)),
        ("product_id", Value::Ref(from.product)),
        ("quantity", Value::Float(quantity)),
        ("picked", Value::Bool(true)),
        ("state", text("done")),
        ("lot_id", line.get("lot_id").clone()),
        ("location_id", Value::Ref(from.location)),
        ("location_dest_id", Value::Ref(to.location)),
        ("date", at),
        ("company_id", Value::Ref(1)),
    ];
    fields.retain(|(_, value)| *value != Value::Empty);
    env.add("stock.move.line", fields).map(drop)
}
