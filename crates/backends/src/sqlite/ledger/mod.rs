//! The ledger and its views in one `SQLite` file: one writer, readers beside it.

mod beside;
mod causes;
mod deliveries;
mod due;
mod feed;
mod group;
mod known;
mod names;
mod newest;
mod packed;
mod pages;
mod port;
mod prepared;
mod quarantine;
mod read;
mod rows;
mod state;
mod step;
mod trim;
mod views;
mod words;

use std::sync::{Arc, RwLock};

use engine::ports::{Answer, Clock};
use model::limit::{
    BATCHES_WAITING_MAX, COMMIT_BATCHES_MAX, COMMIT_BYTES_MAX, COMMIT_ENTRIES_MAX, PAGE_WALK_ROWS, SEGMENT_HASHES_MAX,
};
use model::{Change, Fault, FaultKind};
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use self::group::{Group, Reply, Request, Work};
use self::names::NameTexts;
use self::state::State;
use super::broken::Broken;
use super::checkpoint::Checkpoints;
use super::connection;
use super::folder::Folder;
use super::readers::Readers;
use super::schema::{self, LEDGER};
use super::segments::Segments;
use super::writer::{GroupLimit, Writer};

/// What can be chosen about the ledger's file.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// Threads that read for loops.
    pub readers: usize,
    /// Threads that read for people.
    pub page_readers: usize,
    /// Rows that one page looks at.
    pub page_walk_rows: usize,
    /// Words of a segment of the index.
    pub segment_words: usize,
    /// Bytes that it may take before intake is refused; 0 for no limit.
    pub budget_bytes: u64,
    /// The largest number of pages that the file may have; for tests of a full disk.
    pub pages_max: Option<u32>,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self {
            readers: 3,
            page_readers: 2,
            page_walk_rows: PAGE_WALK_ROWS,
            segment_words: SEGMENT_HASHES_MAX,
            budget_bytes: 0,
            pages_max: None,
        }
    }
}

/// The ledger in a file.
#[derive(Debug)]
pub struct SqliteLedger {
    // In the order in which they have to end.
    writer: Writer<Work>,
    readers: Readers,
    /// Readers for people: a page may walk through much, and no loop waits for it.
    pages: Readers,
    checkpoints: Arc<Checkpoints>,
    names: NameTexts,
    words: Arc<RwLock<Segments>>,
    changed: watch::Sender<u64>,
    page_walk_rows: usize,
    budget_bytes: u64,
    _folder: Arc<Folder>,
}

impl SqliteLedger {
    /// Opens or makes the file in the folder. Blocks; says in words what is wrong where that fails.
    pub(super) fn open(folder: Arc<Folder>, options: LedgerOptions, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let path = folder.file(LEDGER.name);
        let mut conn = connection::writer(&path, options.pages_max)?;
        schema::bring_forward(&conn, LEDGER, &path, &*clock)?;
        let checkpoints = Checkpoints::start("ledger-move", &path, &mut conn)?;
        let state = load(&conn, options.segment_words, clock).map_err(|broken| connection::explain(&path, &broken))?;
        let (names, words) = (state.names.texts().clone(), state.shared_words());
        let changed = watch::Sender::new(0);
        let mut group = Group { conn, state, changed: changed.clone() };
        let readers = Readers::start("ledger-read", &path, options.readers)?;
        let pages = Readers::start("ledger-page", &path, options.page_readers)?;
        let moved = Arc::clone(&checkpoints);
        let limit = GroupLimit { requests: COMMIT_BATCHES_MAX, weight: COMMIT_ENTRIES_MAX, weigh };
        let writer = Writer::start("ledger.commit", BATCHES_WAITING_MAX, limit, move |works| {
            group.run(works, &moved);
        })?;
        Ok(Self {
            writer,
            readers,
            pages,
            checkpoints,
            names,
            words,
            changed,
            page_walk_rows: options.page_walk_rows.max(1),
            budget_bytes: options.budget_bytes,
            _folder: folder,
        })
    }

    /// Whether a thread of the file panicked. What was answered before is durable; nothing more will be done.
    pub(super) fn has_ended(&self) -> bool {
        self.writer.has_ended() || self.readers.have_ended() || self.pages.have_ended() || self.checkpoints.have_ended()
    }

    /// Finishes what was asked, moves the log into the file and ends all threads. Calls after it are answered
    /// `Shutdown`. Blocks.
    pub fn close(&self) {
        self.writer.close();
        self.readers.close();
        self.pages.close();
        self.checkpoints.close();
    }

    fn request<T: 'static>(
        &self,
        op: &'static str,
        request: Result<Request, Fault>,
        pick: fn(Reply) -> Option<T>,
    ) -> Answer<'_, T> {
        let (answer, answered) = oneshot::channel();
        let queued = request.and_then(|request| self.writer.send(Work { op, request, answer }));
        Box::pin(async move {
            queued?;
            let reply = answered.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Unavailable, op)))?;
            pick(reply).ok_or_else(|| Fault::from_error(FaultKind::Corrupt, op, "the answer of another call"))
        })
    }

    /// Asks a reader for people that knows the names.
    fn page<'a, T: Send + 'static>(
        &self,
        op: &'static str,
        question: impl FnOnce(&Connection, &NameTexts) -> Result<T, Broken> + Send + 'static,
    ) -> Answer<'a, T> {
        let names = self.names.clone();
        self.pages.ask(op, move |conn| question(conn, &names))
    }

    /// Asks a reader that knows the names.
    fn ask<'a, T: Send + 'static>(
        &self,
        op: &'static str,
        question: impl FnOnce(&Connection, &NameTexts) -> Result<T, Broken> + Send + 'static,
    ) -> Answer<'a, T> {
        let names = self.names.clone();
        self.readers.ask(op, move |conn| question(conn, &names))
    }
}

fn load(conn: &Connection, segment_words: usize, clock: Arc<dyn Clock>) -> Result<State, Broken> {
    let words = Segments::load(conn, segment_words, words::read_from)?;
    State::load(conn, clock, words)
}

/// The weight of a request in one commit: its changes and their rows, and more for what brings a body, so that the commit has
/// a limit in bytes as well.
fn weigh(work: &Work) -> usize {
    let body = |change: &Change| match change {
        Change::Attach { later, .. } => later.event.body.len(),
        Change::Stand { text, .. } => text.len(),
        _ => 0,
    };
    let rows = |change: &Change| match change {
        Change::Know { rows, .. } => rows.len(),
        Change::Forget { ids, .. } => ids.len(),
        _ => 0,
    };
    match &work.request {
        Request::Commit(prepared) => {
            let changes = &prepared.batch.changes;
            let bytes = changes.iter().map(body).sum::<usize>();
            changes.len() + changes.iter().map(rows).sum::<usize>() + bytes / (COMMIT_BYTES_MAX / COMMIT_ENTRIES_MAX)
        }
        Request::Trim(_) => COMMIT_ENTRIES_MAX / 2,
    }
}

#[cfg(test)]
mod tests {
    use model::Batch;

    use super::prepared::Prepared;
    use super::*;
    use crate::conformance::sample::{event_id, known, later, name, position};

    fn weight(change: Change) -> usize {
        let prepared = Prepared::of(Batch::new().change(change)).expect("it has no outcome");
        weigh(&Work { op: "test", request: Request::Commit(Box::new(prepared)), answer: oneshot::channel().0 })
    }

    #[test]
    fn bodies_that_are_attached_fill_a_commit_by_their_bytes() {
        let attached = |bytes: usize| {
            let mut later = later(1);
            later.event.body = vec![0; bytes].into();
            weight(Change::Attach { to: event_id(1), at: position(1), later: Box::new(later) })
        };
        assert_eq!(attached(0), 1);
        assert_eq!(attached(COMMIT_BYTES_MAX) - 1, COMMIT_ENTRIES_MAX);
    }

    #[test]
    fn what_is_known_fills_a_commit_by_its_rows() {
        let (source, model) = (name("odoo"), "sale.order".to_owned());
        let ids: Vec<u64> = (0..500).collect();
        let rows = ids.iter().copied().map(known).collect();
        assert_eq!(weight(Change::Know { source, model: model.clone(), rows }), 501);
        assert_eq!(weight(Change::Forget { source: name("odoo"), model, ids }), 501);
        let text = " ".repeat(COMMIT_BYTES_MAX);
        assert_eq!(weight(Change::Stand { source: name("odoo"), text }) - 1, COMMIT_ENTRIES_MAX);
    }
}
