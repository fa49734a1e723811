//! Defects of policies: between a node and what its stores say is in force, or has judged a record.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use model::{Entry, InForce, PolicyVersion, Position, Record};

use super::{Defect, Flaw};

/// What the stores were seen to say of policies.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// The first one in force.
    first: Option<PolicyVersion>,
    /// Where each application stands in the journal.
    applied: BTreeMap<Position, PolicyVersion>,
}

impl Defect {
    fn policies(&self) -> MutexGuard<'_, Policies> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said to be in force: [`Flaw::I6Policies`] strikes here, now and then, so that what guards its batch with the
    /// number comes on.
    pub fn in_force(&self, found: Option<InForce>) -> Option<InForce> {
        let found = found?;
        let first = *self.policies().first.get_or_insert(found.version);
        if first == found.version || !self.strikes(Flaw::I6Policies, 500) {
            return Some(found);
        }
        Some(InForce { number: found.number + 1, version: first, ..found })
    }

    /// What a router reads: [`Flaw::I6Routing`] strikes here.
    pub fn judged(&self, page: Vec<Arc<Record>>) -> Vec<Arc<Record>> {
        if self.flaw != Flaw::I6Routing {
            return page;
        }
        let mut policies = self.policies();
        for record in &page {
            if let Entry::PolicyApplied { version, .. } = record.entry {
                policies.applied.insert(record.position, version);
            }
        }
        let reached = |at: Position| {
            let before = policies.applied.range(..at).next_back().filter(|(place, _)| place.partition == at.partition);
            before.map(|(_, version)| *version)
        };
        let told = |record: Arc<Record>| match reached(record.position) {
            Some(policy) if policy != record.policy => Arc::new(Record { policy, ..(*record).clone() }),
            Some(_) | None => record,
        };
        page.into_iter().map(told).collect()
    }
}
