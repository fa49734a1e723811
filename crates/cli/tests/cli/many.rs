//! Lists that are longer than what is looked through: they say so, and how to see the rest.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::product::Product;

/// Events of no type that the source declares.
const EVENTS: usize = 5_001;
/// Events that one request brings.
const BATCH: usize = 500;
/// How often the product is asked for what it does by itself.
const LOOKS_MAX: usize = 2_000;
const SHOP: &str = "owner: team-commerce
sources:
  shop:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    events: { known: { type: known } }
";

fn post(url: &str, body: &str) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("host: {address}\r\ncontent-type: application/cloudevents-batch+json\r\nconnection: close");
    write!(stream, "POST /in/shop HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

#[test]
fn a_list_that_is_cut_says_so_and_how_to_see_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("systems")).unwrap();
    std::fs::write(folder.path().join("systems/shop.yaml"), SHOP).unwrap();
    let product = Product::up(folder.path());
    for first in (0..EVENTS).step_by(BATCH) {
        let mut body = String::new();
        for n in first..EVENTS.min(first + BATCH) {
            let before = if n == first { "[" } else { "," };
            write!(body, r#"{before}{{"specversion":"1.0","id":"{n}","source":"/s","type":"odd"}}"#).unwrap();
        }
        post(&product.going.url, &format!("{body}]"));
    }
    let tail = product.run(&["tail", "--since", "1h", "--no-follow"]).ends(0);
    assert_eq!(tail.out.lines().filter(|line| line.contains("  event  ")).count(), 2_000);
    tail.remarks("only the newest 2000 events are shown, and there are more: crossdock events ls --since ");
    let kept = |status: &serde_json::Value| status["with_a_person"].as_u64();
    let is_whole = || kept(&product.run(&["status", "--json"]).json()) == Some(EVENTS as u64);
    assert!((0..LOOKS_MAX).any(|_| is_whole()), "{EVENTS} are not quarantined");
    let rows = product.run(&["quarantine", "ls", "--json"]).ends(0).json();
    let code = rows["rows"][0]["reasons"][0]["code"].as_str().unwrap().to_owned();
    let listed = product.run(&["quarantine", "ls", "--code", &code, "--limit", "9999"]).ends(0);
    assert_eq!(listed.out.lines().count(), 5_000);
    listed.remarks("looked through the newest 5000 for this code, and there are more; --source and --state narrow");
}
