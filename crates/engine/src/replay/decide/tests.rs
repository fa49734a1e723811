//! The stale rule, case by case.

use model::{Offset, Partition};
use uuid::Uuid;

use super::*;

fn candidate(offset: u64, key: &str, repeat: Repeatable) -> Candidate {
    Candidate {
        event: EventId(Uuid::from_u128(u128::from(offset))),
        at: Position { partition: Partition(0), offset: Offset(offset) },
        ranks_at: Position { partition: Partition(0), offset: Offset(offset) },
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").ok(),
        of: None,
        keys: StateKeys { lane: None, ordering: (!key.is_empty()).then(|| LaneKey::new(key)) },
        also: Vec::new(),
        past: Past::Open,
        repeat,
        source: SourceName::new("shop").ok(),
        received_at: Timestamp::from_secs(100),
        reason: None,
    }
}

fn check(set: &[Candidate], commands: Commands, newer: Option<Fate>, expected: &[Option<Reason>]) {
    let included = Included { commands, forgotten: Forgotten::Leave };
    assert_eq!(judge(set, included, |_| newer), expected);
}

#[test]
fn of_state_events_the_newest_of_each_key_wins() {
    let state = |offset, key| candidate(offset, key, Repeatable::State);
    let set = [state(1, "a"), state(2, "b"), state(3, "a"), state(4, ""), state(5, "")];
    check(&set, Commands::Leave, None, &[Some(Reason::NewerInSet), None, None, None, None]);
}

#[test]
fn the_newest_is_the_one_that_came_in_last_whatever_was_corrected_since() {
    let corrected = Candidate { ranks_at: Position::default(), ..candidate(9, "a", Repeatable::State) };
    let set = in_order(vec![corrected, candidate(2, "a", Repeatable::State)]);
    assert_eq!(set[0].at.offset, Offset(9));
    check(&set, Commands::Leave, None, &[Some(Reason::NewerInSet), None]);
}

#[test]
fn either_key_tells_of_a_newer_one_in_the_set() {
    let of = |lane, offset| {
        let state = candidate(offset, "a", Repeatable::State);
        Candidate { keys: StateKeys { lane: Some(LaneKey::new(lane)), ..state.keys.clone() }, ..state }
    };
    check(&[of("north", 1), of("south", 2)], Commands::Leave, None, &[Some(Reason::NewerInSet), None]);
}

#[test]
fn what_cannot_be_told_is_sent_where_a_person_includes_it_and_what_is_known_stays() {
    let set = [candidate(1, "a", Repeatable::State)];
    let included = Included { commands: Commands::Leave, forgotten: Forgotten::Include };
    for (found, expected) in [
        (Fate::Unknown(Blind::Removed), None),
        (Fate::Unknown(Blind::Crowded), Some(Reason::NewerUnknown)),
        (Fate::Done, Some(Reason::NewerDelivered)),
    ] {
        assert_eq!(judge(&set, included, |_| Some(found)), [expected], "{found:?}");
    }
}

#[test]
fn while_the_router_is_behind_a_member_is_sent_and_judged_when_its_turn_comes() {
    let set = [candidate(1, "a", Repeatable::State)];
    check(&set, Commands::Leave, Some(Fate::Unknown(Blind::Behind)), &[None]);
    check(&set, Commands::Leave, Some(Fate::Unknown(Blind::Removed)), &[Some(Reason::NewerRemoved)]);
    check(&set, Commands::Leave, Some(Fate::Blocks), &[Some(Reason::NewerWaits)]);
}

#[test]
fn keys_of_different_flows_are_apart() {
    let other = Candidate { flow: FlowName::new("stock").unwrap(), ..candidate(2, "a", Repeatable::State) };
    check(&[candidate(1, "a", Repeatable::State), other], Commands::Leave, None, &[None, None]);
}

#[test]
fn a_newer_event_outside_of_the_set_makes_state_and_transition_stale() {
    for repeat in [Repeatable::State, Repeatable::Transition] {
        let set = [candidate(1, "a", repeat)];
        check(&set, Commands::Leave, Some(Fate::Done), &[Some(Reason::NewerDelivered)]);
        check(&set, Commands::Leave, Some(Fate::UnderWay), &[Some(Reason::NewerUnderWay)]);
        check(&set, Commands::Leave, None, &[None]);
    }
}

#[test]
fn transitions_of_one_key_are_all_sent_in_order() {
    let set = [candidate(1, "a", Repeatable::Transition), candidate(2, "a", Repeatable::Transition)];
    check(&set, Commands::Leave, None, &[None, None]);
}

#[test]
fn commands_go_only_on_a_persons_word() {
    let set = [candidate(1, "a", Repeatable::Command)];
    check(&set, Commands::Leave, None, &[Some(Reason::Command)]);
    check(&set, Commands::Include, Some(Fate::Done), &[None]);
}

#[test]
fn what_cannot_be_sent_does_not_make_an_older_one_stale() {
    let gone = Candidate { reason: Some(Reason::BelowFloor), ..candidate(2, "a", Repeatable::State) };
    check(&[candidate(1, "a", Repeatable::State), gone], Commands::Leave, None, &[None, Some(Reason::BelowFloor)]);
}

#[test]
fn the_set_is_in_journal_order_and_holds_each_event_once_per_flow() {
    let one = candidate(1, "a", Repeatable::State);
    let two = candidate(2, "b", Repeatable::State);
    let set = in_order(vec![two.clone(), one.clone(), two.clone()]);
    assert_eq!(set, [one, two]);
    let indexes: Vec<u32> = members(&set, &[None, None]).iter().map(|member| member.index).collect();
    assert_eq!(indexes, [0, 1]);
}

#[test]
fn the_digest_follows_what_is_sent_and_not_why_the_rest_is_not() {
    let set = in_order(vec![candidate(1, "a", Repeatable::State), candidate(2, "b", Repeatable::State)]);
    let one = digest(&members(&set, &[None, None]));
    assert_eq!(one, digest(&members(&set, &[None, None])));
    assert_ne!(one, digest(&members(&set[..1], &[None])));
    let left_out = |reason| digest(&members(&set, &[Some(reason), None]));
    assert_ne!(one, left_out(Reason::NewerDelivered));
    assert_eq!(left_out(Reason::NewerDelivered), left_out(Reason::NewerUnderWay));
}

#[test]
fn a_member_keeps_its_key_unless_a_persons_word_is_enough() {
    let kept = |repeat| members(&[candidate(1, "a", repeat)], &[None])[0].ordering.clone();
    assert_eq!(kept(Repeatable::State), Some(LaneKey::new("a")));
    assert_eq!(kept(Repeatable::Transition), Some(LaneKey::new("a")));
    assert_eq!(kept(Repeatable::Command), None);
}

#[test]
fn the_canary_counts_what_is_sent() {
    let set: Vec<Candidate> = (1..=4).map(|offset| candidate(offset, "", Repeatable::State)).collect();
    let members = members(&set, &[Some(Reason::Command), None, Some(Reason::Command), None]);
    let ends: Vec<u32> = [0, 1, 2, 9].into_iter().map(|canary| canary_end(&members, canary)).collect();
    assert_eq!(ends, [0, 2, 4, 4]);
}
