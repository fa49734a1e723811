//! Notes at records that can be ended once, where attempts, people and other commands come between: whose a record is, and that
//! each shipment is made once.

use serde_json::{Value as Json, json};
use sim::odoo::{Fault, Open};

use crate::batches::{boxed, done, four_bolts, four_tables, made, produced, shipped};
use crate::bed::{Bed, MEASURED};

/// The note of a delivery at a record, by a transaction that stays open: its id is given now, and seen only when it is committed.
fn late_note(bed: &Bed, (model, id): (&str, &Json), name: &str) -> Open {
    let mut open = bed.odoo.begin();
    let note = json!({ "body": "x", "subtype_xmlid": "mail.mt_note", "message_id": name });
    open.call(model, "message_post", &json!([[id]]), &note).expect("nobody else holds it");
    open
}

async fn notes(bed: &Bed) -> Vec<(Json, Json)> {
    let rows = bed.find("mail.message", json!([["message_id", "=like", "%@crossdock>"]]), &["message_id", "res_id"]).await;
    rows.into_iter().map(|row| (row["message_id"].clone(), row["res_id"].clone())).collect()
}

async fn only(bed: &Bed, model: &str) -> Json {
    bed.find(model, json!([]), &["name"]).await[0]["id"].clone()
}

#[tokio::test]
async fn a_reference_that_leads_to_the_backorder_by_the_second_attempt_ships_once() {
    for version in MEASURED {
        let (bed, _) = four_bolts(version).await;
        let origin = bed.find("stock.picking", json!([]), &["origin"]).await[0]["origin"].clone();
        for fault in [None, Some(Fault::TimeoutAfter)] {
            let mut one = boxed("", "1", "1ZA");
            one["record"] = json!({ "find": { "origin": origin, "state": "assigned" } });
            let key = if fault.is_some() { "dlv_b" } else { "dlv_a" };
            let before = bed.odoo.load().count("stock.picking", "button_validate");
            if let Some(fault) = fault {
                bed.odoo.begin_fault(fault);
                bed.until_done(key, &one).await;
                bed.odoo.end_fault(fault);
            }
            bed.done_once(key, &one).await;
            assert_eq!(bed.odoo.load().count("stock.picking", "button_validate"), before + 1);
        }
        assert_eq!(shipped(&bed).await.1.to_string(), "2", "one of each");
        bed.end().await;
    }
}

#[tokio::test]
async fn an_order_that_is_found_by_its_state_is_finished_once() {
    for version in MEASURED {
        let (bed, _) = four_tables(version).await;
        let mut one = made("", "2", "make");
        one["record"] = json!({ "find": { "state": "confirmed" } });
        bed.done_once("dlv_a", &one).await;
        assert_eq!(produced(&bed).await.0, [2.0, 0.0]);
        bed.end().await;
    }
}

#[tokio::test]
async fn what_a_person_validated_before_a_note_whose_answer_was_lost_is_not_the_commands() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let id = only(&bed, "stock.picking").await;
        let moves = bed.find("stock.move", json!([["picking_id", "=", id]]), &["id"]).await[0]["id"].clone();
        bed.call("stock.move", "write", json!([[moves], { "quantity": 2, "picked": true }]), json!({})).await;
        let context = json!({ "context": { "skip_backorder": true } });
        bed.call("stock.picking", "button_validate", json!([[id]]), context).await;
        // The first attempt had read before; its note came behind, and its answer never.
        let note = json!({ "body": "x", "message_id": "<dlv_a.validate@crossdock>" });
        let note = bed.call("stock.picking", "message_post", json!([[id]]), note).await;
        bed.call("mail.message", "write", json!([[note], { "date": "2036-03-02 09:00:00" }]), json!({})).await;
        let (cause, said) = bed.refused("dlv_a", &boxed(&name, "2", "1ZA")).await;
        assert_eq!(cause, "odoo_unmet");
        assert!(said["why"].as_str().unwrap().contains("by no command"), "{said}");
        assert_eq!(notes(&bed).await, [], "the next one finds it as it is");
        assert_eq!(bed.refused("dlv_a", &boxed(&name, "2", "1ZA")).await.0, "odoo_unmet");
        bed.end().await;
    }
}

#[tokio::test]
async fn a_note_that_is_committed_late_is_not_the_first_although_its_id_is() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let id = only(&bed, "stock.picking").await;
        let late = late_note(&bed, ("stock.picking", &id), "<dlv_a.validate@crossdock>");
        let second = bed.done("dlv_b", &boxed(&name, "2", "1ZB")).await;
        late.commit().await.unwrap();
        let (cause, said) = bed.refused("dlv_a", &boxed(&name, "2", "1ZA")).await;
        assert_eq!((second["id"].clone(), cause.as_str()), (id.clone(), "odoo_unmet"));
        let why = said["why"].as_str().unwrap();
        assert!(why.contains("dlv_a") && why.contains("dlv_b"), "{why}");
        // A person says that it was the other one.
        let own = json!([["message_id", "=", "<dlv_a.validate@crossdock>"]]);
        let own = bed.find("mail.message", own, &["id"]).await[0]["id"].clone();
        bed.call("mail.message", "unlink", json!([[own]]), json!({})).await;
        let first = bed.done_once("dlv_a", &boxed(&name, "2", "1ZA")).await;
        assert_ne!(first["id"], id);
        assert_eq!(shipped(&bed).await, (done(&["1ZB", "1ZA"]), 4.0));
        bed.end().await;
    }
}

#[tokio::test]
async fn what_an_attempt_ended_stays_its_own_when_an_earlier_note_turns_up_meanwhile() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let id = only(&bed, "stock.picking").await;
        let late = late_note(&bed, ("stock.picking", &id), "<dlv_a.validate@crossdock>");
        bed.odoo.set_hold(model::TimeSpan::from_secs(10));
        let turns_up = async {
            while bed.odoo.load().count("stock.picking", "button_validate") == 0 {
                tokio::task::yield_now().await;
            }
            late.commit().await.unwrap();
        };
        let two = boxed(&name, "2", "1ZB");
        let (said, ()) = tokio::join!(bed.done("dlv_b", &two), turns_up);
        assert_eq!(said["id"], id);
        assert_eq!(bed.odoo.load().count("stock.picking", "button_validate"), 1);
        bed.end().await;
    }
}

#[tokio::test]
async fn who_finds_another_note_behind_its_own_goes_and_comes_again_whatever_the_ids() {
    for version in MEASURED {
        let (bed, name) = four_bolts(version).await;
        let id = only(&bed, "stock.picking").await;
        let late = late_note(&bed, ("stock.picking", &id), "<dlv_a.validate@crossdock>");
        // Its note is there, and its attempt over.
        bed.odoo.begin_fault(Fault::TimeoutAfter);
        bed.give_shortly("dlv_b", &boxed(&name, "2", "1ZB")).await;
        bed.odoo.end_fault(Fault::TimeoutAfter);
        assert_eq!(notes(&bed).await, [(json!("<dlv_b.validate@crossdock>"), id.clone())]);
        late.commit().await.unwrap();
        let (one, two) = (boxed(&name, "2", "1ZA"), boxed(&name, "2", "1ZB"));
        assert_eq!(bed.refused("dlv_a", &one).await.0, "odoo_concurrency");
        assert_eq!(notes(&bed).await, [(json!("<dlv_b.validate@crossdock>"), id.clone())], "the earlier id has gone");
        bed.until_done("dlv_b", &two).await;
        bed.until_done("dlv_a", &one).await;
        assert_eq!(shipped(&bed).await, (done(&["1ZB", "1ZA"]), 4.0));
        bed.end().await;
    }
}
