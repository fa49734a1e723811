//! How many changes are under way in one database at once. More of them wait for each other's locks and sleep in Odoo's workers.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use engine::ports::Peer;
use tokio::sync::Notify;

/// Databases and what is under way in them.
#[derive(Debug, Default)]
pub(super) struct Gates {
    gates: Mutex<BTreeMap<(String, String), Arc<Gate>>>,
}

#[derive(Debug, Default)]
struct Gate {
    under_way: Mutex<u32>,
    left: Notify,
}

/// A place among the changes. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Gate>);

impl Gates {
    /// Waits until fewer than so many changes are under way in the peer's database.
    pub(super) async fn enter(&self, peer: &Peer, at_once: u32) -> Place {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(gates.entry((peer.url.clone(), peer.database.clone())).or_default())
        };
        loop {
            let mut left = pin!(gate.left.notified());
            // Registered before looking, so that nobody leaves in between unheard.
            left.as_mut().enable();
            if gate.take(at_once) {
                return Place(Arc::clone(&gate));
            }
            left.await;
        }
    }
}

impl Gate {
    fn take(&self, at_once: u32) -> bool {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = *under_way < at_once.max(1);
        if is_free {
            *under_way += 1;
        }
        is_free
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        *under_way = under_way.saturating_sub(1);
        drop(under_way);
        self.0.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use formats::signature::Secret;
    use futures::FutureExt as _;

    use super::*;

    fn peer(database: &str) -> Peer {
        Peer {
            name: "erp".to_owned(),
            url: "http://127.0.0.1:8069".to_owned(),
            database: database.to_owned(),
            login: None,
            key: Secret::new(b"k".to_vec()),
            allow: Vec::new(),
        }
    }

    #[tokio::test]
    async fn no_more_changes_are_under_way_in_a_database_than_may_be() {
        let gates = Gates::default();
        let (first, second) = (gates.enter(&peer("a"), 2).await, gates.enter(&peer("a"), 2).await);
        let one = peer("a");
        let mut third = Box::pin(gates.enter(&one, 2));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(gates.enter(&peer("b"), 2).now_or_never().is_some(), "another database has places of its own");
        drop(first);
        let third = third.await;
        drop((second, third));
        assert!(gates.enter(&peer("a"), 1).now_or_never().is_some());
    }
}
