//! The sweep: attempts that a life left open when it ended are settled as unknown, so that nothing stays "being sent"
//! for ever. Runs at the start and on a period.

use std::sync::Arc;

use model::limit::{CLAIM_MAX, LEASE};
use model::{AttemptResult, Fault, FaultKind, Outcome};

use super::decide;
use crate::book::Book;
use crate::drive::Turn;
use crate::ports::{Clock, Ledger};

/// The sweep of a node.
#[derive(Debug)]
pub struct Sweep {
    /// Where leases are.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Sweep {
    /// Settles what ended lives left open, at most a claim's worth.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let now = self.clock.now();
        let orphans = self.ledger.orphans(now - LEASE, CLAIM_MAX).await?;
        let found = !orphans.is_empty();
        for delivery in orphans {
            let kept = self.book.at(delivery.policy).await?;
            let present = self.book.current();
            let result = AttemptResult {
                ended_at: now,
                outcome: Outcome::Unknown,
                output: None,
                response: Vec::new(),
                response_cut: false,
            };
            let after = decide::judge(&kept, &present, &delivery, &result, 0);
            match self.ledger.commit(decide::settle(&delivery, delivery.epoch, result, after)).await {
                Ok(_) => {}
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(if found { Turn::Worked } else { Turn::Idle })
    }
}
