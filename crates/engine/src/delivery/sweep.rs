//! The sweep: attempts that a life left open when it ended are settled as unknown, so that nothing stays "being sent"
//! for ever. Runs at the start and on a period.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use model::limit::{CLAIM_MAX, LEASE};
use model::{AttemptResult, Delivery, Fault, FaultKind, NodeName, Outcome, Timestamp};

use super::decide;
use crate::book::Book;
use crate::drive::Turn;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger, Life, Readable};
use crate::rules::pulse::Pulse;
use crate::rules::traced::Chain;

/// The sweep of a node.
#[derive(Debug)]
pub struct Sweep {
    /// Where the events of attempts are.
    pub journal: Arc<dyn Journal>,
    /// Where leases are.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// What was seen of other nodes.
    pub pulse: Pulse,
}

impl Sweep {
    /// Settles what ended lives left open, a claim's worth at a time until there is no more.
    ///
    /// The ledger names suspects by its stored times, which a clock that jumped may have made look old; a suspect's node
    /// is asked after before anything is settled. All nodes are looked at once in a turn.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let (now, mut turn) = (self.clock.now(), Turn::Idle);
        let mut looked: BTreeSet<NodeName> = BTreeSet::new();
        loop {
            let Readable { rows: suspects, unreadable } = self.ledger.orphans(now - LEASE, CLAIM_MAX).await?;
            self.facts.tell_unreadable(None, &unreadable);
            let lives = self.lives(&suspects, &mut looked).await?;
            let is_over = |delivery: &&Delivery| {
                delivery.lease.as_ref().is_some_and(|lease| match lives.get(&lease.node) {
                    Some(Some(life)) => life.incarnation > lease.incarnation || self.pulse.is_gone(&lease.node),
                    Some(None) | None => true,
                })
            };
            // Together, so that after a crash all of them are decided in a few commits and not in one each.
            let settled = join_all(suspects.iter().filter(is_over).map(|delivery| self.settle(delivery, now))).await;
            let is_last = suspects.len() < CLAIM_MAX || settled.is_empty();
            if !settled.is_empty() {
                turn = Turn::Worked;
            }
            settled.into_iter().collect::<Result<(), Fault>>()?;
            if is_last {
                return Ok(turn);
            }
        }
    }

    /// The lives of the suspects' nodes. Those that were not looked at before are.
    async fn lives(
        &mut self,
        suspects: &[Delivery],
        looked: &mut BTreeSet<NodeName>,
    ) -> Result<BTreeMap<NodeName, Option<Life>>, Fault> {
        let mut lives = BTreeMap::new();
        for lease in suspects.iter().filter_map(|delivery| delivery.lease.as_ref()) {
            if !lives.contains_key(&lease.node) {
                lives.insert(lease.node.clone(), self.ledger.life(&lease.node).await?);
            }
        }
        let fresh = lives.iter().filter(|(node, _)| looked.insert((*node).clone()));
        self.pulse.look(fresh.filter_map(|(node, life)| Some((node.clone(), life.as_ref()?.seen_at))));
        Ok(lives)
    }

    async fn settle(&self, delivery: &Delivery, now: Timestamp) -> Result<(), Fault> {
        let kept = self.book.kept(delivery.policy).await?;
        let present = self.book.current();
        let result = AttemptResult {
            ended_at: now,
            outcome: Outcome::Unknown,
            output: None,
            response: Vec::new(),
            response_cut: false,
        };
        let after = decide::judge(kept.as_deref(), &present, delivery, &result, 0);
        let state = after.state.word();
        match self.ledger.commit(decide::settle(delivery, delivery.epoch, result, after)).await {
            Ok(_) => self.tell(delivery, state, now).await,
            Err(fault) if fault.kind == FaultKind::Conflict => {}
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// The hop of the life that ended is told by this one, under the same ids.
    async fn tell(&self, delivery: &Delivery, state: &'static str, ended: Timestamp) {
        let record = self.journal.get(delivery.bytes_at).await.ok().flatten();
        let chain = record.and_then(|record| Chain::of_entry(&record.entry, self.facts.roots()));
        let cause = Outcome::Unknown.cause();
        let (ended, age) = (self.clock.wall(), ended.since(delivery.created_at));
        self.facts.emit(&Fact::AttemptEnded { delivery, chain, cause: &cause, state, took: None, ended, age });
    }
}
