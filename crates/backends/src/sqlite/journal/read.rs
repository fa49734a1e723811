//! What is asked of the journal's file, on a reader's connection.
//!
//! A chunk may begin below the floor: the records of it that retention has removed are passed over.

use std::sync::Arc;

use model::account::Census;
use model::limit::READ_BYTES_MAX;
use model::{EventId, Offset, Origin, Record, TimeSpan, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{count, int, statements};
use super::super::window::{page, weight};
use super::chunk::{Records, Stored};
use super::trim::{self, Floor};

statements! {
    AFTER = "SELECT first, content FROM chunks WHERE last > $1 ORDER BY last";
    BEFORE = "SELECT first, content FROM chunks WHERE first < $1 ORDER BY last DESC";
    AT = "SELECT first, content FROM chunks WHERE last >= $1 ORDER BY last LIMIT 1";
    KEPT_AT = "SELECT content FROM kept WHERE place = $1";
    STRAY = "SELECT place FROM strays WHERE event = $1";
    OF_EVENT = "SELECT first, content FROM chunks WHERE last IN (SELECT last FROM chunks WHERE high >= $1 AND high <= $2
        AND low <= $1) ORDER BY last";
    KEPT_OF_EVENT = "SELECT place, content FROM kept WHERE event = $1 ORDER BY place LIMIT 1";
    TOTALS = "SELECT last, live, replay, synthetic FROM chunks WHERE last <= $1 ORDER BY last DESC LIMIT 1";
}

/// How far the time in an event's id may be from the time of its record, for the id to be found by the bounds of its
/// chunk. Others, such as those of corrections, are strays: each has a row of its own.
const NEAR: TimeSpan = TimeSpan::from_secs(60);

/// Whether an event's id stands near its record in time.
pub(super) fn is_near(event: EventId, at: Timestamp) -> bool {
    let made = event.made_at();
    made.since(at) <= NEAR && at.since(made) <= NEAR
}

/// Records after an offset: as many as are wanted, and as one read answers.
pub(super) fn after(conn: &Connection, after: Offset, records: usize) -> Result<Vec<Arc<Record>>, Broken> {
    snapshot(conn, || {
        let from = after.0.max(trim::floor(conn)?.offset);
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut statement = conn.prepare_cached(AFTER)?;
        let mut rows = statement.query([int(from)])?;
        while let (Some(row), true) = (rows.next()?, found.len() < records && bytes < READ_BYTES_MAX) {
            for stored in chunk(row)? {
                let stored = stored?;
                if stored.place > from && found.len() < records {
                    let record = stored.record()?;
                    bytes += weight(&record);
                    found.push(Arc::new(record));
                }
            }
        }
        Ok(page(found.into_iter()))
    })
}

/// Records before an offset, newest first.
pub(super) fn before(conn: &Connection, before: Option<Offset>, records: usize) -> Result<Vec<Arc<Record>>, Broken> {
    snapshot(conn, || {
        let (to, floor) = (before.map_or(u64::MAX, |offset| offset.0), trim::floor(conn)?.offset);
        let mut found = Vec::new();
        let mut statement = conn.prepare_cached(BEFORE)?;
        let mut rows = statement.query([int(to)])?;
        while let (Some(row), true) = (rows.next()?, found.len() < records) {
            let stored: Vec<Stored<'_>> = chunk(row)?.collect::<Result<_, _>>()?;
            let wanted = stored.iter().rev().filter(|stored| stored.place < to && stored.place > floor);
            for stored in wanted.take(records - found.len()) {
                found.push(Arc::new(stored.record()?));
            }
        }
        Ok(found)
    })
}

/// The record at an offset, live or kept.
pub(super) fn at(conn: &Connection, offset: Offset) -> Result<Option<Arc<Record>>, Broken> {
    snapshot(conn, || one(conn, offset))
}

/// The record that carries an event.
pub(super) fn of_event(conn: &Connection, event: EventId) -> Result<Option<Arc<Record>>, Broken> {
    snapshot(conn, || {
        let stray: Option<i64> = conn.prepare_cached(STRAY)?.query_row([event.bytes()], |row| row.get(0)).optional()?;
        if let Some(place) = stray {
            return one(conn, Offset(count(place)));
        }
        if let Some(record) = near(conn, event)? {
            return Ok(Some(record));
        }
        let mut kept = conn.prepare_cached(KEPT_OF_EVENT)?;
        let mut rows = kept.query([event.bytes()])?;
        rows.next()?.map_or(Ok(None), |row| only(count(row.get(0)?), row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?))
    })
}

fn near(conn: &Connection, event: EventId) -> Result<Option<Arc<Record>>, Broken> {
    let floor = trim::floor(conn)?.offset;
    // The newest id of a chunk was made near it, and so was this one: they are no further apart than twice that.
    let newest = EventId::last_made_at(event.made_at() + NEAR + NEAR);
    let mut statement = conn.prepare_cached(OF_EVENT)?;
    let mut rows = statement.query(params![event.bytes(), newest.bytes()])?;
    while let Some(row) = rows.next()? {
        for stored in chunk(row)? {
            let stored = stored?;
            if stored.event == Some(event) && stored.place > floor {
                return Ok(Some(Arc::new(stored.record()?)));
            }
        }
    }
    Ok(None)
}

/// When the oldest live record was appended, and the first offset that is still there.
pub(super) fn oldest(conn: &Connection) -> Result<(Option<Timestamp>, Offset), Broken> {
    snapshot(conn, || {
        let floor = trim::floor(conn)?.offset;
        let mut statement = conn.prepare_cached(AT)?;
        let mut rows = statement.query([int(floor + 1)])?;
        let oldest = match rows.next()? {
            Some(row) => find(chunk(row)?, floor + 1)?.map(|stored| stored.at),
            None => None,
        };
        Ok((oldest, Offset(floor + 1)))
    })
}

/// Accepted entries, and those above the cursor.
pub(super) fn census(conn: &Connection, cursor: Offset) -> Result<Census, Broken> {
    snapshot(conn, || {
        let floor = trim::floor(conn)?;
        let accepted = totals(conn, Offset(u64::MAX))?.map_or(floor.totals, |(_, totals)| totals);
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
    let floor = trim::floor(conn)?;
    if offset.0 <= floor.offset {
        return Ok(floor.totals);
    }
    let whole = totals(conn, offset)?.filter(|(last, _)| *last > floor.offset);
    let (from, mut totals) = whole.unwrap_or((floor.offset, floor.totals));
    if from < offset.0 {
        let mut statement = conn.prepare_cached(AT)?;
        let mut rows = statement.query([int(from + 1)])?;
        if let Some(row) = rows.next()? {
            for stored in chunk(row)? {
                let stored = stored?;
                if let Some(origin) = stored.accepted.filter(|_| stored.place > from && stored.place <= offset.0) {
                    totals[Origin::index(origin)] += 1;
                }
            }
        }
    }
    Ok(totals)
}

/// The last chunk that ends at or below an offset, with what was accepted up to its end.
pub(super) fn totals(conn: &Connection, offset: Offset) -> Result<Option<(u64, [u64; 3])>, Broken> {
    let read = |row: &Row<'_>| Ok((count(row.get(0)?), [count(row.get(1)?), count(row.get(2)?), count(row.get(3)?)]));
    Ok(conn.prepare_cached(TOTALS)?.query_row([int(offset.0)], read).optional()?)
}

fn one(conn: &Connection, offset: Offset) -> Result<Option<Arc<Record>>, Broken> {
    let Floor { offset: floor, .. } = trim::floor(conn)?;
    if offset.0 <= floor {
        let mut kept = conn.prepare_cached(KEPT_AT)?;
        let mut rows = kept.query([int(offset.0)])?;
        return rows.next()?.map_or(Ok(None), |row| only(offset.0, row.get_ref(0)?.as_blob().map_err(Broken::corrupt)?));
    }
    let mut statement = conn.prepare_cached(AT)?;
    let mut rows = statement.query([int(offset.0)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    find(chunk(row)?, offset.0)?.map(|stored| Ok(Arc::new(stored.record()?))).transpose()
}

/// The record of a chunk of one.
fn only(place: u64, chunk: &[u8]) -> Result<Option<Arc<Record>>, Broken> {
    find(Records::of(place, chunk)?, place)?.map(|stored| Ok(Arc::new(stored.record()?))).transpose()
}

/// The record at a place, in its chunk.
pub(super) fn find(records: Records<'_>, place: u64) -> Result<Option<Stored<'_>>, Broken> {
    for stored in records {
        let stored = stored?;
        if stored.place == place {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// The records of a row of (first, content).
pub(super) fn chunk<'a>(row: &'a Row<'_>) -> Result<Records<'a>, Broken> {
    Records::of(count(row.get(0)?), row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?)
}
