//! The ledger: the counters of the conservation line, and which bytes are still needed.

use model::account::{Account, ROUTER};
use model::{
    Batch, Bucket, Change, Delivery, Entry, Guard, Offset, Origin, Partition, QuarantineState, Replay, ReplayState,
};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, BUSY, cancelled, claim, dead, delivery, delivery_id, done, emitted_id, event_id, held, member, name, person,
    policy, position, quarantined, replay, replayed, waiting,
};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("each_change_of_state_moves_one_counter", |it| Box::pin(each_change_of_state_moves_one_counter(it))),
    ("each_quarantine_move_moves_one_counter", |it| Box::pin(each_quarantine_move_moves_one_counter(it))),
    ("origins_are_counted_apart", |it| Box::pin(origins_are_counted_apart(it))),
    ("routing_is_counted_as_told", |it| Box::pin(routing_is_counted_as_told(it))),
    ("the_account_shows_the_routers_cursors", |it| Box::pin(the_account_shows_the_routers_cursors(it))),
    ("bytes_are_needed_by_open_deliveries", |it| Box::pin(bytes_are_needed_by_open_deliveries(it))),
    ("bytes_are_needed_by_open_quarantine", |it| Box::pin(bytes_are_needed_by_open_quarantine(it))),
    ("bytes_are_needed_by_running_replays", |it| Box::pin(bytes_are_needed_by_running_replays(it))),
    ("bytes_are_needed_by_what_is_emitted_and_not_seen", |it| {
        Box::pin(bytes_are_needed_by_what_is_emitted_and_not_seen(it))
    }),
    ("needed_is_sorted_bounded_and_of_one_partition", |it| Box::pin(needed_is_sorted_bounded_and_of_one_partition(it))),
];

impl LedgerFixture {
    async fn account(&self) -> Account {
        let account = self.ledger().account().await.expect("the ledger reads");
        assert_eq!(self.ledger().recount().await.ok().as_ref(), Some(&account), "the rows say the same");
        account
    }

    /// The buckets of an origin that are not empty.
    async fn counts(&self, origin: Origin) -> Vec<(Bucket, u64)> {
        let tally = self.account().await.tallies[origin.index()];
        Bucket::ALL.into_iter().map(|bucket| (bucket, tally.get(bucket))).filter(|(_, count)| *count > 0).collect()
    }

    async fn needed(&self, from: u64, to: u64) -> Vec<u64> {
        let needed = self.ledger().needed(Partition(0), Offset(from), Offset(to)).await.expect("the ledger reads");
        needed.into_iter().map(|offset| offset.0).collect()
    }
}

async fn each_change_of_state_moves_one_counter(mut it: LedgerFixture) {
    it.open(delivery(1)).await;
    assert_eq!(it.counts(Origin::Live).await, [(Bucket::Created, 1), (Bucket::Waiting, 1)]);
    it.claim(delivery_id(1), 5).await;
    assert_eq!(it.counts(Origin::Live).await, [(Bucket::Created, 1), (Bucket::Waiting, 1)], "being attempted is waiting");
    it.settle(delivery_id(1), 6, BUSY, dead()).await;
    let states = [
        (dead(), Bucket::DeadLettered),
        (waiting(9), Bucket::Waiting),
        (held(), Bucket::Held),
        (held(), Bucket::Held),
        (cancelled(), Bucket::Cancelled),
        (model::DeliveryState::Superseded { by: delivery_id(2) }, Bucket::Superseded),
        (done(9), Bucket::Done),
    ];
    for (state, bucket) in states {
        it.shift(delivery_id(1), state).await;
        it.reopen().await;
        assert_eq!(it.counts(Origin::Live).await, [(Bucket::Created, 1), (bucket, 1)]);
    }
}

async fn each_quarantine_move_moves_one_counter(it: LedgerFixture) {
    it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
    let why = String::new;
    let states = [
        (QuarantineState::Open, Bucket::Quarantined),
        (QuarantineState::Released { by: person(), why: why() }, Bucket::Released),
        (QuarantineState::Closed { by: person(), why: why() }, Bucket::Closed),
        (QuarantineState::Resubmitted { as_event: event_id(2), by: person(), why: why() }, Bucket::Resubmitted),
    ];
    for (state, bucket) in states {
        it.apply(Change::QuarantineMove { event: event_id(1), state }).await;
        it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
        assert_eq!(it.counts(Origin::Live).await, [(bucket, 1)]);
    }
}

async fn origins_are_counted_apart(it: LedgerFixture) {
    for (n, origin) in (1..).zip([Origin::Live, Origin::Replay, Origin::Synthetic]) {
        it.open(Delivery { origin, ..delivery(n) }).await;
        it.open(Delivery { origin, ..delivery(n + 10) }).await;
        it.shift(delivery_id(n + 10), done(1)).await;
        it.apply(Change::Quarantine(Box::new(model::QuarantineRow { origin, ..quarantined(n) }))).await;
        let expected = [(Bucket::Quarantined, 1), (Bucket::Created, 2), (Bucket::Waiting, 1), (Bucket::Done, 1)];
        assert_eq!(it.counts(origin).await, expected);
    }
}

async fn routing_is_counted_as_told(mut it: LedgerFixture) {
    for (origin, entries) in [(Origin::Live, 3), (Origin::Replay, 1), (Origin::Live, 4), (Origin::Live, 0)] {
        it.apply(Change::Count { bucket: Bucket::Routed, origin, entries }).await;
    }
    it.reopen().await;
    assert_eq!(it.counts(Origin::Live).await, [(Bucket::Routed, 7)]);
    assert_eq!(it.counts(Origin::Replay).await, [(Bucket::Routed, 1)]);
    assert_eq!(it.counts(Origin::Synthetic).await, []);
}

async fn the_account_shows_the_routers_cursors(mut it: LedgerFixture) {
    assert_eq!(it.account().await, Account::default());
    for (consumer, partition, to) in [(ROUTER, 1, 4), ("watch", 0, 9), (ROUTER, 0, 7)] {
        let consumer = name(consumer);
        it.commit(Batch::new().guard(Guard::Cursor {
            consumer,
            partition: Partition(partition),
            from: Offset(0),
            to: Offset(to),
        }))
        .await;
    }
    it.reopen().await;
    let mut routed_to = it.account().await.routed_to;
    routed_to.sort();
    assert_eq!(routed_to, [(Partition(0), Offset(7)), (Partition(1), Offset(4))]);
}

async fn bytes_are_needed_by_open_deliveries(it: LedgerFixture) {
    for n in 1..=6 {
        it.open(Delivery { bytes_at: position(n + 10), ..delivery(n) }).await;
    }
    it.claim(delivery_id(2), 9).await;
    it.shift(delivery_id(3), held()).await;
    it.shift(delivery_id(4), dead()).await;
    it.shift(delivery_id(5), done(9)).await;
    it.shift(delivery_id(6), cancelled()).await;
    assert_eq!(it.needed(0, 100).await, [11, 12, 13, 14]);
    it.settle(delivery_id(2), 9, ACCEPTED, done(9)).await;
    it.shift(delivery_id(5), waiting(10)).await;
    assert_eq!(it.needed(0, 100).await, [11, 13, 14, 15], "what comes back needs its bytes again");
}

async fn bytes_are_needed_by_open_quarantine(it: LedgerFixture) {
    for n in 1..=2 {
        it.apply(Change::Quarantine(Box::new(quarantined(n)))).await;
    }
    assert_eq!(it.needed(0, 100).await, [1, 2]);
    let closed = QuarantineState::Closed { by: person(), why: String::new() };
    it.apply(Change::QuarantineMove { event: event_id(1), state: closed }).await;
    assert_eq!(it.needed(0, 100).await, [2]);
}

async fn bytes_are_needed_by_running_replays(it: LedgerFixture) {
    let members = vec![member(0, None), member(1, Some("skipped")), member(2, None)];
    it.apply(Change::Replay { replay: Box::new(Replay { next: 2, ..replay(1, 3) }), members }).await;
    assert_eq!(it.needed(0, 100).await, [1, 3], "what is sent is on its way to the router, and needed until the end");
    let sent = Replay { state: ReplayState::Stopped { why: String::new() }, ..replay(1, 3) };
    it.apply(Change::ReplayMove(Box::new(sent))).await;
    assert_eq!(it.needed(0, 100).await, [0; 0]);
}

async fn bytes_are_needed_by_what_is_emitted_and_not_seen(mut it: LedgerFixture) {
    let emit = |n: u64, entry| Change::Emit {
        id: emitted_id(n),
        partition: Partition(0),
        policy: policy(1),
        entry: Box::new(entry),
    };
    let released = Entry::Released { of: event_id(7), at: position(7), by: person(), why: String::new() };
    it.apply(emit(1, replayed(1, 5))).await;
    it.apply(emit(2, released)).await;
    it.apply(emit(3, Entry::PolicyApplied { version: policy(2), by: person(), why: String::new() })).await;
    assert_eq!(it.needed(0, 100).await, [5, 7]);
    it.apply(Change::Emitted { id: emitted_id(2) }).await;
    it.reopen().await;
    assert_eq!(it.needed(0, 100).await, [5, 7], "it is in the journal, and not routed yet");
    it.apply(Change::See { id: emitted_id(2) }).await;
    assert_eq!(it.needed(0, 100).await, [5]);
}

async fn needed_is_sorted_bounded_and_of_one_partition(it: LedgerFixture) {
    for (n, offset) in (1..).zip([9, 3, 7, 3, 5]) {
        it.open(Delivery { bytes_at: position(offset), ..delivery(n) }).await;
    }
    let elsewhere = model::Position { partition: Partition(1), offset: Offset(4) };
    it.open_with(Delivery { bytes_at: elsewhere, ..delivery(20) }, Some(claim(50))).await;
    it.apply(Change::Quarantine(Box::new(quarantined(7)))).await;
    assert_eq!(it.needed(0, 100).await, [3, 5, 7, 9]);
    assert_eq!(it.needed(3, 7).await, [5, 7], "after the first, up to the second");
    assert_eq!(it.needed(9, 100).await, [0; 0]);
    let other = it.ledger().needed(Partition(1), Offset(0), Offset(100)).await;
    assert_eq!(other.ok(), Some(vec![Offset(4)]));
}
