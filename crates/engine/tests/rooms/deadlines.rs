//! Whatever a delivery waits for, at its deadline a person is told.

use std::sync::Arc;

use engine::delivery::command::Wish;
use engine::delivery::deadlines::Deadlines;
use engine::drive::Turn;
use engine::rules::breaker::State;
use engine::switch::decide::Way;
use engine::switch::run::Switches;
use model::{Batch, Change, Delivery, DeliveryState, TimeSpan};

use crate::world::{End, World, project, wms};

const HOLD: &str = "lane: none\n  retry: critical\n  deadline: 5s";

async fn keep_deadlines(world: &World) -> Turn {
    let mut deadlines = Deadlines {
        ledger: world.ledger.clone(),
        book: world.book.clone(),
        board: world.board.clone(),
        clock: world.clock.clone(),
        facts: Arc::default(),
    };
    deadlines.turn().await.unwrap()
}

async fn accepted(deliver: &str, count: u128) -> (World, Vec<Delivery>) {
    let mut world = World::new(&project(deliver, &[])).await;
    let mut made = Vec::new();
    for number in 1..=count {
        let id = world.accept(number, "a").await;
        made.push(world.delivery(id).await);
    }
    (world, made)
}

#[tokio::test]
async fn behind_an_open_breaker_all_are_held_for_their_owner() {
    let (world, made) = accepted(HOLD, 9).await;
    let since = made[0].created_at;
    let open = State::Open { since, until: since + TimeSpan::from_secs(600), pause: TimeSpan::from_secs(600) };
    let state = serde_json::to_string(&open).unwrap();
    world.ledger.commit(Batch::new().change(Change::Breaker { destination: wms(), state })).await.unwrap();
    world.clock.advance(TimeSpan::from_secs(4));
    assert_eq!(keep_deadlines(&world).await, Turn::Idle);
    world.clock.advance(TimeSpan::from_secs(2));
    assert_eq!(keep_deadlines(&world).await, Turn::Worked);
    for delivery in &made {
        let held = world.delivery(delivery.id).await;
        assert_eq!(held.state, DeliveryState::Held { for_whom: delivery.owner.clone() });
        let words =
            format!("the deadline of {} passed while the breaker of wms was open since {since}", delivery.deadline.unwrap());
        assert!(held.why.starts_with(&words), "{}", held.why);
    }
    let causes = world.views.causes().await.unwrap();
    assert_eq!(causes.iter().map(|group| (group.cause.as_str(), group.count)).collect::<Vec<_>>(), [("deadline", 9)]);
    assert_eq!(keep_deadlines(&world).await, Turn::Idle);
    world.check_accounts().await;
}

#[tokio::test]
async fn what_a_person_paused_is_given_to_a_person_too() {
    for object in ["flow/orders-to-wms", "destination/wms"] {
        let (world, made) = accepted(HOLD, 2).await;
        let switches = Switches { ledger: world.ledger.clone(), book: world.book.clone(), board: world.board.clone() };
        switches.turn(object.parse().unwrap(), Way::Pause, &world.asked()).await.unwrap();
        world.clock.advance(TimeSpan::from_secs(6));
        keep_deadlines(&world).await;
        switches.turn(object.parse().unwrap(), Way::Resume, &world.asked()).await.unwrap();
        for delivery in made {
            let held = world.delivery(delivery.id).await;
            assert_eq!(held.state.word(), "held");
            assert!(held.why.contains(&format!("while {object} was paused by ines since")), "{}", held.why);
        }
        assert_eq!(world.attempt(End::Done).await, 0, "what is with a person is not attempted");
    }
}

#[tokio::test]
async fn a_lane_goes_on_or_waits_as_its_flow_says() {
    for (on_dead, later) in [("pass", true), ("hold", false)] {
        let deliver = format!("lane: ordering\n  on_dead: {on_dead}\n  deadline: 5s");
        let (mut world, made) = accepted(&deliver, 1).await;
        world.clock.advance(TimeSpan::from_secs(4));
        let second = world.accept(2, "a").await;
        world.clock.advance(TimeSpan::from_secs(2));
        assert_eq!(world.attempt(End::Done).await, 0, "no attempt begins after the deadline");
        keep_deadlines(&world).await;
        assert_eq!(world.delivery(made[0].id).await.state.word(), "dead_lettered", "the standard policy's end");
        assert_eq!(!world.delivery(second).await.behind, later, "{on_dead}");
        world.clock.advance(TimeSpan::from_secs(4));
        keep_deadlines(&world).await;
        let second = world.delivery(second).await;
        assert_eq!(second.state.word(), "dead_lettered");
        assert_eq!(second.why.contains("behind another in its lane"), !later, "{}", second.why);
    }
}

#[tokio::test]
async fn a_persons_retry_begins_a_round_with_a_deadline_of_its_own() {
    let (world, made) = accepted(HOLD, 1).await;
    world.clock.advance(TimeSpan::from_secs(60));
    keep_deadlines(&world).await;
    world.operate().one(made[0].id, Wish::Retry, None, &world.asked()).await.unwrap();
    world.clock.advance(TimeSpan::from_secs(5));
    assert_eq!(keep_deadlines(&world).await, Turn::Idle);
    assert_eq!(world.attempt(End::Done).await, 1);
}
