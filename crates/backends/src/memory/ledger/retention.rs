//! Retention: removes what is final and old, in bounded steps, and keeps its counts.

use std::collections::BTreeSet;

use model::limit::TRIM_ROWS_MAX;
use model::room::Ages;
use model::{
    AuditId, Bucket, Delivery, DeliveryId, Digest, EventId, QuarantineState, Replay, ReplayId, ReplayState, Timestamp,
};
use uuid::Uuid;

use super::state::{Emission, State};
use super::{counters, quarantine};

/// One step of [`engine::ports::Ledger::trim`]: at most so many rows of each kind. Attempts are not counted.
pub(super) fn trim(state: &mut State, ages: Ages) -> u64 {
    let before = ages.rows;
    let answers = let_answers_go(state, ages.answers.max(before)) + trim_later(state, ages.answers.max(before));
    let over = trim_deliveries(state, before) + trim_quarantine(state, before) + trim_replays(state, before);
    let words = trim_words(state, before.min(oldest_open(state)));
    let notes = trim_feed(state, before) + words + trim_emissions(state, ages.emitted);
    answers + over + notes + trim_audit(state, ages.audit)
}

/// Since when something is open, by the first that came in: until then, nobody looks for it by a word.
fn oldest_open(state: &State) -> Timestamp {
    let deliveries = state.deliveries.rows().values().map(|row| &row.delivery).filter(|it| !it.state.is_final());
    let delivery = deliveries.min_by_key(|it| (it.bytes_at, it.created_at)).map(|it| it.created_at);
    let quarantined = state.quarantine.rows().values().filter(|row| row.state == QuarantineState::Open);
    let quarantined = quarantined.min_by_key(|row| row.position).map(|row| row.at);
    delivery.into_iter().chain(quarantined).min().unwrap_or(Timestamp::NEVER)
}

/// Takes the answers out of the attempts of final deliveries.
fn let_answers_go(state: &mut State, before: Timestamp) -> u64 {
    let mut going: Vec<Vec<(DeliveryId, u32)>> = Vec::new();
    for (_, id) in state.by_age.rows().iter().take_while(|((at, _), _)| *at < before) {
        let Some(row) = state.deliveries.get(id).filter(|row| row.delivery.state.is_final()) else { continue };
        let attempts = (1..=row.delivery.attempts).map(|no| (*id, no));
        let answer = |key: &(DeliveryId, u32)| state.attempts.get(key)?.result.as_ref().map(|it| &it.response);
        let answered: Vec<_> = attempts.filter(|key| answer(key).is_some_and(|answer| !answer.is_empty())).collect();
        if !answered.is_empty() {
            going.push(answered);
        }
        if going.len() == TRIM_ROWS_MAX {
            break;
        }
    }
    for key in going.iter().flatten() {
        let Some(mut attempt) = state.attempts.get(key).cloned() else { continue };
        if let Some(result) = &mut attempt.result {
            result.let_answer_go();
        }
        state.attempts.put(*key, attempt);
    }
    going.len() as u64
}

fn trim_quarantine(state: &mut State, before: Timestamp) -> u64 {
    let settled = state.quarantine.rows().values().filter(|row| row.at < before && row.state != QuarantineState::Open);
    let gone: Vec<_> =
        settled.take(TRIM_ROWS_MAX).map(|row| (row.event, row.origin, quarantine::bucket(&row.state))).collect();
    for (event, origin, bucket) in &gone {
        counters::trim_entry(state, *origin, *bucket);
        state.quarantine.remove(event);
        state.later.remove(event);
    }
    gone.len() as u64
}

/// What is attached to settled events, before their rows may go. Without a row an event is not settled.
fn trim_later(state: &mut State, before: Timestamp) -> u64 {
    let is_settled = |event: &EventId| state.quarantine.get(event).is_some_and(|row| row.state != QuarantineState::Open);
    let old = state.later.rows().iter().filter(|(event, (later, _))| later.event.received_at < before && is_settled(event));
    let gone: Vec<EventId> = old.map(|(event, _)| *event).take(TRIM_ROWS_MAX).collect();
    gone.iter().filter(|event| state.later.remove(event)).count() as u64
}

/// The members of an old replay, then itself.
fn trim_replays(state: &mut State, before: Timestamp) -> u64 {
    let rows = state.deliveries.rows().values().map(|row| &row.delivery);
    let open: BTreeSet<ReplayId> = rows.filter(|it| !it.state.is_final()).filter_map(|it| it.replay).collect();
    let is_over = |it: &Replay| it.state != ReplayState::Running && !open.contains(&it.id);
    let old = state.replays.rows().values().filter(|it| it.created_at < before && is_over(it));
    let Some(id) = old.map(|it| (it.created_at, it.id)).min().map(|(_, id)| id) else { return 0 };
    let members = state.members.rows().range((id, 0)..=(id, u32::MAX)).map(|(key, _)| *key);
    let gone: Vec<(ReplayId, u32)> = members.take(TRIM_ROWS_MAX).collect();
    for key in &gone {
        state.members.remove(key);
    }
    if gone.len() < TRIM_ROWS_MAX {
        state.replays.remove(&id);
    }
    gone.len() as u64 + 1
}

/// What is remembered of entries that are in the journal and, where they speak of other bytes, seen; and that they were seen,
/// once nothing else is remembered of them.
fn trim_emissions(state: &mut State, before: Timestamp) -> u64 {
    let is_over = |it: &Emission| it.at < before && it.refers_to.is_none() && !state.outbox.has(&it.seq);
    let over = state.emissions.rows().iter().filter(|(_, it)| is_over(it)).map(|(id, _)| *id);
    let over: Vec<Uuid> = over.take(TRIM_ROWS_MAX).collect();
    let emissions = over.iter().filter(|id| state.emissions.remove(id)).count();
    let is_over = |id: &Uuid, at: Timestamp| at < before && !state.emissions.has(id);
    let seen = state.seen.rows().iter().filter(|(id, at)| is_over(id, **at)).map(|(id, _)| *id);
    let seen: Vec<Uuid> = seen.take(TRIM_ROWS_MAX).collect();
    let seen = seen.iter().filter(|id| state.seen.remove(id)).count();
    (emissions + seen) as u64
}

fn trim_deliveries(state: &mut State, before: Timestamp) -> u64 {
    let is_running = |id: ReplayId| state.replays.get(&id).is_some_and(|it| it.state == ReplayState::Running);
    let may_go = |it: &Delivery| it.state.is_final() && !it.replay.is_some_and(is_running);
    let is_final = |id: &&DeliveryId| state.deliveries.get(id).is_some_and(|row| may_go(&row.delivery));
    let old = state.by_age.rows().iter().take_while(|((at, _), _)| *at < before).map(|(_, id)| id);
    let gone: Vec<DeliveryId> = old.filter(is_final).take(TRIM_ROWS_MAX).copied().collect();
    for id in &gone {
        let Some(row) = state.deliveries.get(id) else { continue };
        let (origin, bucket, rank) = (row.delivery.origin, Bucket::of(&row.delivery.state), row.delivery.ranks_at);
        let way = (rank.partition, row.delivery.flow.clone(), row.delivery.destination.clone());
        counters::trim(state, origin, bucket);
        if bucket == Bucket::Done {
            let before = state.removed_to.get(&way).copied().unwrap_or_default();
            state.removed_to.put(way, before.max(rank.offset));
        }
        state.forget(*id);
    }
    gone.len() as u64
}

fn trim_feed(state: &mut State, before: Timestamp) -> u64 {
    let old = state.feed.rows().values().filter(|row| row.at < before);
    let gone: Vec<u64> = old.take(TRIM_ROWS_MAX).map(|row| row.seq).collect();
    gone.iter().filter(|seq| state.feed.remove(seq)).count() as u64
}

fn trim_words(state: &mut State, before: Timestamp) -> u64 {
    let old = state.words.rows().iter().filter(|(_, (_, at))| *at < before);
    let gone: Vec<(String, EventId)> = old.take(TRIM_ROWS_MAX).map(|(key, _)| key.clone()).collect();
    gone.iter().filter(|key| state.words.remove(key)).count() as u64
}

/// The oldest writes that were begun before this.
pub(super) fn forget_keyed(state: &mut State, before: Timestamp) {
    let mut old: Vec<(Timestamp, Digest)> =
        state.keyed.rows().values().map(|write| (write.begun_at, write.id)).filter(|(at, _)| *at < before).collect();
    old.sort_unstable();
    for (_, id) in old.into_iter().take(TRIM_ROWS_MAX) {
        state.keyed.remove(&id);
    }
}

fn trim_audit(state: &mut State, before: Timestamp) -> u64 {
    let old = state.audit.rows().values().filter(|row| row.at < before);
    let gone: Vec<AuditId> = old.take(TRIM_ROWS_MAX).map(|row| row.id).collect();
    gone.iter().filter(|id| state.audit.remove(id)).count() as u64
}
