//! Small things that come many to a commit and are never changed, written as one row: `last`, `first`, `at` and `content`.
//! Integers are little-endian; a part of any length has its length before it, in four bytes.

use model::Timestamp;
use rusqlite::{Connection, params};

use super::super::broken::Broken;

/// What the present commit will write in one row.
#[derive(Debug, Default)]
pub(super) struct Pack {
    first: i64,
    last: i64,
    at: Timestamp,
    bytes: Vec<u8>,
}

/// A point to which a pack can go back.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackMark {
    last: i64,
    at: Timestamp,
    bytes: usize,
}

impl Pack {
    /// Puts the next thing in. INVARIANT: ids rise by one.
    pub(super) fn put(&mut self, id: i64, at: Timestamp, encode: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes.is_empty() {
            self.first = id;
        }
        self.last = id;
        self.at = at;
        encode(&mut self.bytes);
    }

    /// Where it stands.
    pub(super) const fn mark(&self) -> PackMark {
        PackMark { last: self.last, at: self.at, bytes: self.bytes.len() }
    }

    /// Forgets what was put in since.
    pub(super) fn undo_to(&mut self, mark: PackMark) {
        self.bytes.truncate(mark.bytes);
        (self.last, self.at) = (mark.last, mark.at);
    }

    /// Writes the row, if there is anything to write, by a statement of `last`, `first`, `at` and `content`.
    pub(super) fn write(&self, conn: &Connection, sql: &str) -> Result<(), Broken> {
        if !self.bytes.is_empty() {
            conn.prepare_cached(sql)?.execute(params![self.last, self.first, self.at.micros(), self.bytes])?;
        }
        Ok(())
    }

    /// It was written.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// So many bytes from the front.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or_else(cut)?;
    *rest = after;
    Ok(*taken)
}

/// A part with its length before it.
pub(super) fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (part, after) = rest.split_at_checked(length).ok_or_else(cut)?;
    *rest = after;
    Ok(part)
}

fn cut() -> Broken {
    Broken::corrupt("a packed row ends too early")
}
