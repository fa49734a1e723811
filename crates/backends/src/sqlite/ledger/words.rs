//! Finding events by the words that they carry: notes in the order of their arrival, those of one commit in one row, each
//! with the hashes of an event's words; segments find the note by a hash.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use model::view::Found;
use model::{EventId, Offset, Partition, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, len, statements};
use super::packed::{Pack, take};
use super::prepared::{WORD_BYTES, word_hash, word_short};
use super::step::Step;

statements! {
    PUT = "INSERT INTO words (last, first, at, content) VALUES ($1, $2, $3, $4)";
    ROW = "SELECT first, content FROM words WHERE last >= $1 ORDER BY last LIMIT 1";
    ROWS = "SELECT first, at, content FROM words WHERE last > $1 ORDER BY last";
    SLICE_END = "SELECT last FROM words WHERE last <= $1 ORDER BY last LIMIT 1 OFFSET $2";
    SWEEP = "DELETE FROM words WHERE last < $1";
}

/// LIMIT: notes that one look-up reads for one word; a word that more events carry names no business object.
const ROWS_MAX: usize = 10_000;

/// What is noted of an event, still in the bytes of its row.
#[derive(Clone, Copy, Debug)]
struct Note<'a> {
    found: Found,
    hashes: &'a [[u8; WORD_BYTES]],
}

impl Step<'_> {
    /// See [`model::Change::Index`].
    pub(super) fn index(&mut self, event: EventId, place: Position, hashes: &[u8]) {
        if hashes.is_empty() {
            return;
        }
        self.state.numbers.word += 1;
        let id = self.state.numbers.word;
        self.state.fresh_words.put(id, self.now, |bytes| {
            bytes.extend(event.bytes());
            bytes.extend(place.partition.0.to_le_bytes());
            bytes.extend(place.offset.0.to_le_bytes());
            // LIMIT: words of an event are few, see IDENTIFIERS_MAX.
            bytes.extend(u32::try_from(hashes.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(hashes);
        });
        let mut words = self.state.words();
        for hash in hashes.as_chunks::<WORD_BYTES>().0 {
            words.note(word_short(hash), id, self.now);
        }
    }
}

/// The notes above an id, for the open segment.
pub(super) fn read_from(conn: &Connection, after: i64, tell: &mut dyn FnMut(i64, i64, Timestamp)) -> Result<(), Broken> {
    let mut statement = conn.prepare(ROWS)?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        let (first, noted_at): (i64, _) = (row.get(0)?, at(row.get(1)?));
        let notes = notes(row.get_ref(2)?.as_blob().map_err(Broken::corrupt)?)?;
        for (id, note) in (first..).zip(notes).filter(|(id, _)| *id > after) {
            note.hashes.iter().for_each(|hash| tell(word_short(hash), id, noted_at));
        }
    }
    Ok(())
}

/// Removes notes up to and including an id, at most so many rows; says whether none is left.
pub(super) fn sweep(conn: &Connection, to: i64, rows: usize) -> Result<bool, Broken> {
    let end = conn.prepare_cached(SLICE_END)?.query_row([to, len(rows)], |row| row.get::<_, i64>(0)).optional()?;
    conn.prepare_cached(SWEEP)?.execute([end.unwrap_or(to + 1)])?;
    Ok(end.is_none())
}

/// Events that carry a word, newest first.
pub(super) fn lookup(conn: &Connection, words: &RwLock<Segments>, word: &str, limit: usize) -> Result<Vec<Found>, Broken> {
    let hash = word_hash(word);
    let (mut ids, spots) = {
        let words = words.read().unwrap_or_else(PoisonError::into_inner);
        (words.recent(word_short(&hash), ROWS_MAX), words.closed_with(word_short(&hash)))
    };
    for spot in spots {
        ids.extend(Segments::ids(conn, &spot, word_short(&hash), ROWS_MAX.saturating_sub(ids.len()))?);
    }
    // Newest notes come first; an event stands where it was first indexed, so that an older note has the last word.
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

/// How many words a row of notes holds.
pub(super) fn count_words(content: &[u8]) -> Result<usize, Broken> {
    Ok(notes(content)?.iter().map(|note| note.hashes.len()).sum())
}

/// The event of a note, if it carries the word itself and not only one with the same short hash.
fn carries(conn: &Connection, id: i64, word: &[u8; WORD_BYTES]) -> Result<Option<Found>, Broken> {
    let mut read = conn.prepare_cached(ROW)?;
    let mut rows = read.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let first: i64 = row.get(0)?;
    let Ok(index) = usize::try_from(id - first) else { return Ok(None) };
    let notes = notes(row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?)?;
    Ok(notes.get(index).filter(|note| note.hashes.contains(word)).map(|note| note.found))
}

fn notes(content: &[u8]) -> Result<Vec<Note<'_>>, Broken> {
    let (mut rest, mut notes) = (content, Vec::new());
    while !rest.is_empty() {
        let event = EventId(Uuid::from_bytes(take(&mut rest)?));
        let partition = Partition(u16::from_le_bytes(take(&mut rest)?));
        let offset = Offset(u64::from_le_bytes(take(&mut rest)?));
        let hashes = super::packed::part(&mut rest)?.as_chunks::<WORD_BYTES>().0;
        notes.push(Note { found: Found { at: Position { partition, offset }, event }, hashes });
    }
    Ok(notes)
}

/// Writes the notes of a commit.
pub(super) fn write(conn: &Connection, fresh: &Pack) -> Result<(), Broken> {
    fresh.write(conn, PUT)
}
