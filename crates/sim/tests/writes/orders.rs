//! Orders: made and changed by external id, and confirmed.

use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Version};

use crate::bed::{Bed, MEASURED};

/// An order of two lines.
fn order(number: u32) -> Json {
    let line = |line: u32, code: &str, quantity: &str| {
        json!({
            "external_id": format!("crossdock.order_{number}_line_{line}"),
            "values": { "product_id": { "find": { "default_code": code } }, "product_uom_qty": quantity, "price_unit": "9.50" },
        })
    };
    json!({
        "command": "upsert", "model": "sale.order", "external_id": format!("crossdock.order_{number}"),
        "values": {
            "partner_id": { "external_id": "ext.cust_1" }, "client_order_ref": format!("PO-{number}"),
            "date_order": "2026-12-01T10:00:00Z",
        },
        "lines": { "order_line": [line(1, "BOLT-M8", "5"), line(2, "PAINT-1", "2.5")] },
    })
}

fn confirm(number: u32) -> Json {
    let record = json!({ "external_id": format!("crossdock.order_{number}") });
    json!({ "command": "confirm", "model": "sale.order", "record": record })
}

async fn shop(version: Version) -> Bed {
    let bed = Bed::new(version).await;
    bed.product("BOLT-M8", 1_000.0, "none").await;
    bed.product("PAINT-1", 1_000.0, "none").await;
    bed
}

#[tokio::test]
async fn an_order_is_made_with_its_lines_and_a_repeat_changes_nothing() {
    for version in MEASURED {
        let bed = shop(version).await;
        let said = bed.done_once("dlv_1", &order(1)).await;
        let order = bed.find("sale.order", json!([]), &["client_order_ref", "date_order", "order_line"]).await;
        assert_eq!((order.len(), &order[0]["id"]), (1, &said["id"]));
        assert_eq!(order[0]["date_order"], "2026-12-01 10:00:00");
        let lines = bed.find("sale.order.line", json!([]), &["product_uom_qty", "price_unit"]).await;
        let quantities: Vec<_> = lines.iter().map(|line| line["product_uom_qty"].as_f64().unwrap()).collect();
        assert_eq!(quantities, [5.0, 2.5]);
        bed.end().await;
    }
}

#[tokio::test]
async fn an_order_that_is_known_is_changed_and_keeps_its_lines() {
    for version in MEASURED {
        let bed = shop(version).await;
        let first = bed.done("dlv_1", &order(1)).await;
        let mut changed = order(1);
        changed["values"]["client_order_ref"] = json!("PO-1 again");
        changed["lines"]["order_line"][1]["values"]["product_uom_qty"] = json!("4");
        let second = bed.done_once("dlv_2", &changed).await;
        assert_eq!(first["id"], second["id"]);
        let lines = bed.find("sale.order.line", json!([]), &["product_uom_qty"]).await;
        assert_eq!((lines.len(), &lines[1]["product_uom_qty"]), (2, &json!(4.0)));
        bed.end().await;
    }
}

#[tokio::test]
async fn what_it_refers_to_may_come_later_and_what_is_wrong_stays_wrong() {
    for version in MEASURED {
        let bed = shop(version).await;
        let mut early = order(1);
        early["values"]["partner_id"] = json!({ "external_id": "crossdock.party_9" });
        assert_eq!(bed.refused("dlv_1", &early).await.0, "odoo_reference");
        let party = json!({ "command": "upsert", "model": "res.partner", "external_id": "crossdock.party_9", "values": { "name": "Nine" } });
        bed.done_once("dlv_0", &party).await;
        bed.done_once("dlv_1", &early).await;
        let mut unknown = order(2);
        unknown["values"]["nope"] = json!("x");
        assert_eq!(bed.refused("dlv_2", &unknown).await.0, "odoo_mistake");
        let mut other = order(3);
        other["external_id"] = json!("crossdock.party_9");
        assert_eq!(bed.refused("dlv_3", &other).await.0, "odoo_reference");
        assert_eq!(bed.refused("dlv_4", &json!({ "command": "dance" })).await.0, "odoo_document");
        assert_eq!(bed.find("sale.order", json!([]), &["id"]).await.len(), 1);
        bed.end().await;
    }
}

#[tokio::test]
async fn an_order_is_confirmed_once_and_one_that_is_cancelled_is_not() {
    for version in MEASURED {
        let bed = shop(version).await;
        assert_eq!(bed.refused("dlv_1", &confirm(1)).await.0, "odoo_reference");
        bed.done("dlv_2", &order(1)).await;
        let said = bed.done_once("dlv_1", &confirm(1)).await;
        assert_eq!(said["state"], "sale");
        assert_eq!(bed.odoo.load().count("sale.order", "action_confirm"), 1);
        assert_eq!(bed.find("stock.picking", json!([]), &["id"]).await.len(), 1);
        let two = bed.done("dlv_3", &order(2)).await;
        let context = json!({ "context": { "disable_cancel_warning": true } });
        bed.call("sale.order", "action_cancel", json!([[two["id"]]]), context).await;
        assert_eq!(bed.refused("dlv_4", &confirm(2)).await.0, "odoo_rule");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_was_done_without_an_answer_is_not_done_again() {
    for version in MEASURED {
        let bed = shop(version).await;
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        for (key, document) in [("dlv_1", order(1)), ("dlv_2", confirm(1))] {
            assert_eq!(bed.give(key, &document).await.outcome.cause(), "timeout");
            let before = bed.odoo.changes().len();
            bed.done(key, &document).await;
            assert_eq!(bed.odoo.changes().len(), before, "the second attempt only reads");
        }
        assert_eq!(bed.find("sale.order.line", json!([]), &["id"]).await.len(), 2);
        bed.end().await;
    }
}

#[tokio::test]
async fn conflicts_and_timeouts_before_the_change_are_tried_again_and_nothing_is_there_twice() {
    for version in MEASURED {
        let bed = shop(version).await;
        bed.odoo.begin_fault(Fault::Serialization);
        assert_eq!(bed.refused("dlv_0", &order(0)).await.0, "odoo_concurrency");
        for (fault, share) in [(Fault::Serialization, 200), (Fault::TimeoutAfter, 100), (Fault::TimeoutBefore, 50)] {
            bed.odoo.begin_fault_for(fault, share);
        }
        for number in 1..=12 {
            bed.until_done(&format!("dlv_{number}_a"), &order(number)).await;
            bed.until_done(&format!("dlv_{number}_b"), &confirm(number)).await;
        }
        let orders = bed.find("sale.order", json!([]), &["state", "order_line", "picking_ids"]).await;
        assert_eq!(orders.len(), 12);
        for order in orders {
            assert_eq!(order["state"], "sale");
            assert_eq!(order["order_line"].as_array().unwrap().len(), 2);
            assert_eq!(order["picking_ids"].as_array().unwrap().len(), 1);
        }
        bed.end().await;
    }
}

#[tokio::test]
async fn of_parallel_makers_of_one_external_id_each_is_done_and_one_record_is_there() {
    for version in MEASURED {
        let bed = shop(version).await;
        bed.odoo.set_hold(model::TimeSpan::from_secs(2));
        let one = order(1);
        let attempts = ["a", "b", "c", "d"].map(|key| bed.until_done(key, &one));
        futures::future::join_all(attempts).await;
        assert_eq!(bed.find("sale.order", json!([]), &["id"]).await.len(), 1);
        assert_eq!(bed.find("sale.order.line", json!([]), &["id"]).await.len(), 2);
        bed.end().await;
    }
}
