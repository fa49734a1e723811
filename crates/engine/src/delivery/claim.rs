//! The claiming loop: finds what is due and has a slot, claims it in one commit, and hands it over to be sent. Together
//! with the router, which claims first attempts as it makes them, it is all that claims.

use std::sync::Arc;

use model::limit::{CLAIM_MAX, PERIOD};
use model::{Batch, Change, Claim, Delivery, Fault, FaultKind, Guard, Lease, TimeSpan, Timestamp};
use policy::compiled::Destination;
use tokio::sync::mpsc;

use super::run::Sender;
use crate::board::{Board, Claimed, Handover};
use crate::drive::Stop;
use crate::observe::Fact;
use crate::ports::{DueQuery, Hint};
use crate::rules::gate::{Closed, Kind, Slot};

/// How long after a fault it looks again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);
/// Between two looks: under load every commit is a hint, and what becomes due meanwhile is claimed together.
const BREATH: TimeSpan = TimeSpan::from_millis(3);

/// The claiming loop of a node.
#[derive(Debug)]
pub struct Claimer {
    /// What attempts need.
    pub sender: Sender,
    /// Where claimed deliveries go.
    pub handovers: mpsc::Sender<Handover>,
    /// When to stop.
    pub stop: Stop,
}

impl Claimer {
    /// Runs until told to stop.
    pub async fn run(mut self) -> Result<(), Fault> {
        let mut hint = self.sender.ledger.changed();
        while !*self.stop.borrow() {
            hint.borrow_and_update();
            let wait = match self.claim_due().await {
                Ok(wait) => wait,
                // Somebody changed one of them meanwhile; the next look sees it.
                Err(fault) if fault.kind == FaultKind::Conflict => BREATH,
                Err(fault) if fault.kind == FaultKind::Shutdown => break,
                Err(fault) if fault.kind == FaultKind::Corrupt => return Err(fault),
                Err(fault) => {
                    self.sender.facts.emit(&Fact::LoopFault { name: "claim", fault: &fault });
                    AGAIN
                }
            };
            self.rest(&mut hint, wait).await;
        }
        Ok(())
    }

    async fn rest(&mut self, hint: &mut Hint, wait: TimeSpan) {
        let (clock, pressure) = (&self.sender.clock, &self.sender.board.pressure);
        let woken = async {
            let from = clock.now();
            clock.sleep(BREATH).await;
            pressure.woke(clock.now().since(from + BREATH));
            tokio::select! {
                biased;
                _ = hint.changed() => {}
                () = clock.sleep(wait) => {}
            }
        };
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = woken => {}
        }
    }

    /// Claims what is due and has a slot, for every destination that this node works on. Answers how long there is
    /// surely nothing to do, at most a period.
    async fn claim_due(&self) -> Result<TimeSpan, Fault> {
        let mut wait = PERIOD;
        let present = self.sender.book.current();
        for (name, due) in self.sender.ledger.agenda().await? {
            let now = self.sender.clock.now();
            let Some(destination) =
                present.destinations.get(&name).filter(|_| self.sender.board.holds(&Board::shard_of(&name)))
            else {
                continue;
            };
            if due > now {
                wait = wait.min(due.since(now));
            } else if let Some(until) = self.claim_for(destination, now).await? {
                wait = wait.min(until.since(now).max(TimeSpan::from_millis(1)));
            }
        }
        Ok(wait)
    }

    /// Claims what is due for one destination. Answers when its gate opens again, if that is known.
    async fn claim_for(&self, to: &Arc<Destination>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let all = (self.sender.board.free(to, Kind::First) as usize).min(CLAIM_MAX);
        let repeats = (self.sender.board.free(to, Kind::Repeat) as usize).min(all);
        if all == 0 {
            self.sender.board.pressure.behind();
            return Ok(None);
        }
        let without = self.sender.board.switches.paused_flows();
        let query = DueQuery { destination: to.name.clone(), now, all, repeats, without };
        let mut due = self.sender.ledger.due(query).await?.deliveries;
        due.retain(|delivery| !self.sender.board.is_in_question(delivery.id));
        if due.len() == all {
            self.sender.board.pressure.behind();
        }
        let mut claims: Vec<(Delivery, Slot)> = Vec::with_capacity(all);
        let mut opens_at = None;
        for delivery in due {
            let kind = if delivery.attempts == 0 { Kind::First } else { Kind::Repeat };
            match self.sender.board.enter(to, kind, now) {
                Ok(slot) => claims.push((delivery, slot)),
                Err(Closed::Busy) => {}
                Err(Closed::Paused) => break,
                Err(Closed::Until(until)) => {
                    opens_at = Some(until);
                    break;
                }
            }
        }
        self.claim(claims, now).await?;
        Ok(opens_at)
    }

    async fn claim(&self, claims: Vec<(Delivery, Slot)>, now: Timestamp) -> Result<(), Fault> {
        if claims.is_empty() {
            return Ok(());
        }
        let board = &self.sender.board;
        let Lease { node, incarnation } = board.lease.clone();
        let claim = Claim { lease: board.lease.clone(), at: now };
        let mut batch = Batch::new().guard(Guard::Life { node, incarnation });
        for (delivery, _) in &claims {
            batch.guards.push(Guard::Epoch { delivery: delivery.id, epoch: delivery.epoch });
            batch.changes.push(Change::Claim { delivery: delivery.id, claim: claim.clone() });
        }
        match self.sender.ledger.commit(batch).await {
            Ok(committed) => {
                for ((delivery, slot), epoch) in claims.into_iter().zip(committed.claimed) {
                    self.hand_over(delivery, Claimed::Surely(epoch), slot).await;
                }
                Ok(())
            }
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                board.question(claims.iter().map(|(delivery, _)| delivery.id));
                for (delivery, slot) in claims {
                    self.hand_over(delivery, Claimed::Perhaps, slot).await;
                }
                Err(fault)
            }
            Err(fault) => {
                for (delivery, slot) in &claims {
                    board.leave_unused(&delivery.destination, slot, now);
                }
                Err(fault)
            }
        }
    }

    async fn hand_over(&self, delivery: Delivery, claim: Claimed, slot: Slot) {
        let handover = Handover { delivery: Box::new(delivery), claim, record: None, slot };
        self.sender.board.hand_over(&self.handovers, handover, self.sender.clock.now()).await;
    }
}
