//! What comes under the key of a quarantined event later: the sender hears 409, the person finds it beside the event, sees its
//! bytes with the scope `bodies` alone, and resubmits it with one command.

use http::Method;
use serde_json::{Value, json};

use crate::product::{Answer, Product};

const MENDED: &str = r#"{"id":"q","type":"known","for":"Ada Lovelace"}"#;

async fn contradict(product: &Product, body: &str) -> Answer {
    let sent = product.ask(Method::POST, "/in/strict").header("content-type", "application/json").body(body).send();
    sent.await.tells(409, "key-reused")
}

async fn row(product: &Product, path: &str) -> (String, Value) {
    let shown = product.get(path).await.is(200);
    (shown.header("etag").to_owned(), shown.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sender_mended_is_resubmitted_with_one_command() {
    let product = Product::start().await;
    let event = product.quarantined_event().await;
    let path = format!("/api/v1/quarantine/{event}");
    let (before, shown) = row(&product, &path).await;
    assert_eq!(shown.get("later"), None, "{shown}");
    product.get(&format!("{path}/later/body")).await.tells(404, "not-found");
    let resubmit = |digest: Option<&str>| json!({ "action": "resubmit", "digest": digest, "why": "the shop mended it" });
    product.post(&path, &resubmit(None)).await.tells(422, "refused");

    let told = contradict(&product, MENDED).await.json();
    assert!(told["detail"].as_str().unwrap().contains("beside it"), "{told}");
    let (version, shown) = row(&product, &path).await;
    let later = &shown["later"];
    assert_eq!((&later["count"], &later["bytes"], &later["reasons"]), (&json!(1), &json!(MENDED.len()), &json!([])));
    let digest = later["digest"].as_str().unwrap().to_owned();
    assert_eq!(product.get(&format!("{path}/later/body")).await.is(200).text, MENDED);

    // Whoever decides has to have seen it, and decides on what was seen.
    let stale = product.ask(Method::POST, &path).header("if-match", &*before);
    stale.json(&json!({ "action": "close", "why": "late" })).send().await.tells(412, "stale");
    let unseen = product.post(&path, &json!({ "action": "release", "why": "fine" })).await.tells(422, "refused").json();
    assert!(unseen["detail"].as_str().unwrap().contains(&digest), "{unseen}");
    product.post(&path, &resubmit(Some(&"0".repeat(64)))).await.tells(409, "changed-meanwhile");
    let done = product.ask(Method::POST, &path).header("if-match", &*version).json(&resubmit(Some(&digest))).send();
    let done = done.await.is(200).json();
    assert!(done["text"].as_str().unwrap().contains("was corrected by admin"), "{done}");
    let (_, shown) = row(&product, &path).await;
    assert_eq!((&shown["state"]["state"], &shown["state"]["as_event"]), (&json!("resubmitted"), &done["as_event"]));
    let told = contradict(&product, r#"{"id":"q","type":"late"}"#).await.json();
    assert!(!told["detail"].as_str().unwrap().contains("beside it"), "{told}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_bytes_are_read_with_the_scope_bodies_alone_and_survive_a_restart() {
    let product = Product::start().await;
    let event = product.quarantined_event().await;
    contradict(&product, MENDED).await;
    let product = product.restart().await;
    let path = format!("/api/v1/quarantine/{event}");
    for (scopes, status) in [(&["read"][..], 403), (&["read", "operate"], 403), (&["read", "bodies"], 200)] {
        let token = format!("Bearer {}", product.token("somebody", scopes).await);
        let ask = |path: String| product.ask(Method::GET, &path).header("authorization", &*token).send();
        let shown = ask(path.clone()).await.is(200);
        assert!(shown.json()["later"]["digest"].is_string() && !shown.text.contains("Lovelace"), "{shown:?}");
        let bytes = ask(format!("{path}/later/body")).await.is(status);
        assert_eq!(bytes.text == MENDED, status == 200, "{scopes:?}");
    }
    product.stop().await;
}
