//! Pages for people, from the same rows.

use std::collections::BTreeSet;
use std::iter;

use model::limit::PAGE_ROWS_MAX;
use model::view::{Backlog, DeliveryQuery, DeliveryStory, EventStory, Page, QuarantineQuery, ReplayStory};
use model::{
    Attempt, AttemptResult, AuditRow, Delivery, DeliveryId, Digest, EventId, Lease, PolicyVersion, QuarantineRow,
    QuarantineState, Replay, ReplayId, Timestamp,
};
use rusqlite::{Connection, Params, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, count, len, statements};
use super::beside::parse;
use super::deliveries::attempt_id;
use super::names::NameTexts;
use super::pages::{BOTTOM, Condition, Place, Question, Rows, TOP, page, page_rows, place_of};
use super::quarantine;
use super::read::{self, policy_version, texts};
use super::rows::{Row, STATE_WORDS, columns, decode};

statements! {
    ATTEMPTS = "SELECT id, started_at, node, life, ended_at, outcome, output, response, response_cut FROM attempts
        WHERE id > $1 AND id < $2 ORDER BY id";
    EVENT_DELIVERIES = concat!("SELECT ", columns!(), " FROM deliveries WHERE event = $1 ORDER BY created_at, id");
    AUDIT_OF = "SELECT content FROM audit WHERE subject = $1";
    BACKLOG = "SELECT destination, flow, sum(CASE WHEN node IS NULL THEN 1 ELSE 0 END), count(node),
        min(CASE WHEN node IS NULL THEN created_at END), min(CASE WHEN ready = 1 THEN state_at END)
        FROM deliveries WHERE is_final = 0 AND state = 0
        GROUP BY destination, flow";
    AUDIT = "SELECT content FROM audit WHERE (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3";
    AUDIT_OF_SUBJECT = "SELECT content FROM audit WHERE subject = $4 AND (at, id) < ($1, $2)
        ORDER BY at DESC, id DESC LIMIT $3";
    POLICIES = "SELECT version, at FROM policies WHERE (at, version) < ($1, $2) ORDER BY at DESC, version DESC LIMIT $3";
}

const DELIVERIES: Rows =
    Rows { table: "deliveries", noun: "delivery", columns: columns!(), place: ("created_at", "id"), key: "seq" };
const REPLAYS: Rows = Rows { table: "replays", noun: "replay", columns: "content", place: ("created_at", "id"), key: "id" };
const QUARANTINE: Rows =
    Rows { table: "quarantine", noun: "quarantined event", columns: "content", place: ("at", "event"), key: "event" };

/// Deliveries, newest first. At most `walk` of them are looked at.
pub(super) fn deliveries(
    conn: &Connection,
    names: &NameTexts,
    query: &DeliveryQuery,
    walk: usize,
) -> Result<Page<Delivery>, Broken> {
    let Some(below) = place_of(query.cursor.as_deref(), TOP) else { return Ok(Page::default()) };
    let limit = page_rows(query.limit);
    let question = of_deliveries(query, below, (limit + 1, walk));
    let found = DELIVERIES.find(conn, &question, |row| Ok(decode(row, names)?.delivery))?;
    Ok(found.page(limit, |it| (it.created_at.micros(), it.id.0)))
}

/// The states that wait for a person.
const OF_PERSONS: [&str; 2] = ["held", "dead_lettered"];
/// Those and the one that nobody waits for: all that is not over.
const OPEN: [&str; 3] = ["waiting", "held", "dead_lettered"];

fn of_deliveries(query: &DeliveryQuery, below: Place, (rows, walk): (usize, usize)) -> Question {
    let named = named(query);
    let all_in = |words: &[&str]| !query.states.is_empty() && query.states.iter().all(|word| words.contains(&word.as_str()));
    let has_own_index = query.event.is_some() || query.replay.is_some();
    let is_for_all = named.is_empty() && query.states.is_empty();
    let mut question = Question {
        index: None,
        conditions: named,
        few: None,
        from: query.since.map_or(BOTTOM, start_of),
        below: query.until.map_or(below, |until| below.min(start_of(until))),
        rows,
        walk: Some(walk).filter(|_| !has_own_index && !is_for_all),
    };
    if all_in(&OF_PERSONS) && !has_own_index {
        // The bare column would lead to the index by cause, which is in no order of time.
        question.conditions.extend(of_states("state + 0", &query.states));
        question.index = Some("person = 1");
        question.few = Some(of_a_cause(query));
    } else {
        question.conditions.extend(of_states("state", &query.states));
        question.few = (all_in(&OPEN) && !has_own_index).then(|| vec![Condition::plain("is_final = 0")]);
    }
    question
}

/// What names one thing: an event, a replay, a flow, a destination, a cause.
fn named(query: &DeliveryQuery) -> Vec<Condition> {
    let conditions = [
        query.event.map(|event| Condition::of("event = $", event.bytes().to_vec())),
        query.replay.map(|replay| Condition::of("replay = $", replay.bytes().to_vec())),
    ];
    conditions.into_iter().chain(of_flow_destination_cause(query)).flatten().collect()
}

fn of_flow_destination_cause(query: &DeliveryQuery) -> [Option<Condition>; 3] {
    const FLOW: &str = "flow = (SELECT id FROM names WHERE name = $)";
    const DESTINATION: &str = "destination = (SELECT id FROM names WHERE name = $)";
    [
        query.flow.as_ref().map(|flow| Condition::of(FLOW, flow.to_string())),
        query.destination.as_ref().map(|destination| Condition::of(DESTINATION, destination.to_string())),
        query.cause.as_ref().map(|cause| Condition::of("cause = $", cause.clone())),
    ]
}

/// What the index by cause leads to: a condition that does not follow the one before it would be asked of every row.
fn of_a_cause(query: &DeliveryQuery) -> Vec<Condition> {
    let in_order = of_flow_destination_cause(query).into_iter().map_while(|condition| condition);
    iter::once(Condition::plain("person = 1")).chain(of_states("state", &query.states)).chain(in_order).collect()
}

fn of_states(column: &str, words: &[String]) -> Option<Condition> {
    if words.is_empty() {
        return None;
    }
    let is_wanted = |word: &&str| words.iter().any(|wanted| wanted == word);
    let numbers: Vec<String> =
        (0_usize..).zip(STATE_WORDS).filter(|(_, word)| is_wanted(word)).map(|(number, _)| number.to_string()).collect();
    Some(Condition::plain(format!("{column} IN ({})", numbers.join(", "))))
}

/// The place below which everything is earlier.
fn start_of(at: Timestamp) -> Place {
    (at.micros(), Uuid::nil())
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

/// Quarantined events, newest first. At most `walk` of them are looked at.
pub(super) fn quarantine(conn: &Connection, query: &QuarantineQuery, walk: usize) -> Result<Page<QuarantineRow>, Broken> {
    let Some(below) = place_of(query.cursor.as_deref(), TOP) else { return Ok(Page::default()) };
    let limit = page_rows(query.limit);
    let of_source = query.source.as_ref().map(|source| Condition::of("source = $", source.to_string()));
    let open = || iter::once(Condition::plain("state = 'open'"));
    let question = Question {
        index: None,
        conditions: of_source.iter().cloned().chain(of_quarantine_states(&query.states)).collect(),
        few: (query.states == ["open"]).then(|| open().chain(of_source.clone()).collect()),
        from: BOTTOM,
        below,
        rows: limit + 1,
        walk: Some(walk).filter(|_| of_source.is_some() || !query.states.is_empty()),
    };
    Ok(QUARANTINE.find(conn, &question, content)?.page(limit, |row: &QuarantineRow| (row.at.micros(), row.event.0)))
}

fn of_quarantine_states(words: &[String]) -> Option<Condition> {
    let is_wanted = |word: &&str| words.iter().any(|wanted| wanted == word);
    let known: Vec<String> = QuarantineState::WORDS.into_iter().filter(is_wanted).map(|word| format!("'{word}'")).collect();
    // The bare column would lead to the index of what is open, which is in no order of time.
    (!words.is_empty()).then(|| Condition::plain(format!("state || '' IN ({})", known.join(", "))))
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
pub(super) fn replays(conn: &Connection, after: Option<&str>, limit: usize) -> Result<Page<Replay>, Broken> {
    let Some(below) = place_of(after, TOP) else { return Ok(Page::default()) };
    let limit = page_rows(limit);
    let question =
        Question { index: None, conditions: Vec::new(), few: None, from: BOTTOM, below, rows: limit + 1, walk: None };
    Ok(REPLAYS.find(conn, &question, content)?.page(limit, |row: &Replay| (row.created_at.micros(), row.id.0)))
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
    let Some(below) = place_of(cursor, TOP) else { return Ok(Page::default()) };
    let limit = page_rows(limit);
    let (before, id, rows) = (below.0, below.1.into_bytes(), len(limit + 1));
    let rows = match subject {
        Some(subject) => parse_all(conn, AUDIT_OF_SUBJECT, params![before, id, rows, subject])?,
        None => parse_all(conn, AUDIT, params![before, id, rows])?,
    };
    Ok(page(rows, limit, |row: &AuditRow| (row.at.micros(), row.id.0)))
}

/// Policies that were applied, newest first.
pub(super) fn policies(
    conn: &Connection,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<(PolicyVersion, Timestamp)>, Broken> {
    let Some(below) = place_of(cursor, (i64::MAX, Digest([u8::MAX; 32]))) else { return Ok(Page::default()) };
    let limit = page_rows(limit);
    let mut statement = conn.prepare_cached(POLICIES)?;
    let mut rows = statement.query(params![below.0, below.1.to_string(), len(limit + 1)])?;
    let mut policies = Vec::new();
    while let Some(row) = rows.next()? {
        let version: String = row.get(0)?;
        policies.push((policy_version(&version)?, at(row.get(1)?)));
    }
    Ok(page(policies, limit, |(version, at)| (at.micros(), version.0)))
}

fn content<T: serde::de::DeserializeOwned>(row: &rusqlite::Row<'_>) -> Result<T, Broken> {
    parse(row.get_ref(0)?.as_str().map_err(Broken::corrupt)?)
}

fn parse_all<T: serde::de::DeserializeOwned>(conn: &Connection, sql: &str, values: impl Params) -> Result<Vec<T>, Broken> {
    texts(conn, sql, values)?.iter().map(|row| parse(row)).collect()
}

#[cfg(test)]
mod tests;
