//! Segments in their file: read when it is opened, written in slices between other work, removed in slices.

use model::Timestamp;
use model::limit::SEGMENT_SLICE_ROWS;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::broken::Broken;
use super::super::sql::{at, len, statements};
use super::{BLOCK_PAIRS, Closed, Filter, Open, Pair, Progress, Segments, Spot};

statements! {
    SEGMENTS = "SELECT number, last_id, first_at, last_at, dropped, filter, starts FROM segments ORDER BY number";
    LAST_NUMBER = "SELECT number FROM meta WHERE name = 'segments'";
    UNFINISHED = "DELETE FROM segment_blocks WHERE id >= $1";
    PUT_BLOCK = "INSERT INTO segment_blocks (id, content) VALUES ($1, $2)";
    PUT_SEGMENT = "INSERT INTO segments (number, last_id, first_at, last_at, dropped, filter, starts)
        VALUES ($1, $2, $3, $4, 0, $5, $6)";
    PUT_LAST = "INSERT INTO meta (name, number) VALUES ('segments', $1) ON CONFLICT (name) DO UPDATE SET number = $1";
    BLOCK = "SELECT content FROM segment_blocks WHERE id = $1";
    DROP = "UPDATE segments SET dropped = 1 WHERE number = $1";
    SLICE_END = "SELECT id FROM segment_blocks WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 1 OFFSET $3";
    DELETE_BLOCKS = "DELETE FROM segment_blocks WHERE id >= $1 AND id < $2";
    DELETE_SEGMENT = "DELETE FROM segments WHERE number = $1";
}

/// Blocks that have room between the first of a segment and that of the next.
const BLOCKS_ROOM: i64 = 1 << 24;
/// Bytes of a pair in its block.
const PAIR_BYTES: usize = 16;

/// Reads the hashes of the rows above an id in the order of their ids, and tells each to the second argument.
pub(in super::super) type ReadRows = fn(&Connection, i64, &mut dyn FnMut(i64, i64, Timestamp)) -> Result<(), Broken>;

/// Removes the rows of a segment up to and including an id, at most so many; says whether none is left.
pub(in super::super) type SweepRows = fn(&Connection, i64, usize) -> Result<bool, Broken>;

impl Segments {
    /// What the file holds. The open segment is made anew from the rows.
    pub(in super::super) fn load(conn: &Connection, hashes_max: usize, rows: ReadRows) -> Result<Self, Broken> {
        let mut segments =
            Self { hashes_max, open: Open::default(), closing: None, closed: Vec::new(), dropped: Vec::new() };
        let last: Option<i64> = conn.prepare_cached(LAST_NUMBER)?.query_row([], |row| row.get(0)).optional()?;
        let last = last.unwrap_or(0);
        let last_id = segments.load_closed(conn)?;
        // A crash while a segment was being closed leaves pairs that no filter covers; they are written again.
        conn.execute(UNFINISHED, [block_id(last + 1, 0)])?;
        segments.open.number = last + 1;
        rows(conn, last_id, &mut |hash, id, at| segments.note(hash, id, at))?;
        Ok(segments)
    }

    fn load_closed(&mut self, conn: &Connection) -> Result<i64, Broken> {
        let mut last_id = 0;
        let mut statement = conn.prepare(SEGMENTS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let filter = Filter::from_bytes(row.get_ref(5)?.as_blob().map_err(Broken::corrupt)?)
                .ok_or_else(|| Broken::Corrupt(format!("the filter of segment {number} is damaged")))?;
            let starts = row.get_ref(6)?.as_blob().map_err(Broken::corrupt)?.as_chunks::<8>().0;
            let closed = Closed {
                number,
                last_id: row.get(1)?,
                first_at: at(row.get(2)?),
                last_at: at(row.get(3)?),
                filter,
                starts: starts.iter().map(|start| i64::from_le_bytes(*start)).collect(),
            };
            last_id = last_id.max(closed.last_id);
            if row.get::<_, bool>(4)? {
                self.dropped.push(closed);
            } else {
                self.closed.push(closed);
            }
        }
        Ok(last_id)
    }

    /// Ids of rows with this hash at a spot, newest first, at most `limit`.
    pub(in super::super) fn ids(conn: &Connection, spot: &Spot, hash: i64, limit: usize) -> Result<Vec<i64>, Broken> {
        let mut ids = Vec::new();
        let mut statement = conn.prepare_cached(BLOCK)?;
        for block in spot.blocks.clone().rev() {
            let mut rows = statement.query([block_id(spot.segment, block)])?;
            let Some(row) = rows.next()? else { continue };
            let pairs = row.get_ref(0)?.as_blob().map_err(Broken::corrupt)?.as_chunks::<PAIR_BYTES>().0;
            let found = pairs.iter().rev().map(pair).filter(|pair| pair.0 == hash);
            ids.extend(found.take(limit - ids.len()).map(|pair| pair.1));
        }
        Ok(ids)
    }

    /// Writes or removes a slice, inside the caller's transaction. At least `rows` pairs of a segment that is being
    /// closed, so that closing one ends before the next is full.
    pub(in super::super) fn work(&self, conn: &Connection, rows: usize, sweep: SweepRows) -> Result<Progress, Broken> {
        let mut progress = Progress::default();
        if self.closing.is_some() {
            self.write_slice(conn, rows.max(SEGMENT_SLICE_ROWS), &mut progress)?;
        } else if let Some(segment) = self.dropped.first() {
            let pairs_gone = delete_slice(conn, segment.number)?;
            if pairs_gone && sweep(conn, segment.last_id, SEGMENT_SLICE_ROWS)? {
                conn.prepare_cached(DELETE_SEGMENT)?.execute([segment.number])?;
                progress.swept = Some(segment.number);
            }
        }
        Ok(progress)
    }

    fn write_slice(&self, conn: &Connection, rows: usize, progress: &mut Progress) -> Result<(), Broken> {
        let Some(closing) = &self.closing else { return Ok(()) };
        // INVARIANT: what was written ends with a whole block.
        let to = (closing.written + rows.next_multiple_of(BLOCK_PAIRS)).min(closing.sorted.len());
        let mut put = conn.prepare_cached(PUT_BLOCK)?;
        let blocks = closing.sorted[closing.written..to].chunks(BLOCK_PAIRS);
        for (number, block) in (closing.written / BLOCK_PAIRS..).zip(blocks) {
            let pairs = block.iter().flat_map(|(hash, id)| [hash.to_le_bytes(), id.to_le_bytes()]).flatten();
            put.execute(params![block_id(closing.number, number), pairs.collect::<Vec<u8>>()])?;
        }
        progress.written = to - closing.written;
        if to == closing.sorted.len() {
            progress.finished = true;
            conn.prepare_cached(PUT_SEGMENT)?.execute(params![
                closing.number,
                closing.last_id,
                closing.first_at.micros(),
                closing.last_at.micros(),
                closing.filter.to_bytes(),
                closing.starts().iter().flat_map(|start| start.to_le_bytes()).collect::<Vec<u8>>(),
            ])?;
            conn.prepare_cached(PUT_LAST)?.execute([closing.number])?;
        }
        Ok(())
    }

    /// Marks segments as out of use, inside the caller's transaction.
    pub(in super::super) fn mark_dropped(conn: &Connection, numbers: &[i64]) -> Result<(), Broken> {
        let mut mark = conn.prepare_cached(DROP)?;
        for number in numbers {
            mark.execute([number])?;
        }
        Ok(())
    }
}

/// Removes blocks of a segment, at most so many pairs as a slice has; says whether none is left.
fn delete_slice(conn: &Connection, segment: i64) -> Result<bool, Broken> {
    let (from, end) = (block_id(segment, 0), block_id(segment + 1, 0));
    let blocks = len(SEGMENT_SLICE_ROWS / BLOCK_PAIRS);
    let next = conn.prepare_cached(SLICE_END)?.query_row([from, end, blocks], |row| row.get::<_, i64>(0)).optional()?;
    conn.prepare_cached(DELETE_BLOCKS)?.execute([from, next.unwrap_or(end)])?;
    Ok(next.is_none())
}

fn block_id(segment: i64, block: usize) -> i64 {
    segment * BLOCKS_ROOM + len(block)
}

fn pair(bytes: &[u8; PAIR_BYTES]) -> Pair {
    let number = |from: usize| i64::from_le_bytes(bytes[from..from + 8].try_into().unwrap_or_default());
    (number(0), number(8))
}
