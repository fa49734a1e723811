//! Who gets a slot of a destination, and when nobody does.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::board::LongDue;
use engine::ports::Clock as _;
use engine::rules::gate::{Closed, Kind, PATIENCE_MAX};
use model::{DestinationName, Outcome, TimeSpan};
use policy::SourceFile;

use crate::world::{World, project, wms};

/// The project, with a further destination of four slots and no rate, and its flow to it.
fn wide() -> Vec<SourceFile> {
    let files = "owner: team-warehouse\ndestinations:\n  wide:\n    url: https://wide.example.com/\n    concurrency: 4\n";
    project("lane: none", &[("systems/wide.yaml", files)])
}

async fn world() -> World {
    let world = World::new(&wide()).await;
    let shards = ["partition/0", "destination/wms", "destination/wide"].map(str::to_owned);
    world.board.set_shards(BTreeSet::from(shards));
    world
}

#[tokio::test]
async fn what_has_just_arrived_leaves_rate_and_half_of_the_slots_to_what_has_been_due_for_long() {
    let world = world().await;
    let (present, now) = (world.book.current(), world.clock.now());
    let wide = &present.destinations[&DestinationName::new("wide").unwrap()];
    let limited = &present.destinations[&wms()];
    let fresh = |to| world.board.enter_fresh(to, now).map(|_| ());
    for to in [wide, limited] {
        world.board.set_long_due(&to.name, LongDue::Yes);
    }
    assert_eq!(fresh(limited), Err(Closed::Busy), "every token of its rate is for what waits");
    assert_eq!([fresh(wide), fresh(wide), fresh(wide)], [Ok(()), Ok(()), Err(Closed::Busy)]);
    assert!(world.board.enter(wide, Kind::First, now).is_ok(), "the queue has the rest");
    world.board.set_long_due(&wide.name, LongDue::No);
    assert_eq!([fresh(wide), fresh(wide)], [Ok(()), Err(Closed::Busy)], "all four");
    world.board.set_long_due(&limited.name, LongDue::No);
    assert_eq!(fresh(limited), Ok(()));
}

#[tokio::test]
async fn of_few_slots_the_queue_has_at_least_half() {
    let of = |slots: u32| format!("  of-{slots}:\n    url: https://wide.example.com/\n    concurrency: {slots}\n");
    let files = format!("owner: team-warehouse\ndestinations:\n{}", (1..=5).map(of).collect::<String>());
    let world = World::new(&project("lane: none", &[("systems/wide.yaml", &files)])).await;
    let present = world.book.current();
    for (concurrency, fresh) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let name = DestinationName::new(&format!("of-{concurrency}")).unwrap();
        let to = &present.destinations[&name];
        world.board.set_shards(BTreeSet::from([format!("destination/{name}")]));
        world.board.set_long_due(&name, LongDue::Yes);
        let taken = (0..concurrency).filter(|_| world.board.enter_fresh(to, world.clock.now()).is_ok()).count();
        assert_eq!(taken, fresh, "of {concurrency}");
    }
}

#[tokio::test]
async fn what_was_behind_in_its_lane_makes_nobody_wait() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.accept(number, "a").await);
    }
    world.clock.advance(TimeSpan::from_secs(3_600));
    world.deliver_until_settled(&ids).await;
    let to = Arc::clone(&world.book.current().destinations[&wms()]);
    assert!(world.board.enter_fresh(&to, world.clock.now() + TimeSpan::from_secs(9)).is_ok());
}

#[tokio::test]
async fn patience_that_one_was_asked_for_is_had_with_all_within_bounds() {
    let world = world().await;
    let (present, now) = (world.book.current(), world.clock.now());
    let to = &present.destinations[&wms()];
    for (asked, expected) in [
        (None, TimeSpan::from_secs(1)),
        (Some(TimeSpan::from_secs(20)), TimeSpan::from_secs(20)),
        (Some(TimeSpan::from_secs(3)), TimeSpan::from_secs(20)),
        (Some(TimeSpan::from_secs(9_000)), PATIENCE_MAX),
    ] {
        world.board.be_patient(&to.name, asked, now);
        let closed = world.board.enter(to, Kind::First, now).map(|_| ());
        assert_eq!(closed, Err(Closed::Until(now + expected)), "{asked:?}");
    }
    assert!(world.board.enter(to, Kind::First, now + PATIENCE_MAX).is_ok());
}

#[tokio::test]
async fn of_many_one_is_told_that_it_is_too_many() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let mut ids = Vec::new();
    for number in 1..=200 {
        ids.push(world.accept(number, "").await);
    }
    let retry_after = Some(TimeSpan::from_secs(600));
    world.deliver(&ids, Outcome::Deferred { status: 429, retry_after }).await;
    let mut attempted = 0;
    for id in &ids {
        attempted += world.delivery(*id).await.attempts;
    }
    let slots = world.book.current().destinations[&wms()].concurrency;
    assert!((1..=slots).contains(&attempted), "{attempted} of {slots} slots: those under way at the first answer");
}
