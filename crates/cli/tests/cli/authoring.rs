//! Verbs that need no product: init, check, fmt, test, explain, help, and what they end with.

use std::path::{Path, PathBuf};

use crate::product::{run, sample};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/check").join(name)
}

#[test]
fn ten_mistakes_are_found_in_one_run_in_every_form() {
    let folder = corpus("ten-mistakes");
    let text = run(&folder, &["check"]).ends(3).remarks("10 errors");
    let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let blocks: Vec<&str> = expected.split("\n\n").filter(|block| block.starts_with("error[")).collect();
    assert_eq!(blocks.len(), 10);
    for block in blocks {
        assert!(text.out.contains(block), "{block}\nis not in\n{}", text.out);
    }
    let json = run(&folder, &["check", "-o", "json"]).ends(3).json();
    assert_eq!((json["schema"].as_str(), json["errors"].as_u64()), (Some("crossdock/check/1"), Some(10)));
    let sarif = run(&folder, &["check", "--format", "sarif"]).ends(3).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(10));
    let github = run(&folder, &["check", "--format", "github"]).ends(3);
    assert_eq!(github.out.lines().filter(|line| line.starts_with("::error ")).count(), 10);
}

/// What the corpus expects of the day that its own test names, `check` shows of today: among it a permission that has ended.
#[test]
fn warnings_of_the_corpus_are_shown_by_the_verb_too() {
    let folder = corpus("warnings");
    let text = run(&folder, &["check"]).ends(0).remarks("7 warnings");
    let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let blocks: Vec<&str> = expected.split("\n\n").filter(|block| block.starts_with("warning[")).collect();
    assert_eq!(blocks.len(), 7);
    for block in blocks {
        assert!(text.out.contains(block), "{block}\nis not in\n{}", text.out);
    }
}

#[test]
fn what_init_writes_passes_check_fmt_and_test() {
    let folder = sample(None);
    run(folder.path(), &["check"]).ends(0);
    run(folder.path(), &["fmt", "--check"]).ends(0);
    run(folder.path(), &["test"]).ends(0).says("2 passed");
    let report = run(folder.path(), &["test", "-o", "json"]).ends(0).json();
    assert_eq!((report["passed"].as_u64(), report["failed"].as_u64()), (Some(2), Some(0)));
    run(folder.path(), &["init"]).ends(6).remarks("has a project already");
}

#[test]
fn every_pack_begins_a_project_that_passes_check_and_test() {
    for pack in ["shopify", "woocommerce", "easypost", "ups", "shopify,woocommerce,easypost,ups"] {
        let folder = tempfile::tempdir().unwrap();
        let begun = run(folder.path(), &["init", "--pack", pack]).ends(0).says("systems/canonical.yaml");
        assert!(begun.out.contains(".crossdock/secrets/canonical/signing"), "{}", begun.out);
        run(folder.path(), &["check"]).ends(0).remarks("no mistakes");
        run(folder.path(), &["fmt", "--check"]).ends(0);
        let tests = run(folder.path(), &["test", "-o", "json"]).ends(0).json();
        assert_eq!(tests["passed"].as_u64(), Some(pack.split(',').count() as u64), "{pack}");
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init", "--pack", "magento"]).ends(2).remarks("shopify, woocommerce, easypost, ups");
}

#[test]
fn a_test_that_fails_shows_where_and_what() {
    let folder = sample(None);
    let path = folder.path().join("tests/order.yaml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("pieces: 2", "pieces: 3")
        .replace("type: order.created", "type: order.made");
    std::fs::write(&path, text).unwrap();
    run(folder.path(), &["test"])
        .ends(3)
        .says("FAIL  order")
        .says("tests/order.yaml:9:9: type")
        .says("at .lines[0].pieces: 3 expected, 2 seen")
        .says("-      \"pieces\": 3")
        .says("1 of 2 failed");
    let report = run(folder.path(), &["test", "-o", "json", "--only", "order"]).ends(3).json();
    let failed = report["tests"].as_array().unwrap().iter().find(|test| test["name"] == "order").unwrap();
    assert_eq!(failed["differences"][0]["line"], 9);
    assert_eq!(failed["differences"][1]["paths"][0], ".lines[0].pieces: 3 expected, 2 seen");
    let none = run(folder.path(), &["test", "--only", "nosuch"]).ends(5).remarks("no test's name holds \"nosuch\"");
    none.remarks("there are: order-without-lines, order");
}

/// One test for each kind of proof; the test of the last sends a wrong one itself.
#[test]
fn a_test_is_signed_as_its_source_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let verify = [
        ("shopify", "preset: shopify, secrets: [a/a]"),
        ("stripe", "preset: stripe, secrets: [a/b]"),
        ("webhooks", "preset: standard-webhooks, secrets: [a/c]"),
        (
            "hmac",
            "hmac: { algorithm: sha512, header: x-sig, encoding: hex, signed: \"{id}.{timestamp}.{path}.{body}\", timestamp: { header: x-at, format: millis }, id: { header: x-id }, tolerance: 5m }, secrets: [a/d]",
        ),
        ("ed25519", "hmac: { algorithm: ed25519, header: x-sig, encoding: base64, signed: \"{body}\" }, secrets: [a/e]"),
        ("path", "shared_secret: { in: path }, secrets: [a/f]"),
        ("header", "shared_secret: { header: x-key }, secrets: [a/g]"),
        ("basic", "basic: { user: edi }, secrets: [a/h]"),
        ("unsigned", "unsigned: { owner: team, until: 2030-01-31, why: it cannot }"),
    ];
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let given = |source: &str, headers: &str| {
        format!(
            "given:\n  source: {source}\n  headers: {{ x-shopify-topic: a.b, {headers} }}\n  body: {{ type: a.b, id: \"1\" }}\n"
        )
    };
    let mut system = "owner: team\nsources:\n".to_owned();
    for (name, how) in verify {
        let source = format!(
            "  {name}:\n    verify: {{ {how} }}\n    type: {{ path: .type }}\n    key: {{ path: .id }}\n    allow_from: [10.0.0.0/8]\n"
        );
        system.push_str(&source);
        write(
            &format!("tests/{name}.yaml"),
            &(given(name, "x-a: b") + "expect: { verdict: admitted, type: a.b, deliveries: [] }\n"),
        );
    }
    write("systems/all.yaml", &system);
    write("tests/wrong.yaml", &(given("header", "x-key: wrong") + "expect: { verdict: refused, problem: bad-signature }\n"));
    run(folder.path(), &["test"]).ends(0).says("10 passed");
}

#[test]
fn codes_fields_and_names_are_explained() {
    let folder = sample(None);
    run(folder.path(), &["explain", "H0507"]).ends(0).says("owner");
    run(folder.path(), &["explain", "key-reused"]).ends(0).says("409").says("help: ");
    run(folder.path(), &["explain", "flow.deliver.retry"]).ends(0).says("critical");
    run(folder.path(), &["explain", "orders-to-warehouse"]).ends(0).says("flow orders-to-warehouse, for team-warehouse");
    run(folder.path(), &["explain", "nothing-of-this"]).ends(5);
    run(folder.path(), &["explain", "H9999"]).ends(5);
    std::fs::write(folder.path().join("flows/broken.yaml"), "to: [").unwrap();
    run(folder.path(), &["explain", "orders-to-warehouse"]).ends(0).says("flow orders-to-warehouse, for team-warehouse");
    run(folder.path(), &["explain", "nothing-of-this"]).ends(5).remarks("it has mistakes").remarks("crossdock check");
}

#[test]
fn wrong_usage_is_told_in_the_form_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["statsu"]).ends(2).remarks("did you mean `status`?");
    run(folder.path(), &["frobnicate"]).ends(2).remarks("`crossdock help` lists the verbs");
    run(folder.path(), &["retry", "abc", "--reason", "x"]).ends(2).remarks("an id looks like");
    for list in [["deliveries", "ls"], ["events", "ls"], ["quarantine", "ls"], ["replay", "ls"]] {
        run(folder.path(), &[list[0], list[1], "--limit", "0"]).ends(2).remarks("at least one row");
    }
    run(folder.path(), &["audit", "--limit", "0"]).ends(2).remarks("at least one row");
    run(folder.path(), &["trace", ""]).ends(2).remarks("REFERENCE");
    run(folder.path(), &["doctor", "nowhere"]).ends(5).remarks("nowhere is no project folder");
    let json = run(folder.path(), &["statsu", "-o", "json"]).ends(2).json();
    assert_eq!((json["code"].as_str(), json["exit"].as_u64()), (Some("usage"), Some(2)));
    run(folder.path(), &["check"]).ends(5).remarks("crossdock init");
    run(folder.path(), &["help", "exit-codes"]).ends(0).says("done in part").says("130  interrupted");
    let codes = run(folder.path(), &["exit-codes", "--json"]).ends(0).json();
    assert_eq!(codes["rows"].as_array().map(Vec::len), Some(10));
    for heading in ["Start:", "Author:", "Operate:", "Try:", "Govern:"] {
        run(folder.path(), &["help"]).ends(0).says(heading);
    }
}

#[test]
fn without_a_product_the_answer_says_so() {
    let folder = sample(None);
    run(folder.path(), &["status"]).ends(7).remarks("nothing answers").remarks("crossdock up");
    let json = run(folder.path(), &["plan", "-o", "json"]).ends(7).json();
    assert_eq!(json["code"], "unreachable");
    run(folder.path(), &["doctor"]).says("nothing answers").says("9 files without a mistake").says("2 have a value");
    run(folder.path(), &["retention", "preview"]).ends(5).remarks("no data folder");
    run(folder.path(), &["version"]).ends(0).says("crossdock ");
}

#[test]
fn doctor_finds_what_is_missing_and_names_the_fix() {
    let folder = sample(None);
    std::fs::remove_file(folder.path().join(".crossdock/secrets/shop/webhook")).unwrap();
    std::fs::write(
        folder.path().join("systems/lab.yaml"),
        "owner: team-lab\nsources:\n  lab:\n    verify: { unsigned: { owner: team-lab, until: 2020-01-31, why: bench } }\n",
    )
    .unwrap();
    let report = run(folder.path(), &["doctor", "-o", "json"]).ends(3).json();
    let checks = report["checks"].as_array().unwrap();
    let fix_of = |what: &str| {
        checks.iter().find(|it| it["what"] == what && it["standing"] == "finding").map(|it| it["fix"].to_string())
    };
    assert!(fix_of("secrets").is_some_and(|fix| fix.contains("CROSSDOCK_SECRET_SHOP_WEBHOOK")), "{report:#}");
    assert!(fix_of("unsigned").is_some() || fix_of("project").is_some(), "{report:#}");
}

#[test]
fn a_file_that_is_no_utf_8_is_told_with_its_place_and_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("systems/wms.yaml");
    std::fs::create_dir(folder.path().join("systems")).unwrap();
    let bytes = b"# Caf\xe9\nowner:    team-warehouse\n\n\n\n";
    std::fs::write(&path, bytes).unwrap();
    run(folder.path(), &["check"]).ends(3).says("error[H0117]").says("systems/wms.yaml:1:6");
    run(folder.path(), &["fmt"]).ends(0).remarks("systems/wms.yaml: left as it is");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_cannot_be_read_hides_no_other_mistake() {
    let folder = sample(None);
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("flows/pipe.yaml")).status().unwrap().success());
    std::fs::write(folder.path().join("flows/odd.yaml"), "odd: 1\n").unwrap();
    let told = run(folder.path(), &["check"]).ends(3).says("error[H0118]").says("flows/pipe.yaml");
    told.says("error[H0201]").says("flows/odd.yaml");
    run(folder.path(), &["fmt"]).ends(0).remarks("left as it is: H0118");
    run(folder.path(), &["diff", ".", "."]).ends(1).remarks("flows/pipe.yaml");
}

#[test]
fn what_is_said_moves_no_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let told = run(folder.path(), &["check", "no\u{1b}[2Jwhere\u{202e}"]).ends(5).remarks(r"no\u{1b}[2Jwhere\u{202e}");
    assert!(!told.err.contains('\u{1b}'), "{}", told.err);
}

#[test]
fn the_catalog_tells_what_a_contract_is_who_answers_for_it_and_who_uses_it() {
    let folder = corpus("governed");
    let rows = run(&folder, &["catalog", "ls", "-o", "json"]).ends(0).json();
    assert_eq!(rows["schema"], "crossdock/catalog/1");
    let names: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["order", "parcel"]);
    assert!(rows["rows"][0].get("schema").is_none(), "a list has no schemas");
    let sales = run(&folder, &["catalog", "ls", "--domain", "sales", "-o", "json"]).ends(0).json();
    assert_eq!(sales["rows"].as_array().map(Vec::len), Some(1));
    let shown = run(&folder, &["catalog", "show", "Customer Order"]).ends(0).out;
    for line in [
        "order@1.0.0",
        "owner           team-erp: erp@example.com, +31 20 555 0100 (nights and holidays), https://chat.example.com/erp",
        "record          . = erp, .buyer.name = erp",
        "mode            near_real_time: pickers start a wave every ten minutes",
        "service         99% within 5m",
        "kept            3650d",
        "sent by         source erp",
        "read by         nobody in this project",
    ] {
        assert!(shown.lines().any(|it| it == line), "{line}\nis not in\n{shown}");
    }
    let whole = run(&folder, &["catalog", "show", "order@1.0.0", "-o", "json"]).ends(0).json();
    assert!(whole["rows"][0]["schema"]["properties"]["number"].is_object());
    run(&folder, &["catalog", "show", "ordr"]).ends(5).remarks("did you mean order?");
}
