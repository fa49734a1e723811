//! What people pause waits.

use engine::rules::asked::NotDone;
use engine::rules::replayed::first_delivery;
use engine::switch::decide::Way;
use engine::switch::run::{Effect, Switches};
use model::EventId;
use model::view::DeliveryQuery;
use uuid::Uuid;

use crate::world::{World, project};

#[tokio::test]
async fn a_switch_is_stored_audited_and_known_to_this_node_at_once() {
    let world = World::new(&project("lane: none", &[])).await;
    let switches = Switches { ledger: world.ledger.clone(), book: world.book.clone(), board: world.board.clone() };
    let object = || "flow/orders-to-wms".parse().unwrap();
    let asked = world.asked();
    assert_eq!(switches.turn(object(), Way::Pause, &asked).await.unwrap().effect, Effect::Turned);
    assert!(world.board.switches.is_paused("flow/orders-to-wms"));
    assert_eq!(switches.turn(object(), Way::Pause, &asked).await.unwrap().effect, Effect::None);
    assert_eq!(switches.turn(object(), Way::Resume, &asked).await.unwrap().effect, Effect::Turned);
    assert!(!world.board.switches.is_paused("flow/orders-to-wms"));
    let rows = world.views.audit(Some("flow/orders-to-wms".to_owned()), None, 10).await.unwrap().rows;
    assert_eq!(rows.len(), 2);
    let unknown = switches.turn("flow/none".parse().unwrap(), Way::Pause, &asked).await;
    assert!(matches!(unknown, Err(NotDone::Unknown(_))));
}

#[tokio::test]
async fn a_paused_flow_waits_and_does_not_hold_up_another_to_the_same_destination() {
    let urgent = "owner: team-warehouse\non:\n  types: [orders]\nto: wms\ndeliver:\n  lane: none\n";
    let mut world = World::new(&project("lane: none", &[("flows/urgent.yaml", urgent)])).await;
    let mut urgent_ids = Vec::new();
    for number in 1..=20 {
        world.accept(number, "").await;
        urgent_ids.push(first_delivery(EventId(Uuid::from_u128(number)), &"urgent".parse().unwrap()));
    }
    let switches = Switches { ledger: world.ledger.clone(), book: world.book.clone(), board: world.board.clone() };
    switches.turn("flow/orders-to-wms".parse().unwrap(), Way::Pause, &world.asked()).await.unwrap();
    world.deliver_until_settled(&urgent_ids).await;
    let rows = world.views.deliveries(DeliveryQuery { limit: 500, ..DeliveryQuery::default() }).await.unwrap().rows;
    let count =
        |flow: &str, state: &str| rows.iter().filter(|row| row.flow.as_str() == flow && row.state.word() == state).count();
    assert_eq!((count("urgent", "done"), count("orders-to-wms", "waiting")), (20, 20));
}
