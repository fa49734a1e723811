//! What nobody may read: bodies, headers, secrets. Everything is asked to be as talkative as it can be.

use base64::Engine as _;
use serde_json::Value;

use crate::collector::Collector;
use crate::product::{COLLECTOR_TOKEN, Product, SHOP_KEY, WAREHOUSE_KEY, WAREHOUSE_TOKEN, log};
use crate::receiver::{ANSWER, Receiver};

const BODY: &str = "body-sentinel-2e6f";
const HEADER: &str = "header-sentinel-8a0d";

/// All that must not be seen, and what could be made of it.
fn hidden() -> Vec<String> {
    let mut hidden: Vec<String> = Vec::new();
    for text in [BODY, HEADER, ANSWER, WAREHOUSE_TOKEN, COLLECTOR_TOKEN] {
        hidden.push(text.to_owned());
    }
    for key in [SHOP_KEY, WAREHOUSE_KEY] {
        let encoded = key.trim_start_matches("whsec_");
        hidden.push(encoded.to_owned());
        let raw = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
        hidden.push(String::from_utf8(raw).unwrap());
    }
    hidden
}

#[track_caller]
fn check(what: &str, bytes: &[u8]) {
    for text in hidden() {
        let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!found, "{text} is in {what}: {}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_headers_and_secrets_are_told_to_nobody() {
    let (data, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let receiver = Receiver::start(&[503, 422]).await;
    let endpoint = format!("http://{}", collector.address);
    let header = format!("authorization=Bearer%20{COLLECTOR_TOKEN}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", header.as_str()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    let more = [("x-shop", HEADER), ("cookie", HEADER), ("authorization", HEADER)];
    let mut answers: Vec<(u16, Value)> = Vec::new();
    let good = format!(r#"{{"type":"order.created","number":"S1","note":"{BODY}"}}"#);
    answers.push(product.send("m1", &good, &more).await);
    let event = answers[0].1["id"].as_str().unwrap().to_owned();
    let conflict = good.replace("S1", "S2");
    answers.push(product.send("m1", &conflict, &more).await);
    answers.push(product.send("m2", &format!(r#"{{"type":"order.created","number":"{BODY}"}}"#), &more).await);
    answers.push(product.send("m3", &format!(r#"{{"type":"{BODY}","number": {BODY}"#), &more).await);
    let unsigned = [more.as_slice(), &[("webhook-signature", HEADER)]].concat();
    answers.push(product.send("m4", &good, &unsigned).await);
    let stale = [more.as_slice(), &[("webhook-timestamp", "1")]].concat();
    answers.push(product.send("m5", &good, &stale).await);
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [202, 409, 202, 400, 401, 401], "{answers:#?}");
    receiver.until(2).await;
    for path in ["/metrics", "/api/v1/status", "/nothing-here"] {
        check(path, product.page(path, "*/*").await.1.as_bytes());
    }
    for (_, answer) in &answers {
        check("an answer of intake", answer.to_string().as_bytes());
    }
    let app = &product.running.app;
    check("what a debugger prints", format!("{:?} {:?}", app.settings, app.ground.keys).as_bytes());
    product.end().await;
    let got = collector.got();
    let authorised = got.headers.get("authorization").unwrap().to_str().unwrap();
    assert_eq!(authorised, format!("Bearer {COLLECTOR_TOKEN}"), "the collector knows us");
    assert!(got.spans.len() >= 3 && got.metric_requests > 0, "there was something to tell");
    check("what the collector got", &got.bytes);
    let log = log();
    check("the log", log.as_bytes());
    read_log(&log, &event);
}

/// Every line is one object with a sentence, and those about an event lead to it.
#[track_caller]
fn read_log(log: &str, event: &str) {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["message"].as_str().is_some_and(|sentence| sentence.contains(' '))), "{log}");
    let loud = |line: &Value| line["level"] == "WARN" || line["level"] == "ERROR";
    let strange = lines.iter().find(|line| !line["fact"].is_string() && !loud(line));
    assert!(strange.is_none(), "only facts are heard below a warning: {strange:?}");
    let about: Vec<&Value> = lines.iter().filter(|line| line["event"] == event).collect();
    let trace = event.replace('-', "");
    assert!(about.iter().all(|line| line["trace_id"] == trace.as_str()), "{about:#?}");
    let accepted = about.iter().find(|line| line["fact"] == "accepted").expect("the arrival is told");
    assert_eq!((accepted["source"].as_str(), accepted["level"].as_str()), (Some("shop"), Some("DEBUG")));
    let dead = about.iter().find(|line| line["state"] == "dead_lettered").expect("the end is told");
    assert_eq!((dead["attempt"].as_u64(), dead["cause"].as_str()), (Some(2), Some("http_422")));
    assert!(dead["delivery"].is_string() && dead["level"] == "WARN");
}
