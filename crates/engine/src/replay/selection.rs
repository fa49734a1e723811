//! What a person selects for a replay.

use std::fmt;

use model::{DeliveryId, DestinationName, Event, EventId, FlowName, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which events, through which flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "select")]
pub enum Selection {
    /// These events.
    Events {
        /// Which.
        events: Vec<EventId>,
        /// Through these flows; through those that select them, when empty.
        #[serde(default)]
        flows: Vec<FlowName>,
    },
    /// The events of these deliveries, through the flows of these.
    Deliveries {
        /// Which.
        deliveries: Vec<DeliveryId>,
    },
    /// What waits for a person for one cause: a line of the list of causes.
    Cause {
        /// The flow.
        flow: FlowName,
        /// The destination.
        destination: DestinationName,
        /// The cause: [`model::Outcome::cause`].
        cause: String,
    },
    /// What was accepted and fits.
    Filter(Filter),
}

impl Selection {
    /// The flows that somebody named; those of deliveries and causes are what they were.
    pub fn flows(&self) -> &[FlowName] {
        match self {
            Self::Events { flows, .. } => flows,
            Self::Filter(filter) => &filter.flows,
            Self::Deliveries { .. } | Self::Cause { .. } => &[],
        }
    }
}

/// What fits. All that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Filter {
    /// From this source.
    pub source: Option<SourceName>,
    /// Of this type, or with this beginning where it ends in `*`.
    pub kind: Option<String>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// Received before.
    pub until: Option<Timestamp>,
    /// With this identifier or correlation id.
    pub identifier: Option<String>,
    /// Through these flows; through those that select the event, when empty.
    pub flows: Vec<FlowName>,
}

impl Filter {
    /// Whether an event fits; the identifier is asked as well, though an index may have found it.
    pub fn fits(&self, event: &Event) -> bool {
        self.source.as_ref().is_none_or(|source| *source == event.source)
            && self.kind.as_ref().is_none_or(|kind| kind_fits(kind, event.kind.as_str()))
            && self.since.is_none_or(|since| event.received_at >= since)
            && self.until.is_none_or(|until| event.received_at < until)
            && self.identifier.as_ref().is_none_or(|word| carries(event, word))
    }
}

fn kind_fits(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == wanted,
    }
}

fn carries(event: &Event, word: &str) -> bool {
    event.correlation == word || event.identifiers.iter().any(|identifier| identifier.value == word)
}

/// In words, as it is kept with the replay.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { events, flows } => {
                write!(f, "{} named events{}", events.len(), through(flows))
            }
            Self::Deliveries { deliveries } => write!(f, "{} named deliveries", deliveries.len()),
            Self::Cause { flow, destination, cause } => {
                write!(f, "what waits for a person with {cause} in flow {flow} to {destination}")
            }
            Self::Filter(filter) => filter.fmt(f),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("events")?;
        let parts = [
            ("of source", self.source.as_ref().map(ToString::to_string)),
            ("of type", self.kind.clone()),
            ("since", self.since.map(|at| at.to_string())),
            ("until", self.until.map(|at| at.to_string())),
            ("with", self.identifier.clone()),
        ];
        for (word, text) in parts {
            if let Some(text) = text {
                write!(f, " {word} {text}")?;
            }
        }
        f.write_str(&through(&self.flows))
    }
}

fn through(flows: &[FlowName]) -> String {
    if flows.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = flows.iter().map(FlowName::as_str).collect();
    format!(" through {}", names.join(", "))
}
