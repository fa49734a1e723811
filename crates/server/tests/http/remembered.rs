//! How many keys are remembered, and what a repeat finds where the process was killed between acting and remembering.

use model::limit::KEYED_WRITES_MAX;
use model::{Batch, Change, Digest, KeptAnswer, KeyedWrite, Lease, NodeName, Principal, TimeSpan, Timestamp};
use serde_json::{Value, json};

use crate::product::{Product, project};
use crate::repeated::{KEY, audited, forget_answer, keyed, pause};

/// A write of that moment, answered.
fn remembered(by: &str, number: u64, begun_at: Timestamp) -> KeyedWrite {
    KeyedWrite {
        id: KeyedWrite::id_of(&Principal::new(by), &number.to_string()),
        request: Digest::of(b"whatever"),
        begun_at,
        turn: 1,
        lease: Lease { node: NodeName::new("elsewhere").unwrap(), incarnation: 1 },
        answer: Some(KeptAnswer { status: 200, body: "{}".to_owned() }),
    }
}

async fn remember(product: &Product, writes: impl Iterator<Item = KeyedWrite>) {
    let changes = writes.map(|write| Change::PutKeyed(Box::new(write))).collect();
    product.ledger().commit(Batch { guards: Vec::new(), changes }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_key_is_taken_and_the_next_waits_until_an_old_one_is_forgotten() {
    let product = Product::start().await;
    let now = product.now();
    let path = "/api/v1/switches";
    let count = async |by: &str| product.ledger().keyed_writes(remembered(by, 0, now).id).await.unwrap();
    // Another's keys take nobody else's room.
    remember(&product, (0..=KEYED_WRITES_MAX).map(|number| remembered("another", number, now))).await;
    remember(&product, (1..KEYED_WRITES_MAX).map(|number| remembered("admin", number, now))).await;
    let last = keyed(&product, KEY, path, &pause("the last")).await.is(200);
    assert_eq!(count("admin").await, KEYED_WRITES_MAX);
    // One more is refused, and nothing of it is done.
    let refused = keyed(&product, "\"one-more\"", path, &pause("one more")).await.tells(429, "over-limit");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(audited(&product, "destination.pause").await, 1);
    // What is remembered is answered, what was cut off is tried again, and who has no key passes.
    let again = keyed(&product, KEY, path, &pause("the last")).await.is(200);
    assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &last.text));
    forget_answer(&product, "admin").await;
    let anew = keyed(&product, KEY, path, &pause("the last")).await.is(200);
    assert!(anew.header("idempotency-replayed").is_empty() && anew.text.contains("nothing was changed"), "{anew:?}");
    product.post(path, &pause("without a key")).await.is(200);
    // The first whose day is over makes room for the next at once.
    remember(&product, std::iter::once(remembered("admin", 7, now - TimeSpan::from_days(2)))).await;
    keyed(&product, "\"one-more\"", path, &pause("one more")).await.is(200);
    assert_eq!(count("admin").await, KEYED_WRITES_MAX);
    keyed(&product, "\"and-another\"", path, &pause("and another")).await.tells(429, "over-limit");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_new_keys_at_one_moment_only_those_that_have_room_are_taken() {
    let product = Product::start().await;
    let now = product.now();
    remember(&product, (2..KEYED_WRITES_MAX).map(|number| remembered("admin", number, now))).await;
    let write = async |number: u64| {
        let key = format!("\"together-{number}\"");
        keyed(&product, &key, "/api/v1/switches", &pause("together")).await.status
    };
    let mut answers = futures::future::join_all((0..12).map(write)).await;
    answers.sort_unstable();
    assert_eq!(answers, [vec![200; 2], vec![429; 10]].concat());
    assert_eq!(product.ledger().keyed_writes(remembered("admin", 2, now).id).await.unwrap(), KEYED_WRITES_MAX);
    product.stop().await;
}

/// A command, the action that the audit knows it by, and what the repeat says of it.
struct Cut {
    path: String,
    body: Value,
    action: &'static str,
    says: &'static str,
}

/// The command is carried out, its answer is lost with the process, and its repeat does nothing a second time.
async fn check(product: Product, Cut { path, body, action, says }: Cut) {
    keyed(&product, KEY, &path, &body).await.is(200);
    forget_answer(&product, "admin").await;
    let product = product.restart().await;
    let anew = keyed(&product, KEY, &path, &body).await.is(200);
    assert!(anew.header("idempotency-replayed").is_empty(), "{path}: it was carried out again");
    assert!(anew.text.contains(says), "{path}: {}", anew.text);
    assert_eq!(audited(&product, action).await, 1, "{path}");
    let third = keyed(&product, KEY, &path, &body).await.is(200);
    assert_eq!((third.header("idempotency-replayed"), &third.text), ("true", &anew.text), "{path}: its answer holds");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_turned_once_whatever_crashes_between() {
    let (path, body) = ("/api/v1/switches".to_owned(), pause("stocktaking"));
    let cut = Cut { path, body, action: "destination.pause", says: "nothing was changed" };
    check(Product::start().await, cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_cancelled_once_whatever_crashes_between() {
    let product = Product::start().await;
    let delivery = product.waiting_delivery("1").await;
    let body = json!({ "deliveries": [delivery["id"]], "why": "a test" });
    let path = "/api/v1/deliveries/cancel".to_owned();
    check(product, Cut { path, body, action: "delivery.cancel", says: "skipped" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_applied_once_whatever_crashes_between() {
    let files = project("deliver:\n  deadline: 2h\n").into_iter().map(|file| (file.path, file.text));
    let body = json!({ "files": files.collect::<Vec<_>>(), "why": "a test" });
    let path = "/api/v1/policies/apply".to_owned();
    check(Product::start().await, Cut { path, body, action: "policy.apply", says: "nothing was changed" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_event_is_settled_once_whatever_crashes_between() {
    let product = Product::start().await;
    let path = format!("/api/v1/quarantine/{}", product.quarantined_event().await);
    let body = json!({ "action": "correct", "body": r#"{"id":"q","type":"known"}"#, "why": "a test" });
    check(product, Cut { path, body, action: "quarantine.correct", says: "was corrected by admin" }).await;
}
