//! A day's churn in virtual time, over the embedded store with a small budget and short retention: bursts by the hour, a
//! destination that fails, events that wait for a person, a replay under way. All along the store stays within its budget
//! and answers, and nothing goes that somebody needs. Then there is no room at all, and room again.

#[cfg(test)]
mod people;
#[cfg(test)]
mod project;
#[cfg(test)]
mod watched;
#[cfg(test)]
mod world;

use engine::replay::selection::{Filter, Selection};
use model::limit::TRIM_ROWS_MAX;
use model::{SourceName, TimeSpan};

use crate::world::{Budgets, End, Told, World, body};

const HOUR: TimeSpan = TimeSpan::from_secs(3_600);
const MIB: u64 = 1024 * 1024;
/// A quarter of what the day brings.
const BUDGET: u64 = 5 * MIB;
/// Room for everything.
const AMPLE: u64 = 1024 * MIB;
/// Events of an ordinary hour, and of one in six.
const ORDINARY: u32 = 100;
const BURST: u32 = 300;
/// More events than any budget here has room for.
const TAKEN_MAX: u32 = 5_000;

/// So many events of one hour.
const fn of_hour(hour: u32) -> u32 {
    if hour % 6 == 3 { BURST } else { ORDINARY }
}

#[tokio::test]
async fn a_day_stays_within_its_budget_and_keeps_what_is_needed() {
    let mut world = World::open(Budgets { journal: BUDGET, ledger: AMPLE }).await;
    let first = body(0, 0);
    for hour in 0..24 {
        for minute in 0..4 {
            let quarter = of_hour(hour) / 4;
            let bodies: Vec<String> = (0..quarter).map(|n| body(hour, minute * quarter + n)).collect();
            world.receive_beside_retention(&bodies).await;
            world.receive_kept(hour * 4 + minute).await;
            world.route().await;
            world.attempt(if (6..9).contains(&hour) { End::Busy } else { End::Done }).await;
            world.replay().await;
            world.clock.advance(TimeSpan::from_secs(900));
            world.retain().await;
            world.check_budget(BUDGET).await;
        }
        if hour == 10 {
            order(&world).await;
        }
        if hour == 13 {
            check_replay(&world).await;
        }
        world.check_what_is_needed().await;
        world.check_accounts().await;
    }
    let accepted = world.accepted();
    assert!(accepted > 3_000 && world.gone().await > accepted / 2, "a day that removes little proves little: {accepted}");
    assert_eq!(world.receive(&first).await, Told::Duplicate, "its record is gone, its key is not");
    world.settle_the_kept().await;
    world.route().await;
    world.attempt(End::Done).await;
    for _ in 0..3 {
        world.clock.advance(HOUR);
        world.retain().await;
    }
    assert_eq!(world.kept().await, 0, "nobody needs any of it");
    world.check_accounts().await;
    world.check_commits(TRIM_ROWS_MAX as u64);
    world.clock.advance(TimeSpan::from_days(12));
    world.retain().await;
    assert_eq!(world.receive(&first).await, Told::Duplicate, "inside of its window");
    world.clock.advance(TimeSpan::from_days(2));
    world.retain().await;
    assert_eq!(world.receive(&first).await, Told::Accepted, "after its window");
}

/// Everything that the journal still has goes again, at a pace of hours.
async fn order(world: &World) {
    let filter = Filter { source: SourceName::new("shop").ok(), ..Filter::default() };
    let ordered = world.replay_of(Selection::Filter(filter), 20).await;
    assert!(ordered.send > 150, "{}", ordered.sentence);
}

/// It is under way, and what it needs has not gone from under it.
async fn check_replay(world: &World) {
    let (replay, progress) = world.last_replay().await;
    assert!(progress.made > 100 && progress.failed == 0, "{progress:?}");
    assert_eq!((u64::from(replay.next), replay.passed), (progress.made, 0), "{replay:?}");
}

/// What goes on while a store is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// A look of retention.
    Nothing,
    /// The router as well.
    Routing,
}

/// New events until one is refused because there is no room. Answers how many were taken.
async fn fill(world: &mut World, beside: Beside) -> u32 {
    for taken in 0..TAKEN_MAX {
        match world.receive(&body(0, taken)).await {
            Told::Accepted => {}
            Told::Duplicate => panic!("each body is new"),
            refused @ Told::Refused(..) => {
                assert_eq!(refused, Told::Refused(503, Some(60)), "Full, with Retry-After");
                return taken;
            }
        }
        if beside == Beside::Routing {
            world.route().await;
        }
        world.look().await;
    }
    panic!("a budget of 2 MiB takes everything");
}

#[tokio::test]
async fn without_room_intake_says_so_and_opens_again_by_itself() {
    let mut world = World::open(Budgets { journal: 2 * MIB, ledger: AMPLE }).await;
    world.look().await;
    let taken = fill(&mut world, Beside::Nothing).await;
    for _ in 0..5 {
        world.look().await;
    }
    assert_eq!(world.alarms("journal"), [("full", 1), ("high", 1), ("low", 1)], "each level once");
    world.receive_nothing_but_settle(taken).await;
    world.retain().await;
    assert_eq!(world.receive(&body(1, 0)).await, Told::Accepted, "there is room again, and nobody had to say so");
    world.check_accounts().await;
    world.check_commits(TRIM_ROWS_MAX as u64);
}

#[tokio::test]
async fn a_full_ledger_closes_intake_until_something_is_over() {
    let mut world = World::open(Budgets { journal: AMPLE, ledger: 2 * MIB }).await;
    fill(&mut world, Beside::Routing).await;
    assert_eq!(world.alarms("ledger"), [("full", 1), ("high", 1), ("low", 1)], "each level once");
    world.retain().await;
    assert!(matches!(world.receive(&body(1, 0)).await, Told::Refused(503, _)), "all of it is open: none of it goes");
    world.attempt(End::Done).await;
    world.clock.advance(TimeSpan::from_secs(2));
    world.retain().await;
    assert_eq!(world.receive(&body(1, 0)).await, Told::Accepted, "what is over went before its age");
    world.check_accounts().await;
}

#[tokio::test]
async fn where_room_is_short_what_may_be_released_is_found_behind_what_may_not() {
    let mut world = World::open(Budgets { journal: 2 * MIB, ledger: AMPLE }).await;
    let with_a_person = u32::try_from(2 * TRIM_ROWS_MAX + 20).unwrap();
    for n in 0..with_a_person {
        world.receive_kept(n).await;
    }
    fill(&mut world, Beside::Nothing).await;
    world.route().await;
    world.retain().await;
    let kept = world.kept().await;
    assert!(kept > with_a_person as usize + 100, "{kept}");
    world.attempt(End::Done).await;
    world.clock.advance(TimeSpan::from_secs(2));
    world.retain().await;
    assert_eq!(world.kept().await, with_a_person as usize);
}
