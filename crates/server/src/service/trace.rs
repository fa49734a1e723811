//! The way of everything that a reference names: an event id, a correlation id, or any business identifier that a
//! contract declares. What the router has not reached yet is found in the journal's tail.

use std::sync::Arc;

use model::view::EventStory;
use model::{DeliveryId, Entry, Event, EventId, Fault, Record, Timestamp};

use crate::api::{DeliveryPage, EventSummary, EventTrace, Hop, Trace};
use crate::app::App;
use crate::service::answers::Answers;
use crate::service::standing::{self, Standing};

/// LIMIT: events of one trace.
const EVENTS_MAX: usize = 50;
/// LIMIT: records above the router's cursor that are searched.
const TAIL_MAX: usize = 5_000;

/// The trace of a reference; `None` when nothing carries it.
pub async fn trace(app: &App, reference: &str, answers: Answers) -> Result<Option<Trace>, Fault> {
    let as_of = app.ground.clock.now();
    let mut records = found(app, reference).await?;
    let more = records.len() > EVENTS_MAX;
    records.truncate(EVENTS_MAX);
    records.sort_by_key(|record| (record.at, record.position));
    let mut events = Vec::with_capacity(records.len());
    for record in records {
        if let Some(event) = record.entry.event() {
            let story = app.views.event_story(event.id).await?;
            let standing = standing::of_event(app, event.id, &story, is_routed(app, &record).await?, answers);
            let deliveries = story.deliveries.iter().map(|story| standing::page(app, story.clone(), answers)).collect();
            events.push(event_trace((&record, event), &story, standing, deliveries));
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

fn event_trace(
    (record, event): (&Record, &Event),
    story: &EventStory,
    standing: Standing,
    deliveries: Vec<DeliveryPage>,
) -> EventTrace {
    let Standing { state, why, next } = standing;
    EventTrace {
        event: summary(record, event),
        hops: hops(record, event, story),
        deliveries,
        state: state.to_owned(),
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
        // What a sender did stands in the audit too.
        let who = if row.by.as_str().starts_with("source:") { "sender" } else { "person" };
        hops.push((row.at, who, format!("{} by {}: {}", row.action, row.by, row.why)));
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
