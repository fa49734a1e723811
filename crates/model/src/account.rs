//! The accounts of the conservation line: what was accepted is done, moving, or with a person. Exactly, always.
//!
//! Entries: accepted = unrouted + quarantined + resubmitted + released + closed + routed + unselected.
//! Deliveries: created = waiting + held + dead-lettered + done + cancelled + superseded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::delivery::DeliveryState;
use crate::event::Origin;
use crate::record::{Offset, Partition};

/// The consumer whose cursors [`Account::routed_to`] shows.
pub const ROUTER: &str = "router";

/// A bucket that an entry or a delivery is in; each is in exactly one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Entries that the router has passed to at least one flow. What no flow selected before that was counted apart is in it too.
    Routed,
    /// Entries waiting for a person.
    Quarantined,
    /// Entries that a correction replaced.
    Resubmitted,
    /// Entries that a person let pass.
    Released,
    /// Entries that a person closed.
    Closed,
    /// Deliveries ever made.
    Created,
    /// Deliveries to be attempted, or being attempted.
    Waiting,
    /// Deliveries held for a person.
    Held,
    /// Deliveries given up by policy, for a person.
    DeadLettered,
    /// Deliveries that arrived.
    Done,
    /// Deliveries that a person ended.
    Cancelled,
    /// Deliveries that another took the place of.
    Superseded,
    /// Entries that the router has passed, and that no flow of the policy that judged them selects.
    Unselected,
}

impl Bucket {
    /// Every bucket, in the order of the account: a place in it is stored, so new ones come last.
    pub const ALL: [Self; 13] = [
        Self::Routed,
        Self::Quarantined,
        Self::Resubmitted,
        Self::Released,
        Self::Closed,
        Self::Created,
        Self::Waiting,
        Self::Held,
        Self::DeadLettered,
        Self::Done,
        Self::Cancelled,
        Self::Superseded,
        Self::Unselected,
    ];

    /// Whether entries are in it; deliveries otherwise.
    pub const fn is_of_entries(self) -> bool {
        match self {
            Self::Routed | Self::Quarantined | Self::Resubmitted | Self::Released | Self::Closed | Self::Unselected => true,
            Self::Created
            | Self::Waiting
            | Self::Held
            | Self::DeadLettered
            | Self::Done
            | Self::Cancelled
            | Self::Superseded => false,
        }
    }

    /// The bucket of a delivery in this state.
    pub const fn of(state: &DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting { .. } => Self::Waiting,
            DeliveryState::Held { .. } => Self::Held,
            DeliveryState::Done { .. } => Self::Done,
            DeliveryState::DeadLettered { .. } => Self::DeadLettered,
            DeliveryState::Cancelled { .. } => Self::Cancelled,
            DeliveryState::Superseded { .. } => Self::Superseded,
        }
    }

    /// The place of this bucket in [`Bucket::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The counts of one origin. Written by name, so that a reader needs no order of buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "BTreeMap<Bucket, u64>", from = "BTreeMap<Bucket, u64>")]
pub struct Tally(pub [u64; 13]);

impl From<Tally> for BTreeMap<Bucket, u64> {
    fn from(tally: Tally) -> Self {
        Bucket::ALL.into_iter().map(|bucket| (bucket, tally.get(bucket))).collect()
    }
}

impl From<BTreeMap<Bucket, u64>> for Tally {
    fn from(counts: BTreeMap<Bucket, u64>) -> Self {
        Self(Bucket::ALL.map(|bucket| counts.get(&bucket).copied().unwrap_or_default()))
    }
}

impl Tally {
    /// The count in a bucket.
    pub const fn get(&self, bucket: Bucket) -> u64 {
        self.0[bucket.index()]
    }
}

/// What the ledger counts, with the cursors that it counts up to, in one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Per origin, in the order of [`Origin::ALL`].
    pub tallies: [Tally; 3],
    /// How far the router is, per partition.
    pub routed_to: Vec<(Partition, Offset)>,
}

/// What the journal counts against given cursors, in one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Entries ever accepted, per origin in the order of [`Origin::ALL`].
    pub accepted: [u64; 3],
    /// Accepted entries above the cursors, per origin.
    pub unrouted: [u64; 3],
}

/// The conservation line of one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The origin.
    pub origin: Origin,
    /// Entries ever accepted.
    pub accepted: u64,
    /// Accepted, not yet routed.
    pub unrouted: u64,
    /// The ledger's counts.
    pub tally: Tally,
}

impl Account {
    /// The lines for a census that was taken against this account's cursors.
    ///
    /// Exact while traffic flows: the census is taken after the account, and what the journal holds up to a cursor
    /// does not change any more.
    pub fn lines(&self, census: &Census) -> [Line; 3] {
        Origin::ALL.map(|origin| Line {
            origin,
            accepted: census.accepted[origin.index()],
            unrouted: census.unrouted[origin.index()],
            tally: self.tallies[origin.index()],
        })
    }
}

impl Line {
    /// Accepted entries that no bucket holds; negative when buckets hold more. Zero, or something is wrong.
    pub fn entries_missing(&self) -> i128 {
        let held = Bucket::ALL.into_iter().filter(|bucket| bucket.is_of_entries());
        i128::from(self.accepted) - i128::from(self.unrouted) - self.sum(held)
    }

    /// Created deliveries that no bucket holds; negative when buckets hold more. Zero, or something is wrong.
    pub fn deliveries_missing(&self) -> i128 {
        let held = Bucket::ALL.into_iter().filter(|bucket| !bucket.is_of_entries() && *bucket != Bucket::Created);
        i128::from(self.tally.get(Bucket::Created)) - self.sum(held)
    }

    /// Deliveries that arrived. What was cancelled or superseded is finished too, but an order that was tried twice is one order.
    pub fn done(&self) -> u64 {
        self.tally.get(Bucket::Done)
    }

    /// What is under way: unrouted entries and waiting deliveries.
    pub fn moving(&self) -> u64 {
        self.unrouted + self.tally.get(Bucket::Waiting)
    }

    /// What waits for a named person: quarantined entries, held and dead deliveries.
    pub fn with_a_person(&self) -> u64 {
        self.tally.get(Bucket::Quarantined) + self.tally.get(Bucket::Held) + self.tally.get(Bucket::DeadLettered)
    }

    fn sum(&self, buckets: impl Iterator<Item = Bucket>) -> i128 {
        buckets.map(|bucket| i128::from(self.tally.get(bucket))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_by_name_and_read_back() {
        let tally = Tally(std::array::from_fn(|bucket| bucket as u64 + 1));
        let json = serde_json::to_value(tally).unwrap();
        assert_eq!((json["routed"].as_u64(), json["superseded"].as_u64()), (Some(1), Some(12)));
        assert_eq!(serde_json::from_value::<Tally>(json).unwrap(), tally);
    }
}
