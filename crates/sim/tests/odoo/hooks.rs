//! Webhooks out of Odoo by version: the body, when it is sent, phantoms, doubles, and receivers that are slow or away; and the
//! outbox addon, which has none of these troubles.

use futures::FutureExt as _;
use model::TimeSpan;
use serde_json::json;
use sim::odoo::{Addon, Fault, Options, Receipt, Version};
use std::sync::{Arc, Mutex};

use crate::bed::{Bed, MEASURED};

#[test]
fn the_body_is_what_was_measured() {
    for (version, name) in [(Version::V18, "Send Webhook Notification"), (Version::V19, "hook")] {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        bed.rule(
            "sale.order",
            "sale",
            &["name", "state", "partner_id", "order_line", "date_order", "client_order_ref", "write_date"],
        );
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let ears = Arc::clone(&heard);
        bed.odoo.set_sender(Arc::new(move |hook| {
            ears.lock().unwrap().push(hook.body);
            async { Receipt::Taken }.boxed()
        }));
        let order = bed.order(product, 2.0);
        bed.run(bed.sleep(1));
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
        let expected = format!(
            r#"{{"_action": "{name}(#1)", "_id": 1, "_model": "sale.order", "client_order_ref": false, "date_order": "2026-03-02 09:00:00", "id": 1, "name": "S00001", "order_line": [1], "partner_id": 7, "state": "sale", "write_date": "2026-03-02 09:00:00.001000"}}"#
        );
        assert_eq!(*heard.lock().unwrap(), [expected], "{version:?}");
    }
}

#[test]
fn a_deletion_rings_where_a_rule_asks_for_it() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let of = bed.search("ir.model", json!([["model", "=", "res.partner"]]))[0];
        let action =
            json!([0, 0, { "name": "gone", "model_id": of, "state": "webhook", "webhook_url": "http://receiver/gone" }]);
        let rule = json!({ "name": "gone", "model_id": of, "trigger": "on_unlink", "action_server_ids": [action] });
        bed.create("base.automation", rule);
        let heard = bed.listen(0);
        let id = bed.create("res.partner", json!({ "name": "Not for long" }));
        bed.call("res.partner", "write", json!([[id], { "name": "Still there" }]), json!({}));
        assert_eq!(heard.lock().unwrap().len(), 0, "{version:?}");
        bed.call("res.partner", "unlink", json!([[id]]), json!({}));
        let told = heard.lock().unwrap().clone();
        assert_eq!(
            told.iter().map(|hook| (&hook["_model"], &hook["_id"])).collect::<Vec<_>>(),
            [(&json!("res.partner"), &json!(id))]
        );
    }
}

#[test]
fn a_webhook_is_run_by_hand_and_writes_nothing() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        let rule = bed.rule("sale.order", "sale", &["state"]);
        let order = bed.order(product, 2.0);
        let heard = bed.listen(0);
        let action = bed.search("ir.actions.server", json!([["base_automation_id", "=", rule]]));
        let before = (bed.odoo.changes().len(), bed.read("sale.order", order, &["write_date"]));
        let context = json!({ "active_model": "sale.order", "active_id": order, "active_ids": [order] });
        bed.call("ir.actions.server", "run", json!([action]), json!({ "context": context }));
        let told = heard.lock().unwrap().clone();
        assert_eq!(told.iter().map(|hook| &hook["_id"]).collect::<Vec<_>>(), [&json!(order)], "{version:?}");
        assert_eq!((bed.odoo.changes().len(), bed.read("sale.order", order, &["write_date"])), before);
    }
}

#[test]
fn a_done_transfer_is_told_before_its_date_is_written() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        bed.rule("stock.picking", "done", &["state", "date_done"]);
        let heard = bed.listen(0);
        let order = bed.order(product, 2.0);
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
        bed.call("stock.picking", "button_validate", json!([[1]]), json!({}));
        let told = heard.lock().unwrap()[0].clone();
        assert_eq!((&told["state"], &told["date_done"]), (&json!("done"), &json!(false)));
        assert_ne!(bed.read("stock.picking", 1, &["date_done"]), json!(false));
    }
}

#[test]
fn a_rollback_is_a_phantom_in_18_and_silent_in_19() {
    for (version, expected) in [(Version::V18, 1), (Version::V19, 0)] {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        bed.rule("sale.order", "sale", &["state"]);
        let heard = bed.listen(0);
        let order = bed.order(product, 2.0);
        let mut open = bed.odoo.begin();
        open.call("sale.order", "action_confirm", &json!([[order]]), &json!({})).unwrap();
        bed.run(open.roll_back());
        assert_eq!(heard.lock().unwrap().len(), expected, "{version:?}");
        assert_eq!(bed.read("sale.order", order, &["state"]), "draft");
        assert_eq!(bed.odoo.webhooks().phantom, expected as u64);
    }
}

#[test]
fn a_receiver_that_reads_back_sees_the_old_state_in_18_only() {
    for (version, expected) in [(Version::V18, "draft"), (Version::V19, "sale")] {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 10.0);
        bed.rule("sale.order", "sale", &["state"]);
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (odoo, eyes) = (bed.odoo.clone(), Arc::clone(&seen));
        bed.odoo.set_sender(Arc::new(move |_| {
            let (odoo, eyes) = (odoo.clone(), Arc::clone(&eyes));
            async move {
                let row = odoo.call("sale.order", "read", json!([[1], ["state"]]), json!({})).await.unwrap();
                eyes.lock().unwrap().push(row[0]["state"].as_str().unwrap().to_owned());
                Receipt::Taken
            }
            .boxed()
        }));
        let order = bed.order(product, 2.0);
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
        assert_eq!(*seen.lock().unwrap(), [expected]);
    }
}

#[test]
fn conflicts_double_the_webhooks_of_18() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 100.0);
        let order = bed.order(product, 2.0);
        bed.rule("sale.order", "sent", &["state"]);
        let heard = bed.listen(30);
        let confirm = || bed.odoo.call("sale.order", "write", json!([[order], { "state": "sent" }]), json!({}));
        let draft = || bed.odoo.call("sale.order", "write", json!([[order], { "origin": "x" }]), json!({}));
        bed.odoo.set_hold(TimeSpan::from_millis(30));
        let all = bed.run(async { futures::join!(draft(), confirm()) });
        assert!(all.0.is_ok() && all.1.is_ok(), "{all:?}");
        let told = heard.lock().unwrap().len();
        let webhooks = bed.odoo.webhooks();
        let expected = if version == Version::V18 { (2, 1) } else { (1, 0) };
        assert_eq!((told, webhooks.doubled), expected, "{version:?} {webhooks:?}");
    }
}

#[test]
fn a_slow_receiver_costs_a_second_for_each_record() {
    for version in MEASURED {
        let bed = Bed::new(version);
        let product = bed.product("Bolt", 100.0);
        bed.rule("sale.order", "sale", &["state"]);
        let orders: Vec<i64> = (0..5).map(|_| bed.order(product, 1.0)).collect();
        bed.listen(60_000);
        let before = bed.elapsed();
        bed.call("sale.order", "action_confirm", json!([orders]), json!({}));
        let took = TimeSpan::from_micros(bed.elapsed().micros() - before.micros());
        assert_eq!(took, TimeSpan::from_secs(5));
        let webhooks = bed.odoo.webhooks();
        assert_eq!((webhooks.sent, webhooks.lost), (5, 5));
    }
}

#[test]
fn lost_webhooks_are_drawn_from_the_seed() {
    let bed = Bed::new(Version::V19);
    let product = bed.product("Bolt", 1_000.0);
    bed.rule("sale.order", "sale", &["state"]);
    let heard = bed.listen(0);
    bed.odoo.begin_fault_for(Fault::HooksLost, 300);
    for _ in 0..50 {
        let order = bed.order(product, 1.0);
        bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
    }
    let webhooks = bed.odoo.webhooks();
    assert_eq!(webhooks.sent, 50);
    assert!((5..25).contains(&webhooks.lost), "{webhooks:?}");
    assert_eq!(heard.lock().unwrap().len() as u64, 50 - webhooks.lost);
}

fn with_addon(version: Version) -> Bed {
    Bed::with(&Options { addon: Addon::Installed, ..Options::new(version) })
}

#[test]
fn the_outbox_holds_back_what_a_late_committer_could_slip_under() {
    for version in MEASURED {
        let bed = with_addon(version);
        let mut open = bed.odoo.begin();
        let late = open.create("res.partner", &json!({ "name": "Late" })).unwrap();
        let early = bed.create("res.partner", json!({ "name": "Early" }));
        let pull = |txid: i64, id: i64| bed.call("crossdock.outbox", "pull", json!([txid, id, 10]), json!({}));
        let first = pull(0, 0);
        assert_eq!((first["rows"].as_array().unwrap().len(), &first["held_back"]), (0, &json!(1)));
        bed.run(open.commit()).unwrap();
        let rows = pull(0, 0);
        let ids: Vec<i64> = rows["rows"].as_array().unwrap().iter().map(|row| row["res_id"].as_i64().unwrap()).collect();
        assert_eq!(ids, [late, early]);
        assert_eq!((&rows["held_back"], &rows["more"]), (&json!(0), &json!(false)));
        assert_eq!(rows["rows"][0]["event_type"], "odoo.res.partner.created");
        assert_eq!(rows["rows"][0]["payload"]["name"], "Late");
        let next = &rows["next"];
        let rest = pull(next["txid"].as_i64().unwrap(), next["id"].as_i64().unwrap());
        assert_eq!((rest["rows"].as_array().unwrap().len(), &rest["next"]), (0, next));
        let epoch = rows["epoch"].clone();
        bed.call("crossdock.outbox", "acknowledge", json!([next["txid"], next["id"], epoch, "us"]), json!({}));
        assert_eq!(bed.odoo.acknowledged("us"), Some((next["txid"].as_i64().unwrap(), next["id"].as_i64().unwrap())));
    }
}

#[test]
fn the_outbox_tells_what_was_committed_and_nothing_else() {
    let bed = with_addon(Version::V18);
    let product = bed.product("Bolt", 10.0);
    let order = bed.order(product, 2.0);
    let rows = || bed.call("crossdock.outbox", "pull", json!([0, 0, 2_000]), json!({}))["rows"].as_array().unwrap().clone();
    let before = rows().len();
    let mut open = bed.odoo.begin();
    open.call("sale.order", "action_confirm", &json!([[order]]), &json!({})).unwrap();
    bed.run(open.roll_back());
    assert_eq!(rows().len(), before);
    bed.call("sale.order", "action_confirm", json!([[order]]), json!({}));
    let pickings = bed.search("stock.picking", json!([["sale_id", "=", order]]));
    bed.call("stock.picking", "button_validate", json!([pickings]), json!({}));
    let told = rows();
    let done = told.iter().find(|row| row["event_type"] == "odoo.stock.picking.done").unwrap();
    assert_ne!(done["payload"]["date_done"], json!(false));
    let confirmed = told.iter().filter(|row| row["event_type"] == "odoo.sale.order.confirmed").count();
    assert_eq!(confirmed, 1);
}

#[test]
fn without_the_addon_there_is_no_outbox_and_it_is_installed_over_a_call() {
    let bed = Bed::new(Version::V19);
    let failure = bed.refused("crossdock.outbox", "pull", json!([]), json!({}));
    assert_eq!(failure.message(), "Object crossdock.outbox doesn't exist");
    let module = bed.search("ir.module.module", json!([["name", "=", "crossdock_outbox"]]));
    bed.call("ir.module.module", "button_immediate_install", json!([module]), json!({}));
    bed.create("res.partner", json!({ "name": "A" }));
    let pulled = bed.call("crossdock.outbox", "pull", json!([]), json!({}));
    assert_eq!(pulled["rows"].as_array().unwrap().len(), 1);
    bed.odoo.restore();
    let other = bed.call("crossdock.outbox", "pull", json!([9_000, 9_000]), json!({ "epoch": pulled["epoch"] }));
    assert_ne!(other["epoch"], pulled["epoch"]);
    assert_eq!(
        (&other["reset"], &other["rows"], &other["next"]),
        (&json!(true), &json!([]), &json!({ "txid": 0, "id": 0 }))
    );
    let stale = bed.call("crossdock.outbox", "acknowledge", json!([1, 1, pulled["epoch"]]), json!({}));
    assert_eq!(stale["reset"], true);
}
