//! What a life left open when it ended is settled by the next one, and told by it.

use engine::drive::Turn;
use engine::membership;
use engine::observe::{Facts, Tracing};
use engine::ports::Clock as _;
use engine::rules::traced::{Chain, Share};
use model::limit::CLAIM_MAX;
use model::{Batch, Change, Claim, NodeName};
use tokio::sync::mpsc;

use crate::world::{World, project};

#[tokio::test]
async fn the_attempt_of_a_life_that_ended_is_told_under_the_ids_that_its_receiver_knows() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let id = world.accept(1, "a").await;
    let claim = Claim { lease: world.board.lease.clone(), at: world.clock.now() };
    world.ledger.commit(Batch::new().change(Change::Claim { delivery: id, claim })).await.unwrap();
    let event = world.delivery(id).await.event;
    membership::begin_life(&world.ledger, &NodeName::new("a").unwrap(), world.clock.now()).await.unwrap();

    let (sender, mut spans) = mpsc::channel(8);
    let mut sweep = world.sweep(Facts::traced(Tracing { spans: sender, roots: Share::ALL }));
    assert_eq!(sweep.turn().await.unwrap(), Turn::Worked);
    assert_eq!(sweep.turn().await.unwrap(), Turn::Idle);
    let span = spans.try_recv().unwrap();
    let chain = Chain::of(event, None, Share::ALL);
    assert_eq!((span.trace_id, span.parent), (chain.trace_id, Some(chain.arrival)));
    assert_eq!(span.span_id, chain.attempt(id, 1).parent_id);
    assert_eq!(span.error.as_deref(), Some("unknown"));
    assert!(spans.try_recv().is_err(), "it is told once");
}

#[tokio::test]
async fn what_a_life_left_open_is_settled_in_one_turn_however_much_it_is() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let count = 2 * CLAIM_MAX + 3;
    let mut ids = Vec::new();
    for number in 1..=count {
        ids.push(world.accept(number as u128, "").await);
    }
    let claim = Claim { lease: world.board.lease.clone(), at: world.clock.now() };
    let changes = ids.into_iter().map(|delivery| Change::Claim { delivery, claim: claim.clone() }).collect();
    world.ledger.commit(Batch { guards: Vec::new(), changes }).await.unwrap();
    membership::begin_life(&world.ledger, &NodeName::new("a").unwrap(), world.clock.now()).await.unwrap();
    let mut sweep = world.sweep(Facts::default());
    assert_eq!(sweep.turn().await.unwrap(), Turn::Worked);
    let left = world.ledger.orphans(world.clock.now(), count).await.unwrap().rows.len();
    assert_eq!(left, 0);
}
