//! What senders sent and what they were answered: the promises that the product has made.

use std::collections::BTreeMap;

use model::{Digest, EventId};

/// One request of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The source.
    pub source: String,
    /// The idempotency key as the sender means it.
    pub key: String,
    /// The digest of the body.
    pub digest: Digest,
}

/// What the sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 202.
    Accepted {
        /// Under this id.
        id: EventId,
    },
    /// A problem.
    Refused {
        /// Its status.
        status: u16,
        /// Its code.
        code: &'static str,
    },
    /// Nothing: the node died, or the answer did not come.
    Nothing,
}

/// All that senders know.
#[derive(Debug, Default)]
pub struct Senders {
    /// Requests that were answered with 202, in the order of the answers; one for each answer.
    pub accepted: Vec<(EventId, Request)>,
    /// Definite refusals.
    pub refused: u64,
    /// The id that stands for a (source, key).
    pub ids: BTreeMap<(String, String), (EventId, Digest)>,
}
