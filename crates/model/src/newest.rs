//! What the ledger says of the newest state of a key: what is older is stale. States are in the order of
//! [`Delivery::ranks_at`](crate::Delivery::ranks_at), and in no other.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::delivery::LaneKey;
use crate::ids::{DeliveryId, DestinationName, FlowName};
use crate::record::{Offset, Position};

/// By what an event is told from newer and older states of the same thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateKeys {
    /// Its lane.
    pub lane: Option<LaneKey>,
    /// Its ordering key: by it a state is known wherever it went, by whichever lane or none.
    pub ordering: Option<LaneKey>,
}

impl StateKeys {
    /// Each key once, the lane first.
    pub fn iter(&self) -> impl Iterator<Item = &LaneKey> {
        self.lane.iter().chain(self.ordering.iter().filter(|key| self.lane.as_ref() != Some(key)))
    }

    /// Whether nothing can be told by it.
    pub const fn is_empty(&self) -> bool {
        self.lane.is_none() && self.ordering.is_none()
    }
}

/// Which newest delivery is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestQuery {
    /// By which flow.
    pub flow: FlowName,
    /// To where.
    pub destination: DestinationName,
    /// Of this lane or with this ordering key.
    pub key: LaneKey,
    /// It ranks behind this place, in the same partition.
    pub after: Position,
    /// What asks, and where that goes.
    pub place: Place,
}

/// Where in a lane that stands which asks for what is newer. What waits for a person there and keeps the lane goes before whatever
/// stands behind it, however much older that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In no lane, or in another one than that of the key.
    Beside,
    /// It enters the lane of the key at its end.
    End {
        /// These wait for a person, and are sent after it by the same hand.
        but: Arc<BTreeSet<DeliveryId>>,
    },
    /// Where this delivery stands in its lane: what stands behind that goes after it.
    Of(DeliveryId),
}

/// What the ledger knows of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latest {
    /// The newest delivery behind the place of the question; `None` where there is none.
    pub newest: Option<Newest>,
    /// The last rank, of any key of the flow to the destination in the partition, of which retention has removed something
    /// delivered: of what ranks before this, that nothing newer is found does not mean that nothing newer went.
    pub removed_to: Offset,
}

/// The newest delivery of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Where it ranks.
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
    /// It waits for a person, and what asks would go after it in its lane.
    Blocks,
    /// That cannot be told.
    Unknown(Blind),
}

/// Why it cannot be told what is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blind {
    /// The router has not reached all that was accepted, by more than is looked through. It soon has.
    Behind,
    /// So many that wait for a person or were cancelled come after this place that it was not looked further.
    Crowded,
    /// Retention has removed what was delivered after this place.
    Removed,
}
