//! Retention takes what has had its time and leaves what is needed.

use std::sync::Arc;

use engine::ports::Clock;
use engine::retention::decide::Retention;
use engine::retention::offline::{preview, run_once};
use model::{Offset, Partition, TimeSpan};

use crate::world::{DAY, End, World, project};

/// A clock whose sleeps end at once: the offline command pauses between its steps.
#[derive(Debug)]
struct Sleepless(Arc<dyn Clock>);

impl Clock for Sleepless {
    fn now(&self) -> model::Timestamp {
        self.0.now()
    }

    fn not_before(&self, at: model::Timestamp) {
        self.0.not_before(at);
    }

    fn wall(&self) -> model::Timestamp {
        self.0.wall()
    }

    fn ran(&self) -> TimeSpan {
        self.0.ran()
    }

    fn sleep(&self, _span: TimeSpan) -> engine::ports::Waiting<'_> {
        Box::pin(std::future::ready(()))
    }

    fn chance(&self) -> [u8; 10] {
        self.0.chance()
    }
}

#[tokio::test]
async fn old_records_go_but_for_what_is_still_needed() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let done = world.accept(1, "").await;
    world.attempt(End::Done).await;
    let held = world.accept(2, "").await;
    world.attempt(End::Held).await;
    world.clock.advance(DAY.times(31));
    world.accept(3, "").await;
    let settings = Retention::default();
    let forecast = preview(&world.journal, &world.ledger, world.clock.now(), settings).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(Sleepless(world.clock.clone()));
    let report = run_once(&world.journal, &world.ledger, &clock, settings).await.unwrap();
    assert_eq!((report.records, report.rows), (forecast.records[0].records, 0));
    assert_eq!(forecast.records[0].kept, 1);
    let bytes_of = async |id| world.journal.get(world.delivery(id).await.bytes_at).await.unwrap();
    assert!(bytes_of(done).await.is_none());
    assert!(bytes_of(held).await.is_some(), "a person may still retry it");
    assert_eq!(world.journal.read(Partition(0), Offset(0), 10).await.unwrap().len(), 1);
    assert_eq!(run_once(&world.journal, &world.ledger, &clock, settings).await.unwrap().records, 0);
    world.check_accounts().await;
}

#[tokio::test]
async fn what_was_kept_goes_when_nobody_needs_it_any_more() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let held = world.accept(1, "").await;
    world.accept(2, "").await;
    world.attempt(End::Held).await;
    world.clock.advance(DAY.times(31));
    let clock: Arc<dyn Clock> = Arc::new(Sleepless(world.clock.clone()));
    let settings = Retention::default();
    let first = run_once(&world.journal, &world.ledger, &clock, settings).await.unwrap();
    assert_eq!((first.records, first.kept), (3, 0), "two events and the policy");
    let wish = engine::delivery::command::Wish::Cancel;
    world.operate().one(held, wish, None, &world.asked()).await.unwrap();
    let forecast = preview(&world.journal, &world.ledger, world.clock.now(), settings).await.unwrap();
    assert_eq!(forecast.records[0].let_go, 1);
    assert_eq!(run_once(&world.journal, &world.ledger, &clock, settings).await.unwrap().kept, 1);
    assert!(world.journal.get(world.delivery(held).await.bytes_at).await.unwrap().is_none());
    assert_eq!(world.journal.kept(Partition(0), Offset(0), 10).await.unwrap().len(), 1, "the other one is needed");
    world.check_accounts().await;
}

#[tokio::test]
async fn old_rows_go_when_they_are_final() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let done = world.accept(1, "").await;
    world.attempt(End::Done).await;
    let held = world.accept(2, "").await;
    world.attempt(End::Held).await;
    world.clock.advance(DAY.times(401));
    let clock: Arc<dyn Clock> = Arc::new(Sleepless(world.clock.clone()));
    let report = run_once(&world.journal, &world.ledger, &clock, Retention::default()).await.unwrap();
    assert!(report.rows > 0);
    assert!(world.ledger.delivery(done).await.unwrap().is_none());
    assert!(world.ledger.delivery(held).await.unwrap().is_some());
    world.check_accounts().await;
}
