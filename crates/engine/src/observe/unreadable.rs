//! Rows of the ledger that cannot be read: each is told once, however often a loop comes upon it.

use std::collections::BTreeSet;

use model::DestinationName;

use super::{Fact, Facts};

/// LIMIT: rows that are remembered as told of; more are told of again.
const TOLD_MAX: usize = 1_000;

/// What a loop has told of already.
#[derive(Debug, Default)]
pub struct UnreadableRows(BTreeSet<String>);

impl UnreadableRows {
    /// Tells of those that are new: which, and what is wrong with each, in a sentence.
    pub fn tell(&mut self, facts: &Facts, of: Option<&DestinationName>, rows: impl IntoIterator<Item = String>) {
        for what in rows {
            if self.0.len() >= TOLD_MAX {
                self.0.clear();
            }
            if !self.0.contains(&what) {
                facts.emit(&Fact::Unreadable { destination: of, what: &what });
                self.0.insert(what);
            }
        }
    }

    /// How many are remembered.
    pub fn told(&self) -> usize {
        self.0.len()
    }
}
