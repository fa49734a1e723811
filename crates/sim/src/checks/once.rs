//! I4: the same key within its window is one event; routed twice, it has the same deliveries. What comes after the window is
//! a new event, however alike.

use std::collections::BTreeMap;

use model::limit::{KEY_WINDOW, READ_RECORDS_MAX};
use model::{DeliveryId, Digest, EventId, Fault, Offset, Position, TimeSpan};

use crate::oracle::{Arrival, Followed, Known, Promise, Request, Stores};

/// Senders hear one id for a key, whoever of them asks where and how often, and no 202 for another body.
pub fn i4_answers_agree(
    known: &BTreeMap<(String, String), Promise>,
    id: EventId,
    request: &Request,
    now: TimeSpan,
) -> Vec<String> {
    let Request { source, key, digest } = request;
    let first = known.get(&(source.clone(), key.clone())).filter(|first| now < first.at + KEY_WINDOW);
    match first {
        Some(first) if first.id != id => {
            vec![format!("the key {key} of {source} was answered as {} and as {id}", first.id)]
        }
        Some(first) if first.digest != *digest => {
            vec![format!("two bodies under the key {key} of {source} were both accepted, as {id}")]
        }
        Some(_) | None => Vec::new(),
    }
}

/// The journal has one record for a key and its window by the true time, the ledger one delivery for an event and a flow, and no receiver sees the
/// two of them under two ids, unless a person replays.
pub async fn i4_one_key_is_one_event(stores: &Stores, known: &Snapshot) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    let mut keys: BTreeMap<Digest, (Position, TimeSpan)> = BTreeMap::new();
    for partition in stores.journal.partitions() {
        let mut after = Offset::default();
        loop {
            let records = stores.read(partition, after, READ_RECORDS_MAX).await?;
            let Some(last) = records.last() else { break };
            after = last.position.offset;
            for record in &records {
                let Some((hash, _)) = record.entry.dedupe() else { continue };
                let Some(at) = known.appended.get(&record.position).copied() else { continue };
                let earlier = keys.insert(hash, (record.position, at));
                let within = |before: &TimeSpan| at < *before + KEY_WINDOW && *before < at + KEY_WINDOW;
                if let Some((first, _)) = earlier.filter(|(_, before)| within(before)) {
                    let key =
                        record.entry.event().map(|event| format!("{} {}", event.source, event.key)).unwrap_or_default();
                    broken.push(format!("the key {key} stands in the journal at {first} and at {}", record.position));
                }
            }
        }
    }
    broken.extend(known.two_ids());
    Ok(broken)
}

/// When records were appended, and which ids deliveries and arrivals have, by event and flow; replays left out.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    appended: BTreeMap<Position, TimeSpan>,
    ids: Vec<(String, String, String)>,
}

impl Snapshot {
    /// From what is known.
    pub fn of(known: &Known) -> Self {
        let is_first = |it: &&Followed| it.first.replay.is_none();
        let rows = known.work.deliveries.values().filter(is_first);
        let rows = rows.map(|it| (it.first.event.to_string(), it.first.flow.to_string(), it.first.id.to_string()));
        let replayed = |arrival: &Arrival| {
            let id = arrival.delivery.parse::<DeliveryId>().ok();
            id.and_then(|id| known.work.deliveries.get(&id)).is_some_and(|it| it.first.replay.is_some())
        };
        let arrived = known.arrivals.all.iter().filter(|arrival| !replayed(arrival));
        let arrived = arrived.map(|it| (it.event.clone(), it.flow.clone(), it.delivery.clone()));
        Self { appended: known.senders.appended.clone(), ids: rows.chain(arrived).collect() }
    }

    fn two_ids(&self) -> Vec<String> {
        let mut first: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        let mut broken = Vec::new();
        for (event, flow, id) in &self.ids {
            let known = first.entry((event, flow)).or_insert(id);
            if known != id {
                broken.push(format!("the event {event} has two deliveries in {flow}: {known} and {id}"));
            }
        }
        broken
    }
}
