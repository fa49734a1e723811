//! A lane goes on with the slot of its head, where nothing speaks against it.

use engine::board::LongDue;
use engine::ports::Clock as _;
use model::{Batch, Change, DeliveryId, DeliveryState};
use tokio::sync::watch;

use crate::world::{World, project, wms};

/// Four deliveries of one lane and one of another.
async fn world() -> (World, Vec<DeliveryId>) {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        ids.push(world.accept(number, "a").await);
    }
    ids.push(world.accept(5, "b").await);
    (world, ids)
}

/// How many attempts each had, and that no slot is lost.
async fn attempts(world: &World, ids: &[DeliveryId]) -> Vec<u32> {
    let mut attempts = Vec::new();
    for id in ids {
        let delivery = world.delivery(*id).await;
        assert_eq!(delivery.lease, None);
        attempts.push(delivery.attempts);
    }
    let busy: u32 = world.board.gates().iter().map(|(_, _, busy)| busy).sum();
    assert_eq!(busy, 0, "a slot is lost");
    world.check_accounts().await;
    attempts
}

#[tokio::test]
async fn a_lane_is_delivered_with_one_slot_and_no_other_lane_is() {
    let (world, ids) = world().await;
    world.fly(ids[0], watch::channel(false).1).await;
    assert_eq!(attempts(&world, &ids).await, [1, 1, 1, 1, 0]);
    for id in &ids[..4] {
        assert!(matches!(world.delivery(*id).await.state, DeliveryState::Done { .. }));
    }
}

#[tokio::test]
async fn a_lane_does_not_go_on_by_itself_where_another_waits_for_long_or_the_end_is_near() {
    for (long_due, stopping) in [(LongDue::Yes, false), (LongDue::No, true)] {
        let (world, ids) = world().await;
        world.board.set_long_due(&wms(), long_due);
        world.fly(ids[0], watch::channel(stopping).1).await;
        assert_eq!(attempts(&world, &ids).await, [1, 0, 0, 0, 0], "{long_due:?} {stopping}");
    }
}

#[tokio::test]
async fn what_is_not_due_or_not_waiting_is_not_followed() {
    let (world, ids) = world().await;
    let later = DeliveryState::Waiting { due: world.clock.now() + model::TimeSpan::from_secs(60) };
    let held = DeliveryState::Held { for_whom: world.delivery(ids[2]).await.owner };
    for (id, state) in [(ids[1], later), (ids[2], held)] {
        let moved = Change::Move { delivery: id, state, why: "the test".to_owned(), new_round: None };
        world.ledger.commit(Batch::new().change(moved)).await.unwrap();
    }
    world.fly(ids[0], watch::channel(false).1).await;
    assert_eq!(attempts(&world, &ids).await, [1, 0, 0, 0, 0]);
    assert!(!world.delivery(ids[1]).await.behind, "it is the head now");
}
