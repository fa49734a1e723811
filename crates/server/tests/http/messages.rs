//! What is sent to a destination, and what is told where HTTP cannot carry it.

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use server::tasks::Tasks;
use tokio::net::TcpListener;

use crate::product::Product;

/// A warehouse that says no: with these words and the content types that it got. Answers how it is declared.
pub(crate) async fn warehouse(tasks: &Tasks, words: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let refuse = move |headers: HeaderMap| async move {
        let types: Vec<_> = headers.get_all("content-type").iter().map(|value| value.to_str().unwrap()).collect();
        let words = if words.is_empty() { types.join(" and ") } else { words.to_owned() };
        (StatusCode::UNPROCESSABLE_ENTITY, words)
    };
    let router = Router::new().route("/orders", post(refuse));
    tasks.spawn("warehouse", async move {
        axum::serve(listener, router).await.unwrap();
        Ok(())
    });
    format!("    url: {url}\n    allow: [127.0.0.0/8]\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_http_cannot_carry_is_not_blamed_on_the_mapping() {
    let product = Product::start().await;
    product.give("wms/token", "one line\nand another");
    product
        .move_warehouse("    url: http://127.0.0.1:9/\n    allow: [127.0.0.0/8]\n    auth: { bearer: wms/token }\n")
        .await;
    let held = product.stuck_delivery().await;
    assert_eq!((&held["cause"], &held["output"]), (&json!("no_message"), &json!(null)), "{held}");
    let why = held["why"].as_str().unwrap();
    assert!(why.contains("the header `authorization` has characters that cannot be sent"), "{why}");
    assert!(!why.contains("mapping") && !why.contains("one line"), "{why}");
    let waits_for = held["waits_for"].as_str().unwrap();
    assert!(waits_for.contains("mend url, method, headers or secrets of wms"), "{waits_for}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_of_the_project_stands_in_place_of_the_usual_one() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    let lines = warehouse(&tasks, "").await;
    product.move_warehouse(&format!("{lines}    headers: {{ Content-Type: application/vnd.acme+json }}\n")).await;
    let held = product.stuck_delivery().await;
    let page = product.get(&format!("/api/v1/deliveries/{}", held["id"].as_str().unwrap())).await.is(200).json();
    assert_eq!(page["attempts"][0]["result"]["response"], "application/vnd.acme+json");
    product.stop().await;
}
