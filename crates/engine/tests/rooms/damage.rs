//! What cannot be read stops nothing else, and is a person's.

use std::sync::Arc;

use backends::conformance::ManualClock;
use backends::conformance::sample::quarantined;
use backends::sqlite::{Options, Store};
use engine::drive::Turn;
use engine::observe::Facts;
use engine::ports::Clock;
use engine::replay::selection::Selection;
use engine::retention::decide::Retention;
use engine::retention::run::Trimmer;
use engine::rules::asked::NotDone;
use model::view::DeliveryQuery;
use model::{
    Batch, Bucket, Change, Claim, DeliveryId, DeliveryState, Entry, FaultKind, Offset, Origin, Partition, Principal,
    QuarantineRow, QuarantineState, ReplayId, TimeSpan,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::replay::wanted;
use crate::world::{BEGINNING, End, World, project};

async fn open(folder: &TempDir) -> (World, Store) {
    let clock = Arc::new(ManualClock::new(BEGINNING));
    let as_clock: Arc<dyn Clock> = clock.clone();
    let store = Store::open(folder.path(), Options::default(), &as_clock).unwrap();
    let (journal, ledger) = (store.journal.clone(), store.ledger.clone());
    (World::over(&project("lane: none", &[]), clock, journal, (ledger.clone(), ledger)).await, store)
}

/// Three accepted events whose deliveries wait, in a store that is closed and damaged by these words.
async fn damaged(file: &str, sql: &str) -> (TempDir, Vec<DeliveryId>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = open(&folder).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.accept(number, "").await);
    }
    store.close();
    drop((world, store));
    let conn = rusqlite::Connection::open(folder.path().join(file)).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1, "one row is damaged");
    (folder, ids)
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_stops_no_other() {
    let (folder, ids) =
        damaged("ledger.sqlite", "UPDATE deliveries SET origin = 77 WHERE seq = (SELECT min(seq) FROM deliveries)").await;
    let (world, _store) = open(&folder).await;
    world.deliver_until_settled(&ids[1..]).await;
    for id in &ids[1..] {
        assert_eq!(world.delivery(*id).await.state.word(), "done");
    }
    assert!(world.ledger.delivery(ids[0]).await.is_err(), "it stays where it is, for a person with the file");
    let page = world.views.deliveries(DeliveryQuery::default()).await.unwrap();
    let shown: Vec<DeliveryId> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!((shown, page.next), (vec![ids[2], ids[1]], None), "newest first, and all others");
    assert_eq!(page.unreadable, [format!("delivery {}: there is no origin 77", ids[0])]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_held_for_its_owner() {
    // The first byte of the JSON of the last chunk's record: what is before it has a fixed length.
    let first_of_head = "UPDATE chunks SET content = CAST(substr(content, 1, 66) || x'00' || substr(content, 68) AS BLOB)
        WHERE last = (SELECT max(last) FROM chunks)";
    let (folder, ids) = damaged("journal.sqlite", first_of_head).await;
    let (world, _store) = open(&folder).await;
    world.deliver_until_settled(&ids).await;
    let states: Vec<DeliveryState> = futures::future::join_all(ids.iter().map(|id| world.delivery(*id)))
        .await
        .into_iter()
        .map(|delivery| delivery.state)
        .collect();
    assert!(
        matches!(states[..], [DeliveryState::Done { .. }, DeliveryState::Done { .. }, DeliveryState::Held { .. }]),
        "{states:?}"
    );
    let held = world.delivery(ids[2]).await;
    assert_eq!((held.cause.as_str(), held.lease), ("no_event", None));
    assert!(held.why.starts_with("the event cannot be read: "), "{}", held.why);
}

#[tokio::test]
async fn an_attempt_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = open(&folder).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(world.accept(number, "").await);
    }
    let claim = Claim { lease: world.board.lease.clone(), at: world.clock.now() };
    let claims = ids.iter().map(|id| Change::Claim { delivery: *id, claim: claim.clone() }).collect();
    world.ledger.commit(Batch { guards: Vec::new(), changes: claims }).await.unwrap();
    store.close();
    drop((world, store));
    let conn = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    let damage = "UPDATE deliveries SET origin = 77 WHERE seq = (SELECT min(seq) FROM deliveries)";
    assert_eq!(conn.execute(damage, []).unwrap(), 1);
    let (world, _store) = open(&folder).await;
    let mut sweep = world.sweep(Facts::default());
    assert_eq!(sweep.turn().await.unwrap(), Turn::Worked);
    for id in &ids[1..] {
        assert_eq!(world.delivery(*id).await.lease, None, "the life that attempted it is over");
    }
    assert_eq!(sweep.facts.meters.since_start().unreadable, 1);
    assert_eq!(sweep.turn().await.unwrap(), Turn::Idle);
}

/// Closes a store, damages so many rows of its ledger with these words, and opens it again.
async fn damage(folder: &TempDir, open_one: (World, Store), sql: &str, rows: usize) -> (World, Store) {
    open_one.1.close();
    drop(open_one);
    let conn = rusqlite::Connection::open(folder.path().join("ledger.sqlite")).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), rows);
    drop(conn);
    open(folder).await
}

#[tokio::test]
async fn an_emitted_entry_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (world, store) = open(&folder).await;
    assert_eq!(world.outbox().turn().await.unwrap(), Turn::Worked, "the first policy was emitted");
    let emit = |number: u128, version| Change::Emit {
        id: Uuid::from_u128(number),
        partition: Partition(0),
        policy: version,
        entry: Box::new(Entry::PolicyApplied { version, by: Principal::new("ines"), why: format!("number {number}") }),
    };
    let version = world.book.current().version;
    let changes = (1..=4).map(|number| emit(number, version)).collect();
    world.ledger.commit(Batch { guards: Vec::new(), changes }).await.unwrap();
    let hurt =
        "UPDATE emissions SET head = x'00' WHERE seq IN (SELECT seq FROM emissions WHERE waiting = 1 ORDER BY seq LIMIT 2)";
    let (world, _store) = damage(&folder, (world, store), hurt, 2).await;
    let before = world.journal.head(Partition(0)).await.unwrap();
    let waiting = world.ledger.outbox(1).await.unwrap();
    assert_eq!((waiting.rows.len(), waiting.unreadable.len()), (1, 2), "what cannot be read takes no place of others");
    assert!(waiting.unreadable[0].starts_with(&format!("emitted entry {}: ", Uuid::from_u128(1))), "{waiting:?}");
    let mut outbox = world.outbox();
    assert_eq!(outbox.turn().await.unwrap(), Turn::Worked);
    assert_eq!(outbox.turn().await.unwrap(), Turn::Idle);
    assert_eq!(outbox.facts.meters.since_start().unreadable, 2, "each is told once");
    let records = world.journal.read(Partition(0), before, 10).await.unwrap();
    let emitted: Vec<_> = records.iter().map(|record| record.emitted).collect();
    assert_eq!(emitted, [3, 4].map(|number| Some(Uuid::from_u128(number))));
    let trimmer =
        Trimmer { journal: Arc::clone(&world.journal), ledger: Arc::clone(&world.ledger), settings: Retention::default() };
    let head = world.journal.head(Partition(0)).await.unwrap();
    world.journal.trim(Partition(0), head, Vec::new(), world.journal.usage().await.unwrap().mark).await.unwrap();
    let in_years = world.clock.now() + TimeSpan::from_days(1_000);
    assert_eq!(trimmer.emitted(in_years).await.unwrap(), 3, "it keeps retention from nothing");
}

/// Two replays of an event each, the first of which cannot be read.
async fn with_a_damaged_replay(folder: &TempDir) -> (World, Store, [ReplayId; 2]) {
    let (mut world, store) = open(folder).await;
    let mut ordered = Vec::new();
    for number in 1..=2 {
        let delivery = world.accept(number, "").await;
        world.attempt(End::Dead).await;
        let order = wanted(Selection::Deliveries { deliveries: vec![delivery] });
        ordered.push(world.replays().order(&order, None, &world.asked()).await.unwrap().replay.id);
    }
    let hurt = format!("UPDATE replays SET content = '{{' WHERE id = x'{}'", ordered[0].0.simple());
    let (world, store) = damage(folder, (world, store), &hurt, 1).await;
    (world, store, [ordered[0], ordered[1]])
}

#[tokio::test]
async fn a_replay_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, _store, ordered) = with_a_damaged_replay(&folder).await;
    let running = world.ledger.replays_running().await.unwrap();
    assert_eq!((running.rows.len(), running.rows[0].id), (1, ordered[1]));
    assert!(running.unreadable[0].starts_with(&format!("replay {}: ", ordered[0])), "{running:?}");
    for limit in [1, 2, 50] {
        let (mut shown, mut unreadable, mut cursor) = (Vec::new(), Vec::new(), None);
        for _ in 0..3 {
            let page = world.views.replays(cursor, limit).await.unwrap();
            shown.extend(page.rows.iter().map(|replay| replay.id));
            unreadable.extend(page.unreadable);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((shown, cursor), (vec![ordered[1]], None), "{limit} to a page");
        assert!(matches!(&unreadable[..], [one] if one.starts_with(&format!("replay {}: ", ordered[0]))), "{unreadable:?}");
    }
    world.replay().await;
    assert_eq!((world.of_replay(ordered[0]).await.len(), world.of_replay(ordered[1]).await.len()), (0, 1));
    assert_eq!(world.replayer.facts.meters.since_start().unreadable, 1, "it is told once");
}

#[tokio::test]
async fn a_replay_that_cannot_be_read_is_cancelled_and_lets_go_of_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, _store, [damaged, other]) = with_a_damaged_replay(&folder).await;
    assert!(world.views.replay_story(damaged).await.is_err_and(|fault| fault.kind == FaultKind::Corrupt));
    world.replays().cancel(other, None, &world.asked()).await.unwrap();
    for dead in world.views.deliveries(DeliveryQuery::default()).await.unwrap().rows {
        let (state, why) = (DeliveryState::Cancelled { by: Principal::new("ines") }, String::new());
        let given_up = Change::Move { delivery: dead.id, state, why, new_round: None };
        world.ledger.commit(Batch::new().change(given_up)).await.unwrap();
    }
    let needed = async |world: &World| {
        let head = world.journal.head(Partition(0)).await.unwrap();
        world.ledger.needed(Partition(0), Offset(0), head).await.unwrap().len()
    };
    assert_eq!(needed(&world).await, 1, "the event that it would send");
    let stale = world.replays().cancel(damaged, Some(7), &world.asked()).await;
    assert!(matches!(&stale, Err(NotDone::Changed(_))), "{stale:?}");
    assert_eq!(world.replays().cancel(damaged, Some(1), &world.asked()).await.unwrap(), None, "nothing is known of it");
    let again = world.replays().cancel(damaged, None, &world.asked()).await;
    assert!(matches!(&again, Err(NotDone::Refused(why)) if why.contains("does not run any more")), "{again:?}");
    assert!(world.ledger.replays_running().await.unwrap().is_empty(), "no loop comes upon it any more");
    assert_eq!(needed(&world).await, 0);
    let audit = world.views.audit(Some(damaged.to_string()), None, 10).await.unwrap().rows;
    assert_eq!(audit.iter().filter(|row| row.action == "replay.cancel").count(), 1);
    world.replay().await;
    assert_eq!(world.replayer.facts.meters.since_start().unreadable, 0);
    let in_years = world.clock.now() + TimeSpan::from_days(1_000);
    let ages = Retention::default().ages(world.ledger.room().await.unwrap(), in_years);
    while world.ledger.trim(ages).await.unwrap().rows > 0 {}
    assert!(world.ledger.replay(damaged).await.unwrap().is_none(), "it goes by its age");
}

#[tokio::test]
async fn what_is_over_goes_by_its_age_however_damaged_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = open(&folder).await;
    let mut deliveries = Vec::new();
    for number in 1..=3 {
        deliveries.push(world.accept(number.into(), "").await);
        world.attempt(End::Done).await;
        world.ledger.commit(Batch::new().change(Change::Quarantine(Box::new(settled(number))))).await.unwrap();
    }
    let hurt = "UPDATE quarantine SET content = '{' WHERE event IN (SELECT event FROM quarantine ORDER BY event LIMIT 2)";
    let opened = damage(&folder, (world, store), hurt, 2).await;
    let hurt = "UPDATE quarantine SET origin = 77 WHERE event = (SELECT min(event) FROM quarantine)";
    let opened = damage(&folder, opened, hurt, 1).await;
    let hurt = "UPDATE deliveries SET origin = 78 WHERE seq = (SELECT min(seq) FROM deliveries)";
    let (world, _store) = damage(&folder, opened, hurt, 1).await;
    let trimmer =
        Trimmer { journal: Arc::clone(&world.journal), ledger: Arc::clone(&world.ledger), settings: Retention::default() };
    let in_years = world.clock.now() + TimeSpan::from_days(1_000);
    let passed_over = loop {
        let step = trimmer.rows(in_years).await.unwrap();
        if step.rows == 0 {
            break step.unreadable;
        }
    };
    let first = settled(1).event;
    let expected = [
        format!("quarantined event {first}: there is no origin 77"),
        format!("delivery {}: there is no origin 78", deliveries[0]),
    ];
    assert_eq!(passed_over, expected, "what nobody can count stays, and is told");
    for number in 2..=3 {
        assert_eq!(world.ledger.quarantined(settled(number).event).await.unwrap(), None);
    }
    for delivery in &deliveries[1..] {
        assert_eq!(world.ledger.delivery(*delivery).await.unwrap(), None);
    }
    let account = world.ledger.account().await.unwrap();
    assert_eq!(account.tallies[Origin::Live.index()].get(Bucket::Closed), 3, "the counts stay");
}

/// A quarantined event that a person closed.
fn settled(number: u32) -> QuarantineRow {
    let state = QuarantineState::Closed { by: Principal::new("ines"), why: "a test".to_owned() };
    QuarantineRow { state, ..quarantined(number.into()) }
}
