//! The table of people's wishes: every state, every wish.

use model::{
    DestinationName, Digest, EventId, FlowName, LaneKey, Lease, NodeName, Origin, Owner, PolicyVersion, Position, Principal,
    Timestamp,
};
use policy::SourceFile;
use uuid::Uuid;

use super::*;

fn owner() -> Owner {
    Owner::new("team-warehouse").unwrap()
}

fn delivery(state: DeliveryState) -> Delivery {
    let at = Timestamp::from_secs(1_000);
    Delivery {
        id: DeliveryId(Uuid::from_u128(7)),
        event: EventId(Uuid::from_u128(1)),
        position: Position::default(),
        bytes_at: Position::default(),
        ranks_at: Position::default(),
        flow: FlowName::new("orders").unwrap(),
        destination: DestinationName::new("wms").unwrap(),
        lane: Some(LaneKey::new("S00042")),
        ordering: None,
        on_dead: OnDead::Hold,
        policy: PolicyVersion(Digest::of(b"old")),
        origin: Origin::Live,
        replay: None,
        owner: owner(),
        created_at: at,
        state,
        attempts: 3,
        round_base: 0,
        round_at: at,
        deadline: Some(Timestamp::from_secs(1_060)),
        epoch: 3,
        lease: None,
        behind: false,
        output: None,
        why: String::new(),
        cause: "http_503".to_owned(),
        version: 9,
    }
}

/// The present policy: one flow to one destination.
fn present(to: &str, deliver: &str) -> Policy {
    let system = |name: &str| {
        let text = format!("owner: team-warehouse\ndestinations:\n  {name}:\n    url: https://{name}.example.com/in\n");
        SourceFile::new(format!("systems/{name}.yaml"), text)
    };
    let shop = "owner: team-commerce\nsources:\n  shop:\n    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }\n";
    let flow = format!("owner: team-warehouse\non:\n  types: [orders]\nto: {to}\ndeliver:\n  lane: none\n{deliver}");
    let files = [
        system("wms"),
        system("erp"),
        SourceFile::new("systems/shop.yaml", shop),
        SourceFile::new("flows/orders.yaml", flow),
    ];
    let (policy, findings) = policy::check(&files);
    policy.unwrap_or_else(|| panic!("{findings:?}"))
}

fn policy() -> Policy {
    present("wms", "")
}

fn asked() -> Asked {
    Asked { by: Principal::new("ines"), why: "the WMS is up".to_owned(), at: Timestamp::from_secs(2_000) }
}

fn held() -> DeliveryState {
    DeliveryState::Held { for_whom: owner() }
}

fn dead() -> DeliveryState {
    DeliveryState::DeadLettered { owner: owner() }
}

fn waiting() -> DeliveryState {
    DeliveryState::Waiting { due: Timestamp::from_secs(3_000) }
}

/// The state after a wish, or nothing where it is skipped.
fn after(delivery: &Delivery, wish: Wish) -> Option<DeliveryState> {
    let plan = plan(delivery, wish, &policy(), &asked()).ok()?;
    assert_eq!(plan.batch.guards, [Guard::DeliveryVersion { delivery: delivery.id, version: 9 }]);
    assert!(plan.batch.changes.iter().any(|change| matches!(change, Change::Audit(row) if row.action == wish.action())));
    plan.batch.changes.into_iter().find_map(|change| match change {
        Change::Move { state, .. } => Some(state),
        _ => None,
    })
}

#[test]
fn each_wish_in_each_state() {
    let now = DeliveryState::Waiting { due: asked().at };
    let cancelled = DeliveryState::Cancelled { by: Principal::new("ines") };
    let done = DeliveryState::Done { at: Timestamp::from_secs(1) };
    for (state, retried, cancel, hold) in [
        (waiting(), None, Some(&cancelled), Some(held())),
        (held(), Some(&now), Some(&cancelled), None),
        (dead(), Some(&now), Some(&cancelled), None),
        (done, None, None, None),
        (cancelled.clone(), None, None, None),
        (DeliveryState::Superseded { by: DeliveryId(Uuid::nil()) }, None, None, None),
    ] {
        let delivery = delivery(state);
        assert_eq!(after(&delivery, Wish::Retry(Newer::Stays)).as_ref(), retried, "retry {:?}", delivery.state);
        assert_eq!(after(&delivery, Wish::Cancel).as_ref(), cancel, "cancel {:?}", delivery.state);
        assert_eq!(after(&delivery, Wish::Hold), hold, "hold {:?}", delivery.state);
    }
}

#[test]
fn an_attempt_under_way_is_left_alone() {
    let lease = Lease { node: NodeName::new("a").unwrap(), incarnation: 1 };
    let leased = Delivery { lease: Some(lease), ..delivery(waiting()) };
    for wish in [Wish::Retry(Newer::Stays), Wish::Cancel, Wish::Hold] {
        assert_eq!(after(&leased, wish), None, "{wish:?}");
    }
}

#[test]
fn a_retry_begins_a_round_and_the_others_do_not() {
    let round = |state, wish| {
        let plan = plan(&delivery(state), wish, &policy(), &asked()).unwrap();
        plan.batch.changes.into_iter().find_map(|change| match change {
            Change::Move { new_round, .. } => Some(new_round),
            _ => None,
        })
    };
    let begun = Round { at: asked().at, deadline: Some(Timestamp::from_secs(2_060)), policy: delivery(dead()).policy };
    assert_eq!(round(dead(), Wish::Retry(Newer::Stays)), Some(Some(begun)), "as long as the round before");
    assert_eq!(round(dead(), Wish::Cancel), Some(None));
    assert_eq!(round(waiting(), Wish::Hold), Some(None));
}

#[test]
fn what_has_no_destination_any_more_is_not_retried() {
    let gone = Delivery { destination: DestinationName::new("gone").unwrap(), ..delivery(held()) };
    assert_eq!(after(&gone, Wish::Retry(Newer::Stays)), None);
    assert!(after(&gone, Wish::Cancel).is_some());
}

#[test]
fn what_left_its_lane_enters_again_as_a_new_delivery() {
    let passed = Delivery { on_dead: OnDead::Pass, ..delivery(dead()) };
    let plan = plan(&passed, Wish::Retry(Newer::Stays), &policy(), &asked()).unwrap();
    let instead = plan.instead.unwrap();
    assert_eq!(after(&passed, Wish::Retry(Newer::Stays)), Some(DeliveryState::Superseded { by: instead }));
    let entry = plan.batch.changes.iter().find_map(|change| match change {
        Change::Emit { entry, .. } => Some((**entry).clone()),
        _ => None,
    });
    let Some(Entry::Replayed { of, replay, flows, .. }) = entry else { panic!("nothing emitted") };
    assert_eq!((of, flows.as_slice()), (passed.event, std::slice::from_ref(&passed.flow)));
    assert_eq!(instead, replayed::delivery(of, replay, &passed.flow));
}

#[test]
fn without_a_lane_there_is_nothing_to_lose() {
    let unordered = Delivery { on_dead: OnDead::Pass, lane: None, ..delivery(dead()) };
    assert_eq!(after(&unordered, Wish::Retry(Newer::Stays)), Some(DeliveryState::Waiting { due: asked().at }));
}

#[test]
fn by_a_removed_flow_what_left_its_lane_begins_a_new_round_and_what_had_no_place_begins_none() {
    let passed = Delivery { on_dead: OnDead::Pass, flow: FlowName::new("gone").unwrap(), ..delivery(dead()) };
    assert_eq!(after(&passed, Wish::Retry(Newer::Stays)), Some(DeliveryState::Waiting { due: asked().at }));
    let undecided = Delivery { cause: CAUSE_UNDECIDED.to_owned(), lane: None, ..passed };
    assert_eq!(after(&undecided, Wish::Retry(Newer::Stays)), None);
}

fn unmapped() -> Delivery {
    Delivery { cause: "unmapped".to_owned(), ..delivery(held()) }
}

fn round_of(delivery: &Delivery, present: &Policy) -> Option<Round> {
    let plan = plan(delivery, Wish::Retry(Newer::Stays), present, &asked()).ok()?;
    plan.batch.changes.into_iter().find_map(|change| match change {
        Change::Move { new_round, .. } => new_round,
        _ => None,
    })
}

#[test]
fn what_its_mapping_refused_is_tried_with_the_present_one() {
    let present = present("wms", "  deadline: 2h\n");
    let plan = plan(&unmapped(), Wish::Retry(Newer::Stays), &present, &asked()).unwrap();
    let round = round_of(&unmapped(), &present).unwrap();
    assert_eq!((round.policy, round.deadline), (present.version, Some(Timestamp::from_secs(2_000 + 7_200))));
    let old = delivery(held()).policy;
    assert!(plan.sentence.contains(&old.short()) && plan.sentence.contains(&present.version.short()), "{}", plan.sentence);
    let rows = plan.batch.changes.iter().filter_map(|change| match change {
        Change::Audit(row) => Some((row.action.as_str(), row.by.as_str())),
        _ => None,
    });
    assert_eq!(rows.collect::<Vec<_>>(), [("delivery.retry", "ines"), ("delivery.remap", "ines")]);
}

#[test]
fn anything_else_keeps_the_policy_that_made_it() {
    let sent = Delivery { output: Some(Digest::of(b"sent")), ..unmapped() };
    for delivery in [delivery(held()), delivery(dead()), sent] {
        assert_eq!(round_of(&delivery, &policy()).unwrap().policy, delivery.policy, "{}", delivery.cause);
    }
}

#[test]
fn a_flow_that_is_gone_or_goes_elsewhere_maps_nothing_anew() {
    let gone = Delivery { flow: FlowName::new("gone").unwrap(), ..unmapped() };
    assert!(plan(&gone, Wish::Retry(Newer::Stays), &policy(), &asked()).unwrap_err().contains("the flow gone is not"));
    let skipped = plan(&unmapped(), Wish::Retry(Newer::Stays), &present("erp", ""), &asked()).unwrap_err();
    assert!(skipped.contains("goes to erp now"), "{skipped}");
}

#[test]
fn what_could_not_be_routed_is_routed_again() {
    let undecided = Delivery { cause: CAUSE_UNDECIDED.to_owned(), lane: None, ..delivery(held()) };
    let plan = plan(&undecided, Wish::Retry(Newer::Stays), &policy(), &asked()).unwrap();
    assert!(plan.instead.is_some() && plan.batch.changes.iter().any(|change| matches!(change, Change::Emit { .. })));
}
