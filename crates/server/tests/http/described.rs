//! The description says what is served, and what is served is described. Its file in git is what reviewers and clients read:
//! `UPDATE=1 cargo test -p crossdock-server --test http described` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use http::Method;
use serde_json::{Value, json};
use server::http::{openapi, operations};

use crate::product::{Product, files_without_flow};

const FILE: &str = "../../docs/guide/reference/openapi.json";

pub(crate) fn document() -> Value {
    openapi::document(&operations())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
fn the_file_in_git_is_the_description_that_is_served() {
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{FILE} is not what is served; UPDATE=1 writes it");
}

/// Every reference leads somewhere, and every schema is one that the dialect allows.
#[test]
fn the_description_is_whole() {
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let ids: Vec<&Value> = each_operation(&document).map(|(_, _, told)| &told["operationId"]).collect();
    assert_eq!(ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    for (path, method, told) in each_operation(&document) {
        let named: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        let parameters = told["parameters"].as_array().into_iter().flatten();
        let declared: BTreeSet<&str> =
            parameters.filter(|it| it["in"] == "path").filter_map(|it| it["name"].as_str()).collect();
        assert_eq!(named, declared, "{method} {path}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                references.insert(reference.to_owned());
            }
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

pub(crate) fn each_operation(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, told)| (path.as_str(), method.as_str(), told))
    })
}

/// The router is walked from outside: every path with every method. What is described is served (whatever it answers, it is
/// not "no such path" or "no such method"), and what is not described is refused with exactly the methods that are.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_described_is_served_and_nothing_else() {
    let product = Product::start().await;
    let document = document();
    let mut served: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method, _) in each_operation(&document) {
        served.entry(path.to_owned()).or_default().insert(method.to_uppercase());
    }
    for (path, methods) in &served {
        let url =
            path.split(['{', '}']).enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "x" }).collect::<String>();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let answer = product.ask(method.clone(), &url).send().await;
            if path.starts_with("/in/") {
                // Which methods a source takes is its own to say: there is none of this name.
                answer.tells(404, "unknown-source");
                continue;
            }
            if methods.contains(method.as_str()) {
                assert_ne!(answer.status, 405, "{method} {path} is described and not served");
                assert!(!answer.text.contains("there is nothing at this path"), "{method} {path}: {}", answer.text);
                continue;
            }
            let answer = answer.tells(405, "method-not-allowed");
            let allowed = answer.header("allow").split(',').map(|word| word.trim().to_owned()).filter(|word| word != "HEAD");
            assert_eq!(&allowed.collect::<BTreeSet<_>>(), methods, "{method} {path}");
        }
    }
    let wrong = product.ask(Method::PUT, "/in/shop").send().await.tells(405, "wrong-method");
    assert_eq!(wrong.header("allow"), "POST");
    product.get("/api/v1/nothing").await.tells(404, "not-found");
    product.get("/api/v1/").await.tells(404, "not-found");
    product.get("/elsewhere").await.tells(404, "not-found");
    product.stop().await;
}

/// Answers are what the description says: each is validated against the schema of its operation.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_described() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let batch = json!([
        { "specversion": "1.0", "id": "a", "source": "/s", "type": "order", "data": {} },
        { "specversion": "1.0", "id": "b", "source": "/s", "type": "order", "data": {} },
    ]);
    let batch =
        product.ask(Method::POST, "/in/shop").json(&batch).header("content-type", "application/cloudevents-batch+json");
    check("/in/{source}", "post", &batch.send().await.is(202));
    check_batch_of_one(&product).await;
    let one = product.ask(Method::POST, "/in/shop").json(&json!({ "id": "c" })).send().await;
    check("/in/{source}", "post", &one.is(202));
    let refused = product.ask(Method::POST, "/in/shop").header("content-type", "text/html").body("<p>").send().await;
    check("/in/{source}", "post", &refused);
    let id = delivery["id"].as_str().unwrap();
    let event = delivery["event"].as_str().unwrap();
    let why = json!({ "deliveries": [id], "why": "a test" });
    check("/api/v1/deliveries/hold", "post", &product.post("/api/v1/deliveries/hold", &why).await.is(200));
    check("/api/v1/deliveries/retry", "post", &product.post("/api/v1/deliveries/retry", &why).await.is(200));
    let wanted = json!({ "selection": { "select": "events", "events": [event] }, "why": "a test" });
    check("/api/v1/replays/preview", "post", &product.post("/api/v1/replays/preview", &wanted).await.is(200));
    check("/api/v1/replays", "post", &product.post("/api/v1/replays", &wanted).await);
    let removal = json!({ "files": files_without_flow(), "why": "a test" });
    check("/api/v1/policies/preview", "post", &product.post("/api/v1/policies/preview", &removal).await.is(200));
    let token = json!({ "name": "ci", "scopes": ["read"], "days": 1, "why": "a test" });
    check("/api/v1/tokens", "post", &product.post("/api/v1/tokens", &token).await.is(200));
    check("/api/v1/tokens", "post", &product.post("/api/v1/tokens", &json!({ "name": "ci" })).await.is(422));
    for path in [
        "session",
        "status",
        "tokens",
        "events",
        "deliveries",
        "causes",
        "quarantine",
        "feed",
        "audit",
        "switches",
        "replays",
        "policies",
    ] {
        let path = format!("/api/v1/{path}");
        check(&path, "get", &product.get(&path).await.is(200));
    }
    check("/api/v1/events/{id}", "get", &product.get(&format!("/api/v1/events/{event}")).await.is(200));
    check("/api/v1/deliveries/{id}", "get", &product.get(&format!("/api/v1/deliveries/{id}")).await.is(200));
    check("/api/v1/deliveries/{id}", "get", &product.get("/api/v1/deliveries/x").await.is(400));
    check("/api/v1/trace/{reference}", "get", &product.get(&format!("/api/v1/trace/{event}")).await.is(200));
    check("/api/v1/policies/{version}", "get", &product.get("/api/v1/policies/present").await.is(200));
    let document: Value = product.get(openapi::PATH).await.is(200).json();
    assert_eq!(document, self::document());
    product.stop().await;
}

/// Whoever sends a batch reads the answer of a batch, also where it has one event or none.
async fn check_batch_of_one(product: &Product) {
    let event = json!({ "specversion": "1.0", "id": "d", "source": "/s", "type": "order", "data": {} });
    for batch in [json!([event]), json!([])] {
        let sent = product.ask(Method::POST, "/in/shop").json(&batch);
        let answer = sent.header("content-type", "application/cloudevents-batch+json").send().await.is(202);
        check("/in/{source}", "post", &answer);
        let events = answer.json()["events"].as_array().map(Vec::len);
        assert_eq!(events, batch.as_array().map(Vec::len), "{}", answer.text);
    }
}

#[track_caller]
pub(crate) fn check(path: &str, method: &str, answer: &crate::product::Answer) {
    let document = document();
    let mut response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    }
    let media = answer.header("content-type");
    let schema = &response["content"][media]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path} answered {} {media}, which is not described: {}",
        answer.status,
        answer.text
    );
    let wrong: Vec<String> = validator(&document, schema)
        .iter_errors(&answer.json())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}\n{}", answer.text);
}

/// Whether a body is one that an operation is described to take.
pub(crate) fn takes(path: &str, body: &Value) -> bool {
    let document = document();
    validator(&document, &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])
        .is_valid(body)
}

fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let whole = json!({ "$schema": document["jsonSchemaDialect"], "components": document["components"], "allOf": [schema] });
    jsonschema::validator_for(&whole).unwrap()
}
