//! Logs to standard error, and traces and metrics to an OpenTelemetry collector where one is configured. No body, header or
//! secret gets here: the engine's facts hold ids and words only.

use std::io::IsTerminal as _;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, Settings};

/// Our own facts, and what is wrong elsewhere. The compiler of expressions warns about what `check` has judged already.
const LEVELS: &str = "warn,crossdock=info,engine=info,vrl=error";

/// What has to be flushed at the end.
#[derive(Debug, Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the exporter to {endpoint} cannot be made: {cause}")]
pub struct BadTelemetry {
    endpoint: String,
    cause: String,
}

impl Telemetry {
    /// Sets up logs and exporters. A second call in one process keeps the first one's logs, as tests need.
    pub fn start(settings: &Settings) -> Result<Self, BadTelemetry> {
        let traces = settings.otlp.as_deref().map(tracer).transpose()?;
        let level = settings.environment.get("CROSSDOCK_LOG").unwrap_or_else(|| LEVELS.to_owned());
        let registry = tracing_subscriber::registry().with(EnvFilter::new(level));
        let colours = std::io::stderr().is_terminal() && settings.environment.get("NO_COLOR").is_none();
        let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
        let started = match settings.log {
            LogFormat::Text => registry.with(text.with_target(false)).try_init(),
            LogFormat::Json => registry.with(text.json().flatten_event(true)).try_init(),
        };
        drop(started);
        Ok(Self { traces })
    }

    /// The tracer of the product, if traces are exported.
    pub fn tracer(&self) -> Option<opentelemetry_sdk::trace::SdkTracer> {
        self.traces.as_ref().map(|provider| provider.tracer("crossdock"))
    }

    /// Sends what is buffered.
    pub fn stop(&self) {
        if let Some(provider) = &self.traces {
            drop(provider.shutdown());
        }
    }
}

fn tracer(endpoint: &str) -> Result<SdkTracerProvider, BadTelemetry> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| BadTelemetry { endpoint: endpoint.to_owned(), cause: error.to_string() })?;
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.name", "crossdock"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
