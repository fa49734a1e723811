//! The journal's writer: decides and appends the entries of one group in one durable transaction, then answers all.
//! It never answers before the commit has returned, and after a failed one its memory is what it was before.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::ports::{Clock, Mark};
use model::record::Unreadable;
use model::{Appended, Entry, EventId, Fault, NewEntry, Offset, Partition, PolicyVersion, Position, Record, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::broken::Broken;
use super::super::checkpoint::Checkpoints;
use super::super::connection::transact;
use super::super::segments::Segments;
use super::super::sql::{count, int, statements};
use super::keys::{self, KeyOf};
use super::{Shared, kept, trim};
use crate::spared::Spared;

statements! {
    PUT_RECORD = "INSERT INTO records (place, at, kind, policy, emitted, event, accepted, head, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    PUT_EMITTED = "INSERT INTO emitted (id, place) VALUES ($1, $2)";
    EMITTED = "SELECT place FROM emitted WHERE id = $1";
    POLICY = "SELECT id FROM policies WHERE version = $1";
    PUT_POLICY = "INSERT INTO policies (version) VALUES ($1) RETURNING id";
    PUT_MARK = "INSERT INTO marks (place, live, replay, synthetic) VALUES ($1, $2, $3, $4)";
    LAST_MARK = "SELECT place, live, replay, synthetic FROM marks ORDER BY place DESC LIMIT 1";
    PAGES = "PRAGMA page_count";
    FREE_PAGES = "PRAGMA freelist_count";
    PAGE_BYTES = "PRAGMA page_size";
}

/// A request with the way back.
#[derive(Debug)]
pub(super) struct Work {
    /// The call, for faults.
    pub(super) op: &'static str,
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Result<Reply, Fault>>,
}

#[derive(Debug)]
pub(super) enum Request {
    Append { entries: Vec<Prepared>, bytes: usize },
    Trim { to: Offset, keep: Vec<Offset>, as_of: Mark },
    Release { offsets: Vec<Offset>, as_of: Mark },
    Keep { offsets: Vec<Offset> },
    Forget { before: Timestamp },
}

#[derive(Debug)]
pub(super) enum Reply {
    Appended(Vec<Appended>),
    Trimmed(Offset),
    Released(u64),
    Kept(Vec<Offset>),
    Forgotten(u64),
}

/// An entry with all that can be made ready outside of the writer's thread.
#[derive(Debug)]
pub(super) struct Prepared {
    policy: PolicyVersion,
    emitted: Option<Uuid>,
    key: Option<KeyOf>,
    head: Vec<u8>,
    entry: Entry,
}

impl Prepared {
    pub(super) fn of(new: NewEntry) -> Result<Self, Unreadable> {
        let encoded = new.entry.encode()?;
        let key = if new.emitted.is_none() { KeyOf::entry(&new.entry) } else { None };
        Ok(Self { policy: new.policy, emitted: new.emitted, key, head: encoded.head, entry: new.entry })
    }

    /// What it takes in the queue.
    pub(super) fn bytes(&self) -> usize {
        self.head.len() + self.entry.event().map_or(0, |event| event.body.len())
    }
}

/// The writer's memory.
#[derive(Debug)]
pub(super) struct Appender {
    conn: Connection,
    state: State,
}

#[derive(Debug)]
pub(super) struct State {
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    page_bytes: u64,
    /// Ids of policies; emptied when a transaction that may have made some is undone.
    policies: HashMap<PolicyVersion, i64>,
    pub(super) keys: Segments,
    /// What it spares although its transaction is undone is spared for nothing, no more.
    pub(super) spared: Spared,
    pub(super) counts: Counts,
}

/// What an undone transaction takes back by assignment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) head: u64,
    pub(super) trimmed: u64,
    totals: [u64; 3],
    pub(super) last_key: i64,
    /// Keys that were first seen before this are forgotten.
    pub(super) forgotten: Timestamp,
}

/// What a transaction did that becomes true when it is durable.
#[derive(Debug, Default)]
pub(super) struct Staged {
    records: Vec<Arc<Record>>,
    pub(super) trimmed: Option<Offset>,
    pub(super) dropped: Vec<i64>,
}

impl Appender {
    /// What the file holds.
    pub(super) fn load(
        conn: Connection,
        segment_keys: usize,
        clock: Arc<dyn Clock>,
        shared: Arc<Shared>,
    ) -> Result<Self, Broken> {
        let mark = conn
            .prepare_cached(LAST_MARK)?
            .query_row([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))
            .optional()?;
        let (head, totals): (i64, [i64; 3]) = mark.unwrap_or_default();
        let counts = Counts {
            head: count(head),
            trimmed: trim::trimmed(&conn)?.0,
            totals: totals.map(count),
            last_key: keys::last(&conn)?,
            forgotten: trim::forgotten(&conn)?,
        };
        let page_bytes: i64 = conn.prepare_cached(PAGE_BYTES)?.query_row([], |row| row.get(0))?;
        let keys = Segments::load(&conn, segment_keys, keys::read_from)?;
        let spared = Spared::default();
        let state = State { clock, shared, page_bytes: count(page_bytes), policies: HashMap::new(), keys, spared, counts };
        let used = state.used(&conn)?;
        state.shared.used.store(used, Ordering::Relaxed);
        state.shared.head.store(counts.head, Ordering::Release);
        Ok(Self { conn, state })
    }

    /// Does the works of one group, or what can be done in an idle moment.
    pub(super) fn group(&mut self, works: Vec<Work>, checkpoints: &Checkpoints) {
        if works.is_empty() && !self.state.keys.has_work() {
            self.state.keys.turn(self.state.clock.now());
            checkpoints.idle();
            return;
        }
        let mut answers = Vec::with_capacity(works.len());
        let mut requests = Vec::with_capacity(works.len());
        for work in works {
            answers.push((work.op, work.answer));
            requests.push(work.request);
        }
        match self.commit(requests) {
            Ok(replies) => {
                for ((op, answer), reply) in answers.into_iter().zip(replies) {
                    // Nobody waits any more for the answer of a cancelled call.
                    drop(answer.send(reply.map_err(|broken| broken.fault(op))));
                }
            }
            Err(broken) => {
                for (op, answer) in answers {
                    drop(answer.send(Err(broken.fault(op))));
                }
            }
        }
        checkpoints.between_commits(&self.conn);
    }

    fn commit(&mut self, requests: Vec<Request>) -> Result<Vec<Result<Reply, Broken>>, Broken> {
        let Self { conn, state } = self;
        let conn = &*conn;
        let before = (state.counts, state.keys.noted());
        let mut staged = Staged::default();
        let outcome = transact(conn, || {
            let mut replies = Vec::with_capacity(requests.len());
            for request in requests {
                match state.apply(conn, request, &mut staged) {
                    Err(Broken::Sql(error)) => return Err(Broken::Sql(error)),
                    reply => replies.push(reply),
                }
            }
            let progress = state.finish(conn, &staged)?;
            Ok((replies, progress, state.used(conn)?))
        });
        match outcome {
            Ok((replies, progress, used)) => {
                state.keys.advance(&progress);
                state.publish(staged, used);
                Ok(replies)
            }
            Err(broken) => {
                state.counts = before.0;
                state.keys.undo_to(before.1);
                state.policies.clear();
                Err(broken)
            }
        }
    }
}

impl State {
    fn apply(&mut self, conn: &Connection, request: Request, staged: &mut Staged) -> Result<Reply, Broken> {
        match request {
            Request::Append { entries, bytes } => {
                self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
                let from_intake = entries.iter().any(|entry| entry.emitted.is_none());
                if from_intake && self.shared.used.load(Ordering::Relaxed) >= self.shared.budget {
                    return Err(Broken::Full);
                }
                let now = self.clock.now();
                let answers = entries.into_iter().map(|entry| self.append(conn, entry, now, staged));
                Ok(Reply::Appended(answers.collect::<Result<_, _>>()?))
            }
            Request::Trim { to, keep, as_of } => self.trim(conn, to, (&keep, as_of), staged).map(Reply::Trimmed),
            Request::Release { offsets, as_of } => kept::release(conn, &self.spared, &offsets, as_of).map(Reply::Released),
            Request::Keep { offsets } => kept::keep(conn, &mut self.spared, offsets).map(Reply::Kept),
            Request::Forget { before } => self.forget(conn, before, staged).map(Reply::Forgotten),
        }
    }

    fn append(
        &mut self,
        conn: &Connection,
        entry: Prepared,
        now: Timestamp,
        staged: &mut Staged,
    ) -> Result<Appended, Broken> {
        if let Some(repeat) = self.repeat_of(conn, &entry, now)? {
            return Ok(repeat);
        }
        let policy = self.policy(conn, entry.policy)?;
        let place = self.counts.head + 1;
        let event = entry.entry.event();
        let accepted = entry.entry.accepted().map(model::Origin::index);
        conn.prepare_cached(PUT_RECORD)?.execute(params![
            int(place),
            now.micros(),
            kind(&entry.entry),
            policy,
            entry.emitted.map(Uuid::into_bytes),
            event.map(|event| event.id.bytes()),
            accepted.map(super::super::sql::len),
            entry.head,
            event.map_or(&[][..], |event| &event.body),
        ])?;
        if let Some(id) = entry.emitted {
            conn.prepare_cached(PUT_EMITTED)?.execute(params![id.into_bytes(), int(place)])?;
        }
        if let Some(key) = &entry.key {
            self.counts.last_key += 1;
            key.put(conn, self.counts.last_key, place, now)?;
            self.keys.note(key.short(), self.counts.last_key, now);
        }
        if let Some(origin) = accepted {
            self.counts.totals[origin] += 1;
        }
        self.counts.head = place;
        let position = position(place);
        let (policy, emitted, entry) = (entry.policy, entry.emitted, entry.entry);
        staged.records.push(Arc::new(Record { position, at: now, policy, emitted, entry }));
        Ok(Appended::New(position))
    }

    fn repeat_of(&self, conn: &Connection, entry: &Prepared, now: Timestamp) -> Result<Option<Appended>, Broken> {
        if let Some(id) = entry.emitted {
            let mut find = conn.prepare_cached(EMITTED)?;
            let place: Option<i64> = find.query_row([id.into_bytes()], |row| row.get(0)).optional()?;
            return Ok(place.map(|place| Appended::Duplicate(position(count(place)), EventId(Uuid::nil()))));
        }
        let Some(key) = &entry.key else { return Ok(None) };
        let known = key.find(conn, &self.keys, keys::Since { forgotten: self.counts.forgotten, now })?;
        Ok(known.map(|known| {
            if known.same_body {
                Appended::Duplicate(position(known.place), known.event)
            } else {
                Appended::KeyReused(position(known.place), known.event)
            }
        }))
    }

    fn policy(&mut self, conn: &Connection, version: PolicyVersion) -> Result<i64, Broken> {
        if let Some(id) = self.policies.get(&version) {
            return Ok(*id);
        }
        let bytes = version.0.0;
        let known = conn.prepare_cached(POLICY)?.query_row([bytes], |row| row.get(0)).optional()?;
        let id = match known {
            Some(id) => id,
            None => conn.prepare_cached(PUT_POLICY)?.query_row([bytes], |row| row.get(0))?,
        };
        self.policies.insert(version, id);
        Ok(id)
    }

    /// The last writes of a transaction.
    fn finish(&self, conn: &Connection, staged: &Staged) -> Result<super::super::segments::Progress, Broken> {
        if !staged.records.is_empty() {
            let [live, replay, synthetic] = self.counts.totals.map(int);
            conn.prepare_cached(PUT_MARK)?.execute([int(self.counts.head), live, replay, synthetic])?;
        }
        self.keys.work(conn, staged.records.len() * 4, keys::sweep)
    }

    /// Tells everybody what is durable now.
    fn publish(&mut self, staged: Staged, used: u64) {
        let mut window = self.shared.window();
        staged.records.into_iter().for_each(|record| window.push(record));
        if let Some(to) = staged.trimmed {
            window.trim(to);
        }
        drop(window);
        self.keys.forget(&staged.dropped);
        self.keys.turn(self.clock.now());
        self.shared.head.store(self.counts.head, Ordering::Release);
        self.shared.used.store(used, Ordering::Relaxed);
        self.shared.mark.store(self.spared.mark().0, Ordering::Release);
        self.shared.changed.send_modify(|count| *count += 1);
    }

    fn used(&self, conn: &Connection) -> Result<u64, Broken> {
        let pages: i64 = conn.prepare_cached(PAGES)?.query_row([], |row| row.get(0))?;
        let free: i64 = conn.prepare_cached(FREE_PAGES)?.query_row([], |row| row.get(0))?;
        Ok(count(pages - free) * self.page_bytes)
    }
}

fn position(place: u64) -> Position {
    Position { partition: Partition(0), offset: Offset(place) }
}

/// The number of an entry's kind in the file, for people who look into it.
const fn kind(entry: &Entry) -> i64 {
    match entry {
        Entry::Admitted(_) => 1,
        Entry::Quarantined { .. } => 2,
        Entry::Resubmitted { .. } => 3,
        Entry::Released { .. } => 4,
        Entry::Replayed { .. } => 5,
        Entry::PolicyApplied { .. } => 6,
    }
}
