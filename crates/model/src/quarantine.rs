//! Quarantine: accepted events that a person has to look at. Success never deletes a row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Principal;
use crate::diagnostic::Diagnostic;
use crate::event::Origin;
use crate::ids::{EventId, EventType, Owner, SourceName};
use crate::record::Position;
use crate::time::Timestamp;

/// A quarantined event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineRow {
    /// The event.
    pub event: EventId,
    /// The record that holds its bytes and reasons.
    pub position: Position,
    /// Where it came in.
    pub source: SourceName,
    /// Its type.
    pub kind: EventType,
    /// The account that it counts in.
    pub origin: Origin,
    /// Who answers for it: the source's owner.
    pub owner: Owner,
    /// When it was received.
    pub at: Timestamp,
    /// Why.
    pub reasons: Vec<Diagnostic>,
    /// Where it stands.
    pub state: QuarantineState,
    /// How often a person corrected it.
    pub revision: u32,
    /// Rises with every change; the ETag.
    pub version: u64,
}

impl QuarantineRow {
    /// The code of the first reason, by which rows are grouped; empty where there is none.
    pub fn cause(&self) -> String {
        self.reasons.first().map(|reason| reason.code.to_string()).unwrap_or_default()
    }
}

/// Where a quarantined event stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum QuarantineState {
    /// Waiting for its owner.
    Open,
    /// A corrected event took its place.
    Resubmitted {
        /// Which.
        as_event: EventId,
        /// Who.
        by: Principal,
        /// Why.
        why: String,
    },
    /// A person let it pass as it is.
    Released {
        /// Who.
        by: Principal,
        /// Why.
        why: String,
    },
    /// A person closed it: it is not to be delivered.
    Closed {
        /// Who.
        by: Principal,
        /// Why.
        why: String,
    },
}

impl QuarantineState {
    /// The words of all states.
    pub const WORDS: [&str; 4] = ["open", "resubmitted", "released", "closed"];

    /// The word for it in stores, metrics and commands.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resubmitted { .. } => "resubmitted",
            Self::Released { .. } => "released",
            Self::Closed { .. } => "closed",
        }
    }
}
