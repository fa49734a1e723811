//! Invoices posted, and words for people.

use serde_json::json;
use sim::odoo::{Fault, Version};

use crate::bed::{Bed, MEASURED};

async fn order(version: Version) -> (Bed, i64) {
    let bed = Bed::new(version).await;
    let order = bed.create("sale.order", json!({ "partner_id": 7 })).await;
    (bed, order)
}

#[tokio::test]
async fn an_invoice_is_posted_once() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let product = bed.product("BOLT-M8", 0.0, "none").await;
        let line = json!([0, 0, { "product_id": product, "quantity": 3, "price_unit": 9.5 }]);
        let values = json!({ "move_type": "out_invoice", "partner_id": 7, "invoice_line_ids": [line] });
        let invoice = bed.create("account.move", values).await;
        let post = json!({ "command": "post_invoice", "record": { "id": invoice } });
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        assert_eq!(bed.give("dlv_1", &post).await.outcome.cause(), "timeout");
        assert_eq!(bed.done_once("dlv_1", &post).await["state"], "posted");
        assert_eq!(bed.odoo.load().count("account.move", "action_post"), 1);
        bed.end().await;
    }
}

#[tokio::test]
async fn a_message_is_posted_once_for_a_delivery_and_again_for_another() {
    for version in MEASURED {
        let (bed, order) = order(version).await;
        let post = json!({ "command": "post_message", "model": "sale.order", "record": { "id": order }, "body": "shipped <today>" });
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        assert_eq!(bed.give("dlv_1", &post).await.outcome.cause(), "timeout");
        bed.odoo.end_fault(Fault::TimeoutAfter);
        bed.done_once("dlv_1", &post).await;
        bed.done_once("dlv_2", &post).await;
        let rows = bed.find("mail.message", json!([]), &["body", "message_id"]).await;
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (&rows[0]["body"], &rows[0]["message_id"]),
            (&json!("<p>shipped &lt;today&gt;</p>"), &json!("<dlv_1@crossdock>"))
        );
        bed.end().await;
    }
}

#[tokio::test]
async fn an_activity_is_scheduled_once_for_a_delivery() {
    for version in MEASURED {
        let (bed, order) = order(version).await;
        let schedule = json!({
            "command": "schedule_activity", "model": "sale.order", "record": { "id": order }, "summary": "call back", "due": "2026-12-01",
        });
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        assert_eq!(bed.give("dlv_1", &schedule).await.outcome.cause(), "timeout");
        bed.odoo.end_fault(Fault::TimeoutAfter);
        bed.done_once("dlv_1", &schedule).await;
        let rows = bed.find("mail.activity", json!([]), &["summary", "res_model", "res_id", "date_deadline"]).await;
        assert_eq!((rows.len(), &rows[0]["res_model"], &rows[0]["res_id"]), (1, &json!("sale.order"), &json!(order)));
        assert_eq!(rows[0]["date_deadline"], "2026-12-01");
        bed.end().await;
    }
}

#[tokio::test]
async fn a_user_without_the_right_is_told_so_by_the_cause() {
    for version in MEASURED {
        let (bed, order) = order(version).await;
        bed.odoo.begin_fault(Fault::AccessRemoved);
        let post = json!({ "command": "confirm", "model": "sale.order", "record": { "id": order } });
        let (cause, said) = bed.refused("dlv_1", &post).await;
        assert_eq!(cause, "odoo_access");
        assert!(said["message"].as_str().unwrap().contains("not allowed") && !said.to_string().contains("Traceback"));
        bed.end().await;
    }
}
