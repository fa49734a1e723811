//! Rows of the store that cannot be read: each is told once, whoever comes upon it and however often.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use model::DestinationName;

use super::{Fact, Facts};

/// LIMIT: rows that are remembered as told of; more are told of again.
const TOLD_MAX: usize = 1_000;

/// What was told of already.
#[derive(Debug, Default)]
pub(super) struct UnreadableRows(Mutex<BTreeSet<String>>);

impl UnreadableRows {
    /// Whether this one was not told of; it is from now on.
    fn is_new(&self, what: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(what) {
            return false;
        }
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert(what.to_owned())
    }
}

impl Facts {
    /// Tells of those that are new: which, and what is wrong with each, in a sentence.
    pub fn tell_unreadable(&self, of: Option<&DestinationName>, rows: &[String]) {
        for what in rows.iter().filter(|what| self.unreadable.is_new(what)) {
            self.emit(&Fact::Unreadable { destination: of, what });
        }
    }
}
