//! Reconciliation from outside: what a captured Odoo changed without a word is found, counted and recovered; and a database that has
//! lost most of its orders is not believed.

use std::path::Path;

use serde_json::{Value, json};

use crate::capture::{call, call_on};
use crate::product::{Going, Product};

const SYSTEM: &str = "kind: odoo
owner: team-erp
odoo:
  url: URL
  database: DATABASE
  login: LOGIN
  keys: [erp/key]
  allow: [127.0.0.0/8]
sources:
  erp:
    capture: { every: 5s, overlap: 10s }
    events:
      sale.order.changed: { contract: odoo.sale.order@1.0.0 }
      sale.order.deleted: { contract: odoo.sale.order@1.0.0 }
  shop:
    verify: { unsigned: { owner: team-erp, until: 2099-01-31, why: a test } }
";

const CONTRACT: &str = "owner: team-erp
ordering: .id
schema:
  type: object
  required: [model, id, record]
  properties:
    model: { type: string }
    id: { type: integer }
    record:
      type: [object, \"null\"]
      properties:
        partner_id: { type: [object, \"null\"], properties: { display_name: { type: string } } }
";

/// How often a comparison is asked for until orders are old enough to be compared; each takes a second at least.
const LOOKS_MAX: usize = 200;

/// A product that captures an Odoo with so many orders.
fn world(folder: &Path, version: &str, orders: usize) -> (Going, Product) {
    let odoo = Going::odoo(folder, &["--version", version, "--records", &orders.to_string()]);
    let system =
        SYSTEM.replace("URL", &odoo.url).replace("DATABASE", odoo.told("database")).replace("LOGIN", odoo.told("login"));
    for (path, text) in [
        ("systems/erp.yaml", system.as_str()),
        ("contracts/odoo.sale.order/1.0.0.yaml", CONTRACT),
        (".crossdock/secrets/erp/key", odoo.told("key")),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let product = Product::up(folder);
    (odoo, product)
}

/// What a comparison of the last hour came to, and how it ended.
fn reconcile(product: &Product, flags: &[&str]) -> (Value, i32) {
    let ran = product.run(&[&["reconcile", "odoo", "erp", "--window", "1h", "-o", "json"], flags].concat());
    let rows = ran.json();
    assert_eq!(rows["schema"], "crossdock/reconciliations/1", "{rows}");
    (rows["rows"][0].clone(), ran.code)
}

/// Asks until all orders are old enough to be compared, and so old that no sweep looks back to them.
#[track_caller]
fn settled(product: &Product, orders: usize) {
    let mut first = Value::Null;
    for _ in 0..LOOKS_MAX {
        let (row, code) = reconcile(product, &[]);
        let last = &row["last"];
        if last["tally"]["same"] != orders {
            continue;
        }
        assert_eq!((code, &row["completeness"]["percent"]), (0, &json!("100 %")), "{row}");
        let to = last["window"]["to"].clone();
        if !first.is_null() && to != first {
            return;
        }
        first = to;
    }
    panic!("{}", reconcile(product, &[]).0)
}

fn concerns(product: &Product) -> Vec<String> {
    let status = product.run(&["status", "-o", "json"]).json();
    let kinds = status["concerns"].as_array().into_iter().flatten();
    kinds.map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_odoo_changed_without_a_word_is_found_counted_and_recovered() {
    for version in ["18", "19"] {
        let folder = tempfile::tempdir().unwrap();
        let (odoo, product) = world(folder.path(), version, 20);
        settled(&product, 20);
        // Each order shows its customer's name; writing that moves no write date of an order.
        let orders = |customer: i64| call(&odoo, "search", &json!([[["partner_id", "=", customer]]]));
        let (renamed, others) = (orders(7), orders(8));
        call_on(&odoo, "res.partner", "write", &json!([[7], { "name": "ACME Holding" }]));
        call(&odoo, "unlink", &json!([[others[0]]]));

        let (row, code) = reconcile(&product, &["--dry-run"]);
        let tally = &row["last"]["tally"];
        let differing = renamed.as_array().unwrap().len();
        assert_eq!((&tally["differing"], &tally["gone"], &tally["recovered"]), (&json!(differing), &json!(1), &json!(0)));
        assert_eq!((code, differing), (3, 10), "{row}");
        let (row, code) = reconcile(&product, &["--reason", "the auditor asks"]);
        let tally = &row["last"]["tally"];
        assert_eq!((&tally["recovered"], &row["completeness"]["percent"]), (&json!(11), &json!("45.00 %")), "{row}");
        assert_eq!((code, &row["text"]), (3, &json!("10 differ, 1 gone there; 11 recovered as events")));

        let printed = product.run(&["reconcile", "odoo", "--window", "1h"]).ends(0);
        printed.says("sale.order of erp: all 19 are here as they are there").says("\t100 %\t19\t19\t0\t0\t0\t");
        product.run(&["status"]).says("erp was 100 % complete").says("19 of 19 records");
        assert_eq!(product.run(&["events", "ls", "--source", "erp"]).out.lines().count(), 11);
        product.run(&["audit"]).says("reconciliation.order").says("the auditor asks");
    }
}

#[test]
fn a_database_that_lost_most_of_its_orders_is_not_believed_until_a_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (odoo, product) = world(folder.path(), "18", 120);
    settled(&product, 120);
    let orders = call(&odoo, "search", &json!([[["id", "<=", 110]]]));
    call(&odoo, "unlink", &json!([orders]));
    let (row, code) = reconcile(&product, &[]);
    assert_eq!((code, &row["last"]["tally"]["withheld"], &row["brake"]["known"]), (3, &json!(110), &json!(120)), "{row}");
    assert_eq!(concerns(&product), ["withheld"]);
    product.run(&["status"]).ends(3).says("110 of 120 known sale.order of erp are not shown any more");

    let release = ["reconcile", "release", "erp", "--model", "sale.order", "--reason", "tidied up"];
    product.run(&release).ends(0).says("110 of sale.order");
    for _ in 0..LOOKS_MAX {
        if concerns(&product).is_empty() {
            break;
        }
    }
    let (row, code) = reconcile(&product, &[]);
    assert_eq!((code, &row["text"]), (0, &json!("all 10 are here as they are there")));
    product.run(&release).ends(6).remarks("no deletions of sale.order of erp are withheld");
}

#[test]
fn what_nobody_can_compare_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_odoo, product) = world(folder.path(), "19", 1);
    for (args, code, why) in [
        (&["reconcile", "odoo", "nobody"] as &[&str], 5, "there is no source nobody in the present policy"),
        (&["reconcile", "odoo", "shop"], 6, "shop is not captured"),
        (&["reconcile", "odoo", "erp", "--model", "res.partner"], 5, "it captures sale.order"),
        (&["reconcile", "odoo", "erp", "--window", "1s"], 6, "a window is at least 1 min"),
        (&["reconcile", "odoo", "erp", "--window", "soon"], 2, "soon"),
        (&["reconcile", "release", "erp", "--model", "sale.order"], 2, "a reason is needed"),
    ] {
        product.run(args).ends(code).remarks(why);
    }
    product.run(&["pause", "source/erp", "--reason", "upgrade"]).ends(0);
    product.run(&["reconcile", "odoo", "erp"]).ends(6).remarks("source/erp is paused by");
}
