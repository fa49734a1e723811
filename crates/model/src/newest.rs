//! What the ledger says of the newest delivery of a lane or ordering key: what is older is stale.

use crate::delivery::LaneKey;
use crate::ids::{DestinationName, FlowName};
use crate::record::{Offset, Position};

/// Which newest delivery is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestQuery {
    /// By which flow.
    pub flow: FlowName,
    /// To where.
    pub destination: DestinationName,
    /// Of this lane, or with this ordering key where it has no lane: [`Delivery::ordering_key`](crate::Delivery::ordering_key).
    pub key: LaneKey,
    /// Its bytes stand behind this place, in the same partition.
    pub after: Position,
}

/// The newest delivery of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Where its bytes are.
    pub at: Offset,
    /// What became of it.
    pub fate: Fate,
}

/// What became of the newest delivery of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was delivered.
    Done,
    /// It is on its way.
    UnderWay,
    /// So many that wait for a person or were cancelled come after this place that it was not looked further.
    Unknown,
}
