//! The ledger: a batch is applied whole or not at all, and only when its guards hold.

use futures::FutureExt as _;
use futures::future::join_all;
use model::change::Opened;
use model::{Batch, Bucket, Change, Consumer, DeliveryId, Entry, FaultKind, Guard, LaneKey, Offset, Origin, Partition};

use super::fixture::LedgerFixture;
use super::portrait::{Portrait, Subjects};
use super::sample::{
    ACCEPTED, audit, cancelled, claim, delivery, delivery_id, done, emitted_id, event_id, in_lane, known, member, name,
    person, policy, position, quarantined, replay, replay_id, waiting,
};
use super::steps::{open, settle, shift};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("an_empty_batch_is_taken", |it| Box::pin(an_empty_batch_is_taken(it))),
    ("a_failing_guard_leaves_nothing", |it| Box::pin(a_failing_guard_leaves_nothing(it))),
    ("a_failing_change_leaves_nothing", |it| Box::pin(a_failing_change_leaves_nothing(it))),
    ("a_cursor_moves_with_its_batch", |it| Box::pin(a_cursor_moves_with_its_batch(it))),
    ("a_cursor_that_stands_elsewhere_is_a_conflict", |it| Box::pin(a_cursor_that_stands_elsewhere_is_a_conflict(it))),
    ("a_cursor_never_moves_back", |it| Box::pin(a_cursor_never_moves_back(it))),
    ("guards_on_what_is_not_there_are_conflicts", |it| Box::pin(guards_on_what_is_not_there_are_conflicts(it))),
    ("guards_see_what_was_before_the_batch", |it| Box::pin(guards_see_what_was_before_the_batch(it))),
    ("changes_see_those_before_them", |it| Box::pin(changes_see_those_before_them(it))),
    ("a_version_guard_holds_until_something_changes", |it| Box::pin(a_version_guard_holds_until_something_changes(it))),
    ("of_concurrent_batches_on_a_cursor_one_wins", |it| Box::pin(of_concurrent_batches_on_a_cursor_one_wins(it))),
    ("a_dropped_commit_stands_whole_or_not_at_all", |it| Box::pin(a_dropped_commit_stands_whole_or_not_at_all(it))),
    ("the_ledgers_hint_rises_after_a_commit", |it| Box::pin(the_ledgers_hint_rises_after_a_commit(it))),
    ("what_was_committed_is_there_after_a_restart", |it| Box::pin(what_was_committed_is_there_after_a_restart(it))),
];

fn router(from: u64, to: u64) -> Guard {
    cursor("router", 0, from, to)
}

fn cursor(consumer: &str, partition: u16, from: u64, to: u64) -> Guard {
    Guard::Cursor { consumer: name(consumer), partition: Partition(partition), from: Offset(from), to: Offset(to) }
}

/// What the entries here write, and what is asked about it.
fn subjects() -> Subjects {
    Subjects {
        now: super::sample::at(1_000),
        stale_before: super::sample::at(1_000),
        deliveries: (0..10).map(delivery_id).collect(),
        events: (0..10).map(event_id).collect(),
        destinations: vec![name("wms")],
        keys: vec![LaneKey::new("a")],
        flows: vec![name("orders")],
        consumers: vec![name("router"), name("watch")],
        partitions: vec![Partition(0), Partition(1)],
        policies: vec![policy(5)],
        emitted: (0..10).map(emitted_id).collect(),
        replays: vec![replay_id(1)],
        nodes: vec![name("one")],
        tokens: Vec::new(),
        keyed: Vec::new(),
        captured: vec![(name("odoo"), "sale.order".to_owned())],
        words: vec!["S00005".to_owned()],
        audited: vec!["x".to_owned()],
        queries: vec![model::view::DeliveryQuery::default()],
    }
}

fn know(rows: Vec<model::Known>) -> Change {
    Change::Know { source: name("odoo"), model: "sale.order".to_owned(), rows }
}

/// A batch with nearly every kind of change, on a ledger where [`prepare`] has been.
fn rich() -> Batch {
    let released = Entry::Released { of: event_id(1), at: position(1), by: person(), why: String::new() };
    Batch::new()
        .guard(router(3, 7))
        .change(open(delivery(5)))
        .change(Change::Open { delivery: Box::new(in_lane(6, "b")), claim: Some(claim(6)) })
        .change(settle(delivery_id(1), 10, ACCEPTED, done(10)))
        .change(shift(delivery_id(3), cancelled()))
        .change(Change::Claim { delivery: delivery_id(2), claim: claim(11) })
        .change(Change::Count { bucket: Bucket::Routed, origin: Origin::Live, entries: 4 })
        .change(Change::Index { event: event_id(5), at: position(5), words: vec!["S00005".to_owned()] })
        .change(Change::Quarantine(Box::new(quarantined(7))))
        .change(Change::QuarantineMove {
            event: event_id(4),
            state: model::QuarantineState::Released { by: person(), why: String::new() },
        })
        .change(Change::Emit { id: emitted_id(1), partition: Partition(0), policy: policy(1), entry: Box::new(released) })
        .change(Change::See { id: emitted_id(2) })
        .change(Change::StorePolicy { version: policy(5), files: Vec::new(), at: super::sample::at(5) })
        .change(Change::Breaker { destination: name("wms"), state: "{}".to_owned() })
        .change(know(vec![known(5), known(6)]))
        .change(Change::Forget { source: name("odoo"), model: "sale.order".to_owned(), ids: vec![4, 5] })
        .change(Change::Stand { source: name("odoo"), text: "{}".to_owned() })
        .change(Change::Replay { replay: Box::new(replay(1, 2)), members: vec![member(0, None), member(1, None)] })
        .change(Change::Audit(audit(1, "x")))
        .change(Change::Heartbeat { node: name("one"), incarnation: 4, at: super::sample::at(6) })
        .change(Change::TakeShard { shard: "partition/0".to_owned(), node: name("one"), incarnation: 4 })
}

async fn prepare(it: &LedgerFixture) {
    it.commit(Batch::new().guard(router(0, 3)).change(open(in_lane(1, "a"))).change(open(in_lane(2, "a")))).await;
    it.commit(Batch::new().change(open(in_lane(3, "a"))).change(Change::Quarantine(Box::new(quarantined(4))))).await;
    it.apply(know(vec![known(4)])).await;
    it.claim(delivery_id(1), 9).await;
}

async fn portrait(it: &LedgerFixture) -> Portrait {
    Portrait::of(it.ledger(), it.views(), &subjects()).await.expect("the ledger reads")
}

async fn an_empty_batch_is_taken(it: LedgerFixture) {
    assert_eq!(it.commit(Batch::new()).await, model::Committed::default());
}

async fn a_failing_guard_leaves_nothing(mut it: LedgerFixture) {
    prepare(&it).await;
    let before = portrait(&it).await;
    let failing = Guard::DeliveryVersion { delivery: delivery_id(2), version: 99 };
    assert_eq!(it.refusal(rich().guard(failing)).await, FaultKind::Conflict);
    assert_eq!(portrait(&it).await, before);
    it.reopen().await;
    assert_eq!(portrait(&it).await, before);
    it.commit(rich()).await;
    assert_ne!(portrait(&it).await, before, "without that guard it is taken");
}

async fn a_failing_change_leaves_nothing(mut it: LedgerFixture) {
    prepare(&it).await;
    let before = portrait(&it).await;
    let failing = [
        Change::Claim { delivery: delivery_id(9), claim: claim(12) },
        Change::Claim { delivery: delivery_id(2), claim: claim(12) },
        settle(delivery_id(1), 12, ACCEPTED, done(12)),
        shift(delivery_id(2), waiting(20)),
        Change::QuarantineMove { event: event_id(9), state: model::QuarantineState::Open },
        Change::ReplayMove(Box::new(replay(9, 0))),
        Change::CancelReplay { replay: replay_id(9), by: person() },
        Change::Heartbeat { node: name("one"), incarnation: 3, at: super::sample::at(6) },
    ];
    for change in failing {
        let told = format!("{change:?}");
        assert_eq!(it.refusal(rich().change(change)).await, FaultKind::Conflict, "{told}");
        assert_eq!(portrait(&it).await, before, "{told}");
    }
    it.reopen().await;
    assert_eq!(portrait(&it).await, before);
    let committed = it.commit(rich()).await;
    assert_eq!((committed.opened, committed.claimed), (vec![Opened::Ready, Opened::Claimed(1)], vec![1]));
}

async fn a_cursor_moves_with_its_batch(mut it: LedgerFixture) {
    let moves = [("router", 0, 7), ("router", 1, 3), ("watch", 0, 9), ("router", 0, 11)];
    let mut stands = std::collections::BTreeMap::new();
    for (consumer, partition, to) in moves {
        let from = stands.insert((consumer, partition), to).unwrap_or(0);
        it.commit(Batch::new().guard(cursor(consumer, partition, from, to))).await;
    }
    it.commit(Batch::new().guard(router(11, 11))).await;
    it.reopen().await;
    for (consumer, partition, expected) in
        [("router", 0, 11), ("router", 1, 3), ("watch", 0, 9), ("watch", 1, 0), ("case", 0, 0)]
    {
        let consumer: Consumer = name(consumer);
        let stands = it.ledger().cursor(&consumer, Partition(partition)).await;
        assert_eq!(stands.ok(), Some(Offset(expected)), "{consumer} in {partition}");
    }
}

async fn a_cursor_that_stands_elsewhere_is_a_conflict(it: LedgerFixture) {
    it.commit(Batch::new().guard(router(0, 5))).await;
    for from in [0, 4, 6] {
        let batch = Batch::new().guard(router(from, 9)).change(open(delivery(1)));
        assert_eq!(it.refusal(batch).await, FaultKind::Conflict, "from {from}");
    }
    let two = Batch::new().guard(cursor("watch", 0, 0, 3)).guard(router(4, 9));
    assert_eq!(it.refusal(two).await, FaultKind::Conflict);
    assert_eq!(it.ledger().cursor(&name("watch"), Partition(0)).await.ok(), Some(Offset(0)), "no cursor moves alone");
    assert_eq!(it.ledger().delivery(delivery_id(1)).await.ok(), Some(None));
}

async fn a_cursor_never_moves_back(it: LedgerFixture) {
    it.commit(Batch::new().guard(router(0, 5))).await;
    assert_eq!(it.refusal(Batch::new().guard(router(5, 4)).change(open(delivery(1)))).await, FaultKind::Corrupt);
    assert_eq!(it.ledger().cursor(&name("router"), Partition(0)).await.ok(), Some(Offset(5)));
    assert_eq!(it.ledger().delivery(delivery_id(1)).await.ok(), Some(None));
}

async fn guards_on_what_is_not_there_are_conflicts(it: LedgerFixture) {
    let guards = [
        Guard::Epoch { delivery: delivery_id(1), epoch: 0 },
        Guard::DeliveryVersion { delivery: delivery_id(1), version: 0 },
        Guard::QuarantineVersion { event: event_id(1), version: 0 },
        Guard::ReplayVersion { replay: replay_id(1), version: 0 },
        Guard::Life { node: name("one"), incarnation: 1 },
    ];
    for guard in guards {
        assert_eq!(it.refusal(Batch::new().guard(guard.clone())).await, FaultKind::Conflict, "{guard:?}");
    }
}

async fn guards_see_what_was_before_the_batch(it: LedgerFixture) {
    let opened = Guard::DeliveryVersion { delivery: delivery_id(1), version: 1 };
    let batch = Batch::new().guard(opened.clone()).change(open(delivery(1)));
    assert_eq!(it.refusal(batch).await, FaultKind::Conflict, "it is not there yet");
    it.open(delivery(1)).await;
    let batch =
        Batch::new().guard(opened).change(shift(delivery_id(1), waiting(5))).change(shift(delivery_id(1), waiting(6)));
    it.commit(batch).await;
    assert_eq!(it.get(delivery_id(1)).await.version, 3);
}

async fn changes_see_those_before_them(it: LedgerFixture) {
    let claim_of = |id: DeliveryId, secs| Change::Claim { delivery: id, claim: claim(secs) };
    let (first, second) = (delivery_id(1), delivery_id(2));
    let batch = Batch::new()
        .change(open(in_lane(1, "a")))
        .change(claim_of(first, 1))
        .change(open(in_lane(2, "a")))
        .change(settle(first, 2, ACCEPTED, done(2)))
        .change(claim_of(second, 3))
        .change(open(in_lane(2, "a")));
    let committed = it.commit(batch).await;
    assert_eq!(committed.opened, [Opened::Ready, Opened::Behind, Opened::Existing]);
    assert_eq!(committed.claimed, [1, 1]);
    assert_eq!((it.get(first).await.state, it.get(second).await.attempts), (done(2), 1));
}

async fn a_version_guard_holds_until_something_changes(it: LedgerFixture) {
    for delivery in [in_lane(1, "a"), in_lane(2, "a")] {
        it.open(delivery).await;
    }
    let mut versions = vec![it.get(delivery_id(2)).await.version];
    let changes = [
        shift(delivery_id(1), cancelled()),
        Change::Claim { delivery: delivery_id(2), claim: claim(5) },
        settle(delivery_id(2), 6, ACCEPTED, waiting(7)),
        shift(delivery_id(2), cancelled()),
    ];
    for change in changes {
        let told = format!("{change:?}");
        it.apply(change).await;
        let now = it.get(delivery_id(2)).await.version;
        for old in &versions {
            let stale = Guard::DeliveryVersion { delivery: delivery_id(2), version: *old };
            assert_eq!(it.refusal(Batch::new().guard(stale)).await, FaultKind::Conflict, "{old} of {now} after {told}");
        }
        it.commit(Batch::new().guard(Guard::DeliveryVersion { delivery: delivery_id(2), version: now })).await;
        versions.push(now);
    }
    assert_eq!(versions, [1, 2, 3, 4, 5], "each change raises it by one, the freeing of its lane too");
}

async fn of_concurrent_batches_on_a_cursor_one_wins(it: LedgerFixture) {
    let commits = (1..=16).map(|n| it.ledger().commit(Batch::new().guard(router(0, n)).change(open(delivery(n)))));
    let answers = join_all(commits).await;
    let winners: Vec<u64> = (1..).zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(n, _)| n).collect();
    let [winner] = winners[..] else { panic!("expected one winner, got {winners:?}") };
    assert_eq!(it.ledger().cursor(&name("router"), Partition(0)).await.ok(), Some(Offset(winner)));
    for n in 1..=16 {
        let there = it.ledger().delivery(delivery_id(n)).await.expect("the ledger reads").is_some();
        assert_eq!(there, n == winner, "delivery {n}, winner {winner}");
    }
    let others = answers.iter().filter_map(|answer| answer.as_ref().err()).all(|fault| fault.kind == FaultKind::Conflict);
    assert!(others, "{answers:?}");
}

async fn a_dropped_commit_stands_whole_or_not_at_all(it: LedgerFixture) {
    let batch = |to| (1..=5).fold(Batch::new().guard(router(0, to)), |batch, n| batch.change(open(delivery(n))));
    let dropped = it.ledger().commit(batch(7)).now_or_never();
    it.commit(Batch::new().change(open(delivery(9)))).await;
    let mut there = 0;
    for n in 1..=5 {
        there += usize::from(it.ledger().delivery(delivery_id(n)).await.expect("the ledger reads").is_some());
    }
    assert!(there == 5 || there == 0 && dropped.is_none(), "{there} of 5 stand, answered: {dropped:?}");
    let stands = it.ledger().cursor(&name("router"), Partition(0)).await.ok();
    assert_eq!(stands, Some(Offset(if there == 5 { 7 } else { 0 })));
}

async fn the_ledgers_hint_rises_after_a_commit(it: LedgerFixture) {
    let mut hint = it.ledger().changed();
    hint.mark_unchanged();
    it.open(delivery(1)).await;
    assert_eq!(hint.has_changed().ok(), Some(true));
}

async fn what_was_committed_is_there_after_a_restart(mut it: LedgerFixture) {
    prepare(&it).await;
    it.commit(rich()).await;
    let before = portrait(&it).await;
    it.reopen().await;
    assert_eq!(portrait(&it).await, before);
}
