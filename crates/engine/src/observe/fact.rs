//! What can be told. A fact holds ids and words; never a body, a header or a secret.

use std::fmt;

use formats::trace_context::TraceParent;
use model::{
    Delivery, DestinationName, EventId, EventType, Fault, FaultKind, PolicyVersion, RefusalKind, SecretName, SourceName,
    TimeSpan, Timestamp,
};

use super::capture::Captured;
use crate::rules::traced::Chain;

/// What happened.
#[derive(Debug)]
pub enum Fact<'a> {
    /// An event is durable, admitted or quarantined, or was so before.
    Accepted {
        /// What arrived.
        arrival: &'a Arrival<'a>,
        /// The event's id; of a duplicate the first one's.
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
    /// Refusals that were counted and not told one by one.
    RefusedMore {
        /// By which source, where it is known.
        source: Option<&'a SourceName>,
        /// How many.
        count: u64,
        /// Over how long.
        within: TimeSpan,
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
        /// The delivery; its `attempts` are the attempt's number.
        delivery: &'a Delivery,
        /// The chain of its event, where the event could be read.
        chain: Option<Chain>,
        /// What came back, in a word.
        cause: &'a str,
        /// Where the delivery stands now, in a word.
        state: &'static str,
        /// How long it took from its claim on; not known of one that an earlier life left open.
        took: Option<TimeSpan>,
        /// When its answer came, or was given up, by the machine's clock.
        ended: Timestamp,
        /// How old the delivery was then.
        age: TimeSpan,
    },
    /// A breaker changed.
    Breaker {
        /// Whose.
        destination: &'a DestinationName,
        /// To what, in a word.
        state: &'static str,
    },
    /// A row of the store cannot be read and is left where it is; the others go on.
    Unreadable {
        /// Whose, where that is known.
        destination: Option<&'a DestinationName>,
        /// Which, and what is wrong with it.
        what: &'a str,
    },
    /// A destination's deliveries wait, because a secret has no value; they go on when it has.
    NoSecret {
        /// Whose.
        destination: &'a DestinationName,
        /// Which.
        secret: &'a SecretName,
    },
    /// A node took or lost shards.
    Shards {
        /// How many it holds now.
        held: usize,
    },
    /// Retention removed something.
    Trimmed {
        /// From where: `journal`, `kept`, `ledger`, `keys`, `emitted`.
        store: &'static str,
        /// Rows or periods.
        rows: u64,
    },
    /// A store is above a share of its budget.
    BudgetAlarm {
        /// Which: `journal`, `ledger`.
        store: &'static str,
        /// Hundredths of the budget.
        percent: u64,
        /// Which level was reached, in a word.
        level: &'static str,
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
    /// Something about the capture of a source.
    Captured(Captured<'a>),
    /// The collector took a request.
    Exported(Exported),
    /// The collector did not take a request, and it is not sent again.
    NotExported {
        /// What it would have got.
        lost: Exported,
        /// Why, in a sentence.
        why: &'a str,
    },
}

/// An event on its way in, before it is known whether it was there before.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The id that was made for it.
    pub id: EventId,
    /// By which source.
    pub source: &'a SourceName,
    /// Its type.
    pub kind: EventType,
    /// When the last byte had arrived.
    pub at: Timestamp,
    /// The policy that judged it.
    pub policy: PolicyVersion,
    /// Its sender's place in a trace.
    pub sender: Option<TraceParent>,
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

/// A request to the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// `traces` or `metrics`.
    pub signal: &'static str,
    /// The spans in it.
    pub spans: u64,
}

/// How loud a fact is told in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Thousands a second: only where somebody asks for them.
    Debug,
    /// Of interest to who runs the product.
    Info,
    /// A person should look.
    Warn,
    /// Something that must not happen.
    Error,
}

impl Loudness {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Fact<'_> {
    /// Its name in the log. `docs/guide/reference/metrics.md` lists all of them.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::RefusedMore { .. } => "refused_more",
            Self::Routed { .. } => "routed",
            Self::AttemptEnded { .. } => "attempt_ended",
            Self::Breaker { .. } => "breaker",
            Self::Unreadable { .. } => "unreadable",
            Self::NoSecret { .. } => "no_secret",
            Self::Shards { .. } => "shards",
            Self::Trimmed { .. } => "trimmed",
            Self::BudgetAlarm { .. } => "budget_alarm",
            Self::RequestFailed { .. } => "request_failed",
            Self::LoopFault { .. } => "loop_fault",
            Self::Captured(captured) => captured.name(),
            Self::Exported(_) => "exported",
            Self::NotExported { .. } => "not_exported",
        }
    }

    /// How loud it is told.
    pub fn loudness(&self) -> Loudness {
        match self {
            Self::AttemptEnded { state, .. } if ["held", "dead_lettered"].contains(state) => Loudness::Warn,
            Self::Accepted { .. } | Self::Routed { .. } | Self::AttemptEnded { .. } | Self::Exported(_) => Loudness::Debug,
            Self::Refused { .. } | Self::RefusedMore { .. } | Self::Shards { .. } | Self::Trimmed { .. } => Loudness::Info,
            Self::Captured(captured) => captured.loudness(),
            Self::Unreadable { .. } => Loudness::Error,
            Self::NoSecret { .. }
            | Self::Breaker { .. }
            | Self::BudgetAlarm { .. }
            | Self::RequestFailed { .. }
            | Self::NotExported { .. } => Loudness::Warn,
            Self::LoopFault { fault, .. } => match fault.kind {
                FaultKind::Corrupt => Loudness::Error,
                FaultKind::Unavailable | FaultKind::Busy | FaultKind::Full | FaultKind::Conflict | FaultKind::Shutdown => {
                    Loudness::Warn
                }
            },
        }
    }
}

/// One readable sentence.
impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { arrival, verdict, .. } => {
                write!(f, "an event of {} was accepted: {}", arrival.source, verdict.word())
            }
            Self::Refused { source: Some(source), kind } => {
                write!(f, "a request to {source} was refused: {}", kind.code())
            }
            Self::Refused { source: None, kind } => {
                write!(f, "a request was refused: {}", kind.code())
            }
            Self::RefusedMore { source, count, within } => {
                let to = source.map_or_else(String::new, |source| format!(" to {source}"));
                write!(f, "and {count} more requests{to} were refused in the last {}", within.rounded())
            }
            Self::Routed { records, deliveries } => {
                write!(f, "{records} records routed into {deliveries} deliveries")
            }
            Self::AttemptEnded { delivery, cause, state, .. } => {
                let (no, to) = (delivery.attempts, &delivery.destination);
                write!(f, "attempt {no} to {to} ended with {cause}; the delivery is {state}")
            }
            Self::Breaker { destination, state } => {
                write!(f, "the breaker of {destination} is {state}")
            }
            Self::Unreadable { destination: Some(destination), what } => {
                write!(f, "a delivery to {destination} cannot be read and stays where it is: {what}")
            }
            Self::Unreadable { destination: None, what } => {
                write!(f, "a row of the store cannot be read and stays where it is: {what}")
            }
            Self::NoSecret { destination, secret } => {
                write!(f, "deliveries to {destination} wait: the secret {secret} has no value")
            }
            Self::Shards { held } => write!(f, "this node works on {held} shards"),
            Self::Trimmed { store, rows } => write!(f, "retention removed {rows} from {store}"),
            Self::BudgetAlarm { store, percent, .. } if *percent >= 100 => {
                write!(f, "the {store} is at {percent} % of its budget: intake answers 503 until there is room")
            }
            Self::BudgetAlarm { store, percent, .. } => {
                write!(f, "the {store} is at {percent} % of its budget; at 100 % intake answers 503")
            }
            Self::RequestFailed { code, .. } => write!(f, "a request failed: {code}"),
            Self::LoopFault { name, fault } => write!(f, "{name}: {fault}"),
            Self::Captured(captured) => captured.fmt(f),
            Self::Exported(Exported { signal, .. }) => write!(f, "the collector took {signal}"),
            Self::NotExported { lost, why } => write!(f, "the collector did not take {}: {why}", lost.signal),
        }
    }
}
