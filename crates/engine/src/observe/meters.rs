//! The counts behind the metrics page, by few labels, so that their number stays bounded by the project's size.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Fact;

/// Upper bounds in seconds, from half a millisecond to a minute.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 15.0, 60.0];

/// A source and what became of its events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Intake {
    source: String,
    verdict: &'static str,
}

/// A destination and how its attempts ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    destination: String,
    flow: String,
    cause: String,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct To {
    destination: String,
}

/// A loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Loop {
    name: &'static str,
}

/// The counts of one process.
#[derive(Debug)]
pub struct Meters {
    events: Family<Intake, Counter>,
    accept_seconds: Histogram,
    routed: Counter,
    deliveries: Counter,
    attempts: Family<Ended, Counter>,
    attempt_seconds: Family<To, Histogram>,
    breaker_changes: Family<To, Counter>,
    loop_faults: Family<Loop, Counter>,
    trimmed: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            events: Family::default(),
            accept_seconds: Histogram::new(SECONDS),
            routed: Counter::default(),
            deliveries: Counter::default(),
            attempts: Family::default(),
            attempt_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            breaker_changes: Family::default(),
            loop_faults: Family::default(),
            trimmed: Counter::default(),
        }
    }
}

impl Meters {
    /// Makes the counts known to a registry under their public names.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("crossdock_events", "Events by source and verdict", self.events.clone());
        registry.register_with_unit(
            "crossdock_accept_duration",
            "From the last byte of a request to its durable commit",
            Unit::Seconds,
            self.accept_seconds.clone(),
        );
        registry.register("crossdock_routed_records", "Records that the router has passed", self.routed.clone());
        registry.register("crossdock_deliveries_created", "Deliveries made by routing", self.deliveries.clone());
        registry.register("crossdock_attempts", "Attempts by destination, flow and cause", self.attempts.clone());
        registry.register_with_unit(
            "crossdock_attempt_duration",
            "From the claim of an attempt to its answer",
            Unit::Seconds,
            self.attempt_seconds.clone(),
        );
        registry.register("crossdock_breaker_changes", "Changes of breakers", self.breaker_changes.clone());
        registry.register("crossdock_loop_faults", "Faults that loops met", self.loop_faults.clone());
        registry.register("crossdock_retention_removed", "Rows that retention removed", self.trimmed.clone());
    }

    pub(super) fn count(&self, fact: &Fact<'_>) {
        match fact {
            Fact::Accepted { source, verdict, took, .. } => {
                self.verdict(source.as_str(), verdict.word());
                self.accept_seconds.observe(took.to_duration().as_secs_f64());
            }
            Fact::Refused { source, kind } => {
                self.verdict(source.map_or("", |source| source.as_str()), kind.code());
            }
            Fact::Routed { records, deliveries } => {
                self.routed.inc_by(*records as u64);
                self.deliveries.inc_by(*deliveries as u64);
            }
            Fact::AttemptEnded { flow, destination, cause, took, .. } => {
                let destination = destination.to_string();
                let labels = Ended { destination: destination.clone(), flow: flow.to_string(), cause: (*cause).to_owned() };
                self.attempts.get_or_create(&labels).inc();
                self.attempt_seconds.get_or_create(&To { destination }).observe(took.to_duration().as_secs_f64());
            }
            Fact::Breaker { destination, .. } => {
                self.breaker_changes.get_or_create(&To { destination: destination.to_string() }).inc();
            }
            Fact::Trimmed { rows, .. } => {
                self.trimmed.inc_by(*rows);
            }
            Fact::LoopFault { name, .. } => {
                self.loop_faults.get_or_create(&Loop { name }).inc();
            }
            Fact::Shards { .. } | Fact::BudgetAlarm { .. } | Fact::RequestFailed { .. } => {}
        }
    }

    fn verdict(&self, source: &str, verdict: &'static str) {
        self.events.get_or_create(&Intake { source: source.to_owned(), verdict }).inc();
    }
}
