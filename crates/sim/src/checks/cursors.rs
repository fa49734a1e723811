//! I6: a cursor never moves back and is never ahead of its effects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::limit::READ_RECORDS_MAX;
use model::{Batch, Bucket, Entry, EventId, Fault, Guard, Offset, Partition, PolicyVersion, Position, Record, ReplayId};
use uuid::Uuid;

use crate::oracle::{Stores, Work};
use crate::project::{Project, selected};

/// The cursors that a batch moves stand where it says, and do not go back.
pub fn i6_cursors_never_go_back(work: &Work, batch: &Batch) -> Vec<String> {
    let mut broken = Vec::new();
    for guard in &batch.guards {
        let Guard::Cursor { consumer, partition, from, to } = guard else { continue };
        let stood = work.cursors.get(&(consumer.as_str().to_owned(), *partition)).copied().unwrap_or_default();
        if stood != *from || to < from {
            broken.push(format!(
                "the cursor of {consumer} in partition {} went from {} to {}, it stood at {}",
                partition.0, from.0, to.0, stood.0
            ));
        }
    }
    broken
}

/// What a routed record has to lead to.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which event.
    pub event: EventId,
    /// Which replay, if it is one.
    pub replay: Option<ReplayId>,
    /// In which flows it must have a delivery.
    pub flows: Vec<String>,
    /// The record.
    pub at: Position,
}

impl Due {
    /// Whether a delivery of this event in this flow is due here.
    pub fn covers(&self, event: EventId, replay: Option<ReplayId>, flow: &str) -> bool {
        self.event == event && self.replay == replay && self.flows.iter().any(|name| name == flow)
    }
}

/// How far the records that the router has passed were looked at, and what all of them lead to.
#[derive(Debug)]
pub struct Passed {
    projects: BTreeMap<PolicyVersion, Arc<Project>>,
    to: BTreeMap<Partition, Offset>,
    emitted: BTreeSet<Uuid>,
    /// What is due.
    pub due: Vec<Due>,
    /// How many events no flow of the project that judged them takes.
    nowhere: u64,
}

impl Passed {
    /// Nothing.
    pub fn new(projects: BTreeMap<PolicyVersion, Arc<Project>>) -> Self {
        Self { projects, to: BTreeMap::new(), emitted: BTreeSet::new(), due: Vec::new(), nowhere: 0 }
    }

    /// What a record leads to under the project that judged it, computed without the product: its sender and its owner saw that
    /// project in force, whatever was applied between the 202 and the router. `None` where that is nothing, or was told before.
    async fn due_of(&mut self, stores: &Stores, record: &Record) -> Result<Option<Due>, Fault> {
        if record.emitted.is_some_and(|id| !self.emitted.insert(id)) {
            return Ok(None);
        }
        let at = record.position;
        let referred = match record.entry.refers_to() {
            Some(position) => stores.get(position).await?,
            None => None,
        };
        let Some(project) = self.projects.get(&record.policy) else { return Ok(None) };
        let names = |event| -> Vec<String> { selected(project, event).map(|flow| flow.name.clone()).collect() };
        Ok(match &record.entry {
            Entry::Admitted(event) | Entry::Resubmitted { event, .. } => {
                let flows = names(event);
                self.nowhere += u64::from(flows.is_empty());
                Some(Due { event: event.id, replay: None, flows, at })
            }
            Entry::Released { of, .. } => {
                let event = referred.as_ref().and_then(|record| record.entry.event());
                event.map(|event| Due { event: *of, replay: None, flows: names(event), at })
            }
            Entry::Replayed { of, replay, flows, .. } => {
                let flows = flows.iter().map(ToString::to_string).collect();
                Some(Due { event: *of, replay: Some(*replay), flows, at })
            }
            Entry::PolicyApplied { .. } | Entry::Quarantined { .. } => None,
        })
    }
}

/// A node on which a policy was applied never goes back to one before it, however far its routers are. `nodes` are their
/// names, the last application that each answered as done, and the policy that it judges by.
pub fn i6_policies_never_go_back(work: &Work, nodes: &[(String, u64, PolicyVersion)]) -> Vec<String> {
    let later = |number: u64, version: PolicyVersion| {
        work.applications.iter().any(|applied| applied.number >= number && applied.version == version)
    };
    let back = nodes.iter().filter(|(_, number, version)| *number > 0 && !later(*number, *version));
    back.map(|(node, number, version)| {
        format!("{node} has applied policy number {number} and judges by {} again", version.short())
    })
    .collect()
}

/// Every record at or below the router's cursor has its effects in the ledger: deliveries, a quarantine row, or that it is
/// counted as selected by no flow.
pub async fn i6_cursors_follow_their_effects(stores: &Stores, passed: &mut Passed) -> Result<Vec<String>, Fault> {
    let mut broken = Vec::new();
    let account = stores.ledger.account().await?;
    for (partition, cursor) in account.routed_to {
        let mut after = passed.to.get(&partition).copied().unwrap_or_default();
        while after < cursor {
            let records = stores.read(partition, after, READ_RECORDS_MAX).await?;
            let Some(last) = records.last() else { break };
            after = last.position.offset;
            for record in records.iter().filter(|record| record.position.offset <= cursor) {
                broken.extend(effects_missing(stores, passed, record).await?);
            }
        }
        passed.to.insert(partition, cursor);
    }
    let told: u64 = account.tallies.iter().map(|tally| tally.get(Bucket::Unselected)).sum();
    if told != passed.nowhere {
        broken.push(format!("{told} events are told as selected by no flow, and it is {}", passed.nowhere));
    }
    Ok(broken)
}

async fn effects_missing(stores: &Stores, passed: &mut Passed, record: &Record) -> Result<Vec<String>, Fault> {
    let at = record.position;
    if let Entry::Quarantined { event, .. } = &record.entry {
        let row = stores.quarantined(event.id).await?;
        return Ok(row
            .is_none()
            .then(|| format!("the router has passed {at}, and {} is not in quarantine", event.id))
            .into_iter()
            .collect());
    }
    let Some(due) = passed.due_of(stores, record).await? else { return Ok(Vec::new()) };
    let story = stores.event_story(due.event).await?;
    let has = |flow: &&String| {
        story
            .deliveries
            .iter()
            .any(|told| told.delivery.flow.as_str() == flow.as_str() && told.delivery.replay == due.replay)
    };
    let missing = due.flows.iter().filter(|flow| !has(flow));
    let broken =
        missing.map(|flow| format!("the router has passed {at}, and {} has no delivery in {flow}", due.event)).collect();
    passed.due.push(due);
    Ok(broken)
}
