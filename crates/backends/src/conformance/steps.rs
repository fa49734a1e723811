//! What entries of the ledger's list do in one line: open, claim, settle, move, and look.

use std::collections::BTreeSet;

use engine::ports::DueQuery;
use model::change::Opened;
use model::{Batch, Change, Claim, Committed, Delivery, DeliveryId, DeliveryState, FaultKind, Outcome, Timestamp};

use super::fixture::LedgerFixture;
use super::sample::{ACCEPTED, claim, ended, name};

/// What is due at `wms`, without a limit to speak of.
pub(super) fn all(now: Timestamp) -> DueQuery {
    DueQuery { destination: name("wms"), now, all: 1_000, repeats: 1_000, without: BTreeSet::new() }
}

impl LedgerFixture {
    /// Commits what must be taken.
    pub(super) async fn commit(&self, batch: Batch) -> Committed {
        self.ledger().commit(batch).await.expect("the batch is taken")
    }

    /// Commits one change that must be taken.
    pub(super) async fn apply(&self, change: Change) -> Committed {
        self.commit(Batch::new().change(change)).await
    }

    /// Commits what must not be taken, and answers why it was not.
    pub(super) async fn refusal(&self, batch: Batch) -> FaultKind {
        match self.ledger().commit(batch).await {
            Err(fault) => fault.kind,
            Ok(committed) => panic!("the batch was taken: {committed:?}"),
        }
    }

    /// The same for one change, which must be a conflict.
    pub(super) async fn conflicts(&self, change: Change) {
        let told = format!("{change:?}");
        assert_eq!(self.refusal(Batch::new().change(change)).await, FaultKind::Conflict, "{told}");
    }

    /// A delivery that must be there.
    pub(super) async fn get(&self, id: DeliveryId) -> Delivery {
        self.ledger().delivery(id).await.expect("the ledger reads").expect("the delivery is there")
    }

    /// Opens a delivery.
    pub(super) async fn open(&self, delivery: Delivery) -> Opened {
        self.open_with(delivery, None).await
    }

    /// Opens a delivery with a claim, or without.
    pub(super) async fn open_with(&self, delivery: Delivery, claim: Option<Claim>) -> Opened {
        let committed = self.apply(Change::Open { delivery: Box::new(delivery), claim }).await;
        assert_eq!(committed.opened.len(), 1, "one opening, one answer");
        committed.opened[0]
    }

    /// Claims a delivery for the first life of node `one`; the epoch.
    pub(super) async fn claim(&self, id: DeliveryId, secs: i64) -> u64 {
        let committed = self.apply(Change::Claim { delivery: id, claim: claim(secs) }).await;
        assert_eq!(committed.claimed.len(), 1, "one claim, one epoch");
        committed.claimed[0]
    }

    /// Settles an attempt that ended at second `secs`.
    pub(super) async fn settle(&self, id: DeliveryId, secs: i64, outcome: Outcome, state: DeliveryState) -> Committed {
        self.apply(settle(id, secs, outcome, state)).await
    }

    /// Claims and settles as done.
    pub(super) async fn finish(&self, id: DeliveryId, secs: i64) -> Committed {
        self.claim(id, secs).await;
        self.settle(id, secs, ACCEPTED, super::sample::done(secs)).await
    }

    /// Moves a delivery without an attempt.
    pub(super) async fn shift(&self, id: DeliveryId, state: DeliveryState) -> Committed {
        self.apply(shift(id, state)).await
    }

    /// The ids that are due.
    pub(super) async fn due(&self, query: DueQuery) -> Vec<DeliveryId> {
        let due = self.ledger().due(query).await.expect("the ledger reads");
        assert!(due.unreadable.is_empty(), "{:?}", due.unreadable);
        due.rows.into_iter().map(|delivery| delivery.id).collect()
    }
}

/// The change that settles.
pub(super) fn settle(id: DeliveryId, secs: i64, outcome: Outcome, state: DeliveryState) -> Change {
    Change::Settle { delivery: id, result: ended(secs, outcome), state, why: format!("settled at {secs}") }
}

/// The change that moves.
pub(super) fn shift(id: DeliveryId, state: DeliveryState) -> Change {
    Change::Move { delivery: id, state, why: "a person said so".to_owned(), new_round: None }
}

/// The change that opens.
pub(super) fn open(delivery: Delivery) -> Change {
    Change::Open { delivery: Box::new(delivery), claim: None }
}
