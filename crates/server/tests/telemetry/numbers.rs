//! The numbers: the same for a scraper and for the collector, on a period, at the end, and when the collector is away.

use std::collections::BTreeMap;

use engine::observe::catalogue;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use tokio::net::TcpListener;

use crate::collector::{Collector, Got, text};
use crate::openmetrics;
use crate::product::Product;
use crate::receiver::Receiver;

fn order(number: &str) -> String {
    format!(r#"{{"type":"order.created","number":"{number}"}}"#)
}

/// The samples of a metric as a scraper would name them.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn samples(metric: &Metric) -> BTreeMap<String, f64> {
    let labels = |attributes| {
        let pairs: Vec<_> = text(attributes).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(",")
    };
    match metric.data.as_ref().unwrap() {
        metric::Data::Sum(sum) => {
            assert!(sum.is_monotonic && sum.aggregation_temporality == 2, "{}", metric.name);
            assert!(sum.data_points.iter().all(|point| point.start_time_unix_nano > 0));
            let value = |value| match value {
                Some(number_data_point::Value::AsInt(count)) => count as f64,
                other => panic!("{other:?}"),
            };
            let named = |labels: String| format!("{}_total{{{labels}}}", metric.name);
            sum.data_points.iter().map(|point| (named(labels(&point.attributes)), value(point.value))).collect()
        }
        metric::Data::Gauge(gauge) => {
            let value = |value| match value {
                Some(number_data_point::Value::AsDouble(level)) => level,
                other => panic!("{other:?}"),
            };
            let named = |labels: String| format!("{}{{{labels}}}", metric.name);
            gauge.data_points.iter().map(|point| (named(labels(&point.attributes)), value(point.value))).collect()
        }
        metric::Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, 2);
            let named = |labels: String| format!("{}_count{{{labels}}}", metric.name);
            let points = histogram.data_points.iter();
            let counted = points.map(|point| {
                assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                (named(labels(&point.attributes)), point.count as f64)
            });
            counted.collect()
        }
        other => panic!("{other:?}"),
    }
}

/// How often the collector is told before what is lacking is a failure; it is told every second.
const REQUESTS_MAX: usize = 60;

/// What is compared, as a scraper names it.
const EXPECTED: &[(&str, f64)] = &[
    ("crossdock_events_total{source=shop,verdict=admitted}", 1.0),
    ("crossdock_events_total{source=shop,verdict=duplicate}", 1.0),
    ("crossdock_events_total{source=shop,verdict=quarantined}", 1.0),
    ("crossdock_refused_total{code=key-reused,source=shop}", 1.0),
    ("crossdock_refused_total{code=bad-signature,source=shop}", 1.0),
    ("crossdock_refused_total{code=too-large,source=shop}", 1.0),
    ("crossdock_attempts_total{cause=http_503,destination=warehouse,flow=orders}", 1.0),
    ("crossdock_attempts_total{cause=http_200,destination=warehouse,flow=orders}", 1.0),
    ("crossdock_retries_total{destination=warehouse,flow=orders}", 1.0),
    ("crossdock_deliveries_created_total{}", 1.0),
    ("crossdock_accept_duration_seconds_count{}", 3.0),
    ("crossdock_attempt_duration_seconds_count{destination=warehouse}", 2.0),
    ("crossdock_delivery_duration_seconds_count{destination=warehouse}", 1.0),
    ("crossdock_entries{account=quarantined,origin=live}", 1.0),
    ("crossdock_unaccounted{origin=live}", 0.0),
    ("crossdock_waiting{destination=warehouse}", 0.0),
    ("crossdock_breaker{destination=warehouse,state=closed}", 1.0),
    ("crossdock_breaker{destination=warehouse,state=open}", 0.0),
    ("crossdock_router_lag{partition=0}", 0.0),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_scraper_and_the_collector_get_the_same_numbers() {
    let (data, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let receiver = Receiver::start(&[503, 200]).await;
    let endpoint = format!("http://{}", collector.address);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_METRIC_EXPORT_INTERVAL", "1000")];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    assert_eq!(product.send("m1", &order("S1"), &[]).await.0, 202);
    assert_eq!(product.send("m1", &order("S1"), &[]).await.0, 202);
    assert_eq!(product.send("m1", &order("S2"), &[]).await.0, 409);
    assert_eq!(product.send("m2", &order("far too long"), &[]).await.0, 202);
    assert_eq!(product.send("m3", &order("S3"), &[("webhook-signature", "v1,AAAA")]).await.0, 401);
    assert_eq!(product.send("m4", &order(&"S".repeat(2 << 20)), &[]).await.0, 413);
    receiver.until(2).await;
    // Much is counted after its answer was sent, and the collector's numbers are of some moment: all that is compared has to have
    // come. What does not come is told below.
    let has_come = |got: &Got| {
        let numbers: BTreeMap<String, f64> = got.metrics.values().flat_map(samples).collect();
        let has = |(name, expected): &(&str, f64)| numbers.get(*name) == Some(expected);
        let has_all = EXPECTED.iter().all(has) && has(&("crossdock_spans_total{fate=sent}", 5.0));
        has_all || got.metric_requests >= REQUESTS_MAX
    };
    let got = collector.until(has_come).await;
    let (kind, page) = product.page("/metrics", "application/openmetrics-text; version=1.0.0").await;
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let scraped = openmetrics::read(&page);
    let (kind, older) = product.page("/metrics", "*/*").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(older.contains("# TYPE crossdock_events_total counter\n") && !older.contains("# EOF"));

    let numbers: BTreeMap<String, f64> = got.metrics.values().flat_map(samples).collect();
    for (name, expected) in EXPECTED {
        assert_eq!(numbers.get(*name), Some(expected), "{name} of {numbers:#?}");
        assert_eq!(scraped.get(*name), Some(expected), "{name} of the page:\n{page}");
    }
    let units: BTreeMap<&str, &str> =
        got.metrics.values().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
    assert_eq!((units["crossdock_journal_bytes"], units["crossdock_attempts"]), ("By", "1"));
    assert_eq!(units["crossdock_delivery_duration_seconds"], "s");
    let known: BTreeMap<&str, &str> = catalogue::ALL.iter().map(|metric| (metric.name, metric.help)).collect();
    for metric in got.metrics.values() {
        assert_eq!(known.get(metric.name.as_str()), Some(&metric.description.as_str()));
    }
    for name in known.keys() {
        assert!(page.contains(&format!("# TYPE {name} ")), "{name} is not on the page");
    }
    product.end().await;
    assert!(collector.got().metric_requests > got.metric_requests, "the last numbers are sent at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_neither_slows_nor_stops_the_product() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[200]).await;
    // Connections wait in its queue for ever.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    for number in 0..20 {
        assert_eq!(product.send(&format!("m{number}"), &order(&format!("S{number}")), &[]).await.0, 202);
    }
    receiver.until(20).await;
    // It would wait for an hour.
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_does_not_take_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(&[200]).await;
    // It has no path for traces, and says for good that it does not want metrics.
    let refusing = Receiver::start(&[413]).await;
    let traces = format!("http://{}/orders", refusing.address);
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str())];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    assert_eq!(product.send("m1", &order("S1"), &[]).await.0, 202);
    refusing.until(1).await;
    loop {
        let (_, page) = product.page("/metrics", "application/openmetrics-text").await;
        let scraped = openmetrics::read(&page);
        if scraped.get("crossdock_exports_total{outcome=failed,signal=traces}").is_some_and(|failed| *failed >= 1.0) {
            assert!(scraped["crossdock_spans_total{fate=dropped}"] >= 1.0, "{page}");
            break;
        }
    }
    product.end().await;
}
