//! Lanes: who is behind whom.
//!
//! A lane holds, in order, the deliveries that block it ([`model::DeliveryState::blocks_lane`]). Its first is the head and
//! the only one that is not behind. What leaves keeps nothing; what comes back enters at the end.

use model::{Delivery, DeliveryId, Digest};

use super::state::{Row, State};

/// How a change touches the lane of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It stays where it is, inside or outside.
    Stays,
    /// It enters at the end.
    Enters,
    /// It leaves this lane.
    Leaves(Digest),
}

/// What became of a row between two states.
pub(super) fn passage(before: &Row, after: &Row) -> Passage {
    match (before.lane_key(), after.lane_key()) {
        (None, Some(_)) => Passage::Enters,
        (Some((lane, _)), None) => Passage::Leaves(lane),
        (Some(_), Some(_)) | (None, None) => Passage::Stays,
    }
}

/// Gives a row that enters its place at the end, behind what is there.
pub(super) fn enter(state: &mut State, row: &mut Row) {
    row.place = state.next_place();
    row.delivery.behind = row.lane_key().is_some_and(|(lane, _)| head(state, lane).is_some());
}

/// The lane's head, after another has left: brought forward if it was behind.
pub(super) fn free(state: &State, lane: Digest) -> Option<Row> {
    let mut next = head(state, lane)?;
    next.delivery.behind.then(|| {
        next.delivery.behind = false;
        next.delivery.version += 1;
        next
    })
}

/// The one behind this head.
pub(super) fn second(state: &State, head: DeliveryId) -> Option<Delivery> {
    let row = state.deliveries.get(&head).filter(|row| !row.delivery.behind)?;
    let (lane, place) = row.lane_key()?;
    let (_, id) = state.lanes.rows().range((lane, place + 1)..=(lane, u64::MAX)).next()?;
    state.deliveries.get(id).map(|row| row.delivery.clone())
}

fn head(state: &State, lane: Digest) -> Option<Row> {
    let (_, id) = state.lanes.rows().range((lane, 0)..=(lane, u64::MAX)).next()?;
    state.deliveries.get(id).cloned()
}
