//! One screen: is everything accounted for, is all well, and who has to do something. Shared like the rest of the module above;
//! fields are added, never renamed or removed.

use model::account::Line;
use model::view::{CauseGroup, QuarantineGroup};
use model::{DestinationName, Identifier, PolicyVersion, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CompletenessLine;

/// The answer of `crossdock status`.
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
    /// Unhealthy where one of the concerns says so.
    pub health: Health,
    /// What a person should know.
    pub concerns: Vec<Concern>,
    /// The conservation line of each origin that has any.
    pub lines: Vec<Line>,
    /// Deliveries that arrived, over all origins.
    pub done: u64,
    /// Entries and deliveries under way.
    pub moving: u64,
    /// Entries and deliveries that wait for a named person.
    pub with_a_person: u64,
    /// Deliveries that a person ended.
    pub cancelled: u64,
    /// Deliveries that another took the place of; that one is counted by itself.
    pub superseded: u64,
    /// Entries and deliveries that no account holds: 0, or something is wrong.
    pub missing: i128,
    /// Deliveries that wait for persons, by cause, the largest ones.
    pub causes: Vec<CauseLine>,
    /// Deliveries that wait for persons for other causes.
    pub causes_further: u64,
    /// Quarantined events that are open, by cause, the largest ones.
    pub quarantined: Vec<QuarantineLine>,
    /// Open quarantined events with other causes.
    pub quarantined_further: u64,
    /// Work per destination.
    pub destinations: Vec<DestinationStatus>,
    /// Sources and what is wrong with them.
    pub sources: Vec<SourceStatus>,
    /// The journal's room.
    pub journal: JournalStatus,
    /// The ledger's room.
    #[serde(default)]
    pub ledger: LedgerStatus,
    /// Where the simulated systems of the demo world keep their own ledger, to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
}

/// Whether somebody has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nobody has to.
    Healthy,
    /// Somebody has to: `crossdock status` ends with 3.
    Unhealthy,
}

/// One thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Concern {
    /// What it is about: `accounts`, `person`, `breaker`, `paused`, `secret`, `overdue`, `router`, `journal`, `clock`, `key`,
    /// `unread`, `withheld`, `hidden`, `refused`, `held_back`, `lost`, `anew`, `unseen`, `other_reading`.
    pub kind: String,
    /// Whether it makes the whole unhealthy.
    pub health: Health,
    /// What is so, in a sentence.
    pub text: String,
    /// What to do, as a command; empty where it is told with the causes.
    pub next: String,
}

/// Deliveries that wait for persons for one cause, and what to do about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseLine {
    /// The cause.
    #[serde(flatten)]
    pub group: CauseGroup,
    /// Business identifiers of some of them, the newest first.
    pub named: Vec<Identifier>,
    /// What to do, in a sentence.
    pub advice: String,
    /// The same as a command.
    pub next: String,
}

/// Quarantined events with one cause, and what to do about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineLine {
    /// The cause.
    #[serde(flatten)]
    pub group: QuarantineGroup,
    /// Business identifiers of some of them, the newest first.
    pub named: Vec<Identifier>,
    /// What to do, as a command.
    pub next: String,
}

/// A destination's work and health.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DestinationStatus {
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
    /// The breaker, in a word.
    pub breaker: String,
    /// Since when the destination has failed, where its breaker is not closed.
    #[serde(default)]
    pub failing_since: Option<Timestamp>,
    /// Whether a person paused it.
    pub paused: bool,
    /// Secrets without a value: nothing can be sent to it until they have one.
    #[serde(default)]
    pub secrets_missing: Vec<String>,
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
    /// Nudges that a captured source heard since the process started.
    #[serde(default)]
    pub nudges_since_start: u64,
    /// How complete it was at its last reconciliation, where it is captured.
    #[serde(default)]
    pub completeness: Option<CompletenessLine>,
}

/// The ledger's room.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LedgerStatus {
    /// Bytes in use.
    pub bytes: u64,
    /// The budget.
    pub budget: u64,
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
