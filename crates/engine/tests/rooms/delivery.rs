//! People retry, cancel and hold deliveries.

use engine::delivery::command::Wish;
use engine::delivery::operate::Deed;
use engine::rules::asked::{Asked, NotDone};
use engine::rules::overtaken::Newer;
use model::DeliveryState;

use crate::world::{End, World, project};

#[tokio::test]
async fn a_held_delivery_is_attempted_again_in_its_place() {
    let mut world = World::new(&project("lane: ordering\n  retry: critical", &[])).await;
    let first = world.accept(1, "a").await;
    let second = world.accept(2, "a").await;
    world.attempt(End::Held).await;
    world.operate().one(first, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
    let delivery = world.delivery(first).await;
    assert_eq!((delivery.round_attempts(), delivery.behind), (0, false));
    assert!(world.delivery(second).await.behind);
    assert_eq!(world.attempt(End::Done).await, 1);
    assert_eq!(world.attempt(End::Done).await, 1);
    assert!(matches!(world.delivery(second).await.state, DeliveryState::Done { .. }));
}

#[tokio::test]
async fn what_its_lane_has_passed_enters_again_as_the_delivery_that_was_named() {
    let mut world = World::new(&project("lane: ordering\n  on_dead: pass", &[])).await;
    let first = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    let second = world.accept(2, "a").await;
    let told = world.operate().one(first, Wish::Retry(Newer::GoesUnder), None, &world.asked()).await.unwrap();
    let instead = told.instead.unwrap();
    assert_eq!(world.delivery(first).await.state, DeliveryState::Superseded { by: instead });
    world.route().await;
    let new = world.delivery(instead).await;
    assert!(new.position > world.delivery(second).await.position && new.behind);
    world.check_accounts().await;
}

#[tokio::test]
async fn a_command_needs_a_reason_and_the_version_that_the_person_saw() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let id = world.accept(1, "a").await;
    let silent = Asked { why: String::new(), ..world.asked() };
    assert!(matches!(world.operate().one(id, Wish::Cancel, None, &silent).await, Err(NotDone::WithoutReason)));
    let stale = world.operate().one(id, Wish::Cancel, Some(99), &world.asked()).await;
    assert!(matches!(stale, Err(NotDone::Changed(_))));
    world.operate().one(id, Wish::Cancel, Some(1), &world.asked()).await.unwrap();
    let rows = world.views.audit(Some(id.to_string()), None, 10).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["delivery.cancel"]);
}

#[tokio::test]
async fn many_are_judged_one_by_one() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let done = world.accept(1, "a").await;
    world.attempt(End::Done).await;
    let held = world.accept(2, "b").await;
    world.attempt(End::Held).await;
    let unknown = "00000000-0000-8000-8000-000000000000".parse().unwrap();
    let outcomes =
        world.operate().many(&[held, done, unknown, held], Wish::Retry(Newer::Stays), &world.asked()).await.unwrap();
    let deeds: Vec<Deed> = outcomes.items.iter().map(|told| told.result).collect();
    assert_eq!(deeds, [Deed::Skipped, Deed::Done, Deed::Unknown]);
    assert_eq!((outcomes.done, outcomes.skipped, outcomes.unknown, outcomes.conflicts), (1, 1, 1, 0));
    world.check_accounts().await;
}
