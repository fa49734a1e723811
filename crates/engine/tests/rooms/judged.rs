//! A record is routed by the policy that judged it, and what a policy removes is held, whenever it is routed.

use std::sync::Arc;

use engine::book::Book;
use engine::change::decide::{self, Application, Breaches, MissingSecrets, OpenDeliveries, Removal, Terms, batch};
use engine::change::run::Leavings;
use engine::delivery::command::Wish;
use engine::delivery::operate::Operate;
use engine::drive::Turn;
use engine::intake::quarantine::Which;
use engine::intake::quarantine::run::Quarantine;
use engine::ports::Journal;
use engine::rules::asked::{Asked, NotDone};
use engine::rules::names::Names;
use engine::rules::overtaken::Newer;
use model::account::Bucket;
use model::delivery::{CAUSE_REMOVED, CAUSE_UNDECIDED};
use model::{
    Batch, Delivery, DeliveryId, DeliveryState, Digest, Entry, EventId, Offset, Origin, Partition, PolicyVersion, TimeSpan,
};
use policy::SourceFile;
use uuid::Uuid;

use crate::world::{End, World, project};

const HOLD: Terms =
    Terms { onto: None, open: OpenDeliveries::Hold, missing: MissingSecrets::Refuse, breaches: Breaches::Refuse };

pub(crate) fn one() -> Vec<SourceFile> {
    project("lane: none\n  deadline: 2h", &[])
}

/// The same flow, of events that are called otherwise by now.
fn renamed() -> Vec<SourceFile> {
    let text = |file: SourceFile| SourceFile { text: file.text.replace("types: [orders]", "types: [orders.v2]"), ..file };
    one().into_iter().map(text).collect()
}

/// Another flow to the same destination takes the place of the first.
fn without_flow() -> Vec<SourceFile> {
    let path = |file: SourceFile| SourceFile { path: file.path.replace("orders-to-wms", "other"), ..file };
    one().into_iter().map(path).collect()
}

pub(crate) fn without_wms() -> Vec<SourceFile> {
    one().into_iter().filter(|file| !file.path.starts_with("flows/") && !file.path.contains("wms")).collect()
}

fn leavings(world: &World) -> Leavings {
    let (ledger, book, clock) = (world.ledger.clone(), world.book.clone(), world.clock.clone());
    Leavings { ledger, book, clock, facts: Arc::default(), done: 0 }
}

/// What an application commits, and nothing of what follows it: as after a crash, or while the store is away.
async fn apply_and_crash(world: &World, files: &[SourceFile]) -> PolicyVersion {
    let (number, batch) = application(world, files).await;
    world.ledger.commit(batch).await.unwrap();
    let version = policy::version(files);
    world.book.adopt(number, world.book.at(version).await.unwrap());
    version
}

/// The number and the batch of the next application.
pub(crate) async fn application(world: &World, files: &[SourceFile]) -> (u64, Batch) {
    let version = policy::version(files);
    let last = world.ledger.in_force().await.unwrap().unwrap();
    let at = decide::after(Some(&last), &world.asked()).at;
    let before = Names::of(&world.book.at(last.version).await.unwrap());
    let gone = before.gone_in(&Names::of(&policy::check_at(files, at).0.unwrap()));
    let removals: Vec<Removal> = gone.into_iter().map(|object| Removal { object, open: 0, more: false }).collect();
    let gone = decide::gone(&last, &policy::check_at(files, at).0.unwrap(), &removals, at);
    let application = Application { number: last.number + 1, version, files, in_force: last.version, gone };
    let number = application.number;
    (number, batch(&application, &world.journal.partitions(), "policy.apply", &Asked { at, ..world.asked() }))
}

async fn places(journal: &dyn Journal) -> Vec<&'static str> {
    let word = |entry: &Entry| match entry {
        Entry::Admitted(event) if event.kind.as_str() == "orders" => "old",
        Entry::Admitted(_) => "new",
        Entry::PolicyApplied { .. } => "applied",
        _ => "other",
    };
    journal.read(Partition(0), Offset(0), 100).await.unwrap().iter().map(|record| word(&record.entry)).collect()
}

fn is_held(delivery: &Delivery, why: &str) -> bool {
    matches!(delivery.state, DeliveryState::Held { .. }) && delivery.why == why
}

#[tokio::test]
async fn an_event_is_routed_by_the_policy_that_judged_it_on_either_side_of_the_application() {
    let mut world = World::new(&one()).await;
    world.route().await;
    let first = world.book.current().version;
    let second = world.apply(&renamed(), Terms::default()).await.unwrap().version;
    let mut sent: Vec<(DeliveryId, PolicyVersion)> = Vec::new();
    for (number, (kind, policy)) in [("orders.v2", second), ("orders", first)].into_iter().enumerate() {
        sent.push((world.append_judged(number as u128 + 1, kind, policy).await, policy));
    }
    world.outbox().turn().await.unwrap();
    for (number, (kind, policy)) in [("orders", first), ("orders.v2", second)].into_iter().enumerate() {
        sent.push((world.append_judged(number as u128 + 3, kind, policy).await, policy));
    }
    assert_eq!(places(&*world.journal).await, ["applied", "new", "old", "applied", "old", "new"]);
    world.route().await;
    for (id, judged_by) in sent {
        let delivery = world.delivery(id).await;
        assert!(matches!(delivery.state, DeliveryState::Waiting { .. }), "{delivery:?}");
        assert_eq!(delivery.policy, judged_by, "it keeps flow and mapping of that policy");
    }
    world.check_accounts().await;
}

#[tokio::test]
async fn what_no_flow_of_its_own_policy_selects_is_counted_as_that() {
    let mut world = World::new(&one()).await;
    let first = world.book.current().version;
    world.append_judged(1, "orders.v2", first).await;
    world.append_judged(2, "orders", first).await;
    world.apply(&renamed(), Terms::default()).await.unwrap();
    world.route().await;
    let tally = world.ledger.account().await.unwrap().tallies[Origin::Live.index()];
    assert_eq!([Bucket::Unselected, Bucket::Routed].map(|bucket| tally.get(bucket)), [1, 1]);
    world.check_accounts().await;
}

#[tokio::test]
async fn several_policies_later_a_record_is_still_routed_by_its_own() {
    let mut world = World::new(&one()).await;
    let first = world.book.current().version;
    let old = world.append_judged(1, "orders", first).await;
    for files in [renamed(), without_flow(), renamed()] {
        world.apply(&files, HOLD).await.unwrap();
    }
    world.route().await;
    let delivery = world.delivery(old).await;
    assert_eq!((delivery.policy, delivery.state.word()), (first, "waiting"), "the flow is there again");
}

#[tokio::test]
async fn what_a_removal_leaves_is_held_whether_it_was_routed_before_or_after() {
    for (files, why) in [
        (without_wms(), "the destination wms was removed from the policy"),
        (without_flow(), "the flow orders-to-wms was removed from the policy"),
    ] {
        let mut world = World::new(&one()).await;
        let first = world.book.current().version;
        let routed = world.accept(1, "a").await;
        let unrouted = world.append_judged(2, "orders", first).await;
        let applied = world.apply(&files, HOLD).await.unwrap();
        assert_eq!(applied.held, 1);
        let late = world.append_judged(3, "orders", first).await;
        world.route().await;
        for id in [routed, unrouted, late] {
            let delivery = world.delivery(id).await;
            assert!(is_held(&delivery, why), "{delivery:?}");
        }
        assert_eq!(world.delivery(late).await.cause, CAUSE_REMOVED);
        world.check_accounts().await;
    }
}

/// The router that has read what is in force decides anew where another application comes between that and its commit.
#[tokio::test]
async fn nothing_is_made_to_wait_by_what_is_removed_at_that_moment() {
    let mut world = World::new(&one()).await;
    world.accept(1, "a").await;
    let first = world.book.current().version;
    apply_and_crash(&world, &without_flow()).await;
    let late = world.append_judged(2, "orders", first).await;
    assert_eq!(world.route_one().await, Turn::Worked, "its commit was a conflict");
    assert!(world.ledger.delivery(late).await.unwrap().is_none());
    world.route().await;
    assert!(is_held(&world.delivery(late).await, "the flow orders-to-wms was removed from the policy"));
}

#[tokio::test]
async fn the_loop_holds_what_a_crash_left_waiting_and_what_has_a_deadline() {
    for (files, why) in [
        (without_wms(), "the destination wms was removed from the policy"),
        (without_flow(), "the flow orders-to-wms was removed from the policy"),
    ] {
        let mut world = World::new(&one()).await;
        let id = world.accept(1, "a").await;
        assert!(world.delivery(id).await.deadline.is_some());
        let mut leavings = leavings(&world);
        assert_eq!(leavings.turn().await.unwrap(), Turn::Idle, "all of it is there");
        apply_and_crash(&world, &files).await;
        assert_eq!(leavings.turn().await.unwrap(), Turn::Worked);
        assert!(is_held(&world.delivery(id).await, why));
        assert_eq!(leavings.turn().await.unwrap(), Turn::Idle);
    }
}

#[tokio::test]
async fn what_was_removed_and_came_back_is_not_held() {
    let mut world = World::new(&one()).await;
    let id = world.accept(1, "a").await;
    apply_and_crash(&world, &without_flow()).await;
    apply_and_crash(&world, &one()).await;
    assert_eq!(leavings(&world).turn().await.unwrap(), Turn::Idle);
    assert_eq!(world.delivery(id).await.state.word(), "waiting");
}

#[tokio::test]
async fn a_person_may_still_send_by_the_flow_that_was_removed() {
    let mut world = World::new(&one()).await;
    let id = world.accept(1, "a").await;
    world.apply(&without_flow(), HOLD).await.unwrap();
    world.clock.advance(TimeSpan::from_secs(1));
    world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
    assert_eq!(leavings(&world).turn().await.unwrap(), Turn::Idle);
    assert_eq!(world.attempt(End::Done).await, 1);
    assert_eq!(world.delivery(id).await.state.word(), "done");
}

/// The same flow with other words: nothing of it is removed or comes back.
pub(crate) fn summed_up(files: Vec<SourceFile>, text: &str) -> Vec<SourceFile> {
    let owner = "owner: team-commerce\n";
    let text =
        |file: SourceFile| SourceFile { text: file.text.replacen(owner, &format!("{owner}summary: {text}\n"), 1), ..file };
    files.into_iter().map(text).collect()
}

#[tokio::test]
async fn what_a_person_sends_by_a_removed_flow_is_not_held_by_the_next_application_of_anything() {
    let mut world = World::new(&one()).await;
    let id = world.accept(1, "a").await;
    let left = world.accept(2, "b").await;
    world.apply(&without_flow(), HOLD).await.unwrap();
    for words in ["one", "two"] {
        world.clock.advance(TimeSpan::from_secs(1));
        if words == "one" {
            world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
        }
        world.clock.advance(TimeSpan::from_secs(1));
        world.apply(&summed_up(without_flow(), words), HOLD).await.unwrap();
        assert_eq!(leavings(&world).turn().await.unwrap(), Turn::Idle, "{words}");
        assert_eq!(world.delivery(id).await.state.word(), "waiting", "{words}");
    }
    assert_eq!(world.delivery(left).await.state.word(), "held");
    world.apply(&one(), HOLD).await.unwrap();
    world.clock.advance(TimeSpan::from_secs(1));
    apply_and_crash(&world, &without_flow()).await;
    assert_eq!(leavings(&world).turn().await.unwrap(), Turn::Worked, "it came back and went again");
    assert_eq!(world.delivery(id).await.state.word(), "held");
}

/// Another node applies a policy, of which this one's book learns at its next beat.
#[tokio::test]
async fn a_retry_makes_nothing_wait_for_what_another_node_removed() {
    let mut world = World::new(&one()).await;
    let id = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    let elsewhere = Arc::new(Book::new(world.ledger.clone(), world.book.current()));
    apply_and_crash(&world, &without_wms()).await;
    let behind = Operate { book: elsewhere, ..world.operate() };
    let told = behind.one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await;
    assert!(matches!(&told, Err(NotDone::Refused(why)) if why.contains("wms is not in the present policy")), "{told:?}");
    assert_eq!(world.delivery(id).await.state.word(), "dead_lettered");
    world.check_accounts().await;
}

#[tokio::test]
async fn what_left_its_lane_is_sent_by_the_policy_that_it_keeps_where_its_flow_is_gone() {
    let passing = || project("lane: ordering\n  on_dead: pass", &[]);
    let moved = || {
        let path = |file: SourceFile| SourceFile { path: file.path.replace("orders-to-wms", "other"), ..file };
        passing().into_iter().map(path).collect::<Vec<_>>()
    };
    let mut world = World::new(&passing()).await;
    let id = world.accept(1, "a").await;
    world.attempt(End::Dead).await;
    world.apply(&moved(), HOLD).await.unwrap();
    world.route().await;
    world.clock.advance(TimeSpan::from_secs(1));
    let told = world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await.unwrap();
    assert_eq!(told.instead, None, "{}", told.sentence);
    assert_eq!(world.attempt(End::Done).await, 1);
    assert_eq!(world.delivery(id).await.state.word(), "done");
    world.check_accounts().await;
}

#[tokio::test]
async fn what_nobody_can_route_any_more_is_kept_and_a_release_routes_it_by_what_is_in_force() {
    let mut world = World::new(&one()).await;
    let gone = PolicyVersion(Digest::of(b"a policy that was lost"));
    let first = world.append_judged(1, "orders", gone).await;
    world.route().await;
    let event = EventId(Uuid::from_u128(1));
    let row = world.ledger.quarantined(event).await.unwrap().expect("it is kept");
    assert_eq!((row.owner.as_str(), row.cause().as_str()), ("team-commerce", "H0910"));
    world.check_accounts().await;
    let (journal, ledger, book) = (world.journal.clone(), world.ledger.clone(), world.book.clone());
    let desk = Quarantine { journal, ledger, book };
    desk.release(Which { event, version: None }, Newer::Stays, &world.asked()).await.unwrap();
    world.route().await;
    let delivery = world.delivery(first).await;
    assert_eq!((delivery.policy, delivery.state.word()), (world.book.current().version, "waiting"));
    world.check_accounts().await;
}

/// Steps without end, as far as the limit goes.
const TOO_LONG: &str =
    "r = range(0, 90000) ?? []; n = 0; for_each(r) -> |_i, _v| { for_each(r) -> |_j, _w| { n = n + 1 } }; n == 0";

fn filtered(filter: &str) -> Vec<SourceFile> {
    let line = format!("types: [orders]\n  where: '{filter}'\n");
    let text = |file: SourceFile| SourceFile { text: file.text.replace("types: [orders]\n", &line), ..file };
    one().into_iter().map(text).collect()
}

#[tokio::test]
async fn a_retry_of_what_was_undecided_asks_the_mended_filter() {
    for (mended, word, said) in [
        (TOO_LONG, "held", "still has no answer"),
        (".order == 2", "cancelled", "does not select its event"),
        (".order == 1", "superseded", "it enters again"),
    ] {
        let mut world = World::new(&filtered(TOO_LONG)).await;
        let id = world.accept(1, "a").await;
        assert_eq!(world.delivery(id).await.cause, CAUSE_UNDECIDED);
        world.apply(&filtered(mended), HOLD).await.unwrap();
        let told = world.operate().one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await;
        let sentence = told.map_or_else(|why| why.to_string(), |told| told.sentence);
        world.route().await;
        assert_eq!(world.delivery(id).await.state.word(), word, "{mended}");
        assert!(sentence.contains(said), "{sentence}");
        assert_eq!(world.attempt(End::Done).await, usize::from(word == "superseded"));
        world.check_accounts().await;
    }
}
