//! Guards: what must be true at the moment of the commit. Nothing is written here.

use model::audit::version_of_tokens;
use model::{Delivery, DeliveryId, Fault, FaultKind, Guard, NodeName, Timestamp};

use super::state::State;

/// Whether all guards hold against the state before the batch.
pub(super) fn check(state: &State, guards: &[Guard]) -> Result<(), Fault> {
    if guards.iter().any(|guard| matches!(guard, Guard::Cursor { from, to, .. } if to < from)) {
        return Err(Fault::from_error(FaultKind::Corrupt, "ledger.commit", "a cursor would move back"));
    }
    if guards.iter().all(|guard| holds(state, guard)) {
        Ok(())
    } else {
        Err(Fault::new(FaultKind::Conflict, "ledger.commit"))
    }
}

fn holds(state: &State, guard: &Guard) -> bool {
    match guard {
        Guard::Cursor { consumer, partition, from, to: _ } => state.cursor(consumer, *partition) == *from,
        Guard::Epoch { delivery, epoch } => is(state, *delivery, |it| it.epoch == *epoch),
        Guard::DeliveryVersion { delivery, version } => is(state, *delivery, |it| it.version == *version),
        Guard::QuarantineVersion { event, version } => {
            state.quarantine.get(event).is_some_and(|row| row.version == *version)
        }
        Guard::ReplayVersion { replay, version } => state.replays.get(replay).is_some_and(|row| row.version == *version),
        Guard::KeyedTurn { write, turn } => state.keyed.get(write).map_or(0, |write| write.turn) == *turn,
        Guard::KeyedRoom { write, most } => state.keyed_writes(*write) < *most,
        Guard::InForce { number } => state.in_force.get(&()).map_or(0, |last| last.number) == *number,
        Guard::Standing { source, version } => state.standings.get(source).map_or(0, |it| it.version) == *version,
        Guard::Tokens { name, version } => version_of_tokens(state.tokens.rows().values(), name) == *version,
        Guard::Life { node, incarnation } => state.lives.get(node).is_some_and(|life| life.incarnation == *incarnation),
        Guard::Shard { shard, node, incarnation, stale_before } => {
            may_take(state, shard, (node, *incarnation), *stale_before)
        }
    }
}

fn is(state: &State, id: DeliveryId, holds: impl FnOnce(&Delivery) -> bool) -> bool {
    state.deliveries.get(&id).is_some_and(|row| holds(&row.delivery))
}

fn may_take(state: &State, shard: &str, asker: (&NodeName, u64), stale_before: Timestamp) -> bool {
    let Some((node, incarnation)) = state.shards.get(&shard.to_owned()) else { return true };
    (node, *incarnation) == asker || state.is_over(node, *incarnation, stale_before)
}
