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
    let written = std::fs::read_to_string(folder.path().join(".crossdock/address")).unwrap();
    assert_eq!(written.split_whitespace().next(), Some(product.going.url.as_str()));
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
    let made = product.run(&["token", "make", "reader", "--scope", "read", "--days", "1", "--reason", "x"]).ends(0);
    let token = made.out.trim().to_owned();
    assert!(token.starts_with("cdk_"), "{token}");
    product.run_as(&token, &["status"]).ends(0);
    product.run_as(&token, &["pause", "source/shop", "--reason", "x"]).ends(6).remarks("scope");
    product.run_as(&token, &["token", "ls"]).ends(6);
    product.run(&["token", "ls"]).ends(0).says("reader\tread");
    product.run(&["token", "revoke", "reader", "--reason", "x"]).ends(0);
    product.run_as(&token, &["status"]).ends(7);
    product.run(&["token", "revoke", "reader", "--reason", "x"]).ends(5);
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
    let newest = product.run(&["tail", "--no-follow", "--since", "1h", "--limit", "2"]).ends(0);
    assert_eq!(newest.out.lines().count(), 2, "{}", newest.out);
}

#[test]
fn commands_find_the_product_of_their_folder_and_notice_that_it_has_gone() {
    let (folder, other) = (sample(None), sample(None));
    let product = Product::up(folder.path());
    let here = |args: &[&str]| product.run_here(args);
    here(&["status"]).ends(0).says("everything accepted is accounted for");
    here(&["pause", "warehouse", "--reason", "stock taking"]).ends(0);
    // A product that was killed leaves its address behind, and another one may have got its port.
    let stale = other.path().join(".crossdock/address");
    std::fs::write(&stale, format!("{} 00000000000000000000\n", product.going.url)).unwrap();
    let there = |args: &[&str]| product.run_from(other.path(), args);
    there(&["resume", "warehouse", "--reason", "x"]).ends(7).remarks("there is another product now");
    there(&["status"]).ends(7).remarks("there is another product now");
    std::fs::write(&stale, "http://127.0.0.1:9 00000000000000000000\n").unwrap();
    there(&["status"])
        .ends(7)
        .remarks("nothing answers at http://127.0.0.1:9 (named by ./.crossdock/address)")
        .remarks("crossdock up");
}

#[test]
fn status_shows_causes_and_not_each_of_a_hundred() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    for number in ["Q1", "Q2", "Q3"] {
        let broken = format!(r#"{{"type":"order.created","data":{{"number":"{number}","lines":[]}}}}"#);
        product.run_with(&["send", "shop"], &broken).ends(0);
        product.await_state(number, "quarantined");
    }
    let status = product.run(&["status"]).ends(3);
    let first = status.out.lines().next().unwrap();
    assert!(first.starts_with("unhealthy (person): everything accepted is accounted for: "), "{first}");
    assert!(first.ends_with("3 with a person (team-commerce 3)"), "{first}");
    assert_eq!(status.out.matches("H0704").count(), 2, "one line says why, one what to do:\n{}", status.out);
    let status = status
        .says("team-commerce 3 quarantined: from shop, H0704")
        .says("; order Q3, Q2, Q1; the oldest for ")
        .remarks("next: crossdock quarantine show");
    assert!(status.err.trim_end().lines().last().is_some_and(|line| line.starts_with("next: ")), "{}", status.err);
    let listed = product.run(&["quarantine", "ls", "--source", "shop", "--code", "H0704"]).ends(0);
    assert_eq!(listed.out.lines().count(), 3);
    product.run(&["quarantine", "ls", "--code", "H0701"]).ends(0).remarks("nothing waits");
    let json = product.run(&["status", "--json"]).ends(3).json();
    let group = &json["quarantined"][0];
    assert_eq!((group["code"].as_str(), group["count"].as_u64()), (Some("H0704"), Some(3)));
    assert_eq!(json["lines"][0]["tally"]["quarantined"], 3);
}

#[test]
fn every_answer_in_json_has_the_name_of_its_schema() {
    let folder = sample(None);
    let product = Product::up(folder.path());
    product.run_with(&["send", "shop"], r#"{"type":"order.created","data":{"number":"J1","lines":[]}}"#).ends(0);
    product.await_state("J1", "quarantined");
    let check = |args: &[&str], schema: &str| {
        let json = product.run(&[args, &["--json"]].concat()).json();
        assert_eq!(json["schema"], format!("crossdock/{schema}/1"), "{args:?}: {json}");
        json
    };
    let sent = check(&["send", "shop", "--file", "tests/orders/1.json"], "accepted");
    let trace = product.await_state("S00042", "moving");
    let (event, delivery) = (sent["id"].as_str().unwrap(), trace["deliveries"][0]["delivery"]["id"].as_str().unwrap());
    let quarantined = check(&["quarantine", "ls"], "quarantine")["rows"][0]["event"].as_str().unwrap().to_owned();
    for (line, schema) in [
        ("status", "status"),
        ("doctor", "doctor"),
        ("version", "version"),
        ("check", "check"),
        ("fmt", "fmt"),
        ("test", "test"),
        ("plan", "plan"),
        ("diff . present", "plan"),
        ("rollback", "policies"),
        ("explain H0704", "explain"),
        ("explain key-reused", "explain"),
        ("explain shop", "explain"),
        ("trace S00042", "trace"),
        ("events ls", "events"),
        (&format!("events show {event}"), "event"),
        ("deliveries ls", "deliveries"),
        (&format!("deliveries show {delivery}"), "delivery"),
        (&format!("quarantine show {quarantined}"), "quarantined"),
        (&format!("quarantine close {quarantined} --reason x"), "quarantine-decision"),
        ("pause warehouse --reason x", "switch"),
        (&format!("hold {delivery} --reason x"), "commands"),
        (&format!("cancel {delivery} --reason x"), "commands"),
        ("replay --identifier S00042 -n", "replay-preview"),
        ("replay --identifier S00042 --reason x -y", "replay-ordered"),
        ("replay ls", "replays"),
        ("audit", "audit"),
        ("token make reader --scope read --reason x", "token"),
        ("token ls", "tokens"),
        ("token revoke reader --reason x", "token-revoked"),
        ("exit-codes", "exit-codes"),
        ("trace nothing", "error"),
        ("frobnicate", "error"),
    ] {
        check(&line.split(' ').collect::<Vec<_>>(), schema);
    }
}

#[test]
fn a_form_of_the_log_that_nobody_knows_is_wrong_usage() {
    let folder = sample(None);
    run(folder.path(), &["up", "--log-format", "xml"]).ends(2).remarks("write text or json");
}
