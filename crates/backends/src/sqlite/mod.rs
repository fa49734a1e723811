//! The embedded store: a data folder with two `SQLite` files, `journal.sqlite` and `ledger.sqlite`.
//!
//! Each file has one writing thread that commits in groups, a few reading threads, and a thread for checkpoints. What
//! was answered is durable; what was not answered may be there or not; nothing is ever half there.

mod broken;
mod checkpoint;
mod connection;
mod filter;
mod folder;
mod journal;
mod ledger;
mod readers;
mod schema;
mod segments;
mod sql;
mod window;
mod writer;

use std::path::Path;
use std::sync::Arc;

use engine::ports::Clock;
use model::Fault;

pub use journal::{JournalOptions, SqliteJournal};
pub use ledger::{LedgerOptions, SqliteLedger};

use self::folder::Folder;

/// What can be chosen about an embedded store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The journal's file.
    pub journal: JournalOptions,
    /// The ledger's file.
    pub ledger: LedgerOptions,
}

/// Both files of one data folder. The folder is free again when both are dropped.
#[derive(Debug)]
pub struct Store {
    /// What has happened.
    pub journal: Arc<SqliteJournal>,
    /// The state of all work, and its views.
    pub ledger: Arc<SqliteLedger>,
}

impl Store {
    /// Opens or makes a data folder. Blocks; to be called before the service begins. The fault says in words what is
    /// wrong: another process has it, it cannot be written, a newer version wrote it, it is damaged.
    pub fn open(folder: &Path, options: Options, clock: &Arc<dyn Clock>) -> Result<Self, Fault> {
        let folder = Arc::new(Folder::take(folder)?);
        let journal = SqliteJournal::open(Arc::clone(&folder), options.journal, Arc::clone(clock))?;
        let ledger = SqliteLedger::open(folder, options.ledger, Arc::clone(clock))?;
        Ok(Self { journal: Arc::new(journal), ledger: Arc::new(ledger) })
    }

    /// Which file can do nothing more, because a thread of it panicked.
    pub fn ended(&self) -> Option<&'static str> {
        match (self.journal.has_ended(), self.ledger.has_ended()) {
            (true, _) => Some(schema::JOURNAL.name),
            (false, true) => Some(schema::LEDGER.name),
            (false, false) => None,
        }
    }

    /// Finishes what was asked, moves the logs into their files and ends all threads. Blocks.
    pub fn close(&self) {
        self.journal.close();
        self.ledger.close();
    }
}
