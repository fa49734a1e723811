//! The key registry: which (source, key) was accepted with which body. Keys stand in the order of their arrival, those
//! of one commit in one row, and are found by their hash through segments, so that the ten-millionth key costs what the
//! first did. A key never ends by what a calendar says: its window is counted by [`Lived`].

use engine::ports::Clock;
use model::limit::KEY_WINDOW;
use model::{Entry, EventId, TimeSpan, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, len, statements};

statements! {
    PUT = "INSERT INTO keys (last, first, content) VALUES ($1, $2, $3)";
    KEY = "SELECT first, content FROM keys WHERE last >= $1 ORDER BY last LIMIT 1";
    LAST = "SELECT coalesce(max(last), 0) FROM keys";
    LAST_CLOSED = "SELECT coalesce(max(last_id), 0) FROM segments";
    ROWS = "SELECT first, content FROM keys WHERE last > $1 ORDER BY last";
    SLICE_END = "SELECT last FROM keys WHERE last <= $1 ORDER BY last LIMIT 1 OFFSET $2";
    SWEEP = "DELETE FROM keys WHERE last < $1";
}

/// LIMIT: keys with the same 64 bits of hash that are looked at; two are a wonder already.
const SAME_HASH_MAX: usize = 16;
/// Bytes of one key in its row.
const KEY_BYTES: usize = 64;

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

/// How long the file has been open in all its lives, as a time that began with the calendar's and goes on by itself. A
/// calendar that is ahead ends no window, and what passes while the file is closed is not counted: a key may be remembered
/// too long, and never too short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lived {
    from: Timestamp,
    /// What the clock had run by then.
    ran: TimeSpan,
}

impl Lived {
    /// Goes on from the latest that the file tells: its newest key, or the end of the last window that was found over.
    /// What ran after that, a pause of retention at most, is counted again.
    pub(super) fn resume(newest: Option<Timestamp>, forgotten: Option<Timestamp>, clock: &dyn Clock) -> Self {
        let from = newest.max(forgotten.map(|before| before + KEY_WINDOW)).unwrap_or_else(|| clock.now());
        Self { from, ran: clock.ran() }
    }

    /// It, now.
    pub(super) fn at(self, clock: &dyn Clock) -> Timestamp {
        self.from + (clock.ran() - self.ran)
    }
}

/// The keys of a commit that is under way: they are written together at its end.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    first: i64,
    bytes: Vec<u8>,
}

/// A key as it is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    hash: [u8; 16],
    digest: [u8; 16],
    event: EventId,
    place: u64,
    first_at: Timestamp,
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

    /// The newest of the same key that is still remembered.
    pub(super) fn find(
        &self,
        conn: &Connection,
        (keys, fresh): (&Segments, &Fresh),
        lived: Timestamp,
    ) -> Result<Option<Known>, Broken> {
        if let Some(known) = self.first((conn, fresh), keys.recent(self.short(), SAME_HASH_MAX), lived)? {
            return Ok(Some(known));
        }
        for spot in keys.closed_with(self.short()) {
            let ids = Segments::ids(conn, &spot, self.short(), SAME_HASH_MAX)?;
            if let Some(known) = self.first((conn, fresh), ids, lived)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    fn first(&self, (conn, fresh): (&Connection, &Fresh), ids: Vec<i64>, lived: Timestamp) -> Result<Option<Known>, Broken> {
        for id in ids {
            let kept = match fresh.get(id) {
                Some(kept) => Some(kept),
                None => read(conn, id)?,
            };
            let Some(kept) = kept.filter(|kept| kept.hash == self.hash) else { continue };
            if lived < kept.first_at + KEY_WINDOW {
                let same_body = kept.digest == self.digest;
                return Ok(Some(Known { same_body, place: kept.place, event: kept.event }));
            }
        }
        Ok(None)
    }
}

impl Fresh {
    /// Takes the next key in.
    pub(super) fn push(&mut self, id: i64, key: &KeyOf, (place, lived): (u64, Timestamp)) {
        if self.bytes.is_empty() {
            self.first = id;
        }
        self.bytes.extend(key.hash);
        self.bytes.extend(key.digest);
        self.bytes.extend(key.event.bytes());
        self.bytes.extend(place.to_le_bytes());
        self.bytes.extend(lived.micros().to_le_bytes());
    }

    fn get(&self, id: i64) -> Option<Kept> {
        nth(&self.bytes, self.first, id)
    }

    /// Writes their row.
    pub(super) fn write(&self, conn: &Connection) -> Result<(), Broken> {
        let keys = self.bytes.len() / KEY_BYTES;
        if keys > 0 {
            conn.prepare_cached(PUT)?.execute(params![self.first + len(keys) - 1, self.first, self.bytes])?;
        }
        Ok(())
    }
}

/// A key of the file.
fn read(conn: &Connection, id: i64) -> Result<Option<Kept>, Broken> {
    let mut select = conn.prepare_cached(KEY)?;
    let mut rows = select.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(nth(row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?, row.get(0)?, id))
}

/// The key with this id in a row whose first one has that.
fn nth(bytes: &[u8], first: i64, id: i64) -> Option<Kept> {
    let index = usize::try_from(id.checked_sub(first)?).ok()?;
    bytes.as_chunks::<KEY_BYTES>().0.get(index).map(kept)
}

fn kept(bytes: &[u8; KEY_BYTES]) -> Kept {
    let half = |from: usize| -> [u8; 16] { bytes[from..from + 16].try_into().unwrap_or_default() };
    let number = |from: usize| -> [u8; 8] { bytes[from..from + 8].try_into().unwrap_or_default() };
    Kept {
        hash: half(0),
        digest: half(16),
        event: EventId(Uuid::from_bytes(half(32))),
        place: u64::from_le_bytes(number(48)),
        first_at: at(i64::from_le_bytes(number(56))),
    }
}

/// The last id that was given.
pub(super) fn last(conn: &Connection) -> Result<i64, Broken> {
    let last: i64 = conn.query_row(LAST, [], |row| row.get(0))?;
    let closed: i64 = conn.query_row(LAST_CLOSED, [], |row| row.get(0))?;
    Ok(last.max(closed))
}

/// The keys above an id, for the open segment.
pub(super) fn read_from(conn: &Connection, after: i64, tell: &mut dyn FnMut(i64, i64, Timestamp)) -> Result<(), Broken> {
    let mut statement = conn.prepare(ROWS)?;
    let mut rows = statement.query([after])?;
    while let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        let keys = row.get_ref(1)?.as_blob().map_err(Broken::corrupt)?.as_chunks::<KEY_BYTES>().0;
        for (id, key) in (first..).zip(keys).filter(|(id, _)| *id > after) {
            let key = kept(key);
            tell(short(&key.hash), id, key.first_at);
        }
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
