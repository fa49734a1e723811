//! The loop of this room: what waits by a flow, or for a destination, that the policy in force does not have is held with that
//! reason, so that nothing waits for ever, whatever happened between a change and its holds. What is routed later the router
//! holds itself. It never holds what a person has asked for since.

use std::sync::Arc;

use model::limit::CLAIM_MAX;
use model::{Fault, FaultKind, InForce, Principal};
use policy::Policy;

use super::decide::{self, Left};
use crate::book::Book;
use crate::drive::Turn;
use crate::observe::Facts;
use crate::ports::{Clock, Ledger, LeftQuery};
use crate::rules::names::Object;

/// The loop that holds what a removal left behind.
#[derive(Debug)]
pub struct Leavings {
    /// Where deliveries wait.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// The application that has left nothing any more; 0 while that is not known. Nothing new comes to wait by what is
    /// removed, so it is asked for until then, and again after the next one.
    pub done: u64,
}

impl Leavings {
    /// Holds what waits for nobody, at most a claim's worth. What is being attempted is looked at again when it has ended.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let Some(last) = self.ledger.in_force().await?.filter(|last| last.number != self.done) else {
            return Ok(Turn::Idle);
        };
        let Some(policy) = self.book.kept(last.version).await? else { return Ok(Turn::Idle) };
        let left = self.ledger.left_waiting(left_by(&policy, &last)).await?;
        self.facts.tell_unreadable(None, &left.unreadable);
        if left.rows.is_empty() {
            self.done = last.number;
        }
        let mut turn = Turn::Idle;
        for delivery in left.rows {
            let Some(gone) = Object::gone((&delivery.flow, &delivery.destination), &policy) else { continue };
            let by = (&Principal::product(), self.clock.now());
            let Left::Hold(batch) = decide::hold(&delivery, &gone, last.number, by) else { continue };
            match self.ledger.commit(batch).await {
                Ok(_) => turn = Turn::Worked,
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(turn)
    }
}

/// A person may send by the flow that was removed, once it is held: that round begins later than the application that removed it,
/// whatever was applied since.
fn left_by(policy: &Policy, last: &InForce) -> LeftQuery {
    LeftQuery {
        flows: policy.flows.keys().cloned().collect(),
        destinations: policy.destinations.keys().cloned().collect(),
        gone: last.gone.clone(),
        until: last.at,
        limit: CLAIM_MAX,
    }
}
