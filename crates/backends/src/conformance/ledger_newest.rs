//! The ledger: the newest delivery of a key that is done or under way.

use std::sync::Arc;

use model::newest::{Fate, Latest, Newest, NewestQuery, Place};
use model::{Delivery, DeliveryState, LaneKey, Offset, Partition, Position};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, cancelled, dead, delivery, delivery_id, done, held, in_lane, name, passing, position, waiting,
};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("the_newest_is_by_where_its_state_ranks", |it| Box::pin(the_newest_is_by_where_its_state_ranks(it))),
    ("what_waits_for_a_person_or_was_cancelled_is_not_the_newest", |it| {
        Box::pin(what_waits_for_a_person_or_was_cancelled_is_not_the_newest(it))
    }),
    ("one_whose_place_was_taken_stands_as_its_successor", |it| {
        Box::pin(one_whose_place_was_taken_stands_as_its_successor(it))
    }),
    ("the_newest_is_of_one_flow_destination_key_and_partition", |it| {
        Box::pin(the_newest_is_of_one_flow_destination_key_and_partition(it))
    }),
    ("an_ordering_key_counts_whatever_the_lane", |it| Box::pin(an_ordering_key_counts_whatever_the_lane(it))),
    ("what_waits_for_a_person_is_in_the_way_of_what_enters_behind_it", |it| {
        Box::pin(what_waits_for_a_person_is_in_the_way_of_what_enters_behind_it(it))
    }),
    ("what_stands_behind_a_kept_place_is_nothing_to_it", |it| {
        Box::pin(what_stands_behind_a_kept_place_is_nothing_to_it(it))
    }),
    ("what_retention_removed_is_told_to_be_removed", |it| Box::pin(what_retention_removed_is_told_to_be_removed(it))),
];

fn after(key: &str, offset: u64) -> NewestQuery {
    let (key, place) = (LaneKey::new(key), Place::Beside);
    NewestQuery { flow: name("orders"), destination: name("wms"), key, after: position(offset), place }
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
        answers.remove(0).newest
    }

    async fn deliver(&self, n: u64) {
        self.claim(delivery_id(n), 100).await;
        self.settle(delivery_id(n), 101, ACCEPTED, done(101)).await;
    }
}

async fn the_newest_is_by_where_its_state_ranks(mut it: LedgerFixture) {
    for n in [1, 2, 3] {
        it.open(passing(n, "a")).await;
    }
    // Made later, of what came earlier.
    it.open(Delivery { bytes_at: position(2), ranks_at: position(2), ..passing(4, "a") }).await;
    // Corrected: its bytes are newer than all of them.
    it.open(Delivery { ranks_at: position(1), ..passing(9, "a") }).await;
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
    let answers: Vec<_> = answers.into_iter().map(|latest| latest.newest).collect();
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
        Delivery { ranks_at: elsewhere, ..in_lane(5, "a") },
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

async fn an_ordering_key_counts_whatever_the_lane(mut it: LedgerFixture) {
    it.open(unordered(1, "a")).await;
    it.open(unordered(2, "a")).await;
    it.reopen().await;
    let stored = it.get(delivery_id(2)).await;
    assert_eq!((stored.lane.clone(), stored.ordering.clone()), (None, Some(LaneKey::new("a"))));
    assert!(!stored.behind, "nothing waits for an ordering key");
    assert_eq!(it.newest(after("a", 0)).await, Some(found(2, Fate::UnderWay)));
    it.open(in_lane(3, "a")).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(3, Fate::UnderWay)), "a flow that became ordered goes on");
    it.open(Delivery { ordering: Some(LaneKey::new("a")), ..in_lane(4, "group") }).await;
    it.open(Delivery { ordering: Some(LaneKey::new("a")), ..in_lane(5, "a") }).await;
    it.reopen().await;
    assert_eq!(it.newest(after("group", 0)).await, Some(found(4, Fate::UnderWay)), "by its lane");
    assert_eq!(it.newest(after("a", 0)).await, Some(found(5, Fate::UnderWay)), "of both in one");
    it.shift(delivery_id(5), cancelled()).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(4, Fate::UnderWay)), "by its ordering key, past its lane");
}

async fn what_waits_for_a_person_is_in_the_way_of_what_enters_behind_it(it: LedgerFixture) {
    it.open(in_lane(2, "a")).await;
    it.open(Delivery { ordering: Some(LaneKey::new("a")), ..in_lane(3, "other") }).await;
    let enters = |but: &[u64]| {
        let but = Arc::new(but.iter().map(|n| delivery_id(*n)).collect());
        NewestQuery { place: Place::End { but }, ..after("a", 0) }
    };
    for state in [held(), dead()] {
        it.shift(delivery_id(2), state.clone()).await;
        it.shift(delivery_id(3), state).await;
        assert_eq!(it.newest(enters(&[])).await, Some(found(2, Fate::Blocks)), "of its lane only");
        assert_eq!(it.newest(enters(&[2])).await, None, "it is sent after it");
        assert_eq!(it.newest(after("a", 0)).await, None, "what enters no lane goes before it");
    }
    it.open(passing(4, "a")).await;
    it.shift(delivery_id(4), dead()).await;
    assert_eq!(it.newest(enters(&[])).await, Some(found(2, Fate::Blocks)), "the other one left the lane");
    it.shift(delivery_id(2), waiting(100)).await;
    assert_eq!(it.newest(enters(&[2])).await, Some(found(2, Fate::UnderWay)), "it goes by itself");
}

async fn what_stands_behind_a_kept_place_is_nothing_to_it(it: LedgerFixture) {
    let ranks = |n, rank| Delivery { ranks_at: position(rank), ..in_lane(n, "a") };
    for given in [ranks(1, 7), ranks(2, 5), ranks(3, 9)] {
        it.open(given).await;
    }
    it.shift(delivery_id(2), held()).await;
    let keeps = NewestQuery { place: Place::Of(delivery_id(2)), ..after("a", 5) };
    assert_eq!(it.newest(keeps.clone()).await, Some(found(7, Fate::UnderWay)), "it stands before it");
    it.shift(delivery_id(1), dead()).await;
    assert_eq!(it.newest(keeps.clone()).await, Some(found(7, Fate::Blocks)));
    it.shift(delivery_id(1), cancelled()).await;
    assert_eq!(it.newest(keeps.clone()).await, None);
    it.shift(delivery_id(3), dead()).await;
    assert_eq!(it.newest(keeps.clone()).await, None);
    it.open(unordered(8, "a")).await;
    assert_eq!(it.newest(keeps).await, Some(found(8, Fate::UnderWay)), "it is outside of the lane");
}

async fn what_retention_removed_is_told_to_be_removed(mut it: LedgerFixture) {
    for n in [1, 2, 3] {
        it.open(unordered(n, "a")).await;
    }
    it.deliver(1).await;
    it.deliver(2).await;
    it.shift(delivery_id(3), cancelled()).await;
    assert_eq!(it.newest(after("a", 0)).await, Some(found(2, Fate::Done)));
    it.ledger().trim(super::ledger_trim::ages(50)).await.expect("the ledger trims");
    it.reopen().await;
    let by_another = NewestQuery { flow: name("orders-to-mail"), ..after("a", 0) };
    let to_another = NewestQuery { destination: name("wms2"), ..after("a", 0) };
    let asked = vec![after("other", 0), by_another, to_another];
    let answers = it.ledger().newest(asked).await.expect("the ledger reads");
    let of = |offset| Latest { newest: None, removed_to: Offset(offset) };
    assert_eq!(answers, [of(2), of(0), of(0)], "of whatever key, but only what was delivered by this flow to there");
}
