//! The loops that send: spans as they come, metrics on a period. They tell as facts what was taken and what was not.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engine::observe::{Exported, Fact, Facts, Span};
use engine::ports::{Clock, Message, Outbound, Sent};
use formats::signature::Secret;
use model::limit::SPANS_SENT_MAX;
use model::outcome::Again;
use model::{DestinationName, Fault, Network, Outcome, TimeSpan};
use tokio::sync::{mpsc, watch};

use super::encode::{self, Period};
use crate::app::App;
use crate::service::metrics;
use crate::settings::otlp::Otlp;

/// How long the first span of a request waits for others.
const GATHER: TimeSpan = TimeSpan::from_millis(500);
/// LIMIT: requests with the same spans; later ones wait meanwhile, and are dropped where there is no room.
const TRIES: u32 = 5;
/// The wait after the first request that failed; it doubles.
const AGAIN: TimeSpan = TimeSpan::from_secs(1);
/// LIMIT: the longest wait, whatever the collector asks for.
const AGAIN_MAX: TimeSpan = TimeSpan::from_secs(30);

/// The way to the collector for one signal.
#[derive(Debug)]
pub(super) struct Line {
    signal: &'static str,
    url: String,
    headers: Vec<(String, Secret)>,
    timeout: TimeSpan,
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    facts: Arc<Facts>,
}

/// What became of a request.
enum Posted {
    Taken(Bytes),
    Lost(String),
}

impl Line {
    pub(super) fn new(otlp: &Otlp, url: &str, signal: &'static str, app: &App) -> Self {
        Self {
            signal,
            url: url.to_owned(),
            headers: otlp.headers.clone(),
            timeout: otlp.timeout,
            outbound: Arc::clone(&app.ground.outbound),
            clock: Arc::clone(&app.ground.clock),
            facts: Arc::clone(&app.ground.facts),
        }
    }

    /// Whoever runs the process says where its collector is: any address may be reached.
    fn message(&self, body: Bytes) -> Message {
        let mut headers = vec![("content-type".to_owned(), "application/x-protobuf".to_owned())];
        let text = |value: &Secret| String::from_utf8_lossy(value.expose()).into_owned();
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), text(value))));
        let anywhere = |address| Network { address, bits: 0 };
        Message {
            destination: DestinationName::new("telemetry").expect("a literal name"),
            url: self.url.clone(),
            method: "POST".to_owned(),
            headers,
            body,
            timeout: self.timeout,
            allow: vec![anywhere(std::net::Ipv4Addr::UNSPECIFIED.into()), anywhere(std::net::Ipv6Addr::UNSPECIFIED.into())],
            errand: None,
        }
    }

    /// Sends a request, at most so many times.
    async fn post(&self, body: Bytes, tries: u32, stop: &mut watch::Receiver<bool>) -> Posted {
        let message = self.message(body);
        let mut wait = AGAIN;
        for left in (0..tries).rev() {
            let Sent { outcome, response, .. } = self.outbound.send(&message).await;
            let asked = match &outcome {
                Outcome::Accepted { .. } => return Posted::Taken(response),
                Outcome::Deferred { retry_after, .. } => *retry_after,
                Outcome::Refused { again: Again::Perhaps, .. } | Outcome::Unreached { .. } | Outcome::Unknown => None,
                Outcome::Refused { again: Again::Never, .. } | Outcome::Unmapped { .. } | Outcome::Unsent { .. } => {
                    return lost(&outcome);
                }
            };
            if left == 0 || *stop.borrow() {
                return lost(&outcome);
            }
            tokio::select! {
                _ = stop.changed() => {}
                () = self.clock.sleep(asked.unwrap_or(wait).min(AGAIN_MAX)) => {}
            }
            wait = wait.times(2);
        }
        Posted::Lost("nothing was tried".to_owned())
    }

    fn tell(&self, posted: &Posted, spans: u64) {
        let exported = |spans| Exported { signal: self.signal, spans };
        match posted {
            Posted::Taken(answer) => {
                let rejected = encode::rejected(answer).min(spans);
                self.facts.emit(&Fact::Exported(exported(spans - rejected)));
                if rejected > 0 {
                    let why = "it took the others of the request";
                    self.facts.emit(&Fact::NotExported { lost: exported(rejected), why });
                }
            }
            Posted::Lost(why) => self.facts.emit(&Fact::NotExported { lost: exported(spans), why }),
        }
    }
}

fn lost(outcome: &Outcome) -> Posted {
    Posted::Lost(outcome.cause())
}

/// A loop of one signal.
#[derive(Debug)]
pub(super) struct Exporter {
    pub(super) line: Line,
    pub(super) resource: Arc<BTreeMap<String, String>>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Exporter {
    /// Sends spans as they come, several at once. At the end what waits is sent, each once.
    pub(super) async fn send_spans(mut self, mut spans: mpsc::Receiver<Span>) -> Result<(), Fault> {
        loop {
            let batch = self.gather(&mut spans).await;
            if !batch.is_empty() {
                let count = batch.len() as u64;
                let posted = self.line.post(encode::spans(&self.resource, batch), TRIES, &mut self.stop).await;
                self.line.tell(&posted, count);
            } else if *self.stop.borrow() {
                return Ok(());
            }
        }
    }

    /// The next spans: as many as a request has room for, or what comes in a short while after the first. None only when
    /// it is time to stop.
    async fn gather(&mut self, spans: &mut mpsc::Receiver<Span>) -> Vec<Span> {
        let mut batch = Vec::new();
        if !*self.stop.borrow() {
            tokio::select! {
                _ = self.stop.changed() => {}
                _ = spans.recv_many(&mut batch, SPANS_SENT_MAX) => {}
            }
        }
        let mut over = self.line.clock.sleep(GATHER);
        while batch.len() < SPANS_SENT_MAX && !*self.stop.borrow() {
            let room = SPANS_SENT_MAX - batch.len();
            tokio::select! {
                _ = self.stop.changed() => {}
                () = &mut over => return batch,
                _ = spans.recv_many(&mut batch, room) => {}
            }
        }
        while batch.len() < SPANS_SENT_MAX
            && let Ok(span) = spans.try_recv()
        {
            batch.push(span);
        }
        batch
    }

    /// Sends all metrics on a period, and once more at the end. What is lost is not sent again: the next request has it.
    pub(super) async fn send_metrics(mut self, app: Arc<App>, interval: TimeSpan) -> Result<(), Fault> {
        let began = self.line.clock.ran();
        while !*self.stop.borrow() {
            tokio::select! {
                _ = self.stop.changed() => {}
                () = self.line.clock.sleep(interval) => {}
            }
            let families = metrics::families(&app).await;
            // A collector shows the machine's time, which may have been set right meanwhile.
            let (to, ran) = (self.line.clock.wall(), self.line.clock.ran() - began);
            let period = Period { from: to - ran, to };
            let posted = self.line.post(encode::metrics(&self.resource, families, period), 1, &mut self.stop).await;
            self.line.tell(&posted, 0);
        }
        Ok(())
    }
}
