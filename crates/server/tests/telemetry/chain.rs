//! One trace from the sender over every attempt to the receiver.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::collector::{Collector, text};
use crate::product::Product;
use crate::receiver::Receiver;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SENDER: &str = "b7ad6b7169203331";
const ORDER: &str = r#"{"type":"order.created","number":"S1"}"#;

fn endpoint(collector: &Collector) -> String {
    format!("http://{}", collector.address)
}

/// Trace and span that a receiver was told, and the flags.
fn told(headers: &HeaderMap) -> (String, String, String) {
    let header = headers.get("traceparent").unwrap().to_str().unwrap();
    let [version, trace, span, flags] = <[&str; 4]>::try_from(header.split('-').collect::<Vec<_>>()).unwrap();
    assert_eq!(version, "00");
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    text(&span.attributes)
}

#[track_caller]
fn says(span: &Span, expected: &[(&str, &str)]) {
    let attributes = attributes(span);
    for (name, value) in expected {
        assert_eq!(attributes.get(*name).map(String::as_str), Some(*value), "{name} of {attributes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_senders_trace_goes_on_to_the_receiver_over_a_failed_attempt() {
    let (data, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let receiver = Receiver::start(&[503, 200]).await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint(&collector)),
        ("OTEL_SERVICE_NAME", "plane".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let product = Product::start(data.path(), receiver.address, &variables).await;
    let parent = format!("00-{TRACE}-{SENDER}-01");
    let (status, answer) = product.send("m1", ORDER, &[("traceparent", &parent)]).await;
    assert_eq!(status, 202);
    let event = answer["id"].as_str().unwrap();
    let arrived = receiver.until(2).await;
    let got = collector.until(|got| got.spans.len() >= 3).await;
    assert_eq!(got.resource["service.name"], "plane");
    assert_eq!(got.resource["deployment.environment.name"], "test");
    assert!(got.resource.contains_key("service.instance.id") && got.resource.contains_key("service.version"));

    assert!(got.spans.iter().all(|span| hex::encode(&span.trace_id) == TRACE && span.flags == 1));
    let receive = named(&got.spans, "receive shop");
    let [receive] = receive.as_slice() else { panic!("{receive:?}") };
    assert_eq!((hex::encode(&receive.parent_span_id), receive.kind), (SENDER.to_owned(), SpanKind::Server.into()));
    says(
        receive,
        &[
            ("messaging.system", "crossdock"),
            ("messaging.operation.type", "receive"),
            ("messaging.destination.name", "shop"),
            ("messaging.message.id", event),
            ("http.route", "/in/{source}"),
            ("crossdock.source", "shop"),
            ("crossdock.verdict", "admitted"),
        ],
    );
    assert!(receive.end_time_unix_nano > receive.start_time_unix_nano);

    let mut deliver = named(&got.spans, "deliver warehouse");
    deliver.sort_by_key(|span| attributes(span)["crossdock.attempt"].clone());
    assert_eq!(deliver.len(), 2);
    for (no, (span, headers)) in deliver.iter().zip(&arrived).enumerate() {
        assert_eq!((span.parent_span_id.as_slice(), span.kind), (receive.span_id.as_slice(), SpanKind::Client.into()));
        let sent = (TRACE.to_owned(), hex::encode(&span.span_id), "01".to_owned());
        assert_eq!(told(headers), sent, "what hangs below attempt {} at the receiver", no + 1);
        let delivery = headers.get("webhook-id").unwrap().to_str().unwrap();
        let attempt = (no + 1).to_string();
        says(
            span,
            &[
                ("messaging.operation.type", "send"),
                ("messaging.destination.name", "warehouse"),
                ("messaging.message.id", event),
                ("crossdock.delivery", delivery),
                ("crossdock.flow", "orders"),
                ("crossdock.attempt", &attempt),
            ],
        );
    }
    says(deliver[0], &[("crossdock.cause", "http_503"), ("error.type", "http_503"), ("crossdock.state", "waiting")]);
    says(
        deliver[1],
        &[("http.response.status_code", "200"), ("http.request.resend_count", "1"), ("crossdock.state", "done")],
    );
    let failed = |span: &Span| span.status.as_ref().is_some_and(|status| status.code == i32::from(StatusCode::Error));
    assert_eq!((failed(deliver[0]), failed(deliver[1]), failed(receive)), (true, false, false));
    product.end().await;
    assert_eq!(collector.got().spans.len(), 3, "each hop is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_goes_on_after_a_restart() {
    let (data, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let receiver = Receiver::start(&[503]).await;
    let endpoint = endpoint(&collector);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    let (_, answer) = product.send("m1", ORDER, &[]).await;
    let trace = answer["id"].as_str().unwrap().replace('-', "");
    receiver.until(1).await;
    product.end().await;
    let before = collector.got().spans;
    let instance = collector.got().resource["service.instance.id"].clone();

    receiver.answer(200);
    let product = Product::start(data.path(), receiver.address, &variables).await;
    let done = |span: &&Span| attributes(span).get("crossdock.state").is_some_and(|state| state == "done");
    let got = collector.until(|got| got.spans.iter().any(|span| done(&span))).await;
    product.end().await;
    assert_ne!(got.resource["service.instance.id"], instance, "another process");
    let receive = named(&before, "receive shop");
    let [receive] = receive.as_slice() else { panic!("{receive:?}") };
    assert!(receive.parent_span_id.is_empty(), "nobody before it");
    let last = got.spans.iter().find(done).unwrap();
    assert_eq!((hex::encode(&last.trace_id), &last.parent_span_id), (trace.clone(), &receive.span_id));
    assert!(got.spans.iter().all(|span| hex::encode(&span.trace_id) == trace));
    let arrived = receiver.until(2).await;
    let sent = (trace, hex::encode(&last.span_id), "01".to_owned());
    let no = &attributes(last)["crossdock.attempt"];
    let received = arrived.iter().find(|headers| headers.get("crossdock-attempt").is_some_and(|it| it == no.as_str()));
    assert_eq!(received.map(told), Some(sent));
    assert!(named(&got.spans, "receive shop").len() == 1, "it was received once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_recorded_is_passed_on_as_such() {
    let (data, collector) = (tempfile::tempdir().unwrap(), Collector::start().await);
    let receiver = Receiver::start(&[200]).await;
    let endpoint = endpoint(&collector);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let product = Product::start(data.path(), receiver.address, &variables).await;
    product.send("m1", ORDER, &[]).await;
    product.send("m2", ORDER, &[("traceparent", &format!("00-{TRACE}-{SENDER}-00"))]).await;
    let arrived = receiver.until(2).await;
    product.end().await;
    assert!(arrived.iter().all(|headers| told(headers).2 == "00"));
    assert!(arrived.iter().any(|headers| told(headers).0 == TRACE && told(headers).1 != SENDER));
    assert!(collector.got().spans.is_empty());
}
