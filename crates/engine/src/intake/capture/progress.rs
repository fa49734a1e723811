//! How far the capture of a source is, as it stands in the ledger.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fault, FaultKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::reconcile::standing::Reconciliation;
use crate::ports::Place;

/// LIMIT: records that were named and are hidden from us: they are written down at each step, and asked after once an hour.
pub const HIDDEN_MAX: usize = 1_000;

/// Of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// By model.
    pub models: BTreeMap<String, Model>,
    /// How far its outbox is read; none before it was, and where it is captured by sweeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<Outbox>,
}

/// Of an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Up to here everything is taken in.
    pub place: Place,
    /// Records that it told of without showing them, by model: they are read.
    pub named: BTreeMap<String, BTreeSet<u64>>,
    /// Records that it named and that are hidden from our user: they stay named, and are asked after again with the identities.
    #[serde(default, skip_serializing_if = "Hidden::is_nothing")]
    pub hidden: Hidden,
    /// What was removed there before it was read, the last time that this happened.
    pub lost: Option<Loss>,
    /// When it was learnt, by our clock, that it is another one than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anew_at: Option<Timestamp>,
}

/// Records that an outbox named and that our user may not see, by model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// They wait for the next look at identities.
    pub waiting: BTreeMap<String, BTreeSet<u64>>,
    /// They are asked after again.
    pub again: BTreeMap<String, BTreeSet<u64>>,
    /// So many more found no room: all contents are compared once all others are shown.
    #[serde(default)]
    pub beyond: u64,
}

/// Lines of an outbox that were removed before they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// How many, beside those of the loss before.
    pub lines: u64,
    /// How many in the outbox's epoch until then, as it counts them.
    #[serde(default)]
    pub total: u64,
    /// The last of them.
    pub upto: Place,
    /// When that was learnt, by our clock.
    pub at: Timestamp,
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
    /// What is compared for the number.
    #[serde(default)]
    pub reconciliation: Reconciliation,
    /// Records that a rule hides from us, as the last search for what was deleted counted them.
    #[serde(default)]
    pub hidden: u64,
    /// From where tellings are counted of a record of which nothing is known: above those of every record that is gone. So one that is
    /// there again, as after a database was restored, has no key a second time.
    #[serde(default)]
    pub counted_from: u64,
    /// Records that are known as they are, and that intake refused as they are.
    #[serde(default)]
    pub refused: u64,
}

/// One more or one less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// One more.
    More,
    /// One less.
    Less,
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
    /// Records that it has taken as deleted, while it is under way.
    #[serde(default)]
    pub gone: u64,
    /// Records that a rule hides from us, as far as it came, while it is under way.
    #[serde(default)]
    pub hidden: u64,
    /// Whether what is missing is hidden and not gone, where it is so much that no deletion is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// How far what is missing was asked after, nothing of it being taken as deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The next id; none where all were asked after.
    pub next: Option<u64>,
    /// So many of them are gone.
    pub gone: u64,
}

impl Progress {
    /// As it was written. A text of a version that is not understood is a fault: capture would begin anew and make events of
    /// everything.
    pub fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::from_error(FaultKind::Corrupt, "capture.progress", error.to_string()))
    }

    /// Counts a record that intake refused, or that it is one no more.
    pub(super) fn count_refused(&mut self, model: &str, counted: Counted) {
        if let Some(model) = self.models.get_mut(model) {
            model.refused = match counted {
                Counted::More => model.refused + 1,
                Counted::Less => model.refused.saturating_sub(1),
            };
        }
    }

    /// Tellings of records of which nothing is known are counted from there on, at least.
    pub(super) fn count_from(&mut self, model: &str, times: u64) {
        if let Some(model) = self.models.get_mut(model) {
            model.counted_from = model.counted_from.max(times);
        }
    }

    /// As it is written.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Outbox {
    /// From a place on.
    pub fn from(place: Place) -> Self {
        Self { place, named: BTreeMap::new(), hidden: Hidden::default(), lost: None, anew_at: None }
    }

    /// Names only records of models that are captured.
    pub fn keep(&mut self, is_captured: impl Fn(&str) -> bool) {
        for all in [&mut self.named, &mut self.hidden.waiting, &mut self.hidden.again] {
            all.retain(|name, _| is_captured(name));
        }
    }

    /// These records of a model are to be read no more.
    pub fn was_read(&mut self, model: &str, ids: &BTreeSet<u64>) {
        for all in [&mut self.named, &mut self.hidden.waiting, &mut self.hidden.again] {
            if let Some(named) = all.get_mut(model) {
                named.retain(|id| !ids.contains(id));
            }
            all.retain(|_, ids| !ids.is_empty());
        }
    }

    /// These records of a model were to be read, and are hidden from us: nothing is left out unread.
    pub fn was_hidden(&mut self, model: &str, ids: &BTreeSet<u64>) {
        self.was_read(model, ids);
        let room = usize::try_from((HIDDEN_MAX as u64).saturating_sub(self.hidden.held())).unwrap_or_default();
        if !ids.is_empty() && room > 0 {
            self.hidden.waiting.entry(model.to_owned()).or_default().extend(ids.iter().take(room));
        }
        self.hidden.beyond += ids.len().saturating_sub(room) as u64;
    }
}

impl Hidden {
    /// How many, those included that found no room.
    pub fn count(&self) -> u64 {
        self.held() + self.beyond
    }

    /// Whether there is none.
    pub fn is_nothing(&self) -> bool {
        self.count() == 0
    }

    /// Those of a model are asked after again.
    pub fn ask_again(&mut self, model: &str) {
        if let Some(ids) = self.waiting.remove(model) {
            self.again.entry(model.to_owned()).or_default().extend(ids);
        }
    }

    fn held(&self) -> u64 {
        self.waiting.values().chain(self.again.values()).map(|ids| ids.len() as u64).sum()
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
            reconciliation: Reconciliation::default(),
            hidden: 0,
            counted_from: 0,
            refused: 0,
        }
    }
}
