//! What happened to an event is told for longer than its bytes are kept.

use http::Method;
use serde_json::{Value, json};

use crate::product::{LOOKS_MAX, Product};

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_an_event_is_told_when_its_bytes_are_gone() {
    let product = Product::start().await;
    let accepted = product.ask(Method::POST, "/in/shop").json(&json!({ "id": "1" })).send().await.is(202).json();
    let event = accepted["id"].as_str().unwrap().to_owned();
    let delivery = a_delivery(&product).await;
    cancel(&product, &delivery).await;
    let before = product.get(&format!("/api/v1/trace/{event}")).await.is(200).json();
    assert_eq!((&before["events"][0]["state"], &before["events"][0]["event"]["id"]), (&json!("done"), &json!(event)));

    let product = product.restart_with(|settings| settings.body_days = 0).await;
    let mut looks = 0;
    while product.get(&format!("/api/v1/events/{event}")).await.status == 200 {
        looks += 1;
        assert!(looks < LOOKS_MAX, "its bytes stay");
    }
    for reference in [&event, &delivery] {
        let trace = product.get(&format!("/api/v1/trace/{reference}")).await.is(200).json();
        let [told] = &trace["events"].as_array().unwrap()[..] else { panic!("{trace}") };
        assert_eq!((&told["id"], &told["event"], &told["state"]), (&json!(event), &Value::Null, &json!("done")), "{trace}");
        assert_eq!(told["deliveries"][0]["delivery"]["id"], json!(delivery), "{trace}");
        assert_eq!(told["hops"][0]["what"], "routed", "{trace}");
    }
    let unknown = "019cadc6-9af8-858e-af90-7f905050a69a";
    product.get(&format!("/api/v1/trace/{unknown}")).await.tells(404, "not-found");
    product.stop().await;
}

/// Between two attempts.
async fn cancel(product: &Product, delivery: &str) {
    let (path, why) = (format!("/api/v1/deliveries/{delivery}/cancel"), json!({ "why": "nobody is there" }));
    let mut told = String::new();
    for _ in 0..LOOKS_MAX {
        let answer = product.post(&path, &why).await;
        if answer.status == 200 {
            return;
        }
        told = answer.text;
    }
    panic!("{told}");
}

async fn a_delivery(product: &Product) -> String {
    for _ in 0..LOOKS_MAX {
        let rows = product.get("/api/v1/deliveries").await.is(200).json();
        if let Some(id) = rows["rows"][0]["id"].as_str() {
            return id.to_owned();
        }
    }
    panic!("the event makes no delivery");
}
