//! Odoo as a system of record: the engine's port over calls that only read.
//!
//! What was learnt of an Odoo (version, wire, user, fields) is kept until it refuses something; then it is learnt anew, so that
//! an upgrade or a module that comes or goes needs nobody here.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use engine::ports::{
    Absence, Asked, Clock, Peer, Place, Pull, Pulled, Read, Reading, Records, Row, Shape, Shown, Unread, Which,
};
use model::Timestamp;
use model::outcome::Refusal;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::{Known, model_there};
use super::outbox;
use super::session::{Odoo, Session};
use super::specified::{STATE, WRITTEN, not_odoo};

/// Names of units and the like are read in the language that mappings are written for, whatever the user's is.
pub(super) const LANGUAGE: &str = "en_US";

/// All Odoos of the process, read.
#[derive(Debug)]
pub struct OdooRecords {
    pub(super) odoo: Odoo,
    pub(super) clock: Arc<dyn Clock>,
    learnt: Mutex<BTreeMap<String, Learnt>>,
}

/// What was learnt of an Odoo.
#[derive(Clone, Debug)]
pub(super) struct Learnt {
    /// Of which, key included: another key is another acquaintance.
    peer: Peer,
    pub(super) session: Session,
    pub(super) fields: Known,
}

impl OdooRecords {
    /// With nothing learnt yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { odoo: Odoo::new(Arc::clone(&clock)), clock, learnt: Mutex::default() }
    }

    pub(super) async fn learnt(&self, peer: &Peer) -> Result<Learnt, Failure> {
        let held = self.lock().get(&peer.name).filter(|learnt| learnt.peer == *peer).cloned();
        if let Some(held) = held {
            return Ok(held);
        }
        let session = self.odoo.greet(peer).await?;
        let learnt = Learnt { peer: peer.clone(), session, fields: Known::new() };
        self.lock().insert(peer.name.clone(), learnt.clone());
        Ok(learnt)
    }

    /// What was learnt, with the fields of all models that a reading touches.
    pub(super) async fn learnt_of(&self, peer: &Peer, model: &str, reading: &Reading) -> Result<Learnt, Failure> {
        let mut learnt = self.learnt(peer).await?;
        let before = learnt.fields.len();
        let there = model_there(&learnt.session.version, model).to_owned();
        self.odoo.learn((peer, &learnt.session), &there, reading, &mut learnt.fields).await?;
        if learnt.fields.len() != before {
            self.lock().insert(peer.name.clone(), learnt.clone());
        }
        Ok(learnt)
    }

    /// The answer, or the words for why there is none. What was refused for what may have changed there is learnt anew.
    async fn told<T>(&self, peer: &Peer, asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Unread> {
        asking.await.map_err(|failure| {
            if failure.is_about_what_is_there() {
                self.lock().remove(&peer.name);
            }
            failure.unread()
        })
    }

    async fn count(&self, peer: &Peer, model: &str, ranges: &[(u64, u64)]) -> Result<Vec<u64>, Failure> {
        let session = self.learnt(peer).await?.session;
        let mut counts = Vec::with_capacity(ranges.len());
        for range in ranges {
            let call = Call::of_model(model_there(&session.version, model), "search_count")
                .with("domain", between(*range))
                .context("active_test", false);
            let told = self.odoo.call(peer, &session, &call).await?;
            counts.push(told.value.as_u64().ok_or_else(not_odoo)?);
        }
        Ok(counts)
    }

    async fn search(&self, peer: &Peer, model: &str, range: (u64, u64)) -> Result<Vec<u64>, Failure> {
        let session = self.learnt(peer).await?.session;
        let call = Call::of_model(model_there(&session.version, model), "search")
            .with("domain", between(range))
            .with("order", "id")
            .context("active_test", false);
        let told = self.odoo.call(peer, &session, &call).await?;
        ids(&told.value)
    }

    /// What is gone is left out of an answer, and where a rule hides one, the call is refused as a whole: then fewer are asked after
    /// at a time. A field that is stored is read: for `id` alone Odoo looks nothing up, and answers for what is gone as well.
    async fn absent(&self, peer: &Peer, model: &str, asked: &[u64]) -> Result<Vec<(u64, Absence)>, Failure> {
        let session = self.learnt(peer).await?.session;
        let there = model_there(&session.version, model);
        let mut absent = Vec::with_capacity(asked.len());
        let mut parts = vec![asked];
        while let Some(ids) = parts.pop() {
            let call = Call::of_records(there, "read", ids.to_vec()).with("fields", json!([WRITTEN]));
            match (self.odoo.call(peer, &session, &call).await, ids) {
                (Ok(told), _) => {
                    let still = records(&told.value)?;
                    let absence = |id| if still.contains(id) { Absence::Hidden } else { Absence::Gone };
                    absent.extend(ids.iter().map(|id| (*id, absence(id))));
                }
                (Err(Failure::Said { refusal: Refusal::Access, .. }), [id]) => absent.push((*id, Absence::Hidden)),
                (Err(Failure::Said { refusal: Refusal::Missing, .. }), [id]) => absent.push((*id, Absence::Gone)),
                (Err(Failure::Said { refusal: Refusal::Access | Refusal::Missing, .. }), [_, ..]) => {
                    // LIMIT: a page of n that are all hidden takes n calls and the root of n more, a single one twice that root.
                    parts.extend(ids.chunks(ids.len().isqrt()));
                }
                (Err(failure), _) => return Err(failure),
            }
        }
        Ok(absent)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Learnt>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records for OdooRecords {
    fn shown<'a>(&'a self, peer: &'a Peer, asked: &'a Asked) -> Read<'a, Shown> {
        Box::pin(self.told(peer, self.show(peer, asked)))
    }

    fn counts<'a>(&'a self, peer: &'a Peer, model: &'a str, ranges: &'a [(u64, u64)]) -> Read<'a, Vec<u64>> {
        Box::pin(self.told(peer, self.count(peer, model, ranges)))
    }

    fn ids<'a>(&'a self, peer: &'a Peer, model: &'a str, range: (u64, u64)) -> Read<'a, Vec<u64>> {
        Box::pin(self.told(peer, self.search(peer, model, range)))
    }

    fn missing<'a>(&'a self, peer: &'a Peer, model: &'a str, ids: &'a [u64]) -> Read<'a, Vec<(u64, Absence)>> {
        Box::pin(self.told(peer, self.absent(peer, model, ids)))
    }

    fn pulled<'a>(&'a self, peer: &'a Peer, pull: &'a Pull) -> Read<'a, Pulled> {
        Box::pin(async move { self.told(peer, self.pull(peer, pull)).await.map_err(outbox::unread) })
    }

    fn acknowledged<'a>(&'a self, peer: &'a Peer, reader: &'a str, place: &'a Place) -> Read<'a, ()> {
        Box::pin(async move { self.told(peer, self.acknowledge(peer, reader, place)).await.map_err(outbox::unread) })
    }
}

/// Whether a model has states, where its fields are known.
pub(super) fn shape(there: &str, fields: &Known) -> Option<Shape> {
    fields.get(there).map(|known| if known.0.contains_key(STATE) { Shape::Stated } else { Shape::Plain })
}

pub(super) fn row(model: &str, record: &Value, mut ours: Value) -> Option<Row> {
    let id = record.get("id")?.as_u64()?;
    let written = record.get(WRITTEN).and_then(Value::as_str);
    if let (Some(written), Some(members)) = (written, ours.as_object_mut()) {
        members
            .entry(WRITTEN)
            .or_insert_with(|| json!(written.replacen(' ', "T", 1).split('.').next().map(|it| format!("{it}Z"))));
    }
    let body = json!({ "model": model, "id": id, "record": ours });
    Some(Row {
        id,
        written_at: written.and_then(instant),
        state: record.get(STATE).and_then(Value::as_str).map(str::to_owned),
        body: Bytes::from(body.to_string()),
    })
}

/// `2026-11-21 00:51:48`, in UTC, cut to the second.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = format!("{}Z", text.get(..19)?.replacen(' ', "T", 1));
    formats::instant::rfc3339(&text).map(Timestamp::from_secs)
}

pub(super) fn domain(which: &Which) -> Value {
    match which {
        Which::These(ids) => json!([["id", "in", ids]]),
        Which::All { after } => json!([["id", ">", after]]),
        Which::Written { from, after } => json!([[WRITTEN, ">=", text(*from)], ["id", ">", after]]),
    }
}

/// As domains write moments: UTC, without a zone.
fn text(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn between((from, to): (u64, u64)) -> Value {
    json!([["id", ">=", from], ["id", "<", to]])
}

pub(super) fn ids(value: &Value) -> Result<Vec<u64>, Failure> {
    let ids = value.as_array().ok_or_else(not_odoo)?;
    ids.iter().map(|id| id.as_u64().ok_or_else(not_odoo)).collect()
}

fn records(value: &Value) -> Result<Vec<u64>, Failure> {
    let rows = value.as_array().ok_or_else(not_odoo)?;
    rows.iter().map(|row| row.get("id").and_then(Value::as_u64).ok_or_else(not_odoo)).collect()
}
