//! Purchase orders: amounts, confirmation with its receipt, and what was received.

use super::transfer::{self, Demand};
use super::{cents, is_none, preset};
use crate::odoo::calls::{Call, Method, Outcome};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, second, text};

pub(super) const METHODS: &[Method] = &[
    Method::act("purchase.order", "button_confirm", button_confirm),
    Method::act("purchase.order", "button_cancel", button_cancel),
];

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) {
    if matches!(record.text("name"), "" | "New") {
        let number = env.world.sequence("purchase.order");
        record.set("name", text(&format!("P{number:05}")));
    }
    preset(record, "date_order", second(env.now()));
    preset(record, "date_planned", second(env.now()));
    preset(record, "currency_id", Value::Ref(1));
    preset(record, "company_id", Value::Ref(1));
}

pub(super) fn fill_line(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    let product = record.int("product_id");
    if product != 0 {
        let found = env.get("product.product", product)?;
        let name = env.view().name("product.product", product);
        preset(record, "name", text(&name));
        preset(record, "price_unit", found.get("standard_price").clone());
    }
    preset(record, env.version().pick("product_uom", "product_uom_id"), Value::Ref(1));
    preset(record, "date_planned", second(env.now()));
    preset(record, "company_id", Value::Ref(1));
    Ok(())
}

pub(super) fn line_changed(env: &mut Env<'_>, line: i64) -> Result<(), Failure> {
    let record = env.get("purchase.order.line", line)?;
    let subtotal = cents(record.float("product_qty") * record.float("price_unit"));
    env.settle("purchase.order.line", line, &[("price_subtotal", Value::Float(subtotal))])?;
    recompute(env, record.int("order_id"))
}

/// Makes the amounts of an order agree with its lines.
pub(super) fn recompute(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    let (mut untaxed, mut tax) = (0.0, 0.0);
    for line in env.referring("purchase.order.line", "order_id", order) {
        let subtotal = env.get("purchase.order.line", line)?.float("price_subtotal");
        untaxed += subtotal;
        tax += cents(subtotal * super::sale::TAX / 100.0);
    }
    let amount = |it: f64| Value::Float(cents(it));
    let fields = [("amount_untaxed", amount(untaxed)), ("amount_tax", amount(tax)), ("amount_total", amount(untaxed + tax))];
    env.settle("purchase.order", order, &fields)
}

fn button_confirm(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        let order = env.get("purchase.order", *id)?;
        // An order that is confirmed already is passed over.
        if matches!(order.text("state"), "draft" | "sent") {
            confirm(env, *id, &order)?;
        }
    }
    Ok(Outcome::yes())
}

fn confirm(env: &mut Env<'_>, id: i64, order: &Record) -> Result<(), Failure> {
    env.set("purchase.order", id, &[("state", text("purchase")), ("date_approve", second(env.now()))])?;
    let mut wanted = Vec::new();
    for line in env.referring("purchase.order.line", "order_id", id) {
        let record = env.get("purchase.order.line", line)?;
        let product = env.view().find("product.product", record.int("product_id"));
        if product.is_some_and(|it| it.text("type") == "consu") && !is_none(record.float("product_qty")) {
            wanted.push((line, record.int("product_id"), record.float("product_qty")));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let name = transfer::next_name(env, 1)?;
    let at = second(env.now());
    let fields = vec![
        ("name", text(&name)),
        ("state", text("draft")),
        ("origin", order.get("name").clone()),
        ("purchase_id", Value::Ref(id)),
        ("partner_id", order.get("partner_id").clone()),
        ("picking_type_id", Value::Ref(1)),
        ("location_id", Value::Ref(4)),
        ("location_dest_id", Value::Ref(8)),
        ("move_type", text("direct")),
        ("scheduled_date", at.clone()),
        ("date_deadline", at),
        ("company_id", Value::Ref(1)),
        ("priority", text("0")),
    ];
    let picking = env.add("stock.picking", fields)?;
    for (line, product, quantity) in wanted {
        let demand = Demand { product, quantity, from: 4, to: 8, picking, of: ("purchase_line_id", line) };
        transfer::demand(env, &demand)?;
    }
    transfer::confirm(env, picking)?;
    env.set("purchase.order", id, &[("receipt_status", text("pending"))])
}

/// A receipt of an order is done.
pub(super) fn received(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    for line in env.referring("purchase.order.line", "order_id", order) {
        let mut quantity = 0.0;
        let view = env.view();
        for picking in view.referring("stock.picking", "purchase_id", order) {
            for of in view.referring("stock.move", "picking_id", picking) {
                let of = view.get("stock.move", of)?;
                if of.text("state") == "done" && of.int("purchase_line_id") == line {
                    quantity += of.float("quantity");
                }
            }
        }
        env.settle("purchase.order.line", line, &[("qty_received", Value::Float(quantity))])?;
    }
    let mut is_open = false;
    for picking in env.referring("stock.picking", "purchase_id", order) {
        is_open |= !matches!(env.get("stock.picking", picking)?.text("state"), "done" | "cancel");
    }
    let status = if is_open { "partial" } else { "full" };
    env.set("purchase.order", order, &[("receipt_status", text(status)), ("invoice_status", text("to invoice"))])
}

fn button_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        for picking in env.referring("stock.picking", "purchase_id", *id) {
            if env.get("stock.picking", picking)?.text("state") == "done" {
                let name = env.get("purchase.order", *id)?.text("name").to_owned();
                return Err(Failure::User(format!(
                    "Unable to cancel purchase order {name} as some receptions have already been done."
                )));
            }
            transfer::cancel(env, picking)?;
        }
        env.state("purchase.order", *id, "cancel")?;
    }
    Ok(Outcome::Nothing)
}
