//! The way of everything that a reference names: an event id, a correlation id, or any business identifier that a
//! contract declares. What the router has not reached yet is found in the journal's tail. Of an event whose bytes retention
//! has let go, what happened to it is still told.

use std::sync::Arc;

use model::digest::bounded;
use model::limit::IDENTIFIER_BYTES_MAX;
use model::view::EventStory;
use model::{DeliveryId, Entry, Event, EventId, Fault, Record, TimeSpan, Timestamp};
use policy::Flow;
use policy::expression::EventView;

use crate::api::{DeliveryPage, EventSummary, EventTrace, Hop, Trace};
use crate::app::App;
use crate::service::answers::Answers;
use crate::service::standing::{self, Standing};

/// LIMIT: events of one trace.
const EVENTS_MAX: usize = 50;
/// LIMIT: records above the router's cursor that are searched.
const TAIL_MAX: usize = 5_000;

/// An event that a reference names.
struct Named {
    id: EventId,
    /// `None` once retention has let it go.
    record: Option<Arc<Record>>,
}

impl Named {
    fn of(record: Arc<Record>) -> Option<Self> {
        Some(Self { id: record.entry.event()?.id, record: Some(record) })
    }

    fn event(&self) -> Option<(&Record, &Event)> {
        self.record.as_deref().and_then(|record| Some((record, record.entry.event()?)))
    }
}

/// What a reference leads to.
#[derive(Debug)]
pub enum Led {
    /// To these events.
    To(Box<Trace>),
    /// Nowhere: nothing carries it.
    Nowhere,
    /// To nothing that was searched: the router is so far behind that not all was.
    Unsearched,
}

/// The trace of a reference.
pub async fn trace(app: &App, reference: &str, answers: Answers) -> Result<Led, Fault> {
    let as_of = app.ground.clock.now();
    let (mut named, unsearched) = found(app, reference).await?;
    let more = named.len() > EVENTS_MAX;
    named.truncate(EVENTS_MAX);
    let mut events = Vec::with_capacity(named.len());
    for it in named {
        let story = app.views.event_story(it.id).await?;
        if it.record.is_none() && is_unknown(&story) {
            continue;
        }
        let mut standing = standing::of_event(app, it.id, &story, is_routed(app, it.record.as_deref()).await?, answers);
        if standing.state == standing::NO_FLOW {
            without_deliveries(app, &it, &mut standing).await?;
        }
        let mut deliveries = Vec::with_capacity(story.deliveries.len());
        for story in &story.deliveries {
            deliveries.push(standing::page_with_newer(app, story.clone(), answers).await?);
        }
        standing.speaks_as(&deliveries);
        events.push(event_trace(&it, &story, (standing, deliveries), answers));
    }
    events.sort_by_key(|it| (it.hops.first().map(|hop| hop.at), it.id));
    if events.is_empty() {
        return Ok(if unsearched { Led::Unsearched } else { Led::Nowhere });
    }
    let (schema, reference) = ("crossdock/trace/1".to_owned(), reference.to_owned());
    Ok(Led::To(Box::new(Trace { schema, reference, as_of, events, more, unsearched })))
}

/// What carries a reference, and whether there is more that was not searched.
async fn found(app: &App, reference: &str) -> Result<(Vec<Named>, bool), Fault> {
    if let Ok(DeliveryId(id)) = reference.parse() {
        let delivery = app.ground.ledger.delivery(DeliveryId(id)).await?;
        let id = delivery.map_or(EventId(id), |delivery| delivery.event);
        let record = app.ground.journal.find(id).await?;
        // A business identifier may look like one of ours.
        if record.is_some() || !is_unknown(&app.views.event_story(id).await?) {
            return Ok((vec![Named { id, record }], false));
        }
    }
    let reference = &bounded(reference.to_owned(), IDENTIFIER_BYTES_MAX);
    let mut named = Vec::new();
    for found in app.views.lookup(reference, EVENTS_MAX + 1).await? {
        named.push(Named { id: found.event, record: app.ground.journal.get(found.at).await? });
    }
    let (tail, unsearched) = tail(app).await?;
    for record in tail {
        let carries = |event: &Event| {
            event.correlation == *reference || event.identifiers.iter().any(|identifier| identifier.value == *reference)
        };
        let is_new = |event: &Event| carries(event) && named.iter().all(|known: &Named| known.id != event.id);
        if record.entry.event().is_some_and(is_new) {
            named.extend(Named::of(record));
        }
    }
    Ok((named, unsearched))
}

/// Says why an event that was routed has no delivery and is not kept for a person: no flow of the policy that judged it selects
/// it, or what became of it is not kept any more. Above the journal's floor that is rare, and may be a loss, so it is told apart.
async fn without_deliveries(app: &App, named: &Named, standing: &mut Standing) -> Result<(), Fault> {
    let Some((record, event)) = named.event() else { return Ok(()) };
    if !was_selected(app, record, event).await? {
        standing.why = format!("accepted and routed: no flow of the policy {} selects it", record.policy.short());
        return Ok(());
    }
    standing.state = standing::FORGOTTEN;
    standing.why = if record.position.offset < app.ground.journal.usage().await?.floor {
        "accepted and routed; what became of it is not kept any more".to_owned()
    } else {
        format!(
            "accepted, and selected by a flow of the policy {}, but no delivery of it is kept: retention had to make room, or \
             an earlier version of Crossdock passed it over while policies changed; ask its destination whether it has it",
            record.policy.short()
        )
    };
    Ok(())
}

/// Whether a flow of the policy that judged it selects an event; one whose filter has no answer holds it. What was kept for a
/// person was, unless that person ended it.
async fn was_selected(app: &App, record: &Record, event: &Event) -> Result<bool, Fault> {
    if matches!(record.entry, Entry::Quarantined { .. }) {
        return Ok(true);
    }
    let policy = app.ground.book.kept(record.policy).await?;
    let view = EventView::new(event);
    let fits = |flow: &Arc<Flow>| flow.filter.as_ref().is_none_or(|filter| filter.eval_bool(&view) != Ok(false));
    Ok(policy.is_none_or(|policy| policy.selected(event).any(fits)))
}

/// Whether the ledger knows nothing of an event.
fn is_unknown(story: &EventStory) -> bool {
    story.deliveries.is_empty() && story.quarantine.is_none()
}

/// Records that the router has not reached, and whether there are more.
async fn tail(app: &App) -> Result<(Vec<Arc<Record>>, bool), Fault> {
    let (mut records, mut more) = (Vec::new(), false);
    for partition in app.ground.journal.partitions() {
        let cursor = app.ground.ledger.cursor(&engine::routing::run::consumer(), partition).await?;
        let page = app.ground.journal.read(partition, cursor, TAIL_MAX).await?;
        let last = page.last().map_or(cursor, |record| record.position.offset);
        more |= last < app.ground.journal.head(partition).await?;
        records.extend(page);
    }
    Ok((records, more))
}

/// What is gone was routed: retention takes nothing else.
async fn is_routed(app: &App, record: Option<&Record>) -> Result<bool, Fault> {
    let Some(record) = record else { return Ok(true) };
    let cursor = app.ground.ledger.cursor(&engine::routing::run::consumer(), record.position.partition).await?;
    Ok(record.position.offset <= cursor)
}

fn event_trace(
    named: &Named,
    story: &EventStory,
    (standing, deliveries): (Standing, Vec<DeliveryPage>),
    answers: Answers,
) -> EventTrace {
    let Standing { state, why, next } = standing;
    EventTrace {
        id: named.id,
        event: named.event().map(|(record, event)| summary(record, event, answers)),
        hops: hops(named.event(), story),
        deliveries,
        state: state.to_owned(),
        why,
        next,
    }
}

/// An event without its bytes, as far as the one who asks may read values of them.
pub fn summary(record: &Record, event: &Event, answers: Answers) -> EventSummary {
    let (verdict, mut reasons) = match &record.entry {
        Entry::Admitted(_) => ("admitted", Vec::new()),
        Entry::Quarantined { reasons, .. } => ("quarantined", reasons.clone()),
        Entry::Resubmitted { .. } => ("resubmitted", Vec::new()),
        Entry::Released { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => ("", Vec::new()),
    };
    answers.of_reasons(&mut reasons);
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

/// What is further apart than this may have been stamped by two clocks that differ.
const APART_MAX: TimeSpan = TimeSpan::from_secs(1);

fn hops(event: Option<(&Record, &Event)>, story: &EventStory) -> Vec<Hop> {
    let mut hops: Vec<(Timestamp, &str, String)> = Vec::new();
    if let Some((record, event)) = event {
        let by = format!("by {} as {}", event.source, event.kind);
        // The machine's clock says when it came in, the product's time all else. Where these are apart, the one says nothing of
        // how long the other took.
        let (at, by) = if record.at.since(event.received_at) > APART_MAX {
            (record.at, format!("{by}, when the machine's clock said {}", event.received_at))
        } else {
            (event.received_at, by)
        };
        hops.push((at, "received", by));
        let accepted = format!("durable at {} under policy {}", record.position, record.policy.short());
        hops.push((record.at, "accepted", accepted));
    }
    for story in &story.deliveries {
        let delivery = &story.delivery;
        if event.is_none() {
            hops.push((delivery.created_at, "routed", format!("{} to {}", delivery.flow, delivery.destination)));
        }
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
    let mut before = hops.first().map_or(Timestamp::EPOCH, |(at, ..)| *at);
    hops.into_iter()
        .map(|(at, what, text)| {
            let hop = Hop { at, after_us: at.since(before).micros(), what: what.to_owned(), text };
            before = at;
            hop
        })
        .collect()
}
