//! Writing: lists with commands, external ids, uniqueness, and what may not be deleted.

use serde_json::{Value as Json, json};
use sim::odoo::{Ending, Fault, Version};

use crate::bed::{Bed, MEASURED};

#[test]
fn commands_change_the_lines_of_an_order() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 0.0);
        let order = bed.order(product, 1.0);
        let write =
            |commands: Json| bed.call("sale.order", "write", json!([[order], { "order_line": commands }]), json!({}));
        let amount = || bed.read("sale.order", order, &["amount_untaxed"]);
        write(json!([[0, 0, { "product_id": product, "product_uom_qty": 2.0 }]]));
        assert_eq!((bed.read("sale.order", order, &["order_line"]), amount()), (json!([1, 2]), json!(30.0)));
        write(json!([[1, 1, { "product_uom_qty": 4.0 }]]));
        assert_eq!(amount(), 60.0);
        write(json!([[2, 2, 0]]));
        assert_eq!(bed.read("sale.order", order, &["order_line"]), json!([1]));
        write(json!([[5, 0, 0]]));
        assert_eq!(bed.read("sale.order", order, &["order_line"]), json!([]));
    }
}

#[test]
fn without_external_ids_of_the_lines_a_load_adds_them_again() {
    let bed = Bed::new(Version::V18);
    let product = bed.product("Bolt", 0.0);
    let load = |columns: Json, rows: Json| bed.call("sale.order", "load", json!([columns, rows]), json!({}));
    let columns = json!(["id", "partner_id/.id", "order_line/product_id/.id", "order_line/product_uom_qty"]);
    let product = product.to_string();
    let rows = json!([["ext.so", "7", product, "1"], ["", "", product, "2"]]);
    let first = load(columns.clone(), rows.clone());
    let order = first["ids"][0].as_i64().unwrap();
    load(columns, rows);
    assert_eq!(bed.read("sale.order", order, &["order_line"]).as_array().unwrap().len(), 4);
}

#[test]
fn a_load_that_fails_in_one_row_writes_no_row() {
    let bed = Bed::new(Version::V19);
    let rows = json!([["ext.a", "A", ""], ["ext.b", "B", "no such parent"]]);
    let answer = bed.call("res.partner", "load", json!([["id", "name", "parent_id"], rows]), json!({}));
    assert_eq!(answer["ids"], false);
    assert_eq!((&answer["messages"][0]["record"], &answer["messages"][0]["field"]), (&json!(1), &json!("parent_id")));
    assert!(bed.search("res.partner", json!([["name", "=", "A"]])).is_empty());
    let ids = bed.call("res.partner", "load", json!([["id", "name"], [["ext.a", "A"]]]), json!({}))["ids"].clone();
    let by_id = json!([[".id", "name"], [[ids[0].to_string(), "A2"]]]);
    assert_eq!(bed.call("res.partner", "load", by_id, json!({}))["ids"], ids);
    assert_eq!(bed.read("res.partner", ids[0].as_i64().unwrap(), &["name"]), "A2");
}

#[test]
fn an_external_id_is_free_again_when_its_record_is_gone() {
    let bed = Bed::new(Version::V18);
    let load =
        || bed.call("res.partner", "load", json!([["id", "name"], [["ext.a", "A"]]]), json!({}))["ids"][0].as_i64().unwrap();
    let first = load();
    bed.call("res.partner", "unlink", json!([[first]]), json!({}));
    assert!(bed.search("ir.model.data", json!([["module", "=", "ext"]])).is_empty());
    let second = load();
    assert_ne!(first, second);
    assert_eq!(load(), second);
    let data = json!([{ "module": "ext", "name": "a", "model": "res.partner", "res_id": second }]);
    assert_eq!(bed.refused("ir.model.data", "create", data, json!({})).name(), "odoo.exceptions.ValidationError");
}

#[test]
fn what_is_under_way_cannot_be_deleted() {
    let bed = Bed::new(Version::V18);
    let product = bed.product("Bolt", 5.0);
    let order = bed.order(product, 1.0);
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
    assert_eq!(bed.refused("sale.order", "unlink", json!([[order]]), json!({})).name(), "odoo.exceptions.UserError");
    assert_eq!(bed.refused("res.partner", "unlink", json!([[7]]), json!({})).name(), "odoo.exceptions.ValidationError");
    let draft = bed.order(product, 1.0);
    bed.call("sale.order", "unlink", json!([[draft]]), json!({}));
    assert!(bed.search("sale.order.line", json!([["order_id", "=", draft]])).is_empty());
}

#[test]
fn messages_and_activities_leave_the_write_date_alone() {
    let bed = Bed::new(Version::V19);
    let order = bed.order(bed.product("Bolt", 5.0), 1.0);
    let before = bed.odoo.record("sale.order", order).unwrap();
    bed.run(bed.sleep(5_000));
    bed.call("sale.order", "message_post", json!([[order]]), json!({ "body": "a <b>" }));
    bed.call("sale.order", "activity_schedule", json!([[order]]), json!({ "summary": "look" }));
    assert_eq!(bed.odoo.record("sale.order", order).unwrap(), before);
    let messages = bed.call("mail.message", "search_read", json!([[]]), json!({ "fields": ["body"] }));
    assert_eq!(messages[0]["body"], "<p>a &lt;b&gt;</p>");
}

#[test]
fn repeated_loads_through_faults_make_each_order_once_with_its_lines() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 0.0).to_string();
        for (fault, in_thousand) in
            [(Fault::TimeoutAfter, 150), (Fault::TimeoutBefore, 100), (Fault::Serialization, 100), (Fault::ProxyPage, 50)]
        {
            bed.odoo.begin_fault_for(fault, in_thousand);
        }
        let columns = json!([
            "id",
            "partner_id/.id",
            "client_order_ref",
            "order_line/id",
            "order_line/product_id/.id",
            "order_line/product_uom_qty"
        ]);
        for number in 0..100 {
            let line = |place: u32| format!("ext.so_{number}_l{place}");
            let rows = json!([
                [format!("ext.so_{number}"), "7", format!("E-{number}"), line(1), product, "1"],
                ["", "", "", line(2), product, "2"],
            ]);
            let load = bed.execute("sale.order", "load", json!([columns, rows]), json!({}));
            let is_done = |_: &u32| {
                let reply = bed.answer(&load);
                reply.ending == Ending::Answered && reply.value()["result"]["ids"].is_array()
            };
            (0..50).find(is_done).expect("it comes through");
        }
        for fault in Fault::ALL {
            bed.odoo.end_fault(fault);
        }
        assert_eq!(bed.search("sale.order", json!([])).len(), 100);
        assert_eq!(bed.search("sale.order.line", json!([])).len(), 200);
    }
}
