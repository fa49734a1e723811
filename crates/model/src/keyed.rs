//! Writes that a caller named with a key: done once, however often they are asked for while the key holds.

use serde::{Deserialize, Serialize};

use crate::audit::Principal;
use crate::delivery::Lease;
use crate::digest::Digest;
use crate::time::Timestamp;

/// A write with a key, under way or answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedWrite {
    /// Whose key it is: [`KeyedWrite::id_of`].
    pub id: Digest,
    /// The digest of what was asked for: method, path and body.
    pub request: Digest,
    /// When it was first asked for. A try after a crash speaks of this moment again, so that the ids that follow from it
    /// are the same.
    pub begun_at: Timestamp,
    /// Which try; rises by one with each, so that an earlier one that comes late is found out.
    pub turn: u64,
    /// The node's life that tries.
    pub lease: Lease,
    /// What was answered; `None` while it is under way, and for ever after a crash.
    pub answer: Option<KeptAnswer>,
}

/// An answer as it is given again. It holds no secret: what is shown once is left out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
}

impl KeyedWrite {
    /// The id of a principal's key: one principal's keys never meet another's.
    pub fn id_of(by: &Principal, key: &str) -> Digest {
        Digest::of_fields(&[b"keyed write", by.as_str().as_bytes(), key.as_bytes()])
    }
}
