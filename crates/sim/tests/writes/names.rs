//! External ids, asked for by a plain user, who may not read where Odoo keeps them.

use adapters::odoo::Standing;
use serde_json::{Value as Json, json};

use crate::bed::{Bed, GROUPS, MEASURED};

fn unit(external: &str) -> Json {
    json!({
        "command": "upsert", "model": "product.product", "external_id": "crossdock.bolt",
        "values": { "name": "Bolt", "uom_id": { "external_id": external } },
    })
}

#[tokio::test]
async fn a_reference_is_there_is_not_there_or_is_hidden_from_our_user() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        assert_eq!(bed.refused("dlv_1", &unit("uom.nope")).await.0, "odoo_reference");
        assert_eq!(bed.refused("dlv_2", &unit("ext.cust_1")).await.0, "odoo_reference", "it is another model's");
        bed.odoo.hide("uom.uom", &[1]);
        let (cause, said) = bed.refused("dlv_3", &unit("uom.product_uom_unit")).await;
        assert_eq!(cause, "odoo_access");
        assert!(said["why"].as_str().unwrap().contains("hidden from our user"), "{said}");
        bed.odoo.show("uom.uom");
        bed.done_once("dlv_4", &unit("uom.product_uom_unit")).await;
        bed.end().await;
    }
}

#[tokio::test]
async fn a_record_of_ours_that_is_archived_is_still_it() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let made = bed.done("dlv_1", &unit("uom.product_uom_unit")).await;
        bed.call("product.product", "write", json!([[made["id"]], { "active": false }]), json!({})).await;
        assert_eq!(bed.done_once("dlv_2", &unit("uom.product_uom_unit")).await["id"], made["id"]);
        bed.end().await;
    }
}

#[tokio::test]
async fn external_ids_and_the_list_of_models_are_read_by_who_gives_rights_and_by_nobody_else() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        for model in ["ir.model.data", "ir.model"] {
            assert!(matches!(bed.may_read(&GROUPS, model).await, Standing::Refused(_)), "{model}");
            assert_eq!(bed.may_read(&["Administration/Access Rights"], model).await, Standing::Granted, "{model}");
        }
        bed.end().await;
    }
}

#[tokio::test]
async fn lots_that_two_register_at_once_are_there_once() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("FRAME-1", 0.0, "lot").await;
        bed.odoo.set_hold(model::TimeSpan::from_secs(2));
        let register = json!({ "command": "register_lots", "product": { "id": frame }, "lots": ["LOT-A", "LOT-B"] });
        let attempts = ["a", "b", "c", "d"].map(|key| bed.until_done(key, &register));
        futures::future::join_all(attempts).await;
        let lots = bed.find("stock.lot", json!([]), &["name"]).await;
        assert_eq!(lots.iter().map(|lot| lot["name"].as_str().unwrap()).collect::<Vec<_>>(), ["LOT-A", "LOT-B"]);
        bed.end().await;
    }
}

#[tokio::test]
async fn a_lot_that_a_person_named_otherwise_is_left_so() {
    for version in MEASURED {
        let bed = Bed::new(version).await;
        let frame = bed.product("FRAME-1", 0.0, "lot").await;
        let register = json!({ "command": "register_lots", "product": { "id": frame }, "lots": ["LOT-A"] });
        let lot = bed.done_once("dlv_1", &register).await["ids"][0].clone();
        bed.call("stock.lot", "write", json!([[lot], { "name": "LOT-B" }]), json!({})).await;
        assert_eq!(bed.refused("dlv_2", &register).await.0, "odoo_unmet");
        assert_eq!(bed.find("stock.lot", json!([]), &["name"]).await[0]["name"], "LOT-B");
        bed.end().await;
    }
}

#[tokio::test]
async fn more_lots_than_are_made_at_once_are_all_made() {
    let bed = Bed::new(MEASURED[1]).await;
    let frame = bed.product("FRAME-1", 0.0, "serial").await;
    let names: Vec<String> = (0..450).map(|number| format!("SN-{number:03}")).collect();
    let register = json!({ "command": "register_lots", "product": { "id": frame }, "lots": names });
    assert_eq!(bed.done_once("dlv_1", &register).await["ids"].as_array().unwrap().len(), names.len());
    assert_eq!(bed.odoo.load().count("stock.lot", "load"), 3);
    bed.end().await;
}
