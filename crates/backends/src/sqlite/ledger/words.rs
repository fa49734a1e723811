//! Finding events by the words that they carry: one row per event in the order of their arrival, with the hashes of its
//! words; segments find the row by a hash.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use model::view::Found;
use model::{EventId, Offset, Partition, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, count, int, len, statements};
use super::prepared::{WORD_BYTES, word_hash, word_short};
use super::step::Step;

statements! {
    PUT = "INSERT INTO words (id, at, event, part, pos, hashes) VALUES ($1, $2, $3, $4, $5, $6)";
    ROW = "SELECT event, part, pos, hashes FROM words WHERE id = $1";
    ROWS = "SELECT id, at, hashes FROM words WHERE id > $1 ORDER BY id";
    SLICE_END = "SELECT id FROM words WHERE id <= $1 ORDER BY id LIMIT 1 OFFSET $2";
    SWEEP = "DELETE FROM words WHERE id < $1";
}

/// LIMIT: rows that one look-up reads for one word; a word that more events carry names no business object.
const ROWS_MAX: usize = 10_000;

impl Step<'_> {
    /// See [`model::Change::Index`].
    pub(super) fn index(&mut self, event: EventId, place: Position, hashes: &[u8]) -> Result<(), Broken> {
        if hashes.is_empty() {
            return Ok(());
        }
        self.wrote = true;
        self.state.numbers.word += 1;
        let id = self.state.numbers.word;
        let (part, pos) = (place.partition.0, int(place.offset.0));
        self.conn.prepare_cached(PUT)?.execute(params![id, self.now.micros(), event.bytes(), part, pos, hashes])?;
        let mut words = self.state.words();
        for hash in hashes.as_chunks::<WORD_BYTES>().0 {
            words.note(word_short(hash), id, self.now);
        }
        Ok(())
    }
}

/// The rows above an id, for the open segment.
pub(super) fn read_from(conn: &Connection, after: i64, tell: &mut dyn FnMut(i64, i64, Timestamp)) -> Result<(), Broken> {
    let mut statement = conn.prepare(ROWS)?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        let (id, noted_at) = (row.get(0)?, at(row.get(1)?));
        let hashes = row.get_ref(2)?.as_blob().map_err(Broken::corrupt)?;
        hashes.as_chunks::<WORD_BYTES>().0.iter().for_each(|hash| tell(word_short(hash), id, noted_at));
    }
    Ok(())
}

/// Removes rows up to and including an id, at most so many; says whether none is left.
pub(super) fn sweep(conn: &Connection, to: i64, rows: usize) -> Result<bool, Broken> {
    let end = conn.prepare_cached(SLICE_END)?.query_row([to, len(rows)], |row| row.get::<_, i64>(0)).optional()?;
    conn.prepare_cached(SWEEP)?.execute([end.unwrap_or(to + 1)])?;
    Ok(end.is_none())
}

/// Events that carry a word, newest first.
pub(super) fn lookup(conn: &Connection, words: &RwLock<Segments>, word: &str, limit: usize) -> Result<Vec<Found>, Broken> {
    let hash = word_hash(word);
    let (mut ids, segments) = {
        let words = words.read().unwrap_or_else(PoisonError::into_inner);
        (words.recent(word_short(&hash), ROWS_MAX), words.closed_with(word_short(&hash)))
    };
    for segment in segments {
        ids.extend(Segments::ids(conn, segment, word_short(&hash), ROWS_MAX.saturating_sub(ids.len()))?);
    }
    // Newest rows come first; an event stands where it was first indexed, so that an older row has the last word.
    let mut places: BTreeMap<EventId, Position> = BTreeMap::new();
    for id in ids {
        if let Some(found) = carries(conn, id, &hash)? {
            places.insert(found.event, found.at);
        }
    }
    let mut found: Vec<Found> = places.into_iter().map(|(event, at)| Found { at, event }).collect();
    found.sort_by_key(|found| Reverse(*found));
    found.truncate(limit);
    Ok(found)
}

/// The event of a row, if it carries the word itself and not only one with the same short hash.
fn carries(conn: &Connection, id: i64, word: &[u8; WORD_BYTES]) -> Result<Option<Found>, Broken> {
    let mut read = conn.prepare_cached(ROW)?;
    let mut rows = read.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let hashes = row.get_ref(3)?.as_blob().map_err(Broken::corrupt)?;
    if !hashes.as_chunks::<WORD_BYTES>().0.contains(word) {
        return Ok(None);
    }
    let at = Position { partition: Partition(row.get(1)?), offset: Offset(count(row.get(2)?)) };
    Ok(Some(Found { at, event: EventId(Uuid::from_bytes(row.get(0)?)) }))
}
