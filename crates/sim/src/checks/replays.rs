//! I5, for replays: what a replay sends is not older than what its destination has of the same lane or ordering key.
//!
//! A person's retry of one delivery is exempt: whoever asks for it names it.

use model::{Batch, Change, Entry, EventId, FlowName, Position, TimeSpan};

use crate::oracle::Work;

/// How long a replay may take from its look at what is newer to its commit: calls are slow now and then.
const LOOK_MAX: TimeSpan = TimeSpan::from_secs(60);

/// Whether a step of a replay emits something although a newer event of its key was delivered long before. The ledger knows
/// nothing of rows that retention has removed, and they are not newer than anything. No project of the simulator has
/// commands, and none moves a flow to another lane or destination.
pub fn i5_replays_are_not_stale(work: &Work, batch: &Batch, now: TimeSpan) -> Vec<String> {
    if !batch.changes.iter().any(|change| matches!(change, Change::ReplayMove(_))) {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for change in &batch.changes {
        let Change::Emit { entry, .. } = change else { continue };
        let Entry::Replayed { of, at, flows, .. } = &**entry else { continue };
        for flow in flows {
            broken.extend(newer(work, (*of, *at, flow), now));
        }
    }
    broken
}

fn newer(work: &Work, (event, at, flow): (EventId, Position, &FlowName), now: TimeSpan) -> Option<String> {
    let mut all = work.deliveries.values();
    let earlier = all.find(|it| it.first.event == event && it.first.flow == *flow)?;
    let ordering = earlier.first.ordering_digest()?;
    let is_newer = |place: Position| place.partition == at.partition && place.offset > at.offset;
    let long_ago = |delivered: TimeSpan| now.micros() - delivered.micros() > LOOK_MAX.micros();
    let overwritten = work.deliveries.values().find(|it| {
        it.first.ordering_digest() == Some(ordering)
            && is_newer(it.first.bytes_at)
            && !it.gone
            && it.delivered.is_some_and(long_ago)
    })?;
    Some(format!("{event} at {at} is replayed by {flow}, and {} of the same key was delivered", overwritten.first.id))
}
