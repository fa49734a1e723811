//! To whom a command goes, with what: programs that show an instance, another one or none, under addresses that somebody said.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::*;

type Heard = Arc<Mutex<Vec<String>>>;

/// A client of a program that shows this instance, if it shows one, under an address that somebody said; it answers
/// whoever asks. Also what it hears as tokens.
async fn client(instance: Option<&'static str>, said_by: SaidBy, served: &mut JoinSet<()>) -> (Client, Heard) {
    let heard = Heard::default();
    let notes = Arc::clone(&heard);
    let note = move |headers: HeaderMap| async move {
        notes.lock().unwrap().extend(headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()));
        "{}"
    };
    let shown = move || async move { ([(INSTANCE, instance.unwrap_or_default())], "live\n") };
    let router =
        Router::new().route("/health/live", if instance.is_some() { get(shown) } else { get(|| async { "hello" }) });
    let router = router.route("/api/v1/thing", get(note.clone()).post(note));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    served.spawn(async move { drop(axum::serve(listener, router).await) });
    let common = Common { timeout: TimeSpan::from_secs(30), ..Common::default() };
    let http = Client::of(&common, Address { url: url.clone(), said_by: said_by.clone() }).unwrap().http;
    (Client::with(http, Address { url, said_by }, Some("cdk_1".to_owned()), Output::new(&common)), heard)
}

/// How reading and writing end, and how often a token was sent.
async fn ends(instance: Option<&'static str>, said_by: SaidBy) -> ([String; 2], usize) {
    let code = |result: Result<Value, Failure>| result.map_or_else(|failure| failure.code, |_| "done".to_owned());
    // Ends the server when it goes.
    let mut served = JoinSet::new();
    let (mut client, heard) = client(instance, said_by, &mut served).await;
    client.same_site = Some("token".to_owned());
    let read = client.get::<Value>("/thing").await;
    let codes = [code(read), code(client.post("/thing", &json!({})).await)];
    let tokens = heard.lock().unwrap().len();
    (codes, tokens)
}

#[tokio::test]
async fn a_command_goes_to_the_product_that_is_meant_and_to_no_other_program() {
    let folder = || SaidBy::Folder { file: ".crossdock/address".into(), instance: "abc".to_owned() };
    let check = async |instance, said_by, codes: [&str; 2], tokens| {
        assert_eq!(ends(instance, said_by).await, (codes.map(str::to_owned), tokens));
    };
    check(Some("abc"), SaidBy::Caller, ["done", "done"], 2).await;
    check(Some("abc"), folder(), ["done", "done"], 2).await;
    check(Some("abc"), SaidBy::Nobody, ["done", "which-product"], 0).await;
    check(Some("def"), folder(), ["another-product", "another-product"], 0).await;
    for said_by in [SaidBy::Caller, folder(), SaidBy::Nobody] {
        check(None, said_by, ["no-product", "no-product"], 0).await;
    }
}

#[tokio::test]
async fn a_plan_is_not_made_with_a_product_that_nobody_named_and_no_token_goes_there() {
    let mut served = JoinSet::new();
    let (mut client, heard) = client(Some("abc"), SaidBy::Nobody, &mut served).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let output = Output::new(&Common::default());
    let project = crate::project::load(&folder, &output).map_err(|failure| failure.message).unwrap();
    let args = crate::args::Plan { folder, exit_code: true };
    let failure = crate::verbs::plan::compare(&mut client, &args, &project, &output).await.unwrap_err();
    assert_eq!((failure.exit as u8, failure.code.as_str()), (2, "which-product"), "{}", failure.message);
    assert!(failure.hint.contains("say --url"), "{}", failure.hint);
    assert_eq!(*heard.lock().unwrap(), [""; 0]);
}

#[test]
fn rows_that_cannot_be_read_are_told_and_the_first_are_named() {
    let rows = |count: usize| (1..=count).map(|n| format!("replay {n}: damaged")).collect::<Vec<_>>();
    let check = |count, expected: Option<&str>| assert_eq!(left_out(&rows(count)).as_deref(), expected);
    check(0, None);
    check(1, Some("1 row cannot be read and is not among these:\n  replay 1: damaged"));
    let three = "  replay 1: damaged\n  replay 2: damaged\n  replay 3: damaged";
    check(3, Some(&format!("3 rows cannot be read and are not among these:\n{three}")));
    let more = "and 2 more, which the log of the product names";
    check(5, Some(&format!("5 rows cannot be read and are not among these:\n{three}\n  {more}")));
}
