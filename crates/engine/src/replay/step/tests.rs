//! What a running replay does, case by case.

use model::{DestinationName, Digest, EventId, FlowName, Forgotten, OnDead, Origin, Owner, Position, Principal, ReplayId};
use uuid::Uuid;

use super::*;

fn replay(canary: u32, stop_after: u32, next: u32) -> Replay {
    Replay {
        id: ReplayId(Uuid::from_u128(5)),
        by: Principal::new("ines"),
        why: "the WMS is up".to_owned(),
        selection: "events".to_owned(),
        created_at: Timestamp::from_secs(1),
        pace_per_s: 10,
        canary,
        stop_after,
        state: ReplayState::Running,
        members: 100,
        next,
        to_send: 0,
        passed: 0,
        passed_for: Vec::new(),
        forgotten: Forgotten::Leave,
        version: 3,
    }
}

fn member(index: u32, of: Option<DeliveryId>, verdict: MemberVerdict) -> ReplayMember {
    let event = EventId(Uuid::from_u128(u128::from(index) + 100));
    let flow = FlowName::new("orders").unwrap();
    let (at, also) = (Position::default(), Vec::new());
    ReplayMember { index, event, at, ranks_at: None, flow, of, lane: None, ordering: None, also, verdict }
}

fn owner() -> Owner {
    Owner::new("team-warehouse").unwrap()
}

fn delivery(state: DeliveryState) -> Delivery {
    let at = Timestamp::from_secs(1);
    Delivery {
        id: DeliveryId(Uuid::from_u128(9)),
        event: EventId(Uuid::from_u128(100)),
        position: Position::default(),
        bytes_at: Position::default(),
        ranks_at: Position::default(),
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").unwrap(),
        lane: None,
        ordering: None,
        on_dead: OnDead::Hold,
        policy: PolicyVersion(Digest::of(b"old")),
        origin: Origin::Live,
        replay: None,
        owner: owner(),
        created_at: at,
        state,
        attempts: 1,
        round_base: 0,
        deadline: None,
        round_at: at,
        epoch: 1,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: String::new(),
        version: 4,
    }
}

fn waiting() -> DeliveryState {
    DeliveryState::Waiting { due: Timestamp::from_secs(1) }
}

fn done() -> DeliveryState {
    DeliveryState::Done { at: Timestamp::from_secs(1) }
}

fn held() -> DeliveryState {
    DeliveryState::Held { for_whom: owner() }
}

#[test]
fn the_canary_goes_first_and_the_rest_waits_for_it() {
    let none = Progress::default();
    let failed = Canary::Failed(DeliveryId(Uuid::nil()));
    assert_eq!(next(&replay(0, 0, 0), &none, &Canary::Done), Step::Send { to: 100 });
    assert_eq!(next(&replay(5, 0, 2), &none, &Canary::Done), Step::Send { to: 5 });
    assert_eq!(next(&replay(5, 0, 5), &none, &Canary::UnderWay), Step::Wait);
    assert_eq!(next(&replay(5, 0, 5), &none, &Canary::Done), Step::Send { to: 100 });
    assert!(matches!(next(&replay(5, 0, 5), &none, &failed), Step::Stop { .. }));
}

#[test]
fn it_stops_after_as_many_failures_as_were_said() {
    let failed = |failed| Progress { failed, ..Progress::default() };
    assert!(matches!(next(&replay(0, 3, 50), &failed(3), &Canary::Done), Step::Stop { .. }));
    assert!(matches!(next(&replay(0, 3, 50), &failed(2), &Canary::Done), Step::Send { .. }));
    assert!(matches!(next(&replay(0, 0, 50), &failed(99), &Canary::Done), Step::Send { .. }));
}

#[test]
fn progress_adds_up() {
    let counts = [("waiting", 1), ("done", 2), ("held", 3), ("dead_lettered", 4), ("cancelled", 5), ("superseded", 6)];
    let counts: Vec<(String, u64)> = counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
    assert_eq!(progress(&counts), Progress { made: 21, waiting: 1, done: 2, failed: 7, ended: 11 });
}

#[test]
fn a_member_replaces_only_what_still_waits_for_a_person() {
    let of = delivery(held()).id;
    let check = |of, now: Option<DeliveryState>, expected| {
        let member = member(0, of, MemberVerdict::Send);
        assert_eq!(turnout(&member, now.map(delivery).as_ref(), None), expected);
    };
    check(None, None, Turnout::Sent);
    check(Some(of), Some(held()), Turnout::Replaces(of, 4));
    check(Some(of), Some(DeliveryState::DeadLettered { owner: owner() }), Turnout::Replaces(of, 4));
    for moved_on in [Some(waiting()), Some(done()), None] {
        check(Some(of), moved_on, Turnout::Passed(Reason::MovedOn));
    }
    let skipped = member(0, None, MemberVerdict::Skip { why: "stale".to_owned() });
    assert_eq!(turnout(&skipped, None, None), Turnout::LeftOut);
}

#[test]
fn what_is_newer_by_now_speaks_against_what_would_be_sent() {
    let newer = Some(Reason::NewerDelivered);
    let of = delivery(held());
    let sent = |of| member(0, of, MemberVerdict::Send);
    assert_eq!(turnout(&sent(None), None, newer), Turnout::Passed(Reason::NewerDelivered));
    assert_eq!(turnout(&sent(Some(of.id)), Some(&of), newer), Turnout::Passed(Reason::NewerDelivered));
    assert_eq!(turnout(&sent(Some(of.id)), None, newer), Turnout::Passed(Reason::MovedOn));
    let skipped = member(0, None, MemberVerdict::Skip { why: "stale".to_owned() });
    assert_eq!(turnout(&skipped, None, newer), Turnout::LeftOut);
}

#[test]
fn a_canary_is_done_when_its_deliveries_are_and_the_rest_was_passed_over() {
    let check = |made: &[Option<DeliveryState>], passed, expected: Canary| {
        let made: Vec<_> = made.iter().map(|state| state.clone().map(delivery)).collect();
        assert_eq!(canary(&Replay { passed, ..replay(5, 0, 5) }, &made), expected);
    };
    check(&[], 0, Canary::Done);
    check(&[Some(done()), Some(done())], 0, Canary::Done);
    check(&[Some(done()), Some(waiting())], 0, Canary::UnderWay);
    check(&[Some(waiting()), Some(held())], 0, Canary::Failed(delivery(held()).id));
    check(&[Some(done()), None], 0, Canary::UnderWay);
    check(&[Some(done()), None], 1, Canary::Done);
    check(&[None, None], 1, Canary::UnderWay);
    check(&[Some(waiting()), None], 1, Canary::UnderWay);
}

#[test]
fn the_canary_is_looked_at_until_something_behind_it_is_sent() {
    let looked =
        [(5, 4), (5, 5), (5, 6), (0, 0), (100, 100)].map(|(canary, next)| waits_for_canary(&replay(canary, 0, next)));
    assert_eq!(looked, [false, true, false, false, false]);
}

fn emitted(batch: &Batch) -> Vec<Uuid> {
    let id = |change: &Change| match change {
        Change::Emit { id, .. } => Some(*id),
        _ => None,
    };
    batch.changes.iter().filter_map(id).collect()
}

#[test]
fn a_step_is_one_guarded_batch_that_can_be_repeated() {
    let of = delivery(held()).id;
    let members = [
        (member(98, None, MemberVerdict::Send), Turnout::Sent),
        (member(99, Some(of), MemberVerdict::Send), Turnout::Replaces(of, 4)),
    ];
    let (replay, policy) = (replay(0, 0, 98), PolicyVersion(Digest::of(b"present")));
    let one = batch(&replay, &members, policy, Timestamp::from_secs(7));
    assert_eq!(
        one.guards,
        [Guard::ReplayVersion { replay: replay.id, version: 3 }, Guard::DeliveryVersion { delivery: of, version: 4 }]
    );
    assert_eq!(emitted(&one), emitted(&batch(&replay, &members, policy, Timestamp::from_secs(8))));
    let moved = one.changes.iter().find_map(|change| match change {
        Change::ReplayMove(replay) => Some((replay.next, replay.state.clone())),
        _ => None,
    });
    assert_eq!(moved, Some((100, ReplayState::Sent { at: Timestamp::from_secs(7) })));
}

#[test]
fn what_is_passed_over_moves_the_replay_on_and_emits_nothing() {
    let members = [(member(0, None, MemberVerdict::Skip { why: "stale".to_owned() }), Turnout::LeftOut)];
    let batch = batch(&replay(0, 0, 0), &members, PolicyVersion(Digest::of(b"present")), Timestamp::from_secs(7));
    assert_eq!(emitted(&batch), Vec::<Uuid>::new());
    assert!(matches!(batch.changes.as_slice(), [Change::ReplayMove(replay)] if replay.next == 1));
}

#[test]
fn what_is_passed_over_is_counted_by_reason() {
    let passed = |index, reason| (member(index, None, MemberVerdict::Send), Turnout::Passed(reason));
    let members = [passed(0, Reason::BelowFloor), passed(1, Reason::NewerDelivered), passed(2, Reason::BelowFloor)];
    let batch = batch(&replay(0, 0, 0), &members, PolicyVersion(Digest::of(b"present")), Timestamp::from_secs(7));
    let [Change::ReplayMove(replay)] = batch.changes.as_slice() else { panic!("only the move: {batch:?}") };
    let counts: Vec<_> = replay.passed_for.iter().map(|passed| (passed.why.as_str(), passed.count)).collect();
    assert_eq!(replay.passed, 3);
    assert_eq!(counts, [(Reason::BelowFloor.sentence(), 2), (Reason::NewerDelivered.sentence(), 1)]);
}
