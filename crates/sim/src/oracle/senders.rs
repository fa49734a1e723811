//! What senders sent and what they were answered: the promises that the product has made.

use std::collections::{BTreeMap, BTreeSet};

use model::{Appended, Digest, EventId, Position, TimeSpan};

use crate::workload::bodies::Draft;

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
        /// Retry-After, in seconds.
        retry_after_s: Option<u64>,
        /// The event that is said to have the body beside it now.
        beside: Option<EventId>,
    },
    /// Nothing: the node died, or the answer did not come.
    Nothing,
}

/// A 202 that a sender holds for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The event.
    pub id: EventId,
    /// The digest of the body.
    pub digest: Digest,
    /// When it was given, in true time.
    pub at: TimeSpan,
}

/// All that senders know.
#[derive(Debug, Default)]
pub struct Senders {
    /// Requests that were answered with 202, in the order of the answers; one for each answer.
    pub accepted: Vec<(EventId, Request)>,
    /// Definite refusals.
    pub refused: u64,
    /// What stands for a (source, key).
    pub promises: BTreeMap<(String, String), Promise>,
    /// When a record was first known to be in the journal, in true time.
    pub appended: BTreeMap<Position, TimeSpan>,
    /// The newest body that is said to be beside a kept event.
    pub beside: BTreeMap<EventId, Digest>,
    /// What was accepted, by the place of its source, to be sent again.
    pub drafts: Vec<(usize, Draft)>,
    /// Sources and bodies that their senders gave up because there was no room.
    pub given_up: BTreeSet<(String, Digest)>,
    /// Sources and bodies of which a sender does not know whether they were taken.
    pub unsure: BTreeSet<(String, Digest)>,
}

impl Senders {
    /// Takes note of where a journal says that entries are.
    pub fn note_appended(&mut self, answers: &[Appended], now: TimeSpan) {
        for answer in answers {
            let (Appended::New(at) | Appended::Duplicate(at, _) | Appended::KeyReused(at, _)) = *answer;
            self.appended.entry(at).or_insert(now);
        }
    }

    /// Sources and bodies of which every sender was told that they were not taken.
    pub fn not_taken(&self) -> BTreeSet<(String, Digest)> {
        let accepted = self.accepted.iter().map(|(_, request)| (request.source.clone(), request.digest));
        let may_be_there: BTreeSet<_> = accepted.chain(self.unsure.iter().cloned()).collect();
        self.given_up.difference(&may_be_there).cloned().collect()
    }
}
