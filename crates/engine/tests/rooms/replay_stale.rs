//! Replays, retries and releases never put an old state over a newer one: when it is judged, of whom it is asked, by which key.

use bytes::Bytes;
use engine::change::decide::Terms;
use engine::delivery::command::Wish;
use engine::intake::quarantine::{Quarantine, Which};
use engine::ports::Clock;
use engine::replay::decide::{Included, Reason};
use engine::replay::order::{SeenPreview, Wanted};
use engine::replay::selection::{Filter, Selection};
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use model::newest::Fate;
use model::{DeliveryId, DeliveryState, Offset, Partition, ReplayId, ReplayState, TimeSpan};

use crate::world::{End, World, flow, project};

pub(crate) const LANES: [&str; 3] = ["lane: none", "lane: ordering\n  on_dead: pass", "lane: ordering"];
/// Those in which a newer one does not wait behind what is dead.
const PASSED: [&str; 2] = [LANES[0], LANES[1]];

pub(crate) fn wanted(selection: Selection) -> Wanted {
    Wanted { selection, included: Included::default(), pace_per_s: Some(10), canary: 0, stop_after: 0 }
}

pub(crate) fn of(deliveries: &[DeliveryId]) -> Wanted {
    wanted(Selection::Deliveries { deliveries: deliveries.to_vec() })
}

pub(crate) fn everything() -> Wanted {
    wanted(Selection::Filter(Filter::default()))
}

impl World {
    /// Each key's event, delivered or dead.
    async fn ended(&mut self, first: u128, keys: &[String], end: End) -> Vec<DeliveryId> {
        let mut ids = Vec::new();
        for (number, key) in (first..).zip(keys) {
            ids.push(self.accept(number, key).await);
        }
        while self.attempt(end).await > 0 {}
        self.clock.advance(TimeSpan::from_secs(1));
        ids
    }

    async fn order(&self, wanted: &Wanted) -> ReplayId {
        self.replays().order(wanted, None, &self.asked()).await.expect("it is ordered").replay.id
    }

    /// Members that were passed over, by reason.
    async fn passed(&self, id: ReplayId) -> Vec<(String, u32)> {
        let replay = self.ledger.replay(id).await.expect("memory answers").expect("it was ordered");
        assert_eq!(replay.passed, replay.passed_for.iter().map(|passed| passed.count).sum::<u32>());
        replay.passed_for.into_iter().map(|passed| (passed.why, passed.count)).collect()
    }

    /// Retention moves everything up to this delivery's bytes to what is kept, or removes it.
    async fn trim_up_to(&self, last: DeliveryId) {
        let to = self.delivery(last).await.bytes_at.offset;
        let mark = self.journal.usage().await.expect("memory answers").mark;
        let needed = self.ledger.needed(Partition(0), Offset(0), to).await.expect("memory answers");
        self.journal.trim(Partition(0), to, needed, mark).await.expect("memory answers");
    }

    pub(crate) async fn reasons(&self, wanted: &Wanted) -> Vec<(Reason, usize)> {
        let preview = self.replays().preview(wanted, self.clock.now()).await.expect("it is previewed");
        preview.left_out.iter().map(|left_out| (left_out.reason, left_out.count)).collect()
    }
}

fn keys(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("key-{number}")).collect()
}

fn why(reason: Reason, count: u32) -> Vec<(String, u32)> {
    vec![(reason.sentence().to_owned(), count)]
}

#[tokio::test]
async fn what_became_stale_while_the_replay_ran_is_not_sent() {
    for lane in PASSED {
        let mut world = World::new(&project(lane, &[])).await;
        let old = world.ended(1, &keys(25), End::Dead).await;
        let id = world.order(&of(&old)).await;
        world.replay().await;
        assert_eq!(world.of_replay(id).await.len(), 10, "the pace of a second");
        while world.attempt(End::Done).await > 0 {}
        let newer = ["key-21".to_owned(), "key-22".to_owned()];
        world.ended(101, &newer, End::Done).await;
        world.replay().await;
        world.clock.advance(TimeSpan::from_secs(1));
        world.replay().await;
        assert_eq!(world.of_replay(id).await.len(), 23, "{lane}");
        assert_eq!(world.passed(id).await, why(Reason::NewerDelivered, 2), "{lane}");
        assert!(matches!(world.ledger.replay(id).await.unwrap().unwrap().state, ReplayState::Sent { .. }));
        assert!(matches!(world.delivery(old[20]).await.state, DeliveryState::DeadLettered { .. }), "it stays a person's");
        world.check_accounts().await;
    }
}

#[tokio::test]
async fn what_became_stale_while_the_canary_was_waited_for_is_not_sent() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let old = world.ended(1, &keys(3), End::Dead).await;
    let id = world.order(&Wanted { canary: 1, ..of(&old) }).await;
    world.replay().await;
    world.ended(101, &["key-3".to_owned()], End::Done).await;
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 2);
    assert_eq!(world.passed(id).await, why(Reason::NewerDelivered, 1));
}

#[tokio::test]
async fn a_canary_whose_members_were_passed_over_is_done() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let delivered = world.ended(1, &keys(3), End::Done).await;
    let id = world.order(&Wanted { canary: 1, ..of(&delivered) }).await;
    world.ended(101, &["key-1".to_owned()], End::Done).await;
    world.replay().await;
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 2, "the rest follows");
    assert_eq!(world.passed(id).await, why(Reason::NewerDelivered, 1));
}

#[tokio::test]
async fn what_the_router_has_not_reached_is_newer_too() {
    let mut world = World::new(&project("lane: ordering\n  on_dead: pass", &[])).await;
    let old = world.ended(1, &keys(2), End::Dead).await;
    let id = world.order(&of(&old)).await;
    world.append(101, "key-1").await;
    assert_eq!(world.reasons(&of(&old)).await, [(Reason::NewerUnderWay, 1)]);
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 1);
    assert_eq!(world.passed(id).await, why(Reason::NewerUnderWay, 1));
}

#[tokio::test]
async fn an_old_dead_letter_is_stale_after_retention_too() {
    for lane in PASSED {
        let mut world = World::new(&project(lane, &[])).await;
        let old = world.ended(1, &keys(1), End::Dead).await;
        let newer = world.ended(2, &keys(1), End::Done).await;
        world.trim_up_to(newer[0]).await;
        assert_eq!(world.reasons(&of(&old)).await, [(Reason::NewerDelivered, 1)], "{lane}");
    }
}

#[tokio::test]
async fn a_dead_head_does_not_enter_behind_what_waits_for_it() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let mut ids = Vec::new();
    for number in 1..=9 {
        ids.push(world.accept(number, "a").await);
    }
    assert_eq!(world.attempt(End::Dead).await, 1);
    world.clock.advance(TimeSpan::from_secs(1));
    world.trim_up_to(ids[8]).await;
    assert_eq!(world.journal.kept(Partition(0), Offset(0), 20).await.unwrap().len(), 9, "all are needed");
    assert_eq!(world.reasons(&of(&ids[..1])).await, [(Reason::NewerUnderWay, 1)]);
    let refused = world.replays().order(&of(&ids[..1]), None, &world.asked()).await;
    assert!(matches!(refused, Err(NotDone::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn newer_is_told_by_the_lane_that_the_flow_gives() {
    let by_correlation = "lane: \"%correlation\"\n  on_dead: pass";
    let mut world = World::new(&project(by_correlation, &[])).await;
    let dead = world.accept_in(1, "one", "order-7").await;
    world.attempt(End::Dead).await;
    world.accept_in(2, "another", "order-7").await;
    world.accept_in(3, "one", "order-8").await;
    assert_eq!(world.attempt(End::Done).await, 2);
    world.clock.advance(TimeSpan::from_secs(1));
    assert_eq!(world.reasons(&of(&[dead])).await, [(Reason::NewerDelivered, 1)]);
    let other = world.accept_in(4, "another", "order-9").await;
    world.attempt(End::Dead).await;
    world.accept_in(5, "another", "order-10").await;
    world.attempt(End::Done).await;
    assert_eq!(world.reasons(&of(&[other])).await, [(Reason::NewerDelivered, 1)], "or by the ordering key");
}

#[tokio::test]
async fn an_older_event_that_was_replayed_is_no_newer_for_it() {
    let mut world = World::new(&project("lane: ordering\n  on_dead: pass", &[])).await;
    let ids = world.ended(1, &["a".to_owned()], End::Dead).await;
    world.order(&of(&ids)).await;
    let newer = world.accept(2, "a").await;
    world.attempt(End::Dead).await;
    world.replay().await;
    assert_eq!(world.attempt(End::Done).await, 1, "the old one arrives after the new one was made");
    world.clock.advance(TimeSpan::from_secs(1));
    assert_eq!(world.reasons(&of(&[newer])).await, []);
}

#[tokio::test]
async fn an_order_on_live_keys_sends_what_is_left_of_its_preview() {
    let mut world = World::new(&project("lane: none", &[])).await;
    world.ended(1, &keys(120), End::Done).await;
    let preview = world.replays().preview(&everything(), world.clock.now()).await.unwrap();
    assert_eq!((preview.found, preview.send), (120, 120));
    let seen = Some(SeenPreview { at: preview.at, digest: preview.digest });
    world.ended(201, &keys(3), End::Done).await;
    let asked = world.asked();
    let ordered = world.replays().order(&everything(), seen, &asked).await.unwrap();
    assert_eq!((ordered.send, ordered.replay.to_send, ordered.replay.members), (117, 117, 120));
    let fell = format!("3 fell out since the preview: {}", Reason::NewerDelivered.sentence());
    assert!(ordered.sentence.ends_with(&fell), "{}", ordered.sentence);
    let repeated = world.replays().order(&everything(), seen, &asked).await.unwrap();
    assert_eq!((repeated.replay.id, repeated.send), (ordered.replay.id, 117), "asked twice, it is one");
}

#[tokio::test]
async fn an_order_sends_nothing_that_its_preview_would_not_have_sent() {
    let mut world = World::new(&project("lane: ordering\n  on_dead: pass", &[])).await;
    let old = world.ended(1, &keys(3), End::Dead).await;
    let newer = world.accept(101, "key-1").await;
    let at = world.clock.now();
    let preview = world.replays().preview(&of(&old), at).await.unwrap();
    assert_eq!(preview.send, 2);
    let cancel = Wish::Cancel;
    world.operate().one(newer, cancel, None, &world.asked()).await.unwrap();
    let seen = Some(SeenPreview { at, digest: preview.digest });
    let ordered = world.replays().order(&of(&old), seen, &world.asked()).await.unwrap();
    assert_eq!(ordered.send, 2);
    assert!(ordered.sentence.contains("1 more may be sent by now"), "{}", ordered.sentence);
}

#[tokio::test]
async fn without_its_preview_in_memory_an_order_needs_the_very_set() {
    let mut world = World::new(&project("lane: none", &[])).await;
    world.ended(1, &keys(120), End::Done).await;
    let preview = world.replays().preview(&everything(), world.clock.now()).await.unwrap();
    let seen = Some(SeenPreview { at: preview.at, digest: preview.digest });
    world.previews = std::sync::Arc::default();
    let newer = world.accept(201, "key-1").await;
    let changed = world.replays().order(&everything(), seen, &world.asked()).await;
    assert!(matches!(changed, Err(NotDone::Changed(_))), "{changed:?}");
    let cancel = Wish::Cancel;
    world.operate().one(newer, cancel, None, &world.asked()).await.unwrap();
    assert_eq!(world.replays().order(&everything(), seen, &world.asked()).await.unwrap().send, 120);
}

#[tokio::test]
async fn a_period_has_what_is_kept_and_says_where_it_is_not_whole() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let since = world.clock.now();
    let dead = world.ended(1, &keys(2), End::Dead).await;
    let done = world.ended(11, &["other".to_owned()], End::Done).await;
    let later = world.ended(21, &["last".to_owned()], End::Done).await;
    let period = |since| wanted(Selection::Filter(Filter { since: Some(since), ..Filter::default() }));
    let whole = world.replays().preview(&period(since), world.clock.now()).await.unwrap();
    assert_eq!((whole.found, whole.floor_at), (4, None));
    world.trim_up_to(done[0]).await;
    let preview = world.replays().preview(&period(since), world.clock.now()).await.unwrap();
    let last_at = world.delivery(later[0]).await.created_at;
    assert_eq!((preview.found, preview.send, preview.replaces), (3, 3, 2), "dead letters are kept");
    assert_eq!(preview.floor_at, Some(last_at));
    assert!(preview.sentence.contains("retention has removed records of this period"), "{}", preview.sentence);
    let recent = world.replays().preview(&period(last_at), world.clock.now()).await.unwrap();
    assert_eq!((recent.found, recent.floor_at), (1, None));
    let between = Filter { since: Some(since), until: Some(since + TimeSpan::from_micros(1)), ..Filter::default() };
    let first = world.replays().preview(&wanted(Selection::Filter(between)), world.clock.now()).await.unwrap();
    assert_eq!(first.found, 1);
    let ordered = world.order(&period(since)).await;
    world.replay().await;
    assert_eq!(world.of_replay(ordered).await.len(), 3);
    assert!(matches!(world.delivery(dead[0]).await.state, DeliveryState::Superseded { .. }));
}

#[tokio::test]
async fn a_replay_waits_while_the_router_is_too_far_behind_to_tell() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let old = world.ended(1, &keys(1), End::Dead).await;
    let id = world.order(&of(&old)).await;
    for number in 1_000..1_600 {
        world.append(number, "elsewhere").await;
    }
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 0, "what is newer may be behind the first page");
    world.replay().await;
    assert_eq!(world.of_replay(id).await.len(), 1, "the router has come");
}

#[tokio::test]
async fn a_retry_puts_no_old_state_over_a_newer_one_unless_the_person_says_so() {
    for lane in PASSED {
        let mut world = World::new(&project(lane, &[])).await;
        let old = world.accept(1, "a").await;
        world.attempt(End::Dead).await;
        world.accept(2, "a").await;
        for why in ["is on its way", "was delivered since"] {
            let refused = world.operate().one(old, Wish::Retry(Newer::Stays), None, &world.asked()).await;
            assert!(matches!(&refused, Err(NotDone::Overtaken(told)) if told.contains(why)), "{lane}: {refused:?}");
            let many = world.operate().many(&[old], Wish::Retry(Newer::Stays), &world.asked()).await.unwrap();
            assert_eq!((many.done, many.skipped), (0, 1), "{lane}");
            world.attempt(End::Done).await;
        }
        world.operate().one(old, Wish::Retry(Newer::GoesUnder), None, &world.asked()).await.unwrap();
        let rows = world.views.audit(Some(old.to_string()), None, 10).await.unwrap().rows;
        let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["delivery.retry_over_newer"], "{lane}");
    }
}

#[tokio::test]
async fn a_release_puts_no_old_state_over_a_newer_one_unless_the_person_says_so() {
    for lane in LANES {
        let mut world = World::new(&project(lane, &[])).await;
        let kept = world.keep(1, "a").await;
        world.accept(2, "a").await;
        world.attempt(End::Done).await;
        let (journal, ledger, book) = (world.journal.clone(), world.ledger.clone(), world.book.clone());
        let desk = Quarantine { journal, ledger, book };
        let which = Which { event: kept, version: None };
        let refused = desk.release(which, Newer::Stays, &world.asked()).await;
        assert!(matches!(&refused, Err(NotDone::Overtaken(told)) if told.contains("was delivered since")), "{refused:?}");
        desk.release(which, Newer::GoesUnder, &world.asked()).await.unwrap();
        let rows = world.views.audit(Some(kept.to_string()), None, 10).await.unwrap().rows;
        let mut actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["quarantine.over_newer", "quarantine.release"], "{lane}");
        // Asked again, it is answered as before; what has no newer state is released as ever.
        desk.release(which, Newer::Stays, &world.asked()).await.unwrap();
        let other = Which { event: world.keep(3, "b").await, version: None };
        desk.release(other, Newer::Stays, &world.asked()).await.unwrap();
    }
}

#[tokio::test]
async fn a_correction_puts_no_old_state_over_a_newer_one_unless_the_person_says_so() {
    for lane in LANES {
        let mut world = World::new(&project(lane, &[])).await;
        let kept = world.keep(1, "a").await;
        let (journal, ledger, book) = (world.journal.clone(), world.ledger.clone(), world.book.clone());
        let desk = Quarantine { journal, ledger, book };
        let (which, body) = (Which { event: kept, version: None }, || Bytes::from_static(b"{\"order\":2}"));
        let row = world.ledger.quarantined(kept).await.unwrap().unwrap();
        assert_eq!(desk.would_go_over(&row).await.unwrap(), None, "{lane}");
        world.accept(2, "a").await;
        world.attempt(End::Done).await;
        let row = world.ledger.quarantined(kept).await.unwrap().unwrap();
        let newer = desk.would_go_over(&row).await.unwrap().unwrap();
        assert_eq!((newer.flow, newer.newer), (flow(), Fate::Done), "{lane}");
        let refused = desk.correct(which, body(), Newer::Stays, &world.asked()).await;
        assert!(matches!(&refused, Err(NotDone::Overtaken(told)) if told.contains("was delivered since")), "{refused:?}");
        desk.correct(which, body(), Newer::GoesUnder, &world.asked()).await.unwrap();
        let rows = world.views.audit(Some(kept.to_string()), None, 10).await.unwrap().rows;
        let mut actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["quarantine.correct", "quarantine.over_newer"], "{lane}");
        desk.correct(which, body(), Newer::Stays, &world.asked()).await.expect("as it was answered before");
        let other = Which { event: world.keep(3, "b").await, version: None };
        desk.correct(other, body(), Newer::Stays, &world.asked()).await.unwrap();
    }
}

#[tokio::test]
async fn a_retry_after_another_lane_was_applied_asks_by_that_and_by_the_ordering_key() {
    for present in ["lane: ordering", "lane: none", "lane: .other"] {
        let mut world = World::new(&project("lane: .order", &[])).await;
        let old = world.accept(1, "a").await;
        world.attempt(End::Held).await;
        world.apply(&project(present, &[]), Terms::default()).await.unwrap();
        world.route().await;
        let retry = async |world: &World| world.operate().one(old, Wish::Retry(Newer::Stays), None, &world.asked()).await;
        world.accept(2, "a").await;
        let refused = retry(&world).await;
        assert!(matches!(&refused, Err(NotDone::Overtaken(told)) if told.contains("on its way")), "{present}: {refused:?}");
        world.attempt(End::Done).await;
        let refused = retry(&world).await;
        assert!(matches!(&refused, Err(NotDone::Overtaken(told)) if told.contains("since")), "{present}: {refused:?}");
        assert!(matches!(world.delivery(old).await.state, DeliveryState::Held { .. }), "{present}");
    }
}
