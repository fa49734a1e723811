//! The way of everything that a reference names: an event id, a correlation id, or any business identifier that a
//! contract declares. What the router has not reached yet is found in the journal's tail.

use std::sync::Arc;

use model::quarantine::QuarantineState;
use model::view::{DeliveryStory, EventStory};
use model::{DeliveryId, DeliveryState, Entry, Event, EventId, Fault, Record, Timestamp};

use crate::api::{EventSummary, EventTrace, Hop, Trace};
use crate::app::App;

/// LIMIT: events of one trace.
const EVENTS_MAX: usize = 50;
/// LIMIT: records above the router's cursor that are searched.
const TAIL_MAX: usize = 5_000;

/// The trace of a reference; `None` when nothing carries it.
pub async fn trace(app: &App, reference: &str) -> Result<Option<Trace>, Fault> {
    let as_of = app.ground.clock.now();
    let mut records = found(app, reference).await?;
    let more = records.len() > EVENTS_MAX;
    records.truncate(EVENTS_MAX);
    records.sort_by_key(|record| (record.at, record.position));
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        if let Some(event) = record.entry.event() {
            let story = app.views.event_story(event.id).await?;
            events.push(event_trace(&record, event, story, is_routed(app, &record).await?));
        }
    }
    let answer = Trace { schema: "crossdock/trace/1".to_owned(), reference: reference.to_owned(), as_of, events, more };
    Ok((!answer.events.is_empty()).then_some(answer))
}

async fn found(app: &App, reference: &str) -> Result<Vec<Arc<Record>>, Fault> {
    if let Ok(id) = reference.parse::<EventId>()
        && let Some(record) = app.ground.journal.find(id).await?
    {
        return Ok(vec![record]);
    }
    if let Ok(id) = reference.parse::<DeliveryId>()
        && let Some(delivery) = app.ground.ledger.delivery(id).await?
    {
        return Ok(app.ground.journal.find(delivery.event).await?.into_iter().collect());
    }
    let mut records = Vec::new();
    for found in app.views.lookup(reference, EVENTS_MAX + 1).await? {
        records.extend(app.ground.journal.get(found.at).await?);
    }
    for record in tail(app).await? {
        let carries = |event: &Event| {
            event.correlation == reference || event.identifiers.iter().any(|identifier| identifier.value == reference)
        };
        let known = records.iter().any(|known: &Arc<Record>| known.position == record.position);
        if !known && record.entry.event().is_some_and(carries) {
            records.push(record);
        }
    }
    Ok(records)
}

/// Records that the router has not reached.
async fn tail(app: &App) -> Result<Vec<Arc<Record>>, Fault> {
    let mut records = Vec::new();
    for partition in app.ground.journal.partitions() {
        let cursor = app.ground.ledger.cursor(&engine::routing::run::consumer(), partition).await?;
        records.extend(app.ground.journal.read(partition, cursor, TAIL_MAX).await?);
    }
    Ok(records)
}

async fn is_routed(app: &App, record: &Record) -> Result<bool, Fault> {
    let cursor = app.ground.ledger.cursor(&engine::routing::run::consumer(), record.position.partition).await?;
    Ok(record.position.offset <= cursor)
}

fn event_trace(record: &Record, event: &Event, story: EventStory, routed: bool) -> EventTrace {
    let (state, why, next) = standing(event.id, &story, routed);
    EventTrace {
        event: summary(record, event),
        hops: hops(record, event, &story),
        deliveries: story.deliveries,
        state,
        why,
        next,
    }
}

/// An event without its bytes.
pub fn summary(record: &Record, event: &Event) -> EventSummary {
    let (verdict, reasons) = match &record.entry {
        Entry::Admitted(_) => ("admitted", Vec::new()),
        Entry::Quarantined { reasons, .. } => ("quarantined", reasons.clone()),
        Entry::Resubmitted { .. } => ("resubmitted", Vec::new()),
        Entry::Released { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => ("", Vec::new()),
    };
    EventSummary {
        id: event.id,
        position: record.position,
        source: event.source.clone(),
        kind: event.kind.clone(),
        verdict: verdict.to_owned(),
        received_at: event.received_at,
        time: event.time,
        correlation: event.correlation.clone(),
        key: event.key.clone(),
        identifiers: event.identifiers.clone(),
        contract: event.contract.as_ref().map(ToString::to_string),
        policy: record.policy,
        bytes: event.body.len(),
        reasons,
    }
}

/// Where an event stands: the most pressing of its deliveries speaks for it.
fn standing(event: EventId, story: &EventStory, routed: bool) -> (String, String, String) {
    let answer = |state: &str, why: String, next: String| (state.to_owned(), why, next);
    if let Some(row) = story.quarantine.as_ref().filter(|row| row.state == QuarantineState::Open) {
        let reason = row.reasons.first().map_or("", |reason| reason.message.as_str());
        return answer(
            "quarantined",
            format!("waits for {}: {reason}", row.owner),
            format!("crossdock quarantine show {event}"),
        );
    }
    if !routed {
        return answer("unrouted", "accepted; the router has not reached it yet".to_owned(), String::new());
    }
    let with_a_person = |story: &&DeliveryStory| {
        matches!(story.delivery.state, DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. })
    };
    if let Some(stuck) = story.deliveries.iter().find(with_a_person) {
        let delivery = &stuck.delivery;
        let why = format!("{} waits for {}: {}", delivery.flow, delivery.owner, delivery.why);
        return answer("with_a_person", why, format!("crossdock retry {} --reason …", delivery.id));
    }
    let moving = |story: &&DeliveryStory| matches!(story.delivery.state, DeliveryState::Waiting { .. });
    if let Some(waiting) = story.deliveries.iter().find(moving) {
        return answer("moving", waiting_for(waiting), String::new());
    }
    if story.deliveries.is_empty() {
        return match &story.quarantine {
            Some(row) => answer("done", format!("quarantined and {}", row.state.word()), String::new()),
            None => answer("no_flow", "accepted and routed: no flow selects it".to_owned(), String::new()),
        };
    }
    let why = match story.deliveries.len() {
        1 => "its delivery is finished".to_owned(),
        count => format!("all {count} deliveries are finished"),
    };
    answer("done", why, String::new())
}

fn waiting_for(story: &DeliveryStory) -> String {
    let delivery = &story.delivery;
    match (&delivery.state, &delivery.lease) {
        (_, Some(_)) => {
            format!("attempt {} to {} is under way", delivery.attempts, delivery.destination)
        }
        _ if delivery.behind => {
            let lane = delivery.lane.as_ref().map_or("", |lane| lane.as_str());
            format!("{} waits behind an earlier delivery of lane {lane}", delivery.flow)
        }
        (DeliveryState::Waiting { due }, None) if delivery.attempts > 0 => {
            format!("{}: {}; due {due}", delivery.flow, delivery.why)
        }
        _ => format!("{} waits for a slot of {}", delivery.flow, delivery.destination),
    }
}

fn hops(record: &Record, event: &Event, story: &EventStory) -> Vec<Hop> {
    let mut hops: Vec<(Timestamp, &str, String)> = vec![
        (event.received_at, "received", format!("by {} as {}", event.source, event.kind)),
        (record.at, "accepted", format!("durable at {} under policy {}", record.position, record.policy.short())),
    ];
    for story in &story.deliveries {
        let delivery = &story.delivery;
        for attempt in &story.attempts {
            hops.push((
                attempt.started_at,
                "attempt",
                format!("{} to {}, number {}", delivery.flow, delivery.destination, attempt.no),
            ));
            if let Some(result) = &attempt.result {
                hops.push((
                    result.ended_at,
                    "answer",
                    format!("{} from {}: {}", delivery.flow, delivery.destination, result.outcome.cause()),
                ));
            }
        }
    }
    for row in &story.audit {
        hops.push((row.at, "person", format!("{} by {}: {}", row.action, row.by, row.why)));
    }
    hops.sort_by_key(|(at, ..)| *at);
    let mut before = event.received_at;
    hops.into_iter()
        .map(|(at, what, text)| {
            let hop = Hop { at, after_us: at.since(before).micros(), what: what.to_owned(), text };
            before = at;
            hop
        })
        .collect()
}
