//! What is known of records of captured models, a small row for each, and how far each capture is.

use engine::ports::{Readable, Within};
use model::{Digest, Known, Seen, Sight, SourceName, Standing, Telling, Timestamp, Told};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::broken::Broken;
use super::super::connection::snapshot;
use super::super::sql::{at, count, int, len, statements};
use super::read::name;
use super::step::Step;

statements! {
    PUT = "INSERT INTO known (source, model, id, written_at, state, digest, hidden, told, begun)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (source, model, id) DO UPDATE SET
        written_at = $4, state = $5, digest = $6, hidden = $7, told = $8, begun = $9";
    DELETE = "DELETE FROM known WHERE source = $1 AND model = $2 AND id = $3";
    NUMBER = "SELECT id FROM names WHERE name = $1";
    ROW = "SELECT id, written_at, state, digest, hidden, told, begun FROM known WHERE source = $1 AND model = $2 AND id = $3";
    COUNT = "SELECT count(*) FROM known WHERE source = $1 AND model = $2 AND id >= $3 AND id < $4 AND hidden IN (0, 2)";
    LISTED = "SELECT id FROM known WHERE source = $1 AND model = $2 AND id >= $3 AND id < $4 AND hidden IN (0, 2)
        ORDER BY id LIMIT $5";
    UNREAD = "SELECT id FROM known WHERE source = $1 AND model = $2 AND id >= $3 AND id < $4 AND hidden IN (1, 2)
        ORDER BY id LIMIT $5";
    PUT_STANDING = "INSERT INTO standings (source, version, content) VALUES ($1, 1, $2)
        ON CONFLICT (source) DO UPDATE SET version = standings.version + 1, content = $2";
    STANDING = "SELECT content, version FROM standings WHERE source = $1";
    STANDING_VERSION = "SELECT version FROM standings WHERE source = $1";
}

/// Source and model by the numbers of their names.
type Captured = (i64, i64);

impl Step<'_> {
    /// See [`model::Change::Know`].
    pub(super) fn know(&mut self, source: &SourceName, model: &str, rows: &[Known]) -> Result<(), Broken> {
        let source = self.state.names.number(self.conn, source.as_str())?;
        let model = self.state.names.number(self.conn, model)?;
        for row in rows {
            let written_at = row.written_at.map(Timestamp::micros);
            let digest = row.digest.map(|digest| digest.0);
            let seen = match row.seen {
                Seen::Shown => 0,
                Seen::Hidden => 1,
                Seen::Closed => 2,
            };
            let telling = match row.told.telling {
                Telling::Done => 0,
                Telling::Begun => 1,
                Telling::Refused => 2,
            };
            let told = int(row.told.times);
            let values = params![source, model, int(row.id), written_at, row.state, digest, seen, told, telling];
            self.write(PUT, values)?;
        }
        Ok(())
    }

    /// See [`model::Change::Forget`].
    pub(super) fn forget(&mut self, source: &SourceName, model: &str, ids: &[u64]) -> Result<(), Broken> {
        let names = &self.state.names;
        let (Some(source), Some(model)) = (names.known(source.as_str()), names.known(model)) else { return Ok(()) };
        for id in ids {
            self.write(DELETE, params![source, model, int(*id)])?;
        }
        Ok(())
    }

    /// See [`model::Change::Stand`].
    pub(super) fn stand(&mut self, source: &SourceName, text: &str) -> Result<(), Broken> {
        self.write(PUT_STANDING, params![source.as_str(), text]).map(drop)
    }
}

/// What is known of these records.
pub(super) fn known(conn: &Connection, source: &str, model: &str, mut ids: Vec<u64>) -> Result<Readable<Known>, Broken> {
    ids.sort_unstable();
    ids.dedup();
    snapshot(conn, || {
        let mut known = Readable::default();
        let Some(captured) = captured(conn, source, model)? else { return Ok(known) };
        let mut statement = conn.prepare_cached(ROW)?;
        for id in ids {
            let mut rows = statement.query(params![captured.0, captured.1, int(id)])?;
            let Some(row) = rows.next()? else { continue };
            match decode(row) {
                Ok(row) => known.rows.push(row),
                Err(broken) => name(&mut known.unreadable, format!("what is known of {model} {id} of {source}: {broken}")),
            }
        }
        Ok(known)
    })
}

/// How many of them are listed in each range.
pub(super) fn counts(conn: &Connection, source: &str, model: &str, ranges: &[(u64, u64)]) -> Result<Vec<u64>, Broken> {
    snapshot(conn, || {
        let Some(captured) = captured(conn, source, model)? else { return Ok(vec![0; ranges.len()]) };
        let mut statement = conn.prepare_cached(COUNT)?;
        let mut counts = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            let range = params![captured.0, captured.1, int(*from), int(*to)];
            counts.push(count(statement.query_row(range, |row| row.get(0))?));
        }
        Ok(counts)
    })
}

/// Which of them are so in a range.
pub(super) fn ids(
    conn: &Connection,
    source: &str,
    model: &str,
    (sight, (from, to)): Within,
    limit: usize,
) -> Result<Vec<u64>, Broken> {
    snapshot(conn, || {
        let Some(captured) = captured(conn, source, model)? else { return Ok(Vec::new()) };
        let mut statement = conn.prepare_cached(match sight {
            Sight::Listed => LISTED,
            Sight::Unread => UNREAD,
        })?;
        let range = params![captured.0, captured.1, int(from), int(to), len(limit)];
        let ids = statement.query_map(range, |row| Ok(count(row.get(0)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    })
}

/// How far the capture of a source is.
pub(super) fn standing(conn: &Connection, source: &str) -> Result<Option<Standing>, Broken> {
    let read = |row: &Row<'_>| Ok(Standing { text: row.get(0)?, version: count(row.get(1)?) });
    Ok(conn.prepare_cached(STANDING)?.query_row([source], read).optional()?)
}

/// `None` where one of the names was never written, so that nothing is known.
fn captured(conn: &Connection, source: &str, model: &str) -> Result<Option<Captured>, Broken> {
    let mut statement = conn.prepare_cached(NUMBER)?;
    let mut number = |name: &str| statement.query_row([name], |row| row.get(0)).optional();
    Ok(number(source)?.zip(number(model)?))
}

fn decode(row: &Row<'_>) -> Result<Known, Broken> {
    let written_at: Option<i64> = row.get(1)?;
    let digest: Option<[u8; 32]> = row.get(3)?;
    let seen = match row.get(4)? {
        0 => Seen::Shown,
        1 => Seen::Hidden,
        2 => Seen::Closed,
        other => return Err(Broken::Corrupt(format!("neither shown nor hidden nor closed, but {other}"))),
    };
    let telling = match row.get(6)? {
        0 => Telling::Done,
        1 => Telling::Begun,
        2 => Telling::Refused,
        other => return Err(Broken::Corrupt(format!("neither told nor begun to be nor refused, but {other}"))),
    };
    Ok(Known {
        id: count(row.get(0)?),
        written_at: written_at.map(at),
        state: row.get(2)?,
        digest: digest.map(Digest),
        seen,
        told: Told { times: count(row.get(5)?), telling },
    })
}

#[cfg(test)]
mod tests;
