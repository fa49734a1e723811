//! What the ledger took of captures: since when a model is followed, and since when a record is known. What was there before is no
//! event, so checkers have to know the moment.

use std::collections::BTreeMap;

use model::{Change, TimeSpan};
use serde_json::Value;

use crate::company::{Model, RecordId};

/// Since when things are known, in true time.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    following: BTreeMap<Model, TimeSpan>,
    known: BTreeMap<RecordId, Since>,
}

/// Since when a record is known.
#[derive(Clone, Copy, Debug)]
struct Since {
    at_all: TimeSpan,
    with_its_content: Option<TimeSpan>,
}

impl Captures {
    /// Follows a change that was taken.
    pub fn follow(&mut self, change: &Change, now: TimeSpan) {
        match change {
            Change::Know { model, rows, .. } => {
                let Some(model) = Model::named(model) else { return };
                for row in rows {
                    let since = self.known.entry((model, row.id)).or_insert(Since { at_all: now, with_its_content: None });
                    if row.digest.is_some() && since.with_its_content.is_none() {
                        since.with_its_content = Some(now);
                    }
                }
            }
            Change::Stand { text, .. } => {
                let standing: Value = serde_json::from_str(text).unwrap_or_default();
                let is_followed = |model: &Model| standing["models"][model.name()]["phase"] == "following";
                for model in Model::ALL.into_iter().filter(is_followed) {
                    self.following.entry(model).or_insert(now);
                }
            }
            _ => {}
        }
    }

    /// Since when the first look at a model has been over.
    pub fn following(&self, model: Model) -> Option<TimeSpan> {
        self.following.get(&model).copied()
    }

    /// Since when a record is known, with or without its content.
    pub fn known(&self, id: RecordId) -> Option<TimeSpan> {
        self.known.get(&id).map(|since| since.at_all)
    }

    /// Since when a record is known with its content.
    pub fn known_whole(&self, id: RecordId) -> Option<TimeSpan> {
        self.known.get(&id).and_then(|since| since.with_its_content)
    }
}
