//! The loop of this room: what still waits for a destination that no policy in force has any more is held, so that
//! nothing waits for ever, whatever happened between a change and its holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::limit::CLAIM_MAX;
use model::{DestinationName, Fault, FaultKind, Principal, Timestamp};

use super::decide::{self, Left};
use crate::book::Book;
use crate::drive::Turn;
use crate::ports::{Clock, DueQuery, Journal, Ledger};
use crate::rules::names::Object;

/// The loop that holds what a removed destination left behind.
#[derive(Debug)]
pub struct Leavings {
    /// Whose partitions have a policy each.
    pub journal: Arc<dyn Journal>,
    /// Where deliveries wait.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Leavings {
    /// Holds what waits for nobody, at most a claim's worth for each destination.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let mut turn = Turn::Idle;
        let waiting = self.ledger.agenda().await?;
        let present = self.book.current();
        let missing = |name: &DestinationName| !present.destinations.contains_key(name);
        let suspects: Vec<DestinationName> = waiting.into_iter().map(|(name, _)| name).filter(missing).collect();
        if suspects.is_empty() {
            return Ok(turn);
        }
        let known = self.destinations_of_routers().await?;
        for name in suspects.into_iter().filter(|name| !known.contains(name)) {
            if self.hold_ready(&name).await? {
                turn = Turn::Worked;
            }
        }
        Ok(turn)
    }

    /// A router that has not reached the removal yet still counts: its policy has the destination.
    async fn destinations_of_routers(&self) -> Result<BTreeSet<DestinationName>, Fault> {
        let mut known = BTreeSet::new();
        for partition in self.journal.partitions() {
            if let Some(version) = self.ledger.partition_policy(partition).await? {
                let kept = self.book.kept(version).await?;
                known.extend(kept.iter().flat_map(|policy| policy.destinations.keys().cloned()));
            }
        }
        Ok(known)
    }

    async fn hold_ready(&self, name: &DestinationName) -> Result<bool, Fault> {
        let removed = Object::Destination(name.clone());
        let query = DueQuery {
            destination: name.clone(),
            now: Timestamp::NEVER,
            all: CLAIM_MAX,
            repeats: CLAIM_MAX,
            without: BTreeSet::new(),
        };
        let mut held = false;
        for delivery in self.ledger.due(query).await?.rows {
            let Left::Hold(batch) = decide::hold(&delivery, &removed, (&Principal::product(), self.clock.now())) else {
                continue;
            };
            match self.ledger.commit(batch).await {
                Ok(_) => held = true,
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(held)
    }
}
