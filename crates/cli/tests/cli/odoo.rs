//! `crossdock add odoo` and what `crossdock doctor` says of it, against simulated Odoos of both versions.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::capture::call_on;
use crate::product::{Going, Ran, run, run_with};

/// Groups of a user for every day.
const PLAIN: [&str; 2] = ["--groups", "Sales/User: All Documents,Inventory/User"];

/// Connects an Odoo as `erp`.
fn add(folder: &Path, odoo: &Going, flags: &[&str]) -> Ran {
    let (login, key) = (odoo.told("login"), odoo.told("key"));
    let known = ["add", "odoo", &odoo.url, "--db", "odoo", "--login", login, "--key-env", "KEY", "--name", "erp"];
    run_with(folder, &[&known[..], flags].concat(), &[("KEY", key), ("CROSSDOCK_LISTEN", "127.0.0.1:0")])
}

fn files(folder: &Path) -> Vec<String> {
    let found = server::project::read(folder).files;
    found.into_iter().map(|file| file.path).collect()
}

#[test]
fn an_odoo_is_connected_and_doctor_finds_it_in_order() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version]);
        let flags = ["--reachable-at", "https://hooks.example.com", "--store-key", "--yes", "--events", "sales,stock"];
        let ran = add(folder.path(), &odoo, &[&flags[..], &["--without-test"]].concat())
            .ends(0)
            .says("✓ wrote 5 files")
            .says("✓ rule \"Crossdock erp: stock.quant deleted\" made (id 6)")
            .says("stock.quant\t✓\t✓\t✓");
        assert!(!ran.out.contains(odoo.told("key")) && !ran.err.contains(odoo.told("key")), "{}", ran.out);
        let expected = [
            "contracts/odoo.sale.order/1.0.0.yaml",
            "contracts/odoo.stock.move/1.0.0.yaml",
            "contracts/odoo.stock.quant/1.0.0.yaml",
            "systems/erp.yaml",
        ];
        assert_eq!(files(folder.path()), expected);
        for secret in ["key", "nudge"] {
            let file = folder.path().join(".crossdock/secrets/erp").join(secret);
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
            let value = std::fs::read_to_string(file).unwrap();
            assert!(!ran.out.contains(&value), "{secret} is shown");
        }
        run(folder.path(), &["check"]).ends(0).remarks("no mistakes");
        run(folder.path(), &["fmt", "--check"]).ends(0);
        let doctor = run(folder.path(), &["doctor", "--json"]).json();
        assert_eq!(standings(&doctor), ["good"; 4], "{doctor}");
    }
}

/// How the lines about Odoo stand.
fn standings(doctor: &Value) -> Vec<&str> {
    let checks = doctor["checks"].as_array().unwrap().iter().filter(|it| it["what"] == "odoo");
    checks.map(|it| it["standing"].as_str().unwrap()).collect()
}

#[test]
fn a_dry_run_makes_nothing_here_and_nothing_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut odoo = Going::odoo(folder.path(), &["--version", "19"]);
    let flags = ["--reachable-at", "https://hooks.example.com", "--store-key", "--dry-run"];
    add(folder.path(), &odoo, &flags)
        .ends(0)
        .says("would make in Odoo 8 automation rules")
        .says("\"Crossdock erp: sale.order deleted\": model sale.order, trigger on_unlink; action webhook to")
        .says("action webhook to https://hooks.example.com/in/erp/‹secret›")
        .says("  |   database: odoo");
    assert_eq!(files(folder.path()), Vec::<String>::new());
    assert!(!folder.path().join(".crossdock").exists());
    odoo.terminate();
    let said = std::fs::read_to_string(folder.path().join("odoo.err")).unwrap();
    assert!(said.contains(" 0 changes;"), "{said}");
}

#[test]
fn nothing_is_made_where_nobody_says_that_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19"]);
    add(folder.path(), &odoo, &[]).ends(2).remarks("say -y if it is meant");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_second_time_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19"]);
    add(folder.path(), &odoo, &["--yes", "--events", "sales"]).ends(0);
    let before = std::fs::read_to_string(folder.path().join("systems/erp.yaml")).unwrap();
    let ran = add(folder.path(), &odoo, &["--yes"]).ends(0);
    assert!(ran.out.contains("would write 0 files"), "{}", ran.out);
    let other = ["add", "odoo", &odoo.url, "--db", "other", "--key-env", "KEY", "--name", "erp", "--yes"];
    run_with(folder.path(), &other, &[("KEY", odoo.told("key"))]).ends(6).remarks("has a system erp already, another one");
    assert_eq!(std::fs::read_to_string(folder.path().join("systems/erp.yaml")).unwrap(), before);
    let contract = folder.path().join("contracts/odoo.sale.order/1.0.0.yaml");
    std::fs::write(&contract, "summary: ours\nschema: { type: object }\n").unwrap();
    std::fs::remove_file(folder.path().join("systems/erp.yaml")).unwrap();
    add(folder.path(), &odoo, &["--yes", "--events", "sales"]).ends(6).remarks("contracts/odoo.sale.order/1.0.0.yaml");
}

#[test]
fn a_second_time_has_webhooks_ring_at_the_address_of_now() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version]);
        let at = |address: &str| {
            let flags = ["--reachable-at", address, "--store-key", "--yes", "--events", "sales", "--without-test"];
            add(folder.path(), &odoo, &flags).ends(0)
        };
        at("https://hooks.example.com").says("✓ rule \"Crossdock erp: sale.order\" made");
        call_on(&odoo, "base.automation", "write", &json!([[1], { "active": false }]));
        at("https://moved.example.com")
            .says("✓ rule \"Crossdock erp: sale.order\" was there, and rings at this address now");
        let hooks =
            call_on(&odoo, "ir.actions.server", "search_read", &json!([[["state", "=", "webhook"]], ["webhook_url"]]));
        let urls: Vec<&str> = hooks.as_array().unwrap().iter().map(|it| it["webhook_url"].as_str().unwrap()).collect();
        assert_eq!(urls.len(), 2);
        assert!(urls.iter().all(|url| url.starts_with("https://moved.example.com/in/erp/")), "{urls:?}");
        let rules = call_on(&odoo, "base.automation", "read", &json!([[1], ["active"]]));
        assert_eq!(rules[0]["active"], true);
        at("https://moved.example.com").says("was there, and stays as it is");
    }
}

#[test]
fn what_the_user_may_not_read_is_left_out_and_an_administrator_is_shown_the_clicks() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &[&["--version", "18"], &PLAIN[..]].concat());
    let flags = ["--yes", "--events", "sales,manufacturing", "--reachable-at", "https://hooks.example.com"];
    add(folder.path(), &odoo, &flags)
        .ends(8)
        .says("mrp.production\t✖\t✖\t✖")
        .says("Manufacturing/User")
        .says("webhooks need an administrator")
        .says("Model sale.order, Trigger On create and edit")
        .says("Model sale.order, Trigger On deletion")
        .says("nothing is there to be read");
    assert_eq!(files(folder.path()), ["contracts/odoo.sale.order/1.0.0.yaml", "systems/erp.yaml"]);
    let nothing = tempfile::tempdir().unwrap();
    add(nothing.path(), &odoo, &["--yes", "--events", "manufacturing"]).ends(3).says("nothing is made");
    assert_eq!(files(nothing.path()), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_at_a_terminal_is_asked_and_the_key_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19"]);
    let add = format!("{} add odoo {} --db odoo --name erp", env!("CARGO_BIN_EXE_crossdock"), odoo.url);
    // What it runs has a terminal of its own, and ends with it.
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &add, "/dev/null"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let mut seen = String::new();
    for (question, answer) in
        [("(not shown):", odoo.told("key")), ("[sales,deliveries,stock]", "sales, invoices"), ("[y/N]", "y")]
    {
        let mut byte = [0];
        while !seen.contains(question) && output.read(&mut byte).unwrap() == 1 {
            seen.push(char::from(byte[0]));
        }
        writeln!(input, "{answer}").unwrap();
    }
    drop(output.read_to_string(&mut seen));
    assert!(terminal.wait().unwrap().success(), "{seen}");
    assert!(!seen.contains(odoo.told("key")), "{seen}");
    let expected = ["contracts/odoo.account.move/1.0.0.yaml", "contracts/odoo.sale.order/1.0.0.yaml", "systems/erp.yaml"];
    assert_eq!(files(folder.path()), expected, "{seen}");
}

#[test]
fn programs_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19"]);
    let flags = ["--json", "--yes", "--events", "deliveries", "--reachable-at", "https://hooks.example.com/crossdock/"];
    let told = add(folder.path(), &odoo, &[&flags[..], &["--without-test"]].concat()).ends(0).json();
    assert_eq!(told["schema"], "crossdock/add-odoo/1");
    assert_eq!((&told["wire"], &told["version"]), (&Value::from("JSON-2"), &Value::from("19.0")));
    assert_eq!(told["rights"][0]["read"], "granted");
    assert_eq!(told["would_make"]["rules"][0]["url"], "https://hooks.example.com/crossdock/in/erp/‹secret›");
    assert_eq!((&told["made"]["rules"][0]["new"], &told["made"]["failed"]), (&Value::from(true), &Value::Null));
    let error = add(folder.path(), &odoo, &["--json"]).ends(2).json();
    assert_eq!(error["schema"], "crossdock/error/1");
}

#[test]
fn flows_come_when_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19"]);
    add(folder.path(), &odoo, &["--yes", "--events", "sales,deliveries", "--flows"]).ends(0);
    run(folder.path(), &["check"]).ends(0).remarks("no mistakes");
    let files = files(folder.path());
    assert!(files.contains(&"flows/odoo-orders-confirmed.yaml".to_owned()), "{files:?}");
    assert!(!files.iter().any(|path| path.contains("command")), "nothing is written to Odoo: {files:?}");
}

#[test]
fn the_new_key_works_beside_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19", "--key-days", "60"]);
    add(folder.path(), &odoo, &["--yes", "--events", "sales", "--store-key"]).ends(0);
    let path = folder.path().join("systems/erp.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("keys: [erp/key]", "keys: [erp/key-2, erp/key]")).unwrap();
    let doctor = |key: &str| run_with(folder.path(), &["doctor"], &[("CROSSDOCK_SECRET_ERP_KEY_2", key)]);
    doctor("0123456789012345678901234567890123456789")
        .says("does not accept the login or its key; with the key erp/key-2")
        .says("the key erp/key works")
        .says("[H1008]");
    doctor(odoo.told("key")).says("the key erp/key-2 works").says("the key erp/key works");
}
