//! I5, for what a person sends again: it is not older than what its destination has of the same lane or ordering key, and does not
//! go behind a newer one that waits in its lane. States rank by where they came in, which is told here from what was kept for a
//! person and corrected, never from what the product notes of it.
//!
//! What a person sends over a newer state on purpose is exempt. No project of the simulator has commands or transitions, and none
//! moves a flow to another lane or destination.

use model::{Batch, Change, Delivery, DeliveryId, DeliveryState, Entry, EventId, FlowName, LaneKey, Position, TimeSpan};

use crate::oracle::{Followed, Work};

/// How long a replay may take from the look at what is newer to the commit: calls are slow now and then. When people asked is known.
const LOOK_MAX: TimeSpan = TimeSpan::from_secs(60);

/// What is sent, and when it was looked for what is newer.
struct Sent<'a> {
    /// Any delivery of its event and flow: its keys are those of the others.
    like: &'a Followed,
    rank: Position,
    /// Its own place in its lane; `None` for the end.
    entry: Option<u64>,
    /// When at the earliest it was looked for what is newer.
    looked: TimeSpan,
    how: &'static str,
}

/// Whether something that a batch sends again goes over a newer state that was there long before.
pub fn i5_replays_are_not_stale(work: &Work, batch: &Batch, now: TimeSpan) -> Vec<String> {
    let is_audited = |action: &str| batch.changes.iter().any(|it| matches!(it, Change::Audit(row) if row.action == action));
    let is_step = batch.changes.iter().any(|change| matches!(change, Change::ReplayMove(_)));
    let is_retry = is_audited("delivery.retry");
    let looked = if is_retry { work.looked_at(now) } else { now - LOOK_MAX };
    let mut broken = Vec::new();
    for change in &batch.changes {
        match change {
            Change::Emit { entry, .. } if is_step || is_retry => {
                let Entry::Replayed { of, flows, .. } = &**entry else { continue };
                for flow in flows {
                    broken.extend(again(work, (*of, flow), looked));
                }
            }
            Change::Move { delivery, new_round: Some(_), .. } if is_retry => {
                let sent = work.deliveries.get(delivery).map(|like| {
                    let entry = like.lane.map(|_| like.entry);
                    Sent { like, rank: work.rank(&like.first), entry, looked, how: "retried" }
                });
                broken.extend(sent.and_then(|sent| newer(work, &sent)));
            }
            Change::Open { delivery, .. } if delivery.replay.is_none() => {
                broken.extend(let_pass(work, delivery));
            }
            _ => {}
        }
    }
    broken
}

/// What a person asked for and was refused because something newer was delivered.
#[derive(Clone, Copy, Debug)]
pub enum Refused<'a> {
    /// To send a delivery again.
    Retry(&'a Delivery),
    /// To let a kept event pass, which came in here and has one of these keys by each flow: its order, or its lane.
    Kept(EventId, Position, &'a [LaneKey]),
}

/// Whether what was refused because something newer was delivered was refused for something newer: by its flow, or, where that was
/// gone, by one that went to the same destination.
pub fn i5_refusals_have_a_newer_state(work: &Work, refused: Refused<'_>) -> Vec<String> {
    let (what, rank) = match refused {
        Refused::Retry(delivery) => (format!("the retry of {}", delivery.id), work.rank(delivery)),
        Refused::Kept(event, at, _) => (format!("to let {event} pass"), at),
    };
    let is_of_key = |it: &Delivery| match refused {
        Refused::Retry(delivery) => {
            it.destination == delivery.destination && keys_of(it).any(|key| keys_of(delivery).any(|own| own == key))
        }
        Refused::Kept(.., keys) => keys_of(it).any(|key| keys.contains(key)),
    };
    let is_newer = |it: &Followed| it.delivered.is_some() && is_of_key(&it.first) && is_behind(work.rank(&it.first), rank);
    if work.deliveries.values().any(is_newer) {
        return Vec::new();
    }
    vec![format!("{what} is refused, and nothing that is newer was delivered")]
}

/// A replayed entry.
fn again(work: &Work, (event, flow): (EventId, &FlowName), looked: TimeSpan) -> Option<String> {
    let like = work.deliveries.values().find(|it| it.first.event == event && it.first.flow == *flow)?;
    newer(work, &Sent { like, rank: work.rank(&like.first), entry: None, looked, how: "replayed" })
}

/// The first delivery of an event that a person corrected or released.
fn let_pass(work: &Work, delivery: &Delivery) -> Option<String> {
    let looked = *work.let_pass.get(&delivery.event)?;
    let like = work.deliveries.get(&delivery.id)?;
    newer(work, &Sent { like, rank: work.rank(delivery), entry: Some(like.entry), looked, how: "let pass" })
}

fn newer(work: &Work, sent: &Sent<'_>) -> Option<String> {
    let Sent { like, rank, entry, looked, how } = sent;
    let was_there = |at: TimeSpan| at < *looked;
    let blocks = |it: &Followed| {
        let waits = matches!(it.state, DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. });
        let is_before = entry.is_none_or(|entry| it.entry < entry);
        waits && it.state.blocks_lane(it.first.on_dead) && it.lane.is_some() && it.lane == like.lane && is_before
    };
    let overwritten = work.deliveries.values().find(|it| {
        shares_a_key(&it.first, &like.first)
            && is_behind(work.rank(&it.first), *rank)
            && (it.delivered.is_some_and(was_there) || blocks(it) && was_there(it.since))
    })?;
    let (first, other): (&Delivery, DeliveryId) = (&like.first, overwritten.first.id);
    let what = if overwritten.delivered.is_some() { "was delivered" } else { "waits in its lane" };
    Some(format!(
        "{} of rank {rank} is {how} by {}, and {other} of the same key is newer and {what}",
        first.event, first.flow
    ))
}

fn shares_a_key(one: &Delivery, other: &Delivery) -> bool {
    let same = |one: &Option<LaneKey>, other: &Option<LaneKey>| one.is_some() && one == other;
    one.flow == other.flow
        && one.destination == other.destination
        && (same(&one.lane, &other.lane) || same(&one.ordering, &other.ordering))
}

fn keys_of(delivery: &Delivery) -> impl Iterator<Item = &LaneKey> {
    [&delivery.ordering, &delivery.lane].into_iter().flatten()
}

fn is_behind(place: Position, other: Position) -> bool {
    place.partition == other.partition && place.offset > other.offset
}
