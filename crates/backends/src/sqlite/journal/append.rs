//! The journal's writer: decides and appends the entries of one group in one durable transaction, then answers all.
//! It never answers before the commit has returned, and after a failed one its memory is what it was before.

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
use super::super::connection::{transact, used_bytes};
use super::super::segments::Segments;
use super::super::sql::{count, int, statements};
use super::chunk::{Draft, Stored};
use super::keys::{self, Fresh, KeyOf, Lived};
use super::{Shared, kept, read, trim};
use crate::spared::Spared;

statements! {
    PUT_CHUNK = "INSERT INTO chunks (last, first, low, high, live, replay, synthetic, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    PUT_STRAY = "INSERT INTO strays (event, place) VALUES ($1, $2) ON CONFLICT (event) DO NOTHING";
    PUT_EMITTED = "INSERT INTO emitted (id, place, at) VALUES ($1, $2, $3)";
    EMITTED = "SELECT place FROM emitted WHERE id = $1";
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
    ForgetKeys,
    ForgetEmitted { before: Timestamp },
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
    lived: Lived,
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
    /// Keys that were first seen before this are forgotten: by [`Lived`], as of when it was looked at last.
    pub(super) forgotten: Option<Timestamp>,
}

/// What a transaction did that becomes true when it is durable.
#[derive(Debug, Default)]
pub(super) struct Staged {
    records: Vec<Arc<Record>>,
    /// The last of them, as they will be written.
    draft: Draft,
    /// The least and the greatest id of the draft's events that are no strays.
    ids: Option<(EventId, EventId)>,
    keys: Fresh,
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
        let floor = trim::floor(&conn)?;
        let (head, totals) = read::totals(&conn, Offset(u64::MAX))?.unwrap_or((floor.offset, floor.totals));
        let counts =
            Counts { head, trimmed: floor.offset, totals, last_key: keys::last(&conn)?, forgotten: trim::forgotten(&conn)? };
        let keys = Segments::load(&conn, segment_keys, keys::read_from)?;
        let spared = Spared::default();
        let newest = keys.periods().into_iter().map(|(_, last_at)| last_at).max();
        let lived = Lived::resume(newest, counts.forgotten, &*clock);
        let state = State { clock, shared, lived, keys, spared, counts };
        let used = used_bytes(&conn)?;
        state.shared.used.store(used, Ordering::Relaxed);
        state.shared.head.store(counts.head, Ordering::Release);
        Ok(Self { conn, state })
    }

    /// Does the works of one group, or what can be done in an idle moment.
    pub(super) fn group(&mut self, works: Vec<Work>, checkpoints: &Checkpoints) {
        if works.is_empty() && !self.state.keys.has_work() {
            self.state.keys.turn(self.state.lived());
            checkpoints.idle();
            return;
        }
        let mut answers = Vec::with_capacity(works.len());
        let mut requests = Vec::with_capacity(works.len());
        for work in works {
            // Whatever becomes of the group, these bytes wait no more.
            if let Request::Append { bytes, .. } = &work.request {
                self.state.shared.waiting.fetch_sub(*bytes, Ordering::Relaxed);
            }
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
            let progress = state.finish(conn, &mut staged)?;
            Ok((replies, progress, used_bytes(conn)?))
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
                Err(broken)
            }
        }
    }
}

impl State {
    /// By when the windows of keys are counted.
    pub(super) fn lived(&self) -> Timestamp {
        self.lived.at(&*self.clock)
    }

    fn apply(&mut self, conn: &Connection, request: Request, staged: &mut Staged) -> Result<Reply, Broken> {
        match request {
            Request::Append { entries, .. } => {
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
            Request::Keep { offsets } => {
                self.write_chunk(conn, staged)?;
                kept::keep(conn, &mut self.spared, offsets).map(Reply::Kept)
            }
            Request::ForgetKeys => self.forget_keys(conn, staged).map(Reply::Forgotten),
            Request::ForgetEmitted { before } => {
                trim::forget_emitted(conn, Offset(self.counts.trimmed), before).map(Reply::Forgotten)
            }
        }
    }

    fn append(
        &mut self,
        conn: &Connection,
        entry: Prepared,
        now: Timestamp,
        staged: &mut Staged,
    ) -> Result<Appended, Broken> {
        if let Some(repeat) = self.repeat_of(conn, (&entry, &staged.keys))? {
            return Ok(repeat);
        }
        if !staged.draft.takes(entry.policy) {
            self.write_chunk(conn, staged)?;
        }
        let place = self.counts.head + 1;
        let event = entry.entry.event();
        let accepted = entry.entry.accepted();
        staged.draft.push(&Stored {
            place,
            at: now,
            policy: entry.policy,
            emitted: entry.emitted,
            event: event.map(|event| event.id),
            accepted,
            head: &entry.head,
            body: event.map_or(&[][..], |event| &event.body),
        });
        if let Some(event) = event {
            staged.note(conn, event.id, (place, now))?;
        }
        if let Some(id) = entry.emitted {
            conn.prepare_cached(PUT_EMITTED)?.execute(params![id.into_bytes(), int(place), now.micros()])?;
        }
        if let Some(key) = &entry.key {
            self.counts.last_key += 1;
            let lived = self.lived();
            staged.keys.push(self.counts.last_key, key, (place, lived));
            self.keys.note(key.short(), self.counts.last_key, lived);
        }
        if let Some(origin) = accepted {
            self.counts.totals[origin.index()] += 1;
        }
        self.counts.head = place;
        let position = position(place);
        let (policy, emitted, entry) = (entry.policy, entry.emitted, entry.entry);
        staged.records.push(Arc::new(Record { position, at: now, policy, emitted, entry }));
        Ok(Appended::New(position))
    }

    fn repeat_of(&self, conn: &Connection, (entry, fresh): (&Prepared, &Fresh)) -> Result<Option<Appended>, Broken> {
        if let Some(id) = entry.emitted {
            let mut find = conn.prepare_cached(EMITTED)?;
            let place: Option<i64> = find.query_row([id.into_bytes()], |row| row.get(0)).optional()?;
            return Ok(place.map(|place| Appended::Duplicate(position(count(place)), EventId(Uuid::nil()))));
        }
        let Some(key) = &entry.key else { return Ok(None) };
        let known = key.find(conn, (&self.keys, fresh), self.lived())?;
        Ok(known.map(|known| {
            if known.same_body {
                Appended::Duplicate(position(known.place), known.event)
            } else {
                Appended::KeyReused(position(known.place), known.event)
            }
        }))
    }

    /// Writes the chunk that is being filled, if there is anything in it.
    pub(super) fn write_chunk(&self, conn: &Connection, staged: &mut Staged) -> Result<(), Broken> {
        let draft = std::mem::take(&mut staged.draft);
        let Some((first, last)) = draft.places() else { return Ok(()) };
        let (low, high) = staged.ids.take().unzip();
        let [live, replay, synthetic] = self.counts.totals.map(int);
        conn.prepare_cached(PUT_CHUNK)?.execute(params![
            int(last),
            int(first),
            low.map(EventId::bytes),
            high.map(EventId::bytes),
            live,
            replay,
            synthetic,
            draft.finish(),
        ])?;
        Ok(())
    }

    /// The last writes of a transaction.
    fn finish(&self, conn: &Connection, staged: &mut Staged) -> Result<super::super::segments::Progress, Broken> {
        self.write_chunk(conn, staged)?;
        staged.keys.write(conn)?;
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
        self.keys.turn(self.lived());
        self.shared.head.store(self.counts.head, Ordering::Release);
        self.shared.used.store(used, Ordering::Relaxed);
        self.shared.mark.store(self.spared.mark().0, Ordering::Release);
        self.shared.changed.send_modify(|count| *count += 1);
    }
}

fn position(place: u64) -> Position {
    Position { partition: Partition(0), offset: Offset(place) }
}

impl Staged {
    /// Sees to it that an event is found by its id.
    fn note(&mut self, conn: &Connection, event: EventId, (place, at): (u64, Timestamp)) -> Result<(), Broken> {
        if read::is_near(event, at) {
            let (low, high) = self.ids.unwrap_or((event, event));
            self.ids = Some((low.min(event), high.max(event)));
        } else {
            conn.prepare_cached(PUT_STRAY)?.execute(params![event.bytes(), int(place)])?;
        }
        Ok(())
    }
}
