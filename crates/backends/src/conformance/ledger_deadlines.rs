//! The ledger: deadlines. No attempt begins after one, and what still waits then is found and given up.

use model::change::{Opened, Round};
use model::{Batch, Change, Claim, Delivery, DeliveryState, FaultKind, TimeSpan, Timestamp};

use super::fixture::LedgerFixture;
use super::sample::{BUSY, at, claim, dead, delivery, delivery_id, done, held, in_lane, passing, policy, waiting};
use super::steps::all;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("no_attempt_begins_after_the_deadline", |it| Box::pin(no_attempt_begins_after_the_deadline(it))),
    ("what_waits_beyond_its_deadline_is_overdue", |it| Box::pin(what_waits_beyond_its_deadline_is_overdue(it))),
    ("only_what_is_overdue_expires", |it| Box::pin(only_what_is_overdue_expires(it))),
    ("what_expires_frees_its_lane_or_keeps_it", |it| Box::pin(what_expires_frees_its_lane_or_keeps_it(it))),
    ("a_new_round_brings_its_deadline_and_policy", |it| Box::pin(a_new_round_brings_its_deadline_and_policy(it))),
];

/// As long after a moment as a ledger can tell.
const TICK: TimeSpan = TimeSpan::from_micros(1);

fn until(given: Delivery, secs: i64) -> Delivery {
    Delivery { deadline: Some(at(secs)), ..given }
}

fn expire(n: u64, at: Timestamp, state: DeliveryState) -> Change {
    Change::Expire { delivery: delivery_id(n), at, state, why: "the breaker was open".to_owned() }
}

impl LedgerFixture {
    async fn overdue(&self, now: Timestamp, limit: usize) -> Vec<u64> {
        let found = self.ledger().overdue(now, limit).await.expect("the ledger reads").rows;
        found.iter().filter_map(|found| (1..=40).find(|n| delivery_id(*n) == found.id)).collect()
    }
}

async fn no_attempt_begins_after_the_deadline(it: LedgerFixture) {
    let late = Claim { at: at(50) + TICK, ..claim(0) };
    assert_eq!(it.open_with(until(delivery(1), 50), Some(late.clone())).await, Opened::Ready);
    assert_eq!(it.due(all(at(50))).await, [delivery_id(1)]);
    assert_eq!(it.due(all(at(50) + TICK)).await, []);
    it.conflicts(Change::Claim { delivery: delivery_id(1), claim: late }).await;
    it.claim(delivery_id(1), 50).await;
    let on_time = Some(claim(60));
    assert!(matches!(it.open_with(until(delivery(2), 60), on_time).await, Opened::Claimed(_)));
    for n in [3, 4] {
        it.open(until(delivery(n), 50)).await;
    }
    let of = |n: u64, secs: i64| Change::Claim { delivery: delivery_id(n), claim: claim(secs) };
    let both = Batch::new().change(of(3, 50)).change(of(4, 51));
    assert_eq!(it.refusal(both).await, FaultKind::Conflict);
    assert_eq!(it.get(delivery_id(3)).await.attempts, 0, "a refused batch opens nothing");
}

async fn what_waits_beyond_its_deadline_is_overdue(mut it: LedgerFixture) {
    for given in [
        until(delivery(1), 90),
        delivery(2),
        until(delivery(3), 70),
        until(delivery(4), 70),
        until(Delivery { state: waiting(5_000), ..delivery(5) }, 80),
        until(in_lane(6, "a"), 900),
        until(in_lane(7, "a"), 60),
    ] {
        it.open(given).await;
    }
    it.reopen().await;
    assert_eq!(it.overdue(at(60), 10).await, [0; 0], "not yet");
    assert_eq!(it.overdue(at(60) + TICK, 10).await, [7], "behind or not");
    assert_eq!(it.overdue(at(100), 10).await, [7, 3, 4, 5, 1]);
    assert_eq!(it.overdue(at(100), 2).await, [7, 3]);
    it.claim(delivery_id(3), 65).await;
    it.shift(delivery_id(4), held()).await;
    it.shift(delivery_id(7), done(66)).await;
    assert_eq!(it.overdue(at(100), 10).await, [5, 1], "an attempt under way ends it itself");
    it.settle(delivery_id(3), 75, BUSY, waiting(80)).await;
    assert_eq!(it.overdue(at(100), 10).await, [3, 5, 1]);
}

async fn only_what_is_overdue_expires(mut it: LedgerFixture) {
    for given in [until(delivery(1), 50), delivery(2), until(delivery(3), 50)] {
        it.open(given).await;
    }
    it.claim(delivery_id(3), 40).await;
    for (n, secs) in [(1, 50), (2, 9_999), (3, 9_999), (4, 9_999)] {
        it.conflicts(expire(n, at(secs), held())).await;
    }
    it.apply(expire(1, at(50) + TICK, held())).await;
    it.conflicts(expire(1, at(60), dead())).await;
    for reopened in [false, true] {
        let expired = it.get(delivery_id(1)).await;
        assert_eq!((expired.state, expired.cause.as_str()), (held(), "deadline"), "reopened: {reopened}");
        assert_eq!((expired.why.as_str(), expired.version, expired.attempts), ("the breaker was open", 2, 0));
        it.reopen().await;
    }
    let (account, recount) = (it.ledger().account().await.ok(), it.ledger().recount().await.ok());
    assert_eq!(account, recount);
    let told = it.views().feed(0, 100).await.expect("the views read");
    assert_eq!(told.last().map(|row| (row.state.as_str(), row.delivery)), Some(("held", delivery_id(1))));
}

async fn what_expires_frees_its_lane_or_keeps_it(it: LedgerFixture) {
    for given in [until(passing(1, "a"), 50), passing(2, "a"), until(in_lane(3, "b"), 50), in_lane(4, "b")] {
        it.open(given).await;
    }
    let committed = it.apply(expire(1, at(60), dead())).await;
    assert_eq!(committed.ready, [delivery(2).destination], "the next one is told of");
    it.apply(expire(3, at(60), held())).await;
    assert_eq!(it.due(all(at(100))).await, [delivery_id(2)]);
}

async fn a_new_round_brings_its_deadline_and_policy(mut it: LedgerFixture) {
    it.open(until(delivery(1), 50)).await;
    it.apply(expire(1, at(60), held())).await;
    let round = Round { at: at(70), deadline: Some(at(120)), policy: policy(9) };
    let (delivery, why) = (delivery_id(1), "again".to_owned());
    it.apply(Change::Move { delivery, state: waiting(70), why, new_round: Some(round) }).await;
    it.reopen().await;
    let again = it.get(delivery_id(1)).await;
    assert_eq!((again.round_at, again.deadline, again.policy), (at(70), Some(at(120)), policy(9)));
    assert_eq!((it.overdue(at(120), 9).await, it.overdue(at(121), 9).await), (vec![], vec![1]));
    it.claim(delivery_id(1), 119).await;
}
