//! What senders and owners see when there is no room: a journal at its budget, a disk that is full, a folder that cannot be
//! made.

use std::path::Path;

use crate::partner::{Receiver, Told, exchange};
use crate::product::{Product, run};
use crate::project::{SHOP, write};

const FLOW: &str = "owner: team-warehouse
on: { types: [shop.order] }
to: warehouse
deliver: { lane: none }
";

/// Bodies until the store cannot take more; it takes a good dozen in each test.
const BODIES_MAX: u32 = 200;
/// How often the product is asked for what it does by itself.
const LOOKS_MAX: usize = 2_000;

impl Product {
    /// Order `n`, of some 60 KB.
    fn post(&self, n: u32) -> Told {
        let body = format!(r#"{{"id":"{n}","type":"order","note":"{}"}}"#, "x".repeat(60_000));
        exchange(&self.going.url, "POST /in/shop HTTP/1.1\r\ncontent-type: application/json", &body)
    }

    fn metrics(&self) -> String {
        exchange(&self.going.url, &format!("GET /metrics HTTP/1.1\r\nauthorization: Bearer {}", self.token), "").body
    }

    /// Orders until one is not taken: which, and what its sender was told.
    fn post_until_refused(&self) -> (u32, Told) {
        for n in 0..BODIES_MAX {
            let told = self.post(n);
            if told.status != 202 {
                return (n, told);
            }
        }
        panic!("everything is taken");
    }
}

fn project(folder: &Path, receiver: &str) {
    let warehouse = format!(
        "owner: team-warehouse\ndestinations:\n  warehouse:\n    url: {receiver}/orders\n    allow: [127.0.0.0/8]\n    rate: 100/s\n"
    );
    let files = [("systems/shop.yaml", SHOP), ("systems/warehouse.yaml", &warehouse), ("flows/orders.yaml", FLOW)];
    write(folder, &files);
}

#[test]
fn a_journal_at_its_budget_refuses_says_so_and_opens_again_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    project(folder.path(), &receiver.url());
    std::fs::write(folder.path().join("small.toml"), "journal_mib = 1\n").unwrap();
    let product = Product::up_with_settings(folder.path(), "small.toml");
    product.run(&["pause", "destination/warehouse", "--reason", "they move"]).ends(0);
    let (taken, told) = product.post_until_refused();
    assert!(taken >= 8, "{taken} bodies of 60 KB fit into 1 MiB");
    assert_eq!(told.status, 503, "{told:?}");
    assert!(told.head.contains("application/problem+json") && told.is_told_when(60), "{told:?}");
    assert!(told.body.contains("has no room"), "{told:?}");
    await_metric(&product, "crossdock_budget_alarms_total{store=\"journal\",level=\"full\"} 1");
    assert!(product.metrics().contains("crossdock_journal_budget_bytes 1048576"));
    product.run(&["status"]).ends(3).says("the journal is full").says("503");
    let doctor = product.run(&["doctor"]);
    assert!(doctor.out.contains("intake answers 503 until there is room"), "{}", doctor.out);
    assert!(doctor.out.contains("raise journal_mib"), "{}", doctor.out);

    product.run(&["resume", "destination/warehouse", "--reason", "they are there"]).ends(0);
    let mut looks = 0;
    while product.post(taken).status != 202 {
        product.run(&["status"]).says(&format!("live: {taken} accepted"));
        looks += 1;
        assert!(looks < LOOKS_MAX, "there is no room again: {}", product.metrics());
    }
    let status = product.run(&["status", "-o", "json"]).json();
    assert_eq!(status["missing"].as_i64(), Some(0), "{status}");
    assert_eq!(product.post(0).status, 202, "a repeat, though its record may be gone");
    assert!(product.post(0).body.contains("\"duplicate\":true"));
}

fn await_metric(product: &Product, line: &str) {
    let mut seen = String::new();
    for _ in 0..LOOKS_MAX {
        seen = product.metrics();
        if seen.lines().any(|found| found == line) {
            return;
        }
    }
    panic!("{line} is not in\n{seen}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_refuses_and_what_was_taken_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    project(folder.path(), &receiver.url());
    let product = Product::up_with_small_files(folder.path(), 2_048);
    let (taken, told) = product.post_until_refused();
    assert!(taken > 0 && told.status == 503, "{told:?}");
    assert!(told.head.contains("application/problem+json") && told.head.contains("\nretry-after: "), "{told:?}");
    assert_eq!(exchange(&product.going.url, "GET /health/live HTTP/1.1", "").status, 200);
    let token = product.token.clone();
    drop(product);

    let product = Product { token, ..Product::up(folder.path()) };
    for n in 0..taken {
        let told = product.post(n);
        assert!(told.status == 202 && told.body.contains("\"duplicate\":true"), "{n} was answered 202 before: {told:?}");
    }
    assert_eq!(product.post(taken).status, 202, "there is room");
    let status = product.run(&["status", "-o", "json"]).json();
    assert_eq!(status["missing"].as_i64(), Some(0), "{status}");
}

/// The last byte of the disk is taken, and not by the product.
#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::print_stderr, reason = "who reads that it passed has to know that nothing was tried")]
fn a_disk_without_a_free_byte_refuses_and_intake_opens_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    project(folder.path(), &receiver.url());
    let mut first = Product::up(folder.path());
    assert_eq!(first.going.terminate(), Some(0));
    let product = match Product::up_on_small_disk(folder.path(), 12, 6) {
        Ok(up) => Product { token: first.token.clone(), ..up },
        Err(why) => return eprintln!("not tried: there can be no small disk here: {why}"),
    };
    let (taken, told) = product.post_until_refused();
    assert!(taken > 0 && told.status == 503 && told.is_told_when(60), "{told:?}");
    assert!(told.body.contains("has no room"), "{told:?}");
    assert_eq!(exchange(&product.going.url, "GET /health/live HTTP/1.1", "").status, 200);

    std::fs::remove_file(product.inside("disk/ballast")).unwrap();
    let told = (0..LOOKS_MAX).map(|_| product.post(taken)).find(|told| told.status == 202);
    let told = told.expect("intake opens again by itself");
    assert!(!told.body.contains("\"duplicate\":true"), "it was refused, so nothing of it was kept: {told:?}");
    for n in 0..taken {
        let told = product.post(n);
        assert!(told.status == 202 && told.body.contains("\"duplicate\":true"), "{n} was answered 202 before: {told:?}");
    }
    let all = u64::from(taken) + 1;
    let is_done = |status: &serde_json::Value| status["done"] == all && status["missing"] == 0;
    assert!((0..LOOKS_MAX).any(|_| is_done(&product.run(&["status", "-o", "json"]).json())), "{all} are not delivered");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), "http://127.0.0.1:9");
    std::fs::write(folder.path().join("file"), "no folder").unwrap();
    let ran = run(folder.path(), &["up", "--listen", "127.0.0.1:0", "--data", "file/data"]);
    assert_ne!(ran.code, 0);
    ran.remarks("file/data").remarks("cannot be");
}

/// Root may write where modes say no, so that a folder in the place of the file is what keeps everybody from it.
#[test]
fn a_store_that_cannot_be_written_is_said_in_words() {
    for file in ["ledger.sqlite", "journal.sqlite"] {
        let folder = tempfile::tempdir().unwrap();
        project(folder.path(), "http://127.0.0.1:9");
        std::fs::create_dir_all(folder.path().join("data").join(file)).unwrap();
        let ran = run(folder.path(), &["up", "--listen", "127.0.0.1:0", "--data", "data"]);
        assert_ne!(ran.code, 0, "{file}: {}", ran.out);
        ran.remarks(file).remarks("cannot be");
    }
}
