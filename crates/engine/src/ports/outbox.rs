//! What the outbox of a system of record is asked and answers: lines that were written in the transactions of the changes that
//! they tell of (decision 0049). Values without a decision.

use std::collections::BTreeMap;

use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::records::{Reading, Row, Shape};

/// A place in an outbox: behind a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// What its numbers mean something in: another one after the database was restored or copied.
    pub epoch: String,
    /// The transaction.
    pub txid: u64,
    /// The line.
    pub id: u64,
}

/// Which lines are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Those behind this place; from the first one on where there is none.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
    /// What is read of the records of each model now: only what was written by it is told whole.
    pub readings: BTreeMap<String, Reading>,
}

/// A page of lines, none of which another can come before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// In the order of their transactions, which for one record is that of its changes.
    pub lines: Vec<Line>,
    /// Where it goes on. With another epoch than that of the place that was asked for the outbox begins anew, and this page has no
    /// lines.
    pub next: Place,
    /// Whether there are more behind the last one.
    pub rest: Rest,
    /// Lines that are committed and wait for an older transaction to end; counted up to some thousands.
    pub held_back: u64,
    /// Lines whose values were written by another reading than the present one: they tell only that a record changed.
    pub other_reading: u64,
    /// The oldest transaction that has not ended. All lines below it can be read.
    pub fence: u64,
    /// When it was, by the clock of the system's database.
    pub at: Timestamp,
    /// Lines behind the place that was asked for that were removed before they were read.
    pub lost: Option<Lost>,
}

/// Whether a page was all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It was.
    Nothing,
    /// More can be read at once.
    More,
}

/// Lines that are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub lines: u64,
    /// The last of them.
    pub upto: Place,
}

/// What a transaction did to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The transaction.
    pub txid: u64,
    /// What it is known by for good, also in another epoch.
    pub event: String,
    /// The model.
    pub model: String,
    /// The record.
    pub id: u64,
    /// Not before this, in whole seconds, the transaction began; none where the line does not tell.
    pub began: Option<Timestamp>,
    /// What it did.
    pub said: Said,
}

/// What a line says of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// As it was at the end of the transaction, by the present reading.
    Saved(Box<Row>, Shape),
    /// It was deleted.
    Deleted,
    /// It was changed, and what it was then is not told by the present reading.
    Changed,
}
