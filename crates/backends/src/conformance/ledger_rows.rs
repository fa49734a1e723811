//! The ledger: everything that is written once, overwritten, or moved on, and found again.

use model::change::Switch;
use model::limit::{BODY_BYTES_MAX, READ_BYTES_MAX};
use model::{
    Batch, Change, Digest, Entry, FaultKind, Guard, Partition, PolicyVersion, QuarantineState, Replay, ReplayState, Scope,
    Token, TokenId,
};
use uuid::Uuid;

use super::fixture::LedgerFixture;
use super::sample::{
    at, delivery, delivery_id, done, emitted_id, event_id, held, member, name, person, policy, quarantined, replay,
    replay_id, replayed,
};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_quarantined_event_is_kept_once", |it| Box::pin(a_quarantined_event_is_kept_once(it))),
    ("a_quarantined_event_moves_on", |it| Box::pin(a_quarantined_event_moves_on(it))),
    ("an_entry_is_emitted_once", |it| Box::pin(an_entry_is_emitted_once(it))),
    ("the_outbox_gives_the_oldest_first", |it| Box::pin(the_outbox_gives_the_oldest_first(it))),
    ("the_outbox_gives_no_more_bytes_than_a_read", |it| Box::pin(the_outbox_gives_no_more_bytes_than_a_read(it))),
    ("what_was_emitted_leaves_the_outbox_for_good", |it| Box::pin(what_was_emitted_leaves_the_outbox_for_good(it))),
    ("seen_names_the_seen_of_those_asked_for", |it| Box::pin(seen_names_the_seen_of_those_asked_for(it))),
    ("a_policy_is_kept_whole_and_once", |it| Box::pin(a_policy_is_kept_whole_and_once(it))),
    ("breakers_and_switches_are_overwritten", |it| Box::pin(breakers_and_switches_are_overwritten(it))),
    ("a_replay_is_kept_once_with_its_members", |it| Box::pin(a_replay_is_kept_once_with_its_members(it))),
    ("a_replay_moves_on_under_its_version", |it| Box::pin(a_replay_moves_on_under_its_version(it))),
    ("a_replay_is_cancelled_while_it_runs", |it| Box::pin(a_replay_is_cancelled_while_it_runs(it))),
    ("a_replays_progress_counts_its_deliveries", |it| Box::pin(a_replays_progress_counts_its_deliveries(it))),
    ("a_token_is_found_by_its_digest", |it| Box::pin(a_token_is_found_by_its_digest(it))),
];

impl LedgerFixture {
    async fn emit(&self, n: u64) {
        let entry = Box::new(replayed(n, 1));
        self.apply(Change::Emit { id: emitted_id(n), partition: Partition(0), policy: policy(n), entry }).await;
    }

    async fn outbox(&self, limit: usize) -> Vec<(Option<Uuid>, PolicyVersion, Entry)> {
        let waiting = self.ledger().outbox(limit).await.expect("the ledger reads");
        assert_eq!(waiting.unreadable, [""; 0]);
        waiting.rows.into_iter().map(|new| (new.emitted, new.policy, new.entry)).collect()
    }
}

fn emitted(n: u64) -> (Option<Uuid>, PolicyVersion, Entry) {
    (Some(emitted_id(n)), policy(n), replayed(n, 1))
}

async fn a_quarantined_event_is_kept_once(mut it: LedgerFixture) {
    it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
    let other = model::QuarantineRow { owner: name("finance"), version: 8, ..quarantined(1) };
    it.apply(Change::Quarantine(Box::new(other))).await;
    it.reopen().await;
    assert_eq!(it.ledger().quarantined(event_id(1)).await.ok(), Some(Some(quarantined(1))));
    assert_eq!(it.ledger().quarantined(event_id(2)).await.ok(), Some(None));
}

async fn a_quarantined_event_moves_on(mut it: LedgerFixture) {
    let moved = |state| Change::QuarantineMove { event: event_id(1), state };
    it.conflicts(moved(QuarantineState::Open)).await;
    it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
    let why = "it's \"fine\"".to_owned();
    let states = [
        (QuarantineState::Released { by: person(), why: why.clone() }, 0),
        (QuarantineState::Closed { by: person(), why: why.clone() }, 0),
        (QuarantineState::Resubmitted { as_event: event_id(5), by: person(), why: why.clone() }, 1),
        (QuarantineState::Open, 1),
        (QuarantineState::Resubmitted { as_event: event_id(6), by: person(), why }, 2),
    ];
    for (version, (state, revision)) in (1..).zip(states) {
        let stale = Guard::QuarantineVersion { event: event_id(1), version: version + 7 };
        assert_eq!(it.refusal(Batch::new().guard(stale).change(moved(state.clone()))).await, FaultKind::Conflict);
        let guard = Guard::QuarantineVersion { event: event_id(1), version };
        it.commit(Batch::new().guard(guard).change(moved(state.clone()))).await;
        it.reopen().await;
        let expected = model::QuarantineRow { state, revision, version: version + 1, ..quarantined(1) };
        assert_eq!(it.ledger().quarantined(event_id(1)).await.ok(), Some(Some(expected)));
    }
}

async fn an_entry_is_emitted_once(mut it: LedgerFixture) {
    it.emit(1).await;
    let again = Box::new(replayed(9, 9));
    it.apply(Change::Emit { id: emitted_id(1), partition: Partition(0), policy: policy(9), entry: again }).await;
    it.reopen().await;
    assert_eq!(it.outbox(10).await, [emitted(1)]);
}

async fn the_outbox_gives_the_oldest_first(mut it: LedgerFixture) {
    for n in [5, 2, 9, 1] {
        it.emit(n).await;
    }
    it.reopen().await;
    assert_eq!(it.outbox(10).await, [emitted(5), emitted(2), emitted(9), emitted(1)]);
    assert_eq!(it.outbox(2).await, [emitted(5), emitted(2)]);
    let event = Box::new(Entry::Admitted(super::sample::event(7)));
    it.apply(Change::Emit { id: emitted_id(7), partition: Partition(0), policy: policy(7), entry: event }).await;
    it.reopen().await;
    let last = it.outbox(10).await.pop();
    assert_eq!(last, Some((Some(emitted_id(7)), policy(7), Entry::Admitted(super::sample::event(7)))), "with its bytes");
}

async fn the_outbox_gives_no_more_bytes_than_a_read(mut it: LedgerFixture) {
    let large = |n: u64| {
        let body = bytes::Bytes::from(vec![b'x'; BODY_BYTES_MAX]);
        Entry::Admitted(model::Event { body, ..super::sample::event(n) })
    };
    let fit = u64::try_from(READ_BYTES_MAX / BODY_BYTES_MAX).expect("a small number");
    for n in 1..=fit + 1 {
        let entry = Box::new(large(n));
        it.apply(Change::Emit { id: emitted_id(n), partition: Partition(0), policy: policy(n), entry }).await;
    }
    it.reopen().await;
    let waiting = it.outbox(1_000).await;
    let bytes: usize = waiting.iter().filter_map(|(_, _, entry)| entry.event()).map(|event| event.body.len()).sum();
    assert!(!waiting.is_empty() && bytes <= READ_BYTES_MAX, "{} entries, {bytes} bytes", waiting.len());
    for n in 1..=fit {
        it.apply(Change::Emitted { id: emitted_id(n) }).await;
    }
    assert_eq!(it.outbox(1_000).await.len(), 1, "the last comes with the next");
}

async fn what_was_emitted_leaves_the_outbox_for_good(mut it: LedgerFixture) {
    for n in 1..=3 {
        it.emit(n).await;
    }
    it.apply(Change::Emitted { id: emitted_id(2) }).await;
    it.apply(Change::Emitted { id: emitted_id(2) }).await;
    it.apply(Change::Emitted { id: emitted_id(8) }).await;
    assert_eq!(it.outbox(10).await, [emitted(1), emitted(3)]);
    it.reopen().await;
    it.emit(2).await;
    assert_eq!(it.outbox(10).await, [emitted(1), emitted(3)], "a repeated command does not emit it again");
}

async fn seen_names_the_seen_of_those_asked_for(mut it: LedgerFixture) {
    for n in [1, 3, 3, 5] {
        it.apply(Change::See { id: emitted_id(n) }).await;
    }
    it.reopen().await;
    let cases: [(Vec<u64>, Vec<u64>); 4] =
        [(vec![], vec![]), (vec![2], vec![]), (vec![5, 2, 1], vec![1, 5]), ((1..=1_500).collect(), vec![1, 3, 5])];
    for (asked, expected) in cases {
        let ids = asked.iter().map(|n| emitted_id(*n)).collect();
        let mut seen = it.ledger().seen(ids).await.expect("the ledger reads");
        seen.sort();
        let mut expected: Vec<Uuid> = expected.into_iter().map(emitted_id).collect();
        expected.sort();
        assert_eq!(seen, expected, "of {} asked", asked.len());
    }
}

async fn a_policy_is_kept_whole_and_once(mut it: LedgerFixture) {
    let files = |text: &str| vec![("flows/b.yaml".to_owned(), text.to_owned()), ("flows/a.yaml".to_owned(), String::new())];
    it.apply(Change::StorePolicy { version: policy(1), files: files("from: shop\n\"ü\""), at: at(1) }).await;
    it.apply(Change::StorePolicy { version: policy(1), files: files("other"), at: at(2) }).await;
    it.apply(Change::StorePolicy { version: policy(2), files: Vec::new(), at: at(3) }).await;
    it.reopen().await;
    assert_eq!(it.ledger().policy(policy(1)).await.ok(), Some(Some(files("from: shop\n\"ü\""))), "in its own order");
    assert_eq!(it.ledger().policy(policy(2)).await.ok(), Some(Some(Vec::new())));
    assert_eq!(it.ledger().policy(policy(3)).await.ok(), Some(None));
    let rows = it.views().policies(None, 10).await.map(|page| page.rows).ok();
    assert_eq!(rows, Some(vec![(policy(2), at(3)), (policy(1), at(1))]));
}

async fn breakers_and_switches_are_overwritten(mut it: LedgerFixture) {
    let switch = |paused, secs| Switch { paused, by: person(), why: "it's too \"hot\"".to_owned(), at: at(secs) };
    for (destination, state) in [("wms", "{\"open\":1}"), ("erp", "{}"), ("wms", "{\"open\":2}")] {
        it.apply(Change::Breaker { destination: name(destination), state: state.to_owned() }).await;
    }
    for (object, paused, secs) in [("flow/orders", true, 1), ("source/shop", true, 2), ("flow/orders", false, 3)] {
        it.apply(Change::Switch { object: object.to_owned(), switch: switch(paused, secs) }).await;
    }
    it.reopen().await;
    let mut breakers = it.ledger().breakers().await.expect("the ledger reads");
    breakers.sort();
    assert_eq!(breakers, [(name("erp"), "{}".to_owned()), (name("wms"), "{\"open\":2}".to_owned())]);
    let mut switches = it.ledger().switches().await.expect("the ledger reads");
    switches.sort_by_key(|(object, _)| object.clone());
    assert_eq!(switches, [("flow/orders".to_owned(), switch(false, 3)), ("source/shop".to_owned(), switch(true, 2))]);
}

async fn a_replay_is_kept_once_with_its_members(mut it: LedgerFixture) {
    let members = vec![member(0, None), member(1, Some("a newer one was delivered since")), member(2, None)];
    it.apply(Change::Replay { replay: Box::new(replay(1, 3)), members: members.clone() }).await;
    let other = Replay { why: "other".to_owned(), ..replay(1, 1) };
    it.apply(Change::Replay { replay: Box::new(other), members: vec![member(7, None)] }).await;
    it.reopen().await;
    assert_eq!(it.ledger().replay(replay_id(1)).await.ok(), Some(Some(replay(1, 3))));
    assert_eq!(it.ledger().replay(replay_id(2)).await.ok(), Some(None));
    for (from, limit) in [(0, 10), (0, 2), (1, 1), (2, 10), (3, 10), (0, 0)] {
        let page = it.ledger().members(replay_id(1), from, limit).await.expect("the ledger reads");
        let expected: Vec<_> = members.iter().filter(|member| member.index >= from).take(limit).cloned().collect();
        assert_eq!(page, expected, "from {from}, {limit}");
    }
    assert_eq!(it.ledger().members(replay_id(2), 0, 10).await.ok(), Some(Vec::new()));
}

async fn a_replay_moves_on_under_its_version(mut it: LedgerFixture) {
    it.conflicts(Change::ReplayMove(Box::new(replay(1, 3)))).await;
    it.apply(Change::Replay { replay: Box::new(replay(1, 3)), members: Vec::new() }).await;
    it.apply(Change::Replay { replay: Box::new(replay(2, 3)), members: Vec::new() }).await;
    let states = [
        ReplayState::Running,
        ReplayState::Stopped { why: "5 failed".to_owned() },
        ReplayState::Cancelled { by: person() },
        ReplayState::Sent { at: at(9) },
    ];
    for (version, state) in (1..).zip(states) {
        let moved = Replay { state: state.clone(), next: 2, version: 77, ..replay(1, 3) };
        let guard = Guard::ReplayVersion { replay: replay_id(1), version };
        it.commit(Batch::new().guard(guard.clone()).change(Change::ReplayMove(Box::new(moved.clone())))).await;
        assert_eq!(it.refusal(Batch::new().guard(guard)).await, FaultKind::Conflict);
        it.reopen().await;
        let expected = Replay { version: version + 1, ..moved };
        assert_eq!(it.ledger().replay(replay_id(1)).await.ok(), Some(Some(expected)));
        let mut running = it.ledger().replays_running().await.expect("the ledger reads").rows;
        running.sort_by_key(|replay| replay.id);
        let ids: Vec<_> = running.iter().map(|replay| replay.id).collect();
        let expected = if state == ReplayState::Running { vec![replay_id(1), replay_id(2)] } else { vec![replay_id(2)] };
        assert_eq!(ids, expected, "{state:?}");
    }
}

async fn a_replay_is_cancelled_while_it_runs(mut it: LedgerFixture) {
    let cancel = || Change::CancelReplay { replay: replay_id(1), by: person() };
    it.conflicts(cancel()).await;
    it.apply(Change::Replay { replay: Box::new(replay(1, 3)), members: vec![member(0, None), member(1, None)] }).await;
    it.apply(Change::ReplayMove(Box::new(Replay { next: 2, ..replay(1, 3) }))).await;
    let stale = Guard::ReplayVersion { replay: replay_id(1), version: 1 };
    assert_eq!(it.refusal(Batch::new().guard(stale).change(cancel())).await, FaultKind::Conflict);
    it.commit(Batch::new().guard(Guard::ReplayVersion { replay: replay_id(1), version: 2 }).change(cancel())).await;
    it.reopen().await;
    let expected = Replay { state: ReplayState::Cancelled { by: person() }, next: 2, version: 3, ..replay(1, 3) };
    assert_eq!(it.ledger().replay(replay_id(1)).await.ok(), Some(Some(expected)), "where it stood");
    assert!(it.ledger().replays_running().await.is_ok_and(|running| running.is_empty()));
    let (all, end) = (model::Offset(0), model::Offset(u64::MAX >> 1));
    assert_eq!(it.ledger().needed(Partition(0), all, end).await.ok(), Some(Vec::new()), "nothing is kept for it");
    it.conflicts(cancel()).await;
}

async fn a_replays_progress_counts_its_deliveries(it: LedgerFixture) {
    for n in 1..=4 {
        it.open(model::Delivery { replay: Some(replay_id(1)), ..delivery(n) }).await;
    }
    it.open(model::Delivery { replay: Some(replay_id(2)), ..delivery(5) }).await;
    it.open(delivery(6)).await;
    it.shift(delivery_id(1), held()).await;
    it.shift(delivery_id(2), done(2)).await;
    it.shift(delivery_id(5), done(2)).await;
    let mut progress = it.ledger().replay_progress(replay_id(1)).await.expect("the ledger reads");
    progress.sort();
    assert_eq!(progress, [("done".to_owned(), 1), ("held".to_owned(), 1), ("waiting".to_owned(), 2)]);
    assert_eq!(it.ledger().replay_progress(replay_id(3)).await.ok(), Some(Vec::new()));
}

async fn a_token_is_found_by_its_digest(mut it: LedgerFixture) {
    let token = |n: u64| Token {
        id: TokenId::derive(event_id(n).0, &[b"token"]),
        digest: Digest::of(&n.to_be_bytes()),
        name: format!("ci-{n}"),
        scopes: vec![Scope::Read, Scope::Operate],
        created_at: at(1),
        expires_at: model::Timestamp::NEVER,
        revoked_at: None,
    };
    it.apply(Change::PutToken(Box::new(token(1)))).await;
    it.apply(Change::PutToken(Box::new(token(2)))).await;
    let revoked = Token { revoked_at: Some(at(9)), scopes: Vec::new(), ..token(2) };
    it.apply(Change::PutToken(Box::new(revoked.clone()))).await;
    it.reopen().await;
    for (n, expected) in [(1, Some(token(1))), (2, Some(revoked.clone())), (3, None)] {
        assert_eq!(it.ledger().token(Digest::of(&u64::to_be_bytes(n))).await.ok(), Some(expected));
    }
    let mut tokens = it.ledger().tokens().await.expect("the ledger reads");
    tokens.sort_by_key(|token| token.name.clone());
    assert_eq!(tokens, [token(1), revoked]);
}
