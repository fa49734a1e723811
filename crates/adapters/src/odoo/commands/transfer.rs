//! `validate_transfer`: what was really moved, and that it is over. Pure.
//!
//! A transfer is done for a command only under the command's note, and not before it; quantities and lots are compared then
//! too. Which transfer a command is about, where the one that it names was done by another, is in `batch`.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::batch;
use super::lots::Unknown;
use super::marks::Doing;
use super::moves::{self, Line};
use super::refer::{list, member, one, record, said, same, text, texts};
use super::seen::{Seen, Step, refused, unreadable};
use super::tracking::{PICKING, TRACKING, numbers};
use crate::odoo::call::Call;

/// What is done to a transfer once.
pub(super) const VALIDATION: Doing = Doing { model: PICKING, word: "validate", when: "date_done" };

/// `{"command": "validate_transfer", "record": …, "lines": […], "backorder": "make", "tracking": […]}`.
pub(super) fn plan(document: &Value, seen: &Seen) -> Step<Value> {
    let rest = Rest::of(document)?;
    let tracking = texts(document, "tracking")?;
    let mut fields = vec!["name", "state", "picking_type_code", "backorder_ids", "write_uid", VALIDATION.when];
    if !tracking.is_empty() {
        fields.push(TRACKING);
    }
    let lines = moves::lines(list(document, "lines")?, seen)?;
    if lines.iter().all(|line| same(line.quantity, 0.0)) {
        return Err(unreadable("the command moves nothing"));
    }
    let named = match VALIDATION.home(seen)? {
        Some(home) => home,
        None => record(seen, PICKING, member(document, "record")?)?,
    };
    let batch = batch::transfer(named, &fields, seen)?;
    let (id, row) = (batch.id, batch.row);
    let all = moves::all(seen, "picking_id", id)?;
    match said(&row["state"]) {
        "cancel" => {
            let cancelled = Err(refused(Refusal::Rule, Again::Never, format!("{} is cancelled", said(&row["name"]))));
            return VALIDATION.guarded(cancelled, (id, batch.whose), "", seen);
        }
        "done" if VALIDATION.is_by_hand((id, row), batch.whose, seen) => {
            let by_hand = Err(batch::by_hand(row, &moves::told(all)));
            return VALIDATION.guarded(by_hand, (id, batch.whose), "", seen);
        }
        "done" => {
            as_told(all, &lines, said(&row["name"]), seen)?;
            numbers(document, (id, row), seen)?;
        }
        _ => {
            let says = format!("Validated with {}.", moves::listed(all, &lines));
            let step = validated(document, (id, row), (all, &lines), seen);
            let step = step.and_then(|()| Err(VALIDATION.done(id, rest.validate(id), seen)));
            return VALIDATION.guarded(step, (id, batch.whose), &says, seen);
        }
    }
    Ok(json!({ "model": PICKING, "id": id, "name": row["name"], "state": "done", "backorders": row["backorder_ids"] }))
}

/// Asks for all that has to be so before a transfer is validated.
fn validated(document: &Value, (id, row): (u64, &Value), (all, lines): (&[Value], &[Line<'_>]), seen: &Seen) -> Step<()> {
    if said(&row["state"]) == "draft" {
        return Err(seen.change("confirm", Call::of_records(PICKING, "action_confirm", vec![id])));
    }
    let open: Vec<&Value> = all.iter().filter(|row| moves::is_open(row)).collect();
    let unknown = match said(&row["picking_type_code"]) {
        "incoming" => Unknown::ComeIn,
        _ => Unknown::AreRefused,
    };
    moves::hold(&open, lines, unknown, seen)?;
    numbers(document, (id, row), seen)
}

/// What becomes of what was not moved.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rest {
    /// It is planned again.
    Made,
    /// It is given up.
    Dropped,
}

impl Rest {
    pub(super) fn of(document: &Value) -> Step<Self> {
        match text(document, "backorder")? {
            "make" => Ok(Self::Made),
            "none" => Ok(Self::Dropped),
            other => Err(unreadable(format!("`backorder` is `make` or `none`, and not `{other}`"))),
        }
    }

    /// With both switches Odoo asks nobody.
    fn validate(self, id: u64) -> Call {
        let call = Call::of_records(PICKING, "button_validate", vec![id]).context("skip_backorder", true);
        match self {
            Self::Made => call,
            Self::Dropped => call.context("picking_ids_not_to_backorder", json!([id])),
        }
    }
}

/// Refuses a transfer of ours that was done with other quantities, lots or products: a person changed it in between.
fn as_told(rows: &[Value], lines: &[Line<'_>], name: &str, seen: &Seen) -> Step<()> {
    if let Some(how) = moves::differs(rows, lines, seen)? {
        return Err(refused(
            Refusal::Unmet,
            Again::Never,
            format!("{name} was validated for this delivery, but with {how}"),
        ));
    }
    let is_told = |row: &Value| lines.iter().any(|line| one(&row["product_id"]) == Some(line.product));
    if moves::done(rows).any(|row| !is_told(row) && !same(moves::quantity_of(row), 0.0)) {
        let why = format!("{name} was validated for this delivery, but with more products than these");
        return Err(refused(Refusal::Unmet, Again::Never, why));
    }
    Ok(())
}
