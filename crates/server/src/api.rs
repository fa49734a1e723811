//! The shapes of the management API, shared by server, command line and tests. Each answer names its schema; fields are
//! added, never renamed or removed.

mod commands;
mod lists;
pub mod queries;
mod reconciliation;
mod status;

use model::{Diagnostic, EventId, EventType, Identifier, PolicyVersion, Position, SecretName, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use commands::*;
pub use lists::*;
pub use reconciliation::*;
pub use status::*;

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
    /// Whether the router is so far behind that not all that was accepted was searched.
    #[serde(default)]
    pub unsearched: bool,
}

/// The way of one event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventTrace {
    /// The event's id.
    pub id: EventId,
    /// The event; none once retention has let its bytes go. What happened to it is told for longer.
    pub event: Option<EventSummary>,
    /// What happened, in order of time.
    pub hops: Vec<Hop>,
    /// Its deliveries with their attempts.
    pub deliveries: Vec<DeliveryPage>,
    /// Where it stands: `unrouted`, `quarantined`, `no_flow`, `moving`, `with_a_person`, `done`, and
    /// `forgotten` where retention has let go what became of it.
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
        /// Each of them.
        events: Vec<AcceptedEvent>,
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
    /// What to ask with for the next page. A page can be short, or empty, and have one; only the last has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Rows that belong here and cannot be read: which, and what is wrong with it, in a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// A secret that has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingSecret {
    /// Its name.
    pub name: SecretName,
    /// Where its value would be read from, in words.
    pub from: String,
}
