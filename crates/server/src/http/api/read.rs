//! What can be read: status, trace, events, deliveries, quarantine, replays, audit, policies.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use model::view::{CauseGroup, DeliveryQuery, FeedRow, QuarantineQuery};
use model::{
    AuditRow, DeliveryId, EventId, Offset, Partition, PolicyVersion, Position, QuarantineRow, Replay, ReplayId, Scope,
    Timestamp,
};
use serde::Deserialize;

use crate::api::{Applied, DeliveryPage, DeliveryRow, EventSummary, ReplayPage, Rows, Status, SwitchLine, Trace};
use crate::app::App;
use crate::http::problem::Problem;
use crate::identity::Caller;
use crate::service;

type Page<T> = Result<Json<Rows<T>>, Problem>;
type Shared = State<Arc<App>>;

fn rows<T>(schema: &str, rows: Vec<T>, next: Option<String>) -> Json<Rows<T>> {
    Json(Rows { schema: format!("crossdock/{schema}/1"), rows, next })
}

/// Where a page begins and how long it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    cursor: Option<String>,
    limit: Option<usize>,
    subject: Option<String>,
    after: Option<u64>,
}

impl Paging {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, model::limit::PAGE_ROWS_MAX)
    }
}

pub(super) async fn status(State(app): Shared, caller: Caller) -> Result<Json<Status>, Problem> {
    caller.must(Scope::Read)?;
    Ok(Json(service::status::status(&app).await?))
}

pub(super) async fn trace(
    State(app): Shared,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<Trace>, Problem> {
    caller.must(Scope::Read)?;
    let found = service::trace::trace(&app, &reference).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("no event carries {reference:?}")))
}

pub(super) async fn events(State(app): Shared, caller: Caller, Query(paging): Query<Paging>) -> Page<EventSummary> {
    caller.must(Scope::Read)?;
    let before = match &paging.cursor {
        Some(text) => {
            Some(position(text).ok_or_else(|| Problem::new(400, "cursor", "this is no cursor of a page of events"))?)
        }
        None => None,
    };
    let records = app.ground.journal.recent(before, paging.limit()).await?;
    let next = (records.len() == paging.limit()).then(|| records.last().map(|record| record.position.to_string())).flatten();
    let summaries = records.iter().filter_map(|record| Some(service::trace::summary(record, record.entry.event()?)));
    Ok(rows("events", summaries.collect(), next))
}

fn position(text: &str) -> Option<Position> {
    let (partition, offset) = text.split_once(':')?;
    Some(Position { partition: Partition(partition.parse().ok()?), offset: Offset(offset.parse().ok()?) })
}

pub(super) async fn event(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<EventId>,
) -> Result<Json<EventSummary>, Problem> {
    caller.must(Scope::Read)?;
    let record = app.ground.journal.find(id).await?;
    let summary = record.as_ref().and_then(|record| Some(service::trace::summary(record, record.entry.event()?)));
    summary.map(Json).ok_or_else(|| Problem::not_found(format!("there is no event {id}")))
}

/// The bytes as they were received; never interpreted by a browser.
pub(super) async fn event_body(State(app): Shared, caller: Caller, Path(id): Path<EventId>) -> Result<Response, Problem> {
    caller.must(Scope::Bodies)?;
    let record = app.ground.journal.find(id).await?;
    let body = record.as_ref().and_then(|record| record.entry.event()).map(|event| event.body.clone());
    let body = body.ok_or_else(|| Problem::not_found(format!("there is no event {id}")))?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, body).into_response())
}

/// A delivery query as it stands in a URL: `states` is a list with commas.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeliveryFilter {
    states: Option<String>,
    #[serde(flatten)]
    rest: DeliveryFields,
}

/// The other fields, as text in a URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeliveryFields {
    flow: Option<model::FlowName>,
    destination: Option<model::DestinationName>,
    event: Option<EventId>,
    replay: Option<ReplayId>,
    cause: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    cursor: Option<String>,
    limit: Option<String>,
}

pub(super) async fn deliveries(
    State(app): Shared,
    caller: Caller,
    Query(filter): Query<DeliveryFilter>,
) -> Page<DeliveryRow> {
    caller.must(Scope::Read)?;
    let DeliveryFields { flow, destination, event, replay, cause, since, until, cursor, limit } = filter.rest;
    let limit = limit.and_then(|text| text.parse().ok()).unwrap_or(0);
    let states = words(filter.states);
    let query = DeliveryQuery { states, flow, destination, event, replay, cause, since, until, cursor, limit };
    let page = app.views.deliveries(query).await?;
    Ok(rows("deliveries", service::standing::rows(&app, page.rows), page.next))
}

fn words(list: Option<String>) -> Vec<String> {
    list.map(|list| list.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()).unwrap_or_default()
}

pub(super) async fn delivery(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryPage>, Problem> {
    caller.must(Scope::Read)?;
    let story = app.views.delivery_story(id).await?;
    let story = story.map(|story| Json(service::standing::page(&app, story)));
    story.ok_or_else(|| Problem::not_found(format!("there is no delivery {id}")))
}

pub(super) async fn causes(State(app): Shared, caller: Caller) -> Page<CauseGroup> {
    caller.must(Scope::Read)?;
    Ok(rows("causes", app.views.causes().await?, None))
}

/// Which quarantined events, as it stands in a URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct QuarantineFilter {
    states: Option<String>,
    source: Option<model::SourceName>,
    cursor: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn quarantine(
    State(app): Shared,
    caller: Caller,
    Query(filter): Query<QuarantineFilter>,
) -> Page<QuarantineRow> {
    caller.must(Scope::Read)?;
    let query = QuarantineQuery {
        states: words(filter.states),
        source: filter.source,
        cursor: filter.cursor,
        limit: filter.limit.unwrap_or(0),
    };
    let page = app.views.quarantine(query).await?;
    Ok(rows("quarantine", page.rows, page.next))
}

pub(super) async fn quarantined(
    State(app): Shared,
    caller: Caller,
    Path(event): Path<EventId>,
) -> Result<Json<QuarantineRow>, Problem> {
    caller.must(Scope::Read)?;
    let row = app.ground.ledger.quarantined(event).await?;
    row.map(Json).ok_or_else(|| {
        Problem::not_found(format!("the event {event} was never in quarantine, or the router has not reached it"))
    })
}

/// Without `after` the newest page is answered, so that a reader can begin at the end.
pub(super) async fn feed(State(app): Shared, caller: Caller, Query(paging): Query<Paging>) -> Page<FeedRow> {
    caller.must(Scope::Read)?;
    let after = match paging.after {
        Some(after) => after,
        None => app.views.feed_head().await?.saturating_sub(paging.limit() as u64),
    };
    let page = app.views.feed(after, paging.limit()).await?;
    let next = page.last().map_or(after, |row| row.seq).to_string();
    Ok(rows("feed", page, Some(next)))
}

pub(super) async fn audit(State(app): Shared, caller: Caller, Query(paging): Query<Paging>) -> Page<AuditRow> {
    caller.must(Scope::Read)?;
    let page = app.views.audit(paging.subject.clone(), paging.cursor.clone(), paging.limit()).await?;
    Ok(rows("audit", page.rows, page.next))
}

pub(super) async fn policies(State(app): Shared, caller: Caller, Query(paging): Query<Paging>) -> Page<Applied> {
    caller.must(Scope::Read)?;
    let present = app.ground.book.current().version;
    let applied = app.views.policies(paging.limit()).await?;
    let lines = applied.into_iter().map(|(version, at)| Applied { version, at, present: version == present });
    Ok(rows("policies", lines.collect(), None))
}

/// The files of a policy; `present` names the one that judges now.
pub(super) async fn policy(State(app): Shared, caller: Caller, Path(version): Path<String>) -> Page<(String, String)> {
    caller.must(Scope::Read)?;
    let version = match version.as_str() {
        "present" => app.ground.book.current().version,
        text => {
            PolicyVersion(text.parse().map_err(|_| Problem::new(400, "version", "a version has 64 hexadecimal digits"))?)
        }
    };
    let files = app.ground.ledger.policy(version).await?;
    let files = files.ok_or_else(|| Problem::not_found(format!("there is no policy {version}")))?;
    Ok(rows("policy", files, None))
}

pub(super) async fn replays(State(app): Shared, caller: Caller, Query(paging): Query<Paging>) -> Page<Replay> {
    caller.must(Scope::Read)?;
    Ok(rows("replays", app.views.replays(paging.limit()).await?, None))
}

pub(super) async fn replay(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<ReplayId>,
) -> Result<Json<ReplayPage>, Problem> {
    caller.must(Scope::Read)?;
    let story = app.views.replay_story(id).await?.ok_or_else(|| Problem::not_found(format!("there is no replay {id}")))?;
    let progress = app.ground.ledger.replay_progress(id).await?;
    Ok(Json(ReplayPage { story, progress }))
}

pub(super) async fn switches(State(app): Shared, caller: Caller) -> Page<SwitchLine> {
    caller.must(Scope::Read)?;
    let switches = app.ground.ledger.switches().await?.into_iter();
    Ok(rows("switches", switches.map(|(object, switch)| SwitchLine { object, switch }).collect(), None))
}
