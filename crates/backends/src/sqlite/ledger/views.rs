//! Pages for people, from the same rows.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use model::limit::PAGE_ROWS_MAX;
use model::view::{Backlog, DeliveryQuery, DeliveryStory, EventStory, Page, QuarantineQuery, ReplayStory};
use model::{
    Attempt, AttemptResult, AuditRow, Delivery, DeliveryId, Digest, EventId, Lease, PolicyVersion, QuarantineRow, Replay,
    ReplayId, Timestamp,
};
use rusqlite::{Connection, Params, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, count, len, statements};
use super::beside::parse;
use super::deliveries::attempt_id;
use super::names::NameTexts;
use super::quarantine;
use super::read::{self, policy_version, texts};
use super::rows::{Row, STATE_WORDS, columns, decode};

statements! {
    DELIVERIES = concat!("SELECT ", columns!(), " FROM deliveries WHERE ");
    DELIVERIES_END = " ORDER BY created_at DESC, id DESC LIMIT $10";
    OF_FLOW = "flow = (SELECT id FROM names WHERE name = $1)";
    OF_DESTINATION = "destination = (SELECT id FROM names WHERE name = $2)";
    OF_EVENT = "event = $3";
    OF_REPLAY = "replay = $4";
    OF_CAUSE = "cause = $5";
    SINCE = "created_at >= $6";
    UNTIL = "created_at < $7";
    BELOW = "(created_at, id) < ($8, $9)";
    ATTEMPTS = "SELECT id, started_at, node, life, ended_at, outcome, output, response, response_cut FROM attempts
        WHERE id > $1 AND id < $2 ORDER BY id";
    EVENT_DELIVERIES = concat!("SELECT ", columns!(), " FROM deliveries WHERE event = $1 ORDER BY created_at, id");
    AUDIT_OF = "SELECT content FROM audit WHERE subject = $1";
    QUARANTINE = "SELECT content FROM quarantine WHERE (at, event) < ($1, $2) AND ($3 IS NULL OR source = $3)
        ORDER BY at DESC, event DESC";
    BACKLOG = "SELECT destination, flow, sum(CASE WHEN node IS NULL THEN 1 ELSE 0 END), count(node),
        min(CASE WHEN node IS NULL THEN created_at END), min(CASE WHEN ready = 1 THEN state_at END)
        FROM deliveries WHERE is_final = 0 AND state = 0
        GROUP BY destination, flow";
    REPLAYS = "SELECT content FROM replays ORDER BY created_at DESC, id DESC LIMIT $1";
    AUDIT = "SELECT content FROM audit WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3";
    AUDIT_OF_SUBJECT = "SELECT content FROM audit WHERE subject = $4 AND (at, id) < ($1, $2)
        ORDER BY at DESC, id DESC LIMIT $3";
    POLICIES = "SELECT version, at FROM policies ORDER BY at DESC, version DESC LIMIT $1";
}

/// LIMIT: rows of a page whose question names no number.
const PAGE_ROWS: usize = 50;

/// The place of a row in a page: its time and its id. Newer rows never change what is below it.
type Place = (i64, Uuid);

/// Above every row.
const TOP: Place = (i64::MAX, Uuid::max());

/// Deliveries, newest first.
pub(super) fn deliveries(conn: &Connection, names: &NameTexts, query: &DeliveryQuery) -> Result<Page<Delivery>, Broken> {
    let Some(below) = place_of(query.cursor.as_deref()) else { return Ok(Page::default()) };
    let rows = page_rows(query.limit);
    let mut conditions = vec![BELOW.to_owned()];
    let given = [
        (query.flow.is_some(), OF_FLOW),
        (query.destination.is_some(), OF_DESTINATION),
        (query.event.is_some(), OF_EVENT),
        (query.replay.is_some(), OF_REPLAY),
        (query.cause.is_some(), OF_CAUSE),
        (query.since.is_some(), SINCE),
        (query.until.is_some(), UNTIL),
    ];
    conditions.extend(given.iter().filter(|(given, _)| *given).map(|(_, condition)| (*condition).to_owned()));
    conditions.extend(of_states(&query.states));
    let sql = format!("{DELIVERIES}{}{DELIVERIES_END}", conditions.join(" AND "));
    let mut statement = conn.prepare_cached(&sql)?;
    let mut found = statement.query(params![
        query.flow.as_ref().map(model::FlowName::as_str),
        query.destination.as_ref().map(model::DestinationName::as_str),
        query.event.map(EventId::bytes),
        query.replay.map(ReplayId::bytes),
        query.cause,
        query.since.map(Timestamp::micros),
        query.until.map(Timestamp::micros),
        below.0,
        below.1.into_bytes(),
        len(rows + 1),
    ])?;
    let mut deliveries = Vec::new();
    while let Some(row) = found.next()? {
        deliveries.push(decode(row, names)?.delivery);
    }
    Ok(page(deliveries, rows, |it| (it.created_at.micros(), it.id.0)))
}

/// The condition for states by their words; those that wait for a person have an index of their own.
fn of_states(words: &[String]) -> Option<String> {
    if words.is_empty() {
        return None;
    }
    let is_wanted = |word: &&str| words.iter().any(|wanted| wanted == word);
    let numbers: Vec<String> =
        (0_usize..).zip(STATE_WORDS).filter(|(_, word)| is_wanted(word)).map(|(number, _)| number.to_string()).collect();
    let person = numbers.iter().all(|number| number == "1" || number == "3");
    let only = if person && !numbers.is_empty() { "person = 1 AND " } else { "" };
    Some(format!("{only}state IN ({})", numbers.join(", ")))
}

/// A delivery with its attempts.
pub(super) fn delivery_story(conn: &Connection, names: &NameTexts, id: DeliveryId) -> Result<Option<DeliveryStory>, Broken> {
    snapshot(conn, || Row::find(conn, names, id)?.map(|row| story(conn, names, row)).transpose())
}

fn story(conn: &Connection, names: &NameTexts, row: Row) -> Result<DeliveryStory, Broken> {
    let mut attempts = Vec::new();
    let mut statement = conn.prepare_cached(ATTEMPTS)?;
    let mut rows = statement.query([attempt_id(row.seq, 0), attempt_id(row.seq + 1, 0)])?;
    while let Some(found) = rows.next()? {
        let no = found.get::<_, i64>(0)? - attempt_id(row.seq, 0);
        let outcome: String = found.get(5)?;
        let output: Option<[u8; 32]> = found.get(6)?;
        let result = AttemptResult {
            ended_at: at(found.get(4)?),
            outcome: parse(&outcome)?,
            output: output.map(Digest),
            response: found.get(7)?,
            response_cut: found.get(8)?,
        };
        attempts.push(Attempt {
            delivery: row.delivery.id,
            no: u32::try_from(no).map_err(Broken::corrupt)?,
            started_at: at(found.get(1)?),
            lease: Lease { node: names.name(found.get(2)?)?, incarnation: count(found.get(3)?) },
            result: Some(result),
        });
    }
    if let (Some(lease), Some(started_at)) = (row.delivery.lease.clone(), row.started_at) {
        let (delivery, no) = (row.delivery.id, row.delivery.attempts);
        attempts.push(Attempt { delivery, no, started_at, lease, result: None });
    }
    Ok(DeliveryStory { delivery: row.delivery, attempts })
}

/// All about an event.
pub(super) fn event_story(conn: &Connection, names: &NameTexts, event: EventId) -> Result<EventStory, Broken> {
    snapshot(conn, || {
        let mut statement = conn.prepare_cached(EVENT_DELIVERIES)?;
        let mut rows = statement.query([event.bytes()])?;
        let mut deliveries = Vec::new();
        while let Some(row) = rows.next()? {
            deliveries.push(story(conn, names, decode(row, names)?)?);
        }
        let subjects: BTreeSet<String> =
            deliveries.iter().map(|story| story.delivery.id.to_string()).chain([event.to_string()]).collect();
        let mut audit: Vec<AuditRow> = Vec::new();
        for subject in subjects {
            audit.extend(parse_all::<AuditRow>(conn, AUDIT_OF, [subject])?);
        }
        audit.sort_by_key(|row| (row.at, row.id));
        Ok(EventStory { quarantine: quarantine::row(conn, event)?, deliveries, audit })
    })
}

/// Quarantined events, newest first.
pub(super) fn quarantine(conn: &Connection, query: &QuarantineQuery) -> Result<Page<QuarantineRow>, Broken> {
    let Some(below) = place_of(query.cursor.as_deref()) else { return Ok(Page::default()) };
    let limit = page_rows(query.limit);
    let mut statement = conn.prepare_cached(QUARANTINE)?;
    let source = query.source.as_ref().map(model::SourceName::as_str);
    let mut found = statement.query(params![below.0, below.1.into_bytes(), source])?;
    let mut rows: Vec<QuarantineRow> = Vec::new();
    while let (Some(row), true) = (found.next()?, rows.len() <= limit) {
        let row: QuarantineRow = parse(row.get_ref(0)?.as_str().map_err(Broken::corrupt)?)?;
        if query.states.is_empty() || query.states.iter().any(|word| word == row.state.word()) {
            rows.push(row);
        }
    }
    Ok(page(rows, limit, |row| (row.at.micros(), row.event.0)))
}

/// Work per destination and flow.
pub(super) fn backlog(conn: &Connection, names: &NameTexts) -> Result<Vec<Backlog>, Broken> {
    let mut statement = conn.prepare_cached(BACKLOG)?;
    let mut rows = statement.query([])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let (oldest, next): (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        lines.push(Backlog {
            destination: names.name(row.get(0)?)?,
            flow: names.name(row.get(1)?)?,
            waiting: count(row.get(2)?),
            leased: count(row.get(3)?),
            oldest_at: oldest.map(at),
            next_due: next.map(at),
        });
    }
    lines.sort_by(|one, two| (&one.destination, &one.flow).cmp(&(&two.destination, &two.flow)));
    Ok(lines)
}

/// Replays, newest first.
pub(super) fn replays(conn: &Connection, limit: usize) -> Result<Vec<Replay>, Broken> {
    parse_all(conn, REPLAYS, [len(limit)])
}

/// A replay with its first members.
pub(super) fn replay_story(conn: &Connection, id: ReplayId) -> Result<Option<ReplayStory>, Broken> {
    snapshot(conn, || {
        let Some(replay) = read::replay(conn, id)? else { return Ok(None) };
        Ok(Some(ReplayStory { replay, members: read::members(conn, id, 0, PAGE_ROWS_MAX)? }))
    })
}

/// The audit, newest first.
pub(super) fn audit(
    conn: &Connection,
    subject: Option<&str>,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<AuditRow>, Broken> {
    let Some(below) = place_of(cursor) else { return Ok(Page::default()) };
    let limit = page_rows(limit);
    let (before, id, rows) = (below.0, below.1.into_bytes(), len(limit + 1));
    let rows = match subject {
        Some(subject) => parse_all(conn, AUDIT_OF_SUBJECT, params![before, id, rows, subject])?,
        None => parse_all(conn, AUDIT, params![before, id, rows])?,
    };
    Ok(page(rows, limit, |row: &AuditRow| (row.at.micros(), row.id.0)))
}

/// Policies that were applied, newest first.
pub(super) fn policies(conn: &Connection, limit: usize) -> Result<Vec<(PolicyVersion, Timestamp)>, Broken> {
    let mut statement = conn.prepare_cached(POLICIES)?;
    let mut rows = statement.query([len(limit)])?;
    let mut policies = Vec::new();
    while let Some(row) = rows.next()? {
        let version: String = row.get(0)?;
        policies.push((policy_version(&version)?, at(row.get(1)?)));
    }
    policies.sort_by_key(|(version, at)| Reverse((*at, *version)));
    Ok(policies)
}

fn parse_all<T: serde::de::DeserializeOwned>(conn: &Connection, sql: &str, values: impl Params) -> Result<Vec<T>, Broken> {
    texts(conn, sql, values)?.iter().map(|row| parse(row)).collect()
}

fn page_rows(limit: usize) -> usize {
    if limit == 0 { PAGE_ROWS } else { limit.min(PAGE_ROWS_MAX) }
}

/// A page of rows of which one more than its limit was read.
fn page<T>(mut rows: Vec<T>, limit: usize, place: impl Fn(&T) -> Place) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last() } else { None };
    let next = last.map(|row| {
        let (micros, id) = place(row);
        format!("{micros}.{id}")
    });
    Page { rows, next }
}

/// The place that a cursor names, or the top; `None` for a cursor that no page gave out.
fn place_of(cursor: Option<&str>) -> Option<Place> {
    let Some(cursor) = cursor else { return Some(TOP) };
    let (micros, id) = cursor.split_once('.')?;
    Some((micros.parse().ok()?, id.parse().ok()?))
}
