//! State changes as values: a batch is applied whole or not at all.
//!
//! What a change does besides what it says is fixed here and is the same for every ledger:
//! a delivery's state change moves its counters ([`crate::account`]), writes a feed row, raises its version, and,
//! when its lane is freed, makes the next one in the lane ready.
//!
//! Guards are checked against what was there before the batch; each change sees what the changes before it did. What a
//! change names must exist, or the answer is a conflict. A lane holds, in order, the deliveries that block it
//! ([`DeliveryState::blocks_lane`]); its head is the only one that is not `behind`, and what is outside a lane is not
//! behind either. A delivery that leaves its lane and comes back enters at the end.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::Bucket;
use crate::audit::{AuditRow, Principal, Token};
use crate::delivery::{AttemptResult, Claim, Delivery, DeliveryState};
use crate::event::Origin;
use crate::guard::Guard;
use crate::ids::{DeliveryId, DestinationName, EventId, FlowName, NodeName, PolicyVersion, ReplayId, SourceName};
use crate::keyed::KeyedWrite;
use crate::known::Known;
use crate::quarantine::{LaterEvent, QuarantineRow, QuarantineState};
use crate::record::{Entry, Partition, Position};
use crate::replay::{Replay, ReplayMember};
use crate::time::Timestamp;

/// Guards and changes that are applied in one step.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// All must hold, or nothing is applied and the answer is a conflict.
    pub guards: Vec<Guard>,
    /// Applied in order.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new delivery. One with the same id stays as it is. With a claim, and when its lane is free, attempt 1 is
    /// opened in the same step, as by [`Change::Claim`]; what became of it stands in [`Committed::opened`]. The version is
    /// taken as given.
    Open {
        /// The delivery: waiting, or held where it cannot be routed; no attempts, epoch 0. Its `behind` is set by the ledger.
        delivery: Box<Delivery>,
        /// Who would send it at once.
        claim: Option<Claim>,
    },
    /// Opens the next attempt: the attempt's row is written, the epoch and the attempts rise by one. Refused as a
    /// conflict unless the delivery waits, is due at the claim's time, has not passed its deadline by then, is not behind
    /// another, and has no live lease.
    Claim {
        /// Which.
        delivery: DeliveryId,
        /// For whom.
        claim: Claim,
    },
    /// Closes the open attempt and moves the delivery on; the lease ends. Refused as a conflict when no attempt is
    /// open: another node has settled it as unknown. The cause is the outcome's, empty when done; the first output that
    /// an attempt had stays the delivery's.
    Settle {
        /// Which.
        delivery: DeliveryId,
        /// How the attempt ended.
        result: AttemptResult,
        /// Where the delivery stands now.
        state: DeliveryState,
        /// Why, in one sentence.
        why: String,
    },
    /// A person or a policy change moves a delivery without an attempt. With `new_round` its attempts and its
    /// deadline begin anew.
    Move {
        /// Which; it must not be leased.
        delivery: DeliveryId,
        /// Where it stands now.
        state: DeliveryState,
        /// Why, in one sentence.
        why: String,
        /// The round that begins with it; `None` keeps the present one.
        new_round: Option<Round>,
    },
    /// A delivery is given up because its deadline passed while it waited; the cause is
    /// [`CAUSE_DEADLINE`](crate::delivery::CAUSE_DEADLINE). Refused as a conflict unless it is overdue
    /// ([`Delivery::is_overdue`]).
    Expire {
        /// Which.
        delivery: DeliveryId,
        /// When that was seen.
        at: Timestamp,
        /// Where it stands now.
        state: DeliveryState,
        /// Why, in one sentence: what it waited for.
        why: String,
    },
    /// Entries moved into a bucket by routing.
    Count {
        /// Which bucket: `Routed` only; the others move with their rows.
        bucket: Bucket,
        /// Which account.
        origin: Origin,
        /// How many.
        entries: u64,
    },
    /// An event can be found by these words from now on.
    Index {
        /// The event.
        event: EventId,
        /// Where it is.
        at: Position,
        /// Identifier values and the correlation id.
        words: Vec<String>,
    },
    /// A quarantined event waits for a person. One with the same id stays as it is.
    Quarantine(Box<QuarantineRow>),
    /// A quarantined event moves on; its version rises, and its revision when it is resubmitted.
    QuarantineMove {
        /// Which.
        event: EventId,
        /// To where.
        state: QuarantineState,
    },
    /// An event that came under the key of a quarantined one is attached to it, in place of the one before; the row's version
    /// rises. With the bytes that are attached already it changes nothing. Where there is no row yet, it waits for it.
    /// Refused as a conflict where the row has left the open state, where there is none though the router has passed the
    /// event, because none will come, and where the one before does not give way ([`crate::Later::gives_way`]).
    Attach {
        /// The quarantined one.
        to: EventId,
        /// Where that is in the journal.
        at: Position,
        /// What came.
        later: Box<LaterEvent>,
    },
    /// An entry for the journal; the outbox loop appends it under this derived id. One with the same id is written once.
    Emit {
        /// The derived id.
        id: Uuid,
        /// To which partition.
        partition: Partition,
        /// The policy in force.
        policy: PolicyVersion,
        /// The entry.
        entry: Box<Entry>,
    },
    /// The outbox loop has appended it.
    Emitted {
        /// The derived id.
        id: Uuid,
    },
    /// A consumer has taken an emitted entry into account; a repeat of it is dropped.
    See {
        /// The derived id.
        id: Uuid,
    },
    /// A policy's text, whole, by its content. One with the same version stays as it is.
    StorePolicy {
        /// Its version: the digest of the text.
        version: PolicyVersion,
        /// The files as they were applied.
        files: Vec<(String, String)>,
        /// When.
        at: Timestamp,
    },
    /// A policy is in force from now on.
    PutInForce(Box<InForce>),
    /// A keyed write was tried or answered: all of it is written anew.
    PutKeyed(Box<KeyedWrite>),
    /// The oldest keyed writes that were begun before this go, at most [`crate::limit::TRIM_ROWS_MAX`] of them.
    ForgetKeyed {
        /// This moment.
        before: Timestamp,
    },
    /// This is known of records of a captured model from now on, instead of what was known of them. It moves nothing else:
    /// no counter, no feed, and retention leaves it alone.
    Know {
        /// The source that captures.
        source: SourceName,
        /// The model, in the word of the system of record.
        model: String,
        /// At most [`crate::limit::CAPTURE_ROWS_MAX`]; of two with one id the later one.
        rows: Vec<Known>,
    },
    /// Nothing is known of these records any more: they are gone. What was not known stays so.
    Forget {
        /// The source that captures.
        source: SourceName,
        /// The model.
        model: String,
        /// At most [`crate::limit::CAPTURE_ROWS_MAX`].
        ids: Vec<u64>,
    },
    /// The capture of a source stands here; its version rises. Comes with [`Guard::Standing`].
    Stand {
        /// The source that captures.
        source: SourceName,
        /// See [`crate::Standing::text`].
        text: String,
    },
    /// A breaker changed its state.
    Breaker {
        /// Whose.
        destination: DestinationName,
        /// Its state as the breaker's rule writes it (JSON).
        state: String,
    },
    /// A person paused or resumed something.
    Switch {
        /// `source/NAME`, `flow/NAME` or `destination/NAME`.
        object: String,
        /// Paused or not, by whom, why, since when.
        switch: Switch,
    },
    /// A new replay with its frozen set. One with the same id stays as it is.
    Replay {
        /// The replay.
        replay: Box<Replay>,
        /// Its members in order.
        members: Vec<ReplayMember>,
    },
    /// A replay moved on: all of it is written anew, under the version after the stored one.
    ReplayMove(Box<Replay>),
    /// A person ends a replay where it stands, under the next version. One that cannot be read is ended too, and stays
    /// unreadable. Refused as a conflict unless it runs.
    CancelReplay {
        /// Which.
        replay: ReplayId,
        /// Who.
        by: Principal,
    },
    /// A token was made or changed.
    PutToken(Box<Token>),
    /// A row of the audit. One with the same id stays as it is.
    Audit(AuditRow),
    /// A node begins a life or shows itself. A conflict when a later life has begun.
    Heartbeat {
        /// Which node.
        node: NodeName,
        /// Which of its lives.
        incarnation: u64,
        /// When.
        at: Timestamp,
    },
    /// The shard is this node's; comes with [`Guard::Shard`].
    TakeShard {
        /// Which.
        shard: String,
        /// Whose.
        node: NodeName,
        /// Which of its lives.
        incarnation: u64,
    },
}

/// A round of attempts that begins: they are counted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// When.
    pub at: Timestamp,
    /// When it has to be over.
    pub deadline: Option<Timestamp>,
    /// The policy whose flow, mapping and retry schedule the delivery keeps from now on.
    pub policy: PolicyVersion,
}

/// Whether something is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Switch {
    /// Whether it is.
    pub paused: bool,
    /// Who said so.
    pub by: Principal,
    /// Why.
    pub why: String,
    /// Since when.
    pub at: Timestamp,
}

/// The last application of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Applications are numbered from 1; also one that brings back an earlier version has a number of its own.
    pub number: u64,
    /// Which policy.
    pub version: PolicyVersion,
    /// Who applied it.
    pub by: Principal,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// The flows that it does not have and earlier ones had, each with the moment of the application that removed it; of names that
    /// went long ago, or before this was kept, there may be none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gone: BTreeMap<FlowName, Timestamp>,
}

/// What a committed batch did that the caller cannot know beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// One for each `Open`, in their order.
    pub opened: Vec<Opened>,
    /// The epoch of each `Claim`, in their order.
    pub claimed: Vec<u64>,
    /// Destinations with a delivery that a change of this batch left ready (waiting, not behind, not leased; due or not):
    /// a hint for their loops. In order of their names, each once.
    pub ready: Vec<DestinationName>,
}

/// What became of an `Open`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It exists already.
    Existing,
    /// It waits behind another in its lane.
    Behind,
    /// It is ready and due.
    Ready,
    /// Attempt 1 is open under this epoch.
    Claimed(u64),
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a guard.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }

    /// The same with a change.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}
