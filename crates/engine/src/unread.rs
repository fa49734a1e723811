//! What captures cannot read now, for people: what of which source, since when, why, and what mends it. A view of this life; nothing
//! decides by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{SourceName, Timestamp};

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which source.
    pub source: SourceName,
    /// Which model; all of them where there is none.
    pub model: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// In a sentence.
    pub why: String,
    /// What mends it; empty where waiting does.
    pub help: &'static str,
}

/// All gaps of a node.
#[derive(Debug, Default)]
pub struct Gaps {
    open: Mutex<BTreeMap<(SourceName, Option<String>), Gap>>,
}

impl Gaps {
    /// Takes note of one; one that is open keeps its beginning.
    pub fn open(&self, gap: Gap) {
        let mut open = self.lock();
        let key = (gap.source.clone(), gap.model.clone());
        let since = open.get(&key).map_or(gap.since, |held| held.since);
        open.insert(key, Gap { since, ..gap });
    }

    /// This model was read: it, and the system as a whole, can be.
    pub fn close(&self, source: &SourceName, model: &str) {
        let mut open = self.lock();
        open.remove(&(source.clone(), None));
        open.remove(&(source.clone(), Some(model.to_owned())));
    }

    /// Forgets what is open of sources that are not captured any more.
    pub fn keep(&self, is_captured: impl Fn(&SourceName) -> bool) {
        self.lock().retain(|(source, _), _| is_captured(source));
    }

    /// All that is open, by source and model.
    pub fn all(&self) -> Vec<Gap> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(SourceName, Option<String>), Gap>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_keeps_its_beginning_and_ends_with_the_next_reading() {
        let gaps = Gaps::default();
        let erp: SourceName = "erp".parse().unwrap();
        let gap = |model: Option<&str>, since, why: &str| Gap {
            source: erp.clone(),
            model: model.map(str::to_owned),
            since: Timestamp::from_secs(since),
            why: why.to_owned(),
            help: "",
        };
        gaps.open(gap(None, 10, "connect"));
        gaps.open(gap(None, 20, "timeout"));
        gaps.open(gap(Some("mrp.production"), 30, "odoo_not_found"));
        assert_eq!(gaps.all(), [gap(None, 10, "timeout"), gap(Some("mrp.production"), 30, "odoo_not_found")]);
        gaps.close(&erp, "sale.order");
        assert_eq!(gaps.all(), [gap(Some("mrp.production"), 30, "odoo_not_found")]);
        gaps.close(&erp, "mrp.production");
        gaps.open(gap(None, 40, "connect"));
        gaps.keep(|_| false);
        assert_eq!(gaps.all(), []);
    }
}
