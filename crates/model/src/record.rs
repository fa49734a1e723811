//! The journal's nouns: positions, entries, records. An entry, once appended, is never changed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::Principal;
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::event::{Body, Event, Origin};
use crate::ids::{EventId, FlowName, PolicyVersion, ReplayId};
use crate::time::Timestamp;

/// A part of the journal with an order of its own. Embedded there is one, number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Partition(pub u16);

/// A place in a partition. The first record has 1; 0 is before all. Offsets rise, and may have gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The place just before: what comes after it begins here.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A place in the journal. Positions of different partitions have no order in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// The place in it.
    pub offset: Offset,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition.0, self.offset.0)
    }
}

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is a partition and an offset, such as 0:4711")]
pub struct BadPosition;

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (partition, offset) = text.split_once(':').ok_or(BadPosition)?;
        let partition = partition.parse().map(Partition).map_err(|_| BadPosition)?;
        Ok(Self { partition, offset: offset.parse().map(Offset).map_err(|_| BadPosition)? })
    }
}

/// What stands in the journal at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where.
    pub position: Position,
    /// When it was appended.
    pub at: Timestamp,
    /// The policy in force when it was decided.
    pub policy: PolicyVersion,
    /// The derived id of an entry that a room emitted; `None` for what intake appended.
    pub emitted: Option<Uuid>,
    /// What happened.
    pub entry: Entry,
}

/// What can be journalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Intake admitted an event.
    Admitted(Event),
    /// Intake kept an event for a person.
    Quarantined {
        /// The event as far as it is known.
        event: Event,
        /// Why; never empty.
        reasons: Vec<Diagnostic>,
    },
    /// A person corrected a quarantined event; the corrected one was admitted.
    Resubmitted {
        /// The quarantined one.
        of: EventId,
        /// Where that is: the place of its state, which no correction makes newer. `None` in older journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
        /// The number of the correction, from 1.
        revision: u32,
        /// Who.
        by: Principal,
        /// Why.
        why: String,
        /// The corrected event; its id is derived from the original's and the revision.
        event: Event,
    },
    /// A person let a quarantined event pass as it is.
    Released {
        /// The quarantined one.
        of: EventId,
        /// Where its bytes are.
        at: Position,
        /// Who.
        by: Principal,
        /// Why.
        why: String,
    },
    /// A person sends an earlier event again to chosen flows.
    Replayed {
        /// The event.
        of: EventId,
        /// Where its bytes are.
        at: Position,
        /// The replay that it belongs to.
        replay: ReplayId,
        /// To which flows; their present filter is not asked again.
        flows: Vec<FlowName>,
        /// Who.
        by: Principal,
    },
    /// From here on this policy routes.
    PolicyApplied {
        /// Which.
        version: PolicyVersion,
        /// Who.
        by: Principal,
        /// Why.
        why: String,
    },
}

/// What is to be appended.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Where to.
    pub partition: Partition,
    /// The policy in force.
    pub policy: PolicyVersion,
    /// The derived id of what a room emitted; repeats are dropped by it. `None` for intake's own, whose repeats are
    /// found by (source, key, digest).
    pub emitted: Option<Uuid>,
    /// What happened.
    pub entry: Entry,
}

/// What became of an append, decided atomically with it. Any of them means: durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is new and stands here.
    New(Position),
    /// The same key with the same body was accepted before, under this id.
    Duplicate(Position, EventId),
    /// The same key was accepted with another body; nothing was appended.
    KeyReused(Position, EventId),
}

impl Entry {
    /// The event that the entry carries itself, if it does.
    pub const fn event(&self) -> Option<&Event> {
        match self {
            Self::Admitted(event) | Self::Quarantined { event, .. } | Self::Resubmitted { event, .. } => Some(event),
            Self::Released { .. } | Self::Replayed { .. } | Self::PolicyApplied { .. } => None,
        }
    }

    /// The account of accepted entries that it counts in (design of the conservation line); `None` where it is none:
    /// a release moves an entry that was counted before, and a policy is no event.
    pub const fn accepted(&self) -> Option<Origin> {
        match self {
            Self::Admitted(event) | Self::Quarantined { event, .. } | Self::Resubmitted { event, .. } => Some(event.origin),
            Self::Replayed { .. } => Some(Origin::Replay),
            Self::Released { .. } | Self::PolicyApplied { .. } => None,
        }
    }

    /// The position whose bytes it speaks of, where they are not its own.
    pub const fn refers_to(&self) -> Option<Position> {
        match self {
            Self::Released { at, .. } | Self::Replayed { at, .. } => Some(*at),
            Self::Admitted(_) | Self::Quarantined { .. } | Self::Resubmitted { .. } | Self::PolicyApplied { .. } => None,
        }
    }

    /// What repeats are found by where intake appends: the hash of (source, key) and the digest of the body.
    pub fn dedupe(&self) -> Option<(Digest, Digest)> {
        match self {
            Self::Admitted(event) | Self::Quarantined { event, .. } => Some((event.key_hash(), event.digest)),
            Self::Resubmitted { .. } | Self::Released { .. } | Self::Replayed { .. } | Self::PolicyApplied { .. } => None,
        }
    }
}

impl Event {
    /// The hash of source and key, by which the key registry finds repeats.
    pub fn key_hash(&self) -> Digest {
        Digest::of_fields(&[self.source.as_str().as_bytes(), self.key.as_bytes()])
    }

    /// Which of a journal's partitions the event belongs to: events with the same ordering key share one. What has no
    /// ordering key goes by its idempotency key.
    pub fn partition_in(&self, partitions: &[Partition]) -> Partition {
        let key = self.ordering.as_ref().unwrap_or(&self.key);
        let hash = Digest::of_fields(&[self.source.as_str().as_bytes(), key.as_bytes()]).short();
        let count = (partitions.len() as u64).max(1);
        usize::try_from(hash % count).ok().and_then(|index| partitions.get(index)).copied().unwrap_or_default()
    }
}

/// An entry as stores keep it: a small JSON head and the received bytes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON of all but the bytes.
    pub head: Vec<u8>,
    /// The bytes; empty where the entry has none.
    pub body: Body,
}

/// What is stored cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a journal record cannot be read: {0}")]
pub struct Unreadable(#[from] serde_json::Error);

impl Entry {
    /// As stores keep it. Old stores are read by this shape: adding to it is allowed, renaming is not.
    pub fn encode(&self) -> Result<Encoded, Unreadable> {
        Ok(Encoded {
            head: serde_json::to_vec(self)?,
            body: self.event().map(|event| event.body.clone()).unwrap_or_default(),
        })
    }

    /// What a store kept.
    pub fn decode(head: &[u8], bytes: Body) -> Result<Self, Unreadable> {
        let mut entry: Self = serde_json::from_slice(head)?;
        match &mut entry {
            Self::Admitted(event) | Self::Quarantined { event, .. } | Self::Resubmitted { event, .. } => event.body = bytes,
            Self::Released { .. } | Self::Replayed { .. } | Self::PolicyApplied { .. } => {}
        }
        Ok(entry)
    }
}
