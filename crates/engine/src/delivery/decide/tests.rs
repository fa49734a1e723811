//! Tables of what follows from an attempt, and from a deadline.

use model::{
    DeliveryId, DestinationName, Digest, EventId, FlowName, OnDead, Origin, Owner, PolicyVersion, Position, Principal,
    RetryName, TimeSpan,
};
use uuid::Uuid;

use super::*;

fn s(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A delivery with attempt `attempts` just made, in a round from second 100 to second 200.
fn delivery(attempts: u32) -> Delivery {
    Delivery {
        id: DeliveryId(Uuid::from_u128(7)),
        event: EventId(Uuid::from_u128(1)),
        position: Position::default(),
        bytes_at: Position::default(),
        ranks_at: Position::default(),
        flow: FlowName::new("labels").unwrap(),
        destination: DestinationName::new("carrier").unwrap(),
        lane: None,
        ordering: None,
        on_dead: OnDead::Hold,
        policy: PolicyVersion(Digest::of(b"policy")),
        origin: Origin::Live,
        replay: None,
        owner: Owner::new("team-shipping").unwrap(),
        created_at: s(100),
        state: DeliveryState::Waiting { due: s(100) },
        attempts,
        round_base: 0,
        round_at: s(100),
        deadline: Some(s(200)),
        epoch: u64::from(attempts),
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: "http_503".to_owned(),
        version: 1,
    }
}

fn retry(waits: &[u64], end: End) -> Retry {
    Retry {
        name: RetryName::new("under-test").unwrap(),
        waits: waits.iter().map(|secs| TimeSpan::from_secs(*secs)).collect(),
        repeat_last: false,
        deadline: None,
        jitter_percent: 0,
        end,
    }
}

fn held() -> DeliveryState {
    DeliveryState::Held { for_whom: delivery(1).owner }
}

fn dead() -> DeliveryState {
    DeliveryState::DeadLettered { owner: delivery(1).owner }
}

fn waiting(secs: i64) -> DeliveryState {
    DeliveryState::Waiting { due: s(secs) }
}

fn check(attempts: u32, outcome: &Outcome, now: i64, expected: &DeliveryState) {
    let retry = retry(&[30, 60], End::Hold);
    let terms = Terms { retry: &retry, repeat: Repeat::Safe };
    let after = after_attempt(&delivery(attempts), terms, outcome, Moment { now: s(now), chance: 0 });
    assert_eq!(after.state, *expected, "attempt {attempts}, {outcome:?} at {now}: {}", after.why);
}

#[test]
fn a_repeat_keeps_to_count_and_deadline() {
    let busy = Outcome::Refused { status: 503, again: Again::Perhaps, refusal: None };
    check(1, &busy, 110, &waiting(140));
    check(2, &busy, 140, &waiting(200));
    check(2, &busy, 141, &held());
    check(3, &busy, 120, &held());
}

#[test]
fn an_interrupted_attempt_is_repeated_at_once_and_not_after_its_deadline() {
    check(1, &Outcome::Unknown, 150, &waiting(150));
    check(1, &Outcome::Unknown, 200, &waiting(200));
    check(1, &Outcome::Unknown, 201, &held());
    check(3, &Outcome::Unknown, 150, &held());
}

#[test]
fn an_overdue_delivery_says_what_it_waited_for() {
    let switch = Switch { paused: true, by: Principal::new("ines"), why: "stocktaking".to_owned(), at: s(90) };
    let paused = Obstacle::Paused { object: "flow/labels".to_owned(), switch };
    for (obstacle, words) in [
        (paused, "passed while flow/labels was paused by ines since 1970-01-01T00:01:30Z (stocktaking)"),
        (Obstacle::Breaker { since: s(60) }, "passed while the breaker of carrier was open since 1970-01-01T00:01:00Z"),
        (
            Obstacle::Secret(SecretName::new("carrier/sign").unwrap()),
            "passed while the secret carrier/sign of carrier had no value",
        ),
        (Obstacle::Lane, "passed while it waited behind another in its lane"),
        (Obstacle::Turn, "passed before attempt 3 could begin"),
    ] {
        let after = expired(None, &delivery(2), &obstacle);
        assert!(after.why.starts_with("the deadline of 1970-01-01T00:03:20Z passed "), "{}", after.why);
        assert!(after.why.contains(words) && after.why.ends_with("the last ended with http_503"), "{}", after.why);
        assert_eq!(after.state, held(), "without its policy a person has to know");
    }
    assert!(expired(None, &delivery(0), &Obstacle::Lane).why.ends_with("nothing was sent"));
}

#[test]
fn giving_up_ends_as_the_retry_policy_says() {
    for (end, expected) in [(End::Hold, held()), (End::DeadLetter, dead())] {
        assert_eq!(ended(&delivery(1), end, String::new()).state, expected);
    }
}
