//! The sweep: attempts that a life left open when it ended are settled as unknown, so that nothing stays "being sent"
//! for ever. Runs at the start and on a period.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use model::limit::{CLAIM_MAX, LEASE};
use model::{AttemptResult, Delivery, Fault, FaultKind, NodeName, Outcome, Timestamp};

use super::decide;
use crate::book::Book;
use crate::drive::Turn;
use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Journal, Ledger, Life};
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
    /// Settles what ended lives left open, at most a claim's worth.
    ///
    /// The ledger names suspects by its stored times, which a clock that jumped may have made look old; a suspect's node
    /// is asked after before anything is settled.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let now = self.clock.now();
        let suspects = self.ledger.orphans(now - LEASE, CLAIM_MAX).await?;
        let lives = self.lives(&suspects).await?;
        let is_over = |delivery: &&Delivery| {
            delivery.lease.as_ref().is_some_and(|lease| match lives.get(&lease.node) {
                Some(Some(life)) => life.incarnation > lease.incarnation || self.pulse.is_gone(&lease.node),
                Some(None) | None => true,
            })
        };
        // Together, so that after a crash all of them are decided in a few commits and not in one each.
        let settled = join_all(suspects.iter().filter(is_over).map(|delivery| self.settle(delivery, now))).await;
        let turn = if settled.is_empty() { Turn::Idle } else { Turn::Worked };
        settled.into_iter().collect::<Result<(), Fault>>().map(|()| turn)
    }

    async fn lives(&mut self, suspects: &[Delivery]) -> Result<BTreeMap<NodeName, Option<Life>>, Fault> {
        let mut lives = BTreeMap::new();
        for lease in suspects.iter().filter_map(|delivery| delivery.lease.as_ref()) {
            if !lives.contains_key(&lease.node) {
                lives.insert(lease.node.clone(), self.ledger.life(&lease.node).await?);
            }
        }
        self.pulse.look(lives.iter().filter_map(|(node, life)| Some((node.clone(), life.as_ref()?.seen_at))));
        Ok(lives)
    }

    async fn settle(&self, delivery: &Delivery, now: Timestamp) -> Result<(), Fault> {
        let kept = self.book.at(delivery.policy).await?;
        let present = self.book.current();
        let result = AttemptResult {
            ended_at: now,
            outcome: Outcome::Unknown,
            output: None,
            response: Vec::new(),
            response_cut: false,
        };
        let after = decide::judge(&kept, &present, delivery, &result, 0);
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
        self.facts.emit(&Fact::AttemptEnded { delivery, chain, cause: &cause, state, started: None, ended });
    }
}
