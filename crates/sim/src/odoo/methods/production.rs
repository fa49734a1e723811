//! Manufacturing orders: components from the bill of material, and an end with the traps of remote calls: a quantity that is
//! written consumes nothing, and an action that comes back mostly means that nothing was done.

use serde_json::{Value as Json, json};

use super::stock::{self, Place};
use super::transfer::{self, Demand};
use super::validate::finish_move;
use super::{is_none, preset};
use crate::odoo::calls::{Call, Method, Outcome, ids};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, reference, second, text};

pub(super) const METHODS: &[Method] = &[
    Method::act("mrp.production", "action_confirm", action_confirm),
    Method::act("mrp.production", "action_assign", action_assign),
    Method::act("mrp.production", "action_cancel", action_cancel),
    Method::act("mrp.production", "button_mark_done", button_mark_done),
    Method::act("mrp.workorder", "button_start", start_work),
    Method::act("mrp.workorder", "button_finish", finish_work),
];

const STOCK: i64 = 8;
const PRODUCTION: i64 = 15;

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    preset(record, "product_uom_id", Value::Ref(1));
    if matches!(record.text("name"), "" | "New") {
        let number = env.world.sequence("mrp.production");
        record.set("name", text(&format!("WH/MO/{number:05}")));
    }
    if !record.get("bom_id").truth() && record.int("product_id") != 0 {
        let template = env.get("product.product", record.int("product_id"))?.int("product_tmpl_id");
        let bom = env.referring("mrp.bom", "product_tmpl_id", template).first().copied().unwrap_or_default();
        record.set("bom_id", reference(bom));
    }
    // What is left of it later stays in its group.
    let group = group(env);
    if !record.get(group).truth() {
        let of = env.version().pick("procurement.group", "mrp.production.group");
        let made = env.add(of, vec![("name", record.get("name").clone())])?;
        record.set(group, Value::Ref(made));
    }
    preset(record, "date_start", second(env.now()));
    preset(record, "company_id", Value::Ref(1));
    preset(record, "user_id", Value::Ref(env.tx.user));
    Ok(())
}

/// The field that an order shares with what is left of it.
fn group(env: &Env<'_>) -> &'static str {
    env.version().pick("procurement_group_id", "production_group_id")
}

/// Makes the moves of a new order: its components and its product.
pub(super) fn explode(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    let record = env.get("mrp.production", id)?;
    let (quantity, bom) = (record.float("product_qty"), record.int("bom_id"));
    if let Some(bom_record) = env.view().find("mrp.bom", bom) {
        let size = bom_record.float("product_qty").max(1e-6);
        for line in env.referring("mrp.bom.line", "bom_id", bom) {
            let line = env.get("mrp.bom.line", line)?;
            let needed = line.float("product_qty") * quantity / size;
            component(env, id, line.int("product_id"), needed)?;
        }
    }
    product(env, id, record.int("product_id"), quantity)
}

fn component(env: &mut Env<'_>, order: i64, product: i64, quantity: f64) -> Result<(), Failure> {
    let of = ("raw_material_production_id", order);
    transfer::demand(env, &Demand { product, quantity, from: STOCK, to: PRODUCTION, picking: 0, of }).map(drop)
}

fn product(env: &mut Env<'_>, order: i64, product: i64, quantity: f64) -> Result<(), Failure> {
    let of = ("production_id", order);
    transfer::demand(env, &Demand { product, quantity, from: PRODUCTION, to: STOCK, picking: 0, of }).map(drop)
}

fn action_confirm(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if env.get("mrp.production", *id)?.text("state") == "draft" {
            confirm(env, *id)?;
        }
    }
    Ok(Outcome::yes())
}

fn confirm(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    env.state("mrp.production", id, "confirmed")?;
    for of in moves(env, id) {
        env.state("stock.move", of, "confirmed")?;
    }
    assign(env, id)
}

fn moves(env: &Env<'_>, id: i64) -> Vec<i64> {
    let mut all = env.referring("stock.move", "raw_material_production_id", id);
    all.extend(env.referring("stock.move", "production_id", id));
    all
}

fn assign(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    let mut is_ready = true;
    for of in env.referring("stock.move", "raw_material_production_id", id) {
        if !matches!(env.get("stock.move", of)?.text("state"), "done" | "cancel") {
            transfer::reserve_move(env, of)?;
            is_ready &= env.get("stock.move", of)?.text("state") == "assigned";
        }
    }
    let ready = if is_ready { "assigned" } else { "confirmed" };
    env.settle("mrp.production", id, &[("reservation_state", text(ready))])
}

fn action_assign(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.get("mrp.production", *id)?;
        assign(env, *id)?;
    }
    Ok(Outcome::yes())
}

fn action_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if env.get("mrp.production", *id)?.text("state") == "done" {
            return Err(Failure::User("You cannot cancel a manufacturing order that is already done.".to_owned()));
        }
        for of in moves(env, *id) {
            transfer::unreserve(env, of)?;
            env.set("stock.move", of, &[("state", text("cancel")), ("quantity", Value::Empty)])?;
        }
        env.state("mrp.production", *id, "cancel")?;
    }
    Ok(Outcome::yes())
}

/// A component of an order: its demand, and what is picked of it.
struct Component {
    id: i64,
    demand: f64,
    picked: f64,
}

fn components(env: &Env<'_>, id: i64) -> Result<Vec<Component>, Failure> {
    let mut all = Vec::new();
    for of in env.referring("stock.move", "raw_material_production_id", id) {
        let record = env.get("stock.move", of)?;
        if matches!(record.text("state"), "done" | "cancel") {
            continue;
        }
        let picked = if record.get("picked").truth() { record.float("quantity") } else { 0.0 };
        all.push(Component { id: of, demand: record.float("product_uom_qty"), picked });
    }
    Ok(all)
}

fn button_mark_done(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let mut last = Outcome::yes();
    for id in &call.ids {
        let state = env.get("mrp.production", *id)?.text("state").to_owned();
        match state.as_str() {
            "done" => continue,
            "cancel" => return Err(Failure::User("A cancelled manufacturing order cannot be done.".to_owned())),
            "draft" => confirm(env, *id)?,
            _ => {}
        }
        if let Some(outcome) = mark_done(env, *id)? {
            last = outcome;
        }
    }
    Ok(last)
}

/// Ends an order, or answers the action that comes back.
fn mark_done(env: &mut Env<'_>, id: i64) -> Result<Option<Outcome>, Failure> {
    let record = env.get("mrp.production", id)?;
    let whole = record.float("product_qty");
    let mut producing = record.float("qty_producing");
    if is_none(producing) {
        // Nothing was said: all is produced, and all components are consumed.
        producing = whole;
        for component in components(env, id)? {
            if is_none(env.get("stock.move", component.id)?.float("quantity") - component.demand) {
                env.set("stock.move", component.id, &[("picked", Value::Bool(true))])?;
            } else {
                let call = json!({ "quantity": component.demand, "picked": true });
                let none = serde_json::Map::new();
                crate::odoo::records::change(env, "stock.move", component.id, call.as_object().unwrap_or(&none))?;
            }
        }
        env.set("mrp.production", id, &[("qty_producing", Value::Float(producing))])?;
    }
    let share = producing / whole.max(1e-6);
    let all = components(env, id)?;
    let is_odd = all.iter().any(|it| (it.demand * share - it.picked).abs() > 1e-6);
    if is_odd && !env.has("skip_consumption") {
        return Ok(Some(Outcome::Plain(action("mrp.consumption.warning", "Consumption Warning", id))));
    }
    let rest = whole - producing;
    let listed = env.context.get("mo_ids_to_backorder").map(ids).unwrap_or_default();
    if rest > 1e-6 && !env.has("skip_backorder") {
        return Ok(Some(Outcome::Plain(action("mrp.production.backorder", "You produced less than initial demand", id))));
    }
    let backordered = rest > 1e-6 && listed.contains(&id);
    let new = if backordered { Some(backorder(env, id, &record, rest)?) } else { None };
    finish(env, id, producing)?;
    Ok(new.map(|new| {
        Outcome::Plain(json!({
            "type": "ir.actions.act_window",
            "res_model": "mrp.production",
            "res_id": new,
            "view_mode": "form",
            "views": [[false, "form"]],
            "target": "main",
        }))
    }))
}

fn action(model: &str, name: &str, id: i64) -> Json {
    json!({
        "name": name,
        "type": "ir.actions.act_window",
        "res_model": model,
        "view_mode": "form",
        "views": [[false, "form"]],
        "target": "new",
        "context": { "default_mrp_production_ids": [id] },
    })
}

/// Ends an order with so many produced.
fn finish(env: &mut Env<'_>, id: i64, producing: f64) -> Result<(), Failure> {
    for component in components(env, id)? {
        if is_none(component.picked) {
            transfer::unreserve(env, component.id)?;
            env.set("stock.move", component.id, &[("state", text("cancel")), ("quantity", Value::Empty)])?;
        } else {
            finish_move(env, component.id)?;
        }
    }
    for of in env.referring("stock.move", "production_id", id) {
        let record = env.get("stock.move", of)?;
        if matches!(record.text("state"), "done" | "cancel") {
            continue;
        }
        let product = record.int("product_id");
        let from = Place { product, location: PRODUCTION, lot: 0, package: 0 };
        stock::shift(env, from, -producing)?;
        stock::shift(env, Place { location: STOCK, ..from }, producing)?;
        let quantity = Value::Float(producing);
        let fields = [("state", text("done")), ("picked", Value::Bool(true)), ("quantity", quantity)];
        env.set("stock.move", of, &fields)?;
    }
    for work in env.referring("mrp.workorder", "production_id", id) {
        env.set("mrp.workorder", work, &[("state", text("done")), ("qty_produced", Value::Float(producing))])?;
    }
    let fields = [("state", text("done")), ("qty_produced", Value::Float(producing)), ("date_finished", second(env.now()))];
    env.set("mrp.production", id, &fields)
}

/// Splits an order: this one keeps what is produced, a new one gets the rest.
fn backorder(env: &mut Env<'_>, id: i64, record: &Record, rest: f64) -> Result<i64, Failure> {
    let number = record.int("backorder_sequence").max(1);
    let stem = match record.int("backorder_sequence") {
        0 => record.text("name").to_owned(),
        _ => record.text("name").rsplit_once('-').map_or(record.text("name"), |(stem, _)| stem).to_owned(),
    };
    let whole = record.float("product_qty");
    let own = [
        ("name", text(&format!("{stem}-{number:03}"))),
        ("product_qty", Value::Float(whole - rest)),
        ("backorder_sequence", Value::Int(number)),
    ];
    env.set("mrp.production", id, &own)?;
    let mut fields = vec![
        ("name", text(&format!("{stem}-{:03}", number + 1))),
        ("state", text("confirmed")),
        ("product_qty", Value::Float(rest)),
        ("backorder_sequence", Value::Int(number + 1)),
        ("date_start", second(env.now())),
    ];
    for field in ["product_id", "bom_id", "origin", "company_id", "user_id", "date_deadline", group(env)] {
        fields.push((field, record.get(field).clone()));
    }
    let new = env.add("mrp.production", fields)?;
    for component in components(env, id)? {
        let of = env.get("stock.move", component.id)?;
        component_left(env, new, of.int("product_id"), component.demand * rest / whole.max(1e-6))?;
        let kept = component.demand * (whole - rest) / whole.max(1e-6);
        env.set("stock.move", component.id, &[("product_uom_qty", Value::Float(kept))])?;
    }
    product(env, new, record.int("product_id"), rest)?;
    for of in moves(env, new) {
        env.state("stock.move", of, "confirmed")?;
    }
    assign(env, new)?;
    Ok(new)
}

fn component_left(env: &mut Env<'_>, order: i64, product: i64, quantity: f64) -> Result<(), Failure> {
    if is_none(quantity) { Ok(()) } else { component(env, order, product, quantity) }
}

fn start_work(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.set("mrp.workorder", *id, &[("state", text("progress")), ("date_start", second(env.now()))])?;
        let order = env.get("mrp.workorder", *id)?.int("production_id");
        if env.get("mrp.production", order)?.text("state") == "confirmed" {
            env.state("mrp.production", order, "progress")?;
        }
    }
    Ok(Outcome::yes())
}

fn finish_work(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.set("mrp.workorder", *id, &[("state", text("done")), ("date_finished", second(env.now()))])?;
    }
    Ok(Outcome::yes())
}
