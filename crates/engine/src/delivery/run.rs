//! The delivery loop: takes what the router claimed, claims what is due, sends, settles. Every attempt is committed
//! before it is sent and settled after; a crash in between leaves a lease that the next life finds.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::limit::{CLAIM_MAX, PERIOD};
use model::{
    AttemptResult, Batch, Change, Claim, Delivery, DestinationName, Digest, Fault, FaultKind, Guard, Outcome, TimeSpan,
    Timestamp,
};
use policy::compiled::Destination;
use tokio::sync::{mpsc, watch};

use super::decide;
use super::prepare::{self, Envelope};
use crate::board::{Board, Handover};
use crate::book::Book;
use crate::drive::Stop;
use crate::keyring::Keyring;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, DueLimit, Journal, Ledger, Outbound, Sent};
use crate::rules::gate::{Closed, Kind, Slot};
use crate::rules::traced::Chain;

/// How long after a fault a step is tried again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);

/// LIMIT: due deliveries of one destination that are looked at while one of its flows is paused.
const BEHIND_PAUSED_MAX: usize = model::limit::DUE_MAX;

/// What all attempts of a node share.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Where bytes are read.
    pub journal: Arc<dyn Journal>,
    /// Where attempts are written.
    pub ledger: Arc<dyn Ledger>,
    /// The outside.
    pub outbound: Arc<dyn Outbound>,
    /// The policies.
    pub book: Arc<Book>,
    /// What this node shares.
    pub board: Arc<Board>,
    /// Secrets' values.
    pub keys: watch::Receiver<Arc<Keyring>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
}

/// The delivery loop of a node.
#[derive(Debug)]
pub struct Deliverer {
    /// What attempts need.
    pub sender: Sender,
    /// What the router claimed.
    pub handovers: mpsc::Receiver<Handover>,
    /// When to stop; what is under way is finished first.
    pub stop: Stop,
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
            let wait = match self.sender.claim_due(&mut flights).await {
                Ok(wait) => wait,
                Err(fault) if fault.kind == FaultKind::Shutdown => break,
                Err(fault) if fault.kind == FaultKind::Corrupt => {
                    looked = Some(fault);
                    break;
                }
                Err(fault) => {
                    self.sender.facts.emit(&Fact::LoopFault { name: "delivery", fault: &fault });
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
}

impl Sender {
    /// Claims what is due and has a slot, for every destination that this node works on. Answers how long there is
    /// surely nothing to do, at most a period.
    async fn claim_due(&self, flights: &mut Flights) -> Result<TimeSpan, Fault> {
        let mut wait = PERIOD;
        let present = self.book.current();
        for (name, due) in self.ledger.agenda().await? {
            let now = self.clock.now();
            let Some(destination) = present.destinations.get(&name).filter(|_| self.board.holds(&Board::shard_of(&name)))
            else {
                continue;
            };
            if due > now {
                wait = wait.min(due.since(now));
            } else if let Some(until) = self.claim_for(destination, now, flights).await? {
                wait = wait.min(until.since(now).max(TimeSpan::from_millis(1)));
            }
        }
        Ok(wait)
    }

    /// Claims what is due for one destination. Answers when its gate opens again, if that is known.
    async fn claim_for(
        &self,
        to: &Arc<Destination>,
        now: Timestamp,
        flights: &mut Flights,
    ) -> Result<Option<Timestamp>, Fault> {
        let all = (self.board.free(to, Kind::First) as usize).min(CLAIM_MAX);
        let repeats = (self.board.free(to, Kind::Repeat) as usize).min(all);
        if all == 0 {
            return Ok(None);
        }
        let mut due = self.ledger.due(&to.name, now, DueLimit { all, repeats }).await?;
        if due.iter().any(|delivery| self.is_paused(delivery)) {
            // What a paused flow has waiting must not hide the deliveries of other flows behind it.
            due = self.ledger.due(&to.name, now, DueLimit { all: BEHIND_PAUSED_MAX, repeats: BEHIND_PAUSED_MAX }).await?;
            due.retain(|delivery| !self.is_paused(delivery));
        }
        due.retain(|delivery| !self.board.is_in_question(delivery.id));
        let mut claims: Vec<(Delivery, Slot)> = Vec::with_capacity(all);
        let mut opens_at = None;
        for delivery in due {
            if claims.len() >= all {
                break;
            }
            let kind = if delivery.attempts == 0 { Kind::First } else { Kind::Repeat };
            match self.board.enter(to, kind, now) {
                Ok(slot) => claims.push((delivery, slot)),
                Err(Closed::Busy) => {}
                Err(Closed::Paused) => break,
                Err(Closed::Until(until)) => {
                    opens_at = Some(until);
                    break;
                }
            }
        }
        self.claim(claims, now, flights).await?;
        Ok(opens_at)
    }

    fn is_paused(&self, delivery: &Delivery) -> bool {
        self.board.switches.is_paused(&format!("flow/{}", delivery.flow))
    }

    async fn claim(&self, claims: Vec<(Delivery, Slot)>, now: Timestamp, flights: &mut Flights) -> Result<(), Fault> {
        if claims.is_empty() {
            return Ok(());
        }
        let claim = Claim { lease: self.board.lease.clone(), at: now };
        let mut batch = Batch::new().guard(self.life());
        for (delivery, _) in &claims {
            batch.guards.push(Guard::Epoch { delivery: delivery.id, epoch: delivery.epoch });
            batch.changes.push(Change::Claim { delivery: delivery.id, claim: claim.clone() });
        }
        match self.ledger.commit(batch).await {
            Ok(committed) => {
                for ((delivery, slot), epoch) in claims.into_iter().zip(committed.claimed) {
                    flights.push(Box::pin(self.clone().fly(Handover {
                        delivery: Box::new(delivery),
                        epoch,
                        record: None,
                        slot,
                    })));
                }
                Ok(())
            }
            Err(fault) if fault.kind == FaultKind::Unavailable => {
                self.board.question(claims.iter().map(|(delivery, _)| delivery.id));
                for (delivery, slot) in claims {
                    flights.push(Box::pin(self.clone().fly_if_claimed(delivery, slot)));
                }
                Ok(())
            }
            Err(fault) => {
                for (delivery, slot) in &claims {
                    self.board.leave_unused(&delivery.destination, slot, now);
                }
                Err(fault)
            }
        }
    }

    fn life(&self) -> Guard {
        Guard::Life { node: self.board.lease.node.clone(), incarnation: self.board.lease.incarnation }
    }

    /// After an unavailable store it is not known whether the claim holds. Asks until it is, then flies or gives up.
    async fn fly_if_claimed(self, delivery: Delivery, slot: Slot) {
        let found = loop {
            match self.ledger.delivery(delivery.id).await {
                Ok(found) => break found,
                Err(fault) if fault.kind == FaultKind::Shutdown => return,
                Err(_) => self.clock.sleep(AGAIN).await,
            }
        };
        self.board.settle([delivery.id]);
        let ours = |found: &Delivery| found.lease.as_ref() == Some(&self.board.lease) && found.epoch == delivery.epoch + 1;
        match found.filter(ours) {
            Some(found) => {
                self.fly(Handover { epoch: found.epoch, delivery: Box::new(delivery), record: None, slot }).await;
            }
            None => self.board.leave_unused(&delivery.destination, &slot, self.clock.now()),
        }
    }

    /// One attempt from its claim to its settlement. A fault before the send leaves the lease: the sweep or the next life
    /// settles it.
    async fn fly(self, handover: Handover) {
        let Handover { mut delivery, epoch, record, slot } = handover;
        delivery.attempts += 1;
        delivery.epoch = epoch;
        let started = self.clock.now();
        let record = match record {
            Some(record) => Ok(Some(record)),
            None => self.read(&delivery).await,
        };
        let chain = record.as_ref().ok().and_then(|record| Chain::of_entry(&record.as_ref()?.entry, self.facts.roots()));
        let (sent, output) = match record {
            Ok(Some(record)) => match record.entry.event().zip(chain) {
                Some((event, chain)) => self.attempt(&delivery, event, chain).await,
                None => (nothing_sent("the journal holds no event where the delivery says"), None),
            },
            Ok(None) => (nothing_sent("the event is not in the journal any more"), None),
            Err(_) => return self.give_up_slot(&delivery.destination, &slot),
        };
        let now = self.clock.now();
        let result = AttemptResult {
            ended_at: now,
            outcome: sent.outcome,
            output,
            response: sent.response.to_vec(),
            response_cut: sent.cut,
        };
        self.settle(&delivery, result, (started, chain), &slot).await;
    }

    fn give_up_slot(&self, destination: &DestinationName, slot: &Slot) {
        self.board.leave_unused(destination, slot, self.clock.now());
    }

    async fn read(&self, delivery: &Delivery) -> Result<Option<Arc<model::Record>>, Fault> {
        loop {
            match self.journal.get(delivery.bytes_at).await {
                Err(fault) if fault.kind == FaultKind::Unavailable => self.clock.sleep(AGAIN).await,
                answer => return answer,
            }
        }
    }

    /// The policy that a delivery keeps. A store that is away is waited for: it is no reason to trouble a person.
    async fn policy_of(&self, delivery: &Delivery) -> Result<Arc<policy::Policy>, Fault> {
        loop {
            match self.book.at(delivery.policy).await {
                Err(fault) if fault.kind == FaultKind::Unavailable => self.clock.sleep(AGAIN).await,
                answer => return answer,
            }
        }
    }

    async fn attempt(&self, delivery: &Delivery, event: &model::Event, chain: Chain) -> (Sent, Option<Digest>) {
        let Ok(policy) = self.policy_of(delivery).await else {
            return (nothing_sent("its policy is not in the ledger, or cannot be compiled"), None);
        };
        let present = self.book.current();
        let Some(destination) = present.destinations.get(&delivery.destination) else {
            return (nothing_sent("its destination is not in the present policy"), None);
        };
        let body = match prepare::body(&policy, delivery, event) {
            Ok(body) => body,
            Err(outcome) => {
                return (Sent { outcome, response: bytes::Bytes::new(), cut: false }, None);
            }
        };
        let output = Some(Digest::of(&body));
        let keys = Arc::clone(&self.keys.borrow());
        let envelope = Envelope { delivery, event, chain, no: delivery.attempts, at: self.clock.wall() };
        match prepare::message(destination, &keys, envelope, body) {
            Ok(message) => (self.outbound.send(&message).await, output),
            Err(outcome) => (Sent { outcome, response: bytes::Bytes::new(), cut: false }, None),
        }
    }

    /// Settles until it is settled, by us or by whoever declared us dead.
    async fn settle(
        &self,
        delivery: &Delivery,
        result: AttemptResult,
        (started, chain): (Timestamp, Option<Chain>),
        slot: &Slot,
    ) {
        let after = loop {
            match self.terms_and_after(delivery, &result).await {
                Ok(after) => break after,
                Err(fault) if fault.kind == FaultKind::Shutdown => return,
                Err(_) => self.clock.sleep(AGAIN).await,
            }
        };
        let state = after.state.word();
        loop {
            let batch = decide::settle(delivery, delivery.epoch, result.clone(), after.clone());
            match self.ledger.commit(batch).await {
                Ok(_) => break,
                Err(fault) => match fault.kind {
                    FaultKind::Conflict | FaultKind::Shutdown | FaultKind::Corrupt => break,
                    FaultKind::Unavailable | FaultKind::Full => self.clock.sleep(AGAIN).await,
                },
            }
        }
        let (cause, ended) = (result.outcome.cause(), result.ended_at);
        self.facts.emit(&Fact::AttemptEnded { delivery, chain, cause: &cause, state, started: Some(started), ended });
        self.leave(delivery, &result.outcome, slot).await;
    }

    async fn terms_and_after(&self, delivery: &Delivery, result: &AttemptResult) -> Result<decide::After, Fault> {
        let policy = self.book.at(delivery.policy).await?;
        let present = self.book.current();
        Ok(decide::judge(&policy, &present, delivery, result, self.chance()))
    }

    fn chance(&self) -> u16 {
        let chance = self.clock.chance();
        u16::from_be_bytes([chance[0], chance[1]])
    }

    async fn leave(&self, delivery: &Delivery, outcome: &Outcome, slot: &Slot) {
        let present = self.book.current();
        let now = self.clock.now();
        let Some(destination) = present.destinations.get(&delivery.destination) else {
            return self.board.leave_unused(&delivery.destination, slot, now);
        };
        if let Some(state) = self.board.leave_after(destination, slot, decide::seen(outcome), now) {
            self.facts.emit(&Fact::Breaker { destination: &delivery.destination, state: state.word() });
            if let Ok(text) = serde_json::to_string(&state) {
                let change = Change::Breaker { destination: delivery.destination.clone(), state: text };
                // A lost write costs a restarted node one pause; the next change writes it again.
                drop(self.ledger.commit(Batch::new().change(change)).await);
            }
        }
    }
}

fn nothing_sent(why: &str) -> Sent {
    Sent { outcome: Outcome::Unmapped { reasons: vec![why.to_owned()] }, response: bytes::Bytes::new(), cut: false }
}
