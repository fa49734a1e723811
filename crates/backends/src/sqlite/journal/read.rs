//! What is asked of the journal's file, on a reader's connection.

use std::sync::Arc;

use bytes::Bytes;
use model::account::Census;
use model::{Digest, Entry, EventId, Offset, Partition, PolicyVersion, Position, Record, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at as instant, count, int, len, statements};
use super::super::window::page;
use super::trim;

statements! {
    AFTER = "SELECT r.place, r.at, p.version, r.emitted, r.head, r.body FROM records r JOIN policies p ON p.id = r.policy
        WHERE r.place > $1 ORDER BY r.place LIMIT $2";
    BEFORE = "SELECT r.place, r.at, p.version, r.emitted, r.head, r.body FROM records r JOIN policies p ON p.id = r.policy
        WHERE r.place < $1 ORDER BY r.place DESC LIMIT $2";
    AT = "SELECT r.place, r.at, p.version, r.emitted, r.head, r.body FROM records r JOIN policies p ON p.id = r.policy
        WHERE r.place = $1";
    KEPT_AT = "SELECT r.place, r.at, p.version, r.emitted, r.head, r.body FROM kept r JOIN policies p ON p.id = r.policy
        WHERE r.place = $1";
    OF_EVENT = "SELECT place FROM records WHERE event = $1 UNION ALL SELECT place FROM kept WHERE event = $1
        ORDER BY 1 LIMIT 1";
    OLDEST = "SELECT at FROM records ORDER BY place LIMIT 1";
    MARK_BELOW = "SELECT place, live, replay, synthetic FROM marks WHERE place <= $1 ORDER BY place DESC LIMIT 1";
    FIRST_MARK = "SELECT place, live, replay, synthetic FROM marks ORDER BY place LIMIT 1";
    LAST_MARK = "SELECT place, live, replay, synthetic FROM marks ORDER BY place DESC LIMIT 1";
    COUNT = "SELECT accepted, count(*) FROM records WHERE place > $1 AND place <= $2 AND accepted IS NOT NULL GROUP BY accepted";
}

/// Records after an offset.
pub(super) fn after(conn: &Connection, after: Offset, records: usize) -> Result<Vec<Arc<Record>>, Broken> {
    list(conn, AFTER, int(after.0), records, true)
}

/// Records before an offset, newest first.
pub(super) fn before(conn: &Connection, before: Option<Offset>, records: usize) -> Result<Vec<Arc<Record>>, Broken> {
    list(conn, BEFORE, before.map_or(i64::MAX, |offset| int(offset.0)), records, false)
}

/// The record at an offset, live or kept.
pub(super) fn at(conn: &Connection, offset: Offset) -> Result<Option<Arc<Record>>, Broken> {
    snapshot(conn, || one(conn, offset))
}

/// The record that carries an event.
pub(super) fn of_event(conn: &Connection, event: EventId) -> Result<Option<Arc<Record>>, Broken> {
    snapshot(conn, || {
        let mut find = conn.prepare_cached(OF_EVENT)?;
        let place: Option<i64> = find.query_row([event.bytes()], |row| row.get(0)).optional()?;
        place.map_or(Ok(None), |place| one(conn, Offset(count(place))))
    })
}

/// When the oldest live record was appended, and the first offset that is still there.
pub(super) fn oldest(conn: &Connection) -> Result<(Option<Timestamp>, Offset), Broken> {
    snapshot(conn, || {
        let oldest: Option<i64> = conn.prepare_cached(OLDEST)?.query_row([], |row| row.get(0)).optional()?;
        Ok((oldest.map(instant), Offset(trim::trimmed(conn)?.0 + 1)))
    })
}

/// Accepted entries, and those above the cursor.
pub(super) fn census(conn: &Connection, cursor: Offset) -> Result<Census, Broken> {
    snapshot(conn, || {
        let accepted = mark(conn, LAST_MARK, None)?.map_or([0; 3], |(_, totals)| totals);
        let passed = accepted_up_to(conn, cursor)?;
        let mut unrouted = accepted;
        for (open, passed) in unrouted.iter_mut().zip(passed) {
            *open = open.saturating_sub(passed);
        }
        Ok(Census { accepted, unrouted })
    })
}

/// Accepted entries up to and including an offset; below the floor, those up to the floor.
pub(super) fn accepted_up_to(conn: &Connection, offset: Offset) -> Result<[u64; 3], Broken> {
    let (from, mut totals) = match mark(conn, MARK_BELOW, Some(offset))? {
        Some(mark) => mark,
        None if trim::trimmed(conn)?.0 > 0 => {
            return Ok(mark(conn, FIRST_MARK, None)?.map_or([0; 3], |(_, totals)| totals));
        }
        None => (0, [0; 3]),
    };
    let mut statement = conn.prepare_cached(COUNT)?;
    let mut rows = statement.query([from, int(offset.0)])?;
    while let Some(row) = rows.next()? {
        let origin: i64 = row.get(0)?;
        let total = usize::try_from(origin)
            .ok()
            .and_then(|origin| totals.get_mut(origin))
            .ok_or_else(|| Broken::corrupt("a record of no known origin"))?;
        *total += count(row.get(1)?);
    }
    Ok(totals)
}

fn mark(conn: &Connection, sql: &str, offset: Option<Offset>) -> Result<Option<(i64, [u64; 3])>, Broken> {
    let mut statement = conn.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, [count(row.get(1)?), count(row.get(2)?), count(row.get(3)?)]));
    let mark = match offset {
        Some(offset) => statement.query_row([int(offset.0)], read),
        None => statement.query_row([], read),
    };
    Ok(mark.optional()?)
}

fn one(conn: &Connection, offset: Offset) -> Result<Option<Arc<Record>>, Broken> {
    for sql in [AT, KEPT_AT] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([int(offset.0)])?;
        if let Some(row) = rows.next()? {
            return Ok(Some(Arc::new(record(row)?)));
        }
    }
    Ok(None)
}

fn list(conn: &Connection, sql: &str, place: i64, records: usize, bounded: bool) -> Result<Vec<Arc<Record>>, Broken> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([place, len(records)])?;
    let mut broken = None;
    let mut next = || match rows.next() {
        Ok(Some(row)) => record(row).map_err(|error| broken = Some(error)).ok().map(Arc::new),
        Ok(None) => None,
        Err(error) => {
            broken = Some(error.into());
            None
        }
    };
    let rows = std::iter::from_fn(&mut next);
    let found = if bounded { page(rows) } else { rows.collect() };
    broken.map_or(Ok(found), Err)
}

fn record(row: &Row<'_>) -> Result<Record, Broken> {
    let place = count(row.get(0)?);
    let head = row.get_ref(4)?.as_blob().map_err(Broken::corrupt)?;
    let entry = Entry::decode(head, Bytes::from(row.get::<_, Vec<u8>>(5)?))
        .map_err(|error| Broken::Corrupt(format!("record {place}: {error}")))?;
    let emitted: Option<[u8; 16]> = row.get(3)?;
    Ok(Record {
        position: Position { partition: Partition(0), offset: Offset(place) },
        at: instant(row.get(1)?),
        policy: PolicyVersion(Digest(row.get(2)?)),
        emitted: emitted.map(Uuid::from_bytes),
        entry,
    })
}
