//! I5: in a lane, the order of delivery is the order of the journal, and one is in flight.
//!
//! A delivery that left its lane (held or dead where the flow says `pass`) and comes back has the place at which it came
//! back. An attempt that was rightly declared lost, because its node was gone, may still be under way somewhere: it
//! counts neither for the order nor as in flight.

use model::limit::LEASE;
use model::{DeliveryId, OnDead, TimeSpan};

use crate::oracle::{Followed, Work};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEvent {
    /// A delivery entered its lane.
    Entered(DeliveryId),
    /// An attempt of it was opened.
    Claimed(DeliveryId),
    /// Its open attempt was declared lost.
    Lost(DeliveryId, TimeSpan),
    /// An attempt of it arrived at its destination.
    Arrived(DeliveryId, u32),
}

/// Whether the lane of a delivery still has its order after an event. `in_flight` are deliveries that a destination is
/// just being sent, with their attempts.
pub fn i5_lanes_keep_journal_order(work: &Work, event: LaneEvent, in_flight: &[(DeliveryId, u32)]) -> Vec<String> {
    match event {
        LaneEvent::Entered(id) => with(work, id, |it| entered(work, id, it)),
        LaneEvent::Claimed(id) => with(work, id, |it| claimed(work, id, it)),
        LaneEvent::Lost(id, now) => with(work, id, |it| lost(work, id, it, now)),
        LaneEvent::Arrived(id, no) => with(work, id, |it| arrived(work, (id, no), it, in_flight)),
    }
}

fn with(work: &Work, id: DeliveryId, look: impl FnOnce(&Followed) -> Vec<String>) -> Vec<String> {
    work.deliveries.get(&id).map(look).unwrap_or_default()
}

fn others<'a>(work: &'a Work, id: DeliveryId, it: &'a Followed) -> impl Iterator<Item = (DeliveryId, &'a Followed)> {
    it.lane.into_iter().flat_map(|lane| work.lane(lane)).filter(move |(other, _)| *other != id)
}

/// Where the lane holds behind a dead head, nothing ever leaves it but by an end: the order of entry is the journal's.
fn entered(work: &Work, id: DeliveryId, it: &Followed) -> Vec<String> {
    let at = it.first.position;
    let wrong = |other: &Followed| {
        let there = other.first.position;
        there.partition == at.partition && there.offset > at.offset && other.entry < it.entry
    };
    let holds = it.first.on_dead == OnDead::Hold;
    let overtaken = others(work, id, it).filter(|(_, other)| holds && wrong(other));
    overtaken
        .map(|(other, them)| format!("{id} at {at} entered its lane behind {other} at {}", them.first.position))
        .collect()
}

fn claimed(work: &Work, id: DeliveryId, it: &Followed) -> Vec<String> {
    let mut broken = Vec::new();
    for (other, them) in others(work, id, it) {
        if them.attempts.last().is_some_and(|attempt| attempt.open) {
            broken.push(format!("{id} was claimed while {other} of the same lane was being attempted"));
        } else if them.entry < it.entry && them.state.blocks_lane(them.first.on_dead) {
            broken
                .push(format!("{id} was claimed before {other}, which is ahead of it in its lane ({})", them.state.word()));
        }
    }
    broken
}

/// A node that shows itself has its leases; half of a lease's time is what clocks may differ.
fn lost(work: &Work, id: DeliveryId, it: &Followed, now: TimeSpan) -> Vec<String> {
    let Some(attempt) = it.attempts.last() else { return Vec::new() };
    let lease = &attempt.claim.lease;
    let Some(life) = work.lives.get(&lease.node) else { return Vec::new() };
    let over = life.incarnation > lease.incarnation;
    let silent = now.micros().saturating_sub(life.seen.micros()) >= LEASE.percent(50).micros();
    if over || silent {
        return Vec::new();
    }
    vec![format!("an attempt of {id} by {} was declared lost, though the node was seen at {}", lease.node, life.seen)]
}

fn arrived(work: &Work, (id, no): (DeliveryId, u32), it: &Followed, in_flight: &[(DeliveryId, u32)]) -> Vec<String> {
    let attempt = no.checked_sub(1).and_then(|place| it.attempts.get(place as usize));
    let Some(attempt) = attempt.filter(|attempt| !attempt.lost) else { return Vec::new() };
    let entry = attempt.entry;
    let repeated = it.attempts.iter().filter(|other| other.entry == entry).map(|other| other.arrivals).sum::<u32>() > 1;
    let mut broken = Vec::new();
    for (other, them) in others(work, id, it) {
        let before = them.attempts.iter().any(|attempt| attempt.entry > entry && attempt.arrivals > 0);
        if before && !repeated {
            broken.push(format!("{id} arrived after {other}, which is behind it in its lane"));
        }
        let there = in_flight.iter().find(|(flying, _)| *flying == other);
        let open = there.and_then(|(_, no)| them.attempts.get(*no as usize - 1)).is_some_and(|attempt| !attempt.lost);
        if open {
            broken.push(format!("{id} arrived while {other} of the same lane was in flight"));
        }
    }
    broken
}
