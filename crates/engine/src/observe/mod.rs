//! Facts: what happened, told once, in one place, to people (logs) and machines (metrics, spans). A room emits a fact and
//! never logs by hand.

mod capture;
pub mod catalogue;
mod fact;
mod faults;
mod meters;
pub mod metric;
#[cfg(test)]
mod reference;
mod span;
#[cfg(test)]
mod tests;
mod unreadable;

use model::SourceName;
use tokio::sync::mpsc;

use crate::rules::traced::{Chain, Share};

pub use capture::{Captured, Capturing};
pub use fact::{Accepted, Arrival, Exported, Fact, Loudness};
pub use meters::{Meters, SinceStart};
pub use span::{Attribute, Side, Span};

/// Where facts go.
#[derive(Debug, Default)]
pub struct Facts {
    /// The counts.
    pub meters: Meters,
    tracing: Option<Tracing>,
    unreadable: unreadable::UnreadableRows,
    loop_faults: faults::LoopFaults,
}

/// Where spans go, and which.
#[derive(Debug)]
pub struct Tracing {
    /// To whoever sends them on. What finds no room is dropped and counted: telling must never slow what is told.
    pub spans: mpsc::Sender<Span>,
    /// The share of traces that begin here.
    pub roots: Share,
}

impl Facts {
    /// Facts that are told as spans too.
    pub fn traced(tracing: Tracing) -> Self {
        Self { tracing: Some(tracing), ..Self::default() }
    }

    /// The share of traces that begin here and are recorded: receivers are told so.
    pub fn roots(&self) -> Share {
        self.tracing.as_ref().map_or(Share::NONE, |tracing| tracing.roots)
    }

    /// Counts a fact that is not told.
    pub fn count(&self, fact: &Fact<'_>) {
        self.meters.count(fact);
    }

    /// Tells a fact.
    pub fn emit(&self, fact: &Fact<'_>) {
        self.meters.count(fact);
        if let Some(tracing) = &self.tracing
            && let Some(span) = Span::of(fact, tracing.roots)
            && tracing.spans.try_send(span).is_err()
        {
            self.meters.drop_span();
        }
        self.log(fact);
    }

    /// Every line has the fact's name, its sentence, and what it is about: all that leads to the rest.
    fn log(&self, fact: &Fact<'_>) {
        macro_rules! tell {
            ($($field:tt)*) => {
                match fact.loudness() {
                    Loudness::Debug => tracing::debug!(fact = fact.name(), $($field)*, "{fact}"),
                    Loudness::Info => tracing::info!(fact = fact.name(), $($field)*, "{fact}"),
                    Loudness::Warn => tracing::warn!(fact = fact.name(), $($field)*, "{fact}"),
                    Loudness::Error => tracing::error!(fact = fact.name(), $($field)*, "{fact}"),
                }
            };
        }
        match fact {
            Fact::Accepted { arrival, event, verdict, .. } => {
                let trace = || hex::encode(Chain::of(*event, arrival.sender, self.roots()).trace_id);
                tell!(source = %arrival.source, %event, verdict = verdict.word(), trace_id = trace());
            }
            Fact::Refused { source, kind } => tell!(source = source.map(SourceName::as_str), code = kind.code()),
            Fact::RefusedMore { source, count, .. } => tell!(source = source.map(SourceName::as_str), count),
            Fact::Routed { records, deliveries } => tell!(records, deliveries),
            Fact::AttemptEnded { delivery, chain, cause, state, .. } => tell!(
                event = %delivery.event,
                delivery = %delivery.id,
                flow = %delivery.flow,
                destination = %delivery.destination,
                attempt = delivery.attempts,
                cause,
                state,
                trace_id = chain.map(|chain| hex::encode(chain.trace_id))
            ),
            Fact::Breaker { destination, state } => tell!(%destination, state),
            Fact::Unreadable { destination, .. } => tell!(destination = destination.map(model::DestinationName::as_str)),
            Fact::NoSecret { destination, secret } => tell!(%destination, %secret),
            Fact::Shards { held } => tell!(held),
            Fact::Trimmed { store, rows } => tell!(store, rows),
            Fact::BudgetAlarm { store, percent, level } => tell!(store, percent, level),
            Fact::RequestFailed { code, trace } => tell!(code, trace_id = trace),
            Fact::LoopFault { name, fault } => tell!(name, kind = fault.kind.word()),
            Fact::Captured(captured) => tell!(source = %captured.source, word = captured.word()),
            Fact::Exported(Exported { signal, spans }) => tell!(signal, spans),
            Fact::NotExported { lost, .. } => tell!(signal = lost.signal, spans = lost.spans),
        }
    }
}
