//! What cannot be placed is held for its owner, with the reason.

use std::collections::BTreeMap;

use model::{Body, Digest, EventType, PolicyVersion, Principal, SourceName, Timestamp};
use policy::SourceFile;
use uuid::Uuid;

use super::*;

/// Steps without end, as far as the limit goes.
const TOO_LONG: &str = "r = range(0, 90000) ?? []; n = 0; for_each(r) -> |_i, _v| { for_each(r) -> |_j, _w| { n = n + 1 } }";

fn policy(selection: &str, deliver: &str) -> Policy {
    let system = "owner: team-warehouse\ndestinations:\n  wms:\n    url: https://wms.example.com/in\n";
    let shop = "owner: team-commerce\nsources:\n  shop:\n    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }\n";
    let flow =
        format!("owner: team-orders\non:\n  types: [orders]\n{selection}to: wms\ndeliver:\n  retry: critical\n{deliver}");
    let files = [("systems/wms.yaml", system), ("systems/shop.yaml", shop), ("flows/orders.yaml", flow.as_str())];
    let files = files.map(|(path, text)| SourceFile::new(path, text));
    let (policy, findings) = policy::check(&files);
    policy.unwrap_or_else(|| panic!("{findings:?}"))
}

fn event() -> Event {
    let body = Body::from_static(b"{\"order\":1}");
    Event {
        id: EventId(Uuid::from_u128(1)),
        source: SourceName::new("shop").unwrap(),
        kind: EventType::new("orders"),
        key: "1".to_owned(),
        digest: Digest::of(&body),
        subject: None,
        time: None,
        received_at: Timestamp::from_secs(100),
        contract: None,
        ordering: None,
        correlation: "order-1".to_owned(),
        trace: None,
        identifiers: Vec::new(),
        origin: Origin::Live,
        attributes: BTreeMap::new(),
        body,
        data: model::event::DataAt::Whole,
        content_type: "application/json".to_owned(),
    }
}

fn routable(entry: Entry, referred: Option<Arc<Record>>) -> Routable<'static> {
    let position = Position { partition: Partition(0), offset: Offset(7) };
    let version = PolicyVersion(Digest::of(b"policy"));
    let record = Record { position, at: Timestamp::from_secs(100), policy: version, emitted: None, entry };
    let ranks_at = referred.as_ref().map_or(record.position, |bytes| bytes.position);
    Routable { record: Arc::new(record), referred, judged_by: None, ranks_at }
}

fn replayed_entry() -> Entry {
    Entry::Replayed {
        of: event().id,
        at: Position { partition: Partition(0), offset: Offset(3) },
        replay: ReplayId(Uuid::from_u128(9)),
        flows: vec![model::FlowName::new("orders").unwrap()],
        by: Principal::new("ines"),
    }
}

fn routed(policy: &Policy, routable: Routable<'static>) -> Vec<Delivery> {
    under(policy, policy, routable).deliveries.into_iter().map(|(delivery, _)| delivery).collect()
}

/// Judged by one policy, routed while another is in force.
fn under(judged_by: &Policy, present: &Policy, routable: Routable<'static>) -> Routed {
    route(present, &[Routable { judged_by: Some(judged_by), ..routable }], &[])
}

fn counted(routed: &Routed) -> Vec<(Bucket, u64)> {
    let count = |change: &Change| match change {
        Change::Count { bucket, entries, .. } => Some((*bucket, *entries)),
        _ => None,
    };
    routed.changes.iter().filter_map(count).collect()
}

/// The one delivery, which is held for the flow's owner.
fn held(made: &[Delivery], cause: &str, words: &str) {
    let [delivery] = made else { panic!("one delivery, not {made:?}") };
    assert_eq!(delivery.state, DeliveryState::Held { for_whom: Owner::new("team-orders").unwrap() });
    assert_eq!((delivery.cause.as_str(), delivery.lane.as_ref()), (cause, None));
    assert!(delivery.why.contains(words), "{}", delivery.why);
}

#[test]
fn a_filter_without_an_answer_holds_what_it_may_have_meant() {
    let policy = policy(&format!("  where: '{TOO_LONG}; n == 0'\n"), "");
    let made = routed(&policy, routable(Entry::Admitted(event()), None));
    held(&made, CAUSE_UNDECIDED, "the filter of the flow orders has no answer for this event: it takes more steps");
}

#[test]
fn a_lane_without_an_answer_holds_what_would_have_gone_past_it() {
    let policy = policy("", &format!("  lane: '{TOO_LONG}; string(n) ?? null'\n"));
    let live = routed(&policy, routable(Entry::Admitted(event()), None));
    held(&live, CAUSE_UNDECIDED, "the lane of the flow orders has no answer");
    let bytes = Arc::clone(&routable(Entry::Admitted(event()), None).record);
    let again = routed(&policy, routable(replayed_entry(), Some(bytes)));
    held(&again, CAUSE_UNDECIDED, "the lane of the flow orders has no answer");
    assert_eq!(again[0].id, replayed::delivery(event().id, ReplayId(Uuid::from_u128(9)), &again[0].flow));
}

#[test]
fn a_filter_that_says_no_makes_nothing_and_one_that_says_yes_makes_what_waits() {
    assert_eq!(routed(&policy("  where: .order == 2\n", ""), routable(Entry::Admitted(event()), None)), []);
    let made = routed(&policy("  where: .order == 1\n", "  lane: .order\n"), routable(Entry::Admitted(event()), None));
    assert_eq!((made[0].state.word(), made[0].lane.as_ref().map(LaneKey::as_str)), ("waiting", Some("1")));
    assert_eq!(made[0].deadline, Some(Timestamp::from_secs(100 + 86_400)), "a day, as the retry policy says");
}

/// A flow of the same name that selects something else.
fn other_policy() -> Policy {
    policy("  where: .order == 2\n", "")
}

#[test]
fn flows_are_those_of_the_policy_that_judged_the_record() {
    let event = || routable(Entry::Admitted(event()), None);
    let made = under(&policy("", ""), &other_policy(), event());
    assert_eq!((made.deliveries.len(), counted(&made)), (1, vec![(Bucket::Routed, 1)]));
    assert_eq!(made.deliveries[0].0.policy, policy("", "").version);
    let made = under(&other_policy(), &policy("", ""), event());
    assert_eq!((made.deliveries.len(), counted(&made)), (0, vec![(Bucket::Unselected, 1)]));
}

#[test]
fn what_was_removed_since_is_held_in_its_place_with_the_reason() {
    let empty = policy::check(&[]).0.unwrap();
    let of_lane = policy("", "  lane: .order\n");
    let bytes = Arc::clone(&routable(Entry::Admitted(event()), None).record);
    for routable in [routable(Entry::Admitted(event()), None), routable(replayed_entry(), Some(bytes))] {
        let made = under(&of_lane, &empty, routable);
        let [(delivery, _)] = made.deliveries.as_slice() else { panic!("one delivery, not {made:?}") };
        assert_eq!(delivery.state, DeliveryState::Held { for_whom: Owner::new("team-orders").unwrap() });
        assert_eq!((delivery.cause.as_str(), delivery.lane.as_ref().map(LaneKey::as_str)), (CAUSE_REMOVED, Some("1")));
        assert_eq!(delivery.why, "the destination wms was removed from the policy");
        assert_eq!(counted(&made), [(Bucket::Routed, 1)]);
    }
}

#[test]
fn what_nobody_can_route_any_more_is_kept_for_the_owner_of_its_source() {
    let made = route(&policy("", ""), &[routable(Entry::Admitted(event()), None)], &[]);
    let kept = made.changes.iter().find_map(|change| if let Change::Quarantine(row) = change { Some(row) } else { None });
    let kept = kept.expect("it is kept");
    assert_eq!((kept.owner.as_str(), made.deliveries.len(), counted(&made)), ("team-commerce", 0, vec![]));
    let reasons = serde_json::to_string_pretty(&kept.reasons).unwrap() + "\n";
    let expected = include_str!("../../../../../corpus/routing/policy-unreadable/expected.json");
    assert_eq!(reasons, expected);
}

#[test]
fn a_member_whose_bytes_are_gone_comes_to_something() {
    let made = routed(&policy("", ""), routable(replayed_entry(), None));
    held(&made, "no_event", "retention had removed its bytes");
    assert_eq!((made[0].event, made[0].replay), (event().id, Some(ReplayId(Uuid::from_u128(9)))));
}
