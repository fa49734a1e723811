//! Checkpoints: moving what was committed from the write-ahead log into the file, off the commit path.
//!
//! A log can start again from its beginning only when all of it was moved while nobody wrote. So a thread of its own
//! moves nearly everything while commits go on, and the writer moves the short rest between two commits.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use model::Fault;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB};

use super::connection;
use super::writer::{has_ended, join, spawn};

/// Pages in the log at which a checkpoint begins. Measured: with 16000 the burst of one checkpoint holds up commits for
/// 45 ms, with 4000 for less than 20, and no fewer events pass.
const LOG_PAGES_MAX: u32 = 4_000;
/// Pages that the writer may be left to move by itself: a few milliseconds.
const REST_PAGES_MAX: i32 = 200;
/// Rounds in which the thread tries to come near the writer.
const ROUNDS_MAX: usize = 8;
/// Idle moments of the writer after which the log is moved whole.
const IDLE_MOMENTS: u32 = 10;
/// Idle moments after which the log's file is given back to the disk.
const LONG_IDLE_MOMENTS: u32 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Move,
    Truncate,
}

/// The checkpoints of one file.
#[derive(Debug)]
pub(super) struct Checkpoints {
    wishes: Mutex<Option<SyncSender<Wish>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    rest: Arc<AtomicBool>,
    log_pages: Arc<AtomicU32>,
    idle_moments: AtomicU32,
}

impl Checkpoints {
    /// Starts the thread, and counts the log's pages at each commit of `writer`.
    pub(super) fn start(name: &'static str, path: &Path, writer: &mut Connection) -> Result<Arc<Self>, Fault> {
        let conn = connection::reader(path)?;
        let (wishes, wished) = sync_channel(1);
        let rest = Arc::new(AtomicBool::new(false));
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages = Arc::clone(&log_pages);
        let hook = move |_: &mut rusqlite::hooks::Wal, count: i32| {
            pages.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(|error| super::broken::Broken::Sql(error).fault("store.open"))?;
        let flag = Arc::clone(&rest);
        let thread = spawn(name, move || serve(&conn, &wished, &flag))?;
        Ok(Arc::new(Self {
            wishes: Mutex::new(Some(wishes)),
            thread: Mutex::new(Some(thread)),
            rest,
            log_pages,
            idle_moments: AtomicU32::new(0),
        }))
    }

    /// Whether the thread is over, though nobody closed it: it panicked.
    pub(super) fn have_ended(&self) -> bool {
        has_ended(&self.thread)
    }

    /// To be called by the writer between two commits: asks for a checkpoint when the log is long, and moves the rest
    /// when the thread has come near.
    pub(super) fn between_commits(&self, writer: &Connection) {
        self.idle_moments.store(0, Ordering::Relaxed);
        if self.rest.swap(false, Ordering::Relaxed) {
            // When a reader still needs the log's end, the next round gets further.
            drop(writer.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE));
        } else if self.log_pages.load(Ordering::Relaxed) >= LOG_PAGES_MAX {
            self.wish(Wish::Move);
        }
    }

    /// To be called by the writer when it has nothing to do.
    pub(super) fn idle(&self) {
        let moments = self.idle_moments.fetch_add(1, Ordering::Relaxed);
        if self.log_pages.load(Ordering::Relaxed) == 0 {
            return;
        }
        if moments == IDLE_MOMENTS {
            self.wish(Wish::Move);
        } else if moments == LONG_IDLE_MOMENTS {
            self.wish(Wish::Truncate);
        }
    }

    /// Moves everything and ends the thread. The writer and the readers are closed before.
    pub(super) fn close(&self) {
        self.wish(Wish::Truncate);
        drop(self.wishes.lock().unwrap_or_else(PoisonError::into_inner).take());
        join(&self.thread);
    }

    fn wish(&self, wish: Wish) {
        if let Some(wishes) = self.wishes.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // A full queue means that the thread is at it already.
            wishes.try_send(wish).ok();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wishes.lock().unwrap_or_else(PoisonError::into_inner).take());
        join(&self.thread);
    }
}

fn serve(conn: &Connection, wished: &Receiver<Wish>, rest: &AtomicBool) {
    while let Ok(wish) = wished.recv() {
        match wish {
            Wish::Truncate => drop(conn.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE)),
            Wish::Move => {
                if come_near(conn) {
                    rest.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Moves what is there until little is left. Says whether the writer may move the rest.
fn come_near(conn: &Connection) -> bool {
    for _ in 0..ROUNDS_MAX {
        if conn.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE).is_err() {
            return false;
        }
        match conn.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::NOOP) {
            Ok((log, moved)) if log - moved <= REST_PAGES_MAX => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    true
}
