//! What a simulated system is going to send, as values: one letter is one webhook, a journey is what follows one after
//! the other, each only when the one before was accepted.

use std::collections::VecDeque;

use model::{TimeSpan, Timestamp};
use serde_json::Value;

use super::system::System;

/// One webhook that is to be sent. Its id and bytes stay the same however often it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// Who sends it.
    pub from: System,
    /// The sender's word for what happened.
    pub kind: String,
    /// The sender's id of this webhook.
    pub id: String,
    /// When it happened, as the body says too.
    pub at: Timestamp,
    /// The data.
    pub body: Value,
    /// How often it is sent under the same id; twice by a sender that lost an answer.
    pub copies: u32,
    /// How long after the one before.
    pub wait: TimeSpan,
}

/// Letters that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journey {
    /// What is still to be sent.
    pub letters: VecDeque<Letter>,
    /// How often the first of them was tried in vain.
    pub tries: u32,
}

impl Journey {
    /// A journey of these letters.
    pub fn of(letters: impl IntoIterator<Item = Letter>) -> Self {
        Self { letters: letters.into_iter().collect(), tries: 0 }
    }
}

/// Now, and how fast the world goes: waits are divided by the speed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Now, for what bodies say.
    pub now: Timestamp,
    /// How many seconds of the world one second is.
    pub speed: u32,
}

impl Pace {
    /// How long a wait of the world is on our clock.
    #[must_use]
    pub fn scaled(self, wait: TimeSpan) -> TimeSpan {
        TimeSpan::from_micros(wait.micros() / u64::from(self.speed.max(1)))
    }

    /// The moment after a wait of the world.
    #[must_use]
    pub fn after(self, wait: TimeSpan) -> Timestamp {
        self.now + self.scaled(wait)
    }
}
