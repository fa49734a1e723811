//! The way of a project from its first file to a replay, with a product that runs all the while.

use crate::product::{Going, Product, move_warehouse, run, sample};

/// A project whose warehouse refuses what it gets for good, and its running product.
fn with_refusing_warehouse() -> (tempfile::TempDir, Going, Product) {
    let folder = sample(None);
    let refusing = Going::listener(folder.path(), "422");
    move_warehouse(folder.path(), &refusing.url);
    let product = Product::up(folder.path());
    (folder, refusing, product)
}

#[test]
fn an_order_is_refused_held_and_delivered_after_a_change() {
    let (folder, mut refusing, product) = with_refusing_warehouse();
    product.run(&["plan"]).ends(0).says("nothing to change");
    product.run(&["send", "shop", "--file", "tests/orders/1.json", "-n"]).ends(0).says("webhook-signature");
    product.run(&["send", "shop", "--file", "tests/orders/1.json"]).ends(0).says("accepted ");
    let trace = product.await_state("S00042", "with_a_person");
    let delivery = trace["deliveries"][0]["delivery"]["id"].as_str().unwrap().to_owned();
    let arrived = refusing.line();
    assert_eq!((arrived["signature"].as_str(), arrived["answered"].as_u64()), (Some("holds"), Some(422)));
    let status = product.run(&["status", "-o", "json"]).ends(3).json();
    assert_eq!((status["missing"].as_i64(), status["with_a_person"].as_u64()), (Some(0), Some(1)));
    let cause = &status["causes"][0];
    assert_eq!((cause["cause"].as_str(), cause["named"][0]["value"].as_str()), (Some("http_422"), Some("S00042")));
    assert_eq!((status["health"].as_str(), status["concerns"][0]["kind"].as_str()), (Some("unhealthy"), Some("person")));
    let waits = "waits for team-warehouse: answered 422: the same data would be refused again; warehouse says no";
    for args in [["deliveries", "ls"].as_slice(), &["deliveries", "show", &delivery], &["trace", "S00042"]] {
        product.run(args).ends(0).says(waits);
    }

    let mut taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    let plan = product.run(&["plan", "--exit-code"]).ends(4).says("~ destination").says("Needs     team-warehouse");
    let seen = plan.out.split("Compared with ").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_owned();
    product.run(&["apply", "--reason", "the new warehouse"]).ends(2).remarks("-y");
    product.run(&["apply", "--reason", "x", "-y", "--expect", "0123456789ab"]).ends(6).remarks("is not in force");
    product.run(&["apply", "--reason", "the new warehouse", "-y", "--expect", &seen]).ends(0).says("applied");
    product.run(&["plan", "--exit-code"]).ends(0).says("nothing to change");
    product.run(&["apply", "--reason", "x", "-y", "--expect", &seen]).ends(6).remarks("is not in force");

    product.run(&["retry", &delivery]).ends(2).remarks("--reason");
    product
        .run(&["retry", &delivery, "--reason", "it takes orders now", "--wait"])
        .ends(0)
        .says("to warehouse: done after http_200");
    product.await_state("S00042", "done");
    assert_eq!(taking.line()["signature"], "holds");
    product.run(&["retry", &delivery, "--reason", "again"]).ends(6);
    product.run(&["deliveries", "show", &delivery]).ends(0).says("http_422").says("http_200");
    product.run(&["audit"]).ends(0).says("delivery.retry").says("it takes orders now");
    product.run(&["rollback"]).ends(0).says("present");
}

#[test]
fn what_apply_would_refuse_is_told_by_the_plan_and_by_the_dry_run() {
    let (folder, _refusing, product) = with_refusing_warehouse();
    let dry = ["apply", "-n", "--json"];
    assert_eq!(product.run(&dry).ends(0).json()["changes"], serde_json::json!([]), "a plan without changes is one too");
    product.run(&["send", "shop", "--file", "tests/orders/1.json"]).ends(0);
    product.await_state("S00042", "with_a_person");
    std::fs::remove_file(folder.path().join("flows/orders-to-warehouse.yaml")).unwrap();
    std::fs::remove_dir_all(folder.path().join("tests")).unwrap();
    let why = "flow orders-to-warehouse has 1 open deliver";
    let next = "next: crossdock deliveries ls --flow orders-to-warehouse --state waiting,held,dead_lettered";
    let plan = product.run(&["plan"]).ends(0).says("1 to remove").says(&format!("Refused   {why}")).remarks(next);
    assert!(!plan.err.contains("next: crossdock apply"), "{}", plan.err);
    product.run(&["plan", "--exit-code"]).ends(4);
    product.run(&["apply", "-n"]).ends(6).says(&format!("Refused   {why}")).remarks(next).remarks("this was a dry run");
    product.run(&["apply", "-y", "--reason", "x"]).ends(6).remarks(why);
    for json in [product.run(&["plan", "--json"]).ends(0).json(), product.run(&dry).ends(6).json()] {
        assert_eq!((&json["schema"], &json["refusals"][0]["code"]), (&"crossdock/plan/1".into(), &"refused".into()));
        assert_eq!(json["removals"][0]["object"], "flow/orders-to-warehouse");
        assert_eq!((&json["removals"][0]["open"], &json["secrets_missing"]), (&1.into(), &serde_json::json!([])));
    }
    product.run(&["apply", "-n", "--hold-removed"]).ends(0);
    let reader = product.run(&["token", "make", "reader", "--scope", "read", "--reason", "x"]).ends(0);
    product.run_as(reader.out.trim(), &["plan"]).ends(0).says(why);

    product.run(&["apply", "-y", "--hold-removed", "--reason", "another way"]).ends(0);
    let versions = product.run(&["rollback", "--json"]).ends(0).json();
    let first = versions["rows"].as_array().and_then(|rows| rows.last()).unwrap()["version"].as_str().unwrap().to_owned();
    let back = product.run(&["rollback", "--to", &first, "-n", "--json"]).ends(0).json();
    assert_eq!((&back["schema"], &back["changes"][0]["mark"]), (&"crossdock/plan/1".into(), &"add".into()), "{back}");
}

#[test]
fn a_retry_says_what_came_of_it() {
    let (folder, mut refusing, product) = with_refusing_warehouse();
    product.run(&["send", "shop", "--file", "tests/orders/1.json"]).ends(0);
    let trace = product.await_state("S00042", "with_a_person");
    let delivery = trace["deliveries"][0]["delivery"]["id"].as_str().unwrap().to_owned();
    assert_eq!(refusing.line()["answered"], 422);
    let again = product.run(&["retry", &delivery, "--reason", "it might"]).ends(8);
    again.says("to warehouse: held after http_422").remarks(&format!("next: crossdock retry {delivery}"));
    assert_eq!(refusing.line()["answered"], 422);
    let again = product.run(&["retry", &delivery, "--reason", "it might", "--json"]).ends(8).json();
    assert_eq!(
        (again["schema"].as_str(), again["rows"][0]["result"].as_str()),
        (Some("crossdock/commands/1"), Some("done"))
    );
    assert_eq!(again["rows"][0]["outcome"]["cause"], "http_422");
    let taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    product.run(&["apply", "--reason", "the new warehouse", "-y"]).ends(0);
    let ordered = product.run(&["retry", &delivery, "--reason", "mended", "--no-wait", "--json"]).ends(0).json();
    assert_eq!(ordered["rows"][0]["outcome"], serde_json::Value::Null);
    product.await_state("S00042", "done");
    product.run(&["retry", &delivery, "--reason", "x", "--wait", "--no-wait"]).ends(2);
    let nobody = "00000000-0000-7000-8000-000000000001";
    for verb in ["retry", "cancel", "hold"] {
        product.run(&[verb, nobody, "--reason", "x"]).ends(5).says(&format!("unknown\t{nobody}\tthere is no such delivery"));
    }
    product.run(&["retry", &delivery, nobody, "--reason", "x"]).ends(6);
}

#[test]
fn everything_of_a_cause_is_retried_at_its_pace() {
    let (folder, _refusing, product) = with_refusing_warehouse();
    for number in ["A1", "A2", "A3"] {
        let body =
            format!(r#"{{"type":"order.created","data":{{"number":"{number}","lines":[{{"sku":"X","quantity":1}}]}}}}"#);
        product.run_with(&["send", "shop"], &body).ends(0);
        product.await_state(number, "with_a_person");
    }
    let cause = "orders-to-warehouse/warehouse/http_422";
    product.run(&["retry", "--cause", "a/b/c", "--reason", "x"]).ends(5).remarks(cause);
    // It refuses them again: the replay ends, and it was not done.
    product.run(&["retry", "--cause", cause, "--reason", "once more", "--wait"]).ends(8);
    let taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    product.run(&["apply", "--reason", "the new warehouse", "-y"]).ends(0);
    product
        .run(&["retry", "--cause", cause, "--canary", "1", "--rate", "50/s", "--reason", "mended", "--wait"])
        .ends(0)
        .says("3 of 3 members");
    for number in ["A1", "A2", "A3"] {
        product.await_state(number, "done");
    }
    product.run(&["replay", "ls"]).ends(0).says("once more").says("mended");
}

#[test]
fn a_broken_order_is_kept_corrected_and_sent_again() {
    let folder = sample(None);
    let mut taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    let product = Product::up(folder.path());
    let broken = r#"{"type":"order.created","data":{"number":"S7","lines":[]}}"#;
    product.run_with(&["send", "shop"], broken).ends(0).says("quarantined");
    product.await_state("S7", "quarantined");
    let kept = product.run(&["quarantine", "ls", "-o", "json"]).ends(0).json();
    let event = kept["rows"][0]["event"].as_str().unwrap().to_owned();
    product.run(&["quarantine", "show", &event]).ends(0).says("H0704").says("at /data/lines").says(broken);
    let whole = broken.replace("[]", r#"[{"sku":"X","quantity":4}]"#);
    product.run_with(&["quarantine", "correct", &event, "--reason", "lines were lost"], broken).ends(3).remarks("H0704");
    product.run_with(&["quarantine", "resubmit", &event, "--reason", "lines were lost"], &whole).ends(0).says("corrected");
    product.await_state("S7", "done");
    assert_eq!(taking.line()["body"]["lines"][0]["pieces"], 4);
    product.run(&["quarantine", "close", &event, "--reason", "too late"]).ends(6);

    product.run(&["replay", "--reason", "everything"]).ends(2).remarks("--identifier");
    let preview = product.run(&["replay", "--identifier", "S7", "-n", "-o", "json"]).ends(0).json();
    assert_eq!(preview["send"], 1);
    let nothing = "nothing was sent: this was a dry run";
    product.run(&["replay", "--identifier", "S7", "-n"]).ends(0).says("1 of 2 would be sent").remarks(nothing);
    product.run(&["replay", "--identifier", "S8", "-n"]).ends(0).says("0 of 0 would be sent").remarks(nothing);
    product.run(&["replay", "--identifier", "S8", "--reason", "they lost it", "-y"]).ends(6).remarks("nothing to send");
    product.run(&["replay", "--identifier", "S7", "--reason", "they lost it", "-y", "--wait"]).ends(0).says("1 done");
    assert_eq!(taking.line()["body"]["order"], "S7");
    product.run(&["events", "ls", "--type", "order.*"]).ends(0).says("resubmitted").says("quarantined");
    let bytes = product.run(&["events", "show", &event, "--body"]).ends(0);
    assert_eq!(bytes.out, broken, "the bytes are kept as they came");
}

#[test]
fn what_the_shop_mended_itself_is_taken_with_one_command() {
    let folder = sample(None);
    let mut taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    let product = Product::up(folder.path());
    let broken = r#"{"type":"order.created","data":{"number":"S7","lines":[]}}"#;
    let send = ["send", "shop", "-H", "webhook-id: order-s7"];
    product.run_with(&send, broken).ends(0).says("quarantined");
    product.await_state("S7", "quarantined");
    let event = product.run(&["quarantine", "ls", "-o", "json"]).ends(0).json()["rows"][0]["event"].clone();
    let event = event.as_str().unwrap();
    let take = ["quarantine", "correct", event, "--reason", "the shop mended it", "--later"];
    product.run(&take).ends(6).remarks("nothing came under the key");
    let still = broken.replace("S7", "S7b");
    let whole = broken.replace("[]", r#"[{"sku":"X","quantity":4}]"#);
    for body in [&still, &whole] {
        product.run_with(&send, body).ends(6).remarks("409 key-reused").remarks("has this body beside it");
    }
    product.run(&["quarantine", "ls"]).ends(0).says("(another body came later)");
    let shown = product.run(&["quarantine", "show", event]).ends(0).says(broken).says(&whole);
    let shown = shown.says("the last of 2 other bodies later").says("it broke no rule").remarks("--later=");
    let json = product.run(&["quarantine", "show", event, "-o", "json"]).ends(0).json();
    assert_eq!(json["later_body"], whole);
    let digest = json["later"]["digest"].as_str().unwrap();
    assert!(shown.err.contains(digest), "{shown:?}");
    product.run(&["quarantine", "correct", event, "--later", "--file", "x", "--reason", "x"]).ends(2);
    for verb in ["release", "close"] {
        let decide = ["quarantine", verb, event, "--reason", "x"];
        product.run(&decide).ends(6).remarks("2 other bodies came under its key later").remarks(digest);
        product.run(&[&decide[..], &["--seen", "1"]].concat()).ends(6).remarks("version 3 now");
    }
    assert!(shown.err.contains("--seen 3"), "{shown:?}");
    let other = format!("--later={}", "0".repeat(64));
    product.run(&["quarantine", "correct", event, "--reason", "x", &other]).ends(1).remarks("another body came since");
    let seen = format!("--later={digest}");
    product.run(&["quarantine", "correct", event, "--reason", "the shop mended it", &seen]).ends(0).says("corrected");
    product.await_state("S7", "done");
    assert_eq!(taking.line()["body"]["lines"][0]["pieces"], 4);
}

#[test]
fn a_pause_keeps_what_is_accepted_waiting() {
    let folder = sample(None);
    let taking = Going::listener(folder.path(), "200");
    move_warehouse(folder.path(), &taking.url);
    let product = Product::up(folder.path());
    product.run(&["pause", "warehouse", "--reason", "stock taking"]).ends(0).says("paused");
    product.run(&["send", "shop", "--file", "tests/orders/1.json"]).ends(0);
    product.await_state("S00042", "moving");
    let why = "destination/warehouse is paused by admin for ";
    product.run(&["doctor"]).ends(3).says("crossdock resume destination/warehouse").says(why);
    let status = product
        .run(&["status"])
        .ends(0)
        .says("healthy: ")
        .says(why)
        .says("(stock taking): 1 delivery waits, the oldest for ");
    assert!(status.err.contains("next: crossdock resume destination/warehouse"), "{}", status.err);
    product.run(&["deliveries", "ls"]).ends(0).says(why);
    product.run(&["pause", "source/shop", "--reason", "stock taking"]).ends(0);
    product.run(&["status"]).ends(0).says("source/shop is paused by admin for ").says("its senders are answered 503");
    product.run(&["pause", "nothing", "--reason", "x"]).ends(5);
    product.run(&["resume", "warehouse", "--reason", "counted"]).ends(0);
    product.await_state("S00042", "done");
}

#[test]
fn who_lost_the_last_token_makes_another_in_the_data_folder() {
    let folder = sample(None);
    let make = ["token", "make", "admin-2", "--scope", "admin", "--reason", "the first was lost", "--data", ".crossdock"];
    run(folder.path(), &make).ends(5).remarks("no data folder");
    let mut product = Product::up(folder.path());
    run(folder.path(), &make).ends(1).remarks("open in another process").remarks("stop the product first");
    assert_eq!(product.going.terminate(), Some(0));
    let made = run(folder.path(), &make).ends(0);
    let product = Product::up(folder.path());
    assert_eq!(product.token, "", "the first token is made once");
    let audit = product.run_as(made.out.trim(), &["audit", "--subject", "admin-2", "-o", "json"]).ends(0).json();
    let row = &audit["rows"][0];
    assert_eq!(row["by"], "data-folder");
    let why = row["why"].as_str().unwrap();
    assert!(why.starts_with("the first was lost (admin until 2"), "{why}");
    product.run_as(made.out.trim(), &["token", "make", "two\nlines", "--scope", "read", "--reason", "x"]).ends(6);
    product.run_as(made.out.trim(), &["token", "make", "reader", "--scope", "read"]).ends(2).remarks("a reason is needed");
}
