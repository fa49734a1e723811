//! The running product from outside: what it does with strangers, with loops that end, and when it is told to stop.

use std::path::Path;

use model::TimeSpan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::settings::{Environment, Flags, HttpLimits};

const SYSTEM: &str = "
owner: team
sources:
  lab:
    verify: { unsigned: { owner: team, until: 2099-01-31, why: a test } }
    limits: { body: 1KiB }
  asks:
    verify: { unsigned: { owner: team, until: 2099-01-31, why: a test } }
    handshake: { challenge: { query: challenge } }
";

/// Long enough never to pass in a test, and short enough not to be waited for by a person who broke one.
const LONG: TimeSpan = TimeSpan::from_secs(3_600);
const SHORT: TimeSpan = TimeSpan::from_millis(50);

fn settings(folder: &Path, http: HttpLimits) -> Settings {
    let flags =
        Flags { project: Some(folder.to_owned()), listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..Flags::default() };
    Settings { http, ..Settings::resolve(&flags, Environment::default()).unwrap() }
}

async fn running(folder: &Path, http: HttpLimits) -> Running {
    start(settings(folder, http), &[SourceFile::new("systems/lab.yaml", SYSTEM)]).await.unwrap()
}

/// A connection on which this was sent.
async fn sent(running: &Running, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// What comes until the other side closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A connection that is cut off may end with a reset.
    stream.read_to_string(&mut text).await.ok();
    text
}

async fn answer(running: &Running, text: &str) -> String {
    rest(sent(running, text).await).await
}

fn post(body: &str) -> String {
    format!(
        "POST /in/lab HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const HALF: &str =
    "POST /in/lab HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"half\":";
const PATIENT: HttpLimits = HttpLimits { connections: 8, head: LONG, body: LONG, answer: LONG, linger: LONG, grace: SHORT };

#[tokio::test]
async fn a_half_sent_request_does_not_keep_the_process_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    assert!(answer(&running, &post("{}")).await.starts_with("HTTP/1.1 202"));
    let half = sent(&running, HALF).await;
    let idle = sent(&running, "").await;
    let endings = running.shutdown().await;
    assert_eq!(endings, Endings::default());
    assert_eq!((rest(half).await, rest(idle).await), (String::new(), String::new()), "neither has an answer");
}

#[tokio::test]
async fn who_does_not_send_a_request_in_time_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), HttpLimits { head: SHORT, body: SHORT, ..PATIENT }).await;
    assert_eq!(answer(&running, "").await, "");
    assert_eq!(answer(&running, "POST /in/lab HTTP/1.1\r\nhost: loc").await, "");
    let slow = answer(&running, HALF).await;
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("\"too-slow\""), "{slow}");
    running.shutdown().await;
}

#[tokio::test]
async fn who_does_not_read_its_answers_is_cut_off_and_gives_its_place_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), HttpLimits { connections: 1, answer: SHORT, ..PATIENT }).await;
    let mut deaf = sent(&running, "").await;
    let ask = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
    // Sends until nothing more goes, because nothing is read on either side, and the other side ends it.
    while deaf.write_all(ask.as_bytes()).await.is_ok() {}
    assert!(answer(&running, &post("{}")).await.starts_with("HTTP/1.1 202"));
    running.shutdown().await;
}

#[tokio::test]
async fn who_sends_all_before_it_reads_has_its_refusal_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    // More than the queues of a connection hold: it is not sent unless somebody takes it.
    let much = "x".repeat(64 << 20);
    let large_head = format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\nx: {much}\r\n\r\n");
    for (text, status) in [(post(&much), "413"), (post(&much).replace("/in/lab", "/in/nowhere"), "404"), (large_head, "431")]
    {
        let answered = answer(&running, &text).await;
        assert!(answered.starts_with(&format!("HTTP/1.1 {status}")), "{answered}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn who_goes_on_sending_after_its_refusal_is_cut_off_and_gives_its_place_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), HttpLimits { connections: 1, linger: SHORT, ..PATIENT }).await;
    let head = post("{}").replace("content-length: 2", "transfer-encoding: chunked").replace("{}", "");
    let mut endless = sent(&running, &head).await;
    let piece = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    while endless.write_all(piece.as_bytes()).await.is_ok() {}
    assert!(answer(&running, &post("{}")).await.starts_with("HTTP/1.1 202"));
    running.shutdown().await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), HttpLimits { connections: 1, ..PATIENT }).await;
    let first = sent(&running, HALF).await;
    let mut second = sent(&running, &post("{}")).await;
    let mut byte = [0];
    let early = tokio::time::timeout(SHORT.to_duration(), second.read(&mut byte)).await;
    assert!(early.is_err(), "the only place is taken: {early:?}");
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 202"));
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_refused_for_its_head_is_refused_before_its_body() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    let head = |line: &str, length: usize| format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    for (line, length, status, code) in [
        ("POST /in/nowhere", 10, "404", "unknown-source"),
        ("POST /in/nowhere", 5_000_000, "404", "unknown-source"),
        ("POST /in/lab", 1_025, "413", "too-large"),
        ("PUT /in/lab", 10, "405", "wrong-method"),
        ("GET /in/lab", 10, "405", "wrong-method"),
    ] {
        // No byte of the body is sent: whoever waits for it never answers.
        let mut stream = sent(&running, &head(line, length)).await;
        let mut start = vec![0; 4_096];
        let count = stream.read(&mut start).await.unwrap();
        let start = String::from_utf8_lossy(&start[..count]);
        assert!(start.starts_with(&format!("HTTP/1.1 {status}")) && start.contains(code), "{line}: {start}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_method_that_a_source_does_not_answer_is_told_those_that_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    let ask = |line: &str| format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let refused = answer(&running, &ask("GET /in/lab")).await;
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("\r\nallow: POST\r\n"), "{refused}");
    let refused = answer(&running, &ask("DELETE /in/asks")).await;
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("\r\nallow: POST, GET\r\n"), "{refused}");
    let answered = answer(&running, &ask("GET /in/asks?challenge=42")).await;
    assert!(answered.starts_with("HTTP/1.1 200") && answered.ends_with("42"), "{answered}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_loop_that_panics_is_told_and_the_process_is_not_ready_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    let ready = "GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answered = answer(&running, ready).await;
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    running.tasks.spawn("router/9", async { panic!("out of its mind") });
    let end = running.first_end().await;
    assert_eq!(end.to_string(), "router/9: it panicked: out of its mind");
    let answered = answer(&running, ready).await;
    assert!(answered.starts_with("HTTP/1.1 503") && answered.contains("loop-ended"), "{answered}");
    let endings = running.shutdown().await;
    assert_eq!(endings.failed, [end]);
}

#[tokio::test]
async fn a_folder_that_differs_from_the_policy_in_force_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = running(folder.path(), PATIENT).await;
    assert_eq!(first.notes, Vec::<String>::new());
    first.shutdown().await;
    let system = |text: &str| [SourceFile::new("systems/lab.yaml", text), SourceFile::new("tests/ignored.yaml", "x: 1\n")];
    let start = async |text: &str| {
        let running = start(settings(folder.path(), PATIENT), &system(text)).await.unwrap();
        let notes = running.notes.clone();
        running.shutdown().await;
        notes
    };
    assert_eq!(start(SYSTEM).await, Vec::<String>::new());
    let edited = SYSTEM.replace("1KiB", "2KiB");
    assert_eq!(start(&edited).await, ["the folder differs from the policy in force (1 change): crossdock plan"]);
    let wrong = SYSTEM.replace("1KiB", "much");
    assert_eq!(start(&wrong).await, ["the folder has mistakes, and the policy in force holds without it: crossdock check"]);
}

#[tokio::test]
async fn a_secret_without_a_value_is_told_at_the_start_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let text = "owner: team\nsources:\n  web:\n    verify: { preset: shopify, secrets: [web/hook] }\n";
    let files = [SourceFile::new("systems/web.yaml", text)];
    let running = start(settings(folder.path(), PATIENT), &files).await.unwrap();
    let [note] = running.notes.as_slice() else { panic!("{:?}", running.notes) };
    assert!(note.starts_with("these secrets have no value: web/hook (CROSSDOCK_SECRET_WEB_HOOK or the file "), "{note}");
    running.shutdown().await;
}

#[tokio::test]
async fn metrics_ask_for_a_token_unless_the_settings_open_them() {
    let folder = tempfile::tempdir().unwrap();
    let running = running(folder.path(), PATIENT).await;
    let ask = |more: &str| format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n");
    let refused = answer(&running, &ask("")).await;
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("sign-in"), "{refused}");
    let token = running.first_token.as_ref().unwrap().token.clone().unwrap();
    let page = answer(&running, &ask(&format!("authorization: bearer {token}\r\n"))).await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("# EOF") | page.contains("# TYPE"), "{page}");
    running.shutdown().await;
    let open = Settings { metrics: crate::settings::Metrics::Open, ..settings(folder.path(), PATIENT) };
    let running = start(open, &[]).await.unwrap();
    assert!(answer(&running, &ask("")).await.starts_with("HTTP/1.1 200"));
    running.shutdown().await;
}
