//! What a record leads to, decided from the record and the policy alone. The same record under the same policy always
//! leads to the same changes with the same ids, so that routing it twice changes nothing (I4).

use std::sync::Arc;

use model::account::Bucket;
use model::delivery::CAUSE_UNDECIDED;
use model::outcome::Lack;
use model::quarantine::QuarantineState;
use model::{
    Batch, Change, Consumer, Delivery, DeliveryId, DeliveryState, Entry, Event, EventId, Guard, LaneKey, Offset, Origin,
    Outcome, Owner, Partition, PolicyVersion, Position, QuarantineRow, Record, ReplayId,
};
use policy::Policy;
use policy::compiled::Flow;
use policy::expression::{EventView, NoAnswer};

use crate::rules::{lane, replayed, schedule};

/// A record with the record that holds its bytes, when that is another one.
#[derive(Clone, Debug)]
pub struct Routable {
    /// The record.
    pub record: Arc<Record>,
    /// What it refers to; `None` also where retention has removed it.
    pub referred: Option<Arc<Record>>,
    /// Where the state of its event ranks.
    pub ranks_at: Position,
    /// The policy that was in force when it was emitted, where it names a flow that the present one does not have: a
    /// replay that a person ordered is not lost by a change in between (I2).
    pub ordered_under: Option<Arc<Policy>>,
}

/// What a run of records leads to.
#[derive(Debug, Default)]
pub struct Routed {
    /// New deliveries in the order of the journal, each with the record that holds its bytes; a held one may have none.
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
            deliver_selected(policy, (routable, record), event, routed);
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
                later: None,
            })));
        }
        Entry::Released { .. } => {
            if let Some((bytes, event)) = referred(routable) {
                deliver_selected(policy, (routable, bytes), event, routed);
            }
        }
        Entry::Replayed { of, at, replay, flows, .. } => {
            let policies = [Some(policy), routable.ordered_under.as_deref()];
            let flows = flows.iter().filter_map(|name| {
                policies.into_iter().flatten().find_map(|policy| Some((policy, &**policy.flows.get(name)?)))
            });
            match referred(routable) {
                Some((bytes, event)) => deliver_again(flows, (routable, bytes), (event, *replay), routed),
                None => hold_without_bytes(flows, (record, *at), (*of, *replay), routed),
            }
        }
        Entry::PolicyApplied { version, .. } => routed.policy = Some(*version),
    }
}

/// Who answers for what came in by a source that the policy does not have any more.
fn nobody_else() -> Owner {
    Owner::new("administrator").expect("a literal name")
}

/// What a record speaks of. The bytes of a released event cannot be gone: they are needed while it is open, and then until
/// the router has seen the release. Those of a replayed one can, because nothing needed them before the order.
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

fn deliver_selected(policy: &Policy, (routable, bytes): (&Routable, &Arc<Record>), event: &Event, routed: &mut Routed) {
    let view = EventView::new(event);
    for flow in policy.selected(event) {
        let place = match flow.filter.as_ref().map(|filter| filter.eval_bool(&view)) {
            Some(Ok(false)) => continue,
            Some(Err(no_answer)) => Err(undecided("filter", flow, &no_answer)),
            Some(Ok(true)) | None => place(flow, event, &view),
        };
        let id = replayed::first_delivery(event.id, &flow.name);
        let way = Way { policy, flow, id, origin: event.origin, replay: None, ordering: event.ordering.as_deref() };
        let delivery = delivery(way, (&routable.record, bytes.position, routable.ranks_at), event.id, place);
        routed.deliveries.push((delivery, Arc::clone(bytes)));
    }
}

/// The order froze the flows: what they select was asked then.
fn deliver_again<'p>(
    flows: impl Iterator<Item = (&'p Policy, &'p Flow)>,
    (routable, bytes): (&Routable, &Arc<Record>),
    (event, replay): (&Event, ReplayId),
    routed: &mut Routed,
) {
    let view = EventView::new(event);
    for (policy, flow) in flows {
        let way = Way { ordering: event.ordering.as_deref(), ..Way::of_replay((policy, flow), event.id, replay) };
        let places = (&*routable.record, bytes.position, routable.ranks_at);
        let delivery = delivery(way, places, event.id, place(flow, event, &view));
        routed.deliveries.push((delivery, Arc::clone(bytes)));
    }
}

/// Retention was faster than the order: the deliveries are made all the same, for a person, so that each member of the
/// replay comes to something.
fn hold_without_bytes<'p>(
    flows: impl Iterator<Item = (&'p Policy, &'p Flow)>,
    (record, at): (&Arc<Record>, Position),
    (event, replay): (EventId, ReplayId),
    routed: &mut Routed,
) {
    for (policy, flow) in flows {
        let outcome = Outcome::Unsent { lack: Lack::Event, why: String::new() };
        let why = "retention had removed its bytes before the replay reached it".to_owned();
        let way = Way::of_replay((policy, flow), event, replay);
        let delivery = delivery(way, (record, at, at), event, Err(Unplaced { cause: outcome.cause(), why }));
        routed.deliveries.push((delivery, Arc::clone(record)));
    }
}

/// By which flow a delivery is made, and as which.
#[derive(Clone, Copy)]
struct Way<'p> {
    policy: &'p Policy,
    flow: &'p Flow,
    id: DeliveryId,
    origin: Origin,
    replay: Option<ReplayId>,
    /// The event's ordering key.
    ordering: Option<&'p str>,
}

impl<'p> Way<'p> {
    fn of_replay((policy, flow): (&'p Policy, &'p Flow), event: EventId, replay: ReplayId) -> Self {
        let id = replayed::delivery(event, replay, &flow.name);
        Self { policy, flow, id, origin: Origin::Replay, replay: Some(replay), ordering: None }
    }
}

/// Why a delivery cannot be given its place, and is held for the flow's owner: nothing that was admitted is passed over in
/// silence (I2), and nothing goes where it may overtake (I5).
struct Unplaced {
    cause: String,
    why: String,
}

type Place = Result<Option<LaneKey>, Unplaced>;

fn delivery(
    way: Way<'_>,
    (record, bytes_at, ranks_at): (&Record, Position, Position),
    event: EventId,
    place: Place,
) -> Delivery {
    let Way { policy, flow, id, origin, replay, ordering } = way;
    let (state, lane, cause, why) = match place {
        Ok(lane) => (DeliveryState::Waiting { due: record.at }, lane, String::new(), String::new()),
        Err(Unplaced { cause, why }) => (DeliveryState::Held { for_whom: flow.owner.clone() }, None, cause, why),
    };
    let retry = policy.retries.get(&flow.retry);
    Delivery {
        id,
        event,
        position: record.position,
        bytes_at,
        ranks_at,
        flow: flow.name.clone(),
        destination: flow.destination.clone(),
        ordering: ordering.map(LaneKey::new),
        lane,
        on_dead: flow.on_dead,
        policy: policy.version,
        origin,
        replay,
        owner: flow.owner.clone(),
        created_at: record.at,
        state,
        attempts: 0,
        round_base: 0,
        round_at: record.at,
        deadline: retry.and_then(|retry| schedule::deadline(retry, flow.deadline, record.at)),
        epoch: 0,
        lease: None,
        behind: false,
        output: None,
        why,
        cause,
        version: 1,
    }
}

fn place(flow: &Flow, event: &Event, view: &EventView<'_>) -> Place {
    lane::of(flow, event, view).map_err(|no_answer| undecided("lane", flow, &no_answer))
}

fn undecided(what: &str, flow: &Flow, no_answer: &NoAnswer) -> Unplaced {
    let why = format!("the {what} of the flow {} has no answer for this event: {no_answer}", flow.name);
    Unplaced { cause: CAUSE_UNDECIDED.to_owned(), why }
}

#[cfg(test)]
mod tests;
