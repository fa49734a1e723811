//! Journal entries: amounts, posting, which answers false when it is done, and payment.

use super::{cents, preset, today};
use crate::odoo::calls::{Call, Method, Outcome, ids};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, text};

pub(super) const METHODS: &[Method] = &[
    Method::act("account.move", "action_post", action_post),
    Method::act("account.move", "button_draft", button_draft),
    Method::act("account.move", "button_cancel", button_cancel),
    Method::act("account.payment.register", "action_create_payments", pay),
];

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) {
    preset(record, "name", text("/"));
    preset(record, "date", text(&today(env)));
    preset(record, "currency_id", Value::Ref(1));
    preset(record, "company_id", Value::Ref(1));
}

pub(super) fn fill_line(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    let product = record.int("product_id");
    if product != 0 {
        let name = env.view().name("product.product", product);
        preset(record, "name", text(&name));
        preset(record, "price_unit", env.get("product.product", product)?.get("list_price").clone());
    }
    Ok(())
}

/// An entry of its own making, in draft.
pub(super) fn draft(env: &mut Env<'_>, fields: Vec<(&'static str, Value)>) -> Result<i64, Failure> {
    let mut record = Record::default();
    for (field, value) in fields {
        record.set(field, value);
    }
    record.set("state", text("draft"));
    record.set("payment_state", text("not_paid"));
    fill(env, &mut record);
    let fields = record.fields().map(|(field, value)| (field, value.clone())).collect();
    env.add("account.move", fields)
}

pub(super) fn line_changed(env: &mut Env<'_>, line: i64) -> Result<(), Failure> {
    let record = env.get("account.move.line", line)?;
    let subtotal = cents(record.float("quantity") * record.float("price_unit"));
    env.settle("account.move.line", line, &[("price_subtotal", Value::Float(subtotal))])?;
    recompute(env, record.int("move_id"))
}

/// Makes the amounts of an entry agree with its lines.
pub(super) fn recompute(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    let (mut untaxed, mut tax) = (0.0, 0.0);
    for line in env.referring("account.move.line", "move_id", id) {
        let subtotal = env.get("account.move.line", line)?.float("price_subtotal");
        untaxed += subtotal;
        tax += cents(subtotal * super::sale::TAX / 100.0);
    }
    let amount = |it: f64| Value::Float(cents(it));
    let is_paid = env.get("account.move", id)?.text("payment_state") == "paid";
    let residual = if is_paid { Value::Empty } else { amount(untaxed + tax) };
    let fields = [
        ("amount_untaxed", amount(untaxed)),
        ("amount_tax", amount(tax)),
        ("amount_total", amount(untaxed + tax)),
        ("amount_residual", residual),
    ];
    env.settle("account.move", id, &fields)
}

fn action_post(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        let record = env.get("account.move", *id)?;
        if record.text("state") != "draft" {
            return Err(Failure::User(format!("The entry {} (id {id}) must be in draft.", record.text("name"))));
        }
        let is_invoice = record.text("move_type") != "entry";
        if is_invoice && env.referring("account.move.line", "move_id", *id).is_empty() {
            return Err(Failure::User("You need to add a line before posting.".to_owned()));
        }
        let day = if record.text("invoice_date").is_empty() { today(env) } else { record.text("invoice_date").to_owned() };
        let name = match record.text("name") {
            "/" | "" => name(env, record.text("move_type"), &day),
            kept => kept.to_owned(),
        };
        let mut fields = vec![("name", text(&name)), ("state", text("posted"))];
        if is_invoice {
            fields.extend([
                ("invoice_date", text(&day)),
                ("invoice_date_due", text(&day)),
                ("payment_reference", text(&name)),
            ]);
        }
        env.set("account.move", *id, &fields)?;
    }
    // False is what success looks like here.
    Ok(Outcome::Plain(false.into()))
}

fn name(env: &mut Env<'_>, kind: &str, day: &str) -> String {
    let (prefix, sequence) = match kind {
        "out_invoice" | "out_receipt" => ("INV", "account.move.out"),
        "out_refund" => ("RINV", "account.move.out.refund"),
        "in_invoice" | "in_receipt" => ("BILL", "account.move.in"),
        "in_refund" => ("RBILL", "account.move.in.refund"),
        _ => ("MISC", "account.move.entry"),
    };
    let number = env.world.sequence(sequence);
    let year = day.get(..4).unwrap_or_default();
    format!("{prefix}/{year}/{number:05}")
}

fn button_draft(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.state("account.move", *id, "draft")?;
    }
    Ok(Outcome::Nothing)
}

fn button_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.state("account.move", *id, "cancel")?;
    }
    Ok(Outcome::Nothing)
}

fn pay(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.get("account.payment.register", *id)?;
    }
    let moves = env.context.get("active_ids").map(ids).unwrap_or_default();
    if env.context.get("active_model").and_then(|it| it.as_str()) != Some("account.move") || moves.is_empty() {
        return Err(Failure::User(
            "The register payment wizard should only be called on account.move or account.move.line records.".to_owned(),
        ));
    }
    for id in moves {
        if env.get("account.move", id)?.text("state") != "posted" {
            return Err(Failure::User("You can only register payment for posted journal entries.".to_owned()));
        }
        env.set("account.move", id, &[("payment_state", text("paid")), ("amount_residual", Value::Empty)])?;
    }
    Ok(Outcome::yes())
}
