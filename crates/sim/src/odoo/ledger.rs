//! What Odoo itself knows of a run: every committed change in the order of the commits, and what it was asked. Tests hold
//! it against what a client believes; no client can read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;

use super::store::{Committed, Record};

/// LIMIT: changes that are kept; a run that makes more is not what this is for.
const CHANGES_MAX: usize = 4_000_000;

/// What a transaction did to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// It made it.
    Created,
    /// It changed it.
    Written,
    /// It deleted it.
    Deleted,
}

/// One record in one commit.
#[derive(Clone, Debug)]
pub struct Change {
    /// The number of the change; commits follow one another.
    pub sequence: u64,
    /// The model.
    pub model: &'static str,
    /// The id.
    pub id: i64,
    /// What was done.
    pub deed: Deed,
    /// When it became visible.
    pub committed: Timestamp,
    /// When the transaction began: the write date.
    pub started: Timestamp,
    /// The record before; nothing where it was made.
    pub before: Option<Arc<Record>>,
    /// The record after; nothing where it was deleted.
    pub after: Option<Arc<Record>>,
    /// How many commits this record has seen, this one included.
    pub version: u64,
}

/// What became of webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// Sent, whatever came of it.
    pub sent: u64,
    /// Of these, not taken: no answer within the second, or a bad one.
    pub lost: u64,
    /// Of these, about what was rolled back and never came true.
    pub phantom: u64,
    /// Of these, sent again because the transaction was tried again.
    pub doubled: u64,
}

/// What Odoo was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests, answered or not.
    pub requests: u64,
    /// Calls by model and method; a repeat by the server after a conflict counts again.
    pub calls: BTreeMap<(String, String), u64>,
    /// Records that were read with fields.
    pub rows: u64,
    /// Ids that were answered without fields.
    pub ids: u64,
    /// Serialisation conflicts, those that the server repeated by itself included.
    pub conflicts: u64,
}

impl Load {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Calls of a method of a model.
    pub fn count(&self, model: &str, method: &str) -> u64 {
        self.calls.get(&(model.to_owned(), method.to_owned())).copied().unwrap_or_default()
    }
}

/// The books.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) changes: Vec<Change>,
    pub(super) load: Load,
    pub(super) webhooks: Webhooks,
    sequence: u64,
}

impl Ledger {
    pub(super) fn called(&mut self, model: &str, method: &str) {
        *self.load.calls.entry((model.to_owned(), method.to_owned())).or_default() += 1;
    }

    pub(super) fn read_rows(&mut self, rows: usize) {
        self.load.rows += rows as u64;
    }

    pub(super) fn read_ids(&mut self, ids: usize) {
        self.load.ids += ids as u64;
    }

    /// Writes down a commit.
    pub(super) fn commit(&mut self, changes: Vec<Committed>, started: Timestamp, committed: Timestamp) {
        for change in changes {
            let deed = match (&change.before, &change.after) {
                (None, Some(_)) => Deed::Created,
                (Some(_), None) => Deed::Deleted,
                (Some(_), Some(_)) => Deed::Written,
                // Made and deleted in one transaction: nobody can ever see it.
                (None, None) => continue,
            };
            self.sequence += 1;
            if self.changes.len() >= CHANGES_MAX {
                continue;
            }
            self.changes.push(Change {
                sequence: self.sequence,
                model: change.model,
                id: change.id,
                deed,
                committed,
                started,
                before: change.before,
                after: change.after,
                version: change.count,
            });
        }
    }

    /// Forgets the changes so far, as after the opening stock of a run.
    pub(super) fn forget(&mut self) {
        self.changes.clear();
    }
}
