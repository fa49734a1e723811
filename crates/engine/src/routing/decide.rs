//! What a record leads to, decided from the record and the policy alone. The same record under the same policy always
//! leads to the same changes with the same ids, so that routing it twice changes nothing (I4).

use std::sync::Arc;

use model::account::Bucket;
use model::quarantine::QuarantineState;
use model::{
    Batch, Change, Consumer, Delivery, DeliveryId, DeliveryState, Entry, Event, Guard, LaneKey, Offset, Origin, Owner,
    Partition, PolicyVersion, QuarantineRow, Record, ReplayId,
};
use policy::Policy;
use policy::compiled::{Flow, Lane};
use policy::expression::EventView;

use crate::rules::{replayed, schedule};

/// A record with the record that holds its bytes, when that is another one.
#[derive(Clone, Debug)]
pub struct Routable {
    /// The record.
    pub record: Arc<Record>,
    /// What it refers to; `None` also where retention has removed it.
    pub referred: Option<Arc<Record>>,
    /// The policy that was in force when it was emitted, where it names a flow that the present one does not have: a
    /// replay that a person ordered is not lost by a change in between (I2).
    pub ordered_under: Option<Arc<Policy>>,
}

/// What a run of records leads to.
#[derive(Debug, Default)]
pub struct Routed {
    /// New deliveries in the order of the journal, each with the record that holds its bytes.
    pub deliveries: Vec<(Delivery, Arc<Record>)>,
    /// Everything else.
    pub changes: Vec<Change>,
    /// The last record that was taken into account.
    pub to: Offset,
    /// Records that were passed.
    pub records: usize,
    /// The policy that holds after the last one, when it changed.
    pub policy: Option<PolicyVersion>,
}

/// Routes records of one partition, in order, up to and including the first that changes the policy.
///
/// `seen` tells whether an emitted record was taken into account before: a repeat is passed over.
pub fn route(policy: &Policy, records: &[Routable], seen: &[uuid::Uuid]) -> Routed {
    let mut routed = Routed::default();
    let mut counts = [0_u64; 3];
    for routable in records {
        let record = &routable.record;
        routed.to = record.position.offset;
        routed.records += 1;
        if let Some(origin) = record.entry.accepted().filter(|_| counts_as_routed(&record.entry)) {
            counts[origin.index()] += 1;
        }
        if let Some(id) = record.emitted {
            if seen.contains(&id)
                || routed.changes.iter().any(|change| matches!(change, Change::See { id: other } if *other == id))
            {
                continue;
            }
            routed.changes.push(Change::See { id });
        }
        route_one(policy, routable, &mut routed);
        if routed.policy.is_some() {
            break;
        }
    }
    for (origin, entries) in Origin::ALL.into_iter().zip(counts).filter(|(_, entries)| *entries > 0) {
        routed.changes.push(Change::Count { bucket: Bucket::Routed, origin, entries });
    }
    routed
}

/// The batch for what was routed; deliveries come with the claims that were decided elsewhere.
pub fn batch(routed: Routed, consumer: &Consumer, partition: Partition, from: Offset) -> Batch {
    let cursor = Guard::Cursor { consumer: consumer.clone(), partition, from, to: routed.to };
    let mut batch = Batch { guards: vec![cursor], changes: routed.changes };
    if let Some(version) = routed.policy {
        batch.changes.push(Change::PartitionPolicy { partition, version });
    }
    batch
}

/// Quarantined entries move into their own bucket with their row; what else is accepted is routed when it is passed.
const fn counts_as_routed(entry: &Entry) -> bool {
    match entry {
        Entry::Admitted(_) | Entry::Resubmitted { .. } | Entry::Replayed { .. } => true,
        Entry::Quarantined { .. } | Entry::Released { .. } | Entry::PolicyApplied { .. } => false,
    }
}

fn route_one(policy: &Policy, routable: &Routable, routed: &mut Routed) {
    let record = &routable.record;
    match &record.entry {
        Entry::Admitted(event) | Entry::Resubmitted { event, .. } => {
            index(record, event, routed);
            deliver_selected(policy, record, record, event, routed);
        }
        Entry::Quarantined { event, reasons } => {
            index(record, event, routed);
            let owner = policy.sources.get(&event.source).map(|source| source.owner.clone());
            routed.changes.push(Change::Quarantine(Box::new(QuarantineRow {
                event: event.id,
                position: record.position,
                source: event.source.clone(),
                kind: event.kind.clone(),
                origin: event.origin,
                owner: owner.unwrap_or_else(nobody_else),
                at: record.at,
                reasons: reasons.clone(),
                state: QuarantineState::Open,
                revision: 0,
                version: 1,
            })));
        }
        Entry::Released { .. } => {
            if let Some((bytes, event)) = referred(routable) {
                deliver_selected(policy, record, bytes, event, routed);
            }
        }
        Entry::Replayed { replay, flows, .. } => {
            if let Some((bytes, event)) = referred(routable) {
                let policies = [Some(policy), routable.ordered_under.as_deref()];
                let flows = flows.iter().filter_map(|name| {
                    policies.into_iter().flatten().find_map(|policy| Some((policy, policy.flows.get(name)?)))
                });
                deliver_again(flows, (record, bytes), (event, *replay), routed);
            }
        }
        Entry::PolicyApplied { version, .. } => routed.policy = Some(*version),
    }
}

/// Who answers for what came in by a source that the policy does not have any more.
fn nobody_else() -> Owner {
    Owner::new("administrator").expect("a literal name")
}

fn referred(routable: &Routable) -> Option<(&Arc<Record>, &Event)> {
    let bytes = routable.referred.as_ref()?;
    Some((bytes, bytes.entry.event()?))
}

fn index(record: &Record, event: &Event, routed: &mut Routed) {
    let mut words: Vec<String> = event.identifiers.iter().map(|identifier| identifier.value.clone()).collect();
    if event.correlation != event.id.to_string() {
        words.push(event.correlation.clone());
    }
    words.sort_unstable();
    words.dedup();
    if !words.is_empty() {
        routed.changes.push(Change::Index { event: event.id, at: record.position, words });
    }
}

fn deliver_selected(policy: &Policy, record: &Arc<Record>, bytes: &Arc<Record>, event: &Event, routed: &mut Routed) {
    let view = EventView::new(event);
    for flow in policy.selected(event) {
        if flow.filter.as_ref().is_none_or(|filter| filter.eval_bool(&view)) {
            let id = replayed::first_delivery(event.id, &flow.name);
            let delivery = delivery((policy, flow), (record, bytes), (event, &view), (id, event.origin, None));
            routed.deliveries.push((delivery, Arc::clone(bytes)));
        }
    }
}

fn deliver_again<'p>(
    flows: impl Iterator<Item = (&'p Policy, &'p Arc<Flow>)>,
    (record, bytes): (&Arc<Record>, &Arc<Record>),
    (event, replay): (&Event, ReplayId),
    routed: &mut Routed,
) {
    let view = EventView::new(event);
    for (policy, flow) in flows {
        let id = replayed::delivery(event.id, replay, &flow.name);
        let delivery = delivery((policy, flow), (record, bytes), (event, &view), (id, Origin::Replay, Some(replay)));
        routed.deliveries.push((delivery, Arc::clone(bytes)));
    }
}

fn delivery(
    (policy, flow): (&Policy, &Flow),
    (record, bytes): (&Record, &Record),
    (event, view): (&Event, &EventView<'_>),
    (id, origin, replay): (DeliveryId, Origin, Option<ReplayId>),
) -> Delivery {
    Delivery {
        id,
        event: event.id,
        position: record.position,
        bytes_at: bytes.position,
        flow: flow.name.clone(),
        destination: flow.destination.clone(),
        lane: lane(flow, event, view),
        on_dead: flow.on_dead,
        policy: policy.version,
        origin,
        replay,
        owner: flow.owner.clone(),
        created_at: record.at,
        state: DeliveryState::Waiting { due: record.at },
        attempts: 0,
        round_base: 0,
        round_at: record.at,
        deadline: policy.retries.get(&flow.retry).and_then(|retry| schedule::deadline(retry, flow.deadline, record.at)),
        epoch: 0,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 1,
    }
}

fn lane(flow: &Flow, event: &Event, view: &EventView<'_>) -> Option<LaneKey> {
    match &flow.lane {
        Lane::Unordered => None,
        Lane::Ordering => event.ordering.as_deref().map(LaneKey::new),
        Lane::By(key) => key.eval_text(view).as_deref().map(LaneKey::new),
    }
}
