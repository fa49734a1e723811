//! The outbox addon: a row for each changed record in the transaction of the change, and a fenced `pull` that no late commit
//! can slip through.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::calls::{Call, Method, On, Outcome};
use super::env::Env;
use super::errors::Failure;
use super::python;
use super::read::{Pairs, row};
use super::rights::Operation;
use super::value::{Grain, Value, moment, second, text};
use crate::random::Random;

/// LIMIT: rows of one pull.
const ROWS_MAX: usize = 2_000;
/// The model.
pub(super) const MODEL: &str = "crossdock.outbox";

/// What it watches: the model, a state, and what its being reached is called. A change without such a state is a `written`.
const WATCHED: [(&str, &[(&str, &str)]); 9] = [
    ("sale.order", &[("sale", "confirmed"), ("cancel", "cancelled")]),
    ("stock.picking", &[("done", "done"), ("cancel", "cancelled"), ("assigned", "assigned")]),
    ("stock.move", &[("done", "done"), ("cancel", "cancelled")]),
    ("purchase.order", &[("purchase", "confirmed"), ("cancel", "cancelled")]),
    ("account.move", &[("posted", "posted"), ("cancel", "cancelled")]),
    ("mrp.production", &[("confirmed", "confirmed"), ("done", "done"), ("cancel", "cancelled")]),
    ("mrp.workorder", &[("done", "done")]),
    ("res.partner", &[]),
    ("product.product", &[]),
];

/// Whether the addon is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addon {
    /// It is.
    Installed,
    /// It is not.
    Missing,
}

/// The addon's own state.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    pub(super) addon: Addon,
    /// Another one after a restore.
    pub(super) epoch: String,
    /// How far each consumer has acknowledged.
    pub(super) acknowledged: BTreeMap<String, (i64, i64)>,
    chance: Random,
}

impl Outbox {
    pub(super) fn new(seed: u64) -> Self {
        let mut outbox = Self {
            addon: Addon::Missing,
            epoch: String::new(),
            acknowledged: BTreeMap::new(),
            chance: Random::stream(seed, "odoo-outbox"),
        };
        outbox.restore();
        outbox
    }

    /// Begins another epoch, as a restore of the database does.
    pub(super) fn restore(&mut self) {
        self.epoch = self.unique();
    }

    fn unique(&mut self) -> String {
        let (high, low) = (self.chance.number(), self.chance.number());
        uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()).into_uuid().to_string()
    }
}

pub(super) const METHODS: &[Method] = &[
    Method {
        model: MODEL,
        name: "pull",
        on: On::Model,
        needs: Operation::Read,
        takes: &["after_txid", "after_id", "limit", "epoch"],
        work: pull,
    },
    Method {
        model: MODEL,
        name: "acknowledge",
        on: On::Model,
        needs: Operation::Write,
        takes: &["consumer!", "txid!", "id!", "epoch"],
        work: acknowledge,
    },
];

/// Writes the rows of a transaction that is about to commit, one for each record that it changed.
pub(super) fn record(env: &mut Env<'_>) -> Result<(), Failure> {
    if env.world.outbox.addon == Addon::Missing {
        return Ok(());
    }
    for (model, id) in env.tx.changed() {
        let Some((_, states)) = WATCHED.iter().find(|(name, _)| *name == model) else { continue };
        let before = env.world.store.committed(model, id);
        let after = env.view().find(model, id);
        let kind = match (&before, &after) {
            (None, None) => continue,
            (Some(_), None) => "deleted",
            (before, Some(after)) => {
                let is_new = before.as_ref().is_none_or(|before| before.text("state") != after.text("state"));
                let reached = states.iter().find(|(state, _)| is_new && *state == after.text("state"));
                reached.map_or(if before.is_none() { "created" } else { "written" }, |(_, name)| *name)
            }
        };
        let view = env.view();
        let described = view.model(model)?;
        let payload = row(&view, described, id, (&[], Pairs::Ids)).unwrap_or_else(|| json!({ "id": id }));
        let txid = i64::try_from(env.world.store.touch(env.tx)).unwrap_or(i64::MAX);
        let event = env.world.outbox.unique();
        let fields = vec![
            ("txid", Value::Int(txid)),
            ("event_id", text(&event)),
            ("event_type", text(&format!("{model}.{kind}"))),
            ("res_model", text(model)),
            ("res_id", Value::Int(id)),
            ("payload", text(&python::dumps(&payload))),
            ("at", second(env.now())),
        ];
        env.add(MODEL, fields)?;
    }
    Ok(())
}

fn installed(env: &Env<'_>) -> Result<(), Failure> {
    match env.world.outbox.addon {
        Addon::Installed => Ok(()),
        Addon::Missing => Err(Failure::NoModel(MODEL.to_owned())),
    }
}

fn pull(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    installed(env)?;
    let number = |name: &str| call.get(name).as_i64().unwrap_or_default();
    let asked = call.get("epoch").as_str().unwrap_or_default();
    let epoch = env.world.outbox.epoch.clone();
    // A cursor of another epoch means nothing here: the reader begins again.
    let is_other = !asked.is_empty() && asked != epoch;
    let after = if is_other { (0, 0) } else { (number("after_txid"), number("after_id")) };
    let limit = call.number("limit").unwrap_or(500).min(ROWS_MAX);
    let fence = i64::try_from(env.world.store.fence()).unwrap_or(i64::MAX);
    let view = env.view();
    let mut all = Vec::new();
    for id in view.all(MODEL) {
        let Some(record) = view.find(MODEL, id) else { continue };
        if (record.int("txid"), id) > after {
            all.push((record.int("txid"), id, record));
        }
    }
    let held_back = all.iter().filter(|(txid, ..)| *txid >= fence).count();
    all.retain(|(txid, ..)| *txid < fence);
    all.sort_by_key(|(txid, id, _)| (*txid, *id));
    let more = all.len() > limit;
    all.truncate(limit);
    let (txid, id) = all.last().map_or(after, |(txid, id, _)| (*txid, *id));
    let line = |(txid, id, record): &(i64, i64, std::sync::Arc<super::store::Record>)| {
        json!({
            "txid": txid,
            "id": id,
            "event_id": record.text("event_id"),
            "event_type": record.text("event_type"),
            "res_model": record.text("res_model"),
            "res_id": record.int("res_id"),
            "payload": record.text("payload"),
            "at": moment(record.int("create_date"), Grain::Micros),
        })
    };
    let rows: Vec<Json> = all.iter().map(line).collect();
    let now = moment(env.now().micros(), Grain::Micros);
    env.world.ledger.read_rows(rows.len());
    Ok(Outcome::Plain(json!({
        "epoch": epoch,
        "rows": rows,
        "next": { "txid": txid, "id": id },
        "held_back": held_back,
        "more": more,
        "now": now,
    })))
}

fn acknowledge(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    installed(env)?;
    let asked = call.get("epoch").as_str().unwrap_or_default();
    if !asked.is_empty() && asked != env.world.outbox.epoch {
        return Err(Failure::User("The cursor is of another epoch.".to_owned()));
    }
    let consumer = call.get("consumer").as_str().unwrap_or_default().to_owned();
    let cursor = (call.get("txid").as_i64().unwrap_or_default(), call.get("id").as_i64().unwrap_or_default());
    let known = env.world.outbox.acknowledged.entry(consumer).or_insert(cursor);
    *known = (*known).max(cursor);
    Ok(Outcome::yes())
}
