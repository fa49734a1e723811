//! A retry that would put an old state over a newer one is not advised, not done, and done on the person's word.

use axum::Router;
use axum::routing::post;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use server::tasks::Tasks;
use tokio::net::TcpListener;

use crate::product::{LOOKS_MAX, Product, project};

/// Takes everything but what is old.
async fn warehouse(tasks: &Tasks) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lines = format!("    url: http://{}/orders\n    allow: [127.0.0.0/8]\n", listener.local_addr().unwrap());
    let answer =
        |body: String| async move { if body.contains("old") { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK } };
    let router = Router::new().route("/orders", post(answer));
    tasks.spawn("warehouse", async move {
        axum::serve(listener, router).await.unwrap();
        Ok(())
    });
    lines
}

/// Sends a state of a key and waits until so many deliveries stand like this; answers the newest of them.
async fn send(product: &Product, (id, key, state): (&str, &str, &str), (count, until): (usize, &str)) -> Value {
    let body = json!({ "id": id, "type": "known", "k": key, "v": state });
    product.ask(Method::POST, "/in/strict").json(&body).send().await.is(202);
    for _ in 0..LOOKS_MAX {
        let rows = product.get(&format!("/api/v1/deliveries?states={until}")).await.is(200).json();
        if rows["rows"].as_array().is_some_and(|rows| rows.len() == count) {
            return rows["rows"][0].clone();
        }
    }
    panic!("{count} are not {until}");
}

/// States of `.k` go to that warehouse, in no lane.
async fn apply(product: &Product, warehouse: &str) {
    let text = |text: String| {
        let text = text.replace("known: { type: known }", "known: { contract: lab.state@1.0.0 }");
        text.replace("    url: https://wms.example.com/orders\n", warehouse)
    };
    let mut files: Vec<_> =
        project("deliver:\n  lane: none\n").into_iter().map(|file| json!([file.path, text(file.text)])).collect();
    let contract = "owner: team-commerce\ntype: order\nordering: .k\nschema:\n  type: object\n  properties:\n    k: {}\n";
    files.push(json!(["contracts/lab.state/1.0.0.yaml", contract]));
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_over_a_newer_state_is_neither_advised_nor_done_without_a_word() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    apply(&product, &warehouse(&tasks).await).await;
    let dead = (1, "held,dead_lettered");
    let old = send(&product, ("1", "K", "old"), dead).await["id"].as_str().unwrap().to_owned();
    send(&product, ("2", "K", "new"), (1, "done")).await;

    let path = format!("/api/v1/deliveries/{old}");
    let page = product.get(&path).await.is(200).json();
    let trace = product.get(&format!("/api/v1/trace/{old}")).await.is(200).json();
    let status = product.get("/api/v1/status").await.is(200).json();
    let list = product.get("/api/v1/deliveries?states=held,dead_lettered").await.is(200).json();
    for (said, next) in [
        (&list["rows"][0]["waits_for"], &list["rows"][0]["next"]),
        (&page["waits_for"], &page["next"]),
        (&trace["events"][0]["why"], &trace["events"][0]["next"]),
        (&status["causes"][0]["advice"], &status["causes"][0]["next"]),
    ] {
        assert!(
            said.as_str().unwrap().contains("was delivered since by orders-to-wms, so that a retry needs --over-newer"),
            "{said}"
        );
        assert_eq!(next.as_str().unwrap(), format!("crossdock cancel {old} --reason …"));
    }
    let told = product.post(&format!("{path}/retry"), &json!({ "why": "again" })).await.tells(422, "overtaken").json();
    assert!(told["detail"].as_str().unwrap().contains("`--over-newer`"), "{told}");
    let many = json!({ "deliveries": [old], "why": "again" });
    let many = product.post("/api/v1/deliveries/retry", &many).await.is(200).json();
    assert_eq!(many["rows"][0]["result"], json!("skipped"), "{many}");
    let word = json!({ "why": "again", "over_newer": true });
    product.post(&format!("{path}/cancel"), &word).await.tells(422, "invalid-body");
    product.post(&format!("{path}/retry"), &word).await.is(200);
    product.stop().await;
}

/// A retry of a group leaves out what it would put over a newer state, so the group says how many that are.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_says_how_many_its_retry_would_send() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    apply(&product, &warehouse(&tasks).await).await;
    let said = async || {
        let status = product.get("/api/v1/status").await.is(200).json();
        (
            status["causes"][0]["advice"].as_str().unwrap().to_owned(),
            status["causes"][0]["next"].as_str().unwrap().to_owned(),
        )
    };
    for (count, key) in [(1, "K"), (2, "L")] {
        send(&product, (key, key, "old"), (count, "held,dead_lettered")).await;
    }
    let (advice, retry) = said().await;
    assert!(!advice.contains("kept back"), "{advice}");
    send(&product, ("3", "K", "new"), (1, "done")).await;
    let newer = "kept back: a newer event of the same key was delivered since";
    let (advice, next) = said().await;
    assert!(advice.ends_with(&format!("; 1 would be sent, 1 {newer}")), "{advice}");
    assert_eq!(next, retry);
    send(&product, ("4", "L", "new"), (2, "done")).await;
    let (advice, next) = said().await;
    assert!(advice.ends_with(&format!("; 0 would be sent, 2 {newer}")), "{advice}");
    assert!(next.starts_with("crossdock deliveries ls --state dead_lettered --flow orders-to-wms --cause "), "{next}");
    product.stop().await;
}
