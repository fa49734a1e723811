//! What a newer state of the same key is, asked the same way by retry, correction, release and replay: each sequence that once put
//! an old state over a newer one, or kept the newest from going.

use backends::conformance::ManualClock;
use bytes::Bytes;
use engine::change::decide::{Breaches, MissingSecrets, OpenDeliveries, Terms};
use engine::delivery::command::Wish;
use engine::delivery::operate::Told;
use engine::intake::quarantine::{Moved, Quarantine, Which};
use engine::ports::Clock;
use engine::replay::decide::{Included, Reason};
use engine::replay::order::Wanted;
use engine::replay::selection::Selection;
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use engine::rules::replayed;
use model::newest::{Blind, Fate};
use model::room::Ages;
use model::{DeliveryId, DeliveryState, EventId, FlowName, Forgotten, TimeSpan};
use policy::SourceFile;

use crate::replay_stale::{LANES, everything, of, wanted};
use crate::world::{End, World, flow, project};

impl World {
    fn desk(&self) -> Quarantine {
        Quarantine { journal: self.journal.clone(), ledger: self.ledger.clone(), book: self.book.clone() }
    }

    /// Corrects a kept event and routes what comes of it.
    async fn correct(&mut self, kept: EventId) -> Result<Moved, NotDone> {
        let (which, body) = (Which { event: kept, version: None }, Bytes::from_static(b"{\"order\":2}"));
        let moved = self.desk().correct(which, body, Newer::Stays, &self.asked()).await;
        self.route().await;
        self.pass(1);
        moved
    }

    async fn release(&mut self, kept: EventId) -> Result<Moved, NotDone> {
        let which = Which { event: kept, version: None };
        self.desk().release(which, Newer::Stays, &self.asked()).await
    }

    async fn retry(&mut self, delivery: DeliveryId) -> Result<Told, NotDone> {
        let told = self.operate().one(delivery, Wish::Retry(Newer::Stays), None, &self.asked()).await;
        if told.is_ok() {
            self.route().await;
            self.pass(1);
        }
        told
    }

    async fn arrive(&self) {
        while self.attempt(End::Done).await > 0 {}
        self.pass(1);
    }

    fn pass(&self, millis: u64) {
        let clock: &ManualClock = &self.clock;
        clock.advance(TimeSpan::from_millis(millis));
    }

    async fn is_done(&self, delivery: DeliveryId) -> bool {
        matches!(self.delivery(delivery).await.state, DeliveryState::Done { .. })
    }

    /// Retention removes all that is over.
    async fn forget(&self) {
        self.pass(1_000);
        let now = self.clock.now();
        self.ledger.trim(Ages { answers: now, rows: now, emitted: now, audit: now }).await.unwrap();
        self.ledger.trim(Ages { answers: now, rows: now, emitted: now, audit: now }).await.unwrap();
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: &Result<T, NotDone>, why: &str) {
    assert!(matches!(answer, Err(NotDone::Overtaken(told)) if told.contains(why)), "{why}: {answer:?}");
}

fn by_correction(moved: &Moved) -> DeliveryId {
    replayed::first_delivery(moved.as_event.expect("it was corrected"), &flow())
}

#[tokio::test]
async fn two_states_that_were_kept_are_corrected_in_their_order_and_in_no_other() {
    for lane in LANES {
        let mut world = World::new(&project(lane, &[])).await;
        let (first, second) = (world.keep(1, "a").await, world.keep(2, "a").await);
        let first = by_correction(&world.correct(first).await.unwrap());
        world.arrive().await;
        assert!(world.is_done(first).await, "{lane}");
        let second = by_correction(&world.correct(second).await.expect("it is the newest"));
        world.arrive().await;
        assert!(world.is_done(second).await, "{lane}");

        let mut world = World::new(&project(lane, &[])).await;
        let (first, second) = (world.keep(1, "a").await, world.keep(2, "a").await);
        world.correct(second).await.unwrap();
        refused(&world.correct(first).await, "is on its way");
        world.arrive().await;
        refused(&world.correct(first).await, "was delivered since");
    }
}

#[tokio::test]
async fn the_newest_state_is_retried_past_a_corrected_older_one_and_is_what_a_period_sends() {
    for lane in &LANES[..2] {
        let mut world = World::new(&project(lane, &[])).await;
        let kept = world.keep(1, "a").await;
        let newest = world.accept(2, "a").await;
        world.attempt(End::Dead).await;
        let corrected = world.correct(kept).await.unwrap();
        world.arrive().await;
        assert!(world.is_done(by_correction(&corrected)).await, "{lane}");
        assert!(world.delivery(by_correction(&corrected)).await.ranks_at < world.delivery(newest).await.ranks_at, "{lane}");
        assert_eq!(world.reasons(&of(&[newest])).await, [], "{lane}: what a cause selects");
        world.retry(newest).await.expect("it is the newest");
        world.arrive().await;
        let reasons = world.reasons(&everything()).await;
        assert!(reasons.contains(&(Reason::NewerDelivered, 1)), "{lane}: {reasons:?}");
        let preview = world.replays().preview(&everything(), world.clock.now()).await.unwrap();
        assert_eq!(preview.send, 1, "{lane}: {reasons:?}");
        let replay = world.replays().order(&everything(), None, &world.asked()).await.unwrap().replay.id;
        world.replay().await;
        let sent = world.of_replay(replay).await;
        assert_eq!(sent.iter().map(|it| it.event).collect::<Vec<_>>(), [EventId(uuid::Uuid::from_u128(2))], "{lane}");
    }
}

#[tokio::test]
async fn nothing_old_goes_behind_a_newer_state_that_waits_in_its_lane() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let (first, second) = (world.keep(1, "a").await, world.keep(2, "a").await);
    let newest = world.accept(3, "a").await;
    for end in [End::Dead, End::Held] {
        world.attempt(end).await;
        refused(&world.correct(first).await, "waits for a person");
        refused(&world.release(second).await, "waits for a person");
        let row = world.ledger.quarantined(first).await.unwrap().unwrap();
        assert_eq!(world.desk().would_go_over(&row).await.unwrap().unwrap().newer, Fate::Blocks);
        world.retry(newest).await.expect("it keeps its place");
    }
    world.arrive().await;
    refused(&world.correct(first).await, "was delivered since");
    for lane in &LANES[..2] {
        let mut world = World::new(&project(lane, &[])).await;
        let kept = world.keep(1, "a").await;
        world.accept(2, "a").await;
        world.attempt(End::Dead).await;
        world.correct(kept).await.expect("the other one keeps no lane");
    }
}

#[tokio::test]
async fn a_replay_leaves_out_what_would_go_behind_a_newer_state_in_its_lane() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let old = world.accept(1, "a").await;
    world.arrive().await;
    let newer = world.accept(2, "a").await;
    world.attempt(End::Dead).await;
    assert_eq!(world.reasons(&of(&[old])).await, [(Reason::NewerWaits, 1)]);
    assert_eq!(world.reasons(&of(&[old, newer])).await, [(Reason::NewerInSet, 1)], "the newer one is sent after it");
}

#[tokio::test]
async fn a_head_is_retried_whatever_waits_behind_it_or_is_still_to_be_routed() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let head = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    world.accept(2, "a").await;
    for number in 1_000..1_600 {
        world.append(number, "a").await;
    }
    world.retry(head).await.expect("all of them come after it");
}

#[tokio::test]
async fn what_went_while_there_was_no_lane_is_newer_when_the_lane_is_back() {
    for before in ["lane: ordering", "lane: .order"] {
        let mut world = World::new(&project(before, &[])).await;
        let old = world.accept(1, "a").await;
        world.attempt(End::Dead).await;
        world.apply(&project("lane: none", &[]), Terms::default()).await.unwrap();
        world.route().await;
        world.accept(2, "a").await;
        world.arrive().await;
        world.apply(&project(before, &[]), Terms::default()).await.unwrap();
        world.route().await;
        refused(&world.retry(old).await, "was delivered since");
    }
}

#[tokio::test]
async fn a_retry_is_asked_about_where_it_goes_although_its_flow_is_gone_or_goes_elsewhere() {
    let erp = ("systems/erp.yaml", "owner: team-erp\ndestinations:\n  erp:\n    url: https://erp.example.com/orders\n");
    let elsewhere = || {
        let mut files = project("lane: none", &[erp]);
        files[2].text = files[2].text.replace("to: wms", "to: erp");
        files
    };
    let gone = || {
        let mut files = project("lane: none", &[]);
        files.remove(2);
        files
    };
    for then in [elsewhere(), gone()] {
        let mut world = World::new(&project("lane: none", &[])).await;
        let old = world.accept(1, "a").await;
        world.attempt(End::Dead).await;
        world.accept(2, "a").await;
        world.arrive().await;
        world.apply(&then, Terms { open: OpenDeliveries::Hold, ..Terms::default() }).await.unwrap();
        world.route().await;
        refused(&world.retry(old).await, "was delivered since");
    }
}

#[tokio::test]
async fn a_replay_asks_by_both_keys_as_a_retry_does() {
    let mut world = World::new(&project("lane: ordering\n  on_dead: pass", &[])).await;
    let old = world.accept_in(1, "a", "one").await;
    world.attempt(End::Dead).await;
    world.apply(&project("lane: \"%correlation\"\n  on_dead: pass", &[]), Terms::default()).await.unwrap();
    world.route().await;
    world.accept_in(2, "a", "another").await;
    world.arrive().await;
    refused(&world.retry(old).await, "was delivered since");
    assert_eq!(world.reasons(&of(&[old])).await, [(Reason::NewerDelivered, 1)]);
}

#[tokio::test]
async fn while_the_router_is_far_behind_a_person_is_told_to_ask_again_and_not_to_end_it() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let old = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    for number in 1_000..1_600 {
        world.append(number, "elsewhere").await;
    }
    let answer = world.retry(old).await;
    refused(&answer, "ask again when it has caught up");
    assert!(!answer.unwrap_err().to_string().contains("cancel"));
    let newer = world.operate().would_go_over(&world.delivery(old).await).await.unwrap().unwrap();
    assert_eq!((newer.newer, newer.may_end()), (Fate::Unknown(Blind::Behind), false));
    world.route().await;
    world.retry(old).await.expect("nothing newer was there");
}

#[tokio::test]
async fn what_the_router_has_not_reached_is_not_sent_beside_its_first_delivery() {
    let world = World::new(&project("lane: none", &[])).await;
    world.append(1, "a").await;
    world.pass(1);
    assert_eq!(world.reasons(&everything()).await, [(Reason::UnderWay, 1)]);
    let mut world = World::new(&project("lane: none", &[])).await;
    let kept = world.keep(1, "a").await;
    assert_eq!(world.reasons(&everything()).await, [(Reason::Quarantined, 1)]);
    world.release(kept).await.unwrap();
    assert_eq!(world.reasons(&everything()).await, [(Reason::UnderWay, 1)], "in the outbox");
    world.route().await;
    world.arrive().await;
    assert_eq!(world.reasons(&everything()).await, []);
}

#[tokio::test]
async fn what_waits_to_be_appended_is_newer_too() {
    let mut world = World::new(&project("lane: none", &[])).await;
    let old = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    let kept = world.keep(2, "a").await;
    world.release(kept).await.unwrap();
    refused(&world.retry(old).await, "is on its way");
}

#[tokio::test]
async fn where_retention_has_removed_what_went_since_nobody_can_tell() {
    for lane in &LANES[..2] {
        let mut world = World::new(&project(lane, &[])).await;
        let old = world.accept(1, "a").await;
        world.attempt(End::Dead).await;
        world.accept(2, "a").await;
        world.arrive().await;
        let last = world.accept(3, "b").await;
        world.attempt(End::Dead).await;
        world.forget().await;
        let answer = world.retry(old).await;
        refused(&answer, "retention has removed");
        assert!(!answer.unwrap_err().to_string().contains("cancel"), "{lane}");
        assert_eq!(world.reasons(&of(&[old])).await, [(Reason::NewerRemoved, 1)], "{lane}");
        world.retry(last).await.expect("nothing that is newer was removed");
        world.includes_what_cannot_be_told(old).await;
    }
}

impl World {
    /// Of what cannot be told, and of nothing that is known, a person's word is enough: in a replay and by itself.
    async fn includes_what_cannot_be_told(&mut self, old: DeliveryId) {
        let over = Wanted { included: Included { forgotten: Forgotten::Include, ..Included::default() }, ..of(&[old]) };
        assert_eq!(self.reasons(&over).await, []);
        let ordered = self.replays().order(&over, None, &self.asked()).await.unwrap().replay;
        assert_eq!((ordered.to_send, ordered.forgotten), (1, Forgotten::Include));
        let subject = ordered.id.to_string();
        let audit = self.views.audit(Some(subject), None, 10).await.unwrap();
        assert!(audit.rows.iter().any(|row| row.action == "replay.over_removed"), "{audit:?}");
        self.replay().await;
        let [sent] = &*self.of_replay(ordered.id).await else { panic!("one is sent, and none is passed over") };
        assert_eq!(sent.state.word(), "waiting");
        self.attempt(End::Dead).await;
        let again = sent.id;
        let told = self.operate().one(again, Wish::Retry(Newer::MayBeGone), None, &self.asked()).await;
        assert!(told.is_ok(), "{told:?}");
        self.route().await;
        self.attempt(End::Dead).await;
    }
}

/// What holds the lane of its own ordering key was passed by nothing, whatever of it retention has removed since.
#[tokio::test]
async fn what_holds_the_lane_of_its_key_needs_no_word_whatever_was_removed() {
    let mut world = World::new(&project("lane: ordering", &[])).await;
    let heads = [world.accept(1, "a").await, world.accept(2, "b").await, world.accept(3, "c").await];
    world.attempt(End::Dead).await;
    world.accept(4, "elsewhere").await;
    world.arrive().await;
    world.forget().await;
    world.retry(heads[0]).await.expect("nothing went past it");
    assert_eq!(world.reasons(&of(&heads[1..])).await, [], "nor in a replay");
    let ordered = world.replays().order(&of(&heads[1..]), None, &world.asked()).await.unwrap().replay;
    world.replay().await;
    assert_eq!(world.of_replay(ordered.id).await.len(), 2, "nor when its turn comes");
}

/// What another flow, or one to elsewhere, delivered says nothing of what waits here.
#[tokio::test]
async fn what_was_removed_elsewhere_blinds_nobody_here() {
    let (erp, other) = (
        "owner: team-erp\ndestinations:\n  erp:\n    url: https://erp.example.com/orders\n",
        "owner: team-erp\non:\n  types: [orders]\nto: erp\ndeliver:\n  lane: none\n",
    );
    let files = project("lane: none", &[("systems/erp.yaml", erp), ("flows/orders-to-erp.yaml", other)]);
    let mut world = World::new(&files).await;
    let old = world.accept(1, "a").await;
    let at_erp = replayed::first_delivery(EventId(uuid::Uuid::from_u128(1)), &FlowName::new("orders-to-erp").unwrap());
    world.attempt(End::Dead).await;
    world.settle(at_erp, End::Done).await;
    world.forget().await;
    assert!(world.ledger.delivery(at_erp).await.unwrap().is_none(), "it was removed");
    world.retry(old).await.expect("nothing of this flow was removed");
}

fn renamed(deliver: &str) -> Vec<SourceFile> {
    let path = |file: SourceFile| SourceFile { path: file.path.replace("orders-to-wms", "orders-by-another-name"), ..file };
    project(deliver, &[]).into_iter().map(path).collect()
}

const HOLD: Terms =
    Terms { onto: None, open: OpenDeliveries::Hold, missing: MissingSecrets::Refuse, breaches: Breaches::Refuse };

/// By the new name went what is newer than what waits by the old one.
#[tokio::test]
async fn a_retry_by_a_renamed_flow_is_asked_under_its_new_name() {
    for lane in LANES {
        let mut world = World::new(&project(lane, &[])).await;
        let old = world.accept(1, "a").await;
        let other = world.accept(2, "b").await;
        world.attempt(End::Dead).await;
        world.apply(&renamed(lane), HOLD).await.unwrap();
        world.route().await;
        world.accept(3, "a").await;
        refused(&world.retry(old).await, "is on its way by orders-by-another-name");
        world.arrive().await;
        refused(&world.retry(old).await, "was delivered since by orders-by-another-name");
        world.retry(other).await.expect("nothing newer of its key went");
    }
}

/// By the old name went what is newer than what enters by the new one: as a release, a correction and a replay.
#[tokio::test]
async fn what_enters_a_renamed_flow_is_asked_under_its_old_name() {
    for lane in LANES {
        let mut world = World::new(&project(lane, &[])).await;
        let (kept, other) = (world.keep(1, "a").await, world.keep(2, "b").await);
        let third = world.accept(3, "c").await;
        world.arrive().await;
        world.accept(4, "c").await;
        world.accept(5, "a").await;
        world.arrive().await;
        world.apply(&renamed(lane), HOLD).await.unwrap();
        world.route().await;
        refused(&world.release(kept).await, "was delivered since by orders-to-wms");
        refused(&world.correct(kept).await, "was delivered since by orders-to-wms");
        let event = world.delivery(third).await.event;
        let again = wanted(Selection::Events { events: vec![event], flows: Vec::new() });
        assert_eq!(world.reasons(&again).await, [(Reason::NewerDelivered, 1)], "{lane}");
        world.correct(other).await.expect("nothing newer of its key went");
    }
}
