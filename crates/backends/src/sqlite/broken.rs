//! What stops a read or a write inside the store, before it becomes a [`Fault`] with the name of the call.

use std::fmt;

use model::{Fault, FaultKind};
use rusqlite::ErrorCode;

/// Why a read or a write did not happen.
#[derive(Debug)]
pub(super) enum Broken {
    /// `SQLite` says so.
    Sql(rusqlite::Error),
    /// A guard or a claim does not hold; in words.
    Conflict(&'static str),
    /// What is stored contradicts itself; in words.
    Corrupt(String),
    /// The byte budget is used up.
    Full,
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) => fmt::Display::fmt(error, f),
            Self::Conflict(what) => f.write_str(what),
            Self::Corrupt(what) => f.write_str(what),
            Self::Full => f.write_str("the byte budget is used up"),
        }
    }
}

impl Broken {
    /// What a loop may do about it.
    pub(super) fn kind(&self) -> FaultKind {
        match self {
            Self::Sql(error) => kind_of(error),
            Self::Conflict(_) => FaultKind::Conflict,
            Self::Corrupt(_) => FaultKind::Corrupt,
            Self::Full => FaultKind::Full,
        }
    }

    /// The fault of the call `op`.
    pub(super) fn fault(&self, op: &'static str) -> Fault {
        Fault::from_error(self.kind(), op, self.to_string())
    }

    /// Something stored that cannot be.
    pub(super) fn corrupt(what: impl fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}

fn kind_of(error: &rusqlite::Error) -> FaultKind {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => FaultKind::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => FaultKind::Corrupt,
            _ => FaultKind::Unavailable,
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => FaultKind::Corrupt,
        _ => FaultKind::Unavailable,
    }
}
