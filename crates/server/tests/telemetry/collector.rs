//! A collector of OpenTelemetry: it decodes what it gets with the published messages, and keeps it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use server::tasks::Tasks;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What it got so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Got {
    /// All spans, in their order.
    pub(crate) spans: Vec<Span>,
    /// The metrics of the latest request, by name.
    pub(crate) metrics: BTreeMap<String, Metric>,
    /// Requests with metrics.
    pub(crate) metric_requests: usize,
    /// What the sender of the latest request is.
    pub(crate) resource: BTreeMap<String, String>,
    /// The headers of the latest request.
    pub(crate) headers: HeaderMap,
    /// All bodies, one after the other.
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    got: watch::Receiver<Got>,
    _tasks: Tasks,
}

type Keep = Arc<watch::Sender<Got>>;

impl Collector {
    pub(crate) async fn start() -> Self {
        let (keep, got) = watch::channel(Got::default());
        let router = Router::new().route("/v1/traces", post(traces)).route("/v1/metrics", post(metrics));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::default();
        tasks.spawn("collector", async move {
            axum::serve(listener, router.with_state(Arc::new(keep))).await.unwrap();
            Ok(())
        });
        Self { address, got, _tasks: tasks }
    }

    /// What it has when this holds.
    pub(crate) async fn until(&self, holds: impl FnMut(&Got) -> bool) -> Got {
        let mut got = self.got.clone();
        let got = got.wait_for(holds).await.unwrap();
        got.clone()
    }

    /// What it has now.
    pub(crate) fn got(&self) -> Got {
        self.got.borrow().clone()
    }
}

async fn traces(State(keep): State<Keep>, headers: HeaderMap, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    keep.send_modify(|got| {
        got.headers = headers;
        got.bytes.extend_from_slice(&body);
        for of_resource in request.resource_spans {
            got.resource = text(&of_resource.resource.unwrap().attributes);
            got.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    });
}

async fn metrics(State(keep): State<Keep>, headers: HeaderMap, body: Bytes) {
    let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
    keep.send_modify(|got| {
        got.headers = headers;
        got.bytes.extend_from_slice(&body);
        got.metric_requests += 1;
        let metrics = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics).flat_map(|scope| scope.metrics);
        got.metrics = metrics.map(|metric| (metric.name.clone(), metric)).collect();
    });
}

/// Attributes as text.
pub(crate) fn text(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let shown = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), shown(attribute))).collect()
}
