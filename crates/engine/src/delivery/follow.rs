//! The next of a lane: claimed in the commit that ends the one before it, so that a lane moves at the pace of its destination
//! and of one commit an event. It never takes a slot from another lane that waits for long.

use model::{Batch, Change, Claim, Delivery, DeliveryState, FaultKind, Guard, Lease, Timestamp};

use super::decide;
use super::flight::{Ended, Sender};
use crate::board::{Board, Claimed, Handover};
use crate::rules::gate::{Kind, Slot};

/// The next of a lane, which may be claimed with the end of the one before it.
#[derive(Debug)]
pub(super) struct Follower {
    delivery: Delivery,
    at: Timestamp,
}

impl Sender {
    /// The next of its lane, where it may go with the same slot: after a success, if it is due and nobody else waits for long.
    /// Takes what the rate asks for.
    pub(super) async fn follower(&self, delivery: &Delivery, ended: &Ended, slot: &Slot) -> Option<Follower> {
        let is_done = matches!(ended.after.state, DeliveryState::Done { .. });
        if delivery.lane.is_none() || !is_done || *self.stop.borrow() || self.is_closed(delivery) {
            return None;
        }
        let next = self.ledger.next_in_lane(delivery.id).await.ok()??;
        let at = self.clock.now();
        let is_due = matches!(next.state, DeliveryState::Waiting { due } if due <= at) && next.may_begin(at);
        let kind = if next.attempts == 0 { Kind::First } else { Kind::Repeat };
        if !is_due || next.lease.is_some() || self.board.is_in_question(next.id) {
            return None;
        }
        let present = self.book.current();
        let destination = present.destinations.get(&next.destination)?;
        self.board.go_on(destination, (slot, kind), at).then_some(Follower { delivery: next, at })
    }

    fn is_closed(&self, delivery: &Delivery) -> bool {
        let switches = &self.board.switches;
        switches.is_paused(&Board::shard_of(&delivery.destination)) || switches.is_paused(&format!("flow/{}", delivery.flow))
    }

    /// Ends an attempt and claims the next in one commit. Where that cannot be, the end stands alone.
    pub(super) async fn settle_and_follow(
        &self,
        delivery: &Delivery,
        ended: &Ended,
        Follower { delivery: next, at }: Follower,
        slot: Slot,
    ) -> Option<Handover> {
        self.board.question([next.id]);
        let claim = match self.ledger.commit(self.end_and_claim(delivery, ended, (&next, at))).await {
            Ok(committed) => {
                self.tell(delivery, ended);
                self.board.settle([next.id]);
                let Some(epoch) = committed.claimed.first().copied() else {
                    return self.give_up_slot(&delivery.destination, &slot);
                };
                Claimed::Surely(epoch)
            }
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                if let Err(fault) = self.insist_on_end(delivery, ended).await {
                    self.board.settle([next.id]);
                    return self.give_up(&delivery.destination, &slot, &fault);
                }
                Claimed::Perhaps
            }
            Err(_) => {
                self.board.settle([next.id]);
                self.board.stay(&delivery.destination);
                return self.settle(delivery, ended, slot).await;
            }
        };
        if let Some(destination) = self.book.current().destinations.get(&delivery.destination) {
            self.board.went_on(destination, self.clock.now());
        }
        Some(Handover { delivery: Box::new(next), claim, record: None, slot })
    }

    fn end_and_claim(&self, delivery: &Delivery, ended: &Ended, (next, at): (&Delivery, Timestamp)) -> Batch {
        let lease = self.board.lease.clone();
        let Lease { node, incarnation } = lease.clone();
        decide::settle(delivery, delivery.epoch, ended.result.clone(), ended.after.clone())
            .guard(Guard::Life { node, incarnation })
            .guard(Guard::Epoch { delivery: next.id, epoch: next.epoch })
            .change(Change::Claim { delivery: next.id, claim: Claim { lease, at } })
    }
}
