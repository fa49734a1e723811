//! What people have paused, as it was last learnt: a snapshot that every request and every claim reads, and that the node's
//! membership replaces. The ledger has the truth; a pause takes effect here with the next look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use model::FlowName;
use model::change::Switch;

/// Paused sources, flows and destinations, by `source/NAME`, `flow/NAME`, `destination/NAME`.
#[derive(Debug, Default)]
pub struct Switchboard {
    paused: RwLock<Arc<BTreeMap<String, Switch>>>,
}

impl Switchboard {
    /// Takes note of all switches, as the ledger lists them.
    pub fn learn(&self, switches: impl IntoIterator<Item = (String, Switch)>) {
        let paused = Arc::new(switches.into_iter().filter(|(_, switch)| switch.paused).collect());
        *self.paused.write().unwrap_or_else(PoisonError::into_inner) = paused;
    }

    /// Who paused it, and why; `None` where nobody did.
    pub fn paused(&self, object: &str) -> Option<Switch> {
        self.paused.read().unwrap_or_else(PoisonError::into_inner).get(object).cloned()
    }

    /// The flows that somebody paused.
    pub fn paused_flows(&self) -> BTreeSet<FlowName> {
        let paused = self.paused.read().unwrap_or_else(PoisonError::into_inner);
        paused.keys().filter_map(|object| FlowName::new(object.strip_prefix("flow/")?).ok()).collect()
    }

    /// Whether somebody paused it.
    pub fn is_paused(&self, object: &str) -> bool {
        self.paused.read().unwrap_or_else(PoisonError::into_inner).contains_key(object)
    }
}

#[cfg(test)]
mod tests {
    use model::{Principal, Timestamp};

    use super::*;

    #[test]
    fn only_what_is_paused_now_is() {
        let switch = |paused| Switch { paused, by: Principal::new("ines"), why: "moving".to_owned(), at: Timestamp::EPOCH };
        let board = Switchboard::default();
        board.learn([("source/shop".to_owned(), switch(true)), ("flow/shop".to_owned(), switch(false))]);
        assert_eq!(board.paused("source/shop"), Some(switch(true)));
        assert!(!board.is_paused("flow/shop") && !board.is_paused("source/other"));
        assert!(board.paused_flows().is_empty());
        board.learn([("flow/shop".to_owned(), switch(true)), ("source/shop".to_owned(), switch(true))]);
        assert_eq!(board.paused_flows(), BTreeSet::from([FlowName::new("shop").unwrap()]));
        board.learn([("source/shop".to_owned(), switch(false))]);
        assert!(!board.is_paused("source/shop"));
    }
}
