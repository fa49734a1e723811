//! One attempt, from its claim to its settlement: reads, maps, signs, sends, decides what follows, settles.
//!
//! A store that is away is asked again: it is no reason to trouble a person. What can never be read is, and then the row
//! alone decides; nothing in here waits for what cannot come.

use std::sync::Arc;

use futures::future::BoxFuture;
use model::outcome::Lack;
use model::{
    AttemptResult, Batch, Change, Delivery, DestinationName, Digest, Event, Fault, FaultKind, Outcome, Record, TimeSpan,
    Timestamp,
};

use super::decide::{self, After};
use super::prepare::{self, Envelope, Mapped};
use crate::board::{Board, Claimed, Handover};
use crate::book::Book;
use crate::drive::{self, Stop};
use crate::observe::{Fact, Facts};
use crate::ports::{Answer, Clock, Journal, Ledger, Outbound, Sent};
use crate::rules::gate::Slot;
use crate::rules::traced::Chain;

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
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// When to claim nothing more.
    pub stop: Stop,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    took: TimeSpan,
    /// When, by the machine's clock.
    at: Timestamp,
    chain: Option<Chain>,
    pub(super) result: AttemptResult,
    /// What follows from it.
    pub(super) after: After,
}

impl Sender {
    /// Attempts what was claimed, and then what comes forward in its lane, as long as that can be claimed at once.
    pub(super) fn take(self, handover: Handover) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut next = Some(handover);
            while let Some(handover) = next.take() {
                next = self.one(handover).await;
            }
        })
    }

    /// One attempt. Answers the next of its lane, where that was claimed with its end.
    async fn one(&self, handover: Handover) -> Option<Handover> {
        let Handover { delivery, claim, record, slot } = handover;
        let claimed = match claim {
            Claimed::Surely(epoch) => Ok(Some(epoch)),
            Claimed::Perhaps => self.claimed_after_all(&delivery).await,
        };
        match claimed {
            Ok(Some(epoch)) => self.fly(*delivery, epoch, record, slot).await,
            Ok(None) => self.give_up_slot(&delivery.destination, &slot),
            Err(fault) => self.give_up(&delivery.destination, &slot, &fault),
        }
    }

    /// After an unavailable store it is not known whether the claim holds. Asks until it is: its epoch, where it does.
    async fn claimed_after_all(&self, delivery: &Delivery) -> Result<Option<u64>, Fault> {
        let found = self.insist(|| self.ledger.delivery(delivery.id)).await;
        self.board.settle([delivery.id]);
        let ours = |found: &Delivery| found.lease.as_ref() == Some(&self.board.lease) && found.epoch == delivery.epoch + 1;
        Ok(found?.filter(ours).map(|found| found.epoch))
    }

    /// One attempt. When the process goes down on the way, its lease stays for the sweep or the next life.
    async fn fly(&self, mut delivery: Delivery, epoch: u64, record: Option<Arc<Record>>, slot: Slot) -> Option<Handover> {
        delivery.attempts += 1;
        delivery.epoch = epoch;
        let began = self.clock.ran();
        let record = match record {
            Some(record) => Ok(Some(record)),
            None => self.insist(|| self.journal.get(delivery.bytes_at)).await,
        };
        let chain = record.as_ref().ok().and_then(|record| Chain::of_entry(&record.as_ref()?.entry, self.facts.roots()));
        let (sent, output) = match record {
            Ok(Some(record)) => match record.entry.event().zip(chain) {
                Some((event, chain)) => self.attempt(&delivery, event, chain).await,
                None => (unsent(Lack::Event, "the journal holds no event where the delivery says".to_owned()), None),
            },
            Ok(None) => (unsent(Lack::Event, "the event is not in the journal any more".to_owned()), None),
            Err(fault) if fault.kind == FaultKind::Corrupt => {
                (unsent(Lack::Event, format!("the event cannot be read: {fault}")), None)
            }
            Err(fault) => return self.give_up(&delivery.destination, &slot, &fault),
        };
        let result = AttemptResult {
            ended_at: self.clock.now(),
            outcome: sent.outcome,
            output,
            response: sent.response.to_vec(),
            response_cut: sent.cut,
        };
        let (took, at) = (self.clock.ran() - began, self.clock.wall());
        let after = match self.insist(|| Box::pin(self.book.kept(delivery.policy))).await {
            Ok(kept) => decide::judge(kept.as_deref(), &self.book.current(), &delivery, &result, self.chance()),
            Err(fault) => return self.give_up(&delivery.destination, &slot, &fault),
        };
        let ended = Ended { took, at, chain, result, after };
        match self.follower(&delivery, &ended, &slot).await {
            Some(follower) => self.settle_and_follow(&delivery, &ended, follower, slot).await,
            None => self.settle(&delivery, &ended, slot).await,
        }
    }

    async fn attempt(&self, delivery: &Delivery, event: &Event, chain: Chain) -> (Sent, Option<Digest>) {
        let policy = match self.insist(|| Box::pin(self.book.at(delivery.policy))).await {
            Ok(policy) => policy,
            Err(fault) => return (unsent(Lack::Policy, format!("its policy cannot be read: {fault}")), None),
        };
        let present = self.book.current();
        let Some(destination) = present.destinations.get(&delivery.destination) else {
            let why = format!("the destination {} is not in the present policy", delivery.destination);
            return (unsent(Lack::Destination, why), None);
        };
        let body = match prepare::body(&policy, delivery, event) {
            Ok(body) => body,
            Err(outcome) => return (without_answer(outcome), None),
        };
        let output = Some(Digest::of(&body));
        let keys = Arc::clone(&self.board.keys.borrow());
        let mapped = Mapped::of(&policy, delivery);
        let envelope = Envelope { delivery, event, mapped, chain, no: delivery.attempts, at: self.clock.wall() };
        match prepare::message(destination, &keys, envelope, body) {
            Ok(message) => {
                let sent = self.outbound.send(&message).await;
                // What was never sent binds no later attempt to its bytes.
                let is_sent = !matches!(sent.outcome, Outcome::Unsent { .. });
                (sent, output.filter(|_| is_sent))
            }
            Err(outcome) => (without_answer(outcome), None),
        }
    }

    /// Settles until it is settled, by us or by whoever declared us dead, and gives the slot back.
    pub(super) async fn settle(&self, delivery: &Delivery, ended: &Ended, slot: Slot) -> Option<Handover> {
        match self.insist_on_end(delivery, ended).await {
            Ok(()) => self.leave(delivery, &ended.result.outcome, &slot).await,
            Err(fault) => return self.give_up(&delivery.destination, &slot, &fault),
        }
        None
    }

    pub(super) async fn insist_on_end(&self, delivery: &Delivery, ended: &Ended) -> Result<(), Fault> {
        let Ended { result, after, .. } = ended;
        let batch = || decide::settle(delivery, delivery.epoch, result.clone(), after.clone());
        let settled = match self.insist(|| self.ledger.commit(batch())).await {
            Ok(_) => true,
            Err(fault) if fault.kind == FaultKind::Conflict => self.is_settled_so(delivery, after).await,
            Err(fault) => return Err(fault),
        };
        if settled {
            self.tell(delivery, ended);
        }
        Ok(())
    }

    pub(super) fn tell(&self, delivery: &Delivery, Ended { took, at, chain, result, after }: &Ended) {
        let (cause, state, chain) = (result.outcome.cause(), after.state.word(), *chain);
        let (took, ended, age) = (Some(*took), *at, result.ended_at.since(delivery.created_at));
        self.facts.emit(&Fact::AttemptEnded { delivery, chain, cause: &cause, state, took, ended, age });
    }

    /// Whether a settlement that was refused is there all the same, because its answer had been lost. Otherwise another
    /// hand has settled the attempt, and what it came to is not ours to tell.
    async fn is_settled_so(&self, delivery: &Delivery, after: &After) -> bool {
        let found = self.insist(|| self.ledger.delivery(delivery.id)).await;
        let so = |found: &Delivery| {
            found.epoch == delivery.epoch && found.lease.is_none() && found.state == after.state && found.why == after.why
        };
        found.is_ok_and(|found| found.as_ref().is_some_and(so))
    }

    async fn insist<'a, T: Send>(&self, ask: impl Fn() -> Answer<'a, T> + Send) -> Result<T, Fault> {
        drive::insist(&*self.clock, None, ask).await
    }

    /// The process is going down, or the store is damaged: the lease stays for the next life.
    pub(super) fn give_up(&self, destination: &DestinationName, slot: &Slot, fault: &Fault) -> Option<Handover> {
        self.facts.tell_fault("delivery", fault, self.clock.now());
        self.give_up_slot(destination, slot)
    }

    pub(super) fn give_up_slot(&self, destination: &DestinationName, slot: &Slot) -> Option<Handover> {
        self.board.leave_unused(destination, slot, self.clock.now());
        None
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
        match outcome {
            Outcome::Deferred { status, retry_after } if *status == 429 || retry_after.is_some() => {
                self.board.be_patient(&destination.name, *retry_after, now);
            }
            _ => {}
        }
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

fn unsent(lack: Lack, why: String) -> Sent {
    without_answer(Outcome::Unsent { lack, why })
}

fn without_answer(outcome: Outcome) -> Sent {
    Sent { outcome, response: bytes::Bytes::new(), cut: false }
}
