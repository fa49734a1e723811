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

/// Sends a state and waits until its delivery stands like this.
async fn send(product: &Product, id: &str, state: &str, until: &str) -> Value {
    let body = json!({ "id": id, "type": "known", "k": "K", "v": state });
    product.ask(Method::POST, "/in/strict").json(&body).send().await.is(202);
    for _ in 0..LOOKS_MAX {
        let rows = product.get(&format!("/api/v1/deliveries?states={until}")).await.is(200).json();
        if let Some(row) = rows["rows"].get(0) {
            return row.clone();
        }
    }
    panic!("nothing is {until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_over_a_newer_state_is_neither_advised_nor_done_without_a_word() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    let lines = warehouse(&tasks).await;
    let text = |text: String| {
        let text = text.replace("known: { type: known }", "known: { contract: lab.state@1.0.0 }");
        text.replace("    url: https://wms.example.com/orders\n", &lines)
    };
    let mut files: Vec<_> =
        project("deliver:\n  lane: none\n").into_iter().map(|file| json!([file.path, text(file.text)])).collect();
    let contract = "owner: team-commerce\ntype: order\nordering: .k\nschema:\n  type: object\n  properties:\n    k: {}\n";
    files.push(json!(["contracts/lab.state/1.0.0.yaml", contract]));
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    let old = send(&product, "1", "old", "held,dead_lettered").await["id"].as_str().unwrap().to_owned();
    send(&product, "2", "new", "done").await;

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
