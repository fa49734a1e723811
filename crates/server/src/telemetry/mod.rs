//! Traces and metrics to a collector of OpenTelemetry, by OTLP over HTTP, where one is configured.
//!
//! Telling must never slow or stop what is told: spans wait in a queue with a limit, what finds no room is dropped and
//! counted, and the last requests at the end of the process have a limit of time.

mod encode;
mod export;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::observe::{Facts, Span, Tracing};
use engine::ports::Clock;
use engine::rules::traced::Share;
use model::TimeSpan;
use model::limit::SPANS_WAITING_MAX;
use tokio::sync::{mpsc, watch};

use self::export::{Exporter, Line};
use crate::app::App;
use crate::settings::otlp::Otlp;
use crate::tasks::Tasks;

/// LIMIT: how long the end of the process waits for the collector to take what is left.
const FLUSH: TimeSpan = TimeSpan::from_secs(5);

/// The facts of a process, and the other end of its spans where they are sent.
pub fn facts(otlp: Option<&Otlp>) -> (Facts, Option<mpsc::Receiver<Span>>) {
    match otlp {
        Some(otlp) if otlp.traces.is_some() => {
            let (sender, spans) = mpsc::channel(SPANS_WAITING_MAX);
            (Facts::traced(Tracing { spans: sender, roots: Share::of(otlp.share) }), Some(spans))
        }
        Some(_) | None => (Facts::default(), None),
    }
}

/// The loops that send.
#[derive(Debug)]
pub struct Telemetry {
    tasks: Tasks,
    stop: watch::Sender<bool>,
    clock: Arc<dyn Clock>,
}

impl Telemetry {
    /// Begins to send; nothing where no collector is configured.
    pub fn start(app: &Arc<App>, spans: Option<mpsc::Receiver<Span>>) -> Option<Self> {
        let otlp = app.settings.otlp.clone()?;
        let (stop, stopped) = watch::channel(false);
        let resource = Arc::new(resource(&otlp, &*app.ground.clock));
        let exporter = |url: &str, signal: &'static str| Exporter {
            line: Line::new(&otlp, url, signal, app),
            resource: Arc::clone(&resource),
            stop: stopped.clone(),
        };
        let tasks = Tasks::default();
        if let Some((url, spans)) = otlp.traces.as_deref().zip(spans) {
            tasks.spawn("traces", exporter(url, "traces").send_spans(spans));
        }
        if let Some(url) = &otlp.metrics {
            tasks.spawn("metrics", exporter(url, "metrics").send_metrics(Arc::clone(app), otlp.interval));
        }
        Some(Self { tasks, stop, clock: Arc::clone(&app.ground.clock) })
    }

    /// Sends what is left. Called when nothing is told any more, and while the stores can still be asked.
    pub async fn finish(self) {
        self.stop.send_replace(true);
        // A collector that takes nothing is no failure of ours.
        drop(self.tasks.join(&self.clock, FLUSH).await);
    }
}

/// What a process is called; every start is another instance, whose counts begin at zero.
fn resource(otlp: &Otlp, clock: &dyn Clock) -> BTreeMap<String, String> {
    let mut resource = otlp.resource.clone();
    let version = || env!("CARGO_PKG_VERSION").to_owned();
    resource.entry("service.version".to_owned()).or_insert_with(version);
    let instance = || hex::encode(clock.chance());
    resource.entry("service.instance.id".to_owned()).or_insert_with(instance);
    resource
}
