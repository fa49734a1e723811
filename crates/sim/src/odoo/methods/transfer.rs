//! Transfers until they are done: moves and their lines, reservation, cancelling, packing. What validation does is in
//! `validate`.

use super::stock::{self, Place};
use super::{is_none, preset, validate};
use crate::odoo::calls::{Call, Method, Outcome};
use crate::odoo::env::{Env, known};
use crate::odoo::errors::Failure;
use crate::odoo::store::Record;
use crate::odoo::value::{Value, reference, second, text};

pub(super) const METHODS: &[Method] = &[
    Method::act("stock.picking", "action_confirm", action_confirm),
    Method::act("stock.picking", "action_assign", action_assign),
    Method::act("stock.picking", "do_unreserve", do_unreserve),
    Method::act("stock.picking", "action_cancel", action_cancel),
    Method::act("stock.picking", "action_put_in_pack", put_in_pack),
    Method::act("stock.picking", "button_validate", validate::button_validate),
    Method::act("stock.backorder.confirmation", "process", validate::process),
    Method::act("stock.backorder.confirmation", "process_cancel_backorder", validate::process_cancel),
];

/// What a move is about.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) product: i64,
    pub(super) quantity: f64,
    pub(super) from: i64,
    pub(super) to: i64,
    /// The picking, or none for production.
    pub(super) picking: i64,
    /// Whose demand it is.
    pub(super) of: (&'static str, i64),
}

/// Makes a move.
pub(super) fn demand(env: &mut Env<'_>, demand: &Demand) -> Result<i64, Failure> {
    let (schema, _) = env.model("stock.move")?;
    let name = env.view().name("product.product", demand.product);
    let picking = env.view().find("stock.picking", demand.picking);
    let fields = vec![
        ("name", text(&name)),
        ("picking_id", reference(demand.picking)),
        ("reference", picking.as_ref().map_or(Value::Empty, |it| it.get("name").clone())),
        ("origin", picking.as_ref().map_or(Value::Empty, |it| it.get("origin").clone())),
        ("group_id", picking.as_ref().map_or(Value::Empty, |it| it.get("group_id").clone())),
        ("product_id", Value::Ref(demand.product)),
        ("product_uom_qty", Value::Float(demand.quantity)),
        ("state", text("draft")),
        ("location_id", Value::Ref(demand.from)),
        ("location_dest_id", Value::Ref(demand.to)),
        (demand.of.0, reference(demand.of.1)),
        ("date", second(env.now())),
        ("company_id", Value::Ref(1)),
    ];
    let mut fields = schema.model("stock.move").map(|model| known(model, fields)).unwrap_or_default();
    fields.retain(|(_, value)| *value != Value::Empty);
    env.add("stock.move", fields)
}

pub(super) fn fill(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    let kind = env.get("stock.picking.type", record.int("picking_type_id"))?;
    preset(record, "location_id", kind.get("default_location_src_id").clone());
    preset(record, "location_dest_id", kind.get("default_location_dest_id").clone());
    preset(record, "scheduled_date", second(env.now()));
    preset(record, "company_id", Value::Ref(1));
    if matches!(record.text("name"), "" | "/") {
        let name = next_name(env, record.int("picking_type_id"))?;
        record.set("name", text(&name));
    }
    Ok(())
}

/// The next name of a type of transfers.
pub(super) fn next_name(env: &mut Env<'_>, kind: i64) -> Result<String, Failure> {
    let prefix = env.get("stock.picking.type", kind)?.text("sequence_code").to_owned();
    let sequence = match kind {
        1 => "stock.picking.in",
        2 => "stock.picking.out",
        3 => "stock.picking.int",
        _ => "stock.picking.other",
    };
    let number = env.world.sequence(sequence);
    Ok(format!("{prefix}{number:05}"))
}

pub(super) fn fill_move(env: &mut Env<'_>, record: &mut Record) -> Result<(), Failure> {
    preset(record, "product_uom", Value::Ref(1));
    if let Some(picking) = env.view().find("stock.picking", record.int("picking_id")) {
        preset(record, "location_id", picking.get("location_id").clone());
        preset(record, "location_dest_id", picking.get("location_dest_id").clone());
        preset(record, "reference", picking.get("name").clone());
    }
    let product = env.get("product.product", record.int("product_id"))?;
    if !env.version().is_new() {
        preset(record, "name", product.get("name").clone());
    }
    preset(record, "date", second(env.now()));
    preset(record, "company_id", Value::Ref(1));
    Ok(())
}

pub(super) fn fill_line(env: &mut Env<'_>, record: &mut Record) {
    if let Some(of) = env.view().find("stock.move", record.int("move_id")) {
        for field in ["product_id", "location_id", "location_dest_id", "picking_id", "state"] {
            preset(record, field, of.get(field).clone());
        }
    }
    preset(record, "date", second(env.now()));
    preset(record, "company_id", Value::Ref(1));
}

/// The moves of a transfer that are neither done nor cancelled.
pub(super) fn open_moves(env: &Env<'_>, picking: i64) -> Vec<i64> {
    let view = env.view();
    let is_open = |id: &i64| view.find("stock.move", *id).is_some_and(|it| !matches!(it.text("state"), "done" | "cancel"));
    view.referring("stock.move", "picking_id", picking).into_iter().filter(is_open).collect()
}

fn action_confirm(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        confirm(env, *id)?;
    }
    Ok(Outcome::yes())
}

/// Confirms a transfer: its drafts wait for stock.
pub(super) fn confirm(env: &mut Env<'_>, picking: i64) -> Result<(), Failure> {
    for id in open_moves(env, picking) {
        if env.get("stock.move", id)?.text("state") == "draft" {
            env.state("stock.move", id, "confirmed")?;
        }
    }
    // What comes from outside has not to be reserved: it is ready.
    let source = env.get("stock.picking", picking)?.int("location_id");
    if env.view().is_internal(source) { settle_state(env, picking) } else { assign(env, picking) }
}

fn action_assign(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.get("stock.picking", *id)?;
        if open_moves(env, *id).is_empty() {
            return Err(Failure::User("Nothing to check the availability for.".to_owned()));
        }
        assign(env, *id)?;
    }
    Ok(Outcome::yes())
}

/// Reserves what a transfer needs, as far as it is there.
pub(super) fn assign(env: &mut Env<'_>, picking: i64) -> Result<(), Failure> {
    for id in open_moves(env, picking) {
        if env.get("stock.move", id)?.text("state") == "draft" {
            env.state("stock.move", id, "confirmed")?;
        }
        reserve_move(env, id)?;
    }
    settle_state(env, picking)
}

/// Reserves what a move needs.
pub(super) fn reserve_move(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    let record = env.get("stock.move", id)?;
    let (product, from) = (record.int("product_id"), record.int("location_id"));
    let mut missing = record.float("product_uom_qty") - record.float("quantity");
    if missing < 1e-6 {
        return Ok(());
    }
    if env.view().is_internal(from) && is_tracked(env, product) {
        for (place, free) in stock::free(env, product, from) {
            let taken = free.min(missing);
            if is_none(taken) {
                break;
            }
            add_line(env, (id, &record), place, taken)?;
            stock::reserve(env, place, taken)?;
            missing -= taken;
        }
    } else {
        let serial = env.get("product.product", product)?.text("tracking") == "serial";
        let place = Place { product, location: from, lot: 0, package: 0 };
        while missing > 1e-6 {
            let taken = if serial { missing.min(1.0) } else { missing };
            add_line(env, (id, &record), place, taken)?;
            missing -= taken;
        }
    }
    settle_move(env, id)
}

fn is_tracked(env: &Env<'_>, product: i64) -> bool {
    let product = env.view().find("product.product", product);
    product.is_some_and(|it| it.get("is_storable").truth() || matches!(it.text("tracking"), "lot" | "serial"))
}

fn add_line(env: &mut Env<'_>, (id, of): (i64, &Record), place: Place, quantity: f64) -> Result<(), Failure> {
    let mut fields = vec![
        ("move_id", Value::Ref(id)),
        ("picking_id", of.get("picking_id").clone()),
        ("product_id", Value::Ref(place.product)),
        ("quantity", Value::Float(quantity)),
        ("state", text("assigned")),
        ("lot_id", reference(place.lot)),
        ("package_id", reference(place.package)),
        ("location_id", Value::Ref(place.location)),
        ("location_dest_id", of.get("location_dest_id").clone()),
        ("date", second(env.now())),
        ("company_id", Value::Ref(1)),
    ];
    fields.retain(|(_, value)| *value != Value::Empty);
    env.add("stock.move.line", fields).map(drop)
}

/// Makes a move agree with its lines.
pub(super) fn settle_move(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    let record = env.get("stock.move", id)?;
    let mut quantity = 0.0;
    let lines = env.referring("stock.move.line", "move_id", id);
    for line in &lines {
        quantity += env.get("stock.move.line", *line)?.float("quantity");
    }
    let state = match record.text("state") {
        kept @ ("done" | "cancel" | "draft") => kept,
        _ if quantity + 1e-6 >= record.float("product_uom_qty") => "assigned",
        _ if is_none(quantity) => "confirmed",
        _ => "partially_available",
    };
    let quantity = if is_none(quantity) { Value::Empty } else { Value::Float(quantity) };
    env.settle("stock.move", id, &[("quantity", quantity), ("state", text(state))])?;
    for line in lines {
        env.settle("stock.move.line", line, &[("state", text(state))])?;
    }
    Ok(())
}

/// Makes the state of a transfer agree with its moves.
pub(super) fn settle_state(env: &mut Env<'_>, picking: i64) -> Result<(), Failure> {
    let mut states = Vec::new();
    for id in env.referring("stock.move", "picking_id", picking) {
        states.push(env.get("stock.move", id)?.text("state").to_owned());
    }
    let all = |wanted: &[&str]| states.iter().all(|state| wanted.contains(&state.as_str()));
    let any = |wanted: &[&str]| states.iter().any(|state| wanted.contains(&state.as_str()));
    let waits_for_all = env.get("stock.picking", picking)?.text("move_type") == "one";
    let state = if states.is_empty() || any(&["draft"]) {
        "draft"
    } else if all(&["cancel"]) {
        "cancel"
    } else if all(&["done", "cancel"]) {
        "done"
    } else if all(&["assigned", "done", "cancel"]) || (!waits_for_all && any(&["assigned", "partially_available"])) {
        "assigned"
    } else {
        "confirmed"
    };
    env.settle("stock.picking", picking, &[("state", text(state))])
}

/// Somebody wrote on a move.
pub(super) fn move_changed(env: &mut Env<'_>, id: i64, fields: &[&str]) -> Result<(), Failure> {
    let record = env.get("stock.move", id)?;
    if fields.contains(&"quantity") && !matches!(record.text("state"), "done" | "cancel") {
        spread(env, id, record.float("quantity"))?;
        stock::rebalance(env, record.int("product_id"))?;
        settle_move(env, id)?;
        let picking = record.int("picking_id");
        if picking != 0 {
            settle_state(env, picking)?;
        }
    }
    if fields.contains(&"picked") {
        for line in env.referring("stock.move.line", "move_id", id) {
            env.settle("stock.move.line", line, &[("picked", record.get("picked").clone())])?;
        }
    }
    Ok(())
}

/// Lets the lines of a move come to a quantity.
fn spread(env: &mut Env<'_>, id: i64, quantity: f64) -> Result<(), Failure> {
    let record = env.get("stock.move", id)?;
    let lines = env.referring("stock.move.line", "move_id", id);
    let mut left = quantity;
    for line in &lines {
        let own = env.get("stock.move.line", *line)?.float("quantity");
        let kept = own.min(left);
        left -= kept;
        if is_none(kept) {
            env.remove("stock.move.line", *line)?;
        } else if !is_none(kept - own) {
            env.set("stock.move.line", *line, &[("quantity", Value::Float(kept))])?;
        }
    }
    if left < 1e-6 {
        return Ok(());
    }
    match lines.first().copied().filter(|line| env.view().find("stock.move.line", *line).is_some()) {
        Some(line) => {
            let more = env.get("stock.move.line", line)?.float("quantity") + left;
            env.set("stock.move.line", line, &[("quantity", Value::Float(more))])
        }
        None => {
            let place = Place { product: record.int("product_id"), location: record.int("location_id"), lot: 0, package: 0 };
            add_line(env, (id, &record), place, left)
        }
    }
}

/// Somebody wrote on a line of a move.
pub(super) fn line_changed(env: &mut Env<'_>, id: i64, fields: &[&str]) -> Result<(), Failure> {
    let record = env.get("stock.move.line", id)?;
    if matches!(record.text("state"), "done" | "cancel") {
        return Ok(());
    }
    if fields.iter().any(|field| matches!(*field, "quantity" | "lot_id" | "package_id" | "location_id")) {
        stock::rebalance(env, record.int("product_id"))?;
    }
    let of = record.int("move_id");
    if of != 0 && fields.contains(&"quantity") {
        settle_move(env, of)?;
    }
    Ok(())
}

fn do_unreserve(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        env.get("stock.picking", *id)?;
        for of in open_moves(env, *id) {
            unreserve(env, of)?;
            settle_move(env, of)?;
        }
        settle_state(env, *id)?;
    }
    Ok(Outcome::yes())
}

/// Gives back what a move has reserved.
pub(super) fn unreserve(env: &mut Env<'_>, id: i64) -> Result<(), Failure> {
    for line in env.referring("stock.move.line", "move_id", id) {
        let record = env.get("stock.move.line", line)?;
        stock::reserve(env, Place::of(&record), -record.float("quantity"))?;
        env.remove("stock.move.line", line)?;
    }
    Ok(())
}

fn action_cancel(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    for id in &call.ids {
        if env.get("stock.picking", *id)?.text("state") == "done" {
            let said = "You cannot cancel a stock move that has been set to 'Done'. Create a return in order to reverse the moves which took place.";
            return Err(Failure::User(said.to_owned()));
        }
        cancel(env, *id)?;
    }
    Ok(Outcome::yes())
}

/// Cancels a transfer.
pub(super) fn cancel(env: &mut Env<'_>, picking: i64) -> Result<(), Failure> {
    for id in open_moves(env, picking) {
        unreserve(env, id)?;
        env.set("stock.move", id, &[("state", text("cancel")), ("quantity", Value::Empty)])?;
    }
    env.state("stock.picking", picking, "cancel")
}

fn put_in_pack(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let model = env.version().pick("stock.quant.package", "stock.package");
    let number = env.world.sequence("stock.package");
    let package = env.add(model, vec![("name", text(&format!("PACK{number:07}"))), ("company_id", Value::Ref(1))])?;
    let mut lines = 0;
    for picking in &call.ids {
        env.get("stock.picking", *picking)?;
        for line in env.referring("stock.move.line", "picking_id", *picking) {
            let record = env.get("stock.move.line", line)?;
            if record.get("result_package_id").truth() || is_none(record.float("quantity")) {
                continue;
            }
            lines += 1;
            env.set("stock.move.line", line, &[("result_package_id", Value::Ref(package))])?;
        }
    }
    if lines == 0 {
        return Err(Failure::User("There is nothing eligible to put in a pack. Either there are no quantities to put in a pack or all products are already in a pack.".to_owned()));
    }
    Ok(Outcome::Records(model, vec![package]))
}
