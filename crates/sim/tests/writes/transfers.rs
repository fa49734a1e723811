//! Transfers: validated with and without a rest, with lots, and their tracking.

use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Version};

use crate::bed::{Bed, MEASURED};

/// A transfer of five bolts and two tins that is ready.
async fn ready(version: Version) -> (Bed, i64) {
    let bed = Bed::new(version).await;
    let bolt = bed.product("BOLT-M8", 100.0, "none").await;
    let tin = bed.product("PAINT-1", 100.0, "none").await;
    let line = |product: i64, quantity: f64| json!([0, 0, { "product_id": product, "product_uom_qty": quantity }]);
    let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": [line(bolt, 5.0), line(tin, 2.0)] })).await;
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
    let transfer = bed.find("stock.picking", json!([["sale_id", "=", order]]), &["name"]).await[0]["id"].as_i64().unwrap();
    (bed, transfer)
}

fn line(code: &str, quantity: &str) -> Json {
    json!({ "product": { "find": { "default_code": code } }, "quantity": quantity, "lots": [] })
}

fn validate(transfer: i64, lines: &[Json], backorder: &str) -> Json {
    json!({
        "command": "validate_transfer", "record": { "id": transfer }, "lines": lines, "backorder": backorder, "tracking": ["1Z9", "1Z8"],
    })
}

async fn moves(bed: &Bed, transfer: i64) -> Vec<(String, f64)> {
    let rows = bed.find("stock.move", json!([["picking_id", "=", transfer]]), &["state", "quantity"]).await;
    rows.iter().map(|row| (row["state"].as_str().unwrap().to_owned(), row["quantity"].as_f64().unwrap_or(0.0))).collect()
}

#[tokio::test]
async fn a_whole_transfer_is_validated_once_with_its_tracking() {
    for version in MEASURED {
        let (bed, transfer) = ready(version).await;
        let all = validate(transfer, &[line("BOLT-M8", "5"), line("PAINT-1", "2")], "make");
        bed.done_once("dlv_1", &all).await;
        let rows = bed.find("stock.picking", json!([]), &["state", "carrier_tracking_ref"]).await;
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["state"], &rows[0]["carrier_tracking_ref"]), (&json!("done"), &json!("1Z9,1Z8")));
        assert_eq!(bed.odoo.load().count("stock.picking", "button_validate"), 1);
        bed.end().await;
    }
}

#[tokio::test]
async fn what_was_not_moved_is_planned_again_or_given_up_as_the_command_says() {
    for version in MEASURED {
        for (backorder, transfers) in [("make", 2), ("none", 1)] {
            let (bed, transfer) = ready(version).await;
            let some = validate(transfer, &[line("BOLT-M8", "3")], backorder);
            let said = bed.done_once("dlv_1", &some).await;
            assert_eq!(said["backorders"].as_array().unwrap().len(), transfers - 1, "{backorder}");
            assert_eq!(bed.find("stock.picking", json!([]), &["id"]).await.len(), transfers);
            assert!(moves(&bed, transfer).await.contains(&("done".to_owned(), 3.0)));
            let other = validate(transfer, &[line("BOLT-M8", "4")], backorder);
            assert_eq!(bed.refused("dlv_1", &other).await.0, "odoo_unmet", "for this delivery it was done with three");
            bed.end().await;
        }
    }
}

#[tokio::test]
async fn a_validation_without_an_answer_is_not_made_again() {
    for version in MEASURED {
        let (bed, transfer) = ready(version).await;
        bed.odoo.begin_fault_for(Fault::TimeoutAfter, 500);
        bed.odoo.begin_fault_for(Fault::Serialization, 200);
        let some = validate(transfer, &[line("BOLT-M8", "3"), line("PAINT-1", "1")], "make");
        bed.until_done("dlv_1", &some).await;
        assert_eq!(bed.find("stock.picking", json!([]), &["id"]).await.len(), 2);
        assert_eq!(moves(&bed, transfer).await, [("done".to_owned(), 3.0), ("done".to_owned(), 1.0)]);
        bed.end().await;
    }
}

#[tokio::test]
async fn lots_go_out_by_line_and_one_that_was_never_there_does_not() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("FRAME-1", 0.0, "lot").await;
        let registered = json!({ "command": "register_lots", "product": { "id": frame }, "lots": ["LOT-A", "LOT-B"] });
        let ids = bed.done_once("dlv_0", &registered).await["ids"].clone();
        for lot in ids.as_array().unwrap() {
            bed.stock(frame, 10.0, lot.as_i64()).await;
        }
        let wanted = json!([0, 0, { "product_id": frame, "product_uom_qty": 4.0 }]);
        let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": [wanted] })).await;
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
        let transfer = bed.find("stock.picking", json!([]), &["id"]).await[0]["id"].as_i64().unwrap();
        let with = |lots: Json| {
            let mut line = line("FRAME-1", "4");
            line["lots"] = lots;
            validate(transfer, &[line], "make")
        };
        let none = with(json!([{ "name": "LOT-Z", "quantity": "4" }]));
        assert_eq!(bed.refused("dlv_1", &none).await.0, "odoo_reference");
        let odd = with(json!([{ "name": "LOT-A", "quantity": "1" }]));
        assert_eq!(bed.refused("dlv_2", &odd).await.0, "odoo_document");
        bed.done_once("dlv_3", &with(json!([{ "name": "LOT-B", "quantity": "3" }, { "name": "LOT-A", "quantity": "1" }])))
            .await;
        let lines = bed.find("stock.move.line", json!([["picking_id", "=", transfer]]), &["lot_id", "quantity"]).await;
        let mut moved: Vec<(String, f64)> = lines
            .iter()
            .map(|line| (line["lot_id"][1].as_str().unwrap().to_owned(), line["quantity"].as_f64().unwrap()))
            .collect();
        moved.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(moved, [("LOT-A".to_owned(), 1.0), ("LOT-B".to_owned(), 3.0)]);
        bed.end().await;
    }
}

/// How many products a transfer of many has.
const MANY: usize = 100;

#[tokio::test]
async fn a_transfer_of_many_products_with_lots_is_one_attempt_and_costs_no_more_reads_than_one_of_few() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let (mut wanted, mut lines) = (Vec::new(), Vec::new());
        for at in 0..MANY {
            let code = format!("LOTTED-{at}");
            let product = bed.product(&code, 0.0, "lot").await;
            for name in ["LOT-A", "LOT-B"] {
                let lot = bed.create("stock.lot", json!({ "name": name, "product_id": product })).await;
                bed.stock(product, 10.0, Some(lot)).await;
            }
            wanted.push(json!([0, 0, { "product_id": product, "product_uom_qty": 2.0 }]));
            let mut line = line(&code, "2");
            line["lots"] = json!([{ "name": "LOT-B", "quantity": "1" }, { "name": "LOT-A", "quantity": "1" }]);
            lines.push(line);
        }
        let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": wanted })).await;
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
        let transfer = bed.find("stock.picking", json!([]), &["id"]).await[0]["id"].as_i64().unwrap();
        let before = bed.odoo.load();
        bed.done("dlv_1", &validate(transfer, &lines, "make")).await;
        let after = bed.odoo.load();
        let calls = after.total() - before.total();
        assert!(calls <= MANY as u64 + 60, "one look for each product, and the rest for all of them at once: {calls}");
        let moved = bed.find("stock.move.line", json!([["picking_id", "=", transfer]]), &["state", "quantity"]).await;
        assert_eq!(moved.len(), 2 * MANY);
        assert!(moved.iter().all(|line| line["quantity"] == json!(1.0) && line["state"] == json!("done")));
        bed.end().await;
    }
}

#[tokio::test]
async fn a_line_is_made_once_when_every_change_ends_its_attempt_and_when_one_comes_late() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("FRAME-1", 0.0, "lot").await;
        for name in ["LOT-A", "LOT-B"] {
            let lot = bed.create("stock.lot", json!({ "name": name, "product_id": frame })).await;
            bed.stock(frame, 10.0, Some(lot)).await;
        }
        let wanted = json!([0, 0, { "product_id": frame, "product_uom_qty": 4.0 }]);
        let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": [wanted] })).await;
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
        let row = bed.find("stock.picking", json!([]), &["move_ids"]).await[0].clone();
        let mut both = line("FRAME-1", "4");
        both["lots"] = json!([{ "name": "LOT-A", "quantity": "3" }, { "name": "LOT-B", "quantity": "1" }]);
        let command = validate(row["id"].as_i64().unwrap(), &[both], "make");
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        bed.until_done("dlv_1", &command).await;
        bed.odoo.end_fault(Fault::TimeoutAfter);
        let stock = || async { bed.find("stock.quant", json!([["product_id", "=", frame]]), &["lot_id", "quantity"]).await };
        let before = stock().await;
        // What asked for the line once more, and waited in a queue behind the end.
        let lot = bed.find("stock.lot", json!([["name", "=", "LOT-B"]]), &["id"]).await[0]["id"].to_string();
        let of = row["move_ids"][0].to_string();
        let columns = json!(["id", "move_id/.id", "product_id/.id", "quantity", "lot_id/.id"]);
        let late = json!([[format!("crossdock.line_dlv_1_{of}_1"), of, frame.to_string(), "1", lot]]);
        let said = bed.call("stock.move.line", "load", json!([columns, late]), json!({})).await;
        assert!(said["ids"].is_array(), "{said}");
        assert_eq!(bed.find("stock.move.line", json!([["picking_id", "=", row["id"]]]), &["id"]).await.len(), 2);
        assert_eq!(stock().await, before);
        bed.end().await;
    }
}

#[tokio::test]
async fn a_serial_number_comes_in_with_its_receipt() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("FRAME-1", 0.0, "serial").await;
        let wanted = json!([0, 0, { "product_id": frame, "product_qty": 2, "price_unit": 50 }]);
        let order = bed.create("purchase.order", json!({ "partner_id": 7, "order_line": [wanted] })).await;
        let confirm = json!({ "command": "confirm", "model": "purchase.order", "record": { "id": order } });
        assert_eq!(bed.done_once("dlv_0", &confirm).await["state"], "purchase");
        let transfer = bed.find("stock.picking", json!([]), &["id"]).await[0]["id"].as_i64().unwrap();
        let mut received = line("FRAME-1", "2");
        received["lots"] = json!([{ "name": "SN-1", "quantity": "1" }, { "name": "SN-2", "quantity": "1" }]);
        bed.done_once("dlv_1", &validate(transfer, &[received], "none")).await;
        let lots = bed.find("stock.lot", json!([["product_id", "=", frame]]), &["name"]).await;
        assert_eq!(lots.iter().map(|lot| lot["name"].as_str().unwrap()).collect::<Vec<_>>(), ["SN-1", "SN-2"]);
        bed.end().await;
    }
}

#[tokio::test]
async fn what_has_no_lot_and_what_is_cancelled_goes_to_a_person() {
    for version in MEASURED {
        let (bed, transfer) = ready(version).await;
        bed.call("stock.picking", "action_cancel", json!([[transfer]]), json!({})).await;
        let all = validate(transfer, &[line("BOLT-M8", "5")], "make");
        assert_eq!(bed.refused("dlv_1", &all).await.0, "odoo_rule");
        let track = json!({ "command": "set_tracking", "record": { "id": transfer }, "tracking": ["1Z9"] });
        assert_eq!(bed.refused("dlv_2", &track).await.0, "odoo_rule");
        bed.end().await;
    }
}

#[tokio::test]
async fn a_tracking_number_is_set_after_the_transfer_too() {
    for version in MEASURED {
        let (bed, transfer) = ready(version).await;
        let mut all = validate(transfer, &[line("BOLT-M8", "5"), line("PAINT-1", "2")], "make");
        all["tracking"] = json!([]);
        bed.done("dlv_1", &all).await;
        let track = |numbers: Json| json!({ "command": "set_tracking", "record": { "id": transfer }, "tracking": numbers });
        assert_eq!(bed.done_once("dlv_2", &track(json!(["1Z7"]))).await["tracking"], "1Z7");
        assert_eq!(
            bed.done_once("dlv_3", &track(json!(["1Z8", "1Z9"]))).await["tracking"],
            "1Z7,1Z8,1Z9",
            "another box's stays"
        );
        assert_eq!(bed.done_once("dlv_4", &track(json!(["1Z7"]))).await["tracking"], "1Z7,1Z8,1Z9");
        bed.end().await;
    }
}
