//! The business methods and their traps, where the golden exchanges leave off.

use serde_json::{Value as Json, json};
use sim::odoo::{Deed, Version};

use crate::bed::{Bed, MEASURED};

/// A confirmed order of so many with so many on stock. Answers the order.
fn confirmed(bed: &Bed, stock: f64, quantity: f64) -> i64 {
    let product = bed.product("Bolt", stock);
    let order = bed.order(product, quantity);
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
    order
}

#[test]
fn a_confirmation_reserves_what_is_there() {
    for version in MEASURED {
        for (stock, quantity, reserved, state, picking) in [
            (10.0, 4.0, 4.0, "assigned", "assigned"),
            (3.0, 4.0, 3.0, "partially_available", "assigned"),
            (0.0, 4.0, 0.0, "confirmed", "confirmed"),
        ] {
            let bed = Bed::new(version);
            let order = confirmed(&bed, stock, quantity);
            let found = bed.search("stock.move", json!([["picking_id.sale_id", "=", order]]));
            let of = bed.read("stock.move", found[0], &["quantity", "state", "product_uom_qty"]);
            assert_eq!(of, json!({ "id": found[0], "quantity": reserved, "state": state, "product_uom_qty": quantity }));
            assert_eq!(bed.read("stock.picking", 1, &["state"]), picking);
            let held = bed.call(
                "stock.quant",
                "search_read",
                json!([[["location_id", "=", 8]]]),
                json!({ "fields": ["reserved_quantity"] }),
            );
            let held: f64 = held.as_array().unwrap().iter().map(|row| row["reserved_quantity"].as_f64().unwrap()).sum();
            assert!((held - reserved).abs() < 1e-9);
        }
    }
}

#[test]
fn a_transfer_moves_the_stock_once() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let order = confirmed(&bed, 10.0, 4.0);
        for _ in 0..2 {
            assert_eq!(bed.call("stock.picking", "button_validate", json!([[1]]), json!({})), true);
        }
        assert_eq!(bed.read("product.product", 2, &["qty_available", "free_qty"])["qty_available"], 6.0);
        assert_eq!(bed.read("product.product", 2, &["free_qty"]), 6.0);
        assert_eq!(bed.read("sale.order", order, &["delivery_status"]), "full");
        assert_eq!(bed.read("sale.order.line", 1, &["qty_delivered"]), 4.0);
    }
}

#[test]
fn a_partial_transfer_ends_in_each_of_its_ways() {
    let less = |bed: &Bed| {
        let order = confirmed(bed, 10.0, 4.0);
        let of = bed.search("stock.move", json!([["picking_id", "=", 1]]))[0];
        bed.call("stock.move", "write", json!([[of], { "quantity": 3.0, "picked": true }]), json!({}));
        (order, of)
    };
    for version in MEASURED {
        let bed = Bed::new(version);
        let (_, of) = less(&bed);
        let wizard = bed.call("stock.picking", "button_validate", json!([[1]]), json!({}));
        assert_eq!(wizard["res_model"], "stock.backorder.confirmation");
        assert_eq!(bed.read("stock.picking", 1, &["state"]), "assigned");
        let context = json!({ "context": wizard["context"] });
        let answer = bed.call("stock.backorder.confirmation", "create", json!([{}]), context.clone());
        assert_eq!(bed.call("stock.backorder.confirmation", "process", json!([[answer]]), context), true);
        let backorder =
            bed.call("stock.picking", "read", json!([[2], ["state", "backorder_id", "carrier_tracking_ref"]]), json!({}));
        assert_eq!(
            backorder[0],
            json!({ "id": 2, "state": "assigned", "backorder_id": [1, "WH/OUT/00001"], "carrier_tracking_ref": false })
        );
        assert_eq!(bed.read("stock.move", of, &["product_uom_qty"]), 3.0);

        let bed = Bed::new(version);
        let (order, of) = less(&bed);
        let context = json!({ "context": { "skip_backorder": true, "picking_ids_not_to_backorder": [1] } });
        assert_eq!(bed.call("stock.picking", "button_validate", json!([[1]]), context), true);
        assert_eq!(
            bed.read("stock.move", of, &["product_uom_qty", "quantity", "state"]),
            json!({ "id": of, "product_uom_qty": 4.0, "quantity": 3.0, "state": "done" })
        );
        assert_eq!(bed.read("sale.order", order, &["picking_ids"]), json!([1]));
    }
}

#[test]
fn receipts_make_lots_of_names() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.create(
            "product.product",
            json!({ "name": "Frame", "default_code": "F", "is_storable": true, "tracking": "serial" }),
        );
        let line = json!([0, 0, { "product_id": product, "product_qty": 2, "price_unit": 50 }]);
        let order = bed.create("purchase.order", json!({ "partner_id": 8, "order_line": [line] }));
        bed.call("purchase.order", "button_confirm", json!([[order]]), json!({}));
        let lines = bed.search("stock.move.line", json!([["picking_id.purchase_id", "=", order]]));
        assert_eq!(lines.len(), 2);
        for (number, line) in lines.iter().enumerate() {
            bed.call("stock.move.line", "write", json!([[line], { "lot_name": format!("SN-{number}") }]), json!({}));
        }
        assert_eq!(bed.call("stock.picking", "button_validate", json!([[1]]), json!({})), true);
        let lots =
            bed.call("stock.lot", "search_read", json!([[]]), json!({ "fields": ["name", "product_qty"], "order": "id" }));
        assert_eq!(
            lots,
            json!([{ "id": 1, "name": "SN-0", "product_qty": 1.0 }, { "id": 2, "name": "SN-1", "product_qty": 1.0 }])
        );
        assert_eq!(bed.read("purchase.order", order, &["receipt_status"]), "full");
    }
}

#[test]
fn packages_and_numbers_belong_to_a_transfer() {
    for (version, model) in [(Version::V18, "stock.quant.package"), (Version::V19, "stock.package")] {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        let line = json!([0, 0, { "product_id": product, "product_uom_qty": 1.0 }]);
        let order = bed.create("sale.order", json!({ "partner_id": 7, "carrier_id": 1, "order_line": [line] }));
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
        bed.call("stock.picking", "action_put_in_pack", json!([[1]]), json!({}));
        assert_eq!(bed.read(model, 1, &["location_id"]), false);
        bed.call("stock.picking", "write", json!([[1], { "carrier_tracking_ref": "1Z" }]), json!({}));
        assert_eq!(bed.read("stock.picking", 1, &["carrier_tracking_url"]), "https://track.example/?n=1Z");
        bed.call("stock.picking", "button_validate", json!([[1]]), json!({}));
        assert_eq!(bed.read(model, 1, &["location_id"]), 5);
    }
}

#[test]
fn production_consumes_only_what_is_written_or_all() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let part = bed.product("Part", 100.0);
        let whole = bed.product("Whole", 0.0);
        let line = json!([0, 0, { "product_id": part, "product_qty": 4 }]);
        bed.create(
            "mrp.bom",
            json!({ "product_tmpl_id": whole, "product_qty": 1, "type": "normal", "bom_line_ids": [line] }),
        );
        let order = |quantity: f64| {
            let id = bed.create("mrp.production", json!({ "product_id": whole, "product_qty": quantity }));
            bed.call("mrp.production", "action_confirm", json!([[id]]), json!({}));
            id
        };
        let done = |id: i64, context: Json| {
            bed.call("mrp.production", "button_mark_done", json!([[id]]), json!({ "context": context }))
        };
        let on_hand = |product: i64| bed.read("product.product", product, &["qty_available"]).as_f64().unwrap();
        assert_eq!(done(order(3.0), json!({})), true);
        assert_eq!((on_hand(part), on_hand(whole)), (88.0, 3.0));
        let trap = order(2.0);
        bed.call("mrp.production", "write", json!([[trap], { "qty_producing": 2 }]), json!({}));
        assert_eq!(done(trap, json!({}))["res_model"], "mrp.consumption.warning");
        assert_eq!(bed.read("mrp.production", trap, &["state"]), "confirmed");
        assert_eq!(done(trap, json!({ "skip_consumption": true })), true);
        assert_eq!((on_hand(part), on_hand(whole)), (88.0, 5.0));
        let raw = bed.read("mrp.production", trap, &["move_raw_ids"])[0].as_i64().unwrap();
        assert_eq!(bed.read("stock.move", raw, &["state"]), "cancel");
    }
}

#[test]
fn a_partial_production_splits_the_order() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let (part, whole) = (bed.product("Part", 100.0), bed.product("Whole", 0.0));
        let line = json!([0, 0, { "product_id": part, "product_qty": 4 }]);
        bed.create("mrp.bom", json!({ "product_tmpl_id": whole, "product_qty": 1, "bom_line_ids": [line] }));
        let id = bed.create("mrp.production", json!({ "product_id": whole, "product_qty": 5 }));
        bed.call("mrp.production", "action_confirm", json!([[id]]), json!({}));
        bed.call("mrp.production", "write", json!([[id], { "qty_producing": 2 }]), json!({}));
        let raw = bed.read("mrp.production", id, &["move_raw_ids"]);
        bed.call("stock.move", "write", json!([raw, { "quantity": 8, "picked": true }]), json!({}));
        let done =
            |context: Json| bed.call("mrp.production", "button_mark_done", json!([[id]]), json!({ "context": context }));
        assert_eq!(done(json!({}))["res_model"], "mrp.production.backorder");
        let split = done(json!({ "skip_backorder": true, "mo_ids_to_backorder": [id] }));
        assert_eq!(split["res_id"], id + 1);
        let orders = bed.call(
            "mrp.production",
            "search_read",
            json!([[]]),
            json!({ "fields": ["name", "state", "product_qty"], "order": "id" }),
        );
        assert_eq!(orders[0], json!({ "id": id, "name": "WH/MO/00001-001", "state": "done", "product_qty": 2.0 }));
        assert_eq!(orders[1], json!({ "id": id + 1, "name": "WH/MO/00001-002", "state": "confirmed", "product_qty": 3.0 }));
        assert_eq!(bed.read("product.product", part, &["qty_available"]), 92.0);
    }
}

#[test]
fn invoices_are_made_of_orders_and_paid() {
    let bed = Bed::new(Version::V18);
    let order = confirmed(&bed, 10.0, 4.0);
    let of = json!([{ "advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order]]] }]);
    let wizard = bed.call("sale.advance.payment.inv", "create", json!([of[0]]), json!({}));
    bed.call("sale.advance.payment.inv", "create_invoices", json!([[wizard]]), json!({}));
    let invoice = bed.read("sale.order", order, &["invoice_ids"])[0].as_i64().unwrap();
    assert_eq!(bed.call("account.move", "action_post", json!([[invoice]]), json!({})), false);
    let context = json!({ "context": { "active_model": "account.move", "active_ids": [invoice] } });
    let payment = bed.call("account.payment.register", "create", json!([{ "payment_date": "2026-03-02" }]), context.clone());
    bed.call("account.payment.register", "action_create_payments", json!([[payment]]), context);
    assert_eq!(bed.read("account.move", invoice, &["payment_state"]), "paid");
    assert_eq!(bed.read("sale.order", order, &["invoice_status"]), "invoiced");
}

#[test]
fn validating_touches_the_order_and_a_line_of_a_move_does_not() {
    let bed = Bed::new(Version::V19);
    let order = confirmed(&bed, 10.0, 4.0);
    let written = |after: u64| {
        let changes = bed.odoo.changes_after(after);
        changes.iter().any(|it| it.model == "sale.order" && it.id == order && it.deed == Deed::Written)
    };
    let last = || bed.odoo.changes().last().unwrap().sequence;
    let before = last();
    let line = bed.search("stock.move.line", json!([["picking_id", "=", 1]]))[0];
    bed.call("stock.move.line", "write", json!([[line], { "quantity": 3.0 }]), json!({}));
    assert!(!written(before));
    let before = last();
    bed.call("stock.picking", "button_validate", json!([[1]]), json!({ "context": { "skip_backorder": true } }));
    assert!(written(before));
}

#[test]
fn one_validation_rings_for_each_write_of_a_quant() {
    let bed = Bed::new(Version::V18);
    let (first, second) = (bed.product("A", 10.0), bed.product("B", 10.0));
    let lines: Vec<Json> =
        [first, second].iter().map(|id| json!([0, 0, { "product_id": id, "product_uom_qty": 1.0 }])).collect();
    let order = bed.create("sale.order", json!({ "partner_id": 7, "order_line": lines }));
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
    let of = bed.search("ir.model", json!([["model", "=", "stock.quant"]]))[0];
    let fields = bed.search(
        "ir.model.fields",
        json!([["model", "=", "stock.quant"], ["name", "in", ["quantity", "reserved_quantity"]]]),
    );
    let action = json!([0, 0, { "name": "q", "model_id": of, "state": "webhook", "webhook_url": "http://x", "webhook_field_ids": [[6, 0, fields]] }]);
    bed.create(
        "base.automation",
        json!({
            "name": "q", "model_id": of, "trigger": "on_create_or_write",
            "trigger_field_ids": [[6, 0, fields]], "action_server_ids": [action],
        }),
    );
    let heard = bed.listen(0);
    bed.call("stock.picking", "button_validate", json!([[1]]), json!({}));
    assert_eq!(heard.lock().unwrap().len(), 6);
}
