//! Connections: how a file is opened for its one writer and for its readers, and one transaction around a step.

use std::path::Path;

use model::{Fault, FaultKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::broken::Broken;
use super::sql::{count, statements};

statements! {
    PAGES = "PRAGMA page_count";
    FREE_PAGES = "PRAGMA freelist_count";
    PAGE_SIZE = "PRAGMA page_size";
}

/// LIMIT: pages that the writer keeps in memory, in KiB: the hot ends of all indexes.
const WRITER_CACHE_KIB: i32 = 24 * 1024;
/// LIMIT: the same for one reader.
const READER_CACHE_KIB: i32 = 4 * 1024;
/// LIMIT: prepared statements of a connection; more than the store has.
const STATEMENTS_MAX: usize = 192;
/// How long a connection waits for another one's lock; only checkpoints and recovery ever hold one against us.
const BUSY_MS: u32 = 5_000;
/// Fourteen percent smaller than 4096 with records of a kilobyte (crates.md, section 2).
const PAGE_BYTES: i32 = 8_192;

/// The one writing connection of a file. `pages_max` bounds the file; tests make it small.
pub(super) fn writer(path: &Path, pages_max: Option<u32>) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, |conn| {
        conn.pragma_update(None, "page_size", PAGE_BYTES)?;
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(Broken::corrupt(format!("the file system keeps no write-ahead log, only `{mode}`")));
        }
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "wal_autocheckpoint", 0)?;
        conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        if let Some(pages) = pages_max {
            conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        Ok(())
    })
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, |conn| {
        conn.pragma_update(None, "query_only", true)?;
        conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(())
    })
}

fn open(path: &Path, flags: OpenFlags, setup: impl FnOnce(&Connection) -> Result<(), Broken>) -> Result<Connection, Fault> {
    let attempt = || -> Result<Connection, Broken> {
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(std::time::Duration::from_millis(u64::from(BUSY_MS)))?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        // A plan that may depend on a bound value is made anew at every use, which costs more than most statements do.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        setup(&conn)?;
        Ok(conn)
    };
    attempt().map_err(|broken| explain(path, &broken))
}

/// What keeps a file from being opened, in words for the operator.
pub(super) fn explain(path: &Path, broken: &Broken) -> Fault {
    let file = path.display();
    let what = match broken.kind() {
        FaultKind::Corrupt => format!("{file} is damaged or no store of ours: {broken}"),
        FaultKind::Full => format!("{file}: the disk is full: {broken}"),
        FaultKind::Unavailable | FaultKind::Busy | FaultKind::Conflict | FaultKind::Shutdown => {
            format!("{file} cannot be opened for writing: {broken}")
        }
    };
    Fault::from_error(broken.kind(), "store.open", what)
}

/// Runs `work` in one transaction that is durable when this answers `Ok`, and undone when it does not. The connection
/// stays usable in both cases.
pub(super) fn transact<T>(conn: &Connection, work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let outcome = work().and_then(|answer| {
        conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(answer)
    });
    if outcome.is_err() && !conn.is_autocommit() {
        // The first error is the one to tell; a rollback that fails leaves a connection that fails again and says so.
        drop(conn.execute_batch("ROLLBACK"));
    }
    outcome
}

/// Runs `work` in one snapshot.
pub(super) fn snapshot<T>(conn: &Connection, work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let outcome = work();
    if !conn.is_autocommit() {
        conn.prepare_cached("COMMIT")?.execute([])?;
    }
    outcome
}

/// Bytes of the file in use, its free pages not counted.
pub(super) fn used_bytes(conn: &Connection) -> Result<u64, Broken> {
    let number = |sql| conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    Ok(count((number(PAGES)? - number(FREE_PAGES)?) * number(PAGE_SIZE)?))
}
