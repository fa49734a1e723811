//! What destinations answer is read with the scope `bodies`; without it, one only learns that there is an answer.

use axum::Router;
use axum::routing::post;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use server::tasks::Tasks;
use tokio::net::TcpListener;

use crate::product::{Answer, LOOKS_MAX, Product, project};

const ANSWER: &str = "no room for Ada Lovelace, Main Street 1";

/// A warehouse that says no with the words of an order.
async fn warehouse(tasks: &Tasks) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    let router = Router::new().route("/orders", post(async || (StatusCode::UNPROCESSABLE_ENTITY, ANSWER)));
    tasks.spawn("warehouse", async move {
        axum::serve(listener, router).await.unwrap();
        Ok(())
    });
    url
}

/// An order that the warehouse has refused.
async fn refused_delivery(product: &Product, url: &str) -> String {
    let text = |text: String| text.replace("https://wms.example.com/orders", &format!("{url}\n    allow: [127.0.0.0/8]"));
    let files: Vec<_> = project("").into_iter().map(|file| json!([file.path, text(file.text)])).collect();
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    product.ask(Method::POST, "/in/shop").json(&json!({ "id": "1" })).send().await.is(202);
    for _ in 0..LOOKS_MAX {
        let rows = product.get("/api/v1/deliveries?states=held,dead_lettered").await.is(200).json();
        if let Some(id) = rows["rows"][0]["id"].as_str() {
            return id.to_owned();
        }
    }
    panic!("the warehouse refused nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_with_the_scope_bodies_alone() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    let delivery = refused_delivery(&product, &warehouse(&tasks).await).await;
    let paths = [
        format!("/api/v1/deliveries/{delivery}"),
        format!("/api/v1/trace/{delivery}"),
        "/api/v1/status".to_owned(),
        "/api/v1/deliveries".to_owned(),
    ];
    for (scopes, shown) in [(&["read"][..], false), (&["read", "operate"], false), (&["read", "bodies"], true)] {
        let token = format!("Bearer {}", product.token("somebody", scopes).await);
        let read = async |path: &str| -> Answer {
            product.ask(Method::GET, path).header("authorization", &*token).send().await.is(200)
        };
        for path in &paths {
            let quotes = shown && !path.ends_with("/deliveries");
            assert_eq!(read(path).await.text.contains(ANSWER), quotes, "{scopes:?} {path}");
        }
        let page: Value = read(&paths[0]).await.json();
        let hidden = (page["answers_hidden"].clone(), page["attempts"][0]["result"]["response"].clone());
        let expected = if shown { (Value::Null, json!(ANSWER)) } else { (json!([1]), json!("")) };
        assert_eq!(hidden, expected, "{scopes:?}");
        let says = if shown { ANSWER } else { "(answer hidden: the token lacks the scope bodies)" };
        for told in [&page["waits_for"], &read("/api/v1/status").await.json()["causes"][0]["advice"]] {
            assert!(told.as_str().unwrap().contains(says), "{scopes:?}: {told}");
        }
    }
    product.stop().await;
}
