//! What models do beyond being records: their methods, what a new record is filled with, and what follows from a change. One
//! file a subject; this one only chooses.

mod automation;
mod external;
mod invoice;
mod message;
mod modules;
mod production;
mod purchase;
mod sale;
mod stock;
mod transfer;
mod validate;

use serde_json::{Map, Value as Json};

use super::calls::Method;
use super::env::Env;
use super::errors::Failure;
use super::store::Record;
use super::value::{Value, text};
use super::{keys, rules};

/// The methods of all models.
pub(super) const ALL: [&[Method]; 11] = [
    automation::METHODS,
    external::METHODS,
    keys::METHODS,
    message::METHODS,
    modules::METHODS,
    sale::METHODS,
    stock::METHODS,
    transfer::METHODS,
    purchase::METHODS,
    production::METHODS,
    invoice::METHODS,
];

/// A record that is there already and takes the place of a new one.
pub(super) fn instead(env: &mut Env<'_>, model: &str, values: &Map<String, Json>) -> Result<Option<i64>, Failure> {
    match model {
        "stock.quant" => stock::upsert(env, values),
        _ => Ok(None),
    }
}

/// Fills a new record with what follows from the rest.
pub(super) fn fill(env: &mut Env<'_>, model: &str, record: &mut Record) -> Result<(), Failure> {
    match model {
        "sale.order" => sale::fill(env, record),
        "sale.order.line" => sale::fill_line(env, record)?,
        "product.product" => fill_product(env, record)?,
        "stock.quant" => {
            preset(record, "company_id", Value::Ref(1));
            preset(record, "in_date", super::value::second(env.now()));
            preset(record, "product_uom_id", Value::Ref(1));
        }
        "stock.lot" => preset(record, "company_id", Value::Ref(1)),
        "stock.picking" => transfer::fill(env, record)?,
        "stock.move" => transfer::fill_move(env, record)?,
        "stock.move.line" => transfer::fill_line(env, record),
        "purchase.order" => purchase::fill(env, record),
        "purchase.order.line" => purchase::fill_line(env, record)?,
        "mrp.production" => production::fill(env, record)?,
        "account.move" => invoice::fill(env, record),
        "account.move.line" => invoice::fill_line(env, record)?,
        "base.automation" => automation::fill(env, record)?,
        rules::MODEL => rules::fill(env, record)?,
        "ir.actions.server" => automation::fill_action(env, record),
        "mail.activity" => message::fill_activity(env, record),
        "maintenance.request" => preset(record, "request_date", text(&today(env))),
        _ => {}
    }
    Ok(())
}

/// What may be there once only.
pub(super) fn unique(env: &Env<'_>, model: &str, id: i64, record: &Record) -> Result<(), Failure> {
    let view = env.view();
    let same = |model: &str, fields: &[&str]| {
        let is_same = |other: &i64| {
            *other != id
                && view
                    .find(model, *other)
                    .is_some_and(|other| fields.iter().all(|field| other.get(field) == record.get(field)))
        };
        view.all(model).iter().any(is_same)
    };
    let said = match model {
        "res.users" if same(model, &["login"]) => {
            "The operation cannot be completed: You can not have two users with the same login!".to_owned()
        }
        "stock.lot" if same(model, &["name", "product_id"]) => {
            let product = view.name("product.product", record.int("product_id"));
            format!(
                "The combination of lot/serial number and product must be unique within a company including when no company is defined.\nThe following combinations contain duplicates:\n- Product: {product}, Lot/Serial Number: {}",
                record.text("name")
            )
        }
        "ir.model.data" if id == 0 => {
            let name = format!("{}.{}", record.text("module"), record.text("name"));
            let row = env.world.store.named(env.tx, &name);
            if row.is_none_or(|row| view.find(model, row).is_none()) {
                return Ok(());
            }
            "The operation cannot be completed: duplicate key value violates unique constraint \"ir_model_data_module_name_uniq_index\"".to_owned()
        }
        _ => return Ok(()),
    };
    Err(Failure::Validation(said))
}

/// What follows when a record was made.
pub(super) fn made(env: &mut Env<'_>, model: &str, id: i64) -> Result<(), Failure> {
    match model {
        "sale.order" => sale::recompute(env, id),
        "sale.order.line" => sale::line_changed(env, id),
        "purchase.order" => purchase::recompute(env, id),
        "purchase.order.line" => purchase::line_changed(env, id),
        "account.move" => invoice::recompute(env, id),
        "account.move.line" => invoice::line_changed(env, id),
        "mrp.production" => production::explode(env, id),
        "stock.move.line" => transfer::line_changed(env, id, &["quantity"]),
        "ir.model.data" => {
            let row = env.get("ir.model.data", id)?;
            env.name(&format!("{}.{}", row.text("module"), row.text("name")), id)
        }
        _ => Ok(()),
    }
}

/// What follows when fields of a record were written.
pub(super) fn changed(env: &mut Env<'_>, model: &str, id: i64, fields: &[&str]) -> Result<(), Failure> {
    match model {
        "sale.order" => sale::recompute(env, id),
        "sale.order.line" => sale::line_changed(env, id),
        "purchase.order" => purchase::recompute(env, id),
        "purchase.order.line" => purchase::line_changed(env, id),
        "account.move" => invoice::recompute(env, id),
        "account.move.line" => invoice::line_changed(env, id),
        "stock.move" => transfer::move_changed(env, id, fields),
        "stock.move.line" => transfer::line_changed(env, id, fields),
        _ => Ok(()),
    }
}

/// Refuses the end of what has to stay.
pub(super) fn may_go(env: &Env<'_>, model: &str, id: i64) -> Result<(), Failure> {
    let record = env.get(model, id)?;
    let said = match (model, record.text("state")) {
        ("sale.order", "sale") => {
            "You can not delete a sent quotation or a confirmed sales order. You must first cancel it."
        }
        ("purchase.order", "purchase" | "done") => "In order to delete a purchase order, you must cancel it first.",
        ("account.move", "posted") => {
            "You can't delete a posted journal item. Don't play games with your accounting records; reset the journal entry to draft before deleting it."
        }
        ("stock.move", "done") => "You can only delete draft or cancelled moves.",
        _ => return Ok(()),
    };
    Err(Failure::User(said.to_owned()))
}

/// What follows when a record is gone.
pub(super) fn gone(env: &mut Env<'_>, model: &str, id: i64) -> Result<(), Failure> {
    if model == "res.users.apikeys" {
        env.world.accounts.remove_key(id);
    }
    for row in env.referring("ir.model.data", "res_id", id) {
        if env.get("ir.model.data", row)?.text("model") == model {
            env.remove("ir.model.data", row)?;
        }
    }
    Ok(())
}

/// Sets a field that holds nothing yet.
pub(super) fn preset(record: &mut Record, field: &'static str, value: Value) {
    if !record.get(field).truth() {
        record.set(field, value);
    }
}

/// The day of the transaction.
pub(super) fn today(env: &Env<'_>) -> String {
    super::value::moment(env.now().micros(), super::value::Grain::Seconds).get(..10).unwrap_or_default().to_owned()
}

/// An amount of money, rounded as the currency is.
pub(super) fn cents(amount: f64) -> f64 {
    ((amount * 100.0) + 1e-6).round() / 100.0
}

/// Whether a quantity is nothing.
pub(super) fn is_none(quantity: f64) -> bool {
    quantity.abs() < 1e-6
}

fn fill_product(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    preset(record, "uom_id", Value::Ref(1));
    if !record.get("product_tmpl_id").truth() {
        let mut fields = vec![("active", Value::Bool(true))];
        for field in ["name", "default_code", "list_price"] {
            fields.push((field, record.get(field).clone()));
        }
        let template = env.add("product.template", fields)?;
        record.set("product_tmpl_id", Value::Ref(template));
    }
    Ok(())
}
