//! Quarantine: accepted events that a person has to look at, and what came under their keys later. Success never deletes a
//! row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Principal;
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::event::{Body, Event, Origin};
use crate::ids::{EventId, EventType, Owner, SourceName};
use crate::limit::{LATER_AT_ONCE, LATER_WAIT};
use crate::record::{Encoded, Position, Unreadable};
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
    /// What its sender sent under its key later, with another body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
}

impl QuarantineRow {
    /// The code of the first reason, by which rows are grouped; empty where there is none.
    pub fn cause(&self) -> String {
        self.reasons.first().map(|reason| reason.code.to_string()).unwrap_or_default()
    }
}

/// What is known of the events that came under the key of a quarantined one while that was open; without their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Later {
    /// When the newest of them came.
    pub at: Timestamp,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many came, each with another body than the one before it. Only the newest is kept.
    pub count: u64,
    /// Why it would have been kept for a person as well; empty where it broke no rule.
    pub reasons: Vec<Diagnostic>,
}

/// An event that was refused because of its key and is attached to the quarantined event that has the key. It was never
/// accepted: it has no position and counts in no account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterEvent {
    /// The event as intake judged it.
    pub event: Event,
    /// Why it would have been kept for a person; empty where it broke no rule.
    pub reasons: Vec<Diagnostic>,
}

impl Later {
    /// Whether what comes now may take its place. A sender that sends another body with each try would otherwise take from
    /// a person, time after time, what that has just looked at.
    pub fn gives_way(&self, now: Timestamp) -> bool {
        // A clock that was ahead once must not keep the place for ever.
        let apart = self.at.max(now).since(self.at.min(now));
        self.count < LATER_AT_ONCE || apart >= LATER_WAIT
    }
}

impl LaterEvent {
    /// What the row says of it, after so many that came before it.
    pub fn summary(&self, before: u64) -> Later {
        Later {
            at: self.event.received_at,
            digest: self.event.digest,
            bytes: self.event.body.len() as u64,
            count: before + 1,
            reasons: self.reasons.clone(),
        }
    }

    /// As stores keep it: a JSON head and the received bytes apart. Adding to its shape is allowed, renaming is not.
    pub fn encode(&self) -> Result<Encoded, Unreadable> {
        Ok(Encoded { head: serde_json::to_vec(self)?, body: self.event.body.clone() })
    }

    /// What a store kept.
    pub fn decode(head: &[u8], bytes: Body) -> Result<Self, Unreadable> {
        let mut later: Self = serde_json::from_slice(head)?;
        later.event.body = bytes;
        Ok(later)
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
