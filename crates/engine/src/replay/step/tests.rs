//! What a running replay does, case by case.

use model::{DestinationName, Digest, EventId, FlowName, OnDead, Origin, Owner, Position, Principal};
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
        passed: 0,
        version: 3,
    }
}

fn member(index: u32, of: Option<DeliveryId>, verdict: MemberVerdict) -> ReplayMember {
    let event = EventId(Uuid::from_u128(u128::from(index) + 100));
    ReplayMember { index, event, at: Position::default(), flow: FlowName::new("orders").unwrap(), of, verdict }
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
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").unwrap(),
        lane: None,
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
        assert_eq!(turnout(&member, now.map(delivery).as_ref()), expected);
    };
    check(None, None, Turnout::Sent);
    check(Some(of), Some(held()), Turnout::Replaces(of, 4));
    check(Some(of), Some(DeliveryState::DeadLettered { owner: owner() }), Turnout::Replaces(of, 4));
    check(Some(of), Some(waiting()), Turnout::Passed);
    check(Some(of), Some(done()), Turnout::Passed);
    check(Some(of), None, Turnout::Passed);
    let skipped = member(0, None, MemberVerdict::Skip { why: "stale".to_owned() });
    assert_eq!(turnout(&skipped, None), Turnout::Passed);
}

#[test]
fn a_canary_member_is_done_when_its_delivery_is_or_when_it_was_passed_over() {
    let replay = replay(5, 0, 5);
    let id = delivery(held()).id;
    let by = |member: &ReplayMember| replayed::delivery(member.event, replay.id, &member.flow);
    let check = |of: Option<DeliveryId>, made: Option<DeliveryState>, now: Option<DeliveryState>, expected: Canary| {
        let member = member(0, of, MemberVerdict::Send);
        assert_eq!(canary_member(replay.id, &member, made.map(delivery).as_ref(), now.map(delivery).as_ref()), expected);
    };
    let sent = DeliveryState::Superseded { by: by(&member(0, None, MemberVerdict::Send)) };
    check(None, Some(done()), None, Canary::Done);
    check(None, Some(waiting()), None, Canary::UnderWay);
    check(None, Some(held()), None, Canary::Failed(id));
    check(None, None, None, Canary::UnderWay);
    check(Some(id), None, Some(sent), Canary::UnderWay);
    check(Some(id), None, Some(done()), Canary::Done);
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
    let members = [(member(0, None, MemberVerdict::Skip { why: "stale".to_owned() }), Turnout::Passed)];
    let batch = batch(&replay(0, 0, 0), &members, PolicyVersion(Digest::of(b"present")), Timestamp::from_secs(7));
    assert_eq!(emitted(&batch), Vec::<Uuid>::new());
    assert!(matches!(batch.changes.as_slice(), [Change::ReplayMove(replay)] if replay.next == 1));
}
