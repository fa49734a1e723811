//! Reconciliations: how far they are, what they came to, and what people ask of them. Shared like the rest of the module above;
//! fields are added, never renamed or removed.

use engine::intake::capture::reconcile::standing::{Brake, Completeness, Outcome, Run};
use model::{SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the reconciliations of a captured model stand.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReconciliationLine {
    /// The source.
    pub source: SourceName,
    /// The model.
    pub model: String,
    /// What is done now: `nothing`, `waiting` for a sweep, comparing `contents` or `identities`.
    pub state: String,
    /// The one under way.
    pub run: Option<Run>,
    /// What the last one came to.
    pub last: Option<Outcome>,
    /// How much was complete then; none before the first, and where the model could not be read.
    pub completeness: Option<CompletenessLine>,
    /// The last one in a sentence; empty before the first.
    pub text: String,
    /// Deletions that are withheld because they are too many at once.
    pub brake: Option<Brake>,
    /// Records that a rule of the system hides from our user, as the last look at identities counted them: their changes are no
    /// events.
    #[serde(default)]
    pub hidden: u64,
    /// Why it cannot be read now, in a sentence, where that is so.
    pub unread: Option<String>,
    /// Records that are known and that intake refused as they are: no event tells of them.
    #[serde(default)]
    pub refused: u64,
}

/// How much was complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompletenessLine {
    /// Records that were here as they are there.
    pub same: u64,
    /// Of so many that were compared.
    pub of: u64,
    /// In percent with two decimals, rounded down: only what is complete has `100 %`.
    pub percent: String,
    /// When it was compared; of several models the longest ago.
    pub at: Timestamp,
}

impl CompletenessLine {
    /// Of what was compared at a moment.
    pub fn new(part: Completeness, at: Timestamp) -> Self {
        Self { same: part.same, of: part.of, percent: part.to_string(), at }
    }
}

/// A reconciliation is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationCommand {
    /// Of which source.
    pub source: SourceName,
    /// Of these models; of all that it captures where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// How much of the past, in seconds; as the source declares where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_s: Option<u64>,
    /// Gaps are counted and stay; otherwise they become events.
    #[serde(default)]
    pub count_only: bool,
    /// Why.
    pub why: String,
}

/// A reconciliation that was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ReconciliationOrdered {
    /// Of which source.
    pub source: SourceName,
    /// Of these models.
    pub models: Vec<String>,
    /// Which one it is: `asked_at` of its run and of its outcome.
    pub asked_at: Timestamp,
    /// In words.
    pub text: String,
}

/// Deletions that are withheld are let go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCommand {
    /// Of which source.
    pub source: SourceName,
    /// Of which model.
    pub model: String,
    /// Why.
    pub why: String,
}

/// Deletions that were let go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Released {
    /// Of which source.
    pub source: SourceName,
    /// Of which model.
    pub model: String,
    /// At most so many.
    pub count: u64,
    /// In words.
    pub text: String,
}
