//! Quarantined events: a row for each, moved with its counter, and what came under their keys later, in a table beside them.

use bytes::Bytes;
use model::account::ROUTER;
use model::limit::TRIM_ROWS_MAX;
use model::{Bucket, Consumer, EventId, Later, LaterEvent, Origin, Position, QuarantineRow, QuarantineState, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::sql::{int, len, statements};
use super::beside::{json, parse};
use super::read::name;
use super::rows::origin;
use super::state::State;
use super::step::Step;

statements! {
    PUT = "INSERT INTO quarantine (event, at, part, pos, source, origin, owner, code, state, version, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (event) DO NOTHING";
    ROW = "SELECT content FROM quarantine WHERE event = $1";
    MOVE = "UPDATE quarantine SET state = $2, version = $3, content = $4 WHERE event = $1";
    SETTLED = "SELECT event, origin, state FROM quarantine WHERE state <> 'open' AND at < $1 ORDER BY at, event";
    DELETE_SETTLED = "DELETE FROM quarantine WHERE event = $1";
    PUT_LATER = "INSERT INTO later (event, at, summary, head, body) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (event) DO UPDATE SET at = $2, summary = $3, head = $4, body = $5";
    SUMMARY = "SELECT summary FROM later WHERE event = $1";
    LATER = "SELECT head, body FROM later WHERE event = $1";
    DELETE_LATER = "DELETE FROM later WHERE event = $1";
    DELETE_OLD_LATER = "DELETE FROM later WHERE event IN (SELECT l.event FROM later l JOIN quarantine q ON q.event = l.event
        WHERE l.at < $1 AND q.state <> 'open' ORDER BY l.at, l.event LIMIT $2)";
}

impl Step<'_> {
    /// See [`model::Change::Quarantine`].
    pub(super) fn quarantine(&mut self, row: &QuarantineRow) -> Result<(), Broken> {
        let row = &QuarantineRow { later: self.attached(row.event)?, ..row.clone() };
        let written = self.write(
            PUT,
            params![
                row.event.bytes(),
                row.at.micros(),
                row.position.partition.0,
                int(row.position.offset.0),
                row.source.as_str(),
                len(row.origin.index()),
                row.owner.as_str(),
                row.cause(),
                row.state.word(),
                int(row.version),
                json(row)?
            ],
        )?;
        if written == 1 {
            self.state.numbers.enter(row.origin, bucket(&row.state), 1);
        }
        Ok(())
    }

    /// See [`model::Change::QuarantineMove`].
    pub(super) fn quarantine_move(&mut self, event: EventId, to: &QuarantineState) -> Result<(), Broken> {
        let row = row(self.conn, event)?.ok_or(Broken::Conflict("there is no such quarantined event"))?;
        self.state.numbers.shift(row.origin, bucket(&row.state), bucket(to))?;
        let revision = row.revision + u32::from(matches!(to, QuarantineState::Resubmitted { .. }));
        self.rewrite(&QuarantineRow { state: to.clone(), revision, version: row.version + 1, ..row })
    }

    /// See [`model::Change::Attach`].
    pub(super) fn attach(&mut self, to: EventId, at: Position, later: &LaterEvent) -> Result<(), Broken> {
        let row = row(self.conn, to)?;
        if row.as_ref().is_some_and(|row| row.state != QuarantineState::Open) {
            return Err(Broken::Conflict("the quarantined event is settled"));
        }
        let router = Consumer::new(ROUTER).expect("a literal name");
        let routed_to = self.state.cursors.get(&(router, at.partition)).unwrap_or_default();
        if row.is_none() && at.offset <= routed_to {
            return Err(Broken::Conflict("the event does not wait in quarantine"));
        }
        let before = self.attached(to)?;
        if before.as_ref().is_some_and(|before| before.digest == later.event.digest) {
            return Ok(());
        }
        if before.as_ref().is_some_and(|before| !before.gives_way(later.event.received_at)) {
            return Err(Broken::Conflict("too many came to the quarantined event"));
        }
        let summary = later.summary(before.map_or(0, |before| before.count));
        let encoded = later.encode().map_err(Broken::corrupt)?;
        let columns = params![to.bytes(), summary.at.micros(), json(&summary)?, encoded.head, &encoded.body[..]];
        self.write(PUT_LATER, columns)?;
        match row {
            Some(row) => self.rewrite(&QuarantineRow { later: Some(summary), version: row.version + 1, ..row }),
            None => Ok(()),
        }
    }

    fn rewrite(&mut self, row: &QuarantineRow) -> Result<(), Broken> {
        self.write(MOVE, params![row.event.bytes(), row.state.word(), int(row.version), json(row)?]).map(drop)
    }

    fn attached(&self, to: EventId) -> Result<Option<Later>, Broken> {
        let mut read = self.conn.prepare_cached(SUMMARY)?;
        let found: Option<String> = read.query_row([to.bytes()], |row| row.get(0)).optional()?;
        found.map(|summary| parse(&summary)).transpose()
    }
}

/// A quarantined event.
pub(super) fn row(conn: &Connection, event: EventId) -> Result<Option<QuarantineRow>, Broken> {
    let found: Option<String> = conn.prepare_cached(ROW)?.query_row([event.bytes()], |row| row.get(0)).optional()?;
    found.map(|row| parse(&row)).transpose()
}

/// What is attached to a quarantined event.
pub(super) fn later(conn: &Connection, of: EventId) -> Result<Option<LaterEvent>, Broken> {
    let mut read = conn.prepare_cached(LATER)?;
    let found: Option<(Vec<u8>, Vec<u8>)> = read.query_row([of.bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found.map(|(head, body)| LaterEvent::decode(&head, Bytes::from(body)).map_err(Broken::corrupt)).transpose()
}

/// Removes at most a step of settled rows, with what is attached to them. What they count as stands in columns of its own, so that
/// one whose content is damaged goes like any other.
pub(super) fn trim(
    conn: &Connection,
    state: &mut State,
    before: Timestamp,
    unreadable: &mut Vec<String>,
) -> Result<usize, Broken> {
    let mut select = conn.prepare_cached(SETTLED)?;
    let mut rows = select.query([before.micros()])?;
    let mut settled: Vec<([u8; 16], Origin, Bucket)> = Vec::new();
    while settled.len() < TRIM_ROWS_MAX
        && let Some(row) = rows.next()?
    {
        let event = row.get(0)?;
        match origin(row.get(1)?).and_then(|from| Ok((from, bucket_of(row.get_ref(2)?.as_str().map_err(Broken::corrupt)?)?)))
        {
            Ok((from, bucket)) => settled.push((event, from, bucket)),
            Err(broken) => name(unreadable, format!("quarantined event {}: {broken}", Uuid::from_bytes(event))),
        }
    }
    drop(rows);
    for (event, from, bucket) in &settled {
        state.numbers.trimmed[from.index()].0[bucket.index()] += 1;
        conn.prepare_cached(DELETE_SETTLED)?.execute([event])?;
        conn.prepare_cached(DELETE_LATER)?.execute([event])?;
    }
    Ok(settled.len())
}

/// The bucket of a settled entry by the word of its state.
fn bucket_of(state: &str) -> Result<Bucket, Broken> {
    Ok(match state {
        "resubmitted" => Bucket::Resubmitted,
        "released" => Bucket::Released,
        "closed" => Bucket::Closed,
        other => return Err(Broken::Corrupt(format!("there is no state {other}"))),
    })
}

/// Removes at most so much of what is attached to settled rows, before these may go.
pub(super) fn trim_later(conn: &Connection, before: Timestamp, rows: usize) -> Result<usize, Broken> {
    Ok(conn.prepare_cached(DELETE_OLD_LATER)?.execute([before.micros(), len(rows)])?)
}

/// The bucket of an entry in this state.
pub(super) const fn bucket(state: &QuarantineState) -> Bucket {
    match state {
        QuarantineState::Open => Bucket::Quarantined,
        QuarantineState::Resubmitted { .. } => Bucket::Resubmitted,
        QuarantineState::Released { .. } => Bucket::Released,
        QuarantineState::Closed { .. } => Bucket::Closed,
    }
}
