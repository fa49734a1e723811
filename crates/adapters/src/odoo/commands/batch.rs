//! Which record a command is about where the one that it names was ended before: a transfer and its backorders, a production
//! order and its rests. Warehouses and machines know all of them by the first name. Pure.
//!
//! What another command has ended was another batch, so this one is about the open end of the chain. What was ended by no
//! command may be this batch or another, and only a person knows: it is never taken for done.

use model::outcome::{Again, Refusal};
use serde_json::{Value, json};

use super::marks::{self, Whose, under_way};
use super::moves;
use super::production::{FINISH, ORDER};
use super::refer::{one, only, said, search};
use super::seen::{Need, Seen, Step, refused};
use super::tracking::PICKING;
use super::transfer::VALIDATION;
use crate::odoo::fields::name_there;

/// LIMIT: backorders of backorders that are followed. A transfer of that many boxes has long been split in Odoo.
const LINKS_MAX: usize = 100;

/// The record that a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    pub(super) id: u64,
    pub(super) row: &'a Value,
    pub(super) whose: Whose<'a>,
}

/// The transfer: the one that is named, else the open end of its backorders.
pub(super) fn transfer<'a>(named: u64, fields: &[&str], seen: &'a Seen) -> Step<Batch<'a>> {
    let mut id = named;
    for _ in 0..LINKS_MAX {
        let rows = seen.read(search(PICKING, json!([["id", "=", id]]), fields))?;
        let row = only(rows, PICKING, id)?;
        let notes = VALIDATION.notes(&[id], seen)?;
        let whose = marks::whose(&notes, id, seen);
        match (whose, said(&row["state"])) {
            (Whose::Nobodys, "done") => return Err(by_hand(row, &moved(id, seen)?)),
            (Whose::Anothers(_) | Whose::Contested(..), "cancel") | (Whose::Nobodys | Whose::Ours(_), _) => {
                return Ok(Batch { id, row, whose });
            }
            (Whose::Contested(note, key), _) => return Err(marks::contested((id, row), (note, key), seen)),
            (Whose::Anothers(key), "done") => match rest_of(id, seen)? {
                Some(next) => id = next,
                None => return Err(nothing_left(row, key, &moved(id, seen)?)),
            },
            (Whose::Anothers(key), _) => return Err(under_way(said(&row["name"]), key)),
        }
    }
    Err(refused(Refusal::Unmet, Again::Never, format!("it has more than {LINKS_MAX} backorders, one of the other")))
}

/// The one backorder that goes on, if there is one.
fn rest_of(id: u64, seen: &Seen) -> Step<Option<u64>> {
    let rows = seen.read(search(PICKING, json!([["backorder_id", "=", id]]), &["name", "state"]))?;
    let rows: Vec<&Value> = rows.as_array().into_iter().flatten().filter(|row| said(&row["state"]) != "cancel").collect();
    let ids: Vec<u64> = rows.iter().filter_map(|row| row["id"].as_u64()).collect();
    let ([_, _, ..], [..]) = (rows.as_slice(), ids.as_slice()) else { return Ok(ids.first().copied()) };
    let notes = VALIDATION.notes(&ids, seen)?;
    if let Some(own) = ids.iter().find(|id| matches!(marks::ours(&notes, **id, seen), Whose::Ours(_))) {
        return Ok(Some(*own));
    }
    Err(several(&rows))
}

/// What a transfer was done with, in words.
fn moved(id: u64, seen: &Seen) -> Step<String> {
    Ok(moves::told(moves::all(seen, "picking_id", id)?))
}

/// The production order to finish: the one that is named, else the open one among those that its rest became.
pub(super) fn production<'a>(named: u64, fields: &[&str], seen: &'a Seen) -> Step<Batch<'a>> {
    let rows = seen.read(search(ORDER, json!([["id", "=", named]]), fields))?;
    let row = only(rows, ORDER, named)?;
    let notes = FINISH.notes(&[named], seen)?;
    let key = match (marks::whose(&notes, named, seen), said(&row["state"])) {
        (Whose::Nobodys, "done") => return Err(by_hand(row, &produced(row))),
        (Whose::Anothers(key), "done") => key,
        (whose @ (Whose::Nobodys | Whose::Ours(_)), _) | (whose @ (Whose::Anothers(_) | Whose::Contested(..)), "cancel") => {
            return Ok(Batch { id: named, row, whose });
        }
        (Whose::Contested(note, key), _) => return Err(marks::contested((named, row), (note, key), seen)),
        (Whose::Anothers(key), _) => return Err(under_way(said(&row["name"]), key)),
    };
    among_rests(rests(named, row, fields, seen)?, (row, key), seen)
}

/// The order to finish among those that the rest of one became, which the delivery with this key has ended.
fn among_rests<'a>(later: Vec<&'a Value>, (first, key): (&Value, &str), seen: &'a Seen) -> Step<Batch<'a>> {
    let ids: Vec<u64> = later.iter().filter_map(|row| row["id"].as_u64()).collect();
    let notes = if ids.is_empty() { Vec::new() } else { FINISH.notes(&ids, seen)? };
    let batch = |row: &'a Value| {
        let id = row["id"].as_u64()?;
        Some(Batch { id, row, whose: marks::whose(&notes, id, seen) })
    };
    let later: Vec<Batch<'_>> = later.into_iter().filter_map(batch).collect();
    if let Some(own) = later.iter().find(|batch| matches!(batch.whose, Whose::Ours(_) | Whose::Contested(..))) {
        return match own.whose {
            Whose::Contested(note, key) if said(&own.row["state"]) != "cancel" => {
                Err(marks::contested((own.id, own.row), (note, key), seen))
            }
            Whose::Nobodys | Whose::Ours(_) | Whose::Anothers(_) | Whose::Contested(..) => Ok(*own),
        };
    }
    if let Some(done) = later.iter().find(|it| it.whose == Whose::Nobodys && said(&it.row["state"]) == "done") {
        return Err(by_hand(done.row, &produced(done.row)));
    }
    let open: Vec<&Batch<'_>> = later.iter().filter(|batch| is_open(batch.row)).collect();
    match open.as_slice() {
        [] => Err(nothing_left(first, key, &produced(first))),
        [only] => match only.whose {
            Whose::Anothers(key) | Whose::Contested(_, key) => Err(under_way(said(&only.row["name"]), key)),
            Whose::Nobodys | Whose::Ours(_) => Ok(**only),
        },
        [_, _, ..] => Err(several(&open.iter().map(|batch| batch.row).collect::<Vec<_>>())),
    }
}

/// The orders that the rest of an order became, the earlier first.
pub(super) fn rests<'a>(id: u64, row: &Value, fields: &[&str], seen: &'a Seen) -> Step<Vec<&'a Value>> {
    let group = group(seen);
    let (Some(of), Some(product)) = (one(&row[group]), one(&row["product_id"])) else { return Ok(Vec::new()) };
    let domain = json!([
        [group, "=", of],
        ["product_id", "=", product],
        ["backorder_sequence", ">", row["backorder_sequence"].as_u64().unwrap_or_default()],
        ["id", "!=", id],
    ]);
    Ok(seen.read(search(ORDER, domain, fields))?.as_array().into_iter().flatten().collect())
}

/// The field that an order shares with its rests, as this version calls it.
pub(super) fn group(seen: &Seen) -> &'static str {
    name_there(&seen.version, ORDER, "production_group_id")
}

/// Whether an order can still be finished.
pub(super) fn is_open(row: &Value) -> bool {
    !matches!(said(&row["state"]), "done" | "cancel")
}

pub(super) fn produced(row: &Value) -> String {
    let product = row["product_id"].get(1).and_then(Value::as_str).unwrap_or("its product");
    format!("{} of {product}", row["qty_produced"].as_f64().unwrap_or_default())
}

/// Done by no command: this batch or another, and nothing here says which.
pub(super) fn by_hand(row: &Value, with: &str) -> Need {
    let name = said(&row["name"]);
    let who = row["write_uid"].get(1).and_then(Value::as_str).unwrap_or("somebody");
    let why = format!(
        "{name} is done already, with {with}, by no command of Crossdock's (last changed by {who}). If that is what this one says, \
         cancel this delivery; if this is a further batch, let its event name the record that it is about"
    );
    refused(Refusal::Unmet, Again::Never, why)
}

/// Done by another command, and nothing of it is open.
fn nothing_left(row: &Value, key: &str, with: &str) -> Need {
    let why = format!(
        "{} is done already, with {with}, by the delivery {key}, and nothing of it is left open. If this is the same batch told \
         twice, cancel this delivery; if it is a further one, plan it in Odoo and let its event name it",
        said(&row["name"])
    );
    refused(Refusal::Unmet, Again::Never, why)
}

/// What is left has several parts.
fn several(rows: &[&Value]) -> Need {
    let names: Vec<&str> = rows.iter().map(|row| said(&row["name"])).collect();
    let why = format!("what is left of it is in {}: let the event name the one that it is about", names.join(", "));
    refused(Refusal::Unmet, Again::Never, why)
}
