//! The ledger: deliveries of a lane go one after the other, in the order of their opening.

use model::change::Opened;
use model::{Batch, Change, Delivery, DeliveryId, DeliveryState, FaultKind, Outcome};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, BUSY, at, cancelled, claim, dead, delivery, delivery_id, done, held, in_lane, name, passing, waiting,
};
use super::steps::{all, open, settle, shift};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_lane_opens_one_behind_the_other", |it| Box::pin(a_lane_opens_one_behind_the_other(it))),
    ("the_unordered_are_never_behind", |it| Box::pin(the_unordered_are_never_behind(it))),
    ("lanes_are_apart_by_destination_flow_and_key", |it| Box::pin(lanes_are_apart_by_destination_flow_and_key(it))),
    ("an_existing_delivery_stays_as_it_is", |it| Box::pin(an_existing_delivery_stays_as_it_is(it))),
    ("a_claim_at_opening_needs_a_free_lane_and_a_due_time", |it| {
        Box::pin(a_claim_at_opening_needs_a_free_lane_and_a_due_time(it))
    }),
    ("a_lane_is_drained_in_the_order_of_opening", |it| Box::pin(a_lane_is_drained_in_the_order_of_opening(it))),
    ("what_ends_frees_the_next", |it| Box::pin(what_ends_frees_the_next(it))),
    ("what_is_freed_keeps_its_due_time", |it| Box::pin(what_is_freed_keeps_its_due_time(it))),
    ("a_head_that_is_retried_keeps_its_lane", |it| Box::pin(a_head_that_is_retried_keeps_its_lane(it))),
    ("a_dead_or_held_head_holds_or_passes", |it| Box::pin(a_dead_or_held_head_holds_or_passes(it))),
    ("a_held_head_that_is_moved_back_is_still_the_head", |it| {
        Box::pin(a_held_head_that_is_moved_back_is_still_the_head(it))
    }),
    ("what_passed_comes_back_at_the_end", |it| Box::pin(what_passed_comes_back_at_the_end(it))),
    ("what_passed_comes_back_first_into_an_empty_lane", |it| Box::pin(what_passed_comes_back_first_into_an_empty_lane(it))),
    ("what_was_done_comes_back_at_the_end", |it| Box::pin(what_was_done_comes_back_at_the_end(it))),
    ("a_cancel_in_the_middle_frees_nobody", |it| Box::pin(a_cancel_in_the_middle_frees_nobody(it))),
    ("what_is_held_in_the_middle_becomes_a_head_that_waits", |it| {
        Box::pin(what_is_held_in_the_middle_becomes_a_head_that_waits(it))
    }),
    ("what_passes_in_the_middle_leaves_the_lane", |it| Box::pin(what_passes_in_the_middle_leaves_the_lane(it))),
    ("the_next_of_a_lane_is_known_before_its_head_leaves", |it| {
        Box::pin(the_next_of_a_lane_is_known_before_its_head_leaves(it))
    }),
    ("a_head_leaves_and_the_next_is_claimed_at_once", |it| Box::pin(a_head_leaves_and_the_next_is_claimed_at_once(it))),
    ("ready_names_destinations_once_and_in_order", |it| Box::pin(ready_names_destinations_once_and_in_order(it))),
];

impl LedgerFixture {
    /// Opens deliveries 1 to `count` in one lane, as `make` makes them.
    async fn lane(&self, count: u64, make: fn(u64, &str) -> Delivery) {
        for n in 1..=count {
            self.open(make(n, "customer-1")).await;
        }
    }

    /// Which of deliveries 1 to 5 are behind, as text: `.` for those that are not, `<` for those that are, ` ` for none.
    async fn behind(&self) -> String {
        let mut shown = String::new();
        for n in 1..=5 {
            let delivery = self.ledger().delivery(delivery_id(n)).await.expect("the ledger reads");
            shown.push(delivery.map_or(' ', |delivery| if delivery.behind { '<' } else { '.' }));
        }
        shown.trim_end().to_owned()
    }

    async fn ready_now(&self) -> Vec<DeliveryId> {
        self.due(all(at(1_000))).await
    }
}

async fn a_lane_opens_one_behind_the_other(mut it: LedgerFixture) {
    assert_eq!(it.open(in_lane(1, "a")).await, Opened::Ready);
    assert_eq!(it.open(Delivery { behind: true, ..in_lane(2, "a") }).await, Opened::Behind);
    assert_eq!(it.open(Delivery { state: waiting(-50), ..in_lane(3, "a") }).await, Opened::Behind, "due time is no order");
    it.reopen().await;
    assert_eq!(it.open(in_lane(4, "a")).await, Opened::Behind);
    assert_eq!(it.open(Delivery { behind: true, ..in_lane(5, "b") }).await, Opened::Ready, "behind is the ledger's to say");
    assert_eq!(it.behind().await, ".<<<.");
    assert_eq!(it.ready_now().await, [delivery_id(1), delivery_id(5)]);
}

async fn the_unordered_are_never_behind(it: LedgerFixture) {
    for n in 1..=3 {
        assert_eq!(it.open(delivery(n)).await, Opened::Ready);
    }
    assert_eq!(it.ready_now().await.len(), 3);
}

async fn lanes_are_apart_by_destination_flow_and_key(it: LedgerFixture) {
    let lanes = [
        in_lane(1, "a"),
        in_lane(2, "A"),
        in_lane(3, ""),
        Delivery { flow: name("returns"), ..in_lane(4, "a") },
        Delivery { destination: name("wms2"), ..in_lane(5, "a") },
    ];
    for delivery in lanes {
        let told = format!("{delivery:?}");
        assert_eq!(it.open(delivery).await, Opened::Ready, "{told}");
    }
}

async fn an_existing_delivery_stays_as_it_is(it: LedgerFixture) {
    it.open(in_lane(1, "a")).await;
    it.open(in_lane(2, "a")).await;
    it.finish(delivery_id(1), 5).await;
    let before = (it.get(delivery_id(1)).await, it.get(delivery_id(2)).await);
    let account = it.ledger().account().await.ok();
    let feed = it.views().feed_head().await.ok();
    for (n, at_once) in [(1, None), (1, Some(claim(9))), (2, Some(claim(9)))] {
        let other = Delivery { why: "other".to_owned(), version: 9, ..in_lane(n, "b") };
        assert_eq!(it.open_with(other, at_once).await, Opened::Existing);
    }
    assert_eq!((it.get(delivery_id(1)).await, it.get(delivery_id(2)).await), before);
    assert_eq!((it.ledger().account().await.ok(), it.views().feed_head().await.ok()), (account, feed));
}

async fn a_claim_at_opening_needs_a_free_lane_and_a_due_time(it: LedgerFixture) {
    assert_eq!(it.open_with(in_lane(1, "a"), Some(claim(0))).await, Opened::Ready, "not due yet");
    assert_eq!(it.open_with(in_lane(2, "a"), Some(claim(9))).await, Opened::Behind);
    assert_eq!(it.open_with(in_lane(3, "b"), Some(claim(3))).await, Opened::Claimed(1));
    let claimed = it.get(delivery_id(3)).await;
    assert_eq!((claimed.attempts, claimed.epoch, claimed.version), (1, 1, 2));
    assert_eq!(claimed.lease, Some(claim(3).lease));
    let story = it.views().delivery_story(delivery_id(3)).await.expect("the views read").expect("it is there");
    assert_eq!(story.attempts.len(), 1);
    for n in [1, 2] {
        let story = it.views().delivery_story(delivery_id(n)).await.expect("the views read").expect("it is there");
        assert_eq!((story.attempts, story.delivery.epoch), (Vec::new(), 0), "no attempt was opened for {n}");
    }
}

async fn a_lane_is_drained_in_the_order_of_opening(mut it: LedgerFixture) {
    let order = [4_u64, 2, 9, 1, 7, 3, 8, 5, 6, 10];
    for n in order {
        it.open(in_lane(n, "a")).await;
    }
    it.reopen().await;
    for (secs, n) in (100..).zip(order) {
        assert_eq!(it.ready_now().await, [delivery_id(n)], "one at a time, in the order of opening");
        it.claim(delivery_id(n), secs).await;
        assert_eq!(it.ready_now().await, [], "one in flight");
        it.settle(delivery_id(n), secs, ACCEPTED, done(secs)).await;
    }
    assert_eq!(it.ready_now().await, []);
}

async fn what_ends_frees_the_next(it: LedgerFixture) {
    it.lane(4, in_lane).await;
    let steps = [
        shift(delivery_id(1), cancelled()),
        shift(delivery_id(2), DeliveryState::Superseded { by: delivery_id(9) }),
        shift(delivery_id(3), done(7)),
    ];
    for (change, (behind, head)) in steps.into_iter().zip([("..<<", 2), ("...<", 3), ("....", 4)]) {
        let version = it.get(delivery_id(head)).await.version;
        let committed = it.apply(change).await;
        assert_eq!((it.behind().await.as_str(), committed.ready), (behind, vec![name("wms")]));
        assert_eq!(it.ready_now().await, [delivery_id(head)]);
        assert_eq!(it.get(delivery_id(head)).await.version, version + 1);
    }
    it.finish(delivery_id(4), 9).await;
    it.open(in_lane(5, "customer-1")).await;
    assert_eq!(it.ready_now().await, [delivery_id(5)], "a lane can run empty and begin again");
}

async fn what_is_freed_keeps_its_due_time(it: LedgerFixture) {
    it.lane(1, in_lane).await;
    it.open(Delivery { state: waiting(500), ..in_lane(2, "customer-1") }).await;
    it.open(Delivery { state: waiting(-20), ..in_lane(3, "customer-1") }).await;
    it.finish(delivery_id(1), 60).await;
    assert_eq!((it.get(delivery_id(2)).await.state, it.due(all(at(499))).await), (waiting(500), vec![]));
    assert_eq!(it.ledger().agenda().await.ok(), Some(vec![(name("wms"), at(500))]));
    it.finish(delivery_id(2), 500).await;
    assert_eq!(it.get(delivery_id(3)).await.state, waiting(-20));
}

async fn a_head_that_is_retried_keeps_its_lane(it: LedgerFixture) {
    it.lane(3, in_lane).await;
    it.claim(delivery_id(1), 10).await;
    it.settle(delivery_id(1), 11, BUSY, waiting(60)).await;
    assert_eq!((it.behind().await.as_str(), it.due(all(at(59))).await), (".<<", vec![]));
    assert_eq!(it.due(all(at(60))).await, [delivery_id(1)]);
    it.claim(delivery_id(1), 60).await;
    it.settle(delivery_id(1), 61, Outcome::Unknown, waiting(61)).await;
    assert_eq!(it.behind().await, ".<<");
}

async fn a_dead_or_held_head_holds_or_passes(it: LedgerFixture) {
    for (state, word) in [(dead(), "dead"), (held(), "held")] {
        let [one, two] = if word == "dead" { [1, 2] } else { [3, 4] };
        for (make, passes) in [(in_lane as fn(u64, &str) -> Delivery, false), (passing, true)] {
            let key = format!("{word}-{passes}");
            let (first, second) = (one + 10 * u64::from(passes), two + 10 * u64::from(passes));
            it.open(make(first, &key)).await;
            it.open(make(second, &key)).await;
            it.claim(delivery_id(first), 100).await;
            let committed = it.settle(delivery_id(first), 101, BUSY, state.clone()).await;
            let behind = it.get(delivery_id(second)).await.behind;
            assert_eq!((behind, committed.ready.is_empty()), (!passes, !passes), "{word}, passes: {passes}");
            assert!(!it.get(delivery_id(first)).await.behind);
        }
    }
    assert_eq!(it.ready_now().await, [delivery_id(12), delivery_id(14)]);
}

async fn a_held_head_that_is_moved_back_is_still_the_head(it: LedgerFixture) {
    it.lane(3, in_lane).await;
    for state in [held(), dead()] {
        it.shift(delivery_id(1), state).await;
        assert_eq!((it.behind().await.as_str(), it.ready_now().await), (".<<", vec![]));
        let committed = it.shift(delivery_id(1), waiting(30)).await;
        assert_eq!((it.behind().await.as_str(), committed.ready), (".<<", vec![name("wms")]));
        assert_eq!(it.ready_now().await, [delivery_id(1)]);
    }
}

async fn what_passed_comes_back_at_the_end(mut it: LedgerFixture) {
    it.lane(3, passing).await;
    it.claim(delivery_id(1), 10).await;
    it.settle(delivery_id(1), 11, BUSY, dead()).await;
    assert_eq!(it.behind().await, "..<");
    let committed = it.shift(delivery_id(1), waiting(12)).await;
    assert_eq!((it.behind().await.as_str(), committed.ready), ("<.<", vec![]));
    it.open(passing(4, "customer-1")).await;
    it.reopen().await;
    for (n, behind) in [(2, "<..<"), (3, "...<"), (1, "....")] {
        assert_eq!(it.ready_now().await, [delivery_id(n)]);
        it.finish(delivery_id(n), 50).await;
        assert_eq!(it.behind().await, behind, "after {n}");
    }
    assert_eq!(it.ready_now().await, [delivery_id(4)]);
}

async fn what_passed_comes_back_first_into_an_empty_lane(it: LedgerFixture) {
    it.lane(1, passing).await;
    it.shift(delivery_id(1), dead()).await;
    it.open(passing(2, "customer-1")).await;
    it.finish(delivery_id(2), 10).await;
    let committed = it.shift(delivery_id(1), waiting(12)).await;
    assert_eq!((it.behind().await.as_str(), committed.ready), ("..", vec![name("wms")]));
    it.open(passing(3, "customer-1")).await;
    assert_eq!(it.behind().await, "..<", "who comes next is behind it again");
}

async fn what_was_done_comes_back_at_the_end(it: LedgerFixture) {
    it.lane(3, in_lane).await;
    it.finish(delivery_id(1), 10).await;
    it.shift(delivery_id(1), waiting(20)).await;
    assert_eq!(it.behind().await, "<.<");
    it.shift(delivery_id(2), cancelled()).await;
    assert_eq!(it.behind().await, "<..");
    it.shift(delivery_id(2), held()).await;
    assert_eq!(it.behind().await, "<<.", "what is held holds its lane, at the end of it");
}

async fn a_cancel_in_the_middle_frees_nobody(it: LedgerFixture) {
    it.lane(4, in_lane).await;
    let committed = it.shift(delivery_id(2), cancelled()).await;
    assert_eq!((it.behind().await.as_str(), committed.ready), ("..<<", vec![]));
    assert_eq!(it.ready_now().await, [delivery_id(1)]);
    it.finish(delivery_id(1), 9).await;
    assert_eq!((it.behind().await.as_str(), it.ready_now().await), ("...<", vec![delivery_id(3)]));
}

async fn what_is_held_in_the_middle_becomes_a_head_that_waits(it: LedgerFixture) {
    it.lane(3, in_lane).await;
    it.shift(delivery_id(2), held()).await;
    assert_eq!(it.behind().await, ".<<", "it holds its place in the lane");
    let committed = it.finish(delivery_id(1), 9).await;
    assert_eq!((it.behind().await.as_str(), committed.ready), ("..<", vec![]), "nothing became ready");
    assert_eq!(it.ready_now().await, []);
    it.shift(delivery_id(2), cancelled()).await;
    assert_eq!(it.ready_now().await, [delivery_id(3)]);
}

async fn what_passes_in_the_middle_leaves_the_lane(it: LedgerFixture) {
    it.lane(3, passing).await;
    it.shift(delivery_id(2), held()).await;
    assert_eq!(it.behind().await, "..<");
    it.finish(delivery_id(1), 9).await;
    assert_eq!(it.ready_now().await, [delivery_id(3)]);
    it.shift(delivery_id(2), cancelled()).await;
    assert_eq!(it.ready_now().await, [delivery_id(3)], "what is outside frees nobody");
}

async fn ready_names_destinations_once_and_in_order(it: LedgerFixture) {
    let to = |n: u64, destination: &str| Delivery { destination: name(destination), ..delivery(n) };
    let batch = Batch::new().change(open(to(1, "zoo"))).change(open(to(2, "ant"))).change(open(to(3, "zoo")));
    assert_eq!(it.commit(batch).await.ready, [name("ant"), name("zoo")]);
    let committed = it.commit(Batch::new().change(shift(delivery_id(1), waiting(9_999)))).await;
    assert_eq!(committed.ready, [name("zoo")], "due later is ready too");
    assert_eq!(it.commit(Batch::new().change(shift(delivery_id(1), held()))).await.ready, []);
    it.claim(delivery_id(2), 50).await;
    let retried = it.commit(Batch::new().change(settle(delivery_id(2), 51, BUSY, waiting(60)))).await;
    assert_eq!(retried.ready, [name("ant")]);
}

async fn the_next_of_a_lane_is_known_before_its_head_leaves(it: LedgerFixture) {
    it.lane(4, in_lane).await;
    it.open(in_lane(5, "customer-2")).await;
    let next = async |n| {
        let next = it.ledger().next_in_lane(delivery_id(n)).await.expect("the ledger reads");
        next.map(|delivery| (delivery.id, delivery.behind))
    };
    assert_eq!(next(1).await, Some((delivery_id(2), true)));
    assert_eq!(next(2).await, None, "it is no head");
    assert_eq!((next(5).await, next(9).await), (None, None), "alone, and unknown");
    it.shift(delivery_id(2), cancelled()).await;
    assert_eq!(next(1).await, Some((delivery_id(3), true)));
    it.claim(delivery_id(1), 10).await;
    assert_eq!(next(1).await, Some((delivery_id(3), true)), "while it is attempted, too");
    it.settle(delivery_id(1), 11, ACCEPTED, done(11)).await;
    assert_eq!(next(1).await, None, "it has left");
    assert_eq!(next(3).await, Some((delivery_id(4), true)));
}

async fn a_head_leaves_and_the_next_is_claimed_at_once(it: LedgerFixture) {
    it.lane(2, in_lane).await;
    it.open(Delivery { state: waiting(500), ..in_lane(3, "customer-1") }).await;
    it.claim(delivery_id(1), 10).await;
    let both = |n: u64| {
        let next = Change::Claim { delivery: delivery_id(n + 1), claim: claim(20) };
        Batch::new().change(settle(delivery_id(n), 20, ACCEPTED, done(20))).change(next)
    };
    let committed = it.commit(both(1)).await;
    assert_eq!(committed.claimed, [1]);
    assert_eq!(it.get(delivery_id(2)).await.lease, Some(claim(20).lease));
    assert_eq!(it.refusal(both(2)).await, FaultKind::Conflict, "the third is not due");
    assert!(it.get(delivery_id(2)).await.lease.is_some(), "nothing of it is done");
    it.settle(delivery_id(2), 30, ACCEPTED, done(30)).await;
    assert!(!it.get(delivery_id(3)).await.behind);
}
