//! Deadlines of what waits: behind an open breaker, a pause, a lane, or for its next attempt. At its deadline a delivery goes
//! to its policy's end, with what it waited for in a sentence; otherwise nobody would be told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use model::limit::CLAIM_MAX;
use model::{Delivery, DestinationName, Fault, FaultKind, Timestamp};

use super::decide::{self, Obstacle};
use crate::board::Board;
use crate::book::Book;
use crate::drive::Turn;
use crate::observe::Facts;
use crate::ports::{Clock, Ledger, Readable};
use crate::rules::breaker::State;
use crate::rules::names::Object;

/// The shard whose holder looks: what is overdue needs one hand, whichever node would have sent it.
const SHARD: &str = "partition/0";

/// LIMIT: commits that wait at once, so that many deadlines at one moment leave the ledger's queue to live traffic.
const AT_ONCE: usize = 64;

/// The loop that keeps deadlines.
#[derive(Debug)]
pub struct Deadlines {
    /// Where deliveries wait.
    pub ledger: Arc<dyn Ledger>,
    /// The policies: they say what a delivery ends in.
    pub book: Arc<Book>,
    /// What this node works on, and what people paused.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
}

impl Deadlines {
    /// Gives up what is overdue, at most a claim's worth. What was claimed or changed meanwhile is left alone.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        if !self.board.holds(SHARD) {
            return Ok(Turn::Idle);
        }
        let now = self.clock.now();
        let Readable { rows: overdue, unreadable } = self.ledger.overdue(now, CLAIM_MAX).await?;
        self.facts.tell_unreadable(None, &unreadable);
        if overdue.is_empty() {
            return Ok(Turn::Idle);
        }
        let breakers = self.breakers().await?;
        let mut turn = Turn::Idle;
        for some in overdue.chunks(AT_ONCE) {
            let ends = join_all(some.iter().map(|delivery| self.expire(delivery, &breakers, now))).await;
            for end in ends {
                if end? == Turn::Worked {
                    turn = Turn::Worked;
                }
            }
        }
        Ok(turn)
    }

    /// As they were stored: the node that owns a breaker may be another one.
    async fn breakers(&self) -> Result<BTreeMap<DestinationName, State>, Fault> {
        let stored = self.ledger.breakers().await?;
        Ok(stored.into_iter().filter_map(|(name, text)| Some((name, serde_json::from_str(&text).ok()?))).collect())
    }

    async fn expire(
        &self,
        delivery: &Delivery,
        breakers: &BTreeMap<DestinationName, State>,
        now: Timestamp,
    ) -> Result<Turn, Fault> {
        let kept = self.book.kept(delivery.policy).await?;
        let after = decide::expired(kept.as_deref(), delivery, &self.obstacle(delivery, breakers));
        match self.ledger.commit(decide::expire(delivery, now, after)).await {
            Ok(_) => Ok(Turn::Worked),
            Err(fault) if fault.kind == FaultKind::Conflict => Ok(Turn::Idle),
            Err(fault) => Err(fault),
        }
    }

    /// What it waited for: the farthest cause first, because that is what a person can do something about.
    fn obstacle(&self, delivery: &Delivery, breakers: &BTreeMap<DestinationName, State>) -> Obstacle {
        let objects = [Object::Flow(delivery.flow.clone()), Object::Destination(delivery.destination.clone())];
        for object in objects.map(|object| object.to_string()) {
            if let Some(switch) = self.board.switches.paused(&object) {
                return Obstacle::Paused { object, switch };
            }
        }
        let present = self.book.current();
        if let Some(secret) = present.destinations.get(&delivery.destination).and_then(|to| self.board.lacking(to)) {
            return Obstacle::Secret(secret);
        }
        match breakers.get(&delivery.destination) {
            Some(State::Open { since, .. } | State::HalfOpen { since, .. }) => Obstacle::Breaker { since: *since },
            Some(State::Closed) | None if delivery.behind => Obstacle::Lane,
            Some(State::Closed) | None => Obstacle::Turn,
        }
    }
}
