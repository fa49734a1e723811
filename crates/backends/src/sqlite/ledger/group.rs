//! The ledger's writer: applies the batches of one group in one durable transaction, then answers all.
//!
//! Most batches that conflict do so at a guard, before anything of them is written; those need no undoing. When one
//! conflicts after it has written something, the transaction is undone and the group is done again with a savepoint
//! around each batch. So the usual group pays for no savepoints, and one bad batch never harms another.

use engine::ports::Trimmed;
use model::room::Ages;
use model::{Committed, Fault};
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::super::broken::Broken;
use super::super::checkpoint::Checkpoints;
use super::super::connection::transact;
use super::prepared::Prepared;
use super::state::State;
use super::step::Step;
use super::{trim, words};

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
    Commit(Box<Prepared>),
    Trim(Ages),
}

#[derive(Debug)]
pub(super) enum Reply {
    Committed(Committed),
    Trimmed(Trimmed),
}

/// The writer's connection and memory.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) conn: Connection,
    pub(super) state: State,
    pub(super) changed: watch::Sender<u64>,
}

/// How batches of a group are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// Not at all; a conflict after a write ends the group.
    Fast,
    /// By a savepoint each.
    Savepoints,
}

/// Why a group was not committed.
#[derive(Debug)]
enum Ended {
    Broken(Broken),
    /// A batch conflicts after it has written.
    HalfDone,
}

type Replies = Vec<Result<Reply, Broken>>;

impl Group {
    /// Does the works of one group, or what can be done in an idle moment.
    pub(super) fn run(&mut self, works: Vec<Work>, checkpoints: &Checkpoints) {
        if works.is_empty() && !self.state.words_read().has_work() {
            self.state.words().turn(self.state.clock.now());
            checkpoints.idle();
            return;
        }
        let mut answers = Vec::with_capacity(works.len());
        let mut requests = Vec::with_capacity(works.len());
        for work in works {
            answers.push((work.op, work.answer));
            requests.push(work.request);
        }
        match self.commit(&requests) {
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

    fn commit(&mut self, requests: &[Request]) -> Result<Replies, Broken> {
        let replies = match self.attempt(requests, Care::Fast) {
            Err(Ended::HalfDone) => self.attempt(requests, Care::Savepoints),
            first => first,
        };
        let replies = match replies {
            Ok(replies) => replies,
            Err(Ended::Broken(broken)) => return Err(broken),
            Err(Ended::HalfDone) => return Err(Broken::corrupt("a savepoint did not hold")),
        };
        self.state.keep();
        self.state.words().turn(self.state.clock.now());
        if replies.iter().any(Result::is_ok) {
            self.changed.send_modify(|count| *count += 1);
        }
        Ok(replies)
    }

    fn attempt(&mut self, requests: &[Request], care: Care) -> Result<Replies, Ended> {
        let Self { conn, state, .. } = self;
        let conn = &*conn;
        let start = state.mark();
        let mut half_done = false;
        let outcome = transact(conn, || {
            let mut replies = Vec::with_capacity(requests.len());
            for request in requests {
                match apply(conn, state, request, care) {
                    Ok(Some(reply)) => replies.push(reply),
                    Ok(None) => {
                        half_done = true;
                        return Err(Broken::Conflict("a batch is half done"));
                    }
                    Err(broken) => return Err(broken),
                }
            }
            state.write(conn)?;
            let slice = requests.len() * 16;
            let progress = state.words_read().work(conn, slice, words::sweep)?;
            Ok((replies, progress))
        });
        match outcome {
            Ok((replies, progress)) => {
                state.words().advance(&progress);
                Ok(replies)
            }
            Err(broken) => {
                state.undo_to(&start);
                Err(if half_done { Ended::HalfDone } else { Ended::Broken(broken) })
            }
        }
    }
}

/// Applies one request: its reply, or `None` where it conflicts half done and there is no savepoint to go back to.
fn apply(
    conn: &Connection,
    state: &mut State,
    request: &Request,
    care: Care,
) -> Result<Option<Result<Reply, Broken>>, Broken> {
    let prepared = match request {
        Request::Trim(ages) => {
            return trim::trim(conn, state, *ages).map(|trimmed| Some(Ok(Reply::Trimmed(trimmed))));
        }
        Request::Commit(prepared) => prepared,
    };
    let mark = state.mark();
    let savepoint = care == Care::Savepoints;
    if savepoint {
        conn.prepare_cached("SAVEPOINT batch")?.execute([])?;
    }
    let now = state.clock.now();
    let mut step = Step::new(conn, state, now);
    let done = step.batch(prepared);
    let wrote = step.wrote;
    let committed = step.committed();
    let wrote = wrote || state.has_named_since(&mark);
    match done {
        Ok(()) => {
            if savepoint {
                conn.prepare_cached("RELEASE batch")?.execute([])?;
            }
            Ok(Some(Ok(Reply::Committed(committed))))
        }
        Err(Broken::Sql(error)) => Err(Broken::Sql(error)),
        Err(refused) if savepoint => {
            conn.prepare_cached("ROLLBACK TO batch")?.execute([])?;
            conn.prepare_cached("RELEASE batch")?.execute([])?;
            state.undo_to(&mark);
            Ok(Some(Err(refused)))
        }
        Err(refused) if !wrote => {
            state.undo_to(&mark);
            Ok(Some(Err(refused)))
        }
        Err(_) => Ok(None),
    }
}
