//! What destinations answered, as far as the one who asks may read it: an answer can repeat the event, so it is as well kept
//! as the event's bytes. No other part of the service reads the answer of an attempt.

use std::borrow::Cow;

use model::view::DeliveryStory;
use model::{Attempt, Scope};

use crate::identity::Caller;

/// Whether the one who asks may read answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// They may.
    Shown,
    /// They may only know that there is one.
    Hidden,
}

/// The answer of an attempt to someone who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// There is none, or an empty one.
    None,
    /// There is one that they may not read.
    Hidden,
    /// Its text.
    Text(Cow<'a, str>),
}

impl Answers {
    /// What this caller may read.
    pub fn of(caller: &Caller) -> Self {
        if caller.may(Scope::Bodies) { Self::Shown } else { Self::Hidden }
    }

    /// What the newest of these attempts was answered.
    pub fn newest(self, attempts: &[Attempt]) -> Answer<'_> {
        let response = attempts.last().and_then(|attempt| attempt.result.as_ref()).map_or(&[][..], |it| &it.response);
        match self {
            _ if response.is_empty() => Answer::None,
            Self::Hidden => Answer::Hidden,
            Self::Shown => Answer::Text(String::from_utf8_lossy(response)),
        }
    }

    /// A delivery without the answers that may not be read, and the numbers of the attempts that had one.
    pub fn of_delivery(self, mut story: DeliveryStory) -> (DeliveryStory, Vec<u32>) {
        let mut hidden = Vec::new();
        for Attempt { no, result, .. } in &mut story.attempts {
            let answered = result.as_mut().filter(|result| self == Self::Hidden && !result.response.is_empty());
            if let Some(result) = answered {
                result.response.clear();
                hidden.push(*no);
            }
        }
        (story, hidden)
    }
}
