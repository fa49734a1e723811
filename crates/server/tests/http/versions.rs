//! What is shown has a version, and what is changed may name the version that was seen: the present one passes, a stale one
//! is refused with the present one, and without one the command acts on whatever there is.

use http::Method;
use serde_json::{Value, json};

use crate::product::{Answer, Product, files_without_flow, project};

async fn change(product: &Product, path: &str, seen: &str, body: &Value) -> Answer {
    product.ask(Method::POST, path).header("if-match", seen).json(body).send().await
}

#[track_caller]
fn check_stale(answer: Answer, present: &str) {
    let problem = answer.tells(412, "stale").json();
    assert_eq!(format!("\"{}\"", problem["present"].as_str().unwrap()), present, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_changed_as_it_was_seen() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let path = format!("/api/v1/deliveries/{}", delivery["id"].as_str().unwrap());
    let why = json!({ "why": "a test" });
    let seen = product.get(&path).await.is(200).header("etag").to_owned();
    assert_eq!(seen, format!("\"{}\"", delivery["version"]));
    change(&product, &format!("{path}/hold"), &seen, &why).await.is(200);
    let held = product.get(&path).await.is(200).header("etag").to_owned();
    assert_ne!(held, seen);
    check_stale(change(&product, &format!("{path}/cancel"), &seen, &why).await, &held);
    check_stale(change(&product, &format!("{path}/cancel"), &format!("W/{held}"), &why).await, &held);
    let wrong = change(&product, &format!("{path}/cancel"), "7", &why).await.tells(400, "bad-parameter");
    assert_eq!(wrong.json()["parameter"], "If-Match");
    assert_eq!(product.get(&path).await.header("etag"), held, "nothing was done");
    product.post(&format!("{path}/retry"), &why).await.is(200);
    change(&product, &format!("{path}/cancel"), "*", &why).await.is(200);
    product.post(&format!("{path}/cancel"), &why).await.tells(422, "refused");
    let nobody = "/api/v1/deliveries/00000000-0000-7000-8000-000000000001/retry";
    product.post(nobody, &why).await.tells(404, "not-found");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_cancelled_as_it_was_seen() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let cancel = json!({ "deliveries": [delivery["id"]], "why": "a test" });
    product.post("/api/v1/deliveries/cancel", &cancel).await.is(200);
    let order = json!({ "selection": { "select": "events", "events": [delivery["event"]] }, "why": "a test" });
    let id = product.post("/api/v1/replays", &order).await.is(200).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/replays/{id}");
    let answer = change(&product, &format!("{path}/cancel"), "\"0\"", &json!({ "why": "a test" })).await.tells(412, "stale");
    // Its loop may have moved it on since; the version that was told was one that it had.
    let told: u64 = answer.json()["present"].as_str().unwrap().parse().unwrap();
    let present: u64 = product.get(&path).await.is(200).header("etag").trim_matches('"').parse().unwrap();
    assert!((1..=present).contains(&told), "{told} {present}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_event_is_decided_on_as_it_was_seen() {
    let product = Product::start().await;
    let id = product.quarantined_event().await;
    let path = format!("/api/v1/quarantine/{id}");
    let close = json!({ "action": "close", "why": "a test" });
    let seen = product.get(&path).await.is(200).header("etag").to_owned();
    check_stale(change(&product, &path, "\"99\"", &close).await, &seen);
    change(&product, &path, &seen, &close).await.is(200);
    assert_ne!(product.get(&path).await.is(200).header("etag"), seen);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_revoked_as_they_were_seen() {
    let product = Product::start().await;
    product.get("/api/v1/tokens/ci").await.tells(404, "not-found");
    product.token("ci", &["read"]).await;
    let seen = product.get("/api/v1/tokens/ci").await.is(200).header("etag").to_owned();
    product.token("ci", &["read", "operate"]).await;
    let present = product.get("/api/v1/tokens/ci").await.is(200).header("etag").to_owned();
    let path = "/api/v1/tokens/ci/revoke";
    check_stale(
        product.ask(Method::POST, path).header("if-match", &*seen).json(&json!({ "why": "a test" })).send().await,
        &present,
    );
    let revoked = product
        .ask(Method::POST, path)
        .header("if-match", &*present)
        .json(&json!({ "why": "a test" }))
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(revoked["revoked"], 2);
    product.stop().await;
}

fn apply(flow: &str, why: &str) -> Value {
    let files: Vec<(String, String)> = project(flow).into_iter().map(|file| (file.path, file.text)).collect();
    json!({ "files": files, "why": why })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_applied_onto_the_one_that_was_seen() {
    let product = Product::start().await;
    let seen = product.get("/api/v1/policies/present").await.is(200).header("etag").to_owned();
    let path = "/api/v1/policies/apply";
    change(&product, path, &seen, &apply("deliver:\n  deadline: 2h\n", "ines was here")).await.is(200);
    let present = product.get("/api/v1/policies/present").await.is(200).header("etag").to_owned();
    let late = change(&product, path, &seen, &apply("deliver:\n  deadline: 3h\n", "ada was late")).await;
    assert!(late.text.contains("ines was here") && late.text.contains("applied by admin"), "{}", late.text);
    check_stale(late, &present);
    check_stale(change(&product, path, "\"garbage\"", &apply("", "x")).await, &present);
    // What was applied holds after a restart, and so does the version to say it by.
    let product = product.restart().await;
    assert_eq!(product.get("/api/v1/policies/present").await.is(200).header("etag"), present);
    product.post(path, &apply("deliver:\n  deadline: 3h\n", "without a version")).await.is(200);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_applies_at_once_onto_one_policy_one_is_applied() {
    let product = Product::start().await;
    let seen = product.get("/api/v1/policies/present").await.is(200).header("etag").to_owned();
    let bodies: Vec<Value> =
        (1..=8).map(|hours| apply(&format!("deliver:\n  deadline: {hours}h\n"), &format!("apply number {hours}"))).collect();
    let answers = bodies.iter().map(|body| change(&product, "/api/v1/policies/apply", &seen, body));
    let answers: Vec<Answer> = futures::future::join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    let present = product.get("/api/v1/policies/present").await.is(200).header("etag").to_owned();
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        assert!(answer.text.contains("apply number "), "it names the apply that was first: {}", answer.text);
        check_stale(answer, &present);
    }
    let applied = product.get("/api/v1/policies").await.is(200).json();
    assert_eq!(applied["rows"].as_array().unwrap().len(), 2, "{applied}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_applying_would_refuse_and_changes_nothing() {
    let product = Product::start().await;
    product.waiting_delivery("1").await;
    let present = product.get("/api/v1/policies/present").await.is(200).header("etag").to_owned();
    let preview = |more: Value| {
        let mut command = json!({ "files": files_without_flow() });
        command.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        command
    };
    let reader = product.token("reader", &["read"]).await;
    let ask = product.ask(Method::POST, "/api/v1/policies/preview").header("authorization", format!("Bearer {reader}"));
    let told = ask.json(&preview(json!({}))).send().await.is(200).json();
    assert_eq!(told["removals"], json!([{ "object": "flow/orders-to-wms", "open": 1, "more": false }]));
    assert_eq!(
        (&told["secrets_missing"], format!("{:?}", told["present"].as_str().unwrap())),
        (&json!([]), present.clone())
    );
    let refused = product.post("/api/v1/policies/apply", &preview(json!({ "why": "a test" }))).await.tells(422, "refused");
    assert_eq!(told["refusals"], json!([{ "code": "refused", "text": refused.json()["detail"] }]));
    let held = product.post("/api/v1/policies/preview", &preview(json!({ "hold_removed": true }))).await.is(200).json();
    assert_eq!(held["refusals"], json!([]));
    let back = json!({ "back_to": "0".repeat(64) });
    product.post("/api/v1/policies/preview", &back).await.tells(404, "not-found");
    product.post("/api/v1/policies/apply", &preview(json!({}))).await.tells(422, "reason");
    assert_eq!(product.get("/api/v1/policies/present").await.is(200).header("etag"), present);
    product.stop().await;
}
