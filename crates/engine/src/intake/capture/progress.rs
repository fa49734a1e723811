//! How far the capture of a source is, as it stands in the ledger.

use std::collections::BTreeMap;

use model::{Fault, FaultKind, Timestamp};
use serde::{Deserialize, Serialize};

/// Of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// By model.
    pub models: BTreeMap<String, Model>,
}

/// Of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What was read of a record when digests were last taken; another reading makes every digest another one.
    pub reading: String,
    /// What it is at.
    pub phase: Phase,
    /// Up to when all that was written has been seen, by the system's own clock; none before the first look.
    pub watermark: Option<Timestamp>,
    /// A sweep that has not come to its end.
    pub sweep: Option<Sweep>,
    /// When a sweep last came to its end, by our clock.
    pub swept_at: Option<Timestamp>,
    /// The search for what was deleted.
    pub identities: Pass,
    /// The comparison of all contents.
    pub digests: Pass,
}

/// What the capture of a model is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// At the first look at what is there.
    First {
        /// The last id that was looked at.
        after: u64,
    },
    /// At forgetting digests, because something else is read now.
    Anew {
        /// The last id that was looked at.
        after: u64,
    },
    /// At following what changes.
    Following,
}

/// A sweep in its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// What was written from then on, by the system's clock.
    pub from: Timestamp,
    /// When it began, by the system's clock: the next watermark.
    pub began: Timestamp,
    /// The last id that was looked at.
    pub after: u64,
}

/// A pass over all records that comes round again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it last came to its end, by our clock.
    pub ended_at: Option<Timestamp>,
    /// Where it is, while it is under way: the next id.
    pub next: Option<u64>,
}

impl Progress {
    /// As it was written. A text of a version that is not understood is a fault: capture would begin anew and make events of
    /// everything.
    pub fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::from_error(FaultKind::Corrupt, "capture.progress", error.to_string()))
    }

    /// As it is written.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Model {
    /// Before the first look.
    pub fn new(reading: String) -> Self {
        Self {
            reading,
            phase: Phase::First { after: 0 },
            watermark: None,
            sweep: None,
            swept_at: None,
            identities: Pass::default(),
            digests: Pass::default(),
        }
    }
}
