//! What opening, claiming, settling and moving do to a delivery, its attempts, its lane, its counters and the feed.

use std::collections::BTreeSet;

use model::change::{Opened, Round};
use model::delivery::CAUSE_DEADLINE;
use model::view::FeedRow;
use model::{
    Attempt, AttemptResult, Bucket, Claim, Committed, Delivery, DeliveryId, DeliveryState, DestinationName, Fault,
    FaultKind, Timestamp,
};

use super::counters;
use super::lanes::{self, Passage};
use super::state::{Row, State};

/// A batch under way.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) state: &'a mut State,
    /// When the ledger took the batch.
    pub(super) now: Timestamp,
    pub(super) committed: Committed,
    pub(super) ready: BTreeSet<DestinationName>,
}

/// The answer where a change does not fit what is stored.
pub(super) const fn conflict(op: &'static str) -> Fault {
    Fault::new(FaultKind::Conflict, op)
}

impl Step<'_> {
    /// See [`model::Change::Open`].
    pub(super) fn open(&mut self, delivery: Delivery, claim: Option<Claim>) {
        let opened = if self.state.deliveries.has(&delivery.id) { Opened::Existing } else { self.open_new(delivery, claim) };
        self.committed.opened.push(opened);
    }

    fn open_new(&mut self, delivery: Delivery, claim: Option<Claim>) -> Opened {
        let (id, origin) = (delivery.id, delivery.origin);
        counters::enter(self.state, origin, Bucket::Created, 1);
        counters::enter(self.state, origin, Bucket::of(&delivery.state), 1);
        let mut row = Row { delivery, opened: self.state.next_place(), place: 0 };
        lanes::enter(self.state, &mut row);
        let opened = match claim.filter(|claim| is_claimable(&row.delivery, claim.at)) {
            Some(claim) => Opened::Claimed(self.open_attempt(row, claim)),
            None if row.delivery.behind => self.place(row, Opened::Behind),
            None => self.place(row, Opened::Ready),
        };
        self.tell(id);
        opened
    }

    fn place(&mut self, row: Row, opened: Opened) -> Opened {
        self.put(row);
        opened
    }

    /// See [`model::Change::Claim`].
    pub(super) fn claim(&mut self, id: DeliveryId, claim: Claim) -> Result<(), Fault> {
        let row = self.state.deliveries.get(&id).cloned();
        let row = row.filter(|row| is_claimable(&row.delivery, claim.at)).ok_or(conflict("ledger.claim"))?;
        let epoch = self.open_attempt(row, claim);
        self.committed.claimed.push(epoch);
        Ok(())
    }

    fn open_attempt(&mut self, mut row: Row, claim: Claim) -> u64 {
        let delivery = &mut row.delivery;
        delivery.attempts += 1;
        delivery.epoch += 1;
        delivery.version += 1;
        delivery.lease = Some(claim.lease.clone());
        let epoch = delivery.epoch;
        let (id, no) = (delivery.id, delivery.attempts);
        let attempt = Attempt { delivery: id, no, started_at: claim.at, lease: claim.lease, result: None };
        self.state.attempts.put((id, no), attempt);
        self.put(row);
        epoch
    }

    /// See [`model::Change::Settle`].
    pub(super) fn settle(
        &mut self,
        id: DeliveryId,
        result: AttemptResult,
        to: (DeliveryState, String),
    ) -> Result<(), Fault> {
        let before = self.state.deliveries.get(&id).filter(|row| row.delivery.lease.is_some()).cloned();
        let before = before.ok_or(conflict("ledger.settle"))?;
        let no = before.delivery.attempts;
        let open = self.state.attempts.get(&(id, no)).filter(|attempt| attempt.result.is_none()).cloned();
        let mut attempt = open.ok_or(conflict("ledger.settle"))?;
        let mut after = before.clone();
        let delivery = &mut after.delivery;
        (delivery.state, delivery.why) = to;
        delivery.cause = match delivery.state {
            DeliveryState::Done { .. } => String::new(),
            _ => result.outcome.cause(),
        };
        delivery.output = delivery.output.or(result.output);
        delivery.lease = None;
        attempt.result = Some(result);
        self.state.attempts.put((id, no), attempt);
        self.change(&before, after);
        Ok(())
    }

    /// See [`model::Change::Move`].
    pub(super) fn shift(&mut self, id: DeliveryId, to: (DeliveryState, String), round: Option<Round>) -> Result<(), Fault> {
        let before = self.state.deliveries.get(&id).filter(|row| row.delivery.lease.is_none()).cloned();
        let before = before.ok_or(conflict("ledger.move"))?;
        let mut after = before.clone();
        let delivery = &mut after.delivery;
        (delivery.state, delivery.why) = to;
        if let Some(round) = round {
            delivery.round_base = delivery.attempts;
            (delivery.round_at, delivery.deadline, delivery.policy) = (round.at, round.deadline, round.policy);
        }
        self.change(&before, after);
        Ok(())
    }

    /// See [`model::Change::Expire`].
    pub(super) fn expire(&mut self, id: DeliveryId, at: Timestamp, to: (DeliveryState, String)) -> Result<(), Fault> {
        let before = self.state.deliveries.get(&id).filter(|row| row.delivery.is_overdue(at)).cloned();
        let before = before.ok_or(conflict("ledger.expire"))?;
        let mut after = before.clone();
        let delivery = &mut after.delivery;
        (delivery.state, delivery.why) = to;
        CAUSE_DEADLINE.clone_into(&mut delivery.cause);
        self.change(&before, after);
        Ok(())
    }

    /// Writes a delivery in its new state, with all that follows from it.
    fn change(&mut self, before: &Row, mut after: Row) {
        let (id, origin) = (after.delivery.id, after.delivery.origin);
        after.delivery.version += 1;
        counters::shift(self.state, origin, Bucket::of(&before.delivery.state), Bucket::of(&after.delivery.state));
        match lanes::passage(before, &after) {
            Passage::Stays => self.put(after),
            Passage::Enters => {
                lanes::enter(self.state, &mut after);
                self.put(after);
            }
            Passage::Leaves(lane) => {
                after.delivery.behind = false;
                self.put(after);
                if let Some(next) = lanes::free(self.state, lane) {
                    self.put(next);
                }
            }
        }
        self.tell(id);
    }

    fn put(&mut self, row: Row) {
        if row.ready_key().is_some() {
            self.ready.insert(row.delivery.destination.clone());
        }
        self.state.put(row);
    }

    fn tell(&mut self, id: DeliveryId) {
        let Some(row) = self.state.deliveries.get(&id) else { return };
        let delivery = &row.delivery;
        self.state.numbers.feed += 1;
        let seq = self.state.numbers.feed;
        let told = FeedRow {
            seq,
            at: self.now,
            delivery: id,
            event: delivery.event,
            flow: delivery.flow.clone(),
            destination: delivery.destination.clone(),
            state: delivery.state.word().to_owned(),
            attempts: delivery.attempts,
            why: delivery.why.clone(),
        };
        self.state.feed.put(seq, told);
    }
}

fn is_claimable(delivery: &Delivery, at: Timestamp) -> bool {
    match delivery.state {
        DeliveryState::Waiting { due } => {
            due <= at && delivery.may_begin(at) && !delivery.behind && delivery.lease.is_none()
        }
        DeliveryState::Held { .. }
        | DeliveryState::Done { .. }
        | DeliveryState::DeadLettered { .. }
        | DeliveryState::Cancelled { .. }
        | DeliveryState::Superseded { .. } => false,
    }
}
