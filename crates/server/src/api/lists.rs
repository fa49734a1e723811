//! Rows of lists and pages that are read: sessions, tokens, applied policies, switches, replays. Shared like the rest of the
//! module above; fields are added, never renamed or removed.

use model::change::Switch;
use model::view::{DeliveryStory, ReplayStory};
use model::{Delivery, PolicyVersion, QuarantineRow, Scope, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who asks, and what a write without a bearer token must carry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The caller's name.
    pub principal: String,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
    /// The value of the header `x-crossdock-same-site`.
    pub same_site: String,
}

/// A token without its text.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenLine {
    /// The name of its principal.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A policy that was applied.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Its version.
    pub version: PolicyVersion,
    /// When.
    pub at: Timestamp,
    /// Whether it judges now.
    pub present: bool,
}

/// A delivery in a list, and what it waits for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryRow {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What it waits for, in a sentence; empty where it is finished.
    pub waits_for: String,
    /// What would change that, as a command; empty where nothing has to be done.
    pub next: String,
}

/// A delivery with its attempts, and what it waits for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPage {
    /// The delivery and its attempts.
    #[serde(flatten)]
    pub story: DeliveryStory,
    /// The attempts whose answer the caller may not read, by number: its token lacks the scope `bodies`. Their `response` is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers_hidden: Vec<u32>,
    /// What it waits for, in a sentence; empty where it is finished.
    pub waits_for: String,
    /// What would change that, as a command; empty where nothing has to be done.
    pub next: String,
}

/// An event in quarantine, and what went of its key since.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QuarantinePage {
    /// The event and the reasons.
    #[serde(flatten)]
    pub row: QuarantineRow,
    /// What a release would put an old state over, in a sentence; a correction that leaves its key as it is would, too. Not there
    /// where it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
    /// Whether the newer state is known and says all that this one says: then nothing is lost when it is closed.
    #[serde(default)]
    pub may_close: bool,
}

/// A replay, a page of its members, and how many of its deliveries are in which state.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReplayPage {
    /// The replay and its members.
    #[serde(flatten)]
    pub story: ReplayStory,
    /// The state's word and how many.
    pub progress: Vec<(String, u64)>,
}

/// Something that a person paused or resumed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SwitchLine {
    /// `source/NAME`, `flow/NAME` or `destination/NAME`.
    pub object: String,
    /// Who, when and why.
    #[serde(flatten)]
    pub switch: Switch,
}
