//! What people pause waits.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use engine::delivery::claim::Claimer;
use engine::delivery::run::{Deliverer, Sender};
use engine::ports::{Message, Outbound, Sent};
use engine::rules::asked::NotDone;
use engine::switch::decide::Way;
use engine::switch::run::{Effect, Switches};
use model::view::DeliveryQuery;
use model::{Outcome, TimeSpan};

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

/// A destination that takes everything.
#[derive(Debug)]
struct Taker;

impl Outbound for Taker {
    fn send<'a>(&'a self, _message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        let sent = Sent { outcome: Outcome::Accepted { status: 200 }, response: Bytes::new(), cut: false };
        Box::pin(std::future::ready(sent))
    }
}

#[tokio::test]
async fn a_paused_flow_waits_and_does_not_hold_up_another_to_the_same_destination() {
    let urgent = "owner: team-warehouse\non:\n  types: [orders]\nto: wms\ndeliver:\n  lane: none\n";
    let mut world = World::new(&project("lane: none", &[("flows/urgent.yaml", urgent)])).await;
    for number in 1..=20 {
        world.accept(number, "").await;
    }
    let switches = Switches { ledger: world.ledger.clone(), book: world.book.clone(), board: world.board.clone() };
    switches.turn("flow/orders-to-wms".parse().unwrap(), Way::Pause, &world.asked()).await.unwrap();
    world.board.set_shards(BTreeSet::from(["destination/wms".to_owned()]));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (handovers, receiver) = tokio::sync::mpsc::channel(1);
    let sender = Sender {
        journal: world.journal.clone(),
        ledger: world.ledger.clone(),
        outbound: Arc::new(Taker),
        book: world.book.clone(),
        board: world.board.clone(),
        keys: tokio::sync::watch::channel(Arc::default()).1,
        clock: world.clock.clone(),
        facts: Arc::default(),
    };
    let claimer = Claimer { sender: sender.clone(), handovers, stop: stopped };
    let deliverer = Deliverer { sender, handovers: receiver };
    let until_done = async {
        for _ in 0..1_000 {
            world.clock.advance(TimeSpan::from_millis(100));
            tokio::task::yield_now().await;
        }
        stop.send_replace(true);
    };
    let (claimed, delivered, ()) = futures::join!(claimer.run(), deliverer.run(), until_done);
    claimed.and(delivered).unwrap();
    let rows = world.views.deliveries(DeliveryQuery { limit: 500, ..DeliveryQuery::default() }).await.unwrap().rows;
    let count =
        |flow: &str, state: &str| rows.iter().filter(|row| row.flow.as_str() == flow && row.state.word() == state).count();
    assert_eq!((count("urgent", "done"), count("orders-to-wms", "waiting")), (20, 20));
}
