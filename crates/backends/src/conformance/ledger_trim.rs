//! The ledger: what retention removes, what it leaves, and what outlives it.

use model::limit::TRIM_ROWS_MAX;
use model::room::Ages;
use model::view::DeliveryQuery;
use model::{AttemptResult, Batch, Bucket, Change, Delivery, Offset, Origin, QuarantineState, Replay, ReplayState};
use uuid::Uuid;

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, BUSY, at, audit, cancelled, claim, dead, delivery, delivery_id, done, emitted_id, ended, event_id, held,
    in_lane, member, person, policy, position, quarantined, replay, replay_id, replayed, waiting,
};
use super::steps::{all, open, shift};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("trim_removes_what_is_final_and_old", |it| Box::pin(trim_removes_what_is_final_and_old(it))),
    ("a_trimmed_delivery_is_unknown_everywhere", |it| Box::pin(a_trimmed_delivery_is_unknown_everywhere(it))),
    ("counters_outlive_their_rows", |it| Box::pin(counters_outlive_their_rows(it))),
    ("trim_leaves_lanes_as_they_are", |it| Box::pin(trim_leaves_lanes_as_they_are(it))),
    ("old_feed_index_and_audit_rows_go", |it| Box::pin(old_feed_index_and_audit_rows_go(it))),
    ("a_word_that_is_indexed_again_stays_longer", |it| Box::pin(a_word_that_is_indexed_again_stays_longer(it))),
    ("the_feed_goes_on_after_a_trim", |it| Box::pin(the_feed_goes_on_after_a_trim(it))),
    ("quarantine_goes_when_it_is_settled_and_old", |it| Box::pin(quarantine_goes_when_it_is_settled_and_old(it))),
    ("what_is_open_is_found_by_its_words", |it| Box::pin(what_is_open_is_found_by_its_words(it))),
    ("answers_go_before_their_rows", |it| Box::pin(answers_go_before_their_rows(it))),
    ("the_audit_has_an_age_of_its_own", |it| Box::pin(the_audit_has_an_age_of_its_own(it))),
    ("a_replay_that_has_ended_goes_with_its_members", |it| Box::pin(a_replay_that_has_ended_goes(it))),
    ("emitted_entries_are_forgotten_when_they_are_seen", |it| Box::pin(emitted_entries_are_forgotten(it))),
    ("a_repeat_that_may_come_is_known", |it| Box::pin(a_repeat_that_may_come_is_known(it))),
    ("room_is_there_again_after_a_trim", |it| Box::pin(room_is_there_again(it))),
    ("the_ledgers_trim_takes_bounded_steps", |it| Box::pin(the_ledgers_trim_takes_bounded_steps(it))),
];

/// One age for all.
pub(super) fn ages(before: i64) -> Ages {
    let before = at(before);
    Ages { answers: before, rows: before, emitted: before, audit: before }
}

impl LedgerFixture {
    async fn trim(&self, before: i64) {
        self.trim_to(ages(before)).await;
    }

    /// Trims until there is nothing left to do.
    pub(super) async fn trim_to(&self, ages: Ages) {
        for _ in 0..100 {
            if self.ledger().trim(ages).await.expect("the ledger trims").rows == 0 {
                return;
            }
        }
        panic!("the trim does not come to an end");
    }

    async fn numbers(&self) -> Vec<u64> {
        let mut there = Vec::new();
        for n in 1..=20 {
            if self.ledger().delivery(delivery_id(n)).await.expect("the ledger reads").is_some() {
                there.push(n);
            }
        }
        there
    }
}

async fn trim_removes_what_is_final_and_old(mut it: LedgerFixture) {
    for n in 1..=9 {
        it.open(delivery(n)).await;
    }
    let states =
        [done(50), cancelled(), model::DeliveryState::Superseded { by: delivery_id(9) }, held(), dead(), waiting(1)];
    for (n, state) in (1..).zip(states) {
        it.shift(delivery_id(n), state).await;
    }
    it.claim(delivery_id(7), 50).await;
    it.shift(delivery_id(8), done(50)).await;
    it.shift(delivery_id(9), done(50)).await;
    it.trim(8).await;
    assert_eq!(it.numbers().await, [4, 5, 6, 7, 8, 9], "made before 8 and final; whatever time it ended");
    it.reopen().await;
    assert_eq!(it.numbers().await, [4, 5, 6, 7, 8, 9]);
    it.trim(10).await;
    assert_eq!(it.numbers().await, [4, 5, 6, 7]);
}

async fn a_trimmed_delivery_is_unknown_everywhere(it: LedgerFixture) {
    it.open(delivery(1)).await;
    it.claim(delivery_id(1), 5).await;
    it.settle(delivery_id(1), 6, BUSY, waiting(7)).await;
    it.finish(delivery_id(1), 8).await;
    it.trim(9).await;
    assert_eq!(it.views().delivery_story(delivery_id(1)).await.ok(), Some(None));
    assert!(it.views().event_story(event_id(1)).await.is_ok_and(|story| story.deliveries.is_empty()));
    let page = it.views().deliveries(DeliveryQuery::default()).await.expect("the views read");
    assert_eq!(page.rows, []);
    it.conflicts(shift(delivery_id(1), waiting(9))).await;
    it.open(delivery(1)).await;
    let story = it.views().delivery_story(delivery_id(1)).await.expect("the views read").expect("it is new again");
    assert_eq!(story.attempts, [], "its attempts went with it");
}

async fn counters_outlive_their_rows(mut it: LedgerFixture) {
    for n in 1..=6 {
        let origin = if n > 4 { Origin::Synthetic } else { Origin::Live };
        it.open(Delivery { origin, ..delivery(n) }).await;
    }
    for (n, state) in [(1, done(5)), (2, cancelled()), (3, held()), (5, done(6))] {
        it.shift(delivery_id(n), state).await;
    }
    let before = it.ledger().account().await.expect("the ledger reads");
    it.trim(100).await;
    it.reopen().await;
    assert_eq!(it.numbers().await, [3, 4, 6]);
    assert_eq!(it.ledger().account().await.ok().as_ref(), Some(&before));
    assert_eq!(it.ledger().recount().await.ok().as_ref(), Some(&before), "the rows and what retention wrote down");
    it.shift(delivery_id(3), done(9)).await;
    it.trim(100).await;
    let after = it.ledger().recount().await.expect("the ledger reads");
    assert_eq!(after.tallies[0].get(Bucket::Done), 2);
    assert_eq!(it.ledger().account().await.ok(), Some(after));
}

async fn trim_leaves_lanes_as_they_are(it: LedgerFixture) {
    for n in 1..=4 {
        it.open(in_lane(n, "a")).await;
    }
    it.finish(delivery_id(1), 10).await;
    it.shift(delivery_id(3), cancelled()).await;
    it.trim(100).await;
    assert_eq!((it.numbers().await, it.due(all(at(100))).await), (vec![2, 4], vec![delivery_id(2)]));
    it.finish(delivery_id(2), 20).await;
    it.trim(100).await;
    assert_eq!((it.numbers().await, it.due(all(at(100))).await), (vec![4], vec![delivery_id(4)]));
}

async fn old_feed_index_and_audit_rows_go(mut it: LedgerFixture) {
    for (n, secs) in [(1, 10), (2, 20), (3, 30)] {
        it.clock.set(at(secs));
        let indexed =
            Change::Index { event: event_id(n), at: position(n), words: vec!["S1".to_owned(), format!("own-{n}")] };
        it.commit(Batch::new().change(open(delivery(n))).change(indexed)).await;
        it.shift(delivery_id(n), done(secs)).await;
    }
    for n in [10, 20, 30] {
        it.apply(Change::Audit(audit(n, "x"))).await;
    }
    it.trim(20).await;
    it.reopen().await;
    let feed: Vec<_> = it.views().feed(0, 10).await.expect("the views read").into_iter().map(|row| row.delivery).collect();
    let expected = [2, 2, 3, 3].map(delivery_id);
    assert_eq!(feed, expected, "a row of the feed is as old as its commit");
    let found: Vec<_> =
        it.views().lookup("S1", 10).await.expect("the views read").into_iter().map(|found| found.event).collect();
    assert_eq!(found, [event_id(3), event_id(2)]);
    assert_eq!(it.views().lookup("own-1", 10).await.ok(), Some(Vec::new()));
    let audited = it.views().audit(None, None, 10).await.expect("the views read").rows;
    assert_eq!(audited, [audit(30, "x"), audit(20, "x")]);
    assert!(it.numbers().await.is_empty(), "they were made before, and are final");
}

async fn a_word_that_is_indexed_again_stays_longer(it: LedgerFixture) {
    for (n, secs) in [(1, 10), (2, 10), (1, 20)] {
        it.clock.set(at(secs));
        let words = vec!["S1".to_owned()];
        it.apply(Change::Index { event: event_id(n), at: position(n), words }).await;
    }
    for (before, expected) in [(10, vec![2, 1]), (15, vec![1]), (21, vec![])] {
        it.trim(before).await;
        let found = it.views().lookup("S1", 10).await.expect("the views read");
        let events: Vec<_> = found.into_iter().map(|found| found.event).collect();
        assert_eq!(events, expected.into_iter().map(event_id).collect::<Vec<_>>(), "{before}");
    }
}

async fn the_feed_goes_on_after_a_trim(mut it: LedgerFixture) {
    for n in 1..=3 {
        it.open(delivery(n)).await;
    }
    let head = it.views().feed_head().await.expect("the views read");
    it.clock.set(at(100));
    it.trim(50).await;
    it.reopen().await;
    assert_eq!(it.views().feed(0, 10).await.ok(), Some(Vec::new()));
    assert_eq!(it.views().feed_head().await.ok(), Some(head), "a trim moves no head");
    it.open(delivery(4)).await;
    let rows = it.views().feed(head, 10).await.expect("the views read");
    assert!(rows.len() == 1 && rows[0].seq > head, "{rows:?} after {head}");
}

async fn quarantine_goes_when_it_is_settled_and_old(mut it: LedgerFixture) {
    for n in 1..=3 {
        it.apply(Change::Quarantine(Box::new(quarantined(n)))).await;
    }
    let closed = QuarantineState::Closed { by: person(), why: String::new() };
    for n in [1, 3] {
        it.apply(Change::QuarantineMove { event: event_id(n), state: closed.clone() }).await;
    }
    let before = it.ledger().account().await.expect("the ledger reads");
    it.trim(3).await;
    it.reopen().await;
    let mut there = Vec::new();
    for n in 1..=3 {
        if it.ledger().quarantined(event_id(n)).await.expect("the ledger reads").is_some() {
            there.push(n);
        }
    }
    assert_eq!(there, [2, 3], "the second is open, the third is young");
    assert_eq!(it.ledger().account().await.ok().as_ref(), Some(&before));
    assert_eq!(it.ledger().recount().await.ok(), Some(before), "its count stays");
}

async fn what_is_open_is_found_by_its_words(it: LedgerFixture) {
    for n in 1..=3 {
        it.clock.set(at(i64::try_from(n).expect("a small number")));
        let words = vec![format!("S{n}")];
        let indexed = Change::Index { event: event_id(n), at: position(n), words };
        it.commit(Batch::new().change(open(delivery(n))).change(indexed)).await;
    }
    it.clock.set(at(100));
    let found = async || {
        let mut found = Vec::new();
        for n in 1..=3 {
            if !it.views().lookup(&format!("S{n}"), 9).await.expect("the views read").is_empty() {
                found.push(n);
            }
        }
        found
    };
    it.trim(50).await;
    assert_eq!(found().await, [1, 2, 3], "all are open");
    it.shift(delivery_id(1), done(60)).await;
    it.shift(delivery_id(3), done(60)).await;
    it.trim(50).await;
    assert_eq!(found().await, [2, 3], "what came in after the first that is open");
    it.shift(delivery_id(2), done(60)).await;
    it.apply(Change::Quarantine(Box::new(quarantined(3)))).await;
    it.trim(50).await;
    assert_eq!(found().await, [3], "quarantine is open work too");
}

async fn answers_go_before_their_rows(mut it: LedgerFixture) {
    for n in 1..=3 {
        it.open(delivery(n)).await;
        it.claim(delivery_id(n), 5).await;
    }
    let answered = |n, state| {
        let result = AttemptResult { response: b"thank you".to_vec(), ..ended(6, ACCEPTED) };
        Batch::new().change(Change::Settle { delivery: delivery_id(n), result, state, why: String::new() })
    };
    it.commit(answered(1, done(6))).await;
    it.commit(answered(2, held())).await;
    it.commit(answered(3, done(6))).await;
    it.trim_to(Ages { answers: at(3), ..ages(1) }).await;
    it.reopen().await;
    let answer = async |n| {
        let story = it.views().delivery_story(delivery_id(n)).await.expect("the views read").expect("it is there");
        let result = story.attempts[0].result.clone().expect("it has ended");
        (String::from_utf8(result.response).unwrap_or_default(), result.response_cut)
    };
    let (gone, there) = ((String::new(), true), ("thank you".to_owned(), false));
    assert_eq!(answer(1).await, gone, "there was more than is kept");
    assert_eq!(answer(2).await, there, "it is not over");
    assert_eq!(answer(3).await, there, "it is young");
    it.shift(delivery_id(2), done(9)).await;
    it.trim_to(Ages { answers: at(3), ..ages(1) }).await;
    assert_eq!(answer(2).await, gone);
    it.trim(4).await;
    assert!(it.numbers().await.is_empty(), "an answer keeps no row");
}

async fn the_audit_has_an_age_of_its_own(it: LedgerFixture) {
    for n in [10, 20] {
        it.apply(Change::Audit(audit(n, "x"))).await;
    }
    it.trim_to(Ages { audit: at(15), ..ages(100) }).await;
    assert_eq!(it.views().audit(None, None, 10).await.ok().map(|page| page.rows), Some(vec![audit(20, "x")]));
}

/// More than go in one step.
const MEMBERS: u32 = 503;
const _: () = assert!(MEMBERS as usize > TRIM_ROWS_MAX, "more than go in one step");

async fn a_replay_that_has_ended_goes(mut it: LedgerFixture) {
    let members = |count| (0..count).map(|index| member(index, None)).collect::<Vec<_>>();
    for (n, state) in [(1, ReplayState::Sent { at: at(9) }), (2, ReplayState::Running)] {
        let replay = Replay { state, ..replay(n, MEMBERS) };
        it.apply(Change::Replay { replay: Box::new(replay), members: members(MEMBERS) }).await;
    }
    it.trim(1).await;
    assert!(it.ledger().replay(replay_id(1)).await.is_ok_and(|it| it.is_some()), "it is young");
    for n in [1, 2] {
        it.open(Delivery { replay: Some(replay_id(n)), ..delivery(n) }).await;
    }
    it.shift(delivery_id(2), done(9)).await;
    it.trim(100).await;
    assert_eq!(it.numbers().await, [1, 2], "a replay that runs counts what became of its members");
    assert!(it.ledger().replay(replay_id(1)).await.is_ok_and(|it| it.is_some()), "a delivery of it is open");
    it.shift(delivery_id(1), done(9)).await;
    let step = it.ledger().trim(ages(100)).await.expect("the ledger trims").rows;
    assert!(step <= TRIM_ROWS_MAX as u64 + 10, "{step}");
    it.trim(100).await;
    it.reopen().await;
    assert_eq!(it.ledger().replay(replay_id(1)).await.ok(), Some(None));
    assert_eq!(it.ledger().members(replay_id(1), 0, 10).await.ok(), Some(Vec::new()));
    assert!(it.ledger().replay(replay_id(2)).await.is_ok_and(|it| it.is_some()), "it goes on");
    assert_eq!(it.ledger().members(replay_id(2), 0, 1_000).await.ok().map(|all| all.len()), Some(MEMBERS as usize));
}

fn emit(id: Uuid) -> Change {
    Change::Emit { id, partition: position(7).partition, policy: policy(1), entry: Box::new(replayed(1, 7)) }
}

async fn emitted_entries_are_forgotten(mut it: LedgerFixture) {
    let [waiting, appended, seen] = [1, 2, 3].map(emitted_id);
    for id in [waiting, appended, seen] {
        it.apply(emit(id)).await;
    }
    for id in [appended, seen] {
        it.apply(Change::Emitted { id }).await;
    }
    it.apply(Change::See { id: seen }).await;
    it.trim(-1).await;
    assert_eq!(it.ledger().seen(vec![seen]).await.ok(), Some(vec![seen]), "it is young");
    it.trim(100).await;
    it.reopen().await;
    assert_eq!(it.ledger().seen(vec![seen]).await.ok(), Some(Vec::new()));
    let outbox: Vec<_> =
        it.ledger().outbox(9).await.expect("the ledger reads").rows.into_iter().map(|new| new.emitted).collect();
    assert_eq!(outbox, [Some(waiting)]);
    let needed = it.ledger().needed(position(7).partition, Offset(0), Offset(9)).await.expect("the ledger reads");
    assert_eq!(needed, [position(7).offset], "by those that nobody has seen");
    it.apply(emit(appended)).await;
    let outbox = it.ledger().outbox(9).await.expect("the ledger reads").rows.len();
    assert_eq!(outbox, 1, "it is known as long as it was not seen");
    it.apply(emit(seen)).await;
    assert_eq!(it.ledger().outbox(9).await.expect("the ledger reads").rows.len(), 2, "it is forgotten");
}

async fn a_repeat_that_may_come_is_known(it: LedgerFixture) {
    let [waiting, appended] = [1, 2].map(emitted_id);
    it.clock.set(at(10));
    for id in [waiting, appended] {
        it.apply(emit(id)).await;
        it.apply(Change::See { id }).await;
    }
    it.clock.set(at(50));
    it.apply(Change::Emitted { id: appended }).await;
    let known = async || it.ledger().seen(vec![waiting, appended]).await.expect("the ledger reads");
    it.trim_to(Ages { emitted: at(50), ..ages(100) }).await;
    assert_eq!(known().await, [waiting, appended], "it left the outbox just now, whatever the room");
    it.trim(100).await;
    assert_eq!(known().await, [waiting], "it is in the outbox and may be appended once more");
}

async fn room_is_there_again(it: LedgerFixture) {
    let bytes = async || it.ledger().room().await.expect("the ledger tells").bytes;
    let empty = bytes().await;
    for n in 1..=600 {
        it.open(Delivery { why: "x".repeat(200), ..delivery(n) }).await;
        it.shift(delivery_id(n), done(5)).await;
    }
    let full = bytes().await;
    assert!(full > empty + 600 * 200, "{full} after {empty}");
    it.clock.set(at(1_000));
    it.trim(1_000).await;
    let after = bytes().await;
    assert!(after < empty + (full - empty) / 4, "{after} of {full}");
}

async fn the_ledgers_trim_takes_bounded_steps(it: LedgerFixture) {
    let count = 2 * TRIM_ROWS_MAX as u64 + 30;
    for n in 1..=count {
        let batch = Batch::new().change(Change::Open { delivery: Box::new(delivery(n)), claim: Some(claim(5_000)) });
        it.commit(batch.change(super::steps::settle(delivery_id(n), 5_001, ACCEPTED, done(5_001)))).await;
    }
    it.clock.set(at(9_000));
    let left = || async {
        let account = it.ledger().recount().await.expect("the ledger reads");
        assert_eq!(account.tallies[0].get(Bucket::Done), count);
        let feed = it.views().feed(0, 100_000).await.expect("the views read").len();
        let mut there = 0;
        for n in 1..=count {
            there += usize::from(it.ledger().delivery(delivery_id(n)).await.expect("the ledger reads").is_some());
        }
        (there, feed)
    };
    let mut before = left().await;
    while it.ledger().trim(ages(8_000)).await.expect("the ledger trims").rows > 0 {
        let now = left().await;
        assert!(before.0 - now.0 <= TRIM_ROWS_MAX && before.1 - now.1 <= TRIM_ROWS_MAX, "{before:?} -> {now:?}");
        before = now;
    }
    assert_eq!(before, (0, 0));
}
