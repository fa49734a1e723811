//! Questions that people ask and their pages. Views answer them; decisions never read them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::AuditRow;
use crate::delivery::{Attempt, Delivery};
use crate::ids::{DeliveryId, DestinationName, EventId, FlowName, Owner, ReplayId, SourceName};
use crate::quarantine::QuarantineRow;
use crate::record::Position;
use crate::replay::{Replay, ReplayMember};
use crate::time::Timestamp;

/// A page of rows, newest first unless its question says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What to ask with for the next page; `None` at the end. A page may be short, or empty, and have it all the same: what
    /// is rare is searched for step by step.
    pub next: Option<String>,
    /// Rows that belong here and cannot be read: which, and what is wrong with it, in a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: None, unreadable: Vec::new() }
    }
}

/// Which deliveries. All that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeliveryQuery {
    /// Words of [`crate::delivery::DeliveryState::word`]; empty for any.
    pub states: Vec<String>,
    /// Of this flow.
    pub flow: Option<FlowName>,
    /// To this destination.
    pub destination: Option<DestinationName>,
    /// Of this event.
    pub event: Option<EventId>,
    /// Of this replay.
    pub replay: Option<ReplayId>,
    /// With this cause.
    pub cause: Option<String>,
    /// Made at or after.
    pub since: Option<Timestamp>,
    /// Made before.
    pub until: Option<Timestamp>,
    /// From an earlier page.
    pub cursor: Option<String>,
    /// At most this many rows, and at most [`crate::limit::PAGE_ROWS_MAX`]; 0 for 50.
    pub limit: usize,
}

/// Which quarantined events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct QuarantineQuery {
    /// Words of [`crate::quarantine::QuarantineState::word`]; empty for any.
    pub states: Vec<String>,
    /// Of this source.
    pub source: Option<SourceName>,
    /// From an earlier page.
    pub cursor: Option<String>,
    /// At most this many rows; 0 for 50.
    pub limit: usize,
}

/// Deliveries that wait for a person for one cause: one line of trouble instead of many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseGroup {
    /// The state: held or dead-lettered.
    pub state: String,
    /// The flow.
    pub flow: FlowName,
    /// The destination.
    pub destination: DestinationName,
    /// The cause: [`crate::outcome::Outcome::cause`].
    pub cause: String,
    /// Whose they are.
    pub owner: Owner,
    /// How many.
    pub count: u64,
    /// When the oldest was made.
    pub oldest_at: Timestamp,
    /// When the newest was made.
    pub newest_at: Timestamp,
    /// The newest of them, to look at.
    pub example: DeliveryId,
    /// Why that one stands there.
    pub why: String,
    /// Where the bytes of the newest of them are, at most [`crate::limit::CAUSE_SAMPLES`].
    pub samples: Vec<Position>,
}

/// Open quarantined events of one source with the same first reason: one line of trouble instead of many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineGroup {
    /// Where they came in.
    pub source: SourceName,
    /// The code of the first reason.
    pub code: String,
    /// Whose they are.
    pub owner: Owner,
    /// How many.
    pub count: u64,
    /// When the oldest was received.
    pub oldest_at: Timestamp,
    /// When the newest was received.
    pub newest_at: Timestamp,
    /// The newest of them, to look at.
    pub example: EventId,
    /// Why that one is there.
    pub reason: String,
    /// Where the newest of them are, at most [`crate::limit::CAUSE_SAMPLES`].
    pub samples: Vec<Position>,
}

/// An event that was found by a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// Its place in the journal.
    pub at: Position,
    /// Its id.
    pub event: EventId,
}

/// A delivery with its attempts, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryStory {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
}

/// All that the ledger knows of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventStory {
    /// Its quarantine, if it was ever there.
    pub quarantine: Option<QuarantineRow>,
    /// Its deliveries, oldest first.
    pub deliveries: Vec<DeliveryStory>,
    /// What people did about it.
    pub audit: Vec<AuditRow>,
}

/// A replay with a page of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayStory {
    /// The replay.
    pub replay: Replay,
    /// Members, in order.
    pub members: Vec<ReplayMember>,
}

/// A change of a delivery, in the order in which the ledger took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedRow {
    /// Its place in the feed; rises, and a reader never sees a lower one later.
    pub seq: u64,
    /// When the ledger took it, by its clock.
    pub at: Timestamp,
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Which event.
    pub event: EventId,
    /// Its flow.
    pub flow: FlowName,
    /// Its destination.
    pub destination: DestinationName,
    /// The state's word after the change.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// Why, in one sentence.
    pub why: String,
}

/// How much work a flow has for a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backlog {
    /// The flow.
    pub flow: FlowName,
    /// The destination.
    pub destination: DestinationName,
    /// Deliveries that wait, those behind others included, those with an attempt open not.
    pub waiting: u64,
    /// Deliveries with an attempt open.
    pub leased: u64,
    /// When the oldest waiting one was made.
    pub oldest_at: Option<Timestamp>,
    /// When the first of those that nothing is ahead of is due, or was.
    pub next_due: Option<Timestamp>,
}
