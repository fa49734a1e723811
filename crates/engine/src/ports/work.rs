//! What the ledger is asked and answers with, beside the nouns of the model: which work is due, whose it is, and what of it can
//! be read. Values without a decision.

use std::collections::{BTreeMap, BTreeSet};

use model::{Delivery, DestinationName, FlowName, NodeName, Sight, Timestamp};

/// Which due deliveries are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// To where.
    pub destination: DestinationName,
    /// Readable by then.
    pub now: Timestamp,
    /// At most so many, first attempts and repeats together.
    pub all: usize,
    /// Of these at most so many repeats: the rest of the slots is reserved for first attempts.
    pub repeats: usize,
    /// Flows that are left out, because a person paused them.
    pub without: BTreeSet<FlowName>,
}

/// Known records that are so and have an id in a range, from its first to before its second.
pub type Within = (Sight, (u64, u64));

/// Which waiting deliveries are wanted: those that nothing of a policy sends any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftQuery {
    /// The flows that there are.
    pub flows: BTreeSet<FlowName>,
    /// The destinations that there are.
    pub destinations: BTreeSet<DestinationName>,
    /// By a flow that there is not, to a destination that there is, only those whose round had begun when that was removed …
    pub gone: BTreeMap<FlowName, Timestamp>,
    /// … or by then, where that is not known.
    pub until: Timestamp,
    /// At most so many.
    pub limit: usize,
}

impl LeftQuery {
    /// Whether a delivery that waits is wanted.
    pub fn wants(&self, delivery: &Delivery) -> bool {
        self.until(&delivery.flow, &delivery.destination).is_some_and(|until| delivery.round_at <= until)
    }

    /// Until when a round by a flow to a destination has to have begun to be wanted; nothing where both are there.
    pub fn until(&self, flow: &FlowName, to: &DestinationName) -> Option<Timestamp> {
        match (self.destinations.contains(to), self.flows.contains(flow)) {
            (true, true) => None,
            (true, false) => Some(self.gone.get(flow).copied().unwrap_or(self.until)),
            (false, _) => Some(Timestamp::NEVER),
        }
    }
}

/// Rows that were asked for, and what cannot be read of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Those on the way to them that cannot be read: which, and what is wrong with it, in a sentence each.
    pub unreadable: Vec<String>,
}

impl<T> Readable<T> {
    /// Rows all of which can be read.
    pub const fn all(rows: Vec<T>) -> Self {
        Self { rows, unreadable: Vec::new() }
    }

    /// Whether there is nothing, readable or not.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.unreadable.is_empty()
    }
}

impl<T> Default for Readable<T> {
    fn default() -> Self {
        Self::all(Vec::new())
    }
}

/// What a step of [`crate::ports::Ledger::trim`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// How many rows went.
    pub rows: u64,
    /// Rows that have had their time and stay, because not even what they count as can be read: which, and what is wrong
    /// with it, in a sentence each.
    pub unreadable: Vec<String>,
}

/// A life of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Which of its lives; rises at every start.
    pub incarnation: u64,
    /// When it last showed itself, by its own clock.
    pub seen_at: Timestamp,
}

/// Who works on a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Such as `destination/wms` or `partition/0`.
    pub shard: String,
    /// The node.
    pub node: NodeName,
    /// Its life.
    pub incarnation: u64,
    /// When the node was last seen.
    pub seen_at: Timestamp,
}

/// A moment in the order of the calls of [`super::Journal::keep`] in one life of a store. Who decides what may go takes it first,
/// asks what is needed next, and removes as of it: what somebody came to need in between is spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);
