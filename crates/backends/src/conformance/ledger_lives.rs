//! The ledger: lives of nodes, orphaned deliveries, and who works on which shard.

use futures::future::join_all;
use model::{Batch, Change, Claim, Delivery, DeliveryId, FaultKind, Guard, Outcome};

use super::fixture::LedgerFixture;
use super::sample::{at, delivery, delivery_id, lease, name, waiting};
use super::steps::open;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_node_has_one_life_at_a_time", |it| Box::pin(a_node_has_one_life_at_a_time(it))),
    ("an_earlier_life_writes_nothing", |it| Box::pin(an_earlier_life_writes_nothing(it))),
    ("orphans_are_leased_by_a_life_that_is_over", |it| Box::pin(orphans_are_leased_by_a_life_that_is_over(it))),
    ("an_orphan_that_was_settled_is_none", |it| Box::pin(an_orphan_that_was_settled_is_none(it))),
    ("a_shard_is_taken_once", |it| Box::pin(a_shard_is_taken_once(it))),
    ("a_shard_of_a_life_that_is_over_is_free", |it| Box::pin(a_shard_of_a_life_that_is_over_is_free(it))),
    ("of_concurrent_takers_of_a_shard_one_wins", |it| Box::pin(of_concurrent_takers_of_a_shard_one_wins(it))),
];

impl LedgerFixture {
    async fn beat(&self, node: &str, incarnation: u64, secs: i64) {
        self.apply(Change::Heartbeat { node: name(node), incarnation, at: at(secs) }).await;
    }

    async fn open_leased(&self, n: u64, node: &str, incarnation: u64) {
        let claim = Claim { lease: lease(node, incarnation), at: at(50) };
        self.open_with(delivery(n), Some(claim)).await;
    }

    async fn orphans(&self, stale_before: i64) -> Vec<DeliveryId> {
        let orphans = self.ledger().orphans(at(stale_before), 100).await.expect("the ledger reads").rows;
        let mut ids: Vec<DeliveryId> = orphans.iter().map(|delivery| delivery.id).collect();
        ids.sort();
        ids
    }

    /// Shards with node, incarnation and when it was seen.
    async fn holders(&self) -> Vec<(String, String, u64, i64)> {
        let shards = self.ledger().shards().await.expect("the ledger reads");
        let mut told: Vec<_> = shards
            .into_iter()
            .map(|it| (it.shard, it.node.to_string(), it.incarnation, it.seen_at.secs() - at(0).secs()))
            .collect();
        told.sort();
        told
    }
}

/// Takes a shard, unless its holder was seen since `stale_before`.
fn take(shard: &str, node: &str, incarnation: u64, stale_before: i64) -> Batch {
    let guard = Guard::Shard { shard: shard.to_owned(), node: name(node), incarnation, stale_before: at(stale_before) };
    Batch::new().guard(guard).change(Change::TakeShard { shard: shard.to_owned(), node: name(node), incarnation })
}

async fn a_node_has_one_life_at_a_time(mut it: LedgerFixture) {
    let incarnation_of = async |it: &LedgerFixture, node: &str| {
        it.ledger().life(&name(node)).await.expect("a ledger of a test answers").map(|life| life.incarnation)
    };
    assert_eq!(incarnation_of(&it, "one").await, None);
    for incarnation in [1, 1, 4, 4] {
        it.beat("one", incarnation, 5).await;
        it.reopen().await;
        assert_eq!(incarnation_of(&it, "one").await, Some(incarnation));
    }
    it.conflicts(Change::Heartbeat { node: name("one"), incarnation: 3, at: at(9) }).await;
    assert_eq!(incarnation_of(&it, "one").await, Some(4));
    assert_eq!(incarnation_of(&it, "two").await, None);
}

async fn an_earlier_life_writes_nothing(it: LedgerFixture) {
    it.beat("one", 4, 5).await;
    let as_life =
        |incarnation, n| Batch::new().guard(Guard::Life { node: name("one"), incarnation }).change(open(delivery(n)));
    assert_eq!(it.refusal(as_life(3, 1)).await, FaultKind::Conflict);
    assert_eq!(it.refusal(as_life(5, 1)).await, FaultKind::Conflict);
    it.commit(as_life(4, 2)).await;
    assert_eq!(it.ledger().delivery(delivery_id(1)).await.ok(), Some(None));
}

async fn orphans_are_leased_by_a_life_that_is_over(mut it: LedgerFixture) {
    it.beat("one", 2, 100).await;
    it.beat("two", 7, 60).await;
    for (n, node, incarnation) in [(1, "one", 1), (2, "one", 2), (3, "two", 7), (4, "ghost", 1)] {
        it.open_leased(n, node, incarnation).await;
    }
    it.open(delivery(5)).await;
    it.reopen().await;
    assert_eq!(it.orphans(60).await, [delivery_id(1), delivery_id(4)], "seen at the very moment is alive");
    assert_eq!(it.orphans(61).await, [delivery_id(1), delivery_id(3), delivery_id(4)]);
    assert_eq!(it.orphans(200).await.len(), 4);
    it.beat("two", 7, 150).await;
    assert_eq!(it.orphans(61).await, [delivery_id(1), delivery_id(4)], "a beat brings a life back");
    let limited = it.ledger().orphans(at(200), 3).await.expect("the ledger reads").rows;
    let orphan: &Delivery = &limited[0];
    assert_eq!((limited.len(), orphan), (3, &it.get(orphan.id).await));
}

async fn an_orphan_that_was_settled_is_none(it: LedgerFixture) {
    it.beat("one", 1, 5).await;
    it.open_leased(1, "one", 1).await;
    it.beat("one", 2, 60).await;
    assert_eq!(it.orphans(0).await, [delivery_id(1)]);
    it.settle(delivery_id(1), 61, Outcome::Unknown, waiting(61)).await;
    assert_eq!(it.orphans(0).await, []);
    it.apply(Change::Claim { delivery: delivery_id(1), claim: Claim { lease: lease("one", 2), at: at(62) } }).await;
    assert_eq!(it.orphans(0).await, []);
}

async fn a_shard_is_taken_once(mut it: LedgerFixture) {
    it.beat("one", 1, 50).await;
    it.beat("two", 1, 55).await;
    it.commit(take("destination/wms", "one", 1, 40)).await;
    it.commit(take("destination/wms", "one", 1, 40)).await;
    it.reopen().await;
    assert_eq!(it.refusal(take("destination/wms", "two", 1, 50)).await, FaultKind::Conflict);
    it.commit(take("destination/erp", "two", 1, 50)).await;
    let expected = [("destination/erp", "two", 1, 55), ("destination/wms", "one", 1, 50)];
    let expected = expected.map(|(shard, node, life, seen)| (shard.to_owned(), node.to_owned(), life, seen));
    assert_eq!(it.holders().await, expected);
}

async fn a_shard_of_a_life_that_is_over_is_free(it: LedgerFixture) {
    it.beat("one", 1, 50).await;
    it.beat("two", 3, 100).await;
    it.commit(take("partition/0", "one", 1, 0)).await;
    it.commit(take("partition/0", "two", 3, 51)).await;
    assert_eq!(it.refusal(take("partition/0", "one", 1, 51)).await, FaultKind::Conflict, "the first holder has lost it");
    it.beat("two", 4, 101).await;
    it.commit(take("partition/0", "two", 4, 51)).await;
    it.beat("two", 5, 102).await;
    it.commit(take("partition/0", "one", 1, 51)).await;
    let holder = it.holders().await;
    assert_eq!(holder, [("partition/0".to_owned(), "one".to_owned(), 1, 50)]);
}

async fn of_concurrent_takers_of_a_shard_one_wins(it: LedgerFixture) {
    let nodes = ["a", "b", "c", "d", "e", "f"];
    for node in nodes {
        it.beat(node, 1, 50).await;
    }
    let answers = join_all(nodes.map(|node| it.ledger().commit(take("partition/0", node, 1, 40)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
}
