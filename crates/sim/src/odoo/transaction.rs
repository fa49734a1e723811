//! What one transaction has written and not yet committed, in the order of its first write to each record, and what it is
//! going to tell webhooks. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Timestamp;

use super::store::Record;
use super::webhooks::Hook;

/// An open transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) id: u64,
    /// When it began: the write date of all that it writes.
    pub(super) start: Timestamp,
    pub(super) snapshot: u64,
    /// The user on whose behalf.
    pub(super) user: i64,
    own: BTreeMap<&'static str, BTreeMap<i64, Option<Arc<Record>>>>,
    order: Vec<(&'static str, i64)>,
    /// What webhooks are going to be told, as it was when it was written.
    pub(super) hooks: Vec<Hook>,
}

impl Transaction {
    pub(super) const fn new(id: u64, start: Timestamp, snapshot: u64, user: i64) -> Self {
        Self { id, start, snapshot, user, own: BTreeMap::new(), order: Vec::new(), hooks: Vec::new() }
    }

    /// What it made of a record, if it wrote it; nothing inside where it deleted it.
    pub(super) fn own(&self, model: &str, id: i64) -> Option<&Option<Arc<Record>>> {
        self.own.get(model)?.get(&id)
    }

    /// The ids of a model that it wrote.
    pub(super) fn written(&self, model: &str) -> impl Iterator<Item = i64> {
        self.own.get(model).into_iter().flat_map(|own| own.keys().copied())
    }

    /// All that it wrote, in order.
    pub(super) fn changed(&self) -> Vec<(&'static str, i64)> {
        self.order.clone()
    }

    pub(super) fn put(&mut self, model: &'static str, id: i64, state: Option<Arc<Record>>) {
        if self.own.entry(model).or_default().insert(id, state).is_none() {
            self.order.push((model, id));
        }
    }

    pub(super) fn into_changes(mut self) -> Vec<(&'static str, i64, Option<Arc<Record>>)> {
        let mut take = |(model, id)| self.own.get_mut(model)?.remove(&id).map(|state| (model, id, state));
        self.order.iter().copied().filter_map(&mut take).collect()
    }
}
