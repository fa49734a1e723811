//! What became of newer events of the same keys: the journal is read from the oldest candidate on, and each newer event's
//! delivery is looked up in the ledger.

use std::collections::{BTreeMap, BTreeSet};

use model::account::ROUTER;
use model::limit::READ_RECORDS_MAX;
use model::{Consumer, DeliveryState, Entry, Event, Fault, FlowName, Offset, Partition, Position};

use super::decide::{Candidate, Newer};
use super::gather::Gather;
use crate::rules::replayed;

/// The newest event of each flow and key that was delivered or is on its way.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    by_key: BTreeMap<(FlowName, String), (Position, Newer)>,
}

impl Newest {
    /// What became of an event of the candidate's flow and key that is newer than it.
    pub fn than(&self, candidate: &Candidate) -> Option<Newer> {
        let key = (candidate.flow.clone(), candidate.key.clone()?);
        let (at, newer) = self.by_key.get(&key)?;
        (at.partition == candidate.at.partition && at.offset > candidate.at.offset).then_some(*newer)
    }
}

/// Which flows of a key are asked about.
type Keys = BTreeMap<String, BTreeSet<FlowName>>;

/// Looks up what is newer than the candidates.
pub async fn newest(gather: &Gather, candidates: &[Candidate]) -> Result<Newest, Fault> {
    let mut keys = Keys::new();
    let mut from: BTreeMap<Partition, Offset> = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.reason.is_none()) {
        let Some(key) = &candidate.key else { continue };
        keys.entry(key.clone()).or_default().insert(candidate.flow.clone());
        let first = from.entry(candidate.at.partition).or_insert(candidate.at.offset);
        *first = (*first).min(candidate.at.offset);
    }
    let mut newest = Newest::default();
    for (partition, after) in from {
        scan(gather, (partition, after), &keys, &mut newest).await?;
    }
    Ok(newest)
}

async fn scan(gather: &Gather, from: (Partition, Offset), keys: &Keys, newest: &mut Newest) -> Result<(), Fault> {
    let (partition, mut after) = from;
    let head = gather.journal.head(partition).await?;
    let router = Consumer::new(ROUTER).expect("a literal name");
    let routed = gather.ledger.cursor(&router, partition).await?;
    while after < head {
        let records = gather.journal.read(partition, after, READ_RECORDS_MAX).await?;
        let Some(last) = records.last() else { break };
        after = last.position.offset;
        for record in &records {
            let (Entry::Admitted(event) | Entry::Resubmitted { event, .. }) = &record.entry else {
                continue;
            };
            let Some(flows) = event.ordering.as_ref().and_then(|key| keys.get(key)) else {
                continue;
            };
            let routing = if record.position.offset > routed { Routing::Ahead } else { Routing::Passed };
            for flow in flows {
                if let Some(newer) = standing(gather, (event, flow), routing).await? {
                    let key = (flow.clone(), event.ordering.clone().unwrap_or_default());
                    newest.by_key.insert(key, (record.position, newer));
                }
            }
        }
    }
    Ok(())
}

async fn standing(gather: &Gather, (event, flow): (&Event, &FlowName), routing: Routing) -> Result<Option<Newer>, Fault> {
    let state = gather.standing(replayed::first_delivery(event.id, flow)).await?;
    let Some(state) = state else {
        let selects = gather.policy.flows.get(flow).is_some_and(|flow| flow.selects(event));
        return Ok((selects && routing == Routing::Ahead).then_some(Newer::UnderWay));
    };
    Ok(match state {
        DeliveryState::Done { .. } => Some(Newer::Delivered),
        DeliveryState::Waiting { .. } | DeliveryState::Superseded { .. } => Some(Newer::UnderWay),
        DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } | DeliveryState::Cancelled { .. } => None,
    })
}

/// Whether the router has passed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Routing {
    /// It will reach it.
    Ahead,
    /// It has: no delivery was made.
    Passed,
}
