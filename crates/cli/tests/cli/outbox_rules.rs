//! `crossdock add odoo --capture outbox` over the addon of a simulated Odoo: the rules that it makes, brings in line and leaves to others,
//! and what comes of them.

use std::path::Path;

use serde_json::json;

use crate::capture::call;
use crate::product::{Going, Product, Ran, run, run_with};

const READER: &str = "Sales/User: All Documents,Invoicing/Billing,Crossdock: read the outbox";
const CONTRACT: &str = "contracts/odoo.sale.order/1.0.0.yaml";

fn add(folder: &Path, odoo: &Going, flags: &[&str]) -> Ran {
    let (login, key) = (odoo.told("login"), odoo.told("key"));
    let known = ["add", "odoo", &odoo.url, "--db", "odoo", "--login", login, "--key-env", "KEY", "--name", "erp"];
    let args = [&known[..], &["--capture", "outbox", "--events", "sales", "--store-key"], flags].concat();
    run_with(folder, &args, &[("KEY", key), ("CROSSDOCK_LISTEN", "127.0.0.1:0")])
}

#[test]
fn the_rules_of_the_outbox_are_shown_made_and_brought_in_line() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &["--version", version, "--records", "5"]);
        add(folder.path(), &odoo, &["--dry-run"])
            .ends(0)
            .says("would make or change in Odoo 2 outbox rules")
            .says("crossdock.rule \"crossdock.sale.order.saved\" is not there: model sale.order, trigger saved")
            .says("capture: { from: outbox }");
        add(folder.path(), &odoo, &["--yes"]).ends(0).says("✓ rule \"crossdock.sale.order.deleted\" made");
        run(folder.path(), &["check"]).ends(0);
        run(folder.path(), &["doctor"]).says("erp: its outbox writes what the contracts read");

        let path = folder.path().join(CONTRACT);
        let text = std::fs::read_to_string(&path).unwrap();
        let without: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("commitment_date:")).collect();
        assert_ne!(without.len(), text.lines().count());
        std::fs::write(&path, without.join("\n") + "\n").unwrap();
        run(folder.path(), &["check"]).ends(0);
        run(folder.path(), &["doctor"])
            .ends(3)
            .says("\"crossdock.sale.order.saved\" of the outbox reads something else")
            .says("[H1026]");
        let before = std::fs::read_to_string(folder.path().join("systems/erp.yaml")).unwrap();
        add(folder.path(), &odoo, &["--yes"])
            .ends(0)
            .says("is there, and reads something else")
            .says("✓ rule \"crossdock.sale.order.saved\" was there, and reads what the contract says now");
        assert_eq!(std::fs::read_to_string(folder.path().join("systems/erp.yaml")).unwrap(), before);
        run(folder.path(), &["doctor"]).says("erp: its outbox writes what the contracts read");

        let product = Product::up(folder.path());
        let id = call(&odoo, "create", &json!([{ "partner_id": 1, "client_order_ref": "PO-55" }]));
        product.await_state("PO-55", "no_flow");
        call(&odoo, "unlink", &json!([[id]]));
        product.await_event(&id.to_string(), "odoo.sale.order.deleted");
    }
}

#[test]
fn who_may_only_read_the_outbox_is_shown_what_another_has_to_make() {
    let folder = tempfile::tempdir().unwrap();
    let odoo = Going::odoo(folder.path(), &["--version", "19", "--groups", READER]);
    add(folder.path(), &odoo, &["--yes"])
        .ends(0)
        .says("rules of the outbox need the group \"Crossdock: configure the outbox\"")
        .says("specification {");
    run(folder.path(), &["doctor"]).says("only who configures the outbox is told its rules");
}

#[test]
fn without_the_addon_or_its_group_nothing_is_made() {
    for (flags, code) in [(&["--no-addon"][..], "H1020"), (&["--groups", "Sales/User: All Documents"][..], "H1021")] {
        let folder = tempfile::tempdir().unwrap();
        let odoo = Going::odoo(folder.path(), &[&["--version", "18"], flags].concat());
        add(folder.path(), &odoo, &["--yes"]).ends(3).remarks(code);
        assert!(!folder.path().join("systems/erp.yaml").exists());
    }
}
