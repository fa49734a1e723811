//! Retention: removes what is final and old, in bounded steps, and keeps its counts.

use model::limit::TRIM_ROWS_MAX;
use model::{AuditId, Bucket, DeliveryId, Digest, EventId, Timestamp};

use super::counters;
use super::state::State;

/// One step of [`engine::ports::Ledger::trim`]: at most so many rows of each kind. Attempts are not counted.
pub(super) fn trim(state: &mut State, before: Timestamp) -> u64 {
    trim_deliveries(state, before) + trim_feed(state, before) + trim_words(state, before) + trim_audit(state, before)
}

fn trim_deliveries(state: &mut State, before: Timestamp) -> u64 {
    let is_final = |id: &&DeliveryId| state.deliveries.get(id).is_some_and(|row| row.delivery.state.is_final());
    let old = state.by_age.rows().iter().take_while(|((at, _), _)| *at < before).map(|(_, id)| id);
    let gone: Vec<DeliveryId> = old.filter(is_final).take(TRIM_ROWS_MAX).copied().collect();
    for id in &gone {
        let Some(row) = state.deliveries.get(id) else { continue };
        let (origin, bucket) = (row.delivery.origin, Bucket::of(&row.delivery.state));
        counters::trim(state, origin, bucket);
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
