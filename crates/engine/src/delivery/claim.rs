//! The claiming loop: finds what is due and has a slot, claims it in one commit, and hands it over to be sent. Together
//! with the router, which claims first attempts as it makes them, it is all that claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::limit::{CLAIM_MAX, PERIOD};
use model::{
    Batch, Change, Claim, Delivery, DestinationName, Fault, FaultKind, Guard, Lease, SecretName, TimeSpan, Timestamp,
};
use policy::compiled::Destination;
use tokio::sync::mpsc;

use super::run::Sender;
use crate::board::{Board, Claimed, Handover, LongDue};
use crate::observe::Fact;
use crate::ports::{DueQuery, Hint};
use crate::rules::gate::{Closed, Kind, Slot};

/// How long after a fault it looks again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);
/// Between two looks: under load every commit is a hint, and what becomes due meanwhile is claimed together.
const BREATH: TimeSpan = TimeSpan::from_millis(3);

/// How long looks have to leave something before what has just arrived makes room for it.
const LONG_DUE: TimeSpan = TimeSpan::from_secs(1);

/// What a look leaves at a destination of what is due and could go, if it had a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Something,
    Nothing,
}

/// The claiming loop of a node.
#[derive(Debug)]
pub struct Claimer {
    /// What attempts need.
    pub sender: Sender,
    /// Where claimed deliveries go.
    pub handovers: mpsc::Sender<Handover>,
    /// The secrets that were told of as lacking.
    pub lacking: BTreeMap<DestinationName, SecretName>,
    /// Since when a look has left something that is due to a destination.
    pub left: BTreeMap<DestinationName, Timestamp>,
}

impl Claimer {
    /// Runs until told to stop.
    pub async fn run(mut self) -> Result<(), Fault> {
        let mut hint = self.sender.ledger.changed();
        while !*self.sender.stop.borrow() {
            hint.borrow_and_update();
            let wait = match self.claim_due().await {
                Ok(wait) => wait,
                // Somebody changed one of them meanwhile; the next look sees it.
                Err(fault) if fault.kind == FaultKind::Conflict => BREATH,
                Err(fault) if fault.kind == FaultKind::Shutdown => break,
                Err(fault) if fault.kind == FaultKind::Corrupt => {
                    self.sender.facts.tell_fault("claim", &fault, self.sender.clock.now());
                    return Err(fault);
                }
                Err(fault) => {
                    self.sender.facts.tell_fault("claim", &fault, self.sender.clock.now());
                    AGAIN
                }
            };
            self.rest(&mut hint, wait).await;
        }
        Ok(())
    }

    async fn rest(&mut self, hint: &mut Hint, wait: TimeSpan) {
        let (clock, pressure) = (&self.sender.clock, &self.sender.board.pressure);
        let mut stop = self.sender.stop.clone();
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
            _ = stop.changed() => {}
            () = woken => {}
        }
    }

    /// Claims what is due and has a slot, for every destination that this node works on. Answers how long there is
    /// surely nothing to do, at most a period. What is damaged at one destination stops no other.
    async fn claim_due(&mut self) -> Result<TimeSpan, Fault> {
        let mut wait = PERIOD;
        let present = self.sender.book.current();
        let agenda = self.sender.ledger.agenda().await?;
        self.left.retain(|name, _| {
            let is_there = agenda.iter().any(|(known, _)| known == name);
            if !is_there {
                self.sender.board.set_long_due(name, LongDue::No);
            }
            is_there
        });
        for (name, due) in agenda {
            let now = self.sender.clock.now();
            let ours = self.sender.board.holds(&Board::shard_of(&name));
            let Some(destination) = present.destinations.get(&name).filter(|_| ours) else { continue };
            if due > now {
                self.note_left(&name, Left::Nothing, now);
                wait = wait.min(due.since(now));
                continue;
            }
            match self.claim_for(destination, now).await {
                Ok(None) => {}
                Ok(Some(until)) => wait = wait.min(until.since(now).max(TimeSpan::from_millis(1))),
                Err(fault) if fault.kind == FaultKind::Corrupt => {
                    self.sender.facts.tell_unreadable(Some(&name), &[fault.to_string()]);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(wait)
    }

    /// Claims what is due for one destination. Answers when its gate opens again, if that is known.
    async fn claim_for(&mut self, to: &Arc<Destination>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let board = Arc::clone(&self.sender.board);
        let all = (board.free(to, Kind::First) as usize).min(CLAIM_MAX);
        let repeats = (board.free(to, Kind::Repeat) as usize).min(all);
        let without = board.switches.paused_flows();
        // Without a slot it is asked whether anything waits for one.
        let query = DueQuery { destination: to.name.clone(), now, all: all.max(1), repeats: repeats.max(1), without };
        let due = self.sender.ledger.due(query).await?;
        self.sender.facts.tell_unreadable(Some(&to.name), &due.unreadable);
        let mut left = if due.rows.len() >= all.max(1) { Left::Something } else { Left::Nothing };
        if left == Left::Something {
            board.pressure.behind();
        }
        let mut claims: Vec<(Delivery, Slot)> = Vec::with_capacity(all);
        let mut opens_at = None;
        for delivery in due.rows.into_iter().filter(|delivery| !board.is_in_question(delivery.id)) {
            let kind = if delivery.attempts == 0 { Kind::First } else { Kind::Repeat };
            match board.enter(to, kind, now) {
                Ok(slot) => claims.push((delivery, slot)),
                Err(Closed::Busy) => left = Left::Something,
                Err(Closed::Paused) => break,
                Err(Closed::NoSecret(secret)) => {
                    self.tell_without_secret(&to.name, secret);
                    break;
                }
                Err(Closed::Until(until)) => {
                    (opens_at, left) = (Some(until), Left::Something);
                    break;
                }
            }
        }
        if !claims.is_empty() {
            self.lacking.remove(&to.name);
            self.claim(claims, now).await?;
        }
        self.note_left(&to.name, left, now);
        Ok(opens_at)
    }

    /// What every look has left for so long is not just missed by one: its destination takes less than there is. A delivery
    /// that was behind in its lane is due since long, and yet nobody had to wait for it.
    fn note_left(&mut self, destination: &DestinationName, left: Left, now: Timestamp) {
        let since = match left {
            Left::Something => *self.left.entry(destination.clone()).or_insert(now),
            Left::Nothing => {
                self.left.remove(destination);
                now
            }
        };
        let long_due = if now.since(since) > LONG_DUE { LongDue::Yes } else { LongDue::No };
        self.sender.board.set_long_due(destination, long_due);
    }

    fn tell_without_secret(&mut self, destination: &DestinationName, secret: SecretName) {
        if self.lacking.get(destination) != Some(&secret) {
            self.sender.facts.emit(&Fact::NoSecret { destination, secret: &secret });
            self.lacking.insert(destination.clone(), secret);
        }
    }

    async fn claim(&self, claims: Vec<(Delivery, Slot)>, now: Timestamp) -> Result<(), Fault> {
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
