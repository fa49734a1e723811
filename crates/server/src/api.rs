//! The shapes of the management API, shared by server, command line and tests. Each answer names its schema; fields are
//! added, never renamed or removed.

mod commands;
mod lists;
pub mod queries;

use model::account::Line;
use model::view::{Backlog, CauseGroup, DeliveryStory};
use model::{Diagnostic, EventId, EventType, Identifier, PolicyVersion, Position, SecretName, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use commands::*;
pub use lists::*;

use crate::http::problem::Problem;

/// One screen: is everything accounted for, and who has to do something.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `crossdock/status/1`.
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// When this was read, by a clock that never goes back.
    pub as_of: Timestamp,
    /// The machine's clock then: signatures are judged by it.
    pub wall: Timestamp,
    /// The policy that judges now.
    pub policy: PolicyVersion,
    /// The conservation line of each origin that has any.
    pub lines: Vec<Line>,
    /// Finished deliveries, over all origins.
    pub done: u64,
    /// Entries and deliveries under way.
    pub moving: u64,
    /// Entries and deliveries that wait for a named person.
    pub with_a_person: u64,
    /// Entries and deliveries that no account holds: 0, or something is wrong.
    pub missing: i128,
    /// Deliveries that wait for persons, by cause.
    pub causes: Vec<CauseGroup>,
    /// Quarantined events that are open, by cause.
    pub quarantined: Vec<QuarantineGroup>,
    /// Open quarantined events beyond the newest ones, which were looked at for the groups.
    pub quarantined_further: u64,
    /// Work per destination.
    pub destinations: Vec<DestinationStatus>,
    /// Sources and what is wrong with them.
    pub sources: Vec<SourceStatus>,
    /// The journal's room.
    pub journal: JournalStatus,
    /// What a person should know, in sentences.
    pub warnings: Vec<String>,
    /// Where the simulated systems of the demo world keep their own ledger, to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
}

/// Open quarantined events of one source with the same first reason: one line of trouble instead of many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineGroup {
    /// Where they came in.
    pub source: SourceName,
    /// The code of the first reason.
    pub code: String,
    /// Whose they are.
    pub owner: String,
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
}

/// A destination's work and health.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DestinationStatus {
    /// Its work.
    #[serde(flatten)]
    pub backlog: Backlog,
    /// The breaker, in a word.
    pub breaker: String,
    /// Whether a person paused it.
    pub paused: bool,
    /// The system that it belongs to; empty when no policy knows it any more.
    #[serde(default)]
    pub system: String,
    /// Deliveries that arrived since the process started.
    #[serde(default)]
    pub done_since_start: u64,
}

/// A source and whether it takes events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// Its name.
    pub source: SourceName,
    /// Who answers for it.
    pub owner: String,
    /// Whether a person paused it.
    pub paused: bool,
    /// Secrets without a value: every request is refused until they have one.
    pub secrets_missing: Vec<String>,
    /// The system that it belongs to.
    #[serde(default)]
    pub system: String,
    /// Different events that were accepted since the process started, admitted or quarantined.
    #[serde(default)]
    pub accepted_since_start: u64,
    /// Repeats of accepted events since the process started.
    #[serde(default)]
    pub duplicates_since_start: u64,
}

/// The journal's room.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JournalStatus {
    /// Bytes in use.
    pub bytes: u64,
    /// The budget.
    pub budget: u64,
    /// When the oldest record was appended.
    pub oldest_at: Option<Timestamp>,
}

/// The way of everything that a reference names.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// `crossdock/trace/1`.
    pub schema: String,
    /// What was asked for.
    pub reference: String,
    /// When this was read.
    pub as_of: Timestamp,
    /// The events, oldest first.
    pub events: Vec<EventTrace>,
    /// Whether there are more events than are shown.
    pub more: bool,
}

/// The way of one event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventTrace {
    /// The event.
    pub event: EventSummary,
    /// What happened, in order of time.
    pub hops: Vec<Hop>,
    /// Its deliveries with their attempts.
    pub deliveries: Vec<DeliveryStory>,
    /// Where it stands: `unrouted`, `quarantined`, `no_flow`, `moving`, `with_a_person`, `done`.
    pub state: String,
    /// Why, in one sentence.
    pub why: String,
    /// What to do next, as a command; empty when nothing is.
    pub next: String,
}

/// An event without its bytes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventSummary {
    /// Its id.
    pub id: EventId,
    /// Its place in the journal.
    pub position: Position,
    /// Where it came in.
    pub source: SourceName,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// What happened at intake: `admitted`, `quarantined`, `resubmitted`.
    pub verdict: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// The business transaction.
    pub correlation: String,
    /// The idempotency key.
    pub key: String,
    /// Business identifiers.
    pub identifiers: Vec<Identifier>,
    /// The contract that it satisfied.
    pub contract: Option<String>,
    /// The policy that judged it.
    pub policy: PolicyVersion,
    /// Bytes of its body.
    pub bytes: usize,
    /// Why it was quarantined.
    pub reasons: Vec<Diagnostic>,
}

/// One step of an event's way.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// When.
    pub at: Timestamp,
    /// Microseconds since the step before.
    pub after_us: u64,
    /// What, in a word: `received`, `quarantined`, `attempt`, `done`, …
    pub what: String,
    /// In words.
    pub text: String,
}

/// What was accepted of a request to `/in/{source}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedEvent {
    /// The event.
    pub id: EventId,
    /// Whether it was there before.
    pub duplicate: bool,
    /// Whether it waits for a person.
    #[serde(default)]
    pub quarantined: bool,
}

/// What was accepted of a request to `/in/{source}`: one event, or a batch in the order of its events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Admission {
    /// One event.
    One(AcceptedEvent),
    /// A batch.
    Batch {
        /// What became of each.
        events: Vec<BatchItem>,
    },
}

/// What became of one event of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchItem {
    /// It was accepted.
    Accepted(AcceptedEvent),
    /// It was refused; the others were not.
    Refused {
        /// Why.
        problem: Box<Problem>,
    },
}

/// A page of rows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RowsOf{T}")]
pub struct Rows<T> {
    /// The schema of the rows.
    pub schema: String,
    /// The rows.
    pub rows: Vec<T>,
    /// What to ask with for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A secret that has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingSecret {
    /// Its name.
    pub name: SecretName,
    /// Where its value would be read from, in words.
    pub from: String,
}
