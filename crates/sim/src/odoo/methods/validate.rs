//! Validating transfers: what is taken as done, when a wizard comes back in place of an end, what moves in the stock, and what
//! follows for the orders. A result other than true means that nothing was done.

use serde_json::{Value as Json, json};

use super::stock::{self, Place};
use super::transfer::{self, Demand};
use super::{is_none, purchase, sale};
use crate::odoo::calls::{Call, Outcome, ids};
use crate::odoo::env::Env;
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, second, text};

/// What becomes of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Backorder,
    Dropped,
}

/// What a transfer comes to when it is validated now.
struct Plan {
    /// Each open move with the quantity that is done.
    moves: Vec<(i64, f64)>,
    has_rest: bool,
}

pub(super) fn button_validate(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let mut plans = Vec::new();
    for id in &call.ids {
        let picking = env.get("stock.picking", *id)?;
        match picking.text("state") {
            "done" => continue,
            "cancel" => return Err(Failure::User("Please add some items to move.".to_owned())),
            "draft" => transfer::confirm(env, *id)?,
            _ => {}
        }
        plans.push((*id, plan(env, *id)?));
    }
    let asking: Vec<i64> = plans.iter().filter(|(_, plan)| plan.has_rest).map(|(id, _)| *id).collect();
    let mut asked = Vec::new();
    for id in &asking {
        let kind = env.get("stock.picking", *id)?.int("picking_type_id");
        if env.get("stock.picking.type", kind)?.text("create_backorder") == "ask" {
            asked.push(*id);
        }
    }
    if !asked.is_empty() && !env.has("skip_backorder") {
        return Ok(Outcome::Plain(wizard(&call.ids, &asked)));
    }
    let dropped = env.context.get("picking_ids_not_to_backorder").map(ids).unwrap_or_default();
    for (id, plan) in plans {
        let kind = env.get("stock.picking", id)?.int("picking_type_id");
        let never = env.get("stock.picking.type", kind)?.text("create_backorder") == "never";
        let rest = if never || dropped.contains(&id) { Rest::Dropped } else { Rest::Backorder };
        finish(env, id, &plan, rest)?;
    }
    Ok(Outcome::yes())
}

fn wizard(pickings: &[i64], asked: &[i64]) -> Json {
    let links: Vec<Json> = asked.iter().map(|id| json!([4, id])).collect();
    json!({
        "name": "Create Backorder?",
        "type": "ir.actions.act_window",
        "view_mode": "form",
        "res_model": "stock.backorder.confirmation",
        "views": [[false, "form"]],
        "target": "new",
        "context": {
            "button_validate_picking_ids": pickings,
            "default_show_transfers": false,
            "default_pick_ids": links,
        },
    })
}

fn plan(env: &Env<'_>, picking: i64) -> Result<Plan, Failure> {
    let open = transfer::open_moves(env, picking);
    let mut records = Vec::new();
    for id in open {
        records.push((id, env.get("stock.move", id)?));
    }
    let only_picked = records.iter().any(|(_, record)| record.get("picked").truth());
    let done = |record: &Record| {
        if only_picked && !record.get("picked").truth() { 0.0 } else { record.float("quantity") }
    };
    let moves: Vec<(i64, f64)> = records.iter().map(|(id, record)| (*id, done(record))).collect();
    if moves.iter().all(|(_, quantity)| is_none(*quantity)) {
        return Err(Failure::User(
            "You cannot validate a transfer if no quantities are reserved. To force the transfer, encode quantities."
                .to_owned(),
        ));
    }
    let mut lacking = Vec::new();
    for (id, quantity) in &moves {
        if !is_none(*quantity) && lacks_lot(env, *id)? {
            let name = env.view().name("product.product", env.get("stock.move", *id)?.int("product_id"));
            if !lacking.contains(&name) {
                lacking.push(name);
            }
        }
    }
    if !lacking.is_empty() {
        let list: Vec<String> = lacking.iter().map(|name| format!("\n- {name}")).collect();
        let list = list.concat();
        return Err(Failure::User(format!("You need to supply a Lot/Serial Number for product:{list}")));
    }
    let has_rest = records.iter().any(|(_, record)| done(record) + 1e-6 < record.float("product_uom_qty"));
    Ok(Plan { moves, has_rest })
}

fn lacks_lot(env: &Env<'_>, id: i64) -> Result<bool, Failure> {
    let product = env.get("stock.move", id)?.int("product_id");
    if !matches!(env.get("product.product", product)?.text("tracking"), "lot" | "serial") {
        return Ok(false);
    }
    for line in env.referring("stock.move.line", "move_id", id) {
        let line = env.get("stock.move.line", line)?;
        if !line.get("lot_id").truth() && line.text("lot_name").is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn process(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    answered(env, call, Rest::Backorder)
}

pub(super) fn process_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    answered(env, call, Rest::Dropped)
}

/// The wizard was answered. Without its context it knows of no transfer, and does nothing.
fn answered(env: &mut Env<'_>, call: &Call, rest: Rest) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.get("stock.backorder.confirmation", *id)?;
    }
    let pickings = env.context.get("button_validate_picking_ids").map(ids).unwrap_or_default();
    for picking in pickings {
        if env.get("stock.picking", picking)?.text("state") != "done" {
            let plan = plan(env, picking)?;
            finish(env, picking, &plan, rest)?;
        }
    }
    Ok(Outcome::yes())
}

/// Does a transfer.
fn finish(env: &mut Env<'_>, picking: i64, plan: &Plan, rest: Rest) -> Result<(), Failure> {
    let mut later = Vec::new();
    for (id, quantity) in &plan.moves {
        let record = env.get("stock.move", *id)?;
        let missing = record.float("product_uom_qty") - quantity;
        if is_none(*quantity) {
            if rest == Rest::Backorder {
                later.push(Later::Whole(*id));
            } else {
                transfer::unreserve(env, *id)?;
                env.set("stock.move", *id, &[("state", text("cancel")), ("quantity", Value::Empty)])?;
            }
            continue;
        }
        if missing > 1e-6 && rest == Rest::Backorder {
            env.set("stock.move", *id, &[("product_uom_qty", Value::Float(*quantity))])?;
            later.push(Later::Part(*id, missing));
        }
        finish_move(env, *id)?;
    }
    // The state is written before the date: whoever is told at that moment sees no date yet.
    env.state("stock.picking", picking, "done")?;
    env.set("stock.picking", picking, &[("date_done", second(env.now()))])?;
    if !later.is_empty() {
        backorder(env, picking, &later)?;
    }
    let picking = env.get("stock.picking", picking)?;
    if picking.int("sale_id") != 0 {
        sale::delivered(env, picking.int("sale_id"))?;
    }
    if picking.int("purchase_id") != 0 {
        purchase::received(env, picking.int("purchase_id"))?;
    }
    Ok(())
}

/// Moves what the lines of a move say, and ends it.
pub(super) fn finish_move(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    for line in env.referring("stock.move.line", "move_id", id) {
        let mut record = env.get("stock.move.line", line)?;
        if record.int("lot_id") == 0 && !record.text("lot_name").is_empty() {
            let lot = lot_named(env, record.int("product_id"), record.text("lot_name"))?;
            env.set("stock.move.line", line, &[("lot_id", Value::Ref(lot))])?;
            record = env.get("stock.move.line", line)?;
        }
        let (from, quantity) = (Place::of(&record), record.float("quantity"));
        let package = record.int("result_package_id");
        let to = Place { location: record.int("location_dest_id"), package, ..from };
        stock::reserve(env, from, -quantity)?;
        stock::shift(env, from, -quantity)?;
        stock::shift(env, to, quantity)?;
        if package != 0 {
            let model = env.version().pick("stock.quant.package", "stock.package");
            env.set(model, package, &[("location_id", Value::Ref(to.location))])?;
        }
        let fields = [("state", text("done")), ("picked", Value::Bool(true)), ("date", second(env.now()))];
        env.set("stock.move.line", line, &fields)?;
    }
    env.set("stock.move", id, &[("state", text("done")), ("picked", Value::Bool(true)), ("date", second(env.now()))])
}

fn lot_named(env: &mut Env<'_>, product: i64, name: &str) -> Result<i64, Failure> {
    for lot in env.referring("stock.lot", "product_id", product) {
        if env.get("stock.lot", lot)?.text("name") == name {
            return Ok(lot);
        }
    }
    let fields = vec![("name", text(name)), ("product_id", Value::Ref(product)), ("company_id", Value::Ref(1))];
    env.add("stock.lot", fields)
}

/// What a backorder is made of.
enum Later {
    Whole(i64),
    Part(i64, f64),
}

fn backorder(env: &mut Env<'_>, picking: i64, later: &[Later]) -> Result<(), Failure> {
    let original = env.get("stock.picking", picking)?;
    let kind = original.int("picking_type_id");
    let name = transfer::next_name(env, kind)?;
    let left_out =
        ["name", "state", "date_done", "carrier_tracking_ref", "create_date", "create_uid", "write_date", "write_uid"];
    let kept = original.fields().filter(|(field, _)| !left_out.contains(field));
    let mut fields: Vec<_> = kept.map(|(field, value)| (field, value.clone())).collect();
    fields.retain(|(field, _)| *field != "backorder_id");
    fields.extend([("name", text(&name)), ("state", text("draft")), ("backorder_id", Value::Ref(picking))]);
    let new = env.add("stock.picking", fields)?;
    for part in later {
        match part {
            Later::Whole(id) => {
                env.set("stock.move", *id, &[("picking_id", Value::Ref(new))])?;
                for line in env.referring("stock.move.line", "move_id", *id) {
                    env.set("stock.move.line", line, &[("picking_id", Value::Ref(new))])?;
                }
            }
            Later::Part(id, quantity) => {
                let of = env.get("stock.move", *id)?;
                let whose = match (of.int("sale_line_id"), of.int("purchase_line_id")) {
                    (0, line) => ("purchase_line_id", line),
                    (line, _) => ("sale_line_id", line),
                };
                let demand = Demand {
                    product: of.int("product_id"),
                    quantity: *quantity,
                    from: of.int("location_id"),
                    to: of.int("location_dest_id"),
                    picking: new,
                    of: whose,
                };
                transfer::demand(env, &demand)?;
            }
        }
    }
    transfer::confirm(env, new)?;
    transfer::assign(env, new)
}
