//! Finding rows by a random hash at a cost that stays flat as a file grows.
//!
//! One big index over random hashes writes to a random page for every row; that is what makes a `SQLite` file slow down.
//! Here the rows themselves stand in the order of their arrival, and their hashes in segments: the open one in memory
//! (made anew from the rows when the file is opened), the closed ones sorted in the file in blocks, each written once
//! from its beginning to its end. In memory stay a filter that answers nearly all questions for what is not there, and
//! where each block starts.

mod store;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use model::Timestamp;
use model::limit::SEGMENT_PERIOD;

use super::filter::Filter;

/// A row's hash and the row's id. Ids rise.
type Pair = (i64, i64);

/// Pairs of one block of a closed segment: a page of the file holds them.
const BLOCK_PAIRS: usize = 500;

/// No earlier pair of this hash in the open segment.
const NONE: u32 = u32::MAX;

/// All segments of a file.
#[derive(Debug)]
pub(super) struct Segments {
    hashes_max: usize,
    open: Open,
    closing: Option<Closing>,
    closed: Vec<Closed>,
    /// Segments that are out of use and whose rows are still to be removed from the file.
    dropped: Vec<Closed>,
}

#[derive(Debug, Default)]
struct Open {
    number: i64,
    pairs: Vec<Pair>,
    /// For each pair the one before it with the same hash.
    earlier: Vec<u32>,
    /// The latest pair of each hash.
    latest: HashMap<i64, u32>,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// A full segment whose pairs are being written in slices.
#[derive(Debug)]
struct Closing {
    number: i64,
    sorted: Vec<Pair>,
    written: usize,
    last_id: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    filter: Filter,
}

#[derive(Debug)]
struct Closed {
    number: i64,
    last_id: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    filter: Filter,
    /// The first hash of each block.
    starts: Vec<i64>,
}

/// Where the pairs of a hash may be: blocks of a closed segment.
#[derive(Debug)]
pub(super) struct Spot {
    segment: i64,
    blocks: RangeInclusive<usize>,
}

/// What was done to the file in a transaction, to be said to [`Segments::advance`] when that is durable.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Progress {
    written: usize,
    finished: bool,
    swept: Option<i64>,
}

impl Segments {
    /// Notes that the row `id` has this hash.
    pub(super) fn note(&mut self, hash: i64, id: i64, at: Timestamp) {
        let open = &mut self.open;
        if open.pairs.is_empty() {
            open.first_at = at;
        }
        open.last_at = open.last_at.max(at);
        // LIMIT: a segment is closed long before it holds u32::MAX pairs.
        let index = u32::try_from(open.pairs.len()).unwrap_or(NONE);
        let earlier = open.latest.insert(hash, index).unwrap_or(NONE);
        open.pairs.push((hash, id));
        open.earlier.push(earlier);
    }

    /// How many pairs are noted in the open segment: where [`Segments::undo_to`] goes back to.
    pub(super) fn noted(&self) -> usize {
        self.open.pairs.len()
    }

    /// Forgets what was noted since; its transaction was undone.
    pub(super) fn undo_to(&mut self, noted: usize) {
        let open = &mut self.open;
        while open.pairs.len() > noted {
            let (Some((hash, _)), Some(earlier)) = (open.pairs.pop(), open.earlier.pop()) else {
                return;
            };
            if earlier == NONE {
                open.latest.remove(&hash);
            } else {
                open.latest.insert(hash, earlier);
            }
        }
    }

    /// Ids of rows with this hash that are not in a closed segment, newest first, at most `limit`.
    pub(super) fn recent(&self, hash: i64, limit: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        let mut next = self.open.latest.get(&hash).copied().unwrap_or(NONE);
        while next != NONE && ids.len() < limit {
            let index = next as usize;
            ids.push(self.open.pairs[index].1);
            next = self.open.earlier[index];
        }
        if let Some(closing) = &self.closing {
            let from = closing.sorted.partition_point(|pair| pair.0 < hash);
            let to = closing.sorted.partition_point(|pair| pair.0 <= hash);
            let room = limit - ids.len();
            ids.extend(closing.sorted[from..to].iter().rev().take(room).map(|pair| pair.1));
        }
        ids
    }

    /// Where closed segments may hold this hash, newest first.
    pub(super) fn closed_with(&self, hash: i64) -> Vec<Spot> {
        self.closed.iter().rev().filter_map(|closed| closed.spot(hash)).collect()
    }

    /// Begins to close the open segment when it is full or a day old. Cheap to ask; to be called after a commit.
    pub(super) fn turn(&mut self, now: Timestamp) {
        let full = self.open.pairs.len() >= self.hashes_max;
        let aged = !self.open.pairs.is_empty() && now.since(self.open.first_at) >= SEGMENT_PERIOD;
        if self.closing.is_some() || !(full || aged) {
            return;
        }
        let next = Open { number: self.open.number + 1, ..Open::default() };
        let full = std::mem::replace(&mut self.open, next);
        self.closing = Some(Closing::of(full));
    }

    /// Whether there is anything for [`Segments::work`] to do.
    pub(super) fn has_work(&self) -> bool {
        self.closing.is_some() || !self.dropped.is_empty()
    }

    /// What was written is durable.
    pub(super) fn advance(&mut self, progress: &Progress) {
        if let Some(closing) = &mut self.closing {
            closing.written += progress.written;
        }
        if progress.finished
            && let Some(closing) = self.closing.take()
        {
            let starts = closing.starts();
            let Closing { number, last_id, first_at, last_at, filter, .. } = closing;
            self.closed.push(Closed { number, last_id, first_at, last_at, filter, starts });
        }
        if let Some(number) = progress.swept {
            self.dropped.retain(|segment| segment.number != number);
        }
    }

    /// Closed segments whose rows are all older than `before`, oldest first.
    pub(super) fn older_than(&self, before: Timestamp) -> Vec<i64> {
        self.closed.iter().filter(|closed| closed.last_at < before).map(|closed| closed.number).collect()
    }

    /// Closed segments whose rows all have an id of at most `id`, oldest first.
    pub(super) fn up_to(&self, id: i64) -> Vec<i64> {
        self.closed.iter().filter(|closed| closed.last_id <= id).map(|closed| closed.number).collect()
    }

    /// These segments are out of use from now on; the file says so durably.
    pub(super) fn forget(&mut self, numbers: &[i64]) {
        let (dropped, closed) =
            std::mem::take(&mut self.closed).into_iter().partition(|closed| numbers.contains(&closed.number));
        self.closed = closed;
        self.dropped.extend::<Vec<Closed>>(dropped);
    }

    /// From when to when the rows of each segment in use are.
    pub(super) fn periods(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut periods: Vec<_> = self.closed.iter().map(|closed| (closed.first_at, closed.last_at)).collect();
        periods.extend(self.closing.as_ref().map(|closing| (closing.first_at, closing.last_at)));
        if !self.open.pairs.is_empty() {
            periods.push((self.open.first_at, self.open.last_at));
        }
        periods
    }
}

impl Closed {
    fn spot(&self, hash: i64) -> Option<Spot> {
        if !self.filter.may_hold(hash) {
            return None;
        }
        // The block before the first that starts at the hash may end with it.
        let from = self.starts.partition_point(|start| *start < hash).saturating_sub(1);
        let to = self.starts.partition_point(|start| *start <= hash).checked_sub(1)?;
        Some(Spot { segment: self.number, blocks: from..=to })
    }
}

impl Closing {
    fn starts(&self) -> Vec<i64> {
        self.sorted.chunks(BLOCK_PAIRS).map(|block| block[0].0).collect()
    }

    fn of(open: Open) -> Self {
        let mut filter = Filter::for_hashes(open.pairs.len());
        open.pairs.iter().for_each(|pair| filter.put(pair.0));
        let last_id = open.pairs.last().map_or(0, |pair| pair.1);
        let mut sorted = open.pairs;
        sorted.sort_unstable();
        // The same word twice in one event is one pair: the file's key would refuse the second.
        sorted.dedup();
        Self { number: open.number, sorted, written: 0, last_id, first_at: open.first_at, last_at: open.last_at, filter }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(hashes_max: usize) -> Segments {
        Segments { hashes_max, open: Open::default(), closing: None, closed: Vec::new(), dropped: Vec::new() }
    }

    #[test]
    fn rows_of_a_hash_come_newest_first_from_the_open_and_the_closing_segment() {
        let mut segments = empty(4);
        let at = Timestamp::from_secs(1);
        for (hash, id) in [(7, 1), (9, 2), (7, 3), (7, 4)] {
            segments.note(hash, id, at);
        }
        segments.turn(at);
        segments.note(7, 5, at);
        assert_eq!(segments.recent(7, 10), [5, 4, 3, 1]);
        assert_eq!(segments.recent(7, 2), [5, 4]);
        assert_eq!(segments.recent(9, 10), [2]);
        assert_eq!(segments.recent(8, 10), [0_i64; 0]);
    }

    #[test]
    fn what_was_undone_is_not_found() {
        let mut segments = empty(100);
        let at = Timestamp::from_secs(1);
        segments.note(7, 1, at);
        let noted = segments.noted();
        segments.note(7, 2, at);
        segments.note(8, 3, at);
        segments.undo_to(noted);
        assert_eq!(segments.recent(7, 10), [1]);
        assert_eq!(segments.recent(8, 10), [0_i64; 0]);
        segments.note(8, 3, at);
        assert_eq!(segments.recent(8, 10), [3]);
    }
}
