//! The shapes of the management API, shared by server, command line and tests. Each answer names its schema; fields are
//! added, never renamed or removed.

mod lists;
mod status;

use engine::replay::decide::Commands;
use engine::replay::selection::Selection;
use model::{
    DeliveryId, Diagnostic, Digest, EventId, EventType, Identifier, PolicyVersion, Position, ReplayId, Scope, SourceName,
    Timestamp,
};
use serde::{Deserialize, Serialize};

pub use lists::*;
pub use status::*;

/// The way of everything that a reference names.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventTrace {
    /// The event.
    pub event: EventSummary,
    /// What happened, in order of time.
    pub hops: Vec<Hop>,
    /// Its deliveries with their attempts.
    pub deliveries: Vec<DeliveryPage>,
    /// Where it stands: `unrouted`, `quarantined`, `no_flow`, `moving`, `with_a_person`, `done`.
    pub state: String,
    /// Why, in one sentence.
    pub why: String,
    /// What to do next, as a command; empty when nothing is.
    pub next: String,
}

/// An event without its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedEvent {
    /// The event.
    pub id: EventId,
    /// Whether it was there before.
    pub duplicate: bool,
    /// Whether it waits for a person.
    #[serde(default)]
    pub quarantined: bool,
}

/// A page of rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rows<T> {
    /// The schema of the rows.
    pub schema: String,
    /// The rows.
    pub rows: Vec<T>,
    /// What to ask with for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A command on one or more deliveries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryCommand {
    /// Which.
    pub deliveries: Vec<DeliveryId>,
    /// Why; compulsory.
    pub why: String,
}

/// What became of a command on one delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommandResult {
    /// Which.
    pub delivery: DeliveryId,
    /// The delivery that took its place.
    pub instead: Option<DeliveryId>,
    /// `done`, `skipped`, `conflict`.
    pub result: String,
    /// In words.
    pub text: String,
}

/// A decision on a quarantined event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action", deny_unknown_fields)]
pub enum QuarantineCommand {
    /// It is replaced by a corrected body.
    Correct {
        /// The whole corrected body, as text.
        body: String,
        /// Why.
        why: String,
    },
    /// It passes as it is.
    Release {
        /// Why.
        why: String,
    },
    /// It is not to be delivered.
    Close {
        /// Why.
        why: String,
    },
}

/// What became of a quarantined event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuarantineResult {
    /// The event.
    pub event: EventId,
    /// The event that took its place.
    pub as_event: Option<EventId>,
    /// In words.
    pub text: String,
}

/// Something is to be paused or resumed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchCommand {
    /// `source/NAME`, `flow/NAME` or `destination/NAME`.
    pub object: String,
    /// Paused or not.
    pub paused: bool,
    /// Why.
    pub why: String,
}

/// A policy to be applied: the files of a project folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyCommand {
    /// Path and text of each.
    #[serde(default)]
    pub files: Vec<(String, String)>,
    /// An earlier version that is to be applied again instead of files.
    #[serde(default)]
    pub back_to: Option<PolicyVersion>,
    /// Why.
    pub why: String,
    /// The version that the caller saw as the present one; another one is a conflict.
    pub onto: Option<PolicyVersion>,
    /// Whether open deliveries of what is removed are held for a person; otherwise the removal is refused.
    #[serde(default)]
    pub hold_removed: bool,
}

/// What was applied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyResult {
    /// `crossdock/apply/1`.
    pub schema: String,
    /// The version that judges now.
    pub version: PolicyVersion,
    /// In words.
    pub text: String,
}

/// Which events or deliveries are to be sent again, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayCommand {
    /// Which.
    pub selection: Selection,
    /// Commands are sent too, which nothing but a person may decide.
    #[serde(default)]
    pub commands: Commands,
    /// Members per second.
    #[serde(default)]
    pub pace_per_s: Option<u32>,
    /// This many go first.
    #[serde(default)]
    pub canary: u32,
    /// Stops after so many failures; 0 for never.
    #[serde(default)]
    pub stop_after: u32,
    /// Why; compulsory for an order.
    #[serde(default)]
    pub why: String,
    /// The preview that was seen; compulsory for large sets.
    #[serde(default)]
    pub preview: Option<SeenPreview>,
}

/// The preview that a person saw.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenPreview {
    /// Its moment.
    pub at: Timestamp,
    /// The digest of its set.
    pub digest: Digest,
}

/// A token that was made: its text is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewToken {
    /// The name of its principal.
    pub name: String,
    /// The text to send as `Authorization: Bearer`.
    pub token: String,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCommand {
    /// The name of its principal.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Days until it expires, 1 to 365.
    pub days: u16,
}

/// A started replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReplayOrdered {
    /// Its id.
    pub id: ReplayId,
    /// In words.
    pub text: String,
}
