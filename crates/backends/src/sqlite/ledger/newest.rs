//! The newest delivery of a lane or ordering key that is done or under way, on a reader's connection.
//!
//! Its index stands by periods of the order of opening, so that a hash is written into a small part of it, however large it is; a
//! question looks into each period.

use model::delivery::ordering_digest;
use model::limit::{NEWEST_ROWS_MAX, SUCCESSORS_MAX};
use model::newest::{Fate, Newest, NewestQuery};
use model::{DeliveryId, Offset};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{count, int, len, statements};
use super::prepared::short;

statements! {
    NEWEST = "WITH RECURSIVE period (no) AS (SELECT min(seq) >> 18 FROM deliveries
        UNION ALL SELECT no + 1 FROM period WHERE no < (SELECT max(seq) >> 18 FROM deliveries))
        SELECT bytes_pos, state, state_who FROM period CROSS JOIN deliveries WHERE seq >> 18 = no AND ordering_hash = $1
        AND bytes_part = $2 AND bytes_pos > $3 AND coalesce(lane, ordering) = $4 ORDER BY bytes_pos DESC, seq DESC LIMIT $5";
    STANDING = "SELECT state, state_who FROM deliveries WHERE id = $1";
}

/// A state by its number, and whom it names.
type Standing = (i64, Option<String>);

/// See [`engine::ports::Ledger::newest`].
pub(super) fn newest(conn: &Connection, questions: &[NewestQuery]) -> Result<Vec<Option<Newest>>, Broken> {
    snapshot(conn, || questions.iter().map(|question| newest_of(conn, question)).collect())
}

fn newest_of(conn: &Connection, question: &NewestQuery) -> Result<Option<Newest>, Broken> {
    let NewestQuery { flow, destination, key, after } = question;
    let hash = short(&ordering_digest(destination, flow, key));
    let mut statement = conn.prepare_cached(NEWEST)?;
    let (part, pos, most) = (after.partition.0, int(after.offset.0), len(NEWEST_ROWS_MAX + 1));
    let mut rows = statement.query(params![hash, part, pos, key.as_str(), most])?;
    let mut looked = 0;
    while let Some(row) = rows.next()? {
        let at = Offset(count(row.get(0)?));
        if looked == NEWEST_ROWS_MAX {
            return Ok(Some(Newest { at, fate: Fate::Unknown }));
        }
        looked += 1;
        if let Some(fate) = fate(conn, (row.get(1)?, row.get(2)?))? {
            return Ok(Some(Newest { at, fate }));
        }
    }
    Ok(None)
}

/// How a delivery stands, or that which took its place.
fn fate(conn: &Connection, mut standing: Standing) -> Result<Option<Fate>, Broken> {
    for _ in 0..SUCCESSORS_MAX {
        match standing {
            (0, _) => return Ok(Some(Fate::UnderWay)),
            (2, _) => return Ok(Some(Fate::Done)),
            (5, Some(by)) => {
                let by: DeliveryId = by.parse().map_err(Broken::corrupt)?;
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                let found = conn.prepare_cached(STANDING)?.query_row([by.bytes()], read).optional()?;
                let Some(successor) = found else { return Ok(Some(Fate::UnderWay)) };
                standing = successor;
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Fate::UnderWay))
}
