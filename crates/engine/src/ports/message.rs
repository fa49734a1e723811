//! What is sent in one attempt, and what came back. Values without a decision.

use bytes::Bytes;
use model::outcome::Outcome;
use model::{DestinationName, Network, TimeSpan};

use super::records::Peer;

/// What is sent in one attempt.
#[derive(Clone, Debug)]
pub struct Message {
    /// The destination's name, for connection pools and limits.
    pub destination: DestinationName,
    /// Where to; an absolute `http` or `https` URL.
    pub url: String,
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// All headers, signature included.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Bytes,
    /// For the whole exchange.
    pub timeout: TimeSpan,
    /// Private networks that this destination may reach; empty for none.
    pub allow: Vec<Network>,
    /// Where the body is a command for an Odoo: which. Method and headers mean nothing then, and the timeout holds for each
    /// change that the command takes.
    pub errand: Option<Errand>,
}

/// Where and under what a command is done.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The Odoo.
    pub peer: Peer,
    /// The same whenever this flow does this event: at each attempt, at each node, and in each replay. Of another event or
    /// flow it is another.
    pub key: String,
    /// Changes at once in this database that it may be one of.
    pub at_once: u32,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What it means.
    pub outcome: Outcome,
    /// The beginning of the answer's body, at most [`model::limit::RESPONSE_BYTES_KEPT`].
    pub response: Bytes,
    /// Whether there was more.
    pub cut: bool,
}
