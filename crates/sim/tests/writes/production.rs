//! Production orders: begun, and finished with what was made and used up.

use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Version};

use crate::bed::{Bed, MEASURED};

/// A confirmed order of five tables of four legs each. Answers the order and its name.
async fn ordered(version: Version) -> (Bed, i64, String) {
    let bed = Bed::new(version).await;
    let leg = bed.product("LEG", 100.0, "none").await;
    let table = bed.product("TABLE", 0.0, "none").await;
    let template =
        bed.find("product.product", json!([["id", "=", table]]), &["product_tmpl_id"]).await[0]["product_tmpl_id"][0]
            .clone();
    let part = json!([0, 0, { "product_id": leg, "product_qty": 4 }]);
    bed.create("mrp.bom", json!({ "product_tmpl_id": template, "product_qty": 1, "bom_line_ids": [part] })).await;
    let order = bed.create("mrp.production", json!({ "product_id": table, "product_qty": 5 })).await;
    let confirm = json!({ "command": "confirm", "model": "mrp.production", "record": { "id": order } });
    let said = bed.done_once("dlv_0", &confirm).await;
    (bed, order, said["name"].as_str().unwrap().to_owned())
}

fn finish(name: &str, quantity: &str, legs: Option<&str>, backorder: &str) -> Json {
    let used = legs.map(|legs| json!({ "product": { "find": { "default_code": "LEG" } }, "quantity": legs, "lots": [] }));
    json!({
        "command": "finish_production", "record": { "find": { "name": name } }, "quantity": quantity, "lots": [],
        "consumption": used.into_iter().collect::<Vec<_>>(), "backorder": backorder,
    })
}

/// What was used up of an order's components.
async fn used(bed: &Bed, order: i64) -> Vec<(String, f64)> {
    let rows = bed.find("stock.move", json!([["raw_material_production_id", "=", order]]), &["state", "quantity"]).await;
    rows.iter().map(|row| (row["state"].as_str().unwrap().to_owned(), row["quantity"].as_f64().unwrap_or(0.0))).collect()
}

#[tokio::test]
async fn an_order_is_finished_with_what_its_bill_says_or_with_what_was_used() {
    for version in MEASURED {
        for (legs, expected) in [(None, 20.0), (Some("23"), 23.0)] {
            let (bed, order, name) = ordered(version).await;
            bed.done_once("dlv_1", &finish(&name, "5", legs, "make")).await;
            assert_eq!(used(&bed, order).await, [("done".to_owned(), expected)]);
            assert_eq!(bed.find("mrp.production", json!([]), &["id"]).await.len(), 1);
            bed.end().await;
        }
    }
}

#[tokio::test]
async fn the_rest_becomes_another_order_or_is_given_up_and_the_renamed_one_is_still_found() {
    for version in MEASURED {
        for (backorder, orders) in [("make", 2), ("none", 1)] {
            let (bed, order, name) = ordered(version).await;
            let some = finish(&name, "2", Some("8"), backorder);
            bed.done_once("dlv_1", &some).await;
            assert_eq!(used(&bed, order).await[0], ("done".to_owned(), 8.0), "{backorder}");
            let all = bed.find("mrp.production", json!([]), &["state", "qty_produced", "product_qty"]).await;
            assert_eq!((all.len(), &all[0]["state"], &all[0]["qty_produced"]), (orders, &json!("done"), &json!(2.0)));
            bed.end().await;
        }
    }
}

#[tokio::test]
async fn an_end_without_an_answer_is_not_made_again() {
    for version in MEASURED {
        let (bed, order, name) = ordered(version).await;
        bed.odoo.begin_fault_for(Fault::TimeoutAfter, 500);
        bed.odoo.begin_fault_for(Fault::Serialization, 200);
        bed.until_done("dlv_1", &finish(&name, "2", None, "make")).await;
        assert_eq!(used(&bed, order).await[0], ("done".to_owned(), 8.0));
        assert_eq!(bed.find("mrp.production", json!([]), &["id"]).await.len(), 2);
        bed.end().await;
    }
}

#[tokio::test]
async fn what_is_made_goes_under_its_lot() {
    for version in MEASURED {
        let (bed, order, name) = ordered(version).await;
        let mut all = finish(&name, "5", None, "make");
        all["lots"] = json!(["T-1"]);
        bed.done_once("dlv_1", &all).await;
        let lots = bed.find("stock.lot", json!([]), &["name"]).await;
        assert_eq!(lots.len(), 1);
        let field = if version == Version::V18 { "lot_producing_id" } else { "lot_producing_ids" };
        let there = bed.find("mrp.production", json!([["id", "=", order]]), &[field]).await[0][field][0].clone();
        assert_eq!(there, lots[0]["id"]);
        bed.end().await;
    }
}

#[tokio::test]
async fn an_order_begins_with_its_first_work_order() {
    for version in MEASURED {
        let (bed, order, name) = ordered(version).await;
        let start = json!({ "command": "start_production", "record": { "find": { "name": name } } });
        assert_eq!(bed.done_once("dlv_1", &start).await["state"], "confirmed", "without work orders it is confirmed");
        bed.create("mrp.workorder", json!({ "name": "Assemble", "production_id": order })).await;
        assert_eq!(bed.done_once("dlv_2", &start).await["state"], "progress");
        bed.call("mrp.production", "action_cancel", json!([[order]]), json!({})).await;
        assert_eq!(bed.refused("dlv_3", &start).await.0, "odoo_rule");
        assert_eq!(bed.refused("dlv_4", &finish(&name, "5", None, "make")).await.0, "odoo_rule");
        bed.end().await;
    }
}
