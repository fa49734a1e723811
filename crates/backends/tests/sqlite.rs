//! The embedded store: the conformance lists with a folder that is opened again, and what only a file goes through.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use backends::conformance::sample::{admitted, at, claim, delivery, delivery_id, done, event_id, in_lane, position};
use backends::conformance::{self, JournalFixture, LedgerFixture, LedgerStore, ManualClock, Opening};
use backends::sqlite::{JournalOptions, LedgerOptions, Options, Store};
use engine::ports::{Answer, Clock, DueQuery, Journal, Ledger as _, Mark, Views as _};
use futures::future::join_all;
use model::limit::KEY_WINDOW;
use model::view::DeliveryQuery;
use model::{Appended, Batch, Bucket, Change, Delivery, Fault, FaultKind, FlowName, Offset, Partition, TimeSpan};
use tempfile::TempDir;

const ZERO: Partition = Partition(0);
const SMALL: usize = 3;

/// Segments of so many hashes, and pages that look at so many rows.
fn segments_of(hashes: usize) -> Options {
    Options {
        journal: JournalOptions { segment_keys: hashes, ..JournalOptions::default() },
        ledger: LedgerOptions { segment_words: hashes, page_walk_rows: hashes, ..LedgerOptions::default() },
    }
}

fn pages_at_most(pages: u32) -> Options {
    Options {
        journal: JournalOptions { pages_max: Some(pages), ..JournalOptions::default() },
        ledger: LedgerOptions { pages_max: Some(pages), ..LedgerOptions::default() },
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(at(0)))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn open(folder: &Path, options: Options) -> Result<Store, Fault> {
    Store::open(folder, options, &clock())
}

fn opened(folder: &TempDir) -> Store {
    open(folder.path(), Options::default()).expect("the folder opens")
}

/// The words of the fault with which a folder does not open.
fn refusal(folder: &Path) -> (FaultKind, String) {
    let fault = open(folder, Options::default()).expect_err("the folder does not open");
    (fault.kind, fault.to_string())
}

fn open_for(folder: &TempDir, opening: &Opening, hashes: usize) -> Result<Store, Fault> {
    let mut options = segments_of(hashes);
    options.journal.budget_bytes = opening.budget_bytes;
    Store::open(folder.path(), options, &opening.clock)
}

async fn journal(hashes: usize) -> JournalFixture {
    let folder = folder();
    JournalFixture::new(move |opening| -> Answer<'static, Arc<dyn Journal>> {
        let store = open_for(&folder, &opening, hashes);
        Box::pin(async move { Ok(store?.journal as Arc<dyn Journal>) })
    })
    .await
}

async fn ledger(hashes: usize) -> LedgerFixture {
    let folder = folder();
    LedgerFixture::new(move |opening| -> Answer<'static, LedgerStore> {
        let store = open_for(&folder, &opening, hashes);
        Box::pin(async move {
            let ledger = store?.ledger;
            Ok(LedgerStore { ledger: Arc::clone(&ledger) as _, views: ledger })
        })
    })
    .await
}

#[tokio::test]
async fn the_journal_does_what_every_journal_does() {
    conformance::run(conformance::JOURNAL, async || journal(256 * 1024).await).await;
}

#[tokio::test]
async fn the_journal_does_so_with_tiny_segments() {
    conformance::run(conformance::JOURNAL, async || journal(SMALL).await).await;
}

#[tokio::test]
async fn the_ledger_does_what_every_ledger_does() {
    conformance::run(conformance::LEDGER, async || ledger(256 * 1024).await).await;
}

#[tokio::test]
async fn the_ledger_does_so_with_tiny_segments() {
    conformance::run(conformance::LEDGER, async || ledger(SMALL).await).await;
}

#[tokio::test]
async fn the_views_show_what_every_views_show() {
    conformance::run(conformance::VIEWS, async || ledger(256 * 1024).await).await;
    conformance::run(conformance::VIEWS, async || ledger(SMALL).await).await;
}

/// Ten are done; one of them is of the flow that is asked for, the oldest.
#[tokio::test]
async fn a_page_looks_at_so_many_rows_and_says_where_to_go_on() {
    let folder = folder();
    let store = open(folder.path(), segments_of(SMALL)).expect("the folder opens");
    for n in 1..=10 {
        let flow = FlowName::new(if n == 1 { "returns" } else { "orders" }).expect("a name");
        let opened = Delivery { flow, ..delivery(n) };
        let batch = Batch::new().change(Change::Open { delivery: Box::new(opened), claim: None });
        store.ledger.commit(batch).await.expect("the ledger takes it");
    }
    let flow = FlowName::new("returns").ok();
    let (mut sizes, mut cursor) = (Vec::new(), None);
    loop {
        let query = DeliveryQuery { flow: flow.clone(), cursor, ..DeliveryQuery::default() };
        let page = store.ledger.deliveries(query).await.expect("the views read");
        sizes.push(page.rows.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [0, 0, 0, 1], "three rows at a time, and the last in the fourth");
}

async fn append(store: &Store, numbers: impl IntoIterator<Item = u64>) -> Vec<Appended> {
    store.journal.append(numbers.into_iter().map(admitted).collect()).await.expect("the journal takes it")
}

async fn offsets(store: &Store) -> Vec<Offset> {
    let records = store.journal.read(ZERO, Offset(0), 100_000).await.expect("the journal reads");
    records.iter().map(|record| record.position.offset).collect()
}

fn open_change(n: u64) -> Batch {
    Batch::new().change(Change::Open { delivery: Box::new(delivery(n)), claim: None })
}

/// The files as a killed process leaves them.
fn killed_copy(from: &TempDir) -> TempDir {
    let copy = folder();
    for name in ["journal.sqlite", "journal.sqlite-wal", "ledger.sqlite", "ledger.sqlite-wal"] {
        std::fs::copy(from.path().join(name), copy.path().join(name)).expect("the file is there");
    }
    copy
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let folder = folder();
    let store = Store::open(folder.path(), segments_of(10), &clock()).unwrap();
    for n in 0..40 {
        append(&store, n * 3 + 1..n * 3 + 4).await;
        store.ledger.commit(open_change(n)).await.unwrap();
        if n % 10 == 9 {
            let copy = killed_copy(&folder);
            let revived = Store::open(copy.path(), segments_of(10), &clock()).unwrap();
            assert_eq!(offsets(&revived).await.len() as u64, (n + 1) * 3);
            let repeats = append(&revived, 1..(n + 1) * 3).await;
            assert!(repeats.iter().all(|answer| matches!(answer, Appended::Duplicate(..))));
            let account = revived.ledger.account().await.unwrap();
            assert_eq!(account.tallies[0].get(Bucket::Created), n + 1);
            assert_eq!(revived.ledger.recount().await.unwrap(), account);
        }
    }
}

#[tokio::test]
async fn a_cancelled_append_leaves_all_or_nothing() {
    let folder = folder();
    let store = opened(&folder);
    for n in 0..50 {
        let cancelled = store.journal.append(vec![admitted(n * 2 + 1), admitted(n * 2 + 2)]);
        let soon = futures::future::ready(());
        drop(futures::future::select(cancelled, soon).await);
    }
    append(&store, [1_000]).await;
    let there = offsets(&store).await.len();
    assert_eq!(there % 2, 1, "{there}: pairs, and the last one");
    drop(store);
    let store = opened(&folder);
    assert_eq!(offsets(&store).await.len(), there);
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let folder = folder();
    let store = open(folder.path(), pages_at_most(90)).unwrap();
    let mut taken = Vec::new();
    let fault = loop {
        let next = taken.len() as u64 + 1;
        match store.journal.append(vec![admitted(next)]).await {
            Ok(answers) => taken.extend(answers),
            Err(fault) => break fault,
        }
        assert!(taken.len() < 10_000, "90 pages are never full");
    };
    assert_eq!(fault.kind, FaultKind::Full, "{fault}");
    assert_eq!(offsets(&store).await.len(), taken.len(), "the refused one is not there");
    assert!(matches!(append(&store, [1]).await[..], [Appended::Duplicate(..)]), "repeats are answered");
    let half = taken.len() / 2;
    store.journal.trim(ZERO, Offset(half as u64), Vec::new(), Mark::default()).await.unwrap();
    assert!(matches!(append(&store, [20_000]).await[..], [Appended::New(_)]), "what was freed is used");
    drop(store);
    let store = opened(&folder);
    assert_eq!(offsets(&store).await.len(), taken.len() - half + 1);
    assert!(matches!(append(&store, [20_001]).await[..], [Appended::New(_)]));
}

#[tokio::test]
async fn a_ledger_on_a_full_disk_keeps_its_counts() {
    let folder = folder();
    let store = open(folder.path(), pages_at_most(100)).unwrap();
    let mut taken = 0;
    let fault = loop {
        let batches = (0..20).map(|n| store.ledger.commit(open_change(taken + n)));
        let answers = join_all(batches).await;
        taken += answers.iter().filter(|answer| answer.is_ok()).count() as u64;
        if let Some(fault) = answers.into_iter().find_map(Result::err) {
            break fault;
        }
    };
    assert_eq!(fault.kind, FaultKind::Full, "{fault}");
    drop(store);
    let store = opened(&folder);
    let account = store.ledger.account().await.unwrap();
    assert_eq!(account.tallies[0].get(Bucket::Created), taken);
    assert_eq!(store.ledger.recount().await.unwrap(), account);
    store.ledger.commit(open_change(100_000)).await.unwrap();
}

#[tokio::test]
async fn a_folder_is_opened_once_at_a_time() {
    let folder = folder();
    let store = opened(&folder);
    let (kind, words) = refusal(folder.path());
    assert_eq!(kind, FaultKind::Unavailable);
    assert!(words.contains("open in another process"), "{words}");
    drop(store);
    opened(&folder).close();
}

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let (kind, words) = refusal(&file.join("data"));
    assert_eq!(kind, FaultKind::Unavailable);
    assert!(words.contains("cannot be made"), "{words}");

    std::fs::write(folder.path().join("journal.sqlite"), vec![7; 10_000]).unwrap();
    let (kind, words) = refusal(folder.path());
    assert_eq!(kind, FaultKind::Corrupt);
    assert!(words.contains("journal.sqlite is damaged or no store of ours"), "{words}");
}

#[test]
fn a_newer_store_and_a_foreign_file_are_refused() {
    let folder = folder();
    opened(&folder).close();
    let file = folder.path().join("ledger.sqlite");
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let (kind, words) = refusal(folder.path());
    assert_eq!(kind, FaultKind::Corrupt);
    assert!(words.contains("schema 99, written by a newer version"), "{words}");

    std::fs::copy(folder.path().join("journal.sqlite"), &file).unwrap();
    let (kind, words) = refusal(folder.path());
    assert_eq!(kind, FaultKind::Corrupt);
    assert!(words.contains("not our ledger.sqlite"), "{words}");
}

#[tokio::test]
async fn a_closed_store_says_that_it_is_going_down() {
    let folder = folder();
    let store = opened(&folder);
    append(&store, 1..3).await;
    store.close();
    assert!(!folder.path().join("journal.sqlite-wal").exists(), "the log was moved into the file");
    let append = store.journal.append(vec![admitted(3)]).await;
    let find = store.journal.find(event_id(1)).await;
    let commit = store.ledger.commit(open_change(1)).await;
    for fault in [append.map(drop), find.map(drop), commit.map(drop)] {
        assert_eq!(fault.unwrap_err().kind, FaultKind::Shutdown);
    }
}

#[tokio::test]
async fn keys_are_found_in_closed_segments_and_after_opening_again() {
    let folder = folder();
    let clock = Arc::new(ManualClock::new(at(0)));
    let reopened = || {
        let clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        Store::open(folder.path(), segments_of(100), &clock).unwrap()
    };
    let mut store = reopened();
    for round in 0..20 {
        append(&store, round * 100 + 1..round * 100 + 101).await;
        if round % 7 == 3 {
            drop(store);
            store = reopened();
        }
    }
    let repeats = append(&store, 1..=2_000).await;
    for (n, answer) in (1..).zip(&repeats) {
        assert_eq!(*answer, Appended::Duplicate(position(n), event_id(n)), "key {n}");
    }
    clock.advance(TimeSpan::from_days(3));
    append(&store, [5_000]).await;
    clock.advance(KEY_WINDOW - TimeSpan::from_days(3) + TimeSpan::from_secs(1));
    assert!(store.journal.forget_keys().await.unwrap() > 0);
    let again = append(&store, (1..=2_000).chain([5_000])).await;
    let new = again.iter().filter(|answer| matches!(answer, Appended::New(_))).count();
    assert_eq!(new, 2_000, "the old ones were forgotten, the newer one was not");
    clock.advance(KEY_WINDOW);
    store.journal.forget_keys().await.unwrap();
    drop(store);
    let store = reopened();
    assert!(matches!(append(&store, [5_000]).await[..], [Appended::New(_)]), "its window is over");
}

#[tokio::test]
async fn a_batch_that_conflicts_half_done_harms_no_other_of_its_group() {
    let folder = folder();
    let store = opened(&folder);
    let batches = (0..300).map(|n| {
        let open = |n| Change::Open { delivery: Box::new(in_lane(n, "a")), claim: None };
        let bad = Change::Claim { delivery: delivery_id(999_999), claim: claim(1_000) };
        let batch = Batch::new().change(open(n));
        store.ledger.commit(if n % 3 == 0 { batch.change(bad) } else { batch })
    });
    let answers = join_all(batches).await;
    for (n, answer) in answers.iter().enumerate() {
        let kind = answer.as_ref().err().map(|fault| fault.kind);
        assert_eq!(kind, (n % 3 == 0).then_some(FaultKind::Conflict), "batch {n}");
    }
    let account = store.ledger.account().await.unwrap();
    assert_eq!(account.tallies[0].get(Bucket::Created), 200);
    assert_eq!(store.ledger.recount().await.unwrap(), account);
    let feed = store.ledger.feed(0, 1_000).await.unwrap();
    assert_eq!((feed.len(), store.ledger.feed_head().await.unwrap()), (200, 200));
    let query =
        DueQuery { destination: delivery(1).destination, now: at(1_000), all: 10, repeats: 10, without: BTreeSet::new() };
    let due = store.ledger.due(query).await.unwrap().rows;
    assert_eq!(due.iter().map(|it| it.id).collect::<Vec<_>>(), [delivery_id(1)], "one head");
    let finish = Change::Move { delivery: delivery_id(1), state: done(9), why: String::new(), new_round: None };
    store.ledger.commit(Batch::new().change(finish)).await.unwrap();
    assert!(!store.ledger.delivery(delivery_id(2)).await.unwrap().unwrap().behind);
}
