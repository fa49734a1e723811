//! What people ask for and what became of it: the commands of the management API and their results. Shared like the rest of
//! the module above; fields are added, never renamed or removed.

use engine::replay::decide::Commands;
use engine::replay::selection::Selection;
use model::{DeliveryId, Digest, EventId, PolicyVersion, Replay, ReplayId, Scope, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command on one or more deliveries.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryCommand {
    /// Which.
    pub deliveries: Vec<DeliveryId>,
    /// Why; compulsory.
    pub why: String,
}

/// A retry of one or more deliveries.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryManyCommand {
    /// Which.
    pub deliveries: Vec<DeliveryId>,
    /// Why; compulsory.
    pub why: String,
    /// Also those that put an old state over a newer one of their key; otherwise these are skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_newer: bool,
    /// Also where nothing newer is known and retention has removed what would tell; what is known to be newer stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_removed: bool,
}

/// A retry of one delivery.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryCommand {
    /// Why; compulsory.
    pub why: String,
    /// Also where it puts an old state over a newer one of its key; otherwise that is refused as `overtaken`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_newer: bool,
    /// Also where nothing newer is known and retention has removed what would tell; what is known to be newer stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_removed: bool,
}

/// What became of a command on one delivery.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CommandResult {
    /// Which.
    pub delivery: DeliveryId,
    /// The delivery that took its place.
    pub instead: Option<DeliveryId>,
    /// `done`, `skipped`, `conflict`; `unknown` where there is no such delivery.
    pub result: String,
    /// In words.
    pub text: String,
}

/// A decision on a quarantined event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "action", deny_unknown_fields)]
pub enum QuarantineCommand {
    /// It is replaced by a corrected body.
    Correct {
        /// The whole corrected body, as text.
        body: String,
        /// Why.
        why: String,
        /// Also where it puts an old state over a newer one of its key; otherwise that is refused as `overtaken`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_newer: bool,
        /// Also where nothing newer is known and retention has removed what would tell; what is known to be newer stays.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_removed: bool,
    },
    /// It is replaced by what its sender sent under its key later.
    Resubmit {
        /// The digest of the bytes that were seen; refused where others came since. Without it the newest are taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// Why.
        why: String,
        /// Also where it puts an old state over a newer one of its key; otherwise that is refused as `overtaken`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_newer: bool,
        /// Also where nothing newer is known and retention has removed what would tell; what is known to be newer stays.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_removed: bool,
    },
    /// It passes as it is.
    Release {
        /// Why.
        why: String,
        /// Also where it puts an old state over a newer one of its key; otherwise that is refused as `overtaken`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_newer: bool,
        /// Also where nothing newer is known and retention has removed what would tell; what is known to be newer stays.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over_removed: bool,
    },
    /// It is not to be delivered.
    Close {
        /// Why.
        why: String,
    },
}

/// What became of a quarantined event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineResult {
    /// The event.
    pub event: EventId,
    /// The event that took its place.
    pub as_event: Option<EventId>,
    /// In words.
    pub text: String,
}

/// Something is to be paused or resumed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchCommand {
    /// `source/NAME`, `flow/NAME` or `destination/NAME`.
    pub object: String,
    /// Paused or not.
    pub paused: bool,
    /// Why.
    pub why: String,
}

/// What became of a switch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SwitchResult {
    /// `source/NAME`, `flow/NAME` or `destination/NAME`.
    pub object: String,
    /// In words.
    pub text: String,
}

/// Why something is to be done with what the path names.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why; compulsory.
    pub why: String,
}

/// A policy to be applied: exactly one of the files of a project folder and an earlier version. Neither is refused instead of
/// being read as an empty folder, which would remove every source.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["files"], "properties": { "files": { "minItems": 1 }, "back_to": { "type": "null" } } },
    { "required": ["back_to"], "properties": { "files": { "maxItems": 0 }, "back_to": { "type": "string" } } },
]))]
pub struct ApplyCommand {
    /// Path and text of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, String)>,
    /// An earlier version that is to be applied again instead of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<PolicyVersion>,
    /// Why; compulsory, but for a preview.
    #[serde(default)]
    pub why: String,
    /// Whether open deliveries of what is removed are held for a person; otherwise the removal is refused.
    #[serde(default)]
    pub hold_removed: bool,
    /// Whether the policy may name secrets that have no value; otherwise it is refused.
    #[serde(default)]
    pub allow_missing_secrets: bool,
    /// Whether contracts may break what they promised; otherwise the policy is refused. A way back to an earlier version is
    /// not asked for it.
    #[serde(default)]
    pub allow_breaking: bool,
}

/// What was applied.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApplyResult {
    /// `crossdock/apply/1`.
    pub schema: String,
    /// The version that judges now.
    pub version: PolicyVersion,
    /// In words.
    pub text: String,
}

/// What applying would come to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApplyPreview {
    /// `crossdock/apply-preview/1`.
    pub schema: String,
    /// The version that judges now.
    pub present: PolicyVersion,
    /// The version that would judge.
    pub version: PolicyVersion,
    /// What would be removed.
    pub removals: Vec<RemovalLine>,
    /// The secrets that have no value, each with where it would be read from.
    pub secrets_missing: Vec<String>,
    /// Why it would be refused as it is asked for; empty when it would be applied.
    pub refusals: Vec<ApplyRefusal>,
}

/// What a policy removes, and what is still open there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemovalLine {
    /// `source/NAME`, `flow/NAME` or `destination/NAME`.
    pub object: String,
    /// Deliveries that are not final: at most a page of them is counted.
    pub open: u64,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// Why applying would be refused.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApplyRefusal {
    /// The code of the problem that applying would answer.
    pub code: String,
    /// In words.
    pub text: String,
}

/// Which events or deliveries are to be sent again, and how.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayCommand {
    /// Which.
    pub selection: Selection,
    /// Commands are sent too, which nothing but a person may decide.
    #[serde(default)]
    pub commands: Commands,
    /// What nothing newer is known of is sent too, where retention has removed what would tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_removed: bool,
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
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenPreview {
    /// Its moment.
    pub at: Timestamp,
    /// The digest of its set.
    pub digest: Digest,
}

/// A token that was made: its text is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewToken {
    /// The name of its principal.
    pub name: String,
    /// The text to send as `Authorization: Bearer`; not there in a repeated answer, because it is kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCommand {
    /// The name of its principal.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Days until it expires, 1 to 365.
    pub days: u16,
    /// Why; compulsory.
    pub why: String,
}

/// Tokens that were revoked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokensRevoked {
    /// How many.
    pub revoked: usize,
}

/// A started replay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReplayOrdered {
    /// Its id.
    pub id: ReplayId,
    /// In words.
    pub text: String,
}

/// A cancelled replay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReplayCancelled {
    /// In words.
    pub text: String,
    /// The replay as it stands now; nothing of it where it cannot be read.
    #[serde(flatten)]
    pub replay: Option<Replay>,
}
