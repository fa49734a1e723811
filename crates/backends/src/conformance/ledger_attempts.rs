//! The ledger: attempts are written before they begin and closed after, under an epoch that fences.

use futures::future::join_all;
use model::outcome::{Again, Lack};
use model::{
    Attempt, AttemptResult, Batch, Change, Claim, Delivery, DeliveryState, Digest, FaultKind, Guard, Outcome, Owner,
    TimeSpan, TransportError,
};

use super::fixture::LedgerFixture;
use super::sample::{
    ACCEPTED, BUSY, at, cancelled, claim, dead, delivery, delivery_id, done, ended, held, in_lane, lease, name, person,
    replay_id, waiting,
};
use super::steps::{settle, shift};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_delivery_is_read_back_as_it_was_opened", |it| Box::pin(a_delivery_is_read_back_as_it_was_opened(it))),
    ("a_claim_writes_the_attempt", |it| Box::pin(a_claim_writes_the_attempt(it))),
    ("a_claim_needs_a_ready_delivery", |it| Box::pin(a_claim_needs_a_ready_delivery(it))),
    ("any_lease_stands_against_a_claim", |it| Box::pin(any_lease_stands_against_a_claim(it))),
    ("of_concurrent_claims_one_wins", |it| Box::pin(of_concurrent_claims_one_wins(it))),
    ("settling_closes_the_attempt", |it| Box::pin(settling_closes_the_attempt(it))),
    ("settling_needs_an_open_attempt", |it| Box::pin(settling_needs_an_open_attempt(it))),
    ("the_cause_is_that_of_the_last_failure", |it| Box::pin(the_cause_is_that_of_the_last_failure(it))),
    ("the_first_output_stays", |it| Box::pin(the_first_output_stays(it))),
    ("every_outcome_is_kept_as_it_was", |it| Box::pin(every_outcome_is_kept_as_it_was(it))),
    ("every_state_is_kept_as_it_was", |it| Box::pin(every_state_is_kept_as_it_was(it))),
    ("an_old_epoch_is_fenced_off", |it| Box::pin(an_old_epoch_is_fenced_off(it))),
    ("a_leased_delivery_is_not_moved", |it| Box::pin(a_leased_delivery_is_not_moved(it))),
    ("a_new_round_begins_where_the_attempts_stand", |it| Box::pin(a_new_round_begins_where_the_attempts_stand(it))),
    ("a_large_answer_is_kept", |it| Box::pin(a_large_answer_is_kept(it))),
];

impl LedgerFixture {
    async fn attempts(&self, n: u64) -> Vec<Attempt> {
        let story = self.views().delivery_story(delivery_id(n)).await.expect("the views read");
        story.expect("the delivery is there").attempts
    }
}

async fn a_delivery_is_read_back_as_it_was_opened(mut it: LedgerFixture) {
    let full = Delivery {
        origin: model::Origin::Replay,
        replay: Some(replay_id(1)),
        bytes_at: super::sample::position(77),
        ranks_at: super::sample::position(70),
        ordering: Some(model::LaneKey::new("of its order")),
        why: "it's \"new\", Grüße".to_owned(),
        ..in_lane(2, "it's a key; DROP TABLE")
    };
    for given in [delivery(1), full] {
        it.open(given.clone()).await;
        assert_eq!(it.get(given.id).await, given);
        it.reopen().await;
        assert_eq!(it.get(given.id).await, given);
    }
    assert_eq!(it.ledger().delivery(delivery_id(3)).await.ok(), Some(None));
}

async fn a_claim_writes_the_attempt(mut it: LedgerFixture) {
    it.open(delivery(1)).await;
    assert_eq!(it.claim(delivery_id(1), 7).await, 1);
    let expected = Attempt { delivery: delivery_id(1), no: 1, started_at: at(7), lease: lease("one", 1), result: None };
    for reopened in [false, true] {
        let claimed = it.get(delivery_id(1)).await;
        assert_eq!((claimed.attempts, claimed.epoch, claimed.version), (1, 1, 2), "reopened: {reopened}");
        assert_eq!((claimed.lease, claimed.state), (Some(lease("one", 1)), waiting(1)));
        assert_eq!(it.attempts(1).await, std::slice::from_ref(&expected));
        it.reopen().await;
    }
}

async fn a_claim_needs_a_ready_delivery(it: LedgerFixture) {
    let of = |n: u64, secs: i64| Change::Claim { delivery: delivery_id(n), claim: claim(secs) };
    it.conflicts(of(1, 50)).await;
    for delivery in [in_lane(1, "a"), in_lane(2, "a"), delivery(3)] {
        it.open(delivery).await;
    }
    it.conflicts(Change::Claim {
        delivery: delivery_id(1),
        claim: Claim { at: at(1) - TimeSpan::from_micros(1), ..claim(0) },
    })
    .await;
    it.conflicts(of(2, 50)).await;
    for state in [held(), dead(), cancelled(), done(3)] {
        it.shift(delivery_id(3), state).await;
        it.conflicts(of(3, 50)).await;
    }
    it.claim(delivery_id(1), 1).await;
    assert_eq!(it.attempts(2).await.len() + it.attempts(3).await.len(), 0, "a refused claim opens no attempt");
}

async fn any_lease_stands_against_a_claim(it: LedgerFixture) {
    it.open(delivery(1)).await;
    it.claim(delivery_id(1), 7).await;
    it.apply(Change::Heartbeat { node: name("one"), incarnation: 2, at: at(8) }).await;
    for lease in [lease("one", 1), lease("one", 2), lease("two", 1)] {
        it.conflicts(Change::Claim { delivery: delivery_id(1), claim: Claim { lease, at: at(9_999) } }).await;
    }
    assert_eq!(it.get(delivery_id(1)).await.epoch, 1);
}

async fn of_concurrent_claims_one_wins(it: LedgerFixture) {
    it.open(delivery(1)).await;
    let change =
        |node: u64| Change::Claim { delivery: delivery_id(1), claim: Claim { lease: lease("one", node), at: at(5) } };
    let answers = join_all((1..=16).map(|node| it.ledger().commit(Batch::new().change(change(node))))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!((it.get(delivery_id(1)).await.epoch, it.attempts(1).await.len()), (1, 1));
}

async fn settling_closes_the_attempt(mut it: LedgerFixture) {
    it.open(delivery(1)).await;
    it.claim(delivery_id(1), 7).await;
    it.settle(delivery_id(1), 9, BUSY, waiting(30)).await;
    it.claim(delivery_id(1), 30).await;
    it.reopen().await;
    it.settle(delivery_id(1), 31, ACCEPTED, done(31)).await;
    let settled = it.get(delivery_id(1)).await;
    assert_eq!((settled.state, settled.why.as_str(), settled.lease), (done(31), "settled at 31", None));
    assert_eq!((settled.attempts, settled.epoch, settled.version), (2, 2, 5));
    let attempt = |no, started: i64, result| Attempt {
        delivery: delivery_id(1),
        no,
        started_at: at(started),
        lease: lease("one", 1),
        result: Some(result),
    };
    assert_eq!(it.attempts(1).await, [attempt(1, 7, ended(9, BUSY)), attempt(2, 30, ended(31, ACCEPTED))]);
}

async fn settling_needs_an_open_attempt(it: LedgerFixture) {
    it.conflicts(settle(delivery_id(1), 9, ACCEPTED, done(9))).await;
    it.open(delivery(1)).await;
    it.conflicts(settle(delivery_id(1), 9, ACCEPTED, done(9))).await;
    it.claim(delivery_id(1), 7).await;
    it.settle(delivery_id(1), 9, BUSY, waiting(30)).await;
    it.conflicts(settle(delivery_id(1), 10, ACCEPTED, done(10))).await;
    assert_eq!((it.get(delivery_id(1)).await.state, it.attempts(1).await.len()), (waiting(30), 1));
}

async fn the_cause_is_that_of_the_last_failure(it: LedgerFixture) {
    it.open(delivery(1)).await;
    let timeout = Outcome::Unreached { error: TransportError::Timeout };
    let steps = [
        (BUSY, waiting(10), "http_503"),
        (timeout, dead(), "timeout"),
        (Outcome::Unknown, held(), "unknown"),
        (Outcome::Unmapped { reasons: vec!["no sku".to_owned()] }, dead(), "unmapped"),
        (ACCEPTED, done(40), ""),
    ];
    for (outcome, state, cause) in steps {
        it.shift(delivery_id(1), waiting(5)).await;
        it.claim(delivery_id(1), 30).await;
        it.settle(delivery_id(1), 40, outcome, state).await;
        assert_eq!(it.get(delivery_id(1)).await.cause, cause);
        it.shift(delivery_id(1), held()).await;
        assert_eq!(it.get(delivery_id(1)).await.cause, cause, "a move leaves it");
    }
}

async fn the_first_output_stays(it: LedgerFixture) {
    it.open(delivery(1)).await;
    let first = Digest::of(b"first");
    let outputs = [(None, None), (Some(first), Some(first)), (Some(Digest::of(b"other")), Some(first)), (None, Some(first))];
    for (secs, (output, expected)) in (10..).zip(outputs) {
        it.claim(delivery_id(1), secs).await;
        let result = AttemptResult { output, ..ended(secs, BUSY) };
        it.apply(Change::Settle { delivery: delivery_id(1), result, state: waiting(secs), why: String::new() }).await;
        assert_eq!(it.get(delivery_id(1)).await.output, expected);
    }
    let sent: Vec<_> =
        it.attempts(1).await.into_iter().map(|attempt| attempt.result.and_then(|result| result.output)).collect();
    assert_eq!(sent, [None, Some(first), Some(Digest::of(b"other")), None], "each attempt keeps its own");
}

async fn every_outcome_is_kept_as_it_was(mut it: LedgerFixture) {
    let mut outcomes = vec![
        Outcome::Accepted { status: 204 },
        Outcome::Refused { status: 404, again: Again::Perhaps, refusal: None },
        Outcome::Refused { status: 422, again: Again::Never, refusal: None },
        Outcome::Deferred { status: 429, retry_after: Some(TimeSpan::from_secs(90)) },
        Outcome::Deferred { status: 503, retry_after: None },
        Outcome::Unknown,
        Outcome::Unmapped { reasons: vec!["`qty` is no number".to_owned(), "it's late".to_owned()] },
        Outcome::Unsent { lack: Lack::Secret, why: "the secret wms/sign has no value".to_owned() },
        Outcome::Unsent { lack: Lack::Destination, why: "the destination is gone".to_owned() },
    ];
    let errors = {
        use TransportError as E;
        [E::Resolve, E::ForbiddenAddress, E::Connect, E::Tls, E::Timeout, E::Closed, E::Protocol, E::Redirected]
    };
    outcomes.extend(errors.map(|error| Outcome::Unreached { error }));
    it.open(delivery(1)).await;
    for (secs, outcome) in (10..).zip(&outcomes) {
        it.claim(delivery_id(1), secs).await;
        it.settle(delivery_id(1), secs, outcome.clone(), waiting(secs)).await;
        assert_eq!(it.get(delivery_id(1)).await.cause, outcome.cause());
    }
    it.reopen().await;
    let kept = it.attempts(1).await.into_iter().filter_map(|attempt| attempt.result).map(|result| result.outcome);
    assert_eq!(kept.collect::<Vec<_>>(), outcomes);
}

async fn every_state_is_kept_as_it_was(mut it: LedgerFixture) {
    let other: Owner = name("finance");
    let states = [
        DeliveryState::Waiting { due: model::Timestamp::NEVER },
        DeliveryState::Held { for_whom: other.clone() },
        DeliveryState::Done { at: at(3) + TimeSpan::from_micros(1) },
        DeliveryState::DeadLettered { owner: other },
        DeliveryState::Cancelled { by: person() },
        DeliveryState::Superseded { by: delivery_id(9) },
    ];
    it.open(delivery(1)).await;
    for state in states {
        it.shift(delivery_id(1), state.clone()).await;
        it.reopen().await;
        let moved = it.get(delivery_id(1)).await;
        assert_eq!((moved.state, moved.why.as_str()), (state, "a person said so"));
    }
}

async fn an_old_epoch_is_fenced_off(it: LedgerFixture) {
    it.open(delivery(1)).await;
    let under = |epoch, change| Batch::new().guard(Guard::Epoch { delivery: delivery_id(1), epoch }).change(change);
    let early = under(1, Change::Claim { delivery: delivery_id(1), claim: claim(5) });
    assert_eq!(it.refusal(early).await, FaultKind::Conflict, "an epoch that has not come");
    it.commit(under(0, Change::Claim { delivery: delivery_id(1), claim: claim(5) })).await;
    it.commit(under(1, settle(delivery_id(1), 6, Outcome::Unknown, waiting(6)))).await;
    let second = Claim { lease: lease("two", 1), at: at(7) };
    assert_eq!(it.commit(under(1, Change::Claim { delivery: delivery_id(1), claim: second })).await.claimed, [2]);
    let late = under(1, settle(delivery_id(1), 8, ACCEPTED, done(8)));
    assert_eq!(it.refusal(late).await, FaultKind::Conflict, "the first holder comes too late");
    it.commit(under(2, settle(delivery_id(1), 9, ACCEPTED, done(9)))).await;
    assert_eq!(it.get(delivery_id(1)).await.state, done(9));
}

async fn a_leased_delivery_is_not_moved(it: LedgerFixture) {
    it.conflicts(shift(delivery_id(1), cancelled())).await;
    it.open(delivery(1)).await;
    it.claim(delivery_id(1), 5).await;
    it.conflicts(shift(delivery_id(1), cancelled())).await;
    it.settle(delivery_id(1), 6, BUSY, waiting(60)).await;
    it.shift(delivery_id(1), cancelled()).await;
}

async fn a_new_round_begins_where_the_attempts_stand(it: LedgerFixture) {
    it.open(delivery(1)).await;
    for secs in [5, 6] {
        it.claim(delivery_id(1), secs).await;
        it.settle(delivery_id(1), secs, BUSY, waiting(secs)).await;
    }
    it.shift(delivery_id(1), held()).await;
    let kept = it.get(delivery_id(1)).await;
    assert_eq!((kept.round_base, kept.round_at, kept.round_attempts()), (0, at(1), 2), "a move alone keeps the round");
    it.apply(Change::Move {
        delivery: delivery_id(1),
        state: waiting(40),
        why: "again".to_owned(),
        new_round: Some(model::change::Round { at: at(39), deadline: None, policy: super::sample::policy(1) }),
    })
    .await;
    let again = it.get(delivery_id(1)).await;
    assert_eq!((again.attempts, again.round_base, again.round_at, again.round_attempts()), (2, 2, at(39), 0));
    assert_eq!(again.epoch, 2, "the epoch goes on");
    it.claim(delivery_id(1), 40).await;
    let attempts: Vec<u32> = it.attempts(1).await.iter().map(|attempt| attempt.no).collect();
    assert_eq!((it.get(delivery_id(1)).await.round_attempts(), attempts), (1, vec![1, 2, 3]));
}

async fn a_large_answer_is_kept(mut it: LedgerFixture) {
    it.open(delivery(1)).await;
    it.claim(delivery_id(1), 5).await;
    let response = "é".repeat(model::limit::RESPONSE_BYTES_KEPT / 2).into_bytes();
    let result = AttemptResult { response, response_cut: true, ..ended(6, BUSY) };
    it.apply(Change::Settle { delivery: delivery_id(1), result: result.clone(), state: dead(), why: String::new() }).await;
    it.reopen().await;
    assert_eq!(it.attempts(1).await[0].result, Some(result));
}
