//! What facts become: counts, spans, and the lists that the reference shows.

use std::collections::BTreeSet;

use formats::trace_context::TraceParent;
use model::{
    Delivery, DeliveryId, DeliveryState, DestinationName, Digest, EventId, EventType, Fault, FaultKind, FlowName, Origin,
    Owner, PolicyVersion, Position, RefusalKind, SecretName, SourceName, TimeSpan, Timestamp,
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::metric::Value;
use super::*;

const AT: Timestamp = Timestamp::from_secs(1_793_000_000);
const SENDER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn event(n: u128) -> EventId {
    EventId(Uuid::from_u128(n))
}

fn later(ms: u64) -> Timestamp {
    AT + TimeSpan::from_millis(ms)
}

pub(super) fn delivery(attempts: u32) -> Delivery {
    Delivery {
        id: DeliveryId(Uuid::from_u128(77)),
        event: event(1),
        position: Position::default(),
        bytes_at: Position::default(),
        ranks_at: Position::default(),
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").unwrap(),
        lane: None,
        ordering: None,
        on_dead: model::delivery::OnDead::Hold,
        policy: PolicyVersion(Digest::of(b"policy")),
        origin: Origin::Live,
        replay: None,
        owner: Owner::new("team").unwrap(),
        created_at: AT,
        state: DeliveryState::Waiting { due: AT },
        attempts,
        round_base: 0,
        round_at: AT,
        deadline: None,
        epoch: 1,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 1,
    }
}

fn arrival<'a>(source: &'a SourceName, id: u128, sender: Option<&str>) -> Arrival<'a> {
    Arrival {
        id: event(id),
        source,
        kind: EventType::new("order.created"),
        at: AT,
        policy: PolicyVersion(Digest::of(b"policy")),
        sender: sender.map(|text| TraceParent::parse(text).unwrap()),
    }
}

/// Facts with a queue of so many spans, and the other end of it.
fn traced(spans: usize) -> (Facts, mpsc::Receiver<Span>) {
    let (sender, receiver) = mpsc::channel(spans);
    (Facts::traced(Tracing { spans: sender, roots: Share::ALL }), receiver)
}

fn accept(facts: &Facts, (id, first): (u128, u128), verdict: Accepted, sender: Option<&str>) {
    let source = SourceName::new("shop").unwrap();
    let arrival = arrival(&source, id, sender);
    facts.emit(&Fact::Accepted { arrival: &arrival, event: event(first), verdict, took: TimeSpan::from_millis(3) });
}

fn attempt(facts: &Facts, no: u32, cause: &str, state: &'static str) {
    let sender = Some(TraceParent::parse(SENDER).unwrap());
    let chain = Some(Chain::of(event(1), sender, facts.roots()));
    let delivery = delivery(no);
    let (took, ended, age) = (Some(TimeSpan::from_millis(20)), later(30), TimeSpan::from_millis(30));
    facts.emit(&Fact::AttemptEnded { delivery: &delivery, chain, cause, state, took, ended, age });
}

/// One of every fact, in the order of their definition.
pub(super) fn samples(delivery: &Delivery, mut tell: impl FnMut(&Fact<'_>)) {
    let (source, fault) = (SourceName::new("shop").unwrap(), Fault::new(FaultKind::Unavailable, "journal.append"));
    let (arrival, took) = (arrival(&source, 1, None), TimeSpan::from_millis(3));
    let (chain, to) = (Some(Chain::of(event(1), None, Share::ALL)), &delivery.destination);
    let secret = SecretName::new("wms/token").unwrap();
    let exported = |spans| Exported { signal: "traces", spans };
    tell(&Fact::Accepted { arrival: &arrival, event: event(1), verdict: Accepted::Admitted, took });
    tell(&Fact::Refused { source: Some(&source), kind: RefusalKind::BadSignature });
    tell(&Fact::Routed { records: 3, deliveries: 5 });
    let (attempted, ended, age) = (Some(TimeSpan::from_millis(20)), later(30), TimeSpan::from_millis(30));
    tell(&Fact::AttemptEnded { delivery, chain, cause: "http_503", state: "waiting", took: attempted, ended, age });
    tell(&Fact::Breaker { destination: to, state: "open" });
    tell(&Fact::Shards { held: 4 });
    tell(&Fact::Trimmed { store: "journal", rows: 500 });
    tell(&Fact::BudgetAlarm { store: "journal", percent: 70, level: "low" });
    tell(&Fact::RequestFailed { code: "unavailable", trace: "0af7651916cd43dd8448eb211c80319c" });
    tell(&Fact::LoopFault { name: "router", fault: &fault });
    tell(&Fact::Exported(exported(512)));
    tell(&Fact::NotExported { lost: exported(512), why: "connect" });
    tell(&Fact::Unreadable { destination: Some(to), what: "state: not JSON" });
    tell(&Fact::NoSecret { destination: to, secret: &secret });
    tell(&Fact::RefusedMore { source: Some(&source), count: 1_240, within: TimeSpan::from_secs(60) });
    for what in [
        Capturing::Nudged { count: 3 },
        Capturing::Read { look: "sweep", rows: 12 },
        Capturing::Taken { found: "nudge" },
        Capturing::NotTaken {
            record: "sale.order/42/1793000000/3/5f0c",
            why: "the body has 2000000 bytes, this source takes 1048576",
        },
        Capturing::Unread {
            model: None,
            cause: "odoo_key_refused",
            why: "Odoo does not accept the login or its key",
            help: "make a new API key in Odoo (Preferences, Account Security), since keys expire, and put it first under `keys`",
        },
        Capturing::Reconciled { model: "sale.order", same: 119, of: 120 },
        Capturing::Withheld { model: "sale.order", missing: 5_213, known: 6_000 },
        Capturing::Hidden { model: "sale.order", count: 3 },
        Capturing::GoesOn,
        Capturing::HeldBack { lines: 12 },
        Capturing::Lost { lines: 40 },
        Capturing::Anew,
        Capturing::LeftOut { count: 2 },
        Capturing::Unseen { model: "sale.order", ids: &[42, 43] },
    ] {
        tell(&Fact::Captured(Captured { source: &source, what }));
    }
}

fn value(facts: &Facts, metric: &str, labels: &[&str]) -> Option<Value> {
    let family = facts.meters.families().into_iter().find(|family| family.metric.name == metric)?;
    family.samples.into_iter().find(|sample| sample.labels == labels).map(|sample| sample.value)
}

#[test]
fn a_chain_hangs_together_by_ids_alone() {
    let (facts, mut spans) = traced(8);
    accept(&facts, (1, 1), Accepted::Admitted, Some(SENDER));
    attempt(&facts, 1, "http_503", "waiting");
    attempt(&facts, 2, "http_200", "done");
    let [receive, first, second] = std::array::from_fn(|_| spans.try_recv().unwrap());
    let sender = TraceParent::parse(SENDER).unwrap();
    assert!([&receive, &first, &second].iter().all(|span| span.trace_id == sender.trace_id && span.flags == sender.flags));
    assert_eq!((receive.parent, receive.side), (Some(sender.parent_id), Side::Server));
    assert_eq!((first.parent, second.parent), (Some(receive.span_id), Some(receive.span_id)));
    assert_ne!(first.span_id, second.span_id);
    assert_eq!((receive.started, receive.ended), (AT, later(3)));
    assert_eq!((first.started, first.ended), (later(10), later(30)));
    assert_eq!((first.error.as_deref(), second.error), (Some("http_503"), None));
    let sent = Chain::of(event(1), Some(sender), Share::NONE).attempt(delivery(2).id, 2);
    assert_eq!(second.span_id, sent.parent_id, "the span is what the receiver was told");
}

#[test]
fn a_duplicate_is_an_arrival_of_its_own() {
    let (facts, mut spans) = traced(8);
    accept(&facts, (1, 1), Accepted::Admitted, None);
    accept(&facts, (2, 1), Accepted::Duplicate, None);
    accept(&facts, (3, 1), Accepted::Duplicate, Some(SENDER));
    let [first, again, traced] = std::array::from_fn(|_| spans.try_recv().unwrap());
    assert_eq!((first.trace_id, first.parent), (event(1).bytes(), None));
    assert_eq!((again.trace_id, again.parent), (first.trace_id, Some(first.span_id)));
    let sender = TraceParent::parse(SENDER).unwrap();
    assert_eq!((traced.trace_id, traced.parent), (sender.trace_id, Some(sender.parent_id)));
    assert!(first.span_id != again.span_id && again.span_id != traced.span_id);
}

#[test]
fn what_the_sender_does_not_record_is_not_told() {
    let (facts, mut spans) = traced(8);
    accept(&facts, (1, 1), Accepted::Admitted, Some(&SENDER.replace("-01", "-00")));
    assert!(spans.try_recv().is_err());
    let facts = Facts::default();
    accept(&facts, (1, 1), Accepted::Admitted, Some(SENDER));
    assert_eq!(value(&facts, "crossdock_spans", &["dropped"]), None);
}

#[test]
fn a_span_without_room_is_dropped_and_counted() {
    let (facts, mut spans) = traced(2);
    for id in 1..=5 {
        accept(&facts, (id, id), Accepted::Admitted, None);
    }
    assert_eq!(value(&facts, "crossdock_spans", &["dropped"]), Some(Value::Count(3)));
    assert!(spans.try_recv().is_ok() && spans.try_recv().is_ok() && spans.try_recv().is_err());
}

#[test]
fn facts_add_up() {
    let facts = Facts::default();
    accept(&facts, (1, 1), Accepted::Admitted, None);
    accept(&facts, (2, 2), Accepted::Quarantined, None);
    accept(&facts, (3, 1), Accepted::Duplicate, None);
    let source = SourceName::new("shop").unwrap();
    facts.emit(&Fact::Refused { source: Some(&source), kind: RefusalKind::KeyReused });
    facts.emit(&Fact::Refused { source: None, kind: RefusalKind::UnknownSource });
    attempt(&facts, 1, "http_503", "waiting");
    attempt(&facts, 2, "http_200", "done");
    let count = |metric: &str, labels: &[&str]| value(&facts, metric, labels);
    for (metric, labels, expected) in [
        ("crossdock_events", ["shop", "admitted"].as_slice(), 1),
        ("crossdock_events", &["shop", "quarantined"], 1),
        ("crossdock_events", &["shop", "duplicate"], 1),
        ("crossdock_refused", &["shop", "key-reused"], 1),
        ("crossdock_refused", &["", "unknown-source"], 1),
        ("crossdock_attempts", &["wms", "orders", "http_503"], 1),
        ("crossdock_attempts", &["wms", "orders", "http_200"], 1),
        ("crossdock_retries", &["wms", "orders"], 1),
        ("crossdock_routed_records", &[], 0),
    ] {
        assert_eq!(count(metric, labels), Some(Value::Count(expected)), "{metric} {labels:?}");
    }
    for (metric, observations, seconds) in
        [("crossdock_attempt_duration_seconds", 2, 0.04), ("crossdock_delivery_duration_seconds", 1, 0.03)]
    {
        let Some(Value::Spread(spread)) = count(metric, &["wms"]) else { panic!("{metric}") };
        assert_eq!(spread.count(), observations, "{metric}");
        assert!((spread.sum - seconds).abs() < 1e-9, "{metric}: {}", spread.sum);
    }
    let since = facts.meters.since_start();
    assert_eq!(since.accepted.get(&source), Some(&2));
    assert_eq!(since.duplicates.get(&source), Some(&1));
    assert_eq!(since.done.get(&DestinationName::new("wms").unwrap()), Some(&1));
}

#[test]
fn no_metric_of_ours_is_missing_from_the_catalogue() {
    let known: BTreeSet<&str> = catalogue::ALL.iter().map(|metric| metric.name).collect();
    for family in Facts::default().meters.families() {
        assert!(known.contains(family.metric.name), "{}", family.metric.name);
        assert!(family.samples.iter().all(|sample| sample.labels.len() == family.metric.labels.len()));
    }
}

#[test]
fn an_attempt_that_an_earlier_life_left_open_has_no_duration() {
    let (facts, mut spans) = traced(8);
    let (delivery, chain) = (delivery(1), Chain::of(event(1), None, Share::ALL));
    let fault = Fault::new(FaultKind::Unavailable, "journal.append");
    facts.emit(&Fact::LoopFault { name: "intake", fault: &fault });
    facts.emit(&Fact::AttemptEnded {
        delivery: &delivery,
        chain: Some(chain),
        cause: "unknown",
        state: "waiting",
        took: None,
        ended: AT,
        age: TimeSpan::ZERO,
    });
    let span = spans.try_recv().unwrap();
    assert_eq!((span.started, span.ended, span.error.as_deref()), (AT, AT, Some("unknown")));
    assert_eq!(value(&facts, "crossdock_attempt_duration_seconds", &["wms"]), None);
    assert_eq!(value(&facts, "crossdock_loop_faults", &["intake", "unavailable"]), Some(Value::Count(1)));
}
