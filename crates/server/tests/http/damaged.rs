//! Rows of the store that cannot be read, as people meet them: what is wrong is said, and what can be done is done.

use serde_json::json;

use crate::product::Product;

/// A replay that runs and waits for its canary, which the paused warehouse does not take.
async fn running_replay(product: &Product) -> String {
    let first = product.waiting_delivery("1").await;
    let second = product.waiting_delivery("2").await;
    let cancel = json!({ "deliveries": [first["id"], second["id"]], "why": "a test" });
    product.post("/api/v1/deliveries/cancel", &cancel).await.is(200);
    let select = json!({ "select": "events", "events": [first["event"], second["event"]] });
    let order = json!({ "selection": select, "canary": 1, "why": "a test" });
    product.post("/api/v1/replays", &order).await.is(200).json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_replay_says_so_and_is_cancelled_all_the_same() {
    let product = Product::start().await;
    let id = running_replay(&product).await;
    let product = product.damaged("UPDATE replays SET content = '{'").await;
    let path = format!("/api/v1/replays/{id}");
    let problem = product.get(&path).await.tells(500, "corrupt").json();
    let told = problem["detail"].as_str().unwrap();
    assert!(told.starts_with(&format!("the replay {id} cannot be read")), "{told}");
    assert!(told.contains(&format!("`crossdock replay cancel {id} --reason …`")), "{told}");
    let cancelled = product.post(&format!("{path}/cancel"), &json!({ "why": "it is damaged" })).await.is(200).json();
    assert_eq!(cancelled, json!({ "text": "cancelled, though it cannot be read; what was sent stays sent" }));
    let again = product.post(&format!("{path}/cancel"), &json!({ "why": "it is damaged" })).await.tells(422, "refused");
    assert!(again.text.contains("does not run any more"), "{}", again.text);
    let audit = product.get(&format!("/api/v1/audit?subject={id}")).await.is(200).json();
    let actions: Vec<_> = audit["rows"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["replay.cancel", "replay.order"]);
    product.stop().await;
}

/// What a status says of rows that cannot be read.
async fn concern(product: &Product) -> Vec<String> {
    let status = product.get("/api/v1/status").await.is(200).json();
    let concerns = status["concerns"].as_array().unwrap().iter();
    concerns.filter(|it| it["kind"] == "unreadable").map(|it| it["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_which_rows_it_lacks_and_the_status_counts_each_once() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let cancel = json!({ "deliveries": [delivery["id"]], "why": "a test" });
    product.post("/api/v1/deliveries/cancel", &cancel).await.is(200);
    let other = product.waiting_delivery("2").await;
    let product = product.damaged("UPDATE deliveries SET origin = 77 WHERE is_final = 1").await;
    assert_eq!(concern(&product).await, [""; 0], "no loop looks at what is over");
    for _ in 0..2 {
        let page = product.get("/api/v1/deliveries").await.is(200).json();
        assert_eq!(page["rows"].as_array().unwrap().iter().map(|row| &row["id"]).collect::<Vec<_>>(), [&other["id"]]);
        let lacking = format!("delivery {}: there is no origin 77", delivery["id"].as_str().unwrap());
        assert_eq!(page["unreadable"], json!([lacking]));
    }
    let told = concern(&product).await;
    assert!(matches!(&told[..], [one] if one.starts_with("1 row of the store cannot be read")), "{told:?}");
    let switches = product.get("/api/v1/switches").await.is(200).json();
    assert!(switches.get("unreadable").is_none(), "{switches}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_quarantined_event_takes_neither_the_page_nor_the_status_away() {
    let product = Product::start().await;
    let event = product.quarantined_event().await;
    let product = product.damaged("UPDATE quarantine SET content = '{'").await;
    let page = product.get("/api/v1/quarantine").await.is(200).json();
    assert!(page["unreadable"][0].as_str().unwrap().starts_with(&format!("quarantined event {event}: ")), "{page}");
    assert_eq!(concern(&product).await.len(), 1);
    product.stop().await;
}
