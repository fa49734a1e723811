//! What can be read: status, trace, events, deliveries, quarantine, replays, audit, policies.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use model::view::{self, CauseGroup, FeedRow};
use model::{AuditRow, Body, DeliveryId, EventId, Fault, FaultKind, PolicyVersion, QuarantineRow, Replay, ReplayId};

use crate::api::queries::{
    AuditFilter, DeliveryFilter, EventPaging, FeedPaging, Paging, PolicyPaging, QuarantineFilter, rows_of_page,
};
use crate::api::{
    Applied, DeliveryPage, DeliveryRow, EventSummary, QuarantinePage, ReplayPage, Rows, Status, SwitchLine, Trace,
};
use crate::app::App;
use crate::http::conditions::Versioned;
use crate::http::parameters::{Path, Query};
use crate::http::problem::{Problem, kinds};
use crate::identity::Caller;
use crate::service::trace::Led;
use crate::service::{self, answers::Answers};

type Page<T> = Result<Json<Rows<T>>, Problem>;
type Shown<T> = Result<Versioned<Json<T>>, Problem>;
type Shared = State<Arc<App>>;

fn rows<T>(schema: &str, rows: Vec<T>, next: Option<String>) -> Json<Rows<T>> {
    Json(Rows { schema: format!("crossdock/{schema}/1"), rows, next, unreadable: Vec::new() })
}

/// The same of what a page of the store has. What of it cannot be read is told here as well as in the log.
fn page<T>(app: &App, schema: &str, page: view::Page<T>) -> Json<Rows<T>> {
    app.ground.facts.tell_unreadable(None, &page.unreadable);
    Json(Rows { unreadable: page.unreadable, ..rows(schema, page.rows, page.next).0 })
}

pub(super) async fn status(State(app): Shared, caller: Caller) -> Result<Json<Status>, Problem> {
    Ok(Json(service::status::status(&app, Answers::of(&caller)).await?))
}

pub(super) async fn trace(
    State(app): Shared,
    caller: Caller,
    Path(reference): Path<String>,
) -> Result<Json<Trace>, Problem> {
    match service::trace::trace(&app, &reference, Answers::of(&caller)).await? {
        Led::To(trace) => Ok(Json(*trace)),
        Led::Nowhere => Err(Problem::not_found(format!("no event carries {reference:?}"))),
        Led::Unsearched => Err(Problem::not_found(format!(
            "no event that was searched carries {reference:?}; the router is so far behind that not all that was accepted was \
             searched: ask again when the status shows less that is unrouted"
        ))),
    }
}

pub(super) async fn events(State(app): Shared, caller: Caller, Query(paging): Query<EventPaging>) -> Page<EventSummary> {
    let answers = Answers::of(&caller);
    let limit = rows_of_page(paging.limit);
    let found = service::recent::page(&app, paging.cursor.map(|cursor| cursor.0), limit).await?;
    let summaries =
        found.rows.iter().filter_map(|record| Some(service::trace::summary(record, record.entry.event()?, answers)));
    let rows = summaries.collect();
    Ok(page(&app, "events", view::Page { rows, next: found.next, unreadable: found.unreadable }))
}

pub(super) async fn event(
    State(app): Shared,
    caller: Caller,
    Path(id): Path<EventId>,
) -> Result<Json<EventSummary>, Problem> {
    let answers = Answers::of(&caller);
    let record = app.ground.journal.find(id).await?;
    let summary = record.as_ref().and_then(|record| Some(service::trace::summary(record, record.entry.event()?, answers)));
    summary.map(Json).ok_or_else(|| Problem::not_found(format!("there is no event {id}")))
}

/// The bytes as they were received; never interpreted by a browser.
pub(super) async fn event_body(State(app): Shared, Path(id): Path<EventId>) -> Result<Response, Problem> {
    let record = app.ground.journal.find(id).await?;
    let body = record.as_ref().and_then(|record| record.entry.event()).map(|event| event.body.clone());
    body.map(raw).ok_or_else(|| Problem::not_found(format!("there is no event {id}")))
}

fn raw(body: Body) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, body).into_response()
}

pub(super) async fn deliveries(
    State(app): Shared,
    caller: Caller,
    Query(filter): Query<DeliveryFilter>,
) -> Page<DeliveryRow> {
    let view::Page { rows, next, unreadable } = app.views.deliveries(filter.into()).await?;
    Ok(page(
        &app,
        "deliveries",
        view::Page { rows: service::standing::rows(&app, rows, Answers::of(&caller)).await?, next, unreadable },
    ))
}

pub(super) async fn delivery(State(app): Shared, caller: Caller, Path(id): Path<DeliveryId>) -> Shown<DeliveryPage> {
    let story =
        app.views.delivery_story(id).await?.ok_or_else(|| Problem::not_found(format!("there is no delivery {id}")))?;
    let version = story.delivery.version.to_string();
    Ok(Versioned(version, Json(service::standing::page_with_newer(&app, story, Answers::of(&caller)).await?)))
}

pub(super) async fn causes(State(app): Shared, caller: Caller) -> Page<CauseGroup> {
    let (found, answers) = (app.views.causes().await?, Answers::of(&caller));
    Ok(rows("causes", found.into_iter().map(|group| answers.of_group(group)).collect(), None))
}

pub(super) async fn quarantine(
    State(app): Shared,
    caller: Caller,
    Query(filter): Query<QuarantineFilter>,
) -> Page<QuarantineRow> {
    let (found, answers) = (app.views.quarantine(filter.into()).await?, Answers::of(&caller));
    let rows = found.rows.into_iter().map(|row| answers.of_row(row)).collect();
    Ok(page(&app, "quarantine", view::Page { rows, ..found }))
}

pub(super) async fn quarantined(State(app): Shared, caller: Caller, Path(event): Path<EventId>) -> Shown<QuarantinePage> {
    let missing = || format!("the event {event} was never in quarantine, or the router has not reached it");
    let row = app.ground.ledger.quarantined(event).await?.ok_or_else(|| Problem::not_found(missing()))?;
    let version = row.version.to_string();
    Ok(Versioned(version, Json(service::standing::kept(&app, row, Answers::of(&caller)).await?)))
}

/// What came under the key of a kept event later, as it was received.
pub(super) async fn later_body(State(app): Shared, Path(event): Path<EventId>) -> Result<Response, Problem> {
    let later = app.ground.ledger.later(event).await?;
    let missing = || Problem::not_found(format!("nothing that came under the key of the event {event} later is kept"));
    later.map(|later| raw(later.event.body)).ok_or_else(missing)
}

/// Without `after` the newest page is answered, so that a reader can begin at the end.
pub(super) async fn feed(State(app): Shared, caller: Caller, Query(paging): Query<FeedPaging>) -> Page<FeedRow> {
    let limit = rows_of_page(paging.limit);
    let after = match paging.after {
        Some(after) => after,
        None => app.views.feed_head().await?.saturating_sub(limit as u64),
    };
    let page = app.views.feed(after, limit).await?;
    let next = page.last().map_or(after, |row| row.seq).to_string();
    let answers = Answers::of(&caller);
    Ok(rows("feed", page.into_iter().map(|row| answers.of_feed(row)).collect(), Some(next)))
}

pub(super) async fn audit(State(app): Shared, Query(filter): Query<AuditFilter>) -> Page<AuditRow> {
    let cursor = filter.cursor.map(String::from);
    let page = app.views.audit(filter.subject, cursor, rows_of_page(filter.limit)).await?;
    Ok(rows("audit", page.rows, page.next))
}

pub(super) async fn policies(State(app): Shared, Query(paging): Query<PolicyPaging>) -> Page<Applied> {
    let present = present_policy(&app).await?;
    let page = app.views.policies(paging.cursor.map(String::from), rows_of_page(paging.limit)).await?;
    let lines = page.rows.into_iter().map(|(version, at)| Applied { version, at, present: version == present });
    Ok(rows("policies", lines.collect(), page.next))
}

/// The files of a policy; `present` names the one that judges now.
pub(super) async fn policy(State(app): Shared, Path(version): Path<String>) -> Shown<Rows<(String, String)>> {
    let version = match version.as_str() {
        "present" => present_policy(&app).await?,
        text => {
            let why = |_| Problem::bad_parameter("version", "a version has 64 hexadecimal digits, or is `present`");
            PolicyVersion(text.parse().map_err(why)?)
        }
    };
    let files = app.ground.ledger.policy(version).await?;
    let files = files.ok_or_else(|| Problem::not_found(format!("there is no policy {version}")))?;
    Ok(Versioned(version.to_string(), rows("policy", files, None)))
}

/// The policy that was applied last: the one that the next is applied onto.
async fn present_policy(app: &App) -> Result<PolicyVersion, Fault> {
    Ok(app.ground.ledger.in_force().await?.map_or(app.ground.book.current().version, |last| last.version))
}

pub(super) async fn replays(State(app): Shared, Query(paging): Query<Paging>) -> Page<Replay> {
    let limit = rows_of_page(paging.limit);
    Ok(page(&app, "replays", app.views.replays(paging.cursor.map(String::from), limit).await?))
}

pub(super) async fn replay(State(app): Shared, Path(id): Path<ReplayId>) -> Shown<ReplayPage> {
    let story = app.views.replay_story(id).await.map_err(|fault| unreadable_replay(id, fault))?;
    let story = story.ok_or_else(|| Problem::not_found(format!("there is no replay {id}")))?;
    let progress = app.ground.ledger.replay_progress(id).await?;
    Ok(Versioned(story.replay.version.to_string(), Json(ReplayPage { story, progress })))
}

/// A damaged replay sends nothing, and all that is left to do with it is to end it.
fn unreadable_replay(id: ReplayId, fault: Fault) -> Problem {
    let why = match &fault.source {
        Some(source) if fault.kind == FaultKind::Corrupt => source.to_string(),
        Some(_) | None => return fault.into(),
    };
    let what = format!(
        "the replay {id} cannot be read, so nothing of it is sent any more: {why}; if it runs, `crossdock replay cancel {id} --reason …` \
         ends it and lets go of the events that it keeps"
    );
    Problem::new(kinds::CORRUPT, what)
}

pub(super) async fn switches(State(app): Shared) -> Page<SwitchLine> {
    let switches = app.ground.ledger.switches().await?.into_iter();
    Ok(rows("switches", switches.map(|(object, switch)| SwitchLine { object, switch }).collect(), None))
}
