//! Deliveries: one event on its way through one flow, and its attempts.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Principal;
use crate::digest::Digest;
use crate::event::Origin;
use crate::ids::{DeliveryId, DestinationName, EventId, FlowName, NodeName, Owner, PolicyVersion, ReplayId};
use crate::limit::LANE_KEY_BYTES_MAX;
use crate::newest::StateKeys;
use crate::outcome::Outcome;
use crate::record::Position;
use crate::time::Timestamp;

/// The key of a lane inside its destination and flow. Deliveries with the same one go one after the other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LaneKey(Arc<str>);

impl LaneKey {
    /// A key from any text; what is longer than [`LANE_KEY_BYTES_MAX`] is replaced by its digest.
    pub fn new(text: &str) -> Self {
        if text.len() <= LANE_KEY_BYTES_MAX {
            Self(Arc::from(text))
        } else {
            Self(Arc::from(Digest::of(text.as_bytes()).to_string()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneKey({})", self.0)
    }
}

/// What a held or dead head does to its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDead {
    /// The lane waits behind it, for a person.
    #[default]
    Hold,
    /// The lane goes on without it.
    Pass,
}

/// The cause of what was given up because its deadline passed while it waited.
pub const CAUSE_DEADLINE: &str = "deadline";

/// The cause of what could not be routed, because the filter or the lane of its flow had no answer for the event.
pub const CAUSE_UNDECIDED: &str = "undecided";

/// The cause of what was held as it was routed, because its flow, or that flow's destination, was no longer in the policy.
pub const CAUSE_REMOVED: &str = "removed";

/// One event on its way through one flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Derived from the record and the flow; the same when the record is routed twice.
    pub id: DeliveryId,
    /// The event.
    pub event: EventId,
    /// The record that caused it: its place in the order of its lane.
    pub position: Position,
    /// The record that holds the bytes; differs from `position` after a release or a replay.
    pub bytes_at: Position,
    /// Where its state ranks among those of its keys: where the event came in. Differs from `bytes_at` after a correction, which
    /// makes no state newer than it was.
    pub ranks_at: Position,
    /// The flow, as of `policy`.
    pub flow: FlowName,
    /// Where to.
    pub destination: DestinationName,
    /// Its lane, unless the flow is unordered.
    pub lane: Option<LaneKey>,
    /// The ordering key of its event, whatever its lane: nothing waits for it, but it is told by it what is newer.
    pub ordering: Option<LaneKey>,
    /// What it does to its lane when it is held or dead.
    pub on_dead: OnDead,
    /// The policy whose flow, mapping and retry schedule it keeps for life.
    pub policy: PolicyVersion,
    /// The account that it counts in.
    pub origin: Origin,
    /// The replay that made it.
    pub replay: Option<ReplayId>,
    /// Who answers for it.
    pub owner: Owner,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far, the open one included; also the number of the latest.
    pub attempts: u32,
    /// Attempts that were made before the present round; a person's retry begins a round.
    pub round_base: u32,
    /// When the present round began.
    pub round_at: Timestamp,
    /// When the present round has to be over, where its policy says so: no attempt begins after it, and what still waits
    /// then is given up.
    pub deadline: Option<Timestamp>,
    /// Rises at each claim; what was decided under an older one is refused.
    pub epoch: u64,
    /// Who has an attempt open.
    pub lease: Option<Lease>,
    /// Whether something ahead of it in its lane is still open.
    pub behind: bool,
    /// The digest of the mapped body, from the first attempt on.
    pub output: Option<Digest>,
    /// Why it stands where it stands, in one sentence; empty before the first attempt.
    pub why: String,
    /// The cause of the last failure, for grouping: [`Outcome::cause`], [`CAUSE_DEADLINE`], [`CAUSE_UNDECIDED`] or [`CAUSE_REMOVED`].
    pub cause: String,
    /// Rises with every change; the ETag.
    pub version: u64,
}

/// Where a delivery stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DeliveryState {
    /// To be attempted at `due`, or being attempted when it is leased.
    Waiting {
        /// Not before.
        due: Timestamp,
    },
    /// Waiting for a person.
    Held {
        /// Whose.
        for_whom: Owner,
    },
    /// The destination took it.
    Done {
        /// When.
        at: Timestamp,
    },
    /// Given up by policy; a person's to retry, replay or close.
    DeadLettered {
        /// Whose.
        owner: Owner,
    },
    /// A person ended it.
    Cancelled {
        /// Who.
        by: Principal,
    },
    /// Another delivery took its place.
    Superseded {
        /// Which.
        by: DeliveryId,
    },
}

/// Who has an attempt open: one life of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// The node.
    pub node: NodeName,
    /// Which of its lives; rises at every start.
    pub incarnation: u64,
}

/// A wish to open the next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// For whom.
    pub lease: Lease,
    /// When the attempt begins.
    pub at: Timestamp,
}

/// One attempt. Its row is written before anything is sent and closed after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// From 1.
    pub no: u32,
    /// When it was opened.
    pub started_at: Timestamp,
    /// Who opened it.
    pub lease: Lease,
    /// How it ended; `None` while it is open.
    pub result: Option<AttemptResult>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptResult {
    /// When.
    pub ended_at: Timestamp,
    /// What the world answered.
    pub outcome: Outcome,
    /// The digest of the bytes that were sent, where any were.
    pub output: Option<Digest>,
    /// The beginning of the answer, at most [`crate::limit::RESPONSE_BYTES_KEPT`] bytes.
    #[serde(with = "lossy")]
    #[schemars(with = "String")]
    pub response: Vec<u8>,
    /// Whether the answer was longer than what is kept.
    pub response_cut: bool,
}

impl AttemptResult {
    /// Takes the answer out, as retention does: there was more than is kept now.
    pub fn let_answer_go(&mut self) {
        self.response_cut = self.response_cut || !self.response.is_empty();
        self.response = Vec::new();
    }
}

impl DeliveryState {
    /// The words of all states.
    pub const WORDS: [&str; 6] = ["waiting", "held", "done", "dead_lettered", "cancelled", "superseded"];

    /// The word for it in stores, metrics and commands.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Held { .. } => "held",
            Self::Done { .. } => "done",
            Self::DeadLettered { .. } => "dead_lettered",
            Self::Cancelled { .. } => "cancelled",
            Self::Superseded { .. } => "superseded",
        }
    }

    /// Whether nothing will happen to it any more without a new command.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Cancelled { .. } | Self::Superseded { .. } => true,
            Self::Waiting { .. } | Self::Held { .. } | Self::DeadLettered { .. } => false,
        }
    }

    /// Whether those behind it in its lane wait.
    pub const fn blocks_lane(&self, on_dead: OnDead) -> bool {
        match self {
            Self::Waiting { .. } => true,
            Self::Held { .. } | Self::DeadLettered { .. } => matches!(on_dead, OnDead::Hold),
            Self::Done { .. } | Self::Cancelled { .. } | Self::Superseded { .. } => false,
        }
    }
}

impl Delivery {
    /// The identity of its lane over all destinations and flows, if it has one.
    pub fn lane_digest(&self) -> Option<Digest> {
        self.lane.as_ref().map(|key| ordering_digest(&self.destination, &self.flow, key))
    }

    /// The identity of its ordering key over all destinations and flows, if it has one.
    pub fn ordering_digest(&self) -> Option<Digest> {
        self.ordering.as_ref().map(|key| ordering_digest(&self.destination, &self.flow, key))
    }

    /// What it is the newer or the older state of.
    pub fn keys(&self) -> StateKeys {
        StateKeys { lane: self.lane.clone(), ordering: self.ordering.clone() }
    }

    /// Whether an attempt may begin then, as far as its deadline goes.
    pub fn may_begin(&self, at: Timestamp) -> bool {
        self.deadline.is_none_or(|deadline| at <= deadline)
    }

    /// Whether it waits beyond its deadline, without an attempt under way that could still end it.
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        matches!(self.state, DeliveryState::Waiting { .. }) && self.lease.is_none() && !self.may_begin(at)
    }

    /// The deadline of a round that began then and may last as long as the present one.
    pub fn deadline_from(&self, at: Timestamp) -> Option<Timestamp> {
        self.deadline.map(|deadline| at + deadline.since(self.round_at))
    }

    /// Attempts in the present round, the open one included.
    pub const fn round_attempts(&self) -> u32 {
        self.attempts.saturating_sub(self.round_base)
    }
}

/// The identity of a key over all destinations and flows.
pub fn ordering_digest(destination: &DestinationName, flow: &FlowName, key: &LaneKey) -> Digest {
    Digest::of_fields(&[destination.as_str().as_bytes(), flow.as_str().as_bytes(), key.as_str().as_bytes()])
}

/// Response bytes as text in JSON: what is no UTF-8 is replaced, because people read it.
mod lossy {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}
