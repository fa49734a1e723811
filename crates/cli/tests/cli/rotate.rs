//! Keys of a simulated Odoo that are rotated: by the command, in both versions and both ways, from wherever a crash left it; and by
//! the product itself.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::product::{Going, Product, Ran, run, run_with};

/// The way and what the file says of it.
const WAYS: [(&str, &str); 2] =
    [("addon", "  rotate: addon\n"), ("password", "  rotate: password\n  password: erp/password\n")];

/// A user that may be captured by, whose key ends in so many days; the password is its login.
fn odoo(folder: &Path, version: &str, days: &str) -> Going {
    let groups = "Sales/User: All Documents,Invoicing/Billing,Crossdock: read the outbox";
    Going::odoo(folder, &["--version", version, "--groups", groups, "--key-days", days])
}

/// A project that captures it as `erp` and says how keys are made.
fn project(folder: &Path, odoo: &Going, way: &str) {
    let key = odoo.told("key");
    let known =
        ["add", "odoo", &odoo.url, "--db", "odoo", "--login", "crossdock", "--key-env", "KEY", "--name", "erp", "--yes"];
    let args = [&known[..], &["--events", "sales", "--store-key", "--without-test"]].concat();
    run_with(folder, &args, &[("KEY", key)]).ends(0);
    let path = folder.join("systems/erp.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("sources:\n", &format!("{way}sources:\n"))).unwrap();
    std::fs::write(folder.join(".crossdock/secrets/erp/password"), "crossdock").unwrap();
    run(folder, &["check"]).ends(0);
    run(folder, &["fmt", "--check"]).ends(0);
}

fn beside(folder: &Path, what: &str) -> PathBuf {
    folder.join(".crossdock/secrets/erp").join(what)
}

fn key(folder: &Path) -> String {
    std::fs::read_to_string(beside(folder, "key")).unwrap()
}

fn rotate(folder: &Path) -> Ran {
    run(folder, &["rotate", "odoo", "erp", "--yes"])
}

/// Leaves a rotation as it was after a step.
fn leave(folder: &Path, step: &str, name: &str) {
    let state = json!({ "step": step, "name": name, "old": null });
    std::fs::write(beside(folder, ".key.rotation"), state.to_string()).unwrap();
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_which_is_then_ended() {
    for (version, (way, says)) in ["18", "19"].into_iter().flat_map(|version| WAYS.map(|way| (version, way))) {
        let folder = tempfile::tempdir().unwrap();
        let odoo = odoo(folder.path(), version, "10");
        project(folder.path(), &odoo, says);
        let old = key(folder.path());
        run(folder.path(), &["rotate", "odoo", "erp", "--dry-run"]).ends(0).says("erp/key works; ends at 20").says(way);
        assert_eq!(key(folder.path()), old);
        let ran = rotate(folder.path()).ends(0).says("✓ erp/key has a new key, \"Crossdock erp 20");
        let new = key(folder.path());
        assert!(new != old && !ran.out.contains(&new) && !ran.out.contains(&old), "{version} {way}: {}", ran.out);
        run(folder.path(), &["doctor"]).says("the key erp/key works");
        let with_old = run_with(folder.path(), &["doctor"], &[("CROSSDOCK_SECRET_ERP_KEY", &old)]);
        match way {
            "addon" => drop(ran.says("the old one, \"crossdock\", ends by itself on 20")),
            _ => drop((ran.says("the old one, \"crossdock\", is ended"), with_old.says("[H1008]"))),
        }
        assert!(!beside(folder.path(), ".key.before").exists() && !beside(folder.path(), ".key.new").exists());
        // The next one knows which key is in use, although there are two of them.
        rotate(folder.path()).ends(0).says("the old one, \"Crossdock erp 20");
    }
}

#[test]
fn a_rotation_goes_on_from_wherever_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = odoo(folder.path(), "19", "10");
    project(folder.path(), &odoo, WAYS[0].1);
    let old = key(folder.path());
    rotate(folder.path()).ends(0);
    let new = key(folder.path());
    for (step, waits) in [("asked", true), ("made", true), ("made", false)] {
        std::fs::write(beside(folder.path(), "key"), if waits { &old } else { &new }).unwrap();
        if waits {
            std::fs::write(beside(folder.path(), ".key.new"), &new).unwrap();
        }
        leave(folder.path(), step, "Crossdock erp");
        let looked = run(folder.path(), &["rotate", "odoo", "erp", "--dry-run", "--json"]).ends(0).json();
        assert_eq!(looked["unfinished"], true);
        rotate(folder.path()).ends(0);
        assert_eq!(key(folder.path()), new, "{step}");
    }
    // A key that was made and not kept is lost, and another one is made.
    leave(folder.path(), "asked", "Crossdock erp lost");
    rotate(folder.path()).ends(0);
    assert!(![&old, &new].contains(&&key(folder.path())));
}

#[test]
fn a_new_key_that_does_not_work_takes_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = odoo(folder.path(), "18", "10");
    project(folder.path(), &odoo, WAYS[1].1);
    let old = key(folder.path());
    std::fs::write(beside(folder.path(), ".key.new"), "0".repeat(40)).unwrap();
    leave(folder.path(), "asked", "Crossdock erp");
    rotate(folder.path()).ends(7).remarks("H1008").remarks("the one before is in use");
    assert_eq!(key(folder.path()), old);
    // The same found later: what was in use comes back.
    std::fs::write(beside(folder.path(), "key"), "0".repeat(40)).unwrap();
    std::fs::write(beside(folder.path(), ".key.before"), &old).unwrap();
    leave(folder.path(), "made", "Crossdock erp");
    rotate(folder.path()).ends(7);
    assert_eq!(key(folder.path()), old);
    rotate(folder.path()).ends(0);
    assert_ne!(key(folder.path()), old);
}

#[test]
fn a_password_makes_a_key_when_the_one_in_use_has_ended() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = odoo(folder.path(), version, "10");
        project(folder.path(), &odoo, WAYS[1].1);
        std::fs::write(beside(folder.path(), "key"), "f".repeat(40)).unwrap();
        rotate(folder.path()).ends(0).says("✓ erp/key has a new key");
        run(folder.path(), &["doctor"]).says("the key erp/key works");
    }
}

#[test]
fn without_the_addon_or_its_group_nothing_is_made_and_the_repair_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let going = Going::odoo(folder.path(), &["--version", "18", "--groups", "Sales/User: All Documents", "--no-addon"]);
    project(folder.path(), &going, WAYS[0].1);
    let old = key(folder.path());
    rotate(folder.path()).ends(3).remarks("H1011").remarks("cargo xtask addon");
    drop(going);
    let going = Going::odoo(folder.path(), &["--version", "19", "--groups", "Sales/User: All Documents"]);
    let other = tempfile::tempdir().unwrap();
    project(other.path(), &going, WAYS[0].1);
    rotate(other.path()).ends(3).remarks("H1010").remarks("Crossdock: read the outbox");
    assert_eq!(key(folder.path()), old);
    assert!(!beside(other.path(), ".key.rotation").exists());
}

#[test]
fn the_product_rotates_by_itself_what_ends_within_two_weeks() {
    for (version, (way, says)) in ["18", "19"].into_iter().zip(WAYS) {
        let folder = tempfile::tempdir().unwrap();
        let odoo = odoo(folder.path(), version, "10");
        project(folder.path(), &odoo, says);
        let old = key(folder.path());
        let product = Product::up(folder.path());
        let told = product.await_out(&["status"], "erp/key has a new key");
        let new = key(folder.path());
        assert_ne!(new, old, "{version} {way}");
        let audit = product.await_out(&["audit"], "odoo.key.rotate");
        let log = std::fs::read_to_string(folder.path().join("up.err")).unwrap();
        for (text, what) in [(&told, "status"), (&audit, "audit"), (&log, "log")] {
            assert!(!text.contains(&new) && !text.contains(&old), "{what}: {text}");
        }
        product.run(&["doctor"]).says("the key erp/key works").says("has a new key");
    }
}

#[test]
fn what_keeps_the_product_from_rotating_is_a_concern_with_its_repair() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = odoo(folder.path(), "19", "10");
    project(folder.path(), &odoo, WAYS[1].1);
    std::fs::write(beside(folder.path(), "password"), "a wrong one").unwrap();
    let old = key(folder.path());
    let product = Product::up(folder.path());
    let told = product.await_out(&["status"], "the key is not rotated");
    assert!(told.contains("does not accept the password") && told.contains("correct `login`"), "{told}");
    assert!(!told.contains("a wrong one"), "{told}");
    assert_eq!(key(folder.path()), old);
}
