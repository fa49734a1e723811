//! Writes that a caller named with a key: done once, however often they are asked for while the key holds.

use std::ops::RangeInclusive;

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

/// How many bytes of an id say whose it is.
const OWNER_BYTES: usize = 8;

impl KeyedWrite {
    /// The id of a principal's key: one principal's keys never meet another's. All of one begin alike.
    pub fn id_of(by: &Principal, key: &str) -> Digest {
        let mut id = Digest::of_fields(&[b"keyed write", by.as_str().as_bytes(), key.as_bytes()]);
        let whose: [u8; OWNER_BYTES] = Digest::of_fields(&[b"keyed writes", by.as_str().as_bytes()]).head();
        id.0[..OWNER_BYTES].copy_from_slice(&whose);
        id
    }

    /// Between which ids those of the principal of this one are.
    pub fn of_same_principal(id: Digest) -> RangeInclusive<Digest> {
        let filled = |with| {
            let mut end = [with; 32];
            end[..OWNER_BYTES].copy_from_slice(&id.head::<OWNER_BYTES>());
            Digest(end)
        };
        filled(0)..=filled(u8::MAX)
    }
}
