//! What must hold at the moment of a commit, or nothing of its batch is applied.

use crate::digest::Digest;
use crate::ids::{Consumer, DeliveryId, EventId, NodeName, ReplayId, SourceName};
use crate::record::{Offset, Partition};
use crate::time::Timestamp;

/// What must be true at the moment of the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The consumer's cursor stands at `from`; it is moved to `to` with the batch. INVARIANT (I6): `to >= from`.
    Cursor {
        /// Whose.
        consumer: Consumer,
        /// Of which partition.
        partition: Partition,
        /// Where it must stand; 0 when it does not exist yet.
        from: Offset,
        /// Where it will stand.
        to: Offset,
    },
    /// The delivery's epoch is this one: nobody claimed it since.
    Epoch {
        /// Which.
        delivery: DeliveryId,
        /// The epoch.
        epoch: u64,
    },
    /// The delivery's version is this one: nothing about it changed.
    DeliveryVersion {
        /// Which.
        delivery: DeliveryId,
        /// The version.
        version: u64,
    },
    /// The quarantined event's version is this one.
    QuarantineVersion {
        /// Which.
        event: EventId,
        /// The version.
        version: u64,
    },
    /// The replay's version is this one.
    ReplayVersion {
        /// Which.
        replay: ReplayId,
        /// The version.
        version: u64,
    },
    /// The last try of a keyed write is this one; 0 for none.
    KeyedTurn {
        /// Which write.
        write: Digest,
        /// The try.
        turn: u64,
    },
    /// Fewer writes of the principal of this one are remembered by their keys ([`crate::KeyedWrite::of_same_principal`]).
    KeyedRoom {
        /// Whose.
        write: Digest,
        /// Than this.
        most: u64,
    },
    /// The last application of a policy is this one; 0 for none.
    InForce {
        /// Its number.
        number: u64,
    },
    /// The capture of a source stands where it was seen: the version is this one, 0 where nothing was written yet.
    Standing {
        /// Whose.
        source: SourceName,
        /// The version.
        version: u64,
    },
    /// The tokens of a name are as they were seen.
    Tokens {
        /// The name.
        name: String,
        /// [`crate::audit::version_of_tokens`] of them.
        version: u64,
    },
    /// The node's life is this one, so that a stopped life writes nothing more.
    Life {
        /// Which node.
        node: NodeName,
        /// Which of its lives.
        incarnation: u64,
    },
    /// The shard is free or held by this node's life, or by a life that is over: a later one of its node has begun, or the
    /// node has not shown itself since `stale_before`.
    Shard {
        /// Such as `destination/wms` or `partition/0`.
        shard: String,
        /// Who asks.
        node: NodeName,
        /// Which of its lives.
        incarnation: u64,
        /// A holder that was last seen before this has lost it.
        stale_before: Timestamp,
    },
}
