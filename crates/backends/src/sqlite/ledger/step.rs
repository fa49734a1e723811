//! A batch under way: its guards, then its changes, each seeing what those before it did.

use std::collections::BTreeSet;

use model::{Batch, Bucket, Change, Committed, DeliveryId, DestinationName, Guard, NodeName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::broken::Broken;
use super::super::sql::{count, statements};
use super::prepared::{Made, Prepared};
use super::state::State;

statements! {
    DELIVERY = "SELECT epoch, version FROM deliveries WHERE id = $1";
    QUARANTINE = "SELECT version FROM quarantine WHERE event = $1";
    REPLAY = "SELECT version FROM replays WHERE id = $1";
    SHARD = "SELECT node, life FROM shards WHERE shard = $1";
}

/// A batch under way.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) conn: &'a Connection,
    pub(super) state: &'a mut State,
    /// When the ledger took the batch.
    pub(super) now: Timestamp,
    /// Whether something is in the file already that would have to be undone.
    pub(super) wrote: bool,
    pub(super) committed: Committed,
    pub(super) ready: BTreeSet<DestinationName>,
}

impl<'a> Step<'a> {
    /// Nothing done yet.
    pub(super) fn new(conn: &'a Connection, state: &'a mut State, now: Timestamp) -> Self {
        Self { conn, state, now, wrote: false, committed: Committed::default(), ready: BTreeSet::new() }
    }

    /// What it did that the caller cannot know.
    pub(super) fn committed(self) -> Committed {
        Committed { ready: self.ready.into_iter().collect(), ..self.committed }
    }

    /// Applies a batch. On a fault it is left half done.
    pub(super) fn batch(&mut self, prepared: &Prepared) -> Result<(), Broken> {
        let batch = &prepared.batch;
        self.check(&batch.guards)?;
        self.check_claims(batch)?;
        for guard in &batch.guards {
            if let Guard::Cursor { consumer, partition, to, .. } = guard {
                self.state.cursors.put((consumer.clone(), *partition), *to);
            }
        }
        for (change, made) in batch.changes.iter().zip(&prepared.made) {
            self.apply(change, made)?;
        }
        Ok(())
    }

    fn check(&self, guards: &[Guard]) -> Result<(), Broken> {
        if guards.iter().any(|guard| matches!(guard, Guard::Cursor { from, to, .. } if to < from)) {
            return Err(Broken::corrupt("a cursor would move back"));
        }
        for guard in guards {
            if !self.holds(guard)? {
                return Err(Broken::Conflict(what_changed(guard)));
            }
        }
        Ok(())
    }

    fn holds(&self, guard: &Guard) -> Result<bool, Broken> {
        Ok(match guard {
            Guard::Cursor { consumer, partition, from, .. } => {
                self.state.cursors.get(&(consumer.clone(), *partition)).unwrap_or_default() == *from
            }
            Guard::Epoch { delivery, epoch } => self.stamps(*delivery)?.is_some_and(|stamps| stamps.0 == *epoch),
            Guard::DeliveryVersion { delivery, version } => {
                self.stamps(*delivery)?.is_some_and(|stamps| stamps.1 == *version)
            }
            Guard::QuarantineVersion { event, version } => self.version(QUARANTINE, event.bytes())? == Some(*version),
            Guard::ReplayVersion { replay, version } => self.version(REPLAY, replay.bytes())? == Some(*version),
            Guard::KeyedTurn { .. }
            | Guard::KeyedRoom { .. }
            | Guard::InForce { .. }
            | Guard::Standing { .. }
            | Guard::Tokens { .. } => self.holds_beside(guard)?,
            Guard::Life { node, incarnation } => {
                self.state.lives.get(node).is_some_and(|life| life.incarnation == *incarnation)
            }
            Guard::Shard { shard, node, incarnation, stale_before } => {
                self.may_take(shard, (node, *incarnation), *stale_before)?
            }
        })
    }

    /// The epoch and the version of a delivery.
    fn stamps(&self, id: DeliveryId) -> Result<Option<(u64, u64)>, Broken> {
        if let Some(row) = self.state.leased(id) {
            return Ok(Some((row.delivery.epoch, row.delivery.version)));
        }
        let mut read = self.conn.prepare_cached(DELIVERY)?;
        Ok(read.query_row([id.bytes()], |row| Ok((count(row.get(0)?), count(row.get(1)?)))).optional()?)
    }

    fn version(&self, sql: &str, id: [u8; 16]) -> Result<Option<u64>, Broken> {
        Ok(self.conn.prepare_cached(sql)?.query_row([id], |row| Ok(count(row.get(0)?))).optional()?)
    }

    fn may_take(&self, shard: &str, asker: (&NodeName, u64), stale_before: Timestamp) -> Result<bool, Broken> {
        let mut read = self.conn.prepare_cached(SHARD)?;
        let holder: Option<(String, u64)> =
            read.query_row(params![shard], |row| Ok((row.get(0)?, count(row.get(1)?)))).optional()?;
        let Some((node, incarnation)) = holder else { return Ok(true) };
        let node: NodeName = node.parse().map_err(Broken::corrupt)?;
        let life = self.state.lives.get(&node);
        let is_over = life.is_none_or(|life| incarnation < life.incarnation || life.seen_at < stale_before);
        Ok((&node, incarnation) == asker || is_over)
    }

    /// Where a batch only claims, a claim that does not hold is found before anything is written.
    fn check_claims(&self, batch: &Batch) -> Result<(), Broken> {
        let only_claims = batch.changes.iter().all(|change| matches!(change, Change::Claim { .. }));
        if !only_claims || batch.changes.len() < 2 {
            return Ok(());
        }
        for change in &batch.changes {
            if let Change::Claim { delivery, claim } = change
                && !self.is_claimable(*delivery, claim)?
            {
                return Err(Broken::Conflict("the delivery cannot be claimed"));
            }
        }
        Ok(())
    }

    fn apply(&mut self, change: &Change, made: &Made) -> Result<(), Broken> {
        match change {
            Change::Open { delivery, claim } => self.open(delivery, claim.as_ref(), made),
            Change::Claim { delivery, claim } => self.claim(*delivery, claim),
            Change::Settle { delivery, result, state, why } => {
                let Made::Outcome(outcome) = made else {
                    return Err(Broken::corrupt("an outcome without its text"));
                };
                self.settle(*delivery, (result, outcome), (state, why))
            }
            Change::Move { delivery, state, why, new_round } => self.shift(*delivery, (state, why), *new_round),
            Change::Expire { delivery, at, state, why } => self.expire(*delivery, *at, (state, why)),
            Change::Count { bucket: bucket @ (Bucket::Routed | Bucket::Unselected), origin, entries } => {
                self.state.numbers.enter(*origin, *bucket, *entries);
                Ok(())
            }
            Change::Count { .. } => Err(Broken::corrupt("only routing is counted by hand")),
            Change::Index { event, at, .. } => {
                let Made::Words(hashes) = made else {
                    return Err(Broken::corrupt("words without their hashes"));
                };
                self.index(*event, *at, hashes);
                Ok(())
            }
            Change::Quarantine(_)
            | Change::QuarantineMove { .. }
            | Change::Attach { .. }
            | Change::Emit { .. }
            | Change::Emitted { .. }
            | Change::See { .. }
            | Change::StorePolicy { .. }
            | Change::PutInForce(_)
            | Change::PutKeyed(_)
            | Change::ForgetKeyed { .. }
            | Change::Know { .. }
            | Change::Forget { .. }
            | Change::Stand { .. }
            | Change::Breaker { .. }
            | Change::Switch { .. }
            | Change::Replay { .. }
            | Change::ReplayMove(_)
            | Change::CancelReplay { .. }
            | Change::PutToken(_)
            | Change::Audit(_)
            | Change::Heartbeat { .. }
            | Change::TakeShard { .. } => self.apply_beside(change),
        }
    }
}

const fn what_changed(guard: &Guard) -> &'static str {
    match guard {
        Guard::Cursor { .. } => "the consumer's cursor stands elsewhere",
        Guard::Epoch { .. } => "the delivery was claimed since",
        Guard::DeliveryVersion { .. } => "the delivery was changed since",
        Guard::QuarantineVersion { .. } => "the quarantined event was changed since",
        Guard::ReplayVersion { .. } => "the replay was changed since",
        Guard::KeyedTurn { .. } => "another try of the write has begun",
        Guard::KeyedRoom { .. } => "as many keys are remembered as may be",
        Guard::InForce { .. } => "another policy was applied since",
        Guard::Standing { .. } => "the capture of the source has gone on since",
        Guard::Tokens { .. } => "the tokens of the name were changed since",
        Guard::Life { .. } => "the node's life is over",
        Guard::Shard { .. } => "another node holds the shard",
    }
}
