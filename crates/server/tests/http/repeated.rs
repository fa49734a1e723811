//! A write with a key is done once: sent twice, at once, with another body, by another principal, after a restart, and
//! after a crash between its effect and its answer.

use std::path::Path;

use http::Method;
use model::{Batch, Change, KeyedWrite, Principal};
use serde_json::{Value, json};

use crate::product::{Answer, Product};

pub(crate) const KEY: &str = "\"8e03978e-40d5\"";

pub(crate) async fn keyed(product: &Product, key: &str, path: &str, body: &Value) -> Answer {
    product.ask(Method::POST, path).header("idempotency-key", key).json(body).send().await
}

pub(crate) fn pause(why: &str) -> Value {
    json!({ "object": "destination/wms", "paused": true, "why": why })
}

pub(crate) async fn audited(product: &Product, action: &str) -> usize {
    let rows = product.get("/api/v1/audit?limit=500").await.is(200).json();
    rows["rows"].as_array().unwrap().iter().filter(|row| row["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_given_again_and_nothing_is_done_again() {
    let product = Product::start().await;
    let first = keyed(&product, KEY, "/api/v1/switches", &pause("stocktaking")).await.is(200);
    assert_eq!(first.header("idempotency-replayed"), "");
    let again = keyed(&product, KEY, "/api/v1/switches", &pause("stocktaking")).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
    assert!(!first.text.contains("nothing was changed"), "{}", first.text);
    // Without quotes it is the same key; without a key it is another request.
    let bare = keyed(&product, KEY.trim_matches('"'), "/api/v1/switches", &pause("stocktaking")).await.is(200);
    assert_eq!(bare.text, first.text);
    let other = product.post("/api/v1/switches", &pause("stocktaking")).await.is(200);
    assert!(other.text.contains("nothing was changed"), "{}", other.text);
    assert_eq!(audited(&product, "destination.pause").await, 1);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_given_again_as_well() {
    let product = Product::start().await;
    let nobody = json!({ "object": "destination/nobody", "paused": true, "why": "a test" });
    let first = keyed(&product, KEY, "/api/v1/switches", &nobody).await.tells(404, "not-found");
    let again = keyed(&product, KEY, "/api/v1/switches", &nobody).await.tells(404, "not-found");
    assert_eq!(
        (again.header("idempotency-replayed"), again.json()["detail"].clone()),
        ("true", first.json()["detail"].clone())
    );
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_of_one_principal() {
    let product = Product::start().await;
    keyed(&product, KEY, "/api/v1/switches", &pause("stocktaking")).await.is(200);
    let other = keyed(&product, KEY, "/api/v1/switches", &pause("another reason")).await;
    other.tells(422, "idempotency-key-reused");
    let elsewhere = keyed(&product, KEY, "/api/v1/deliveries/hold", &pause("stocktaking")).await;
    elsewhere.tells(422, "idempotency-key-reused");
    let operator = format!("Bearer {}", product.token("operator", &["operate"]).await);
    let theirs = product.ask(Method::POST, "/api/v1/switches").header("authorization", &*operator);
    let theirs = theirs.header("idempotency-key", KEY).json(&pause("stocktaking")).send().await.is(200);
    assert_eq!(theirs.header("idempotency-replayed"), "", "another principal's key is another key");
    for wrong in ["", "\"", "a b", "\"a\\\"b\""] {
        let problem = keyed(&product, wrong, "/api/v1/switches", &pause("x")).await.tells(400, "bad-parameter").json();
        assert_eq!(problem["parameter"], "Idempotency-Key", "{wrong}");
    }
    // What reads takes no key, and what may not be done takes none either.
    product.ask(Method::GET, "/api/v1/status").header("idempotency-key", "\"").send().await.is(200);
    let reader = format!("Bearer {}", product.token("reader", &["read"]).await);
    let refused = product.ask(Method::POST, "/api/v1/switches").header("authorization", &*reader);
    refused.header("idempotency-key", "\"theirs\"").json(&pause("x")).send().await.tells(403, "scope");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_requests_at_once_one_is_carried_out() {
    let product = Product::start().await;
    let pause = pause("stocktaking");
    let answers = (0..16).map(|_| keyed(&product, KEY, "/api/v1/switches", &pause));
    let answers: Vec<Answer> = futures::future::join_all(answers).await;
    let first = answers.iter().find(|it| it.status == 200 && it.header("idempotency-replayed").is_empty());
    let first = first.expect("one is the first").text.clone();
    for answer in answers {
        match answer.status {
            200 => assert_eq!(answer.text, first),
            _ => drop(answer.tells(409, "idempotency-key-under-way")),
        }
    }
    assert_eq!(audited(&product, "destination.pause").await, 1);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_remembered_after_a_restart() {
    let product = Product::start().await;
    let first = keyed(&product, KEY, "/api/v1/switches", &pause("stocktaking")).await.is(200);
    let product = product.restart().await;
    let again = keyed(&product, KEY, "/api/v1/switches", &pause("stocktaking")).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
    keyed(&product, KEY, "/api/v1/switches", &pause("x")).await.tells(422, "idempotency-key-reused");
    product.stop().await;
}

/// The answer of a keyed write is taken away: what a crash leaves when it comes after the effect and before the answer.
pub(crate) async fn forget_answer(product: &Product, by: &str) {
    let ledger = product.ledger();
    let id = KeyedWrite::id_of(&Principal::new(by), KEY.trim_matches('"'));
    let kept = ledger.keyed_write(id).await.unwrap().expect("the key is remembered");
    assert!(kept.answer.is_some());
    let cut = KeyedWrite { answer: None, ..kept };
    ledger.commit(Batch::new().change(Change::PutKeyed(Box::new(cut)))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_ordered_once_whatever_crashes_between() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let cancel = json!({ "deliveries": [delivery["id"]], "why": "a test" });
    product.post("/api/v1/deliveries/cancel", &cancel).await.is(200);
    let order = json!({ "selection": { "select": "events", "events": [delivery["event"]] }, "why": "a test" });
    let first = keyed(&product, KEY, "/api/v1/replays", &order).await.is(200);
    forget_answer(&product, "admin").await;
    let product = product.restart().await;
    let again = keyed(&product, KEY, "/api/v1/replays", &order).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("", first.json()));
    let replays = product.get("/api/v1/replays").await.is(200).json();
    assert_eq!(replays["rows"].as_array().unwrap().len(), 1, "{replays}");
    assert_eq!(audited(&product, "replay.order").await, 1);
    // Another key is another order.
    let other = keyed(&product, "\"another\"", "/api/v1/replays", &order).await;
    assert_ne!(other.text, first.text);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokens_text_is_in_the_first_answer_and_nowhere_else() {
    let product = Product::start().await;
    let wanted = json!({ "name": "ci", "scopes": ["read"], "days": 1, "why": "a test" });
    let first = keyed(&product, KEY, "/api/v1/tokens", &wanted).await.is(200).json();
    let text = first["token"].as_str().unwrap().to_owned();
    let again = keyed(&product, KEY, "/api/v1/tokens", &wanted).await.is(200).json();
    assert_eq!((again.get("token"), &again["name"], &again["expires_at"]), (None, &first["name"], &first["expires_at"]));
    assert_eq!(product.get("/api/v1/tokens/ci").await.is(200).json()["rows"].as_array().unwrap().len(), 1);
    // After a crash before the answer the repeat makes the text anew, and the one that nobody read holds no more.
    forget_answer(&product, "admin").await;
    let product = product.restart().await;
    let anew = keyed(&product, KEY, "/api/v1/tokens", &wanted).await.is(200).json()["token"].as_str().unwrap().to_owned();
    assert_ne!(anew, text);
    assert_eq!(product.get("/api/v1/tokens/ci").await.is(200).json()["rows"].as_array().unwrap().len(), 1);
    for (token, status) in [(&text, 401), (&anew, 200)] {
        let asked = product.ask(Method::GET, "/api/v1/status").header("authorization", format!("Bearer {token}"));
        assert_eq!(asked.send().await.status, status);
    }
    let folder = product.end().await;
    for text in [text, anew] {
        assert!(!has(folder.path(), text.as_bytes()), "the data folder holds a token's text");
    }
    assert!(has(folder.path(), b"token.make"), "the search finds what is there");
}

fn has(folder: &Path, needle: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().any(|path| {
        if path.is_dir() {
            has(&path, needle)
        } else {
            std::fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle)
        }
    })
}
