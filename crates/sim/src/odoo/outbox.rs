//! The outbox addon: a row for each changed record in the transaction of the change, and a fenced `pull` that no late commit
//! can slip through. It answers what the addon answers; its rules cannot be configured here, and a change of a watched record
//! that no shipped rule names is told as `changed`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::calls::{Call, Method, On, Outcome};
use super::env::Env;
use super::errors::Failure;
use super::python;
use super::read::{Pairs, row};
use super::rights::Operation;
use super::rules;
use super::store::Record;
use super::value::{Grain, Value, moment, second, text};
use crate::random::Random;

/// LIMIT: rows of one pull.
const ROWS_MAX: usize = 2_000;
/// The model.
pub(super) const MODEL: &str = "crossdock.outbox";

/// What it watches: the model, a state, and what its being reached is called. Any other change is a `changed`.
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
    /// It is one of before 1.1.2: it does not look at how far a reader has come, and counts nothing that is kept from one.
    Before,
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
    /// Up to here every reader had them in an earlier epoch: they come no more.
    behind: (i64, i64),
    /// Rows of transactions below this are of an earlier epoch: they have no reading.
    unread_below: i64,
    /// So many were removed unread, and up to where.
    lost: (usize, (i64, i64)),
    chance: Random,
}

impl Outbox {
    pub(super) fn new(seed: u64) -> Self {
        let mut outbox = Self {
            addon: Addon::Missing,
            epoch: String::new(),
            acknowledged: BTreeMap::new(),
            behind: (0, 0),
            unread_below: 0,
            lost: (0, (0, 0)),
            chance: Random::stream(seed, "odoo-outbox"),
        };
        outbox.restore(0);
        outbox
    }

    /// Begins another epoch, as a restore of the database does: what transactions below this wrote comes again as names.
    pub(super) fn restore(&mut self, below: u64) {
        self.epoch = self.unique();
        self.unread_below = i64::try_from(below).unwrap_or(i64::MAX);
        self.behind = self.behind.max(self.acknowledged.values().min().copied().unwrap_or_default());
        self.acknowledged.clear();
        self.lost = (0, (0, 0));
    }

    /// Becomes what it was before; of what it draws by chance nothing comes twice.
    pub(super) fn put_back(&mut self, before: &Self) {
        let chance = self.chance.clone();
        *self = Self { chance, addon: self.addon, ..before.clone() };
    }

    /// Removes rows up to this place, as above the hard limit.
    pub(super) fn lose(&mut self, rows: usize, upto: (i64, i64)) {
        self.lost = (self.lost.0 + rows, upto);
    }

    /// Behind this place there is something to be read.
    fn floor(&self) -> (i64, i64) {
        self.behind.max(self.lost.1)
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
        takes: &["txid!", "id!", "epoch!", "consumer"],
        work: acknowledge,
    },
    Method { model: MODEL, name: "kept_from", on: On::Model, needs: Operation::Read, takes: &["names!"], work: kept_from },
];

/// What a row says.
pub(super) struct Telling<'a> {
    pub(super) event_type: String,
    pub(super) model: &'a str,
    pub(super) id: i64,
    pub(super) trigger: &'a str,
    pub(super) reading: &'a str,
    pub(super) payload: &'a Json,
}

/// Writes the rows of a transaction that is about to commit: one for each record that it changed, and those of the rules that
/// somebody made.
pub(super) fn record(env: &mut Env<'_>) -> Result<(), Failure> {
    if env.world.outbox.addon == Addon::Missing {
        return Ok(());
    }
    let changed = env.tx.changed();
    shipped(env, &changed)?;
    rules::record(env, &changed)
}

/// The rows of the rules that come with the addon.
fn shipped(env: &mut Env<'_>, changed: &[(&'static str, i64)]) -> Result<(), Failure> {
    for (model, id) in changed.iter().copied() {
        let Some((_, states)) = WATCHED.iter().find(|(name, _)| *name == model) else { continue };
        let before = env.world.store.committed(model, id);
        let after = env.view().find(model, id);
        let (kind, trigger) = match (&before, &after) {
            (None, None) => continue,
            (Some(_), None) => ("deleted", "deleted"),
            (before, Some(after)) => {
                let is_new = before.as_ref().is_none_or(|before| before.text("state") != after.text("state"));
                let reached = states.iter().find(|(state, _)| is_new && *state == after.text("state"));
                match (reached, before) {
                    (Some((_, name)), _) => (*name, "reached"),
                    (None, None) => ("created", "created"),
                    (None, Some(_)) if rules::tell_all_of(env, model) => continue,
                    (None, Some(_)) => ("changed", "changed"),
                }
            }
        };
        let view = env.view();
        let described = view.model(model)?;
        let payload = row(&view, described, id, (&[], Pairs::Ids)).unwrap_or_else(|| json!({ "id": id }));
        let event_type = format!("odoo.{model}.{kind}");
        tell(env, &Telling { event_type, model, id, trigger, reading: "", payload: &payload })?;
    }
    Ok(())
}

/// Writes a row.
pub(super) fn tell(env: &mut Env<'_>, telling: &Telling<'_>) -> Result<(), Failure> {
    let txid = i64::try_from(env.world.store.touch(env.tx)).unwrap_or(i64::MAX);
    let event = env.world.outbox.unique();
    let fields = vec![
        ("txid", Value::Int(txid)),
        ("event_id", text(&event)),
        ("event_type", text(&telling.event_type)),
        ("res_model", text(telling.model)),
        ("res_id", Value::Int(telling.id)),
        ("trigger", text(telling.trigger)),
        ("reading", text(telling.reading)),
        ("payload", text(&python::dumps(telling.payload))),
        ("at", second(env.now())),
    ];
    env.add(MODEL, fields).map(drop)
}

/// Refuses what belongs to the addon where it is not there.
pub(super) fn installed(env: &Env<'_>) -> Result<(), Failure> {
    match env.world.outbox.addon {
        Addon::Installed | Addon::Before => Ok(()),
        Addon::Missing => Err(Failure::NoModel(MODEL.to_owned())),
    }
}

/// A row with its position: transaction and id.
type Row = ((i64, i64), Arc<Record>);

/// The rows after a cursor that can be read, and how many cannot yet.
fn rows_after(env: &Env<'_>, after: (i64, i64)) -> (Vec<Row>, usize) {
    let fence = i64::try_from(env.world.store.fence()).unwrap_or(i64::MAX);
    let after = after.max(env.world.outbox.floor());
    let view = env.view();
    let (mut rows, mut held_back) = (Vec::new(), 0);
    for id in env.world.store.at_least(env.tx, MODEL, "txid", after.0) {
        let Some(record) = view.find(MODEL, id) else { continue };
        let position = (record.int("txid"), id);
        if position.0 >= fence {
            held_back += 1;
        } else if position > after {
            rows.push((position, record));
        }
    }
    rows.sort_by_key(|(position, _)| *position);
    (rows, held_back)
}

fn line(((txid, id), record): &Row, unread_below: i64) -> Json {
    let reading = if *txid < unread_below { "" } else { record.text("reading") };
    let payload: Json = serde_json::from_str(record.text("payload")).unwrap_or_default();
    let at = instant(record.int("create_date"));
    json!({
        "txid": txid,
        "id": id,
        "event_id": record.text("event_id"),
        "event_type": record.text("event_type"),
        "res_model": record.text("res_model"),
        "res_id": record.int("res_id"),
        "trigger": named(record.text("trigger")),
        "reading": named(reading),
        "payload": payload,
        "emitted_at": at,
        "at": at,
    })
}

/// A word, or null for none.
fn named(word: &str) -> Json {
    if word.is_empty() { Json::Null } else { json!(word) }
}

fn instant(micros: i64) -> String {
    moment(micros, Grain::Micros).replacen(' ', "T", 1) + "Z"
}

/// Begins another epoch where a reader has come further than any transaction here: the cluster was put back as a whole.
fn look_for_the_future(env: &mut Env<'_>, epoch: &str, txid: i64) {
    let next = env.world.store.next_txid();
    let outbox = &mut env.world.outbox;
    if outbox.addon == Addon::Installed && outbox.epoch == epoch && txid >= i64::try_from(next).unwrap_or(i64::MAX) {
        outbox.restore(next);
    }
}

/// How many records of these models the rules tell of, and how many of them are kept from who asks.
fn kept_from(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    if env.world.outbox.addon == Addon::Before {
        return Err(Failure::NoMethod(format!("The method '{MODEL}.kept_from' does not exist")));
    }
    let mut kept = serde_json::Map::new();
    for name in call.names("names").into_iter().filter(|name| rules::tell_all_of(env, name)) {
        let view = env.view();
        let ids = view.all(&name);
        let hidden = ids.iter().filter(|id| view.hides(&name, **id)).count();
        kept.insert(name, json!({ "told": ids.len(), "hidden": hidden }));
    }
    Ok(Outcome::Plain(Json::Object(kept)))
}

#[expect(clippy::unnecessary_wraps, reason = "a method of the table, where others fail")]
fn pull(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let number = |name: &str| call.get(name).as_i64().unwrap_or_default();
    let asked = call.get("epoch").as_str().unwrap_or_default();
    look_for_the_future(env, asked, number("after_txid"));
    let epoch = env.world.outbox.epoch.clone();
    // A cursor of another epoch means nothing here: the reader begins again.
    let reset = !asked.is_empty() && asked != epoch;
    let after = if reset { (0, 0) } else { (number("after_txid"), number("after_id")) };
    let limit = call.number("limit").unwrap_or(500).clamp(1, ROWS_MAX);
    let (mut found, held_back) = rows_after(env, after);
    let all = found.len();
    found.truncate(if reset { 0 } else { limit });
    let behind = all - found.len();
    let next = found.last().map_or(after, |(position, _)| *position);
    let unread_below = env.world.outbox.unread_below;
    let rows: Vec<Json> = found.iter().map(|row| line(row, unread_below)).collect();
    env.world.ledger.read_rows(rows.len());
    let (lost_rows, lost) = env.world.outbox.lost;
    let mut answer = json!({
        "epoch": epoch,
        "reset": reset,
        "behind": behind,
        "held_back": held_back,
        "fence": env.world.store.fence(),
        "now": instant(env.now().micros()),
        "rows": rows,
        "next": { "txid": next.0, "id": next.1 },
        "has_more": behind > 0,
        "more": behind > 0,
    });
    if after < lost {
        answer["lost"] = json!({ "rows": lost_rows, "upto": { "txid": lost.0, "id": lost.1 } });
    }
    Ok(Outcome::Plain(answer))
}

fn acknowledge(env: &mut Env<'_>, call: &Call) -> Result<Outcome, Failure> {
    let (of, txid) = (call.get("epoch").as_str().unwrap_or_default(), call.get("txid").as_i64().unwrap_or_default());
    look_for_the_future(env, of, txid);
    let epoch = env.world.outbox.epoch.clone();
    if call.get("epoch").as_str() != Some(&epoch) {
        return Ok(Outcome::Plain(json!({ "epoch": epoch, "reset": true })));
    }
    let consumer = call.get("consumer").as_str().unwrap_or("crossdock").to_owned();
    let cursor = (call.get("txid").as_i64().unwrap_or_default(), call.get("id").as_i64().unwrap_or_default());
    if cursor.0 >= i64::try_from(env.world.store.fence()).unwrap_or(i64::MAX) {
        return Err(Failure::Validation("The position cannot have been read yet.".to_owned()));
    }
    let known = env.world.outbox.acknowledged.entry(consumer.clone()).or_insert(cursor);
    *known = (*known).max(cursor);
    let (txid, id) = *known;
    Ok(Outcome::Plain(json!({ "epoch": epoch, "reset": false, "consumer": consumer, "txid": txid, "id": id })))
}
