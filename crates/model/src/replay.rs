//! Replays: a frozen set of events or deliveries that a person sends again, and its progress.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Principal;
use crate::delivery::LaneKey;
use crate::ids::{DeliveryId, EventId, FlowName, ReplayId};
use crate::record::Position;
use crate::time::Timestamp;

/// A replay as it was ordered, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// Who ordered it.
    pub by: Principal,
    /// Why.
    pub why: String,
    /// The selection in words, as it was asked for.
    pub selection: String,
    /// When it was ordered: the moment at which the set was frozen.
    pub created_at: Timestamp,
    /// Members per second; its own pace beside live traffic.
    pub pace_per_s: u32,
    /// This many members go first, alone; the rest follows when all of them are done.
    pub canary: u32,
    /// It stops by itself when this many members have failed; 0 for never.
    pub stop_after: u32,
    /// Where it stands.
    pub state: ReplayState,
    /// How many members the frozen set has, the skipped included.
    pub members: u32,
    /// The index of the next member to send.
    pub next: u32,
    /// How many of the members were to be sent when the set was frozen.
    #[serde(default)]
    pub to_send: u32,
    /// Members that were to be sent and were passed over when their turn came.
    pub passed: u32,
    /// The same by reason: their delivery had moved on by then, something newer of their key had been delivered or was on
    /// its way, or their bytes were gone.
    #[serde(default)]
    pub passed_for: Vec<PassedFor>,
    /// Whether it sends what nothing newer is known of, where retention has removed what would tell.
    #[serde(default)]
    pub forgotten: Forgotten,
    /// Rises with every change; the ETag.
    pub version: u64,
}

/// Whether a person includes what may be an old state over a newer one, where nobody can tell any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forgotten {
    /// It is left out.
    #[default]
    Leave,
    /// It is sent, on the person's word. What is known to be newer stays all the same.
    Include,
}

/// A reason and how many members were passed over for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedFor {
    /// The reason, in words.
    pub why: String,
    /// How many.
    pub count: u32,
}

/// Where a replay stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ReplayState {
    /// Members are being sent.
    Running,
    /// All members are sent; their deliveries tell what became of them.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// Too many members failed.
    Stopped {
        /// What was counted.
        why: String,
    },
    /// A person ended it.
    Cancelled {
        /// Who.
        by: Principal,
    },
}

/// One member of a frozen set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayMember {
    /// Its place in the set, from 0, in journal order.
    pub index: u32,
    /// The event.
    pub event: EventId,
    /// Where its bytes are.
    pub at: Position,
    /// Where its state ranks, where that is not where its bytes are: [`Delivery::ranks_at`](crate::Delivery::ranks_at).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks_at: Option<Position>,
    /// The flow that gets it.
    pub flow: FlowName,
    /// The earlier delivery that it repeats, if there is one.
    pub of: Option<DeliveryId>,
    /// The lane of which it must not overwrite a newer state: looked at again when its turn comes. None where there is none, or
    /// where a person's word is enough, as for commands.
    #[serde(default, alias = "key")]
    pub lane: Option<LaneKey>,
    /// The ordering key, the same way.
    #[serde(default)]
    pub ordering: Option<LaneKey>,
    /// The same by flows that are gone and went to the same destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<(FlowName, LaneKey)>,
    /// Whether it is sent.
    pub verdict: MemberVerdict,
}

/// Whether a member is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum MemberVerdict {
    /// It is.
    Send,
    /// It is not.
    Skip {
        /// Why, such as "a newer event of the same key was delivered since".
        why: String,
    },
}

impl ReplayState {
    /// The word for it in stores, metrics and commands.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Sent { .. } => "sent",
            Self::Stopped { .. } => "stopped",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}
