//! Several batches of one transfer or production order, all told under its first name: each is done once, at whatever point an
//! attempt ended, and what a person did is never taken for one of them.

use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Version};

use crate::bed::{Bed, MEASURED};

/// A transfer of four bolts that is ready. Answers its name.
pub(crate) async fn four_bolts(version: Version) -> (Bed, String) {
    let bed = Bed::new(version).await;
    let bolt = bed.product("BOLT-M8", 100.0, "none").await;
    let line = json!([0, 0, { "product_id": bolt, "product_uom_qty": 4.0 }]);
    let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": [line] })).await;
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
    let name = bed.find("stock.picking", json!([]), &["name"]).await[0]["name"].as_str().unwrap().to_owned();
    (bed, name)
}

pub(crate) fn boxed(name: &str, quantity: &str, number: &str) -> Json {
    let line = json!({ "product": { "find": { "default_code": "BOLT-M8" } }, "quantity": quantity, "lots": [] });
    json!({
        "command": "validate_transfer", "record": { "find": { "name": name } }, "lines": [line], "backorder": "make", "tracking": [number],
    })
}

/// State and tracking numbers of all transfers, and what was moved.
pub(crate) async fn shipped(bed: &Bed) -> (Vec<(String, String)>, f64) {
    let rows = bed.find("stock.picking", json!([]), &["state", "carrier_tracking_ref"]).await;
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let moves = bed.find("stock.move", json!([["state", "=", "done"], ["sale_line_id", "!=", false]]), &["quantity"]).await;
    let moved = moves.iter().filter_map(|row| row["quantity"].as_f64()).sum();
    (rows.iter().map(|row| (text(&row["state"]), text(&row["carrier_tracking_ref"]))).collect(), moved)
}

pub(crate) fn done(numbers: &[&str]) -> Vec<(String, String)> {
    numbers.iter().map(|number| ("done".to_owned(), (*number).to_owned())).collect()
}

#[tokio::test]
async fn two_boxes_of_the_same_quantity_are_two_shipments_and_each_has_its_number() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let (one, two) = (boxed(&name, "2", "1ZA"), boxed(&name, "2", "1ZB"));
        let first = bed.done_once("dlv_a", &one).await;
        assert_eq!(shipped(&bed).await.1.to_string(), "2");
        let second = bed.done_once("dlv_b", &two).await;
        assert_ne!(first["id"], second["id"]);
        assert_eq!(shipped(&bed).await, (done(&["1ZA", "1ZB"]), 4.0));
        assert_eq!(bed.done_once("dlv_a", &one).await["id"], first["id"], "a repeat finds its own");
        let (cause, said) = bed.refused("dlv_c", &boxed(&name, "2", "1ZC")).await;
        assert_eq!(cause, "odoo_unmet");
        assert!(said["why"].as_str().unwrap().contains("by the delivery dlv_b"), "{said}");
        assert_eq!(shipped(&bed).await, (done(&["1ZA", "1ZB"]), 4.0));
        bed.end().await;
    }
}

#[tokio::test]
async fn each_box_goes_once_when_every_change_ends_its_attempt() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        for (key, quantity, number) in [("dlv_a", "1", "1ZA"), ("dlv_b", "1", "1ZB"), ("dlv_c", "2", "1ZC")] {
            bed.odoo.begin_fault(Fault::TimeoutAfter);
            let attempts = bed.until_done(key, &boxed(&name, quantity, number)).await;
            assert!(attempts >= 4, "the note, the quantity, the number and the end have an attempt each: {attempts}");
            bed.odoo.end_fault(Fault::TimeoutAfter);
        }
        assert_eq!(shipped(&bed).await, (done(&["1ZA", "1ZB", "1ZC"]), 4.0));
        assert_eq!(bed.odoo.load().count("stock.picking", "button_validate"), 3);
        bed.end().await;
    }
}

#[tokio::test]
async fn boxes_that_come_at_once_go_once_each() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let (one, two) = (boxed(&name, "2", "1ZA"), boxed(&name, "2", "1ZB"));
        tokio::join!(bed.until_done("dlv_a", &one), bed.until_done("dlv_b", &two));
        let (transfers, moved) = shipped(&bed).await;
        assert_eq!((transfers.len(), moved), (2, 4.0));
        bed.end().await;
    }
}

#[tokio::test]
async fn what_a_person_has_validated_is_for_a_person_to_say_also_with_the_same_quantities() {
    for version in MEASURED {
        for quantity in ["4", "2"] {
            let (bed, name) = four_bolts(version).await;
            let transfer = bed.find("stock.picking", json!([]), &["move_ids"]).await[0].clone();
            let values = json!({ "quantity": quantity.parse::<f64>().unwrap(), "picked": true });
            bed.call("stock.move", "write", json!([transfer["move_ids"], values]), json!({})).await;
            let context = json!({ "context": { "skip_backorder": true } });
            bed.call("stock.picking", "button_validate", json!([[transfer["id"]]]), context).await;
            let before = bed.odoo.changes().len();
            let (cause, said) = bed.refused("dlv_a", &boxed(&name, quantity, "1ZA")).await;
            assert_eq!(cause, "odoo_unmet");
            let why = said["why"].as_str().unwrap();
            assert!(why.contains("by no command") && why.contains(&format!("{quantity} of [BOLT-M8]")), "{why}");
            assert_eq!(bed.odoo.changes().len(), before, "nothing is changed");
            bed.end().await;
        }
    }
}

#[tokio::test]
async fn a_transfer_under_the_note_of_another_command_is_waited_for() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let id = bed.find("stock.picking", json!([]), &["name"]).await[0]["id"].clone();
        let note = json!({ "body": "x", "subtype_xmlid": "mail.mt_note", "message_id": "<dlv_z.validate@crossdock>" });
        let note = bed.call("stock.picking", "message_post", json!([[id]]), note).await;
        let one = boxed(&name, "2", "1ZA");
        let (cause, said) = bed.refused("dlv_a", &one).await;
        assert_eq!(cause, "odoo_concurrency");
        assert!(said["why"].as_str().unwrap().contains("dlv_z"), "{said}");
        bed.call("mail.message", "unlink", json!([[note]]), json!({})).await;
        bed.done_once("dlv_a", &one).await;
        bed.end().await;
    }
}

#[tokio::test]
async fn what_odoo_refuses_leaves_no_note_and_a_corrected_command_finds_it_free() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("BOLT-M8", 0.0, "lot").await;
        let lot = bed.create("stock.lot", json!({ "name": "LOT-A", "product_id": frame })).await;
        bed.stock(frame, 10.0, Some(lot)).await;
        let line = json!([0, 0, { "product_id": frame, "product_uom_qty": 4.0 }]);
        let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": [line] })).await;
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({})).await;
        let transfer = bed.find("stock.picking", json!([]), &["name", "move_line_ids"]).await[0].clone();
        bed.call("stock.move.line", "write", json!([transfer["move_line_ids"], { "lot_id": false }]), json!({})).await;
        let name = transfer["name"].as_str().unwrap();
        assert_eq!(bed.refused("dlv_a", &boxed(name, "4", "1ZA")).await.0, "odoo_rule", "it has no lot");
        assert_eq!(bed.find("mail.message", json!([["message_id", "=like", "%@crossdock>"]]), &["body"]).await.len(), 0);
        let mut right = boxed(name, "4", "1ZA");
        right["lines"][0]["lots"] = json!([{ "name": "LOT-A", "quantity": "4" }]);
        bed.done_once("dlv_b", &right).await;
        bed.end().await;
    }
}

/// A confirmed order of four tables. Answers its name.
pub(crate) async fn four_tables(version: Version) -> (Bed, String) {
    let bed = Bed::new(version).await;
    let leg = bed.product("LEG", 100.0, "none").await;
    let table = bed.product("TABLE", 0.0, "none").await;
    let row = bed.find("product.product", json!([["id", "=", table]]), &["product_tmpl_id"]).await[0].clone();
    let part = json!([0, 0, { "product_id": leg, "product_qty": 4 }]);
    let bom = json!({ "product_tmpl_id": row["product_tmpl_id"][0], "product_qty": 1, "bom_line_ids": [part] });
    bed.create("mrp.bom", bom).await;
    let order = bed.create("mrp.production", json!({ "product_id": table, "product_qty": 4 })).await;
    bed.call("mrp.production", "action_confirm", json!([[order]]), json!({})).await;
    let name = bed.find("mrp.production", json!([]), &["name"]).await[0]["name"].as_str().unwrap().to_owned();
    (bed, name)
}

pub(crate) fn made(name: &str, quantity: &str, backorder: &str) -> Json {
    json!({
        "command": "finish_production", "record": { "find": { "name": name } }, "quantity": quantity, "lots": [], "consumption": [],
        "backorder": backorder,
    })
}

/// What each order produced, and the legs that were used up.
pub(crate) async fn produced(bed: &Bed) -> (Vec<f64>, f64) {
    let orders = bed.find("mrp.production", json!([]), &["qty_produced"]).await;
    let used = json!([["state", "=", "done"], ["raw_material_production_id", "!=", false]]);
    let used = bed.find("stock.move", used, &["quantity"]).await;
    let sum = used.iter().filter_map(|row| row["quantity"].as_f64()).sum();
    (orders.iter().map(|row| row["qty_produced"].as_f64().unwrap_or_default()).collect(), sum)
}

#[tokio::test]
async fn two_batches_of_the_same_quantity_are_two_ends() {
    for version in MEASURED {
        let (bed, name) = four_tables(version).await;
        let first = bed.done_once("dlv_a", &made(&name, "2", "make")).await;
        let second = bed.done_once("dlv_b", &made(&name, "2", "none")).await;
        assert_eq!((&first["name"], &second["name"]), (&json!(format!("{name}-001")), &json!(format!("{name}-002"))));
        assert_eq!(produced(&bed).await, (vec![2.0, 2.0], 16.0));
        let (cause, said) = bed.refused("dlv_c", &made(&name, "2", "none")).await;
        assert_eq!(cause, "odoo_unmet");
        assert!(said["why"].as_str().unwrap().contains("by the delivery dlv_a"), "{said}");
        assert_eq!(produced(&bed).await, (vec![2.0, 2.0], 16.0));
        bed.end().await;
    }
}

#[tokio::test]
async fn each_batch_is_made_once_when_every_change_ends_its_attempt() {
    for version in MEASURED {
        let (bed, name) = four_tables(version).await;
        for (key, quantity) in [("dlv_a", "1"), ("dlv_b", "1"), ("dlv_c", "2")] {
            bed.odoo.begin_fault(Fault::TimeoutAfter);
            let attempts = bed.until_done(key, &made(&name, quantity, "make")).await;
            assert!(attempts >= 4, "the note, the quantity, the parts and the end have an attempt each: {attempts}");
            bed.odoo.end_fault(Fault::TimeoutAfter);
        }
        assert_eq!(produced(&bed).await, (vec![1.0, 1.0, 2.0], 16.0));
        bed.end().await;
    }
}

#[tokio::test]
async fn an_order_that_a_person_finished_is_for_a_person_to_say() {
    for version in MEASURED {
        let (bed, name) = four_tables(version).await;
        let order = bed.find("mrp.production", json!([]), &["id"]).await[0]["id"].clone();
        bed.call("mrp.production", "button_mark_done", json!([[order]]), json!({})).await;
        let before = bed.odoo.changes().len();
        assert_eq!(bed.refused("dlv_a", &made(&name, "4", "none")).await.0, "odoo_unmet");
        assert_eq!(bed.odoo.changes().len(), before, "nothing is changed");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_is_left_of_an_order_begins_when_it_is_told_again_and_a_repeat_begins_nothing() {
    for version in MEASURED {
        let (bed, name) = four_tables(version).await;
        let orders = bed.find("mrp.production", json!([]), &["id"]).await;
        bed.create("mrp.workorder", json!({ "name": "Assemble", "production_id": orders[0]["id"] })).await;
        let start = json!({ "command": "start_production", "record": { "find": { "name": name } } });
        assert_eq!(bed.done_once("dlv_a", &start).await["state"], "progress");
        bed.done_once("dlv_b", &made(&name, "2", "make")).await;
        let rest = bed.find("mrp.production", json!([["state", "=", "confirmed"]]), &["id"]).await[0]["id"].clone();
        bed.create("mrp.workorder", json!({ "name": "Assemble", "production_id": rest })).await;
        assert_eq!(bed.done_once("dlv_a", &start).await["state"], "done", "what this command began is over");
        let again = bed.done_once("dlv_c", &start).await;
        assert_eq!((&again["id"], &again["state"]), (&rest, &json!("progress")));
        bed.end().await;
    }
}
