//! What is lacking on our side: a secret is waited for, a policy or an answer of a filter is a person's.

use std::sync::Arc;

use engine::delivery::command::Wish;
use engine::drive::{self, Turn};
use engine::keyring::Keyring;
use engine::observe::Facts;
use engine::rules::overtaken::Newer;
use formats::signature::Secret;
use model::{
    Batch, Change, Claim, Delivery, DeliveryId, DeliveryState, Digest, Fault, FaultKind, Lease, NodeName, PolicyVersion,
    SecretName,
};
use policy::SourceFile;
use tokio::sync::watch;
use uuid::Uuid;

use crate::world::{DAY, World, project};

fn signed() -> Vec<SourceFile> {
    let text =
        "owner: team-warehouse\ndestinations:\n  wms:\n    url: https://wms.example.com/orders\n    sign: [wms/sign]\n";
    let mut files = project("lane: none", &[]);
    files.retain(|file| !file.path.contains("wms.yaml") || file.path.starts_with("flows/"));
    files.push(SourceFile::new("systems/wms.yaml", text));
    files
}

fn keys(value: &str) -> Arc<Keyring> {
    Arc::new(Keyring::from_pairs([(SecretName::new("wms/sign").unwrap(), Secret::new(value))]))
}

#[tokio::test]
async fn without_its_secret_a_destination_waits_and_goes_on_when_it_is_there() {
    let mut world = World::new(&signed()).await;
    let ids = [world.accept(1, "").await, world.accept(2, "").await];
    world.deliver_until_settled(&ids).await;
    for id in ids {
        let waiting = world.delivery(id).await;
        assert_eq!((waiting.state.word(), waiting.attempts), ("waiting", 0), "nothing is tried in vain");
    }
    world.keys.send_replace(keys("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));
    world.deliver_until_settled(&ids).await;
    for id in ids {
        assert_eq!(world.delivery(id).await.state.word(), "done");
    }
}

#[tokio::test]
async fn a_secret_that_is_no_key_is_tried_again_as_the_policy_says() {
    let mut world = World::new(&signed()).await;
    world.keys.send_replace(keys("no key at all"));
    let id = world.accept(1, "").await;
    world.deliver_until_settled(&[id]).await;
    let waiting = world.delivery(id).await;
    assert_eq!((waiting.state.word(), waiting.cause.as_str()), ("waiting", "no_secret"));
    assert!(waiting.why.starts_with("the secret wms/sign is no Standard Webhooks key; attempt "), "{}", waiting.why);
}

/// A waiting delivery that keeps a policy of which the ledger has other files.
async fn with_a_damaged_policy(world: &mut World) -> DeliveryId {
    let like = world.accept(1, "").await;
    let version = PolicyVersion(Digest::of(b"what was applied"));
    let files = vec![("flows/orders-to-wms.yaml".to_owned(), "something else".to_owned())];
    let like = world.delivery(like).await;
    let delivery = Delivery { id: DeliveryId(Uuid::from_u128(77)), policy: version, version: 1, ..like };
    let batch = Batch::new()
        .change(Change::StorePolicy { version, files, at: delivery.created_at })
        .change(Change::Open { delivery: Box::new(delivery.clone()), claim: None });
    world.ledger.commit(batch).await.unwrap();
    delivery.id
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_holds_its_deliveries_and_nothing_else() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let id = with_a_damaged_policy(&mut world).await;
    let other = world.accept(2, "").await;
    world.deliver_until_settled(&[id, other]).await;
    let held = world.delivery(id).await;
    assert_eq!(held.state, DeliveryState::Held { for_whom: held.owner.clone() });
    assert_eq!(held.cause, "no_policy");
    assert!(held.why.contains("its policy cannot be read"), "{}", held.why);
    assert_eq!(world.delivery(other).await.state.word(), "done");
    world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
    world.deliver_until_settled(&[id]).await;
    assert_eq!(world.delivery(id).await.state.word(), "done", "under the present policy");
}

#[tokio::test]
async fn the_sweep_settles_what_a_damaged_policy_left_open() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let id = with_a_damaged_policy(&mut world).await;
    let lease = Lease { node: NodeName::new("gone").unwrap(), incarnation: 1 };
    let claim = Claim { lease, at: world.delivery(id).await.created_at };
    world.ledger.commit(Batch::new().change(Change::Claim { delivery: id, claim })).await.unwrap();
    world.clock.advance(DAY);
    let mut sweep = world.sweep(Facts::default());
    assert_eq!(sweep.turn().await.unwrap(), Turn::Worked);
    let held = world.delivery(id).await;
    assert_eq!((held.state.word(), held.lease.as_ref(), held.cause.as_str()), ("held", None, "unknown"));
    assert!(held.why.contains("its flow cannot be read from its policy"), "{}", held.why);
}

#[tokio::test]
async fn a_store_that_stays_away_is_asked_until_the_process_is_told_to_stop() {
    let world = World::new(&project("lane: none", &[])).await;
    let (stop, stopped) = watch::channel(false);
    let asked = std::sync::atomic::AtomicU32::new(0);
    let ask = || -> engine::ports::Answer<'_, ()> {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        world.clock.advance(DAY);
        Box::pin(async { Err(Fault::new(FaultKind::Unavailable, "test")) })
    };
    let until_stop = async {
        for _ in 0..50 {
            world.clock.advance(DAY);
            tokio::task::yield_now().await;
        }
        stop.send_replace(true);
        for _ in 0..50 {
            world.clock.advance(DAY);
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = futures::join!(drive::insist(&*world.clock, Some(&stopped), ask), until_stop);
    assert_eq!(answer.unwrap_err().kind, FaultKind::Unavailable);
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed) > 10);
    let down = || -> engine::ports::Answer<'_, ()> { Box::pin(async { Err(Fault::new(FaultKind::Shutdown, "test")) }) };
    assert_eq!(drive::insist(&*world.clock, None, down).await.unwrap_err().kind, FaultKind::Shutdown);
}

#[tokio::test]
async fn a_mended_mapping_maps_what_it_refused() {
    let contract = "owner: team-warehouse\nschema:\n  type: object\n  properties:\n    no: { type: integer }\n";
    let ours = "owner: team-commerce\nschema:\n  type: object\n  properties:\n    order: {}\n    note: {}\n";
    let flow = "owner: team-warehouse\non:\n  types: [orders]\nmapping: order\nto: wms\ndeliver:\n  lane: none\n";
    let with = |field: &str| {
        let mapping =
            format!("owner: team-warehouse\nfrom: shop.order@1.0.0\nto: wms.order@1.0.0\nfields:\n  no: {field}\n");
        let mut files = project("lane: none", &[]);
        files.retain(|file| !file.path.starts_with("flows/"));
        files.push(SourceFile::new("flows/orders-to-wms.yaml", flow));
        files.push(SourceFile::new("contracts/wms.order/1.0.0.yaml", contract));
        files.push(SourceFile::new("contracts/shop.order/1.0.0.yaml", ours));
        files.push(SourceFile::new("mappings/order.yaml", mapping));
        files
    };
    let mut world = World::new(&with("int!(.note)")).await;
    let id = world.accept(1, "").await;
    world.deliver_until_settled(&[id]).await;
    assert_eq!(world.delivery(id).await.cause, "unmapped");
    let mended = world.apply(&with("int!(.order)"), engine::change::decide::Terms::default()).await.unwrap().version;
    world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
    world.deliver_until_settled(&[id]).await;
    let done = world.delivery(id).await;
    assert_eq!((done.state.word(), done.policy), ("done", mended));
    let rows = world.views.audit(Some(id.to_string()), None, 10).await.unwrap().rows;
    let mut actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["delivery.remap", "delivery.retry"]);
}

#[tokio::test]
async fn what_a_mapping_made_goes_out_as_json_and_what_was_received_as_what_it_was() {
    const THEIRS: &str = "application/vnd.shop+json; charset=iso-8859-1";
    let contract = "owner: team-warehouse\nschema:\n  type: object\n  properties:\n    no: { type: integer }\n";
    let mapping = "owner: team-warehouse\nfrom: shop.order@1.0.0\nto: wms.order@1.0.0\nfields:\n  no: int!(.order)\n";
    let ours = "owner: team-commerce\nschema:\n  type: object\n  properties:\n    order: {}\n";
    let flow = "owner: team-warehouse\non:\n  types: [orders]\nmapping: order\nto: wms\ndeliver:\n  lane: none\n";
    let mut mapped = project("lane: none", &[]);
    mapped.retain(|file| !file.path.starts_with("flows/"));
    mapped.push(SourceFile::new("flows/orders-to-wms.yaml", flow));
    mapped.push(SourceFile::new("contracts/wms.order/1.0.0.yaml", contract));
    mapped.push(SourceFile::new("contracts/shop.order/1.0.0.yaml", ours));
    mapped.push(SourceFile::new("mappings/order.yaml", mapping));
    for (files, expected) in [(mapped, "application/json"), (project("lane: none", &[]), THEIRS)] {
        let mut world = World::new(&files).await;
        let id = world.accept_as(1, THEIRS).await;
        world.deliver_until_settled(&[id]).await;
        let heard = world.heard.lock().unwrap().clone();
        let types = heard[0].headers.iter().filter(|(name, _)| name == "content-type").map(|(_, value)| value.as_str());
        assert_eq!(types.collect::<Vec<_>>(), [expected]);
    }
}
