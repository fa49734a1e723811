//! What the ledger's writer holds in memory: counters, cursors and lives, all small, and all taken back with a
//! transaction that is undone.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use engine::ports::Clock;
use model::account::Tally;
use model::{Bucket, Consumer, DeliveryId, NodeName, Offset, Origin, Partition, Timestamp};
use rusqlite::{Connection, params};

use super::super::broken::Broken;
use super::super::segments::Segments;
use super::super::sql::{at, count, int, len, statements};
use super::names::Names;
use super::packed::{Pack, PackMark};
use super::rows::Row;
use super::{feed, words};

statements! {
    NUMBERS = "SELECT name, number FROM meta";
    PUT_NUMBER = "INSERT INTO meta (name, number) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET number = $2";
    TALLIES = "SELECT kind, origin, bucket, entries FROM tallies";
    PUT_TALLY = "INSERT INTO tallies (kind, origin, bucket, entries) VALUES ($1, $2, $3, $4)
        ON CONFLICT (kind, origin, bucket) DO UPDATE SET entries = $4";
    CURSORS = "SELECT consumer, part, pos FROM cursors";
    PUT_CURSOR = "INSERT INTO cursors (consumer, part, pos) VALUES ($1, $2, $3)
        ON CONFLICT (consumer, part) DO UPDATE SET pos = $3";
    LIVES = "SELECT node, life, seen_at FROM lives";
    PUT_LIFE = "INSERT INTO lives (node, life, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (node) DO UPDATE SET life = $2, seen_at = $3";
}

/// LIMIT: leased deliveries that are held in memory; more are read from the file.
const LEASED_MAX: usize = 16_384;

/// A map that can take back what was done to it since the last commit.
#[derive(Debug)]
pub(super) struct Held<K, V> {
    rows: HashMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K: Eq + Hash + Clone + Ord, V: Copy> Held<K, V> {
    fn new(rows: HashMap<K, V>) -> Self {
        Self { rows, before: Vec::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.rows.get(key).copied()
    }

    pub(super) fn put(&mut self, key: K, row: V) {
        let old = self.rows.insert(key.clone(), row);
        self.before.push((key, old));
    }

    fn undo_to(&mut self, mark: usize) {
        while self.before.len() > mark {
            let Some((key, old)) = self.before.pop() else { return };
            match old {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }

    /// What was put since the last commit.
    fn changed(&self) -> BTreeSet<&K> {
        self.before.iter().map(|(key, _)| key).collect()
    }
}

/// A node's latest life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) incarnation: u64,
    pub(super) seen_at: Timestamp,
}

/// Numbers that an undone transaction takes back by assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The counters, per origin.
    pub(super) tallies: [Tally; 3],
    /// Of these, what retention removed the rows of.
    pub(super) trimmed: [Tally; 3],
    /// The last place of the feed.
    pub(super) feed: i64,
    /// The last place in the orders of opening, of lanes and of emission.
    pub(super) place: i64,
    /// The last row of words.
    pub(super) word: i64,
}

impl Numbers {
    /// An entry or a delivery came into a bucket.
    pub(super) fn enter(&mut self, origin: Origin, bucket: Bucket, entries: u64) {
        self.tallies[origin.index()].0[bucket.index()] += entries;
    }

    /// It moved from one to another, or stayed.
    pub(super) fn shift(&mut self, origin: Origin, from: Bucket, to: Bucket) -> Result<(), Broken> {
        let tally = &mut self.tallies[origin.index()].0;
        let left = tally[from.index()].checked_sub(1);
        tally[from.index()] = left.ok_or_else(|| Broken::Corrupt(format!("more left {from:?} than came")))?;
        tally[to.index()] += 1;
        Ok(())
    }

    /// The next place in the orders of opening, of lanes and of emission.
    pub(super) fn next_place(&mut self) -> i64 {
        self.place += 1;
        self.place
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) names: Names,
    pub(super) numbers: Numbers,
    committed: Numbers,
    pub(super) cursors: Held<(Consumer, Partition), Offset>,
    pub(super) lives: Held<NodeName, Life>,
    /// Rows of deliveries with an open attempt, as they stand in the file.
    leased: HashMap<DeliveryId, Row>,
    /// Notes of words that the present transaction will write.
    pub(super) fresh_words: Pack,
    /// Rows of the feed that it will write.
    pub(super) fresh_feed: Pack,
    words: Arc<RwLock<Segments>>,
    /// Segments of words that the present transaction drops.
    pub(super) words_dropped: Vec<i64>,
}

/// A point to which the state can go back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    numbers: Numbers,
    cursors: usize,
    lives: usize,
    names: usize,
    words: usize,
    fresh_words: PackMark,
    fresh_feed: PackMark,
}

impl State {
    /// What the file holds.
    pub(super) fn load(conn: &Connection, clock: Arc<dyn Clock>, words: Segments) -> Result<Self, Broken> {
        let numbers = load_numbers(conn)?;
        Ok(Self {
            clock,
            names: Names::load(conn)?,
            numbers,
            committed: numbers,
            cursors: Held::new(load_cursors(conn)?),
            lives: Held::new(load_lives(conn)?),
            leased: HashMap::new(),
            fresh_words: Pack::default(),
            fresh_feed: Pack::default(),
            words: Arc::new(RwLock::new(words)),
            words_dropped: Vec::new(),
        })
    }

    /// The words' segments, for readers.
    pub(super) fn shared_words(&self) -> Arc<RwLock<Segments>> {
        Arc::clone(&self.words)
    }

    /// The words' segments, for the writer.
    pub(super) fn words(&self) -> RwLockWriteGuard<'_, Segments> {
        self.words.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to be read while readers read too.
    pub(super) fn words_read(&self) -> RwLockReadGuard<'_, Segments> {
        self.words.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the row of a leased delivery, where it is held.
    pub(super) fn take_leased(&mut self, id: DeliveryId) -> Option<Row> {
        self.leased.remove(&id)
    }

    /// The row of a leased delivery, where it is held.
    pub(super) fn leased(&self, id: DeliveryId) -> Option<&Row> {
        self.leased.get(&id)
    }

    /// Holds the row of a leased delivery.
    pub(super) fn hold_leased(&mut self, row: Row) {
        if self.leased.len() < LEASED_MAX {
            self.leased.insert(row.delivery.id, row);
        }
    }

    /// Where the state stands.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            numbers: self.numbers,
            cursors: self.cursors.before.len(),
            lives: self.lives.before.len(),
            names: self.names.mark(),
            words: self.words_read().noted(),
            fresh_words: self.fresh_words.mark(),
            fresh_feed: self.fresh_feed.mark(),
        }
    }

    /// Whether names were written since then.
    pub(super) fn has_named_since(&self, mark: &Mark) -> bool {
        self.names.mark() > mark.names
    }

    /// Takes back what was done since then; its rows are not in the file.
    pub(super) fn undo_to(&mut self, mark: &Mark) {
        self.numbers = mark.numbers;
        self.cursors.undo_to(mark.cursors);
        self.lives.undo_to(mark.lives);
        self.names.undo_to(mark.names);
        self.leased.clear();
        self.words_dropped.clear();
        self.words().undo_to(mark.words);
        self.fresh_words.undo_to(mark.fresh_words);
        self.fresh_feed.undo_to(mark.fresh_feed);
    }

    /// Writes what is written once per commit.
    pub(super) fn write(&self, conn: &Connection) -> Result<(), Broken> {
        words::write(conn, &self.fresh_words)?;
        feed::write(conn, &self.fresh_feed)?;
        let (now, old) = (&self.numbers, &self.committed);
        for (name, number, before) in
            [("feed", now.feed, old.feed), ("place", now.place, old.place), ("word", now.word, old.word)]
        {
            if number != before {
                conn.prepare_cached(PUT_NUMBER)?.execute(params![name, number])?;
            }
        }
        write_tallies(conn, 0, &now.tallies, &old.tallies)?;
        write_tallies(conn, 1, &now.trimmed, &old.trimmed)?;
        for key in self.cursors.changed() {
            let pos = self.cursors.get(key).unwrap_or_default();
            conn.prepare_cached(PUT_CURSOR)?.execute(params![key.0.as_str(), key.1.0, int(pos.0)])?;
        }
        for node in self.lives.changed() {
            let Some(life) = self.lives.get(node) else { continue };
            let row = params![node.as_str(), int(life.incarnation), life.seen_at.micros()];
            conn.prepare_cached(PUT_LIFE)?.execute(row)?;
        }
        Ok(())
    }

    /// All of it is durable.
    pub(super) fn keep(&mut self) {
        self.committed = self.numbers;
        self.cursors.before.clear();
        self.lives.before.clear();
        self.names.keep();
        self.fresh_words.clear();
        self.fresh_feed.clear();
        let dropped = std::mem::take(&mut self.words_dropped);
        self.words().forget(&dropped);
    }
}

fn write_tallies(conn: &Connection, kind: i64, now: &[Tally; 3], old: &[Tally; 3]) -> Result<(), Broken> {
    for origin in Origin::ALL {
        for bucket in Bucket::ALL {
            let (now, old) = (now[origin.index()].get(bucket), old[origin.index()].get(bucket));
            if now != old {
                let row = [kind, len(origin.index()), len(bucket.index()), int(now)];
                conn.prepare_cached(PUT_TALLY)?.execute(row)?;
            }
        }
    }
    Ok(())
}

fn load_numbers(conn: &Connection) -> Result<Numbers, Broken> {
    let mut numbers = Numbers::default();
    let mut statement = conn.prepare(NUMBERS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, number): (String, i64) = (row.get(0)?, row.get(1)?);
        match name.as_str() {
            "feed" => numbers.feed = number,
            "place" => numbers.place = number,
            "word" => numbers.word = number,
            _ => {}
        }
    }
    [numbers.tallies, numbers.trimmed] = load_tallies(conn)?;
    Ok(numbers)
}

/// The counters and, of these, what retention removed.
pub(super) fn load_tallies(conn: &Connection) -> Result<[[Tally; 3]; 2], Broken> {
    let mut kinds = [[Tally::default(); 3]; 2];
    let mut statement = conn.prepare_cached(TALLIES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let index = |column: usize| -> Result<usize, Broken> {
            usize::try_from(row.get::<_, i64>(column)?).map_err(Broken::corrupt)
        };
        let tally = kinds.get_mut(index(0)?).and_then(|kind| kind.get_mut(index(1).ok()?));
        let entries = tally.and_then(|tally| tally.0.get_mut(index(2).ok()?));
        *entries.ok_or_else(|| Broken::corrupt("a counter of no known bucket"))? = count(row.get(3)?);
    }
    Ok(kinds)
}

fn load_cursors(conn: &Connection) -> Result<HashMap<(Consumer, Partition), Offset>, Broken> {
    let mut cursors = HashMap::new();
    let mut statement = conn.prepare(CURSORS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let consumer: String = row.get(0)?;
        let consumer: Consumer = consumer.parse().map_err(Broken::corrupt)?;
        cursors.insert((consumer, Partition(row.get(1)?)), Offset(count(row.get(2)?)));
    }
    Ok(cursors)
}

fn load_lives(conn: &Connection) -> Result<HashMap<NodeName, Life>, Broken> {
    let mut lives = HashMap::new();
    let mut statement = conn.prepare(LIVES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let node: String = row.get(0)?;
        let life = Life { incarnation: count(row.get(1)?), seen_at: at(row.get(2)?) };
        lives.insert(node.parse().map_err(Broken::corrupt)?, life);
    }
    Ok(lives)
}
