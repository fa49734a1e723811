//! Events, entries, deliveries and the rest by number: different numbers give different ones, and later ones.

use std::collections::BTreeMap;

use model::diagnostic::Place;
use model::event::DataAt;
use model::outcome::Again;
use model::replay::MemberVerdict;
use model::{
    AttemptResult, AuditId, AuditRow, Claim, Code, Delivery, DeliveryId, DeliveryState, DestinationName, Diagnostic, Digest,
    Entry, Event, EventId, EventType, FlowName, Forgotten, InForce, KeptAnswer, KeyedWrite, Known, LaneKey, LaterEvent,
    Lease, NewEntry, NodeName, Offset, OnDead, Origin, Outcome, Owner, Partition, PolicyVersion, Position, Principal,
    QuarantineRow, QuarantineState, Replay, ReplayId, ReplayMember, ReplayState, Seen, SourceName, Telling, Timestamp, Told,
    arrival_id,
};

/// So many seconds after the beginning of the tests.
pub fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_793_000_000 + secs)
}

/// A name of a destination, flow, owner and so on.
pub fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("tests write good names")
}

/// A place in partition 0.
pub fn position(offset: u64) -> Position {
    Position { partition: Partition(0), offset: Offset(offset) }
}

/// A policy.
pub fn policy(n: u64) -> PolicyVersion {
    PolicyVersion(Digest::of(&n.to_be_bytes()))
}

/// A person.
pub fn person() -> Principal {
    Principal::new("ines")
}

fn arrival(n: u64) -> uuid::Uuid {
    let secs = i64::try_from(n).expect("tests count to small numbers");
    let mut chance = [7; 10];
    chance[2..].copy_from_slice(&n.to_be_bytes());
    arrival_id(at(secs), chance)
}

/// The id of event `n`.
pub fn event_id(n: u64) -> EventId {
    EventId(arrival(n))
}

/// Event `n`: live, from `shop`, with a body of its own.
pub fn event(n: u64) -> Event {
    let body = format!(r#"{{"order":"S{n:05}","note":"Grüße"}}"#).into_bytes();
    Event {
        id: event_id(n),
        source: name::<SourceName>("shop"),
        kind: EventType::new("sales.order.created.v1"),
        key: format!("order-{n}"),
        digest: Digest::of(&body),
        subject: Some(format!("order/S{n:05}")),
        time: None,
        received_at: at(0),
        contract: None,
        ordering: Some(format!("customer-{}", n % 7)),
        correlation: format!("S{n:05}"),
        trace: None,
        identifiers: vec![model::Identifier { scheme: "order".to_owned(), value: format!("S{n:05}") }],
        origin: Origin::Live,
        attributes: BTreeMap::from([("dataschema".to_owned(), "orders".to_owned())]),
        body: body.into(),
        data: DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}

/// The same event with another body.
pub fn with_body(event: Event, body: impl Into<bytes::Bytes>) -> Event {
    let body = body.into();
    Event { digest: Digest::of(&body), body, ..event }
}

/// An entry of intake for partition 0.
pub fn new_entry(entry: Entry) -> NewEntry {
    NewEntry { partition: Partition(0), policy: policy(1), emitted: None, entry }
}

/// An entry that a room emitted under an id of number `n`.
pub fn emitted(n: u64, entry: Entry) -> NewEntry {
    NewEntry { emitted: Some(emitted_id(n)), ..new_entry(entry) }
}

/// The derived id of number `n`.
pub fn emitted_id(n: u64) -> uuid::Uuid {
    AuditId::derive(arrival(n), &[b"emitted"]).0
}

/// Event `n`, admitted.
pub fn admitted(n: u64) -> NewEntry {
    new_entry(Entry::Admitted(event(n)))
}

/// A reason for quarantine.
pub fn reason() -> Diagnostic {
    Diagnostic::error(Code(312), Place::Pointer("/lines/0/qty".to_owned()), "the quantity is no number")
        .help("send a number")
}

/// Replay `n` of event `of`.
pub fn replayed(n: u64, of: u64) -> Entry {
    Entry::Replayed { of: event_id(of), at: position(of), replay: replay_id(n), flows: vec![name("orders")], by: person() }
}

/// Delivery `n`: of event `n`, made and due at second `n`, to `wms` by flow `orders`, unordered.
pub fn delivery(n: u64) -> Delivery {
    let secs = i64::try_from(n).expect("tests count to small numbers");
    Delivery {
        id: delivery_id(n),
        event: event_id(n),
        position: position(n),
        bytes_at: position(n),
        ranks_at: position(n),
        flow: name::<FlowName>("orders"),
        destination: name::<DestinationName>("wms"),
        lane: None,
        ordering: None,
        on_dead: OnDead::Hold,
        policy: policy(1),
        origin: Origin::Live,
        replay: None,
        owner: owner(),
        created_at: at(secs),
        state: DeliveryState::Waiting { due: at(secs) },
        attempts: 0,
        round_base: 0,
        round_at: at(secs),
        deadline: None,
        epoch: 0,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 1,
    }
}

/// The id of delivery `n`.
pub fn delivery_id(n: u64) -> DeliveryId {
    DeliveryId::derive(arrival(n), &[b"orders"])
}

/// The owner of everything.
pub fn owner() -> Owner {
    name("fulfilment")
}

/// Delivery `n` in lane `key`.
pub fn in_lane(n: u64, key: &str) -> Delivery {
    Delivery { lane: Some(LaneKey::new(key)), ..delivery(n) }
}

/// Delivery `n` in lane `key`, which passes when it is dead.
pub fn passing(n: u64, key: &str) -> Delivery {
    Delivery { on_dead: OnDead::Pass, ..in_lane(n, key) }
}

/// The lease of a life of a node.
pub fn lease(node: &str, incarnation: u64) -> Lease {
    Lease { node: name::<NodeName>(node), incarnation }
}

/// A claim at second `secs` by the first life of node `one`.
pub fn claim(secs: i64) -> Claim {
    Claim { lease: lease("one", 1), at: at(secs) }
}

/// How an attempt ended at second `secs`.
pub fn ended(secs: i64, outcome: Outcome) -> AttemptResult {
    AttemptResult { ended_at: at(secs), outcome, output: None, response: b"{\"ok\":true}".to_vec(), response_cut: false }
}

/// The destination took it.
pub const ACCEPTED: Outcome = Outcome::Accepted { status: 200 };

/// The destination may take it later.
pub const BUSY: Outcome = Outcome::Refused { status: 503, again: Again::Perhaps, refusal: None };

/// Waiting until second `secs`.
pub fn waiting(secs: i64) -> DeliveryState {
    DeliveryState::Waiting { due: at(secs) }
}

/// Done at second `secs`.
pub fn done(secs: i64) -> DeliveryState {
    DeliveryState::Done { at: at(secs) }
}

/// Dead, its owner's.
pub fn dead() -> DeliveryState {
    DeliveryState::DeadLettered { owner: owner() }
}

/// Held for its owner.
pub fn held() -> DeliveryState {
    DeliveryState::Held { for_whom: owner() }
}

/// Ended by a person.
pub fn cancelled() -> DeliveryState {
    DeliveryState::Cancelled { by: person() }
}

/// Quarantined event `n`, at second `n`.
pub fn quarantined(n: u64) -> QuarantineRow {
    QuarantineRow {
        event: event_id(n),
        position: position(n),
        source: name("shop"),
        kind: EventType::new("sales.order.created.v1"),
        origin: Origin::Live,
        owner: owner(),
        at: at(i64::try_from(n).expect("tests count to small numbers")),
        reasons: vec![reason()],
        state: QuarantineState::Open,
        revision: 0,
        version: 1,
        later: None,
    }
}

/// What came under the key of a quarantined event at second `n`, and would have been quarantined, too.
pub fn later(n: u64) -> LaterEvent {
    let received_at = at(i64::try_from(n).expect("tests count to small numbers"));
    LaterEvent { event: Event { received_at, ..event(n) }, reasons: vec![reason()] }
}

/// The id of replay `n`.
pub fn replay_id(n: u64) -> ReplayId {
    ReplayId::derive(arrival(n), &[b"replay"])
}

/// Replay `n`, ordered at second `n`, running, of `members` members.
pub fn replay(n: u64, members: u32) -> Replay {
    Replay {
        id: replay_id(n),
        by: person(),
        why: "the warehouse lost a day".to_owned(),
        selection: "flow=orders".to_owned(),
        created_at: at(i64::try_from(n).expect("tests count to small numbers")),
        pace_per_s: 10,
        canary: 1,
        stop_after: 5,
        state: ReplayState::Running,
        members,
        next: 0,
        to_send: 0,
        passed: 0,
        passed_for: Vec::new(),
        forgotten: Forgotten::Include,
        version: 1,
    }
}

/// Member `index` of a replay: event `index`, sent unless a reason is given.
pub fn member(index: u32, skip: Option<&str>) -> ReplayMember {
    ReplayMember {
        index,
        event: event_id(u64::from(index)),
        at: position(u64::from(index) + 1),
        flow: name("orders"),
        of: index.is_multiple_of(2).then(|| delivery_id(u64::from(index))),
        ranks_at: None,
        lane: None,
        ordering: None,
        also: vec![(name("orders-before"), LaneKey::new("a"))],
        verdict: skip.map_or(MemberVerdict::Send, |why| MemberVerdict::Skip { why: why.to_owned() }),
    }
}

/// Row `n` of the audit, at second `n`.
pub fn audit(n: u64, subject: &str) -> AuditRow {
    AuditRow {
        id: AuditId::derive(arrival(n), &[b"audit"]),
        at: at(i64::try_from(n).expect("tests count to small numbers")),
        by: person(),
        action: "delivery.retry".to_owned(),
        subject: subject.to_owned(),
        why: "it's the carrier's fault".to_owned(),
    }
}

/// The id of a keyed write.
pub fn keyed_id(n: u64) -> Digest {
    KeyedWrite::id_of(&person(), &format!("key-{n}"))
}

/// A keyed write under way, in this turn.
pub fn keyed(n: u64, turn: u64) -> KeyedWrite {
    KeyedWrite {
        id: keyed_id(n),
        request: Digest::of(&n.to_be_bytes()),
        begun_at: at(n.cast_signed()),
        turn,
        lease: lease("one", 1),
        answer: None,
    }
}

/// What was answered to it.
pub fn kept_answer(n: u64) -> KeptAnswer {
    KeptAnswer { status: 200, body: format!("{{\"n\":\"it's {n}\"}}") }
}

/// What is known of record `id`: written at that second, shown.
pub fn known(id: u64) -> Known {
    Known {
        id,
        written_at: Some(at(id.cast_signed())),
        state: Some("sale".to_owned()),
        digest: Some(Digest::of(&id.to_be_bytes())),
        seen: Seen::Shown,
        told: Told { times: id, telling: Telling::Done },
    }
}

/// An application of a policy.
pub fn in_force(number: u64, at: Timestamp) -> InForce {
    let (version, gone) = (policy(number), [(name("gone"), at)].into());
    InForce { number, version, by: person(), why: "it's \"time\"".to_owned(), at, gone }
}
