//! Rules of the outbox that somebody made: one row for a record and transaction with the values at its end, also for what changed
//! below it; and what no rule may name.

use serde_json::{Value as Json, json};
use sim::odoo::{Addon, Failure, Options, Version};

use crate::bed::{Bed, MEASURED};

fn with_addon(version: Version) -> Bed {
    Bed::with(&Options { addon: Addon::Installed, ..Options::new(version) })
}

fn rule(bed: &Bed, trigger: &str, specification: &Json) -> Json {
    let model = bed.search("ir.model", json!([["model", "=", "sale.order"]]))[0];
    json!({
        "event_type": format!("crossdock.sale.order.{trigger}"), "model_id": model, "trigger": trigger,
        "specification": specification.to_string(), "reading": "r1",
    })
}

/// Rows of our own rules after a place, and the place behind them.
fn rows(bed: &Bed, after: &Json) -> (Vec<Json>, Json) {
    let pulled = bed.call("crossdock.outbox", "pull", json!([after["txid"], after["id"], 2_000]), json!({}));
    let own = |row: &&Json| row["event_type"].as_str().unwrap().starts_with("crossdock.");
    (pulled["rows"].as_array().unwrap().iter().filter(own).cloned().collect(), pulled["next"].clone())
}

#[test]
fn a_saved_record_is_told_once_for_a_transaction_as_web_read_shows_it_at_its_end() {
    for version in MEASURED {
        let bed = with_addon(version);
        let shown = json!({ "name": {}, "state": {}, "order_line": { "fields": { "product_uom_qty": {} } } });
        for trigger in ["saved", "deleted"] {
            bed.create("crossdock.rule", rule(&bed, trigger, &shown));
        }
        let product = bed.product("Bolt", 10.0);
        let order = bed.order(product, 2.0);
        let (told, next) = rows(&bed, &json!({ "txid": 0, "id": 0 }));
        assert_eq!(told.len(), 1, "{version:?} {told:?}");
        let read = bed.call("sale.order", "web_read", json!([[order], shown]), json!({}));
        assert_eq!((&told[0]["payload"], &told[0]["reading"]), (&read[0], &json!("r1")));
        // Only a line changes; the order is told.
        let line = bed.search("sale.order.line", json!([["order_id", "=", order]]))[0];
        let mut open = bed.odoo.begin();
        open.write("sale.order.line", &[line], &json!({ "product_uom_qty": 3.0 })).unwrap();
        open.write("sale.order.line", &[line], &json!({ "product_uom_qty": 4.0 })).unwrap();
        bed.run(open.commit()).unwrap();
        let (told, next) = rows(&bed, &next);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["payload"]["order_line"][0]["product_uom_qty"], 4.0);
        bed.call("sale.order", "unlink", json!([[order]]), json!({}));
        let (told, _) = rows(&bed, &next);
        let triggers: Vec<&Json> = told.iter().map(|row| &row["trigger"]).collect();
        assert_eq!(triggers, ["deleted"]);
    }
}

#[test]
fn what_cannot_be_shown_is_told_without_values_and_what_is_not_there_is_refused() {
    let bed = with_addon(Version::V18);
    let refused = |specification: &Json| {
        let wrong = rule(&bed, "saved", specification);
        bed.refused("crossdock.rule", "create", json!([wrong]), json!({}))
    };
    for specification in [json!({ "x_no_such": {} }), json!({ "order_line": { "fields": { "x_no_such": {} } } }), json!([])]
    {
        assert!(matches!(refused(&specification), Failure::Validation(_)), "{specification}");
    }
    bed.create("crossdock.rule", rule(&bed, "saved", &json!({ "client_order_ref": {} })));
    let product = bed.product("Bolt", 1.0);
    let order = bed.order(product, 1.0);
    let next = rows(&bed, &json!({ "txid": 0, "id": 0 })).1;
    bed.call("sale.order", "write", json!([[order], { "client_order_ref": "x".repeat(300_000) }]), json!({}));
    let (told, _) = rows(&bed, &next);
    assert!(told[0]["payload"]["_error"].is_string() && told[0]["reading"].is_null(), "{:?}", told[0]["payload"]["id"]);
}
