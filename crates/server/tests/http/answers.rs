//! What destinations answer is read with the scope `bodies`; without it, one only learns that there is an answer.

use http::Method;
use serde_json::{Value, json};
use server::tasks::Tasks;

use crate::messages::warehouse;
use crate::product::{Answer, Product, project};

const ANSWER: &str = "no room for Ada Lovelace, Main Street 1";

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_with_the_scope_bodies_alone() {
    let (tasks, product) = (Tasks::default(), Product::start().await);
    product.move_warehouse(&warehouse(&tasks, ANSWER).await).await;
    let delivery = product.stuck_delivery().await["id"].as_str().unwrap().to_owned();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_a_kept_body_is_read_with_the_scope_bodies_alone() {
    let product = Product::start().await;
    let text = |text: String| text.replace("known: { type: known }", "known: { contract: lab.order@1.0.0 }");
    let mut files: Vec<_> = project("").into_iter().map(|file| json!([file.path, text(file.text)])).collect();
    let contract = "owner: team-commerce\ntype: known\nschema:\n  type: object\n  properties:\n    no: { type: integer }\n";
    files.push(json!(["contracts/lab.order/1.0.0.yaml", contract]));
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    let body = r#"{"id":"v","type":"known","no":"Ada Lovelace"}"#;
    let sent = product.ask(Method::POST, "/in/strict").header("content-type", "application/json").body(body).send();
    let event = sent.await.is(202).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/quarantine/{event}");
    while product.get(&path).await.status != 200 {}
    let paths = [
        path,
        "/api/v1/quarantine".to_owned(),
        format!("/api/v1/events/{event}"),
        "/api/v1/events".to_owned(),
        format!("/api/v1/trace/{event}"),
        "/api/v1/status".to_owned(),
    ];
    for (scopes, shown) in [(&["read"][..], false), (&["read", "operate"], false), (&["read", "bodies"], true)] {
        let token = format!("Bearer {}", product.token("somebody", scopes).await);
        for path in &paths {
            let text = product.ask(Method::GET, path).header("authorization", &*token).send().await.is(200).text;
            let quotes = shown && !path.ends_with("/status");
            assert_eq!(text.contains("Lovelace"), quotes, "{scopes:?} {path}: {text}");
            assert!(!text.contains("without_values"), "{path}");
            let tells_shape = !shown || path.ends_with("/status");
            assert_eq!(text.contains("a string of 12 characters"), tells_shape, "{scopes:?} {path}: {text}");
        }
    }
    product.stop().await;
}
