//! What cannot be placed is held for its owner, with the reason.

use std::collections::BTreeMap;

use model::{Body, Digest, EventType, Principal, SourceName, Timestamp};
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

fn routable(entry: Entry, referred: Option<Arc<Record>>) -> Routable {
    let position = Position { partition: Partition(0), offset: Offset(7) };
    let version = PolicyVersion(Digest::of(b"policy"));
    let record = Record { position, at: Timestamp::from_secs(100), policy: version, emitted: None, entry };
    let ranks_at = referred.as_ref().map_or(record.position, |bytes| bytes.position);
    Routable { record: Arc::new(record), referred, ranks_at, ordered_under: None }
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

fn routed(policy: &Policy, routable: Routable) -> Vec<Delivery> {
    route(policy, &[routable], &[]).deliveries.into_iter().map(|(delivery, _)| delivery).collect()
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

#[test]
fn a_member_whose_bytes_are_gone_comes_to_something() {
    let made = routed(&policy("", ""), routable(replayed_entry(), None));
    held(&made, "no_event", "retention had removed its bytes");
    assert_eq!((made[0].event, made[0].replay), (event().id, Some(ReplayId(Uuid::from_u128(9)))));
}
