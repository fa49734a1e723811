//! The ledger: what people's commands are guarded by. Writes by their keys, the policy in force, the tokens of a name.

use model::limit::TRIM_ROWS_MAX;
use model::{Batch, Change, Digest, FaultKind, Guard, KeyedWrite, Principal, Scope, Timestamp, Token, TokenId};

use super::fixture::LedgerFixture;
use super::sample::{at, event_id, in_force, kept_answer, keyed, keyed_id};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_keyed_write_is_written_anew_with_each_turn", |it| Box::pin(a_keyed_write_is_written_anew_with_each_turn(it))),
    ("a_turn_is_taken_once", |it| Box::pin(a_turn_is_taken_once(it))),
    ("a_new_key_is_taken_while_there_is_room", |it| Box::pin(a_new_key_is_taken_while_there_is_room(it))),
    ("the_oldest_keyed_writes_are_forgotten_first", |it| Box::pin(the_oldest_keyed_writes_are_forgotten_first(it))),
    ("one_policy_is_in_force", |it| Box::pin(one_policy_is_in_force(it))),
    ("of_two_applications_onto_one_the_second_is_refused", |it| {
        Box::pin(of_two_applications_onto_one_the_second_is_refused(it))
    }),
    ("tokens_are_guarded_by_their_name", |it| Box::pin(tokens_are_guarded_by_their_name(it))),
];

fn put(write: KeyedWrite) -> Change {
    Change::PutKeyed(Box::new(write))
}

impl LedgerFixture {
    async fn keyed(&self, n: u64) -> Option<KeyedWrite> {
        self.ledger().keyed_write(keyed_id(n)).await.expect("the ledger reads")
    }

    async fn keyed_count(&self) -> u64 {
        self.ledger().keyed_writes(keyed_id(0)).await.expect("the ledger reads")
    }
}

async fn a_keyed_write_is_written_anew_with_each_turn(mut it: LedgerFixture) {
    assert_eq!((it.keyed(1).await, it.keyed_count().await), (None, 0));
    it.apply(put(keyed(1, 1))).await;
    let answered = KeyedWrite { answer: Some(kept_answer(1)), begun_at: at(7), ..keyed(1, 2) };
    it.apply(put(answered.clone())).await;
    it.apply(put(keyed(2, 1))).await;
    it.reopen().await;
    assert_eq!((it.keyed(1).await, it.keyed(2).await), (Some(answered), Some(keyed(2, 1))));
    assert_eq!((it.keyed(3).await, it.keyed_count().await), (None, 2));
    let anothers = KeyedWrite::id_of(&Principal::new("another"), "key-1");
    assert_eq!(it.ledger().keyed_writes(anothers).await.ok(), Some(0), "each is counted by itself");
    it.apply(put(KeyedWrite { id: anothers, ..keyed(1, 1) })).await;
    assert_eq!((it.ledger().keyed_writes(anothers).await.ok(), it.keyed_count().await), (Some(1), 2));
}

async fn a_turn_is_taken_once(it: LedgerFixture) {
    let take = |turn: u64| {
        let guard = Guard::KeyedTurn { write: keyed_id(1), turn: turn - 1 };
        Batch::new().guard(guard).change(put(keyed(1, turn)))
    };
    it.commit(take(1)).await;
    assert_eq!(it.refusal(take(1)).await, FaultKind::Conflict);
    assert_eq!(it.refusal(take(3)).await, FaultKind::Conflict);
    it.commit(take(2)).await;
    assert_eq!(it.refusal(take(2)).await, FaultKind::Conflict);
    assert_eq!(it.keyed(1).await, Some(keyed(1, 2)));
}

async fn a_new_key_is_taken_while_there_is_room(it: LedgerFixture) {
    let take = |n: u64| {
        let guard = Guard::KeyedRoom { write: keyed_id(n), most: 2 };
        Batch::new().guard(guard).change(put(keyed(n, 1)))
    };
    let anothers = KeyedWrite::id_of(&Principal::new("another"), "key-1");
    it.apply(put(KeyedWrite { id: anothers, ..keyed(1, 1) })).await;
    it.commit(take(1)).await;
    it.commit(take(2)).await;
    assert_eq!(it.refusal(take(3)).await, FaultKind::Conflict);
    it.apply(Change::ForgetKeyed { before: at(2) }).await;
    it.commit(take(3)).await;
    assert_eq!(it.refusal(take(4)).await, FaultKind::Conflict);
    assert_eq!(it.keyed_count().await, 2);
}

async fn the_oldest_keyed_writes_are_forgotten_first(mut it: LedgerFixture) {
    let more = TRIM_ROWS_MAX as u64 + 3;
    let mut batch = Batch::new();
    for n in 0..more {
        // The youngest has the lowest number, so that the order of ids is not the order of time.
        batch = batch.change(put(KeyedWrite { begun_at: at((more - n).cast_signed()), ..keyed(n, 1) }));
    }
    it.commit(batch).await;
    it.apply(Change::ForgetKeyed { before: Timestamp::NEVER }).await;
    assert_eq!(it.keyed_count().await, 3);
    it.reopen().await;
    for n in 0..3 {
        assert!(it.keyed(n).await.is_some(), "{n}");
    }
    it.apply(Change::ForgetKeyed { before: at((more - 1).cast_signed()) }).await;
    assert_eq!((it.keyed_count().await, it.keyed(2).await), (2, None));
}

async fn one_policy_is_in_force(mut it: LedgerFixture) {
    assert_eq!(it.ledger().in_force().await.ok(), Some(None));
    for number in [1, 2, 9] {
        it.apply(Change::PutInForce(Box::new(in_force(number, at(3))))).await;
    }
    it.reopen().await;
    assert_eq!(it.ledger().in_force().await.ok(), Some(Some(in_force(9, at(3)))));
}

async fn of_two_applications_onto_one_the_second_is_refused(it: LedgerFixture) {
    let onto = |number: u64| {
        let change = Change::PutInForce(Box::new(in_force(number + 1, at(1))));
        Batch::new().guard(Guard::InForce { number }).change(change)
    };
    it.commit(onto(0)).await;
    assert_eq!(it.refusal(onto(0)).await, FaultKind::Conflict);
    it.commit(onto(1)).await;
    assert_eq!(it.refusal(onto(1)).await, FaultKind::Conflict);
    assert_eq!(it.refusal(onto(3)).await, FaultKind::Conflict);
    assert_eq!(it.ledger().in_force().await.ok(), Some(Some(in_force(2, at(1)))));
}

async fn tokens_are_guarded_by_their_name(it: LedgerFixture) {
    let token = |n: u64, name: &str| Token {
        id: TokenId::derive(event_id(n).0, &[b"token"]),
        digest: Digest::of(&n.to_be_bytes()),
        name: name.to_owned(),
        scopes: vec![Scope::Read],
        created_at: at(1),
        expires_at: Timestamp::NEVER,
        revoked_at: None,
    };
    let when = |name: &str, version: u64, token: Token| {
        let guard = Guard::Tokens { name: name.to_owned(), version };
        Batch::new().guard(guard).change(Change::PutToken(Box::new(token)))
    };
    it.commit(when("ci", 0, token(1, "ci"))).await;
    assert_eq!(it.refusal(when("ci", 0, token(2, "ci"))).await, FaultKind::Conflict);
    it.commit(when("ci", 1, token(2, "ci"))).await;
    it.commit(when("other", 0, token(3, "other"))).await;
    let revoked = Token { revoked_at: Some(at(2)), ..token(1, "ci") };
    it.commit(when("ci", 2, revoked.clone())).await;
    assert_eq!(it.refusal(when("ci", 2, revoked.clone())).await, FaultKind::Conflict);
    it.commit(when("ci", 3, revoked)).await;
}
