//! What retention has moved aside because somebody still needs it, and lets go when nobody does.

use engine::ports::Mark;
use model::limit::TRIM_ROWS_MAX;
use model::{Offset, Partition, Position};
use rusqlite::Connection;

use super::super::broken::Broken;
use super::super::sql::{count, int, len, statements};
use crate::spared::Spared;

statements! {
    AFTER = "SELECT place FROM kept WHERE place > $1 ORDER BY place LIMIT $2";
    DELETE = "DELETE FROM kept WHERE place = $1";
    DELETE_STRAY = "DELETE FROM strays WHERE place = $1";
    EXISTS = "SELECT EXISTS (SELECT 1 FROM chunks WHERE last >= $1 AND first <= $1)
        AND NOT EXISTS (SELECT 1 FROM floor WHERE place >= $1) OR EXISTS (SELECT 1 FROM kept WHERE place = $1)";
}

/// See [`engine::ports::Journal::kept`].
pub(super) fn after(conn: &Connection, after: Offset, records: usize) -> Result<Vec<Offset>, Broken> {
    let mut select = conn.prepare_cached(AFTER)?;
    let mut rows = select.query([int(after.0), len(records)])?;
    let mut offsets = Vec::new();
    while let Some(row) = rows.next()? {
        offsets.push(Offset(count(row.get(0)?)));
    }
    Ok(offsets)
}

/// See [`engine::ports::Journal::release`].
pub(super) fn release(conn: &Connection, spared: &Spared, offsets: &[Offset], as_of: Mark) -> Result<u64, Broken> {
    let Some(spared) = spared.since(as_of, Partition(0)) else { return Ok(0) };
    let mut delete = conn.prepare_cached(DELETE)?;
    let mut gone = 0;
    for offset in offsets.iter().filter(|offset| !spared.contains(offset)).take(TRIM_ROWS_MAX) {
        gone += delete.execute([int(offset.0)])? as u64;
        conn.prepare_cached(DELETE_STRAY)?.execute([int(offset.0)])?;
    }
    Ok(gone)
}

/// See [`engine::ports::Journal::keep`].
pub(super) fn keep(conn: &Connection, spared: &mut Spared, offsets: Vec<Offset>) -> Result<Vec<Offset>, Broken> {
    let mut exists = conn.prepare_cached(EXISTS)?;
    let mut there = Vec::with_capacity(offsets.len());
    for offset in offsets {
        if exists.query_row([int(offset.0)], |row| row.get(0))? {
            spared.add(Position { partition: Partition(0), offset });
            there.push(offset);
        }
    }
    Ok(there)
}
