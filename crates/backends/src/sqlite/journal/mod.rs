//! The journal in one `SQLite` file: one partition, one writer, readers beside it.

mod append;
mod chunk;
mod kept;
mod keys;
mod read;
mod trim;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::{Answer, Clock, Hint, Journal, Mark, Usage};
use model::account::Census;
use model::limit::{
    APPEND_BYTES_WAITING_MAX, APPENDS_WAITING_MAX, COMMIT_BATCHES_MAX, COMMIT_BYTES_MAX, COMMIT_ENTRIES_MAX,
    SEGMENT_HASHES_MAX,
};
use model::{Appended, EventId, Fault, FaultKind, NewEntry, Offset, Partition, Position, Record, Timestamp};
use tokio::sync::{oneshot, watch};

use self::append::{Appender, Prepared, Reply, Request, Work};
use super::checkpoint::Checkpoints;
use super::connection;
use super::folder::Folder;
use super::readers::Readers;
use super::schema::{self, JOURNAL};
use super::window::Window;
use super::writer::{GroupLimit, Writer};

/// What can be chosen about the journal's file.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Bytes in use above which intake is answered `Full`.
    pub budget_bytes: u64,
    /// Bytes of the newest records that are kept as they were parsed.
    pub window_bytes: usize,
    /// Threads that read.
    pub readers: usize,
    /// Keys of a segment of the key registry.
    pub segment_keys: usize,
    /// The largest number of pages that the file may have; for tests of a full disk.
    pub pages_max: Option<u32>,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            budget_bytes: 64 * 1024 * 1024 * 1024,
            window_bytes: 8 * 1024 * 1024,
            readers: 2,
            segment_keys: SEGMENT_HASHES_MAX,
            pages_max: None,
        }
    }
}

/// The journal in a file.
#[derive(Debug)]
pub struct SqliteJournal {
    // In the order in which they have to end.
    writer: Writer<Work>,
    readers: Readers,
    checkpoints: Arc<Checkpoints>,
    shared: Arc<Shared>,
    _folder: Arc<Folder>,
}

/// What the writer tells everybody.
#[derive(Debug)]
struct Shared {
    window: Mutex<Window>,
    /// The last durable offset.
    head: AtomicU64,
    /// Bytes in use after the last commit.
    used: AtomicU64,
    budget: u64,
    /// The moment of the last commit, for removals.
    mark: AtomicU64,
    /// Bytes of entries in the writer's queue.
    waiting: AtomicUsize,
    changed: watch::Sender<u64>,
}

impl Shared {
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteJournal {
    /// Opens or makes the file in the folder. Blocks; says in words what is wrong where that fails.
    pub(super) fn open(folder: Arc<Folder>, options: JournalOptions, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let path = folder.file(JOURNAL.name);
        let mut conn = connection::writer(&path, options.pages_max)?;
        schema::bring_forward(&conn, JOURNAL, &path, &*clock)?;
        let checkpoints = Checkpoints::start("journal-move", &path, &mut conn)?;
        let shared = Arc::new(Shared {
            window: Mutex::new(Window::new(options.window_bytes)),
            head: AtomicU64::new(0),
            used: AtomicU64::new(0),
            budget: options.budget_bytes,
            mark: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            changed: watch::Sender::new(0),
        });
        let mut appender = Appender::load(conn, options.segment_keys, clock, Arc::clone(&shared))
            .map_err(|broken| connection::explain(&path, &broken))?;
        let readers = Readers::start("journal-read", &path, options.readers)?;
        let moved = Arc::clone(&checkpoints);
        let limit = GroupLimit { requests: COMMIT_BATCHES_MAX, weight: COMMIT_BYTES_MAX, weigh };
        let writer = Writer::start("journal.append", APPENDS_WAITING_MAX, limit, move |works| {
            appender.group(works, &moved);
        })?;
        Ok(Self { writer, readers, checkpoints, shared, _folder: folder })
    }

    /// Whether a thread of the file panicked. What was answered before is durable; nothing more will be done.
    pub(super) fn has_ended(&self) -> bool {
        self.writer.has_ended() || self.readers.have_ended() || self.checkpoints.have_ended()
    }

    /// Finishes what was asked, moves the log into the file and ends all threads. Calls after it are answered
    /// `Shutdown`. Blocks.
    pub fn close(&self) {
        self.writer.close();
        self.readers.close();
        self.checkpoints.close();
    }

    fn request<'a, T: 'a>(
        &'a self,
        op: &'static str,
        request: Request,
        pick: impl FnOnce(Reply) -> Option<T> + Send + 'a,
    ) -> Answer<'a, T> {
        let (answer, answered) = oneshot::channel();
        let queued = self.writer.send(Work { op, request, answer });
        Box::pin(async move {
            queued?;
            let reply = answered.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Unavailable, op)))?;
            pick(reply).ok_or_else(|| Fault::from_error(FaultKind::Corrupt, op, "the answer of another call"))
        })
    }

    fn queue_append(&self, entries: Vec<NewEntry>) -> Result<oneshot::Receiver<Result<Reply, Fault>>, Fault> {
        const OP: &str = "journal.append";
        if entries.iter().any(|new| new.partition != Partition(0)) {
            return Err(Fault::from_error(FaultKind::Corrupt, OP, "no such partition"));
        }
        let entries: Vec<Prepared> = entries
            .into_iter()
            .map(Prepared::of)
            .collect::<Result<_, _>>()
            .map_err(|error| Fault::from_error(FaultKind::Corrupt, OP, error))?;
        let bytes = entries.iter().map(Prepared::bytes).sum();
        if self.shared.waiting.fetch_add(bytes, Ordering::Relaxed) > APPEND_BYTES_WAITING_MAX {
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return Err(Fault::from_error(FaultKind::Busy, OP, "too many bytes wait for the disk"));
        }
        let (answer, answered) = oneshot::channel();
        let sent = self.writer.send(Work { op: OP, request: Request::Append { entries, bytes }, answer });
        if sent.is_err() {
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        sent.map(|()| answered)
    }
}

/// The weight of a request in one commit: its bytes, or its entries where those are many and small.
fn weigh(work: &Work) -> usize {
    match &work.request {
        Request::Append { entries, bytes } => (*bytes).max(entries.len() * (COMMIT_BYTES_MAX / COMMIT_ENTRIES_MAX)),
        Request::Trim { .. } | Request::Release { .. } | Request::ForgetKeys | Request::ForgetEmitted { .. } => {
            COMMIT_BYTES_MAX / 2
        }
        Request::Keep { offsets } => offsets.len() * (COMMIT_BYTES_MAX / COMMIT_ENTRIES_MAX),
    }
}

impl Journal for SqliteJournal {
    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        Box::pin(async move {
            let answered = self.queue_append(entries)?;
            let lost = || Fault::new(FaultKind::Unavailable, "journal.append");
            match answered.await.unwrap_or_else(|_| Err(lost()))? {
                Reply::Appended(answers) => Ok(answers),
                Reply::Trimmed(_) | Reply::Released(_) | Reply::Kept(_) | Reply::Forgotten(_) => Err(lost()),
            }
        })
    }

    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        let head = Offset(self.shared.head.load(Ordering::Acquire));
        if partition != Partition(0) || after >= head || records == 0 {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        if let Some(page) = self.shared.window().after(after, records) {
            return Box::pin(std::future::ready(Ok(page)));
        }
        self.readers.ask("journal.read", move |conn| read::after(conn, after, records))
    }

    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>> {
        if position.partition != Partition(0) {
            return Box::pin(std::future::ready(Ok(None)));
        }
        if let Some(record) = self.shared.window().get(position.offset) {
            return Box::pin(std::future::ready(Ok(Some(record))));
        }
        self.readers.ask("journal.get", move |conn| read::at(conn, position.offset))
    }

    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>> {
        self.readers.ask("journal.find", move |conn| read::of_event(conn, event))
    }

    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        let before = before.map(|position| position.offset);
        self.readers.ask("journal.recent", move |conn| read::before(conn, before, records))
    }

    fn partitions(&self) -> Vec<Partition> {
        vec![Partition(0)]
    }

    fn head(&self, partition: Partition) -> Answer<'_, Offset> {
        let head = if partition == Partition(0) { self.shared.head.load(Ordering::Acquire) } else { 0 };
        Box::pin(std::future::ready(Ok(Offset(head))))
    }

    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census> {
        let cursor = cursors.into_iter().find(|(partition, _)| *partition == Partition(0));
        let cursor = cursor.map(|(_, offset)| offset).unwrap_or_default();
        self.readers.ask("journal.census", move |conn| read::census(conn, cursor))
    }

    fn changed(&self) -> Hint {
        self.shared.changed.subscribe()
    }

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset> {
        if partition != Partition(0) {
            return Box::pin(std::future::ready(Ok(Offset(0))));
        }
        self.request("journal.trim", Request::Trim { to, keep, as_of }, |reply| match reply {
            Reply::Trimmed(offset) => Some(offset),
            Reply::Appended(_) | Reply::Released(_) | Reply::Kept(_) | Reply::Forgotten(_) => None,
        })
    }

    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>> {
        if partition != Partition(0) {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        self.readers.ask("journal.kept", move |conn| kept::after(conn, after, records))
    }

    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64> {
        if partition != Partition(0) {
            return Box::pin(std::future::ready(Ok(0)));
        }
        self.request("journal.release", Request::Release { offsets, as_of }, |reply| match reply {
            Reply::Released(records) => Some(records),
            Reply::Appended(_) | Reply::Trimmed(_) | Reply::Kept(_) | Reply::Forgotten(_) => None,
        })
    }

    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>> {
        if partition != Partition(0) {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        self.request("journal.keep", Request::Keep { offsets }, |reply| match reply {
            Reply::Kept(there) => Some(there),
            Reply::Appended(_) | Reply::Trimmed(_) | Reply::Released(_) | Reply::Forgotten(_) => None,
        })
    }

    fn forget_keys(&self) -> Answer<'_, u64> {
        self.request("journal.forget_keys", Request::ForgetKeys, |reply| match reply {
            Reply::Forgotten(periods) => Some(periods),
            Reply::Appended(_) | Reply::Trimmed(_) | Reply::Released(_) | Reply::Kept(_) => None,
        })
    }

    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64> {
        self.request("journal.forget_emitted", Request::ForgetEmitted { before }, |reply| match reply {
            Reply::Forgotten(ids) => Some(ids),
            Reply::Appended(_) | Reply::Trimmed(_) | Reply::Released(_) | Reply::Kept(_) => None,
        })
    }

    fn usage(&self) -> Answer<'_, Usage> {
        let (used, budget) = (self.shared.used.load(Ordering::Relaxed), self.shared.budget);
        let waiting = self.shared.waiting.load(Ordering::Relaxed) as u64;
        let mark = Mark(self.shared.mark.load(Ordering::Acquire));
        self.readers.ask("journal.usage", move |conn| {
            let (oldest_at, floor) = read::oldest(conn)?;
            Ok(Usage { bytes: used, budget, waiting, oldest_at, floor, mark })
        })
    }
}
