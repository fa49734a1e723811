//! The delivery loop: takes what was claimed, sends, settles. It never claims and never waits for anything but the ends of
//! what is under way, so that one slow step holds up nothing else. Every attempt is committed before it is sent and
//! settled after; a crash in between leaves a lease that the next life finds.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::{
    AttemptResult, Batch, Change, Delivery, DestinationName, Digest, Fault, FaultKind, Outcome, Record, TimeSpan, Timestamp,
};
use tokio::sync::{mpsc, watch};

use super::decide;
use super::prepare::{self, Envelope};
use crate::board::{Board, Claimed, Handover};
use crate::book::Book;
use crate::keyring::Keyring;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger, Outbound, Sent};
use crate::rules::gate::Slot;
use crate::rules::traced::Chain;

/// How long after a fault a step is tried again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);

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
    /// What the router and the claiming loop claimed.
    pub handovers: mpsc::Receiver<Handover>,
}

type Flights = FuturesUnordered<BoxFuture<'static, ()>>;

impl Deliverer {
    /// Runs until nobody hands over any more and what is under way has ended.
    pub async fn run(mut self) -> Result<(), Fault> {
        let mut flights: Flights = FuturesUnordered::new();
        let mut more = true;
        while more || !flights.is_empty() {
            tokio::select! {
                biased;
                handover = self.handovers.recv(), if more => match handover {
                    Some(handover) => flights.push(self.sender.clone().take(handover)),
                    None => more = false,
                },
                Some(()) = flights.next(), if !flights.is_empty() => {}
            }
        }
        Ok(())
    }
}

impl Sender {
    fn take(self, handover: Handover) -> BoxFuture<'static, ()> {
        let Handover { delivery, claim, record, slot } = handover;
        match claim {
            Claimed::Surely(epoch) => Box::pin(self.fly(*delivery, epoch, record, slot)),
            Claimed::Perhaps => Box::pin(self.fly_if_claimed(*delivery, slot)),
        }
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
                self.fly(delivery, found.epoch, None, slot).await;
            }
            None => self.board.leave_unused(&delivery.destination, &slot, self.clock.now()),
        }
    }

    /// One attempt from its claim to its settlement. A fault before the send leaves the lease: the sweep or the next life
    /// settles it.
    async fn fly(self, mut delivery: Delivery, epoch: u64, record: Option<Arc<Record>>, slot: Slot) {
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

    async fn read(&self, delivery: &Delivery) -> Result<Option<Arc<Record>>, Fault> {
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
