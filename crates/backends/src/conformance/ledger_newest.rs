//! The ledger: the newest delivery of a key that is done or under way.

use model::newest::{Fate, Newest, NewestQuery};
use model::{Delivery, DeliveryState, LaneKey, Offset, Partition, Position};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, cancelled, dead, delivery, delivery_id, done, held, in_lane, name, passing, position, waiting,
};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("the_newest_is_by_the_place_of_its_bytes", |it| Box::pin(the_newest_is_by_the_place_of_its_bytes(it))),
    ("what_waits_for_a_person_or_was_cancelled_is_not_the_newest", |it| {
        Box::pin(what_waits_for_a_person_or_was_cancelled_is_not_the_newest(it))
    }),
    ("one_whose_place_was_taken_stands_as_its_successor", |it| {
        Box::pin(one_whose_place_was_taken_stands_as_its_successor(it))
    }),
    ("the_newest_is_of_one_flow_destination_key_and_partition", |it| {
        Box::pin(the_newest_is_of_one_flow_destination_key_and_partition(it))
    }),
    ("an_ordering_key_counts_where_there_is_no_lane", |it| Box::pin(an_ordering_key_counts_where_there_is_no_lane(it))),
    ("what_retention_removed_is_no_newest", |it| Box::pin(what_retention_removed_is_no_newest(it))),
];

fn after(key: &str, offset: u64) -> NewestQuery {
    NewestQuery { flow: name("orders"), destination: name("wms"), key: LaneKey::new(key), after: position(offset) }
}

const fn found(offset: u64, fate: Fate) -> Newest {
    Newest { at: Offset(offset), fate }
}

/// Delivery `n` of flow `orders` without a lane, with an ordering key.
fn unordered(n: u64, key: &str) -> Delivery {
    Delivery { ordering: Some(LaneKey::new(key)), ..delivery(n) }
}

impl LedgerFixture {
    async fn newest(&self, question: NewestQuery) -> Option<Newest> {
        let mut answers = self.ledger().newest(vec![question]).await.expect("the ledger reads");
        assert_eq!(answers.len(), 1, "an answer for each question");
        answers.remove(0)
    }

    async fn deliver(&self, n: u64) {
        self.claim(delivery_id(n), 100).await;
        self.settle(delivery_id(n), 101, ACCEPTED, done(101)).await;
    }
}

async fn the_newest_is_by_the_place_of_its_bytes(mut it: LedgerFixture) {
    for n in [1, 2, 3] {
        it.open(passing(n, "a")).await;
    }
    // Made later, of what came earlier.
    it.open(Delivery { bytes_at: position(2), ..passing(4, "a") }).await;
    assert_eq!(it.newest(after("a", 1)).await, Some(found(3, Fate::UnderWay)));
    for n in [1, 2, 3] {
        it.deliver(n).await;
    }
    it.reopen().await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(3, Fate::Done)));
    assert_eq!(it.newest(after("a", 2)).await, Some(found(3, Fate::Done)));
    assert_eq!(it.newest(after("a", 3)).await, None);
    let questions = vec![after("b", 0), after("a", 0), after("a", 3)];
    let answers = it.ledger().newest(questions).await.expect("the ledger reads");
    assert_eq!(answers, [None, Some(found(3, Fate::Done)), None], "in the order of the questions");
    assert_eq!(it.ledger().newest(Vec::new()).await.ok(), Some(Vec::new()));
}

async fn what_waits_for_a_person_or_was_cancelled_is_not_the_newest(it: LedgerFixture) {
    for n in 1..=5 {
        it.open(passing(n, "a")).await;
    }
    it.deliver(1).await;
    for (n, state) in [(3, held()), (4, dead()), (5, cancelled())] {
        it.shift(delivery_id(n), state).await;
    }
    assert_eq!(it.newest(after("a", 0)).await, Some(found(2, Fate::UnderWay)));
    it.shift(delivery_id(2), dead()).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(1, Fate::Done)));
    assert_eq!(it.newest(after("a", 1)).await, None);
    it.shift(delivery_id(4), waiting(200)).await;
    assert_eq!(it.newest(after("a", 1)).await, Some(found(4, Fate::UnderWay)));
}

async fn one_whose_place_was_taken_stands_as_its_successor(it: LedgerFixture) {
    it.open(in_lane(1, "a")).await;
    it.shift(delivery_id(1), DeliveryState::Superseded { by: delivery_id(2) }).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(1, Fate::UnderWay)), "the router has not made it");
    // Elsewhere, so that only the way over the first leads to it.
    it.open(in_lane(2, "elsewhere")).await;
    for (state, expected) in [(held(), None), (waiting(100), Some(found(1, Fate::UnderWay))), (cancelled(), None)] {
        it.shift(delivery_id(2), state).await;
        assert_eq!(it.newest(after("a", 0)).await, expected);
    }
    it.shift(delivery_id(2), done(100)).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(1, Fate::Done)));
    it.shift(delivery_id(2), DeliveryState::Superseded { by: delivery_id(1) }).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(1, Fate::UnderWay)), "a circle comes to an end");
}

async fn the_newest_is_of_one_flow_destination_key_and_partition(it: LedgerFixture) {
    let elsewhere = Position { partition: Partition(1), offset: Offset(9) };
    for given in [
        Delivery { flow: name("returns"), ..in_lane(2, "a") },
        Delivery { destination: name("erp"), ..in_lane(3, "a") },
        in_lane(4, "b"),
        Delivery { bytes_at: elsewhere, ..in_lane(5, "a") },
        delivery(6),
    ] {
        it.open(given).await;
    }
    assert_eq!(it.newest(after("a", 0)).await, None);
    let there = NewestQuery { after: Position { offset: Offset(0), ..elsewhere }, ..after("a", 0) };
    assert_eq!(it.newest(there).await, Some(found(9, Fate::UnderWay)));
    assert_eq!(it.newest(NewestQuery { flow: name("returns"), ..after("a", 0) }).await, Some(found(2, Fate::UnderWay)));
    assert_eq!(it.newest(NewestQuery { destination: name("erp"), ..after("a", 0) }).await, Some(found(3, Fate::UnderWay)));
    assert_eq!(it.newest(NewestQuery { flow: name("nobody"), ..after("a", 0) }).await, None);
}

async fn an_ordering_key_counts_where_there_is_no_lane(mut it: LedgerFixture) {
    it.open(unordered(1, "a")).await;
    it.open(unordered(2, "a")).await;
    it.reopen().await;
    let stored = it.get(delivery_id(2)).await;
    assert_eq!((stored.lane.clone(), stored.ordering.clone()), (None, Some(LaneKey::new("a"))));
    assert!(!stored.behind, "nothing waits for an ordering key");
    assert_eq!(it.newest(after("a", 0)).await, Some(found(2, Fate::UnderWay)));
    it.open(in_lane(3, "a")).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(3, Fate::UnderWay)), "a flow that became ordered goes on");
}

async fn what_retention_removed_is_no_newest(it: LedgerFixture) {
    it.open(unordered(1, "a")).await;
    it.deliver(1).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(1, Fate::Done)));
    it.ledger().trim(super::ledger_trim::ages(50)).await.expect("the ledger trims");
    assert_eq!(it.newest(after("a", 0)).await, None);
}
