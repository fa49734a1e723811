//! The key registry: which (source, key) was accepted with which body. Rows stand in the order of their arrival, and
//! are found by their hash through segments, so that the ten-millionth key costs what the first did.

use model::limit::KEY_WINDOW;
use model::{Entry, EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, count, int, len, statements};

statements! {
    PUT = "INSERT INTO keys (id, hash, digest, event, place, at) VALUES ($1, $2, $3, $4, $5, $6)";
    KEY = "SELECT hash, digest, event, place, at FROM keys WHERE id = $1";
    LAST = "SELECT coalesce(max(id), 0) FROM keys";
    LAST_CLOSED = "SELECT coalesce(max(last_id), 0) FROM segments";
    ROWS = "SELECT hash, id, at FROM keys WHERE id > $1 ORDER BY id";
    SLICE_END = "SELECT id FROM keys WHERE id <= $1 ORDER BY id LIMIT 1 OFFSET $2";
    SWEEP = "DELETE FROM keys WHERE id < $1";
}

/// LIMIT: keys with the same 64 bits of hash that are looked at; two are a wonder already.
const SAME_HASH_MAX: usize = 16;

/// The key of an entry, as the registry keeps it: half of its hash, and half of the digest of its body.
#[derive(Debug)]
pub(super) struct KeyOf {
    hash: [u8; 16],
    digest: [u8; 16],
    event: EventId,
}

/// What the registry knows of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) same_body: bool,
    pub(super) place: u64,
    pub(super) event: EventId,
}

/// Which keys are remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// What was first seen before this is forgotten.
    pub(super) forgotten: Timestamp,
    /// And what was first seen a window before this.
    pub(super) now: Timestamp,
}

impl KeyOf {
    /// The key of an entry, where repeats of it are found by key.
    pub(super) fn entry(entry: &Entry) -> Option<Self> {
        let (hash, digest) = entry.dedupe()?;
        let event = entry.event()?.id;
        Some(Self { hash: hash.head(), digest: digest.head(), event })
    }

    /// What segments find it by.
    pub(super) fn short(&self) -> i64 {
        short(&self.hash)
    }

    /// Writes its row.
    pub(super) fn put(&self, conn: &Connection, id: i64, place: u64, now: Timestamp) -> Result<(), Broken> {
        let row = params![id, self.hash, self.digest, self.event.bytes(), int(place), now.micros()];
        conn.prepare_cached(PUT)?.execute(row)?;
        Ok(())
    }

    /// The newest row of the same key that is still remembered.
    pub(super) fn find(&self, conn: &Connection, keys: &Segments, since: Since) -> Result<Option<Known>, Broken> {
        if let Some(known) = self.first(conn, keys.recent(self.short(), SAME_HASH_MAX), since)? {
            return Ok(Some(known));
        }
        for segment in keys.closed_with(self.short()) {
            let ids = Segments::ids(conn, segment, self.short(), SAME_HASH_MAX)?;
            if let Some(known) = self.first(conn, ids, since)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    fn first(&self, conn: &Connection, ids: Vec<i64>, since: Since) -> Result<Option<Known>, Broken> {
        for id in ids {
            let mut read = conn.prepare_cached(KEY)?;
            let row = read.query_row([id], |row| {
                let first_at = at(row.get(4)?);
                let digest: [u8; 16] = row.get(1)?;
                let event = EventId(Uuid::from_bytes(row.get(2)?));
                let known = Known { same_body: digest == self.digest, place: count(row.get(3)?), event };
                Ok((row.get::<_, [u8; 16]>(0)?, first_at, known))
            });
            let Some((hash, first_at, known)) = row.optional()? else { continue };
            if hash == self.hash && first_at >= since.forgotten && since.now < first_at + KEY_WINDOW {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }
}

/// The last id that was given.
pub(super) fn last(conn: &Connection) -> Result<i64, Broken> {
    let last: i64 = conn.query_row(LAST, [], |row| row.get(0))?;
    let closed: i64 = conn.query_row(LAST_CLOSED, [], |row| row.get(0))?;
    Ok(last.max(closed))
}

/// The rows above an id, for the open segment.
pub(super) fn read_from(conn: &Connection, after: i64, tell: &mut dyn FnMut(i64, i64, Timestamp)) -> Result<(), Broken> {
    let mut statement = conn.prepare(ROWS)?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        tell(short(&row.get(0)?), row.get(1)?, at(row.get(2)?));
    }
    Ok(())
}

/// Removes rows up to and including an id, at most so many; says whether none is left.
pub(super) fn sweep(conn: &Connection, to: i64, rows: usize) -> Result<bool, Broken> {
    let end = conn.prepare_cached(SLICE_END)?.query_row([to, len(rows)], |row| row.get::<_, i64>(0)).optional()?;
    conn.prepare_cached(SWEEP)?.execute([end.unwrap_or(to + 1)])?;
    Ok(end.is_none())
}

fn short(hash: &[u8; 16]) -> i64 {
    let (first, _) = hash.split_at(8);
    i64::from_be_bytes(first.try_into().unwrap_or_default())
}
