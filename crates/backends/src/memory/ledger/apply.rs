//! Applies a batch, change by change; each sees what those before it did. The caller takes all of it back on a fault.

use std::collections::BTreeSet;

use model::{
    Batch, Bucket, Change, Committed, Fault, FaultKind, Guard, NewEntry, NodeName, Principal, Replay, ReplayId,
    ReplayMember, ReplayState, Timestamp,
};
use uuid::Uuid;

use super::deliveries::{Step, conflict};
use engine::ports::Life;

use super::state::{Emission, PolicyText, State};
use super::{counters, guards, known, retention};

/// Applies a batch whose time is `now`. On a fault the state is left half changed.
pub(super) fn batch(state: &mut State, batch: Batch, now: Timestamp) -> Result<Committed, Fault> {
    guards::check(state, &batch.guards)?;
    for guard in batch.guards {
        if let Guard::Cursor { consumer, partition, from: _, to } = guard {
            state.cursors.put((consumer, partition), to);
        }
    }
    let mut step = Step { state, now, committed: Committed::default(), ready: BTreeSet::new() };
    for change in batch.changes {
        step.apply(change)?;
    }
    step.committed.ready = step.ready.into_iter().collect();
    Ok(step.committed)
}

impl Step<'_> {
    fn apply(&mut self, change: Change) -> Result<(), Fault> {
        match change {
            Change::Open { delivery, claim } => self.open(*delivery, claim),
            Change::Claim { delivery, claim } => self.claim(delivery, claim)?,
            Change::Settle { delivery, result, state, why } => {
                self.settle(delivery, result, (state, why))?;
            }
            Change::Move { delivery, state, why, new_round } => {
                self.shift(delivery, (state, why), new_round)?;
            }
            Change::Expire { delivery, at, state, why } => self.expire(delivery, at, (state, why))?,
            Change::Quarantine(row) => self.quarantine(*row),
            Change::QuarantineMove { event, state } => self.quarantine_move(event, state)?,
            Change::Attach { to, at, later } => self.attach(to, at, *later)?,
            Change::Count { bucket: bucket @ (Bucket::Routed | Bucket::Unselected), origin, entries } => {
                counters::enter(self.state, origin, bucket, entries);
            }
            Change::Count { .. } => {
                return Err(Fault::from_error(FaultKind::Corrupt, "ledger.count", "only routing is counted by hand"));
            }
            Change::Index { event, at, words } => {
                for word in words {
                    let key = (word, event);
                    let first = self.state.words.get(&key).map_or(at, |(first, _)| *first);
                    self.state.words.put(key, (first, self.now));
                }
            }
            Change::Emit { id, partition, policy, entry } => {
                let waiting = NewEntry { partition, policy, emitted: Some(id), entry: *entry };
                self.emit(id, waiting);
            }
            Change::Emitted { id } => {
                let emission = self.state.emissions.get(&id).copied();
                if let Some(emission) = emission.filter(|it| self.state.outbox.has(&it.seq)) {
                    self.state.outbox.remove(&emission.seq);
                    self.state.emissions.put(id, Emission { at: self.now, ..emission });
                }
            }
            Change::See { id } => {
                self.state.seen.put_new(id, self.now);
                if let Some(emission) = self.state.emissions.get(&id).copied() {
                    self.state.emissions.put(id, Emission { refers_to: None, ..emission });
                }
            }
            other => self.apply_setting(other)?,
        }
        Ok(())
    }

    /// Changes of what stands beside events and deliveries.
    fn apply_setting(&mut self, change: Change) -> Result<(), Fault> {
        match change {
            Change::StorePolicy { version, files, at } => {
                self.state.policies.put_new(version, PolicyText { files, at });
            }
            Change::PutInForce(last) => self.state.in_force.put((), *last),
            Change::PutKeyed(write) => self.state.keyed.put(write.id, *write),
            Change::ForgetKeyed { before } => retention::forget_keyed(self.state, before),
            Change::Know { source, model, rows } => known::know(self.state, &source, &model, rows),
            Change::Forget { source, model, ids } => known::forget(self.state, &source, &model, ids),
            Change::Stand { source, text } => known::stand(self.state, source, text),
            Change::Breaker { destination, state } => self.state.breakers.put(destination, state),
            Change::Switch { object, switch } => self.state.switches.put(object, switch),
            Change::Replay { replay, members } => self.replay(*replay, members),
            Change::ReplayMove(replay) => self.replay_move(*replay)?,
            Change::CancelReplay { replay, by } => self.cancel_replay(replay, by)?,
            Change::PutToken(token) => self.state.tokens.put(token.id, *token),
            Change::Audit(row) => {
                self.state.audit.put_new(row.id, row);
            }
            Change::Heartbeat { node, incarnation, at } => self.heartbeat(node, incarnation, at)?,
            Change::TakeShard { shard, node, incarnation } => {
                self.state.shards.put(shard, (node, incarnation));
            }
            Change::Open { .. }
            | Change::Claim { .. }
            | Change::Settle { .. }
            | Change::Move { .. }
            | Change::Expire { .. }
            | Change::Quarantine(_)
            | Change::QuarantineMove { .. }
            | Change::Attach { .. }
            | Change::Count { .. }
            | Change::Index { .. }
            | Change::Emit { .. }
            | Change::Emitted { .. }
            | Change::See { .. } => {}
        }
        Ok(())
    }

    fn emit(&mut self, id: Uuid, waiting: NewEntry) {
        let seq = self.state.next_place();
        // One that was seen before it was emitted needs nothing.
        let refers_to = if self.state.seen.has(&id) { None } else { waiting.entry.refers_to() };
        let at = self.now;
        if self.state.emissions.put_new(id, Emission { seq, refers_to, at }) {
            self.state.outbox.put(seq, waiting);
        }
    }

    fn replay(&mut self, replay: Replay, members: Vec<ReplayMember>) {
        let id = replay.id;
        if self.state.replays.put_new(id, replay) {
            for member in members {
                self.state.members.put((id, member.index), member);
            }
        }
    }

    fn replay_move(&mut self, mut replay: Replay) -> Result<(), Fault> {
        let stored = self.state.replays.get(&replay.id).ok_or(conflict("ledger.replay_move"))?;
        replay.version = stored.version + 1;
        self.state.replays.put(replay.id, replay);
        Ok(())
    }

    fn cancel_replay(&mut self, id: ReplayId, by: Principal) -> Result<(), Fault> {
        let stored = self.state.replays.get(&id).filter(|it| it.state == ReplayState::Running);
        let running = stored.cloned().ok_or(conflict("ledger.cancel_replay"))?;
        let (state, version) = (ReplayState::Cancelled { by }, running.version + 1);
        self.state.replays.put(id, Replay { state, version, ..running });
        Ok(())
    }

    fn heartbeat(&mut self, node: NodeName, incarnation: u64, at: Timestamp) -> Result<(), Fault> {
        if self.state.lives.get(&node).is_some_and(|life| incarnation < life.incarnation) {
            return Err(conflict("ledger.heartbeat"));
        }
        self.state.lives.put(node, Life { incarnation, seen_at: at });
        Ok(())
    }
}
