//! Spans and metrics as OTLP has them: protobuf. Pure; the numbers are those of the metrics page.

use std::collections::BTreeMap;

use bytes::Bytes;
use engine::observe::metric::{Family, Kind, Sample, Unit, Value};
use engine::observe::{Attribute, Side, Span};
use model::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as trace, ResourceSpans, ScopeSpans, Status};
use prost::Message;

/// From when to when counts have been added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    /// The start of the process.
    pub(super) from: Timestamp,
    /// Now.
    pub(super) to: Timestamp,
}

/// A request with spans.
pub(super) fn spans(resource: &BTreeMap<String, String>, spans: Vec<Span>) -> Bytes {
    let scope = ScopeSpans { scope: Some(scope()), spans: spans.into_iter().map(span).collect(), ..ScopeSpans::default() };
    let spans = ResourceSpans { resource: Some(about(resource)), scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec().into()
}

/// A request with metrics.
pub(super) fn metrics(resource: &BTreeMap<String, String>, families: Vec<Family>, period: Period) -> Bytes {
    let metrics = families.into_iter().filter(|family| !family.samples.is_empty());
    let metrics = metrics.map(|family| metric(family, period)).collect();
    let scope = ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() };
    let metrics =
        ResourceMetrics { resource: Some(about(resource)), scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![metrics] }.encode_to_vec().into()
}

/// How many spans of a request the collector did not want, by its answer. What cannot be read says nothing.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    let partly = ExportTraceServiceResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    partly.and_then(|partly| u64::try_from(partly.rejected_spans).ok()).unwrap_or(0)
}

fn scope() -> InstrumentationScope {
    let (name, version) = ("crossdock".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    InstrumentationScope { name, version, ..InstrumentationScope::default() }
}

fn about(resource: &BTreeMap<String, String>) -> Resource {
    let attributes = resource.iter().map(|(key, value)| text(key, value.clone())).collect();
    Resource { attributes, ..Resource::default() }
}

fn text(key: &str, value: String) -> KeyValue {
    pair(key, Any::StringValue(value))
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.micros()).unwrap_or(0).saturating_mul(1_000)
}

fn span(span: Span) -> trace::Span {
    let attribute = |(key, value)| match value {
        Attribute::Text(value) => text(key, value),
        Attribute::Number(value) => pair(key, Any::IntValue(value)),
    };
    let kind = match span.side {
        Side::Server => SpanKind::Server,
        Side::Client => SpanKind::Client,
    };
    trace::Span {
        trace_id: span.trace_id.to_vec(),
        span_id: span.span_id.to_vec(),
        parent_span_id: span.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        flags: span.flags.into(),
        name: span.name,
        kind: kind.into(),
        start_time_unix_nano: nanos(span.started),
        end_time_unix_nano: nanos(span.ended),
        attributes: span.attributes.into_iter().map(attribute).collect(),
        status: span.error.map(|message| Status { message, code: StatusCode::Error.into() }),
        ..trace::Span::default()
    }
}

fn metric(family: Family, period: Period) -> Metric {
    let Family { metric, samples } = family;
    let numbers = |samples: Vec<Sample>| samples.into_iter().filter_map(|it| number(metric.labels, it, period)).collect();
    let data = match metric.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: numbers(samples),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge { data_points: numbers(samples) }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: samples.into_iter().filter_map(|sample| spread(metric.labels, sample, period)).collect(),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        }),
    };
    let unit = match metric.unit {
        Unit::One => "1",
        Unit::Seconds => "s",
        Unit::Bytes => "By",
    };
    Metric {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attributes(labels: &[&str], values: Vec<String>) -> Vec<KeyValue> {
    labels.iter().zip(values).filter(|(_, value)| !value.is_empty()).map(|(label, value)| text(label, value)).collect()
}

fn number(labels: &[&str], sample: Sample, period: Period) -> Option<NumberDataPoint> {
    let (value, from) = match sample.value {
        Value::Count(count) => {
            (number_data_point::Value::AsInt(i64::try_from(count).unwrap_or(i64::MAX)), nanos(period.from))
        }
        Value::Level(level) => (number_data_point::Value::AsDouble(level), 0),
        Value::Spread(_) => return None,
    };
    Some(NumberDataPoint {
        attributes: attributes(labels, sample.labels),
        start_time_unix_nano: from,
        time_unix_nano: nanos(period.to),
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn spread(labels: &[&str], sample: Sample, period: Period) -> Option<HistogramDataPoint> {
    let Value::Spread(spread) = sample.value else { return None };
    Some(HistogramDataPoint {
        attributes: attributes(labels, sample.labels),
        start_time_unix_nano: nanos(period.from),
        time_unix_nano: nanos(period.to),
        count: spread.count(),
        sum: Some(spread.sum),
        explicit_bounds: spread.bounds.to_vec(),
        bucket_counts: spread.counts,
        ..HistogramDataPoint::default()
    })
}
