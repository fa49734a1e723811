//! Replays: preview, frozen set, canary, pace, stop, and what they replace.

use engine::ports::Clock;
use engine::replay::decide::{Included, Reason};
use engine::replay::order::{SeenPreview, Wanted};
use engine::replay::selection::{Filter, Selection};
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use model::limit::READ_RECORDS_MAX;
use model::{DeliveryState, FlowName, Offset, Partition, ReplayState, TimeSpan};

use crate::world::{End, World, flow, project, wms};

fn dead_letters() -> Selection {
    Selection::Cause { flow: flow(), destination: wms(), cause: "http_422".to_owned() }
}

pub(crate) fn wanted(selection: Selection) -> Wanted {
    Wanted { selection, included: Included::default(), pace_per_s: Some(10), canary: 0, stop_after: 0 }
}

async fn dead(count: u128) -> World {
    let mut world = World::new(&project("lane: none", &[])).await;
    for number in 1..=count {
        world.accept(number, "").await;
    }
    world.attempt(End::Dead).await;
    world.clock.advance(TimeSpan::from_secs(1));
    world
}

#[tokio::test]
async fn dead_letters_are_replaced_by_their_replay() {
    let mut world = dead(3).await;
    let ordered = world.replays().order(&wanted(dead_letters()), None, &world.asked()).await.unwrap();
    assert_eq!(ordered.send, 3);
    world.replay().await;
    let made = world.of_replay(ordered.replay.id).await;
    assert_eq!(made.len(), 3);
    assert_eq!(world.attempt(End::Done).await, 3);
    let (replay, progress) = world.replays().progress(ordered.replay.id).await.unwrap();
    assert!(matches!(replay.state, ReplayState::Sent { .. }));
    assert_eq!((progress.done, progress.failed), (3, 0));
    assert!(world.views.causes().await.unwrap().is_empty(), "nothing waits for a person any more");
    world.check_accounts().await;
}

#[tokio::test]
async fn members_whose_bytes_have_gone_meanwhile_are_passed_over_and_counted() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let mut places = Vec::new();
    for number in 1..=3 {
        let delivery = world.accept(number, "").await;
        places.push(world.delivery(delivery).await.bytes_at.offset);
    }
    world.attempt(End::Done).await;
    world.clock.advance(TimeSpan::from_secs(1));
    let ordered = world.replays().order(&wanted(everything()), None, &world.asked()).await.unwrap();
    assert_eq!(ordered.send, 3);
    let mark = world.journal.usage().await.unwrap().mark;
    world.journal.trim(Partition(0), places[1], Vec::new(), mark).await.unwrap();
    world.replay().await;
    let (replay, progress) = world.replays().progress(ordered.replay.id).await.unwrap();
    assert!(matches!(replay.state, ReplayState::Sent { .. }));
    assert_eq!((replay.next, replay.passed, progress.made), (3, 2, 1));
    world.check_accounts().await;
}

#[tokio::test]
async fn a_removal_that_was_decided_before_the_order_spares_its_members() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let delivery = world.accept(1, "").await;
    world.attempt(End::Done).await;
    world.clock.advance(TimeSpan::from_secs(1));
    let decided = world.journal.usage().await.unwrap().mark;
    let ordered = world.replays().order(&wanted(everything()), None, &world.asked()).await.unwrap();
    world.replay().await;
    let place = world.delivery(delivery).await.bytes_at;
    world.journal.trim(Partition(0), place.offset, Vec::new(), decided).await.unwrap();
    assert_eq!(world.journal.kept(Partition(0), Offset(0), 10).await.unwrap(), [place.offset]);
    assert_eq!(world.of_replay(ordered.replay.id).await.len(), 1);
}

fn everything() -> Selection {
    Selection::Filter(Filter::default())
}

#[tokio::test]
async fn members_go_at_their_pace() {
    let mut world = dead(25).await;
    let ordered = world.replays().order(&wanted(dead_letters()), None, &world.asked()).await.unwrap();
    for expected in [10, 20, 25, 25] {
        world.replay().await;
        assert_eq!(world.of_replay(ordered.replay.id).await.len(), expected);
        world.clock.advance(TimeSpan::from_secs(1));
    }
}

#[tokio::test]
async fn the_rest_waits_for_the_canary_and_stops_when_it_fails() {
    for (end, expected) in [(End::Done, 8), (End::Held, 2)] {
        let mut world = dead(8).await;
        let order = Wanted { canary: 2, ..wanted(dead_letters()) };
        let id = world.replays().order(&order, None, &world.asked()).await.unwrap().replay.id;
        for _ in 0..2 {
            world.replay().await;
            assert_eq!(world.of_replay(id).await.len(), 2, "the canary is on its way");
        }
        world.attempt(end).await;
        world.replay().await;
        assert_eq!(world.of_replay(id).await.len(), expected, "{end:?}");
        let stopped = matches!(world.ledger.replay(id).await.unwrap().unwrap().state, ReplayState::Stopped { .. });
        assert_eq!(stopped, expected == 2);
        world.check_accounts().await;
    }
}

#[tokio::test]
async fn it_stops_by_itself_after_so_many_failures() {
    let mut world = dead(25).await;
    let order = Wanted { stop_after: 3, ..wanted(dead_letters()) };
    let id = world.replays().order(&order, None, &world.asked()).await.unwrap().replay.id;
    world.replay().await;
    world.attempt(End::Held).await;
    world.clock.advance(TimeSpan::from_secs(1));
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 10);
    assert!(matches!(world.ledger.replay(id).await.unwrap().unwrap().state, ReplayState::Stopped { .. }));
    assert_eq!(
        world.views.causes().await.unwrap().iter().map(|group| group.count).sum::<u64>(),
        25,
        "the rest is as it was"
    );
}

#[tokio::test]
async fn a_preview_counts_and_tells_what_fails_again() {
    let world = dead(3).await;
    let preview = world.replays().preview(&wanted(dead_letters()), world.clock.now()).await.unwrap();
    assert_eq!((preview.found, preview.send, preview.replaces), (3, 3, 3));
    assert_eq!((preview.tried, preview.would_fail), (3, 3), "the same bytes were refused for good: {preview:?}");
    assert_eq!(preview.targets[0].name, "orders-to-wms -> wms");
    assert_eq!(preview.sources[0].name, "shop");
    let default = world.replays().preview(&Wanted { pace_per_s: None, ..wanted(dead_letters()) }, world.clock.now()).await;
    assert_eq!(default.unwrap().pace_per_s, 10, "a fifth of 50/s");
}

/// A flow gets what it selects, also where a person names it. What they name with it and it does not select is told.
#[tokio::test]
async fn a_named_flow_gets_what_it_selects() {
    let returns = "owner: team-warehouse\non:\n  types: [returns]\nto: wms\n";
    let none = "owner: team-warehouse\non:\n  types: [orders]\n  where: .number == 0\nto: wms\n";
    let more = [("flows/returns-to-wms.yaml", returns), ("flows/none-to-wms.yaml", none)];
    let mut world = World::new(&project("lane: none", &more)).await;
    let since = world.clock.now();
    let mut events = Vec::new();
    for number in 1..=2 {
        let delivery = world.accept(number, "").await;
        events.push(world.delivery(delivery).await.event);
    }
    world.attempt(End::Done).await;
    let others = ["returns-to-wms", "none-to-wms"].map(|name| FlowName::new(name).unwrap());
    for (flows, found) in [(others.to_vec(), 0), (vec![others[0].clone(), flow()], 2)] {
        let period = Selection::Filter(Filter { since: Some(since), flows, ..Filter::default() });
        let preview = world.replays().preview(&wanted(period), world.clock.now()).await.unwrap();
        assert_eq!((preview.found, preview.send), (found, found));
    }
    let named = Selection::Events { events, flows: others.to_vec() };
    let preview = world.replays().preview(&wanted(named), world.clock.now()).await.unwrap();
    assert_eq!((preview.found, preview.send), (4, 0));
    assert_eq!((preview.left_out[0].reason, preview.left_out[0].count), (Reason::NotSelected, 4));
}

#[tokio::test]
async fn of_a_period_only_the_newest_state_of_each_key_is_sent() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let since = world.clock.now();
    for (number, key) in [(1, "a"), (2, "b"), (3, "a")] {
        world.accept(number, key).await;
    }
    world.attempt(End::Done).await;
    let period = Selection::Filter(Filter { since: Some(since), ..Filter::default() });
    let preview = world.replays().preview(&wanted(period), world.clock.now()).await.unwrap();
    assert_eq!((preview.found, preview.send), (3, 2));
    assert_eq!(preview.left_out[0].reason, Reason::NewerDelivered);
    let first =
        Selection::Filter(Filter { since: Some(since), until: Some(since + TimeSpan::from_micros(1)), ..Filter::default() });
    let preview = world.replays().preview(&wanted(first), world.clock.now()).await.unwrap();
    assert_eq!((preview.found, preview.send), (1, 0));
}

#[tokio::test]
async fn a_set_that_has_changed_since_its_preview_is_not_ordered() {
    let mut world = dead(2).await;
    let at = world.clock.now();
    let preview = world.replays().preview(&wanted(dead_letters()), at).await.unwrap();
    let seen = Some(SeenPreview { at: preview.at, digest: preview.digest });
    world.accept(9, "").await;
    world.attempt(End::Dead).await;
    let asked = world.asked();
    let ordered = world.replays().order(&wanted(dead_letters()), seen, &asked).await.unwrap();
    assert_eq!(ordered.send, 2, "later ones are not in it");
    world.replay().await;
    let repeated = world.replays().order(&wanted(dead_letters()), seen, &asked).await.unwrap();
    assert_eq!((repeated.replay.id, repeated.send), (ordered.replay.id, 2), "the same order asked twice is one");
    world.clock.advance(TimeSpan::from_secs(1));
    let again = world.replays().order(&wanted(dead_letters()), seen, &world.asked()).await;
    assert!(matches!(again, Err(NotDone::Changed(_))), "{again:?}");
}

#[tokio::test]
async fn over_a_hundred_members_need_a_preview() {
    let mut world = World::new(&project("lane: none", &[])).await;
    for number in 1..=101 {
        world.accept(number, "").await;
    }
    let all = wanted(Selection::Filter(Filter::default()));
    world.attempt(End::Done).await;
    world.attempt(End::Done).await;
    assert!(matches!(world.replays().order(&all, None, &world.asked()).await, Err(NotDone::Refused(_))));
    let preview = world.replays().preview(&all, world.clock.now()).await.unwrap();
    let seen = Some(SeenPreview { at: preview.at, digest: preview.digest });
    assert_eq!(world.replays().order(&all, seen, &world.asked()).await.unwrap().send, 101);
}

#[tokio::test]
async fn a_cancelled_replay_sends_nothing_more() {
    let mut world = dead(25).await;
    let id = world.replays().order(&wanted(dead_letters()), None, &world.asked()).await.unwrap().replay.id;
    world.replay().await;
    world.replays().cancel(id, None, &world.asked()).await.unwrap();
    world.clock.advance(TimeSpan::from_secs(9));
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 10);
    assert!(matches!(world.replays().cancel(id, None, &world.asked()).await, Err(NotDone::Refused(_))));
}

#[tokio::test]
async fn what_was_retried_meanwhile_is_passed_over() {
    let mut world = dead(2).await;
    let ids: Vec<_> = world.views.deliveries(model::view::DeliveryQuery::default()).await.unwrap().rows;
    let ordered = world.replays().order(&wanted(dead_letters()), None, &world.asked()).await.unwrap();
    let retry = engine::delivery::command::Wish::Retry(Newer::Stays);
    world.operate().one(ids[0].id, retry, None, &world.asked()).await.unwrap();
    world.replay().await;
    assert_eq!(world.of_replay(ordered.replay.id).await.len(), 1);
    assert!(matches!(world.delivery(ids[0].id).await.state, DeliveryState::Waiting { .. }));
    assert!(matches!(world.ledger.replay(ordered.replay.id).await.unwrap().unwrap().state, ReplayState::Sent { .. }));
}

#[tokio::test]
async fn more_members_than_one_commit_takes_are_refused_with_the_way_out() {
    let world = World::new(&project("lane: none", &[])).await;
    let deliveries = vec![model::DeliveryId(uuid::Uuid::nil()); model::limit::REPLAY_MEMBERS_MAX + 1];
    let refused = world.replays().order(&wanted(Selection::Deliveries { deliveries }), None, &world.asked()).await;
    let Err(NotDone::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("50000 members") && why.contains("split it by period"), "{why}");
}

/// As it was written by two lives, of which the first had a clock that was an hour ahead.
#[tokio::test]
async fn a_journal_whose_time_goes_back_hides_nothing_of_a_period_or_of_a_cause() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let right = world.clock.now();
    world.clock.advance(TimeSpan::from_secs(3_600));
    world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    for number in 2..=READ_RECORDS_MAX as u128 + 2 {
        world.append(number, "").await;
    }
    world.clock.set(right);
    world.append(1_000_000, "b").await;
    let since = Some(right - TimeSpan::from_secs(1_800));
    let found =
        async |selection| world.replays().preview(&wanted(selection), right + TimeSpan::from_secs(1)).await.unwrap().found;
    assert_eq!(found(Selection::Filter(Filter { since, ..Filter::default() })).await, 1);
    assert_eq!(found(dead_letters()).await, 1);
}
