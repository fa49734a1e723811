//! The delivery loop: takes what the router claimed, claims what is due, and lets each attempt fly. Every attempt is
//! committed before it is sent and settled after; a crash in between leaves a lease that the next life finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::limit::{CLAIM_MAX, PERIOD};
use model::{Batch, Change, Claim, Delivery, DestinationName, Fault, FaultKind, Guard, SecretName, TimeSpan, Timestamp};
use policy::compiled::Destination;
use tokio::sync::mpsc;

pub use super::flight::Sender;
use crate::board::{Board, Handover};
use crate::drive::Stop;
use crate::observe::Fact;
use crate::ports::DueQuery;
use crate::rules::gate::{Closed, Kind, Slot};

/// How long after a fault it looks again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);

/// LIMIT: rows that are remembered as told of; more are told of again.
const TOLD_MAX: usize = 1_000;

/// The delivery loop of a node.
#[derive(Debug)]
pub struct Deliverer {
    /// What attempts need.
    pub sender: Sender,
    /// What the router claimed.
    pub handovers: mpsc::Receiver<Handover>,
    /// When to stop; what is under way is finished first.
    pub stop: Stop,
    /// What was told of already.
    pub told: Told,
}

/// What was told of already, so that a loop that looks again and again tells it once.
#[derive(Debug, Default)]
pub struct Told {
    unreadable: BTreeSet<String>,
    without_secret: BTreeMap<DestinationName, SecretName>,
}

type Flights = FuturesUnordered<BoxFuture<'static, ()>>;

impl Deliverer {
    /// Runs until told to stop, and until what is under way has ended.
    pub async fn run(mut self) -> Result<(), Fault> {
        let mut flights: Flights = FuturesUnordered::new();
        let mut hint = self.sender.ledger.changed();
        let mut looked: Option<Fault> = None;
        while !*self.stop.borrow() {
            hint.borrow_and_update();
            let wait = match self.claim_due(&mut flights).await {
                Ok(wait) => wait,
                Err(fault) if fault.kind == FaultKind::Shutdown => break,
                Err(fault) => {
                    self.sender.facts.emit(&Fact::LoopFault { name: "delivery", fault: &fault });
                    if fault.kind == FaultKind::Corrupt {
                        looked = Some(fault);
                        break;
                    }
                    AGAIN
                }
            };
            self.until_something_happens(&mut flights, &mut hint, wait).await;
        }
        self.handovers.close();
        while let Some(handover) = self.handovers.recv().await {
            flights.push(Box::pin(self.sender.clone().fly(handover)));
        }
        while flights.next().await.is_some() {}
        looked.map_or(Ok(()), Err)
    }

    /// Waits for an end, a handover, a hint or a period; takes all handovers that are there.
    async fn until_something_happens(&mut self, flights: &mut Flights, hint: &mut crate::ports::Hint, wait: TimeSpan) {
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            Some(handover) = self.handovers.recv() => {
                flights.push(Box::pin(self.sender.clone().fly(handover)));
                while let Ok(handover) = self.handovers.try_recv() {
                    flights.push(Box::pin(self.sender.clone().fly(handover)));
                }
            }
            Some(()) = flights.next(), if !flights.is_empty() => {}
            _ = hint.changed() => {}
            () = self.sender.clock.sleep(wait) => {}
        }
    }

    /// Claims what is due and has a slot, for every destination that this node works on. Answers how long there is
    /// surely nothing to do, at most a period. What is damaged at one destination stops no other.
    async fn claim_due(&mut self, flights: &mut Flights) -> Result<TimeSpan, Fault> {
        let mut wait = PERIOD;
        let present = self.sender.book.current();
        for (name, due) in self.sender.ledger.agenda().await? {
            let now = self.sender.clock.now();
            let ours = self.sender.board.holds(&Board::shard_of(&name));
            let Some(destination) = present.destinations.get(&name).filter(|_| ours) else { continue };
            if due > now {
                wait = wait.min(due.since(now));
                continue;
            }
            match self.claim_for(destination, now, flights).await {
                Ok(None) => {}
                Ok(Some(until)) => wait = wait.min(until.since(now).max(TimeSpan::from_millis(1))),
                Err(fault) if fault.kind == FaultKind::Corrupt => self.tell_unreadable(&name, fault.to_string()),
                Err(fault) => return Err(fault),
            }
        }
        Ok(wait)
    }

    /// Claims what is due for one destination. Answers when its gate opens again, if that is known.
    async fn claim_for(
        &mut self,
        to: &Arc<Destination>,
        now: Timestamp,
        flights: &mut Flights,
    ) -> Result<Option<Timestamp>, Fault> {
        let board = Arc::clone(&self.sender.board);
        let all = (board.free(to, Kind::First) as usize).min(CLAIM_MAX);
        let repeats = (board.free(to, Kind::Repeat) as usize).min(all);
        if all == 0 {
            return Ok(None);
        }
        let without = board.switches.paused_flows();
        let query = DueQuery { destination: to.name.clone(), now, all, repeats, without };
        let due = self.sender.ledger.due(query).await?;
        for what in due.unreadable {
            self.tell_unreadable(&to.name, what);
        }
        let mut claims: Vec<(Delivery, Slot)> = Vec::with_capacity(all);
        let mut opens_at = None;
        for delivery in due.deliveries.into_iter().filter(|delivery| !board.is_in_question(delivery.id)) {
            let kind = if delivery.attempts == 0 { Kind::First } else { Kind::Repeat };
            match board.enter(to, kind, now) {
                Ok(slot) => claims.push((delivery, slot)),
                Err(Closed::Busy) => {}
                Err(Closed::Paused) => break,
                Err(Closed::NoSecret(secret)) => {
                    self.tell_without_secret(&to.name, secret);
                    break;
                }
                Err(Closed::Until(until)) => {
                    opens_at = Some(until);
                    break;
                }
            }
        }
        if !claims.is_empty() {
            self.told.without_secret.remove(&to.name);
            self.claim(claims, now, flights).await?;
        }
        Ok(opens_at)
    }

    async fn claim(&self, claims: Vec<(Delivery, Slot)>, now: Timestamp, flights: &mut Flights) -> Result<(), Fault> {
        let sender = &self.sender;
        let claim = Claim { lease: sender.board.lease.clone(), at: now };
        let mut batch = Batch::new().guard(self.life());
        for (delivery, _) in &claims {
            batch.guards.push(Guard::Epoch { delivery: delivery.id, epoch: delivery.epoch });
            batch.changes.push(Change::Claim { delivery: delivery.id, claim: claim.clone() });
        }
        match sender.ledger.commit(batch).await {
            Ok(committed) => {
                for ((delivery, slot), epoch) in claims.into_iter().zip(committed.claimed) {
                    let handover = Handover { delivery: Box::new(delivery), epoch, record: None, slot };
                    flights.push(Box::pin(sender.clone().fly(handover)));
                }
                Ok(())
            }
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                sender.board.question(claims.iter().map(|(delivery, _)| delivery.id));
                for (delivery, slot) in claims {
                    flights.push(Box::pin(sender.clone().fly_if_claimed(delivery, slot)));
                }
                Ok(())
            }
            Err(fault) => {
                for (delivery, slot) in &claims {
                    sender.board.leave_unused(&delivery.destination, slot, now);
                }
                Err(fault)
            }
        }
    }

    fn life(&self) -> Guard {
        let lease = &self.sender.board.lease;
        Guard::Life { node: lease.node.clone(), incarnation: lease.incarnation }
    }

    fn tell_unreadable(&mut self, destination: &DestinationName, what: String) {
        if self.told.unreadable.len() >= TOLD_MAX {
            self.told.unreadable.clear();
        }
        if !self.told.unreadable.contains(&what) {
            self.sender.facts.emit(&Fact::Unreadable { destination, what: &what });
            self.told.unreadable.insert(what);
        }
    }

    fn tell_without_secret(&mut self, destination: &DestinationName, secret: SecretName) {
        if self.told.without_secret.get(destination) != Some(&secret) {
            self.sender.facts.emit(&Fact::NoSecret { destination, secret: &secret });
            self.told.without_secret.insert(destination.clone(), secret);
        }
    }
}
