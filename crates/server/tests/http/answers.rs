//! What destinations answer is read with the scope `bodies`; without it, one only learns that there is an answer.

use http::Method;
use serde_json::{Value, json};
use server::tasks::Tasks;

use crate::described::{document, each_operation};
use crate::messages::warehouse;
use crate::product::{Answer, LOOKS_MAX, Product, project};

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

/// Whatever answers a reader without the scope `bodies`, and whatever it is asked about, shows no value of a body.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_a_value_without_the_scope_bodies() {
    const VALUE: &str = "DE89-370400440532013000";
    let product = Product::start().await;
    let mut files: Vec<_> = project("mapping: paid\n").into_iter().map(|file| json!([file.path, file.text])).collect();
    let contract = "owner: team-commerce\ntype: order\nschema:\n  type: object\n  properties:\n    iban: { type: string }\n";
    let target = "owner: team-warehouse\nschema:\n  type: object\n  properties:\n    account: { type: integer }\n";
    let mapping = "owner: team-warehouse\nfrom: lab.order@1.0.0\nto: wms.order@1.0.0\nfields:\n  account: to_int!(.iban)\n";
    files.push(json!(["contracts/lab.order/1.0.0.yaml", contract]));
    files.push(json!(["contracts/wms.order/1.0.0.yaml", target]));
    files.push(json!(["mappings/paid.yaml", mapping]));
    product.post("/api/v1/policies/apply", &json!({ "files": files, "why": "a test" })).await.is(200);
    let sent = product.ask(Method::POST, "/in/shop").json(&json!({ "id": VALUE, "iban": VALUE })).send().await.is(202);
    let event = sent.json()["id"].as_str().unwrap().to_owned();
    let mut stuck = None;
    for _ in 0..LOOKS_MAX {
        let rows = product.get("/api/v1/deliveries?states=held").await.is(200).json();
        stuck = rows["rows"][0]["id"].as_str().map(str::to_owned);
        if stuck.is_some() {
            break;
        }
    }
    let stuck = stuck.expect("the mapping refuses it");
    let quarantined = product.quarantined_event().await;
    let shown = product.get("/api/v1/feed").await.is(200).text;
    assert!(shown.contains(VALUE), "whoever may read bodies is told: {shown}");
    let token = format!("Bearer {}", product.token("somebody", &["read"]).await);
    let mut answered = 0;
    for (path, method, _) in
        each_operation(&document()).filter(|(path, method, _)| *method == "get" && path.starts_with("/api"))
    {
        for subject in [&*event, &stuck, &quarantined, "orders-to-wms", "present"] {
            let parts = path.split(['{', '}']).enumerate();
            let url = parts.map(|(at, part)| if at % 2 == 0 { part } else { subject }).collect::<String>();
            let answer = product.ask(Method::GET, &url).header("authorization", &*token).send().await;
            answered += usize::from(answer.status == 200);
            assert!(!answer.text.contains(VALUE), "{method} {url}: {}", answer.text);
        }
    }
    assert!(answered > 50, "{answered}");
    product.stop().await;
}
