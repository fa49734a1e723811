//! Where the product meets the machine and the network: ports, signals, pipes, locks, hosts, tokens.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;

use crate::product::{Product, run, sample};

#[test]
fn a_signal_ends_it_well_and_a_taken_port_is_told() {
    let folder = sample(None);
    let mut product = Product::up(folder.path());
    let address = product.going.url.strip_prefix("http://").unwrap().to_owned();
    let other = sample(None);
    run(other.path(), &["up", "--listen", &address]).ends(1).remarks(&address).remarks("--listen");
    run(folder.path(), &["retention", "preview"]).ends(1).remarks("open in another process");
    assert_eq!(std::fs::read_to_string(folder.path().join(".crossdock/address")).unwrap(), product.going.url);
    assert_eq!(product.going.terminate(), Some(0));
    assert!(!folder.path().join(".crossdock/address").exists());
    run(folder.path(), &["retention", "preview"]).ends(0).says("0 records would go");
    run(folder.path(), &["retention", "run"]).ends(2).remarks("-y");
    run(folder.path(), &["retention", "run", "-y"]).ends(0).says("removed 0 records");
}

/// The status of a request that is written by hand.
fn status_of(address: &str, request: &str) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[test]
fn other_hosts_and_pages_of_other_sites_are_refused() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    let address = product.going.url.strip_prefix("http://").unwrap();
    let token = &product.token;
    let get = |host: &str, more: &str| {
        status_of(
            address,
            &format!(
                "GET /api/v1/status HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n{more}connection: close\r\n\r\n"
            ),
        )
    };
    assert_eq!(get(address, ""), 200);
    assert_eq!(get("evil.example", ""), 421);
    assert_eq!(get(address, "origin: http://evil.example\r\n"), 403);
    assert_eq!(get(address, &format!("origin: http://{address}\r\n")), 200);
}

#[test]
fn a_token_does_what_its_scopes_say_until_it_is_revoked() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    product.run_as("", &["status"]).ends(7).remarks("CROSSDOCK_TOKEN");
    product.run_as("cdk_wrong", &["status"]).ends(7);
    let made = product.run(&["token", "make", "reader", "--scope", "read", "--days", "1"]).ends(0);
    let token = made.out.trim().to_owned();
    assert!(token.starts_with("cdk_"), "{token}");
    product.run_as(&token, &["status"]).ends(0);
    product.run_as(&token, &["pause", "source/shop", "--reason", "x"]).ends(6).remarks("scope");
    product.run_as(&token, &["token", "ls"]).ends(6);
    product.run(&["token", "ls"]).ends(0).says("reader\tread");
    product.run(&["token", "revoke", "reader"]).ends(0);
    product.run_as(&token, &["status"]).ends(7);
    product.run(&["token", "revoke", "reader"]).ends(5);
}

#[test]
fn a_refusal_tells_the_sender_why() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    product.run_with(&["send", "shopp"], "{}").ends(5).remarks("there are: shop");
    product.run_with(&["send", "shop", "--header", "webhook-signature: v1,AAAA"], "{}").ends(6).remarks("bad-signature");
    product.run_with(&["send", "shop"], "{").ends(6).remarks("malformed");
    std::fs::remove_file(folder.path().join(".crossdock/secrets/shop/webhook")).unwrap();
    product.run_with(&["send", "shop"], "{}").ends(2).remarks("CROSSDOCK_SECRET_SHOP_WEBHOOK");
}

#[test]
fn tail_follows_and_ends_with_its_reader() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    let order = |number: &str| {
        format!(r#"{{"type":"order.created","data":{{"number":"{number}","lines":[{{"sku":"X","quantity":1}}]}}}}"#)
    };
    product.run_with(&["send", "shop"], &order("T1")).ends(0);
    let (mut tail, mut lines) = product.go(&["tail", "-o", "json"]);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("crossdock/tail/1") && line.contains("T1"), "{line}");
    product.run_with(&["send", "shop"], &order("T2")).ends(0);
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it goes on");
        if line.contains("T2") {
            break;
        }
    }
    drop(lines);
    product.run_with(&["send", "shop"], &order("T3")).ends(0);
    assert_eq!(tail.wait().unwrap().code(), Some(0));
    product.run(&["tail", "--no-follow", "--since", "1h"]).ends(0).says("T1").says("T3");
}

#[test]
fn a_form_of_the_log_that_nobody_knows_is_wrong_usage() {
    let folder = sample(None);
    run(folder.path(), &["up", "--log-format", "xml"]).ends(2).remarks("write text or json");
}
