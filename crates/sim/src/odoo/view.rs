//! What one transaction sees: records, values that are computed when they are read, and names for people. It changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::errors::Failure;
use super::schema::{Field, Kind, Model, Schema};
use super::store::{Record, Store};
use super::transaction::Transaction;
use super::value::{Value, reference, text};
use super::version::Version;

/// A transaction's sight of the database.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) version: Version,
    pub(super) schema: &'a Schema,
    pub(super) store: &'a Store,
    pub(super) hidden: &'a BTreeSet<(String, i64)>,
    pub(super) tx: &'a Transaction,
}

impl<'a> View<'a> {
    /// A model.
    pub(super) fn model(&self, name: &str) -> Result<&'a Model, Failure> {
        self.schema.model(name).ok_or_else(|| Failure::NoModel(name.to_owned()))
    }

    /// A field; no such field is the error that reading and writing give.
    pub(super) fn field(&self, model: &'a Model, name: &str) -> Result<&'a Field, Failure> {
        model.field(name).ok_or_else(|| {
            let place = self.version.pick(format!("model '{}'", model.name), format!("'{}'", model.name));
            Failure::Value(format!("Invalid field '{name}' on {place}"))
        })
    }

    /// A record that may be gone.
    pub(super) fn find(&self, model: &str, id: i64) -> Option<Arc<Record>> {
        self.store.visible(self.tx, model, id)
    }

    /// A record that has to be there.
    pub(super) fn get(&self, model: &str, id: i64) -> Result<Arc<Record>, Failure> {
        let missing = || Failure::Missing { model: model.to_owned(), id, user: self.tx.user };
        self.find(model, id).ok_or_else(missing)
    }

    /// Whether a record is there and a rule hides it.
    pub(super) fn hides(&self, model: &str, id: i64) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&(model.to_owned(), id)) && self.find(model, id).is_some()
    }

    /// The records of a model that refer to this one, ascending.
    pub(super) fn referring(&self, model: &str, field: &'static str, target: i64) -> Vec<i64> {
        self.store.referring(self.tx, model, field, target)
    }

    /// All ids of a model, ascending.
    pub(super) fn all(&self, model: &str) -> Vec<i64> {
        let mut ids = self.store.candidates(self.tx, model, i64::MIN, i64::MAX);
        ids.retain(|id| self.find(model, *id).is_some());
        ids
    }

    /// The value of a field, stored or computed.
    pub(super) fn value(&self, model: &Model, id: i64, record: &Record, field: &Field) -> Value {
        match &field.kind {
            Kind::One2many(target, inverse) => Value::Refs(self.referring(target, inverse, id)),
            _ if field.name == "id" => Value::Int(id),
            _ if field.is_stored => record.get(field.name).clone(),
            _ => self.computed(model.name, id, record, field.name),
        }
    }

    fn computed(&self, model: &str, id: i64, record: &Record, field: &str) -> Value {
        match (model, field) {
            (_, "display_name") => text(&self.name(model, id)),
            ("stock.picking", "picking_type_code") => {
                self.related("stock.picking.type", record.int("picking_type_id"), "code")
            }
            ("stock.picking", "carrier_tracking_url") => self.tracking_url(record),
            ("stock.quant", "available_quantity") => {
                let free = record.float("quantity") - record.float("reserved_quantity");
                Value::Float(if self.is_internal(record.int("location_id")) { free } else { 0.0 })
            }
            ("stock.move", "lot_ids") => {
                let lines = self.referring("stock.move.line", "move_id", id);
                let lot = |line: i64| self.find("stock.move.line", line).map_or(0, |line| line.int("lot_id"));
                Value::Refs(lines.into_iter().map(lot).filter(|lot| *lot != 0).collect())
            }
            ("sale.order", "expected_date") => record.get("date_order").clone(),
            ("ir.model.data", "complete_name") => text(&format!("{}.{}", record.text("module"), record.text("name"))),
            ("product.product", "qty_available" | "virtual_available") => {
                Value::Float(self.stock(&self.of_product(id), |quant| quant.float("quantity")))
            }
            ("product.product", "free_qty") => Value::Float(
                self.stock(&self.of_product(id), |quant| quant.float("quantity") - quant.float("reserved_quantity")),
            ),
            ("stock.lot", "product_qty") => {
                Value::Float(self.stock(&self.of_lot(id, record), |quant| quant.float("quantity")))
            }
            ("stock.lot", "location_id") => {
                let mut full = self.of_lot(id, record).into_iter().filter(|quant| quant.float("quantity") > 0.0);
                full.next().map_or(Value::Empty, |quant| reference(quant.int("location_id")))
            }
            _ => Value::Empty,
        }
    }

    fn related(&self, model: &str, id: i64, field: &str) -> Value {
        self.find(model, id).map_or(Value::Empty, |record| record.get(field).clone())
    }

    fn tracking_url(&self, record: &Record) -> Value {
        let url = self.related("delivery.carrier", record.int("carrier_id"), "tracking_url");
        let number = record.text("carrier_tracking_ref");
        if number.is_empty() { Value::Empty } else { text(&url.text().replace("<shipmenttrackingnumber>", number)) }
    }

    /// Whether a location holds our own stock.
    pub(super) fn is_internal(&self, location: i64) -> bool {
        self.related("stock.location", location, "usage").text() == "internal"
    }

    fn of_product(&self, product: i64) -> Vec<Arc<Record>> {
        let ids = self.referring("stock.quant", "product_id", product);
        ids.into_iter().filter_map(|id| self.find("stock.quant", id)).collect()
    }

    fn of_lot(&self, lot: i64, record: &Record) -> Vec<Arc<Record>> {
        let mut quants = self.of_product(record.int("product_id"));
        quants.retain(|quant| quant.int("lot_id") == lot);
        quants
    }

    fn stock(&self, quants: &[Arc<Record>], what: impl Fn(&Record) -> f64) -> f64 {
        let own = quants.iter().filter(|quant| self.is_internal(quant.int("location_id")));
        own.map(|quant| what(quant)).sum()
    }

    /// What a record is called.
    pub(super) fn name(&self, model: &str, id: i64) -> String {
        let Some(record) = self.find(model, id) else { return String::new() };
        match model {
            "product.product" | "product.template" => coded(&record),
            "stock.location" => record.text("complete_name").to_owned(),
            "stock.picking.type" => {
                let warehouse = self.name("stock.warehouse", record.int("warehouse_id"));
                format!("{warehouse}: {}", record.text("name"))
            }
            "purchase.order" if !record.text("partner_ref").is_empty() => {
                format!("{} ({})", record.text("name"), record.text("partner_ref"))
            }
            "sale.order.line" => {
                let order = self.find("sale.order", record.int("order_id"));
                let partner = order.as_ref().map_or(0, |order| order.int("partner_id"));
                let customer = self.related("res.partner", partner, "ref");
                let order = order.as_ref().map_or("", |order| order.text("name"));
                let customer = if customer.truth() { format!(" ({})", customer.text()) } else { String::new() };
                format!("{order} - {}{customer}", record.text("name"))
            }
            "res.groups" => record.text("full_name").to_owned(),
            "stock.quant" => self.name("product.product", record.int("product_id")),
            _ if record.text("name").is_empty() => format!("{model},{id}"),
            _ => record.text("name").to_owned(),
        }
    }
}

fn coded(record: &Record) -> String {
    match record.text("default_code") {
        "" => record.text("name").to_owned(),
        code => format!("[{code}] {}", record.text("name")),
    }
}
