//! The tables of both files as numbered steps. A step, once released, is never changed; a new one is added below it.

use std::path::Path;

use model::{Fault, FaultKind};
use rusqlite::Connection;

use super::broken::Broken;
use super::connection::{explain, transact};

/// One of the two files.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// Its name in the data folder.
    pub(super) name: &'static str,
    /// What `PRAGMA application_id` says, so that the one is not taken for the other.
    mark: i32,
    steps: &'static [&'static str],
}

/// What has happened.
pub(super) const JOURNAL: File = File { name: "journal.sqlite", mark: 0x4344_6a6c, steps: &[JOURNAL_1] };

/// The state of all work.
pub(super) const LEDGER: File = File { name: "ledger.sqlite", mark: 0x4344_6c67, steps: &[LEDGER_1] };

/// Brings a file to the present schema. Refuses a newer one and what is not ours.
pub(super) fn migrate(conn: &Connection, file: File, path: &Path) -> Result<(), Fault> {
    let (version, mark) = stamps(conn).map_err(|broken| explain(path, &broken))?;
    let ours = if version == 0 { mark == 0 } else { mark == file.mark };
    if !ours {
        let what = format!("{} is a SQLite file, but not our {}", path.display(), file.name);
        return Err(Fault::from_error(FaultKind::Corrupt, "store.open", what));
    }
    if version > file.steps.len() {
        let what = format!(
            "{} has schema {version}, written by a newer version of Crossdock; this one knows schemas up to {}",
            path.display(),
            file.steps.len()
        );
        return Err(Fault::from_error(FaultKind::Corrupt, "store.open", what));
    }
    for (done, step) in file.steps.iter().enumerate().skip(version) {
        apply(conn, file, done + 1, step).map_err(|broken| explain(path, &broken))?;
    }
    Ok(())
}

fn stamps(conn: &Connection) -> Result<(usize, i32), Broken> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mark: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok((usize::try_from(version).unwrap_or(usize::MAX), mark))
}

fn apply(conn: &Connection, file: File, version: usize, step: &str) -> Result<(), Broken> {
    transact(conn, || {
        conn.execute_batch(step)?;
        conn.pragma_update(None, "application_id", file.mark)?;
        conn.pragma_update(None, "user_version", super::sql::len(version))?;
        Ok(())
    })
}

/// `records` are appended at their end and trimmed from their beginning. `marks` hold the running totals of accepted
/// entries at the end of each commit, so that a count above a cursor reads one commit's records at most.
const JOURNAL_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE policies (id INTEGER PRIMARY KEY, version BLOB NOT NULL UNIQUE);
CREATE TABLE records (
  place INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, policy INTEGER NOT NULL,
  emitted BLOB, event BLOB, accepted INTEGER, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX records_event ON records (event) WHERE event IS NOT NULL;
CREATE TABLE kept (
  place INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, policy INTEGER NOT NULL,
  emitted BLOB, event BLOB, accepted INTEGER, head BLOB NOT NULL, body BLOB NOT NULL);
CREATE INDEX kept_event ON kept (event) WHERE event IS NOT NULL;
CREATE TABLE emitted (id BLOB PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (
  place INTEGER PRIMARY KEY, live INTEGER NOT NULL, replay INTEGER NOT NULL, synthetic INTEGER NOT NULL);
CREATE TABLE keys (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL, digest BLOB NOT NULL, event BLOB NOT NULL,
  place INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE segments (
  number INTEGER PRIMARY KEY, last_id INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  dropped INTEGER NOT NULL, filter BLOB NOT NULL);
CREATE TABLE segment_index (
  segment INTEGER NOT NULL, hash INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (segment, hash, id)) WITHOUT ROWID;
";

/// `ready`, `open` and `final` are what partial indexes are made of: each holds only what is under way, so it stays
/// small however many deliveries there were.
const LEDGER_1: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);
";
