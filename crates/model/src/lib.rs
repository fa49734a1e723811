//! The nouns of Crossdock: what exists, what may be asked of it, and what can go wrong.
//!
//! Nothing in here does I/O, waits, reads a clock or draws a random number. Every other crate speaks in
//! these words, so a type belongs here only when two rooms or a room and a port need it.

pub mod account;
pub mod audit;
pub mod change;
pub mod delivery;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod fault;
pub mod guard;
pub mod ids;
pub mod keyed;
pub mod known;
pub mod limit;
pub mod network;
pub mod newest;
pub mod outcome;
pub mod quarantine;
pub mod record;
pub mod replay;
pub mod room;
pub mod time;
pub mod verdict;
pub mod view;

pub use account::{Account, Bucket, Tally};
pub use audit::{AuditRow, Principal, Scope, Token};
pub use change::{Batch, Change, Committed, InForce};
pub use delivery::{Attempt, AttemptResult, Claim, Delivery, DeliveryState, LaneKey, Lease, OnDead};
pub use diagnostic::{Code, Diagnostic, Severity, Span};
pub use digest::Digest;
pub use event::{Body, Event, Identifier, Origin, Received, TraceContext};
pub use fault::{Fault, FaultKind};
pub use guard::Guard;
pub use ids::*;
pub use keyed::{KeptAnswer, KeyedWrite};
pub use known::{Known, Seen, Sight, Standing, Telling, Told};
pub use network::Network;
pub use outcome::{Outcome, TransportError};
pub use quarantine::{Later, LaterEvent, QuarantineRow, QuarantineState};
pub use record::{Appended, Entry, NewEntry, Offset, Partition, Position, Record};
pub use replay::{Forgotten, MemberVerdict, PassedFor, Replay, ReplayMember, ReplayState};
pub use time::{Span as TimeSpan, Timestamp};
pub use verdict::{Refusal, RefusalKind, Verdict};
