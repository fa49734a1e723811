//! What a record leads to, decided from the record and the policy that it names: the one that judged it selects its flows.
//! The same record always leads to the same deliveries with the same ids, so that routing it twice changes nothing (I4).
//! The policy in force never selects anything here: it only says what has been removed since.

use std::sync::Arc;

use model::delivery::{CAUSE_REMOVED, CAUSE_UNDECIDED};
use model::diagnostic::Place as Where;
use model::outcome::Lack;
use model::quarantine::QuarantineState;
use model::{
    Batch, Bucket, Change, Consumer, Delivery, DeliveryId, DeliveryState, Diagnostic, Entry, Event, EventId, Guard, LaneKey,
    Offset, Origin, Outcome, Owner, Partition, Position, QuarantineRow, Record, ReplayId,
};
use policy::Policy;
use policy::codes;
use policy::compiled::Flow;
use policy::expression::{EventView, NoAnswer};

use crate::rules::names::Object;
use crate::rules::{lane, replayed, schedule};

/// A record with the record that holds its bytes, when that is another one.
#[derive(Clone, Debug)]
pub struct Routable<'p> {
    /// The record.
    pub record: Arc<Record>,
    /// What it refers to; `None` also where retention has removed it.
    pub referred: Option<Arc<Record>>,
    /// The policy that judged it, which it names; `None` where that cannot be read any more.
    pub judged_by: Option<&'p Policy>,
    /// Where the state of its event ranks.
    pub ranks_at: Position,
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
}

/// Where a router stands when it commits: on this cursor, under this application of a policy.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// The partition.
    pub partition: Partition,
    /// The last record that was routed.
    pub offset: Offset,
    /// The number of the application in force.
    pub in_force: u64,
}

/// Routes records of one partition, in order.
///
/// `present` is the policy in force: what a removed flow, or one to a removed destination, selects is held. `seen` tells
/// whether an emitted record was taken into account before: a repeat is passed over.
pub fn route(present: &Policy, records: &[Routable<'_>], seen: &[uuid::Uuid]) -> Routed {
    let mut routed = Routed::default();
    let mut counts = [[0_u64; 2]; 3];
    for routable in records {
        let record = &routable.record;
        routed.to = record.position.offset;
        routed.records += 1;
        let led = match record.emitted {
            Some(id) if is_repeat(id, seen, &routed) => Led::Somewhere,
            emitted => {
                routed.changes.extend(emitted.map(|id| Change::See { id }));
                route_one(present, routable, &mut routed)
            }
        };
        if let (Some(origin), Some(place)) = (record.entry.accepted(), led.counted()) {
            counts[origin.index()][place] += 1;
        }
    }
    for (origin, counted) in Origin::ALL.into_iter().zip(counts) {
        for (bucket, entries) in COUNTED.into_iter().zip(counted).filter(|(_, entries)| *entries > 0) {
            routed.changes.push(Change::Count { bucket, origin, entries });
        }
    }
    routed
}

/// What routing counts by hand.
const COUNTED: [Bucket; 2] = [Bucket::Routed, Bucket::Unselected];

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Led {
    /// Some flow has it.
    Somewhere,
    /// No flow of the policy that judged it selects it.
    Nowhere,
    /// It moves into, or within, the quarantine with its row; or it is no event.
    Beside,
}

impl Led {
    /// The place in [`COUNTED`].
    const fn counted(self) -> Option<usize> {
        match self {
            Self::Somewhere => Some(0),
            Self::Nowhere => Some(1),
            Self::Beside => None,
        }
    }
}

fn is_repeat(id: uuid::Uuid, seen: &[uuid::Uuid], routed: &Routed) -> bool {
    let is_it = |change: &Change| matches!(change, Change::See { id: other } if *other == id);
    seen.contains(&id) || routed.changes.iter().any(is_it)
}

/// The batch for what was routed; deliveries come with the claims that were decided elsewhere.
///
/// INVARIANT: no delivery is made by what was removed without being held. So it is decided on the policy that is in force
/// when the batch is taken: an application in between makes it a conflict, and it is decided anew.
pub fn batch(routed: Routed, consumer: &Consumer, from: From) -> Batch {
    let From { partition, offset, in_force } = from;
    let cursor = Guard::Cursor { consumer: consumer.clone(), partition, from: offset, to: routed.to };
    Batch { guards: vec![cursor, Guard::InForce { number: in_force }], changes: routed.changes }
}

fn route_one(present: &Policy, routable: &Routable<'_>, routed: &mut Routed) -> Led {
    let record = &routable.record;
    let judged_by = routable.judged_by;
    let made = routed.deliveries.len();
    match &record.entry {
        Entry::Admitted(event) | Entry::Resubmitted { event, .. } => {
            index(record, event, routed);
            let Some(policy) = judged_by else {
                keep(present, (record, event), vec![unreadable(record)], routed);
                return Led::Beside;
            };
            deliver_selected(By { policy, present }, (routable, record), event, routed);
        }
        Entry::Quarantined { event, reasons } => {
            index(record, event, routed);
            keep(judged_by.unwrap_or(present), (record, event), reasons.clone(), routed);
            return Led::Beside;
        }
        Entry::Released { .. } => {
            if let Some((bytes, event)) = referred(routable) {
                let by = By { policy: judged_by.unwrap_or(present), present };
                deliver_selected(by, (routable, bytes), event, routed);
            }
            return Led::Beside;
        }
        Entry::Replayed { of, at, replay, flows, .. } => {
            let policies = [judged_by, Some(present)];
            let flows = flows.iter().filter_map(|name| {
                let flow = |policy: &'_ Policy| policy.flows.get(name).map(Arc::clone);
                policies.into_iter().flatten().find_map(|policy| Some((By { policy, present }, flow(policy)?)))
            });
            match referred(routable) {
                Some((bytes, event)) => deliver_again(flows, (routable, bytes), (event, *replay), routed),
                None => hold_without_bytes(flows, (record, *at), (*of, *replay), routed),
            }
            return Led::Somewhere;
        }
        Entry::PolicyApplied { .. } => return Led::Beside,
    }
    if routed.deliveries.len() > made { Led::Somewhere } else { Led::Nowhere }
}

/// Keeps an event for the owner of its source.
fn keep(policy: &Policy, (record, event): (&Record, &Event), reasons: Vec<Diagnostic>, routed: &mut Routed) {
    let owner = policy.sources.get(&event.source).map(|source| source.owner.clone());
    routed.changes.push(Change::Quarantine(Box::new(QuarantineRow {
        event: event.id,
        position: record.position,
        source: event.source.clone(),
        kind: event.kind.clone(),
        origin: event.origin,
        owner: owner.unwrap_or_else(nobody_else),
        at: record.at,
        reasons,
        state: QuarantineState::Open,
        revision: 0,
        version: 1,
        later: None,
    })));
}

/// Why an event that was admitted is kept all the same: nobody can tell any more which flows it was meant for (I2).
fn unreadable(record: &Record) -> Diagnostic {
    let message = format!("the policy {} that judged it cannot be read any more", record.policy.short());
    Diagnostic::error(codes::POLICY_UNREADABLE, Where::Whole, message)
        .help("release it: the policy in force selects its flows then")
}

/// Who answers for what came in by a source that the policy does not have any more.
fn nobody_else() -> Owner {
    Owner::new("administrator").expect("a literal name")
}

/// What a record speaks of. The bytes of a released event cannot be gone: they are needed while it is open, and then until
/// the router has seen the release. Those of a replayed one can, because nothing needed them before the order.
fn referred<'r>(routable: &'r Routable<'_>) -> Option<(&'r Arc<Record>, &'r Event)> {
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

fn deliver_selected(by: By<'_>, (routable, bytes): (&Routable<'_>, &Arc<Record>), event: &Event, routed: &mut Routed) {
    let view = EventView::new(event);
    for flow in by.policy.selected(event) {
        let place = match flow.filter.as_ref().map(|filter| filter.eval_bool(&view)) {
            Some(Ok(false)) => continue,
            Some(Err(no_answer)) => Err(undecided("filter", flow, &no_answer)),
            Some(Ok(true)) | None => place(flow, event, &view),
        };
        let id = replayed::first_delivery(event.id, &flow.name);
        let way = Way { by, flow, id, origin: event.origin, replay: None, ordering: event.ordering.as_deref() };
        let delivery = delivery(way, (&routable.record, bytes.position, routable.ranks_at), event.id, place);
        routed.deliveries.push((delivery, Arc::clone(bytes)));
    }
}

/// The order froze the flows: what they select was asked then.
fn deliver_again<'p>(
    flows: impl Iterator<Item = (By<'p>, Arc<Flow>)>,
    (routable, bytes): (&Routable<'_>, &Arc<Record>),
    (event, replay): (&Event, ReplayId),
    routed: &mut Routed,
) {
    let view = EventView::new(event);
    for (by, flow) in flows {
        let way = Way { ordering: event.ordering.as_deref(), ..Way::of_replay((by, &flow), event.id, replay) };
        let places = (&*routable.record, bytes.position, routable.ranks_at);
        let delivery = delivery(way, places, event.id, place(&flow, event, &view));
        routed.deliveries.push((delivery, Arc::clone(bytes)));
    }
}

/// Retention was faster than the order: the deliveries are made all the same, for a person, so that each member of the
/// replay comes to something.
fn hold_without_bytes<'p>(
    flows: impl Iterator<Item = (By<'p>, Arc<Flow>)>,
    (record, at): (&Arc<Record>, Position),
    (event, replay): (EventId, ReplayId),
    routed: &mut Routed,
) {
    for (by, flow) in flows {
        let outcome = Outcome::Unsent { lack: Lack::Event, why: String::new() };
        let why = "retention had removed its bytes before the replay reached it".to_owned();
        let way = Way::of_replay((by, &flow), event, replay);
        let delivery = delivery(way, (record, at, at), event, Err(Unplaced { cause: outcome.cause(), why }));
        routed.deliveries.push((delivery, Arc::clone(record)));
    }
}

/// Under which policies a delivery is made.
#[derive(Clone, Copy)]
struct By<'p> {
    /// The one that selects, and that the delivery keeps.
    policy: &'p Policy,
    /// The one in force.
    present: &'p Policy,
}

/// By which flow a delivery is made, and as which.
#[derive(Clone, Copy)]
struct Way<'p> {
    by: By<'p>,
    flow: &'p Flow,
    id: DeliveryId,
    origin: Origin,
    replay: Option<ReplayId>,
    /// The event's ordering key.
    ordering: Option<&'p str>,
}

impl<'p> Way<'p> {
    fn of_replay((by, flow): (By<'p>, &'p Flow), event: EventId, replay: ReplayId) -> Self {
        let id = replayed::delivery(event, replay, &flow.name);
        Self { by, flow, id, origin: Origin::Replay, replay: Some(replay), ordering: None }
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
    let Way { by: By { policy, present }, flow, id, origin, replay, ordering } = way;
    let held = || DeliveryState::Held { for_whom: flow.owner.clone() };
    let (state, lane, cause, why) = match (place, Object::gone_of(flow, present)) {
        (Ok(lane), None) => (DeliveryState::Waiting { due: record.at }, lane, String::new(), String::new()),
        // It keeps its place in the lane, as what was routed before the removal does.
        (Ok(lane), Some(gone)) => (held(), lane, CAUSE_REMOVED.to_owned(), gone.removed()),
        (Err(Unplaced { cause, why }), _) => (held(), None, cause, why),
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
