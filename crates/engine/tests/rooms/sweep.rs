//! What a life left open when it ended is settled by the next one, and told by it.

use std::sync::Arc;

use engine::drive::Turn;
use engine::membership::{self, Membership};
use engine::observe::{Facts, Tracing};
use engine::ports::Clock;
use engine::rules::traced::{Chain, Share};
use model::limit::CLAIM_MAX;
use model::{Batch, Change, Claim, NodeName, TimeSpan};
use tokio::sync::mpsc;

use crate::world::{End, World, project};

#[tokio::test]
async fn the_attempt_of_a_life_that_ended_is_told_under_the_ids_that_its_receiver_knows() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let id = world.accept(1, "a").await;
    let claim = Claim { lease: world.board.lease.clone(), at: world.clock.now() };
    world.ledger.commit(Batch::new().change(Change::Claim { delivery: id, claim })).await.unwrap();
    let event = world.delivery(id).await.event;
    membership::begin_life(&world.ledger, &NodeName::new("a").unwrap(), &(world.clock.clone() as _)).await.unwrap();

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
    membership::begin_life(&world.ledger, &NodeName::new("a").unwrap(), &(world.clock.clone() as _)).await.unwrap();
    let mut sweep = world.sweep(Facts::default());
    assert_eq!(sweep.turn().await.unwrap(), Turn::Worked);
    let left = world.ledger.orphans(world.clock.now(), count).await.unwrap().rows.len();
    assert_eq!(left, 0);
}

/// A clock that was an hour ahead, as its next life finds the machine: work does not wait for that hour.
#[tokio::test]
async fn a_life_begins_no_earlier_than_what_is_stored_so_that_nothing_waits_for_its_hour() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let right = world.clock.now();
    world.clock.advance(TimeSpan::from_secs(3_600));
    let id = world.accept(1, "a").await;
    world.clock.set(right);
    assert_eq!(world.attempt(End::Done).await, 0, "it is due in an hour");
    let clock: Arc<dyn Clock> = world.clock.clone();
    membership::resume_time(&world.journal, &world.ledger, &clock).await.unwrap();
    assert_eq!(world.attempt(End::Done).await, 1);
    assert_eq!(world.delivery(id).await.state.word(), "done");
    // Without a record the last heartbeat of the node is known.
    let last = world.clock.now() + TimeSpan::from_secs(3_600);
    let node = NodeName::new("a").unwrap();
    let beat = Change::Heartbeat { node: node.clone(), incarnation: world.board.lease.incarnation, at: last };
    world.ledger.commit(Batch::new().change(beat)).await.unwrap();
    membership::begin_life(&world.ledger, &node, &clock).await.unwrap();
    assert_eq!(world.clock.now(), last);
}

/// Of several nodes the latest time holds: what one makes due is due on the others.
#[tokio::test]
async fn a_node_takes_over_the_later_time_of_another() {
    let world = World::new(&project("lane: none", &[])).await;
    let mut other = world.membership(world.book.clone());
    other.turn().await.unwrap();
    let right = world.clock.now();
    world.clock.advance(TimeSpan::from_secs(3_600));
    other.turn().await.unwrap();
    let later = world.clock.now();
    world.clock.set(right);
    let mut here = Membership { board: world.board.clone(), ..world.membership(world.book.clone()) };
    here.turn().await.unwrap();
    assert!(world.clock.now() >= later, "{} is before {later}", world.clock.now());
}
