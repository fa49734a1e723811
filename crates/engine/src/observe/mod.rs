//! Facts: what happened, told once, in one place, to people (logs) and machines (metrics). A room emits a fact and
//! never logs by hand. A fact holds ids and words; never a body, a header or a secret.

mod meters;

use std::fmt;

use model::{DeliveryId, DestinationName, EventId, Fault, FaultKind, FlowName, RefusalKind, SourceName, TimeSpan};

pub use meters::Meters;

/// What happened.
#[derive(Debug)]
pub enum Fact<'a> {
    /// An event is durable, admitted or quarantined.
    Accepted {
        /// By which source.
        source: &'a SourceName,
        /// Its id.
        event: EventId,
        /// Where it went.
        verdict: Accepted,
        /// From the last byte of the request to the commit.
        took: TimeSpan,
    },
    /// A request, or an event of a batch, was refused.
    Refused {
        /// By which source, where it is known.
        source: Option<&'a SourceName>,
        /// How.
        kind: RefusalKind,
    },
    /// Records were routed.
    Routed {
        /// How many.
        records: usize,
        /// Deliveries that they made.
        deliveries: usize,
    },
    /// An attempt ended and the delivery moved on.
    AttemptEnded {
        /// Which delivery.
        delivery: DeliveryId,
        /// Of which flow.
        flow: &'a FlowName,
        /// To where.
        destination: &'a DestinationName,
        /// Its number.
        no: u32,
        /// What came back, in a word.
        cause: &'a str,
        /// Where the delivery stands now, in a word.
        state: &'static str,
        /// From the claim to the answer.
        took: TimeSpan,
    },
    /// A breaker changed.
    Breaker {
        /// Whose.
        destination: &'a DestinationName,
        /// To what, in a word.
        state: &'static str,
    },
    /// A node took or lost shards.
    Shards {
        /// How many it holds now.
        held: usize,
    },
    /// Retention removed something.
    Trimmed {
        /// From where: `journal`, `ledger`, `keys`.
        store: &'static str,
        /// Rows or periods.
        rows: u64,
    },
    /// The journal is above a share of its budget.
    BudgetAlarm {
        /// Hundredths of the budget.
        percent: u64,
    },
    /// A request failed for reasons of ours.
    RequestFailed {
        /// The code of its problem.
        code: &'a str,
        /// Its trace, which its problem names too.
        trace: &'a str,
    },
    /// A loop met a fault.
    LoopFault {
        /// Which loop.
        name: &'static str,
        /// What it met.
        fault: &'a Fault,
    },
}

/// How an event was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// It goes on.
    Admitted,
    /// It waits for a person.
    Quarantined,
    /// It was there before.
    Duplicate,
}

impl Accepted {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Quarantined => "quarantined",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Where facts go.
#[derive(Debug, Default)]
pub struct Facts {
    /// The counts.
    pub meters: Meters,
}

impl Facts {
    /// Tells a fact.
    pub fn emit(&self, fact: &Fact<'_>) {
        self.meters.count(fact);
        match fact {
            Fact::Accepted { source, event, verdict, .. } => {
                tracing::debug!(%source, %event, verdict = verdict.word(), "{fact}");
            }
            Fact::Routed { records, deliveries } => tracing::debug!(records, deliveries, "{fact}"),
            Fact::Refused { kind, .. } => tracing::info!(code = kind.code(), "{fact}"),
            Fact::AttemptEnded { delivery, flow, destination, no, cause, state, .. } => {
                tracing::debug!(%delivery, %flow, %destination, attempt = no, cause, state, "{fact}");
            }
            Fact::Breaker { destination, state } => tracing::warn!(%destination, state, "{fact}"),
            Fact::Shards { held } => tracing::info!(held, "{fact}"),
            Fact::Trimmed { store, rows } => tracing::info!(store, rows, "{fact}"),
            Fact::BudgetAlarm { percent } => tracing::warn!(percent, "{fact}"),
            Fact::RequestFailed { code, trace } => tracing::warn!(code, trace, "{fact}"),
            Fact::LoopFault { name, fault } => match fault.kind {
                FaultKind::Corrupt => tracing::error!(name, %fault, "{fact}"),
                FaultKind::Unavailable | FaultKind::Full | FaultKind::Conflict | FaultKind::Shutdown => {
                    tracing::warn!(name, %fault, "{fact}");
                }
            },
        }
    }
}

/// One readable sentence.
impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { source, verdict, .. } => {
                write!(f, "an event of {source} was accepted: {}", verdict.word())
            }
            Self::Refused { source: Some(source), kind } => {
                write!(f, "a request to {source} was refused: {}", kind.code())
            }
            Self::Refused { source: None, kind } => {
                write!(f, "a request was refused: {}", kind.code())
            }
            Self::Routed { records, deliveries } => {
                write!(f, "{records} records routed into {deliveries} deliveries")
            }
            Self::AttemptEnded { destination, no, cause, state, .. } => {
                write!(f, "attempt {no} to {destination} ended with {cause}; the delivery is {state}")
            }
            Self::Breaker { destination, state } => {
                write!(f, "the breaker of {destination} is {state}")
            }
            Self::Shards { held } => write!(f, "this node works on {held} shards"),
            Self::Trimmed { store, rows } => write!(f, "retention removed {rows} from {store}"),
            Self::BudgetAlarm { percent } => {
                write!(f, "the journal is at {percent} % of its budget")
            }
            Self::RequestFailed { code, trace } => write!(f, "a request failed: {code}; its trace is {trace}"),
            Self::LoopFault { name, fault } => write!(f, "{name}: {fault}"),
        }
    }
}
