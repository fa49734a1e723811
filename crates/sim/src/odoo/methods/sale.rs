//! Sales orders: amounts, confirmation with its transfer, cancelling by version, and invoices of what was delivered.

use serde_json::json;

use super::transfer::{self, Demand};
use super::{cents, invoice, is_none, preset};
use crate::odoo::calls::{Call, Method, Outcome};
use crate::odoo::env::{Env, known};
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, second, text};

pub(super) const METHODS: &[Method] = &[
    Method::act("sale.order", "action_confirm", action_confirm),
    Method::act("sale.order", "action_cancel", action_cancel),
    Method::act("sale.order", "action_draft", action_draft),
    Method::act("sale.order", "action_quotation_sent", action_sent),
    Method::act("sale.order.cancel", "action_cancel", wizard_cancel),
    Method::act("sale.advance.payment.inv", "create_invoices", create_invoices),
];

/// The tax of everything, in percent.
pub(super) const TAX: f64 = 15.0;

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) {
    if matches!(record.text("name"), "" | "New") {
        let number = env.world.sequence("sale.order");
        record.set("name", text(&format!("S{number:05}")));
    }
    for field in ["partner_shipping_id", "partner_invoice_id"] {
        preset(record, field, record.get("partner_id").clone());
    }
    preset(record, "date_order", second(env.now()));
    preset(record, "currency_id", Value::Ref(1));
    preset(record, "warehouse_id", Value::Ref(1));
    preset(record, "company_id", Value::Ref(1));
    preset(record, "user_id", Value::Ref(env.tx.user));
    preset(record, "invoice_status", text("no"));
}

pub(super) fn fill_line(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    let product = record.int("product_id");
    if product != 0 {
        let found = env.get("product.product", product)?;
        let name = env.view().name("product.product", product);
        preset(record, "name", text(&name));
        preset(record, "price_unit", found.get("list_price").clone());
    }
    preset(record, env.version().pick("product_uom", "product_uom_id"), Value::Ref(1));
    preset(record, env.version().pick("tax_id", "tax_ids"), Value::Refs(vec![1]));
    preset(record, "state", text("draft"));
    preset(record, "company_id", Value::Ref(1));
    Ok(())
}

pub(super) fn line_changed(env: &mut Env<'_>, line: i64) -> Result<(), Failure> {
    let record = env.get("sale.order.line", line)?;
    let discount = 1.0 - record.float("discount") / 100.0;
    let subtotal = cents(record.float("product_uom_qty") * record.float("price_unit") * discount);
    let total = subtotal + cents(subtotal * TAX / 100.0);
    env.settle(
        "sale.order.line",
        line,
        &[("price_subtotal", Value::Float(subtotal)), ("price_total", Value::Float(total))],
    )?;
    recompute(env, record.int("order_id"))
}

/// Makes the amounts of an order agree with its lines.
pub(super) fn recompute(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    let (mut untaxed, mut tax) = (0.0, 0.0);
    for line in env.referring("sale.order.line", "order_id", order) {
        let line = env.get("sale.order.line", line)?;
        untaxed += line.float("price_subtotal");
        tax += line.float("price_total") - line.float("price_subtotal");
    }
    let amount = |it: f64| Value::Float(cents(it));
    let fields = [("amount_untaxed", amount(untaxed)), ("amount_tax", amount(tax)), ("amount_total", amount(untaxed + tax))];
    env.settle("sale.order", order, &fields)
}

fn action_confirm(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if !matches!(env.get("sale.order", *id)?.text("state"), "draft" | "sent") {
            return Err(Failure::User("Some orders are not in a state requiring confirmation.".to_owned()));
        }
    }
    for id in &call.ids {
        confirm(env, *id)?;
    }
    Ok(Outcome::yes())
}

fn confirm(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    env.set("sale.order", order, &[("state", text("sale")), ("date_order", second(env.now()))])?;
    let mut wanted = Vec::new();
    for line in env.referring("sale.order.line", "order_id", order) {
        env.state("sale.order.line", line, "sale")?;
        let record = env.get("sale.order.line", line)?;
        let quantity = record.float("product_uom_qty");
        env.set("sale.order.line", line, &[("qty_to_invoice", Value::Float(quantity))])?;
        let product = env.view().find("product.product", record.int("product_id"));
        if product.is_some_and(|it| it.text("type") == "consu") && !is_none(quantity) {
            wanted.push((line, record.int("product_id"), quantity));
        }
    }
    env.set("sale.order", order, &[("invoice_status", text("to invoice"))])?;
    if wanted.is_empty() {
        return Ok(());
    }
    let picking = picking(env, order)?;
    for (line, product, quantity) in wanted {
        let demand = Demand { product, quantity, from: 8, to: 5, picking, of: ("sale_line_id", line) };
        transfer::demand(env, &demand)?;
    }
    transfer::confirm(env, picking)?;
    transfer::assign(env, picking)?;
    env.set("sale.order", order, &[("delivery_status", text("pending"))])
}

fn picking(env: &mut Env<'_>, order: i64) -> Result<i64, Failure> {
    let record = env.get("sale.order", order)?;
    let name = record.text("name").to_owned();
    let own = record.text("client_order_ref");
    let origin = if own.is_empty() { name.clone() } else { format!("{name} - {own}") };
    let mut group = Value::Empty;
    if !env.version().is_new() {
        let id = env.add("procurement.group", vec![("name", text(&name))])?;
        env.set("sale.order", order, &[("procurement_group_id", Value::Ref(id))])?;
        group = Value::Ref(id);
    }
    let at = second(env.now());
    let number = transfer::next_name(env, 2)?;
    let fields = vec![
        ("name", text(&number)),
        ("state", text("draft")),
        ("origin", text(&origin)),
        ("sale_id", Value::Ref(order)),
        ("group_id", group),
        ("partner_id", record.get("partner_shipping_id").clone()),
        ("picking_type_id", Value::Ref(2)),
        ("location_id", Value::Ref(8)),
        ("location_dest_id", Value::Ref(5)),
        ("move_type", text("direct")),
        ("scheduled_date", at.clone()),
        ("date_deadline", at),
        ("carrier_id", record.get("carrier_id").clone()),
        ("company_id", Value::Ref(1)),
        ("priority", text("0")),
    ];
    let (schema, _) = env.model("stock.picking")?;
    let mut fields = schema.model("stock.picking").map(|model| known(model, fields)).unwrap_or_default();
    fields.retain(|(_, value)| *value != Value::Empty);
    env.add("stock.picking", fields)
}

/// A transfer of an order is done.
pub(super) fn delivered(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    for line in env.referring("sale.order.line", "order_id", order) {
        let mut quantity = 0.0;
        for of in env.referring("stock.move", "sale_line_id", line) {
            let of = env.get("stock.move", of)?;
            if of.text("state") == "done" {
                quantity += of.float("quantity");
            }
        }
        env.settle("sale.order.line", line, &[("qty_delivered", Value::Float(quantity))])?;
    }
    let mut states = Vec::new();
    for picking in env.referring("stock.picking", "sale_id", order) {
        states.push(env.get("stock.picking", picking)?.text("state").to_owned());
    }
    let is_open = states.iter().any(|state| !matches!(state.as_str(), "done" | "cancel"));
    let status = if is_open { "partial" } else { "full" };
    env.set("sale.order", order, &[("delivery_status", text(status))])
}

fn action_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let asks = !env.version().is_new() && !env.has("disable_cancel_warning");
    for id in &call.ids {
        env.get("sale.order", *id)?;
    }
    if asks {
        // The wizard comes back, and nothing is different.
        return Ok(Outcome::Plain(json!({
            "name": "Cancel Sales Order",
            "view_mode": "form",
            "res_model": "sale.order.cancel",
            "type": "ir.actions.act_window",
            "views": [[false, "form"]],
            "target": "new",
            "context": { "default_order_id": call.ids.first() },
        })));
    }
    for id in &call.ids {
        cancel(env, *id)?;
    }
    Ok(Outcome::yes())
}

fn wizard_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        let order = env.get("sale.order.cancel", *id)?.int("order_id");
        cancel(env, order)?;
    }
    Ok(Outcome::yes())
}

fn cancel(env: &mut Env<'_>, order: i64) -> Result<(), Failure> {
    if env.get("sale.order", order)?.get("locked").truth() {
        return Err(Failure::User("You cannot cancel a locked order. Please unlock it first.".to_owned()));
    }
    for picking in env.referring("stock.picking", "sale_id", order) {
        if env.get("stock.picking", picking)?.text("state") != "done" {
            transfer::cancel(env, picking)?;
        }
    }
    for line in env.referring("sale.order.line", "order_id", order) {
        env.state("sale.order.line", line, "cancel")?;
    }
    env.set("sale.order", order, &[("state", text("cancel")), ("invoice_status", text("no"))])
}

fn action_draft(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if matches!(env.get("sale.order", *id)?.text("state"), "cancel" | "sent") {
            env.state("sale.order", *id, "draft")?;
        }
    }
    Ok(Outcome::yes())
}

fn action_sent(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if env.get("sale.order", *id)?.text("state") != "draft" {
            return Err(Failure::User("Only draft orders can be marked as sent directly.".to_owned()));
        }
        env.state("sale.order", *id, "sent")?;
    }
    Ok(Outcome::Nothing)
}

fn create_invoices(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let mut made = Vec::new();
    for id in &call.ids {
        let wizard = env.get("sale.advance.payment.inv", *id)?;
        for order in wizard.get("sale_order_ids").refs() {
            made.push(invoice_of(env, *order)?);
        }
    }
    Ok(Outcome::Plain(json!({
        "type": "ir.actions.act_window",
        "res_model": "account.move",
        "res_id": made.first(),
        "views": [[false, "form"]],
    })))
}

fn invoice_of(env: &mut Env<'_>, order: i64) -> Result<i64, Failure> {
    let record = env.get("sale.order", order)?;
    let mut lines = Vec::new();
    for line in env.referring("sale.order.line", "order_id", order) {
        let found = env.get("sale.order.line", line)?;
        let left = found.float("product_uom_qty") - found.float("qty_invoiced");
        if !is_none(left) {
            lines.push((line, found, left));
        }
    }
    if lines.is_empty() || record.text("state") != "sale" {
        let said = "Cannot create an invoice. No items are available to invoice.";
        return Err(Failure::User(said.to_owned()));
    }
    let head = vec![
        ("move_type", text("out_invoice")),
        ("partner_id", record.get("partner_id").clone()),
        ("invoice_origin", record.get("name").clone()),
        ("ref", text(record.text("client_order_ref"))),
    ];
    let id = invoice::draft(env, head)?;
    for (line, found, quantity) in lines {
        let fields = vec![
            ("move_id", Value::Ref(id)),
            ("product_id", found.get("product_id").clone()),
            ("name", found.get("name").clone()),
            ("quantity", Value::Float(quantity)),
            ("price_unit", found.get("price_unit").clone()),
            ("sale_line_ids", Value::Refs(vec![line])),
        ];
        let item = env.add("account.move.line", fields)?;
        invoice::line_changed(env, item)?;
        let invoiced = [("qty_invoiced", found.get("product_uom_qty").clone()), ("qty_to_invoice", Value::Empty)];
        env.set("sale.order.line", line, &invoiced)?;
    }
    let mut invoices = record.get("invoice_ids").refs().to_vec();
    invoices.push(id);
    env.set("sale.order", order, &[("invoice_ids", Value::Refs(invoices)), ("invoice_status", text("invoiced"))])?;
    Ok(id)
}
