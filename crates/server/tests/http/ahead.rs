//! While the product's time is ahead of the machine's clock, which was set back: nothing is shown an hour long, and people are
//! told when it is over.

use http::Method;
use model::TimeSpan;
use serde_json::json;

use crate::product::Product;

/// Far above what anything here takes, and far below an hour.
const LONG_S: f64 = 600.0;

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_between_two_clocks_is_shown_as_no_duration_and_makes_nothing_unhealthy() {
    let product = Product::start().await;
    product.set_ahead(TimeSpan::from_secs(3_600));
    let sent = product.ask(Method::POST, "/in/strict").json(&json!({ "id": "1", "type": "known" })).send().await.is(202);
    let event = sent.json()["id"].as_str().unwrap().to_owned();

    let trace = product.get(&format!("/api/v1/trace/{event}")).await.is(200).json();
    let hops = trace["events"][0]["hops"].as_array().unwrap();
    assert_eq!((&hops[0]["what"], &hops[1]["what"]), (&json!("received"), &json!("accepted")), "{trace}");
    assert!(hops[0]["text"].as_str().unwrap().contains("the machine's clock said"), "{trace}");
    assert!(hops[1]["after_us"].as_f64().unwrap() < LONG_S * 1e6, "{trace}");

    let metrics = product.get("/metrics").await.is(200).text;
    let sum = metrics.lines().find_map(|line| line.strip_prefix("crossdock_accept_duration_seconds_sum "));
    assert!(sum.is_some_and(|sum| sum.parse::<f64>().unwrap() < LONG_S), "{metrics}");

    let status = product.get("/api/v1/status").await.is(200).json();
    let clock = status["concerns"].as_array().unwrap().iter().find(|it| it["kind"] == "clock");
    let clock = clock.unwrap_or_else(|| panic!("{status}"));
    assert_eq!(clock["health"], "healthy", "{clock}");
    assert!(clock["text"].as_str().unwrap().contains("agree with it in about"), "{clock}");
    product.stop().await;
}
