//! What comes under the key of a kept event with another body: refused, attached, and resubmitted with one command.

use std::sync::Arc;

use backends::sqlite::{Options, Store};
use bytes::Bytes;
use engine::intake::quarantine::Which;
use engine::intake::run::{Answer, Intake, Item, Memory};
use engine::ports::{Clock, Ledger};
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use model::diagnostic::Place;
use model::limit::LATER_AT_ONCE;
use model::room::Ages;
use model::{Digest, Entry, Received, RefusalKind, TimeSpan, Timestamp};
use tempfile::TempDir;

use crate::{World, accepted, refused};

const MENDED: &str = r#"{"id":"k","type":"order"}"#;

#[tokio::test]
async fn another_body_under_the_key_of_a_kept_event_is_refused_and_attached_to_it() {
    let world = World::new(1_000_000);
    let event = world.kept().await;
    let told = world.contradict(MENDED).await;
    assert!(told.contains(&event.to_string()) && told.contains("who has this body beside it"), "{told}");
    let later = world.row(event).await.later.expect("it is attached");
    assert_eq!((later.digest, later.count, later.reasons.len()), (Digest::of(MENDED.as_bytes()), 1, 0));
    assert_eq!(later.at, world.clock.now());
    assert_eq!(world.later(event).await, Some(Bytes::from(MENDED)));
    // A sender that tries again with the same body changes nothing; the first body is still a duplicate.
    assert_eq!(world.contradict(MENDED).await, told);
    assert_eq!(accepted(&world.send("shop", r#"{"id":"k","type":"new"}"#).await).0, event);
    assert_eq!(world.row(event).await.version, 2);
    // Of several the newest is kept, also one that breaks rules.
    let faulty = r#"{"id":"k","type":"newer"}"#;
    world.contradict(faulty).await;
    let later = world.row(event).await.later.expect("it is attached");
    assert_eq!((later.count, later.reasons.len()), (2, 1));
    assert_eq!(world.later(event).await, Some(Bytes::from(faulty)));
    assert_eq!(world.records().await.len(), 1, "nothing of it was accepted");
}

#[tokio::test]
async fn a_body_that_comes_before_the_router_is_attached_as_well() {
    let world = World::new(1_000_000);
    let event = world.unrouted().await;
    assert!(world.contradict(MENDED).await.contains("beside it"));
    world.route(event).await;
    assert_eq!(world.row(event).await.later.map(|later| later.digest), Some(Digest::of(MENDED.as_bytes())));
}

#[tokio::test]
async fn nothing_is_attached_to_what_waits_for_nobody() {
    let world = World::new(1_000_000);
    // Admitted, and not routed yet.
    let (admitted, _, _) = accepted(&world.send("shop", r#"{"id":"a","type":"order"}"#).await);
    let told = world.contradict(r#"{"id":"a","type":"new"}"#).await;
    assert!(told.ends_with(&admitted.to_string()), "{told}");
    assert_eq!(world.later(admitted).await, None);
    // Kept, and settled by a person.
    let event = world.kept().await;
    let which = Which { event, version: None };
    world.quarantine().close(which, &world.asked("a test order")).await.expect("closed");
    let told = world.contradict(MENDED).await;
    assert!(told.ends_with(&event.to_string()), "{told}");
    assert_eq!((world.later(event).await, world.row(event).await.later), (None, None));
    // Settled, and its row removed by retention.
    let all = Ages { answers: Timestamp::NEVER, rows: Timestamp::NEVER, audit: Timestamp::NEVER, emitted: Timestamp::NEVER };
    while world.ledger.trim(all).await.expect("memory trims").rows > 0 {}
    assert_eq!(world.ledger.quarantined(event).await.ok(), Some(None));
    world.contradict(MENDED).await;
    assert_eq!(world.later(event).await, None);
}

#[tokio::test]
async fn what_a_sender_mended_is_resubmitted_with_one_command() {
    let world = World::new(1_000_000);
    let event = world.kept().await;
    let quarantine = world.quarantine();
    let seen = Which { event, version: Some(1) };
    assert!(matches!(quarantine.resubmit(seen, None, Newer::Stays, &world.asked("x")).await, Err(NotDone::Refused(_))));
    world.contradict(r#"{"id":"k","type":"newer"}"#).await;
    let late = quarantine.close(seen, &world.asked("nobody mends it")).await;
    assert!(matches!(late, Err(NotDone::Changed(_))), "the person did not see what came: {late:?}");
    let which = Which { event, version: None };
    let unseen = quarantine.close(which, &world.asked("nobody mends it")).await;
    assert!(matches!(&unseen, Err(NotDone::Refused(why)) if why.contains("another body came")), "{unseen:?}");
    let invalid = quarantine.resubmit(which, None, Newer::Stays, &world.asked("mended")).await;
    assert!(matches!(invalid, Err(NotDone::Invalid(_))), "{invalid:?}");
    let faulty = Digest::of(br#"{"id":"k","type":"newer"}"#);
    world.contradict(MENDED).await;
    let changed = quarantine.resubmit(which, Some(faulty), Newer::Stays, &world.asked("mended")).await;
    assert!(matches!(changed, Err(NotDone::Changed(_))), "{changed:?}");
    let digest = Some(Digest::of(MENDED.as_bytes()));
    let moved = quarantine.resubmit(which, digest, Newer::Stays, &world.asked("mended")).await.expect("it is right now");
    assert_eq!(
        quarantine.resubmit(which, digest, Newer::Stays, &world.asked("mended")).await.expect("as the first time"),
        moved
    );
    world.append_emitted().await;
    let records = world.records().await;
    let [_, corrected] = records.as_slice() else { panic!("{records:?}") };
    assert!(matches!(&corrected.entry, Entry::Resubmitted { of, revision: 1, event: new, .. }
        if *of == event && Some(new.id) == moved.as_event && new.body == MENDED && new.kind.as_str() == "shop.order"));
    assert!(world.contradict(r#"{"id":"k","type":"late"}"#).await.ends_with(&event.to_string()), "it is settled");
}

#[tokio::test]
async fn a_conflict_in_a_batch_names_what_was_attached() {
    let world = World::new(1_000_000);
    let missing = r#""id":"1","data":1"#;
    let strict = |elements: &[&str]| Received { source: "strict".parse().expect("a name"), ..world.batch(elements) };
    let Answer::Batch(items) = world.intake.receive(strict(&[missing])).await else { panic!("it is kept") };
    let [Item { id, quarantined: true, .. }] = items[..] else { panic!("{items:?}") };
    world.clock.advance(TimeSpan::from_secs(5));
    let refusal = refused(world.intake.receive(strict(&[r#""id":"2""#, r#""id":"1","data":2"#])).await);
    let [reason] = refusal.reasons.as_slice() else { panic!("{refusal:?}") };
    assert_eq!(reason.place, Place::Pointer("/1".to_owned()));
    assert!(reason.message.contains(&id.to_string()) && reason.message.contains("beside it"), "{reason:?}");
    assert!(world.later(id).await.is_some_and(|body| body.ends_with(br#""id":"1","data":2}"#)), "its element alone");
    assert_eq!(world.records().await.len(), 2);
}

#[tokio::test]
async fn what_came_in_one_batch_is_attached_in_one_commit_and_each_is_told_its_fate() {
    let world = World::new(1_000_000);
    let strict = |elements: &[&str]| Received { source: "strict".parse().expect("a name"), ..world.batch(elements) };
    let Answer::Batch(items) = world.intake.receive(strict(&[r#""id":"1","data":1"#, r#""id":"2","data":1"#])).await else {
        panic!("they are kept")
    };
    world.clock.advance(TimeSpan::from_secs(5));
    let (before, others) = (*world.ledger.changed().borrow(), [r#""id":"1","data":2"#, r#""id":"2","data":2"#]);
    let refusal = refused(world.intake.receive(strict(&others)).await);
    assert_eq!(refusal.reasons.iter().filter(|reason| reason.message.contains("beside it")).count(), 2, "{refusal:?}");
    assert!(!refusal.detail.contains("the others are kept"), "there are none: {refusal:?}");
    assert_eq!(*world.ledger.changed().borrow() - before, 3, "two of them samples for the audit");
    // One that is refused in the commit takes none of the others with it.
    for data in 3..=LATER_AT_ONCE + 1 {
        world.clock.advance(TimeSpan::from_secs(5));
        refused(world.intake.receive(strict(&[&format!(r#""id":"1","data":{data}"#)])).await);
    }
    world.clock.advance(TimeSpan::from_secs(5));
    let refusal = refused(world.intake.receive(strict(&[r#""id":"1","data":99"#, r#""id":"2","data":99"#])).await);
    let beside: Vec<bool> = refusal.reasons.iter().map(|reason| reason.message.contains("beside it")).collect();
    assert_eq!(beside, [false, true], "{refusal:?}");
    assert!(world.later(items[1].id).await.is_some_and(|body| body.ends_with(br#""id":"2","data":99}"#)));
}

/// A person who looks at one body must not find another one at each command.
#[tokio::test]
async fn of_ever_different_bodies_no_more_are_attached_than_a_person_can_look_at() {
    let world = World::new(1_000_000);
    let event = world.kept().await;
    let body = |n: u64| format!(r#"{{"id":"k","type":"order","n":{n}}}"#);
    for n in 1..=LATER_AT_ONCE {
        assert!(world.contradict(&body(n)).await.contains("beside it"));
    }
    let seen = world.row(event).await;
    assert!(world.contradict(&body(99)).await.ends_with(&event.to_string()), "nothing is promised");
    assert!(world.contradict(&body(LATER_AT_ONCE)).await.contains("beside it"), "of what is there it is true");
    assert_eq!(world.row(event).await, seen);
    let which = Which { event, version: Some(seen.version) };
    world.quarantine().close(which, &world.asked("the shop is out of order")).await.expect("what was seen is there");
}

fn open(world: &World, folder: &TempDir) -> Store {
    let clock: Arc<dyn Clock> = world.clock.clone();
    Store::open(folder.path(), Options::default(), &clock).expect("it opens")
}

/// The same world over the journal of one store and the ledger of another.
fn over(world: World, journal: &Store, ledger: &Store) -> World {
    let stored: Arc<dyn Ledger> = ledger.ledger.clone();
    let intake =
        Intake { journal: journal.journal.clone(), ledger: Arc::clone(&stored), memory: Memory::default(), ..world.intake };
    World { journal: journal.journal.clone(), ledger: stored, intake, ..world }
}

/// It stays damaged, however often the sender comes.
#[tokio::test]
async fn a_damaged_row_is_told_and_the_conflict_is_answered_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new(1_000_000);
    let store = open(&world, &folder);
    let world = over(world, &store, &store);
    let event = world.kept().await;
    let file = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).expect("a file");
    assert_eq!(file.execute("UPDATE quarantine SET content = '{'", []), Ok(1));
    assert!(world.contradict(MENDED).await.ends_with(&event.to_string()));
    assert_eq!(world.later(event).await, None);
}

/// A sender that hears 409 does not come again, and the body would be lost.
#[tokio::test]
async fn without_its_ledger_a_conflict_is_answered_so_that_the_sender_comes_again() {
    let (journal, ledger) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let world = World::new(1_000_000);
    let (journal, broken) = (open(&world, &journal), open(&world, &ledger));
    let world = over(world, &journal, &broken);
    let event = world.unrouted().await;
    broken.close();
    let refusal = refused(world.send("shop", MENDED).await);
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    assert!(refusal.retry_after_s.is_some() && refusal.detail.contains("the copy for the person"), "{refusal:?}");
    assert!(!refusal.detail.contains("journal"), "that has not failed: {refusal:?}");
    assert_eq!(accepted(&world.send("shop", r#"{"id":"k","type":"new"}"#).await).0, event, "all others go on");
}
