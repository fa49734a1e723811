//! What destinations answered, and what is wrong with a kept event, as far as the one who asks may read it: both can repeat
//! the event, so they are as well kept as its bytes. No other part of the service reads the answer of an attempt.

use std::borrow::Cow;

use engine::delivery::decide::MAPPING_REFUSES;
use engine::replay::preview::Preview;
use model::view::{CauseGroup, DeliveryStory, FeedRow};
use model::{Attempt, Delivery, Diagnostic, Outcome, QuarantineRow, Scope};

use crate::identity::Caller;

/// The cause of what a mapping refused: [`Outcome::cause`].
const UNMAPPED: &str = "unmapped";
/// What is said instead of a mapping's own words.
const WHY_HIDDEN: &str = "the mapping refused it; why is hidden: the token lacks the scope bodies";

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

    /// Reasons without the values that may not be read.
    pub fn of_reasons(self, reasons: &mut [Diagnostic]) {
        for reason in reasons {
            match self {
                Self::Shown => reason.show_values(),
                Self::Hidden => reason.hide_values(),
            }
        }
    }

    /// A kept event without the values that may not be read.
    pub fn of_row(self, mut row: QuarantineRow) -> QuarantineRow {
        self.of_reasons(&mut row.reasons);
        if let Some(later) = &mut row.later {
            self.of_reasons(&mut later.reasons);
        }
        row
    }

    /// A preview without the reasons that quote values.
    pub fn of_preview(self, mut preview: Preview) -> Preview {
        if self == Self::Hidden && !preview.examples.is_empty() {
            preview.examples = vec!["why is hidden: the token lacks the scope bodies".to_owned()];
        }
        preview
    }

    /// A delivery without what its mapping said of its failure, which quotes values, where that may not be read.
    pub fn of_why(self, mut delivery: Delivery) -> Delivery {
        if self == Self::Hidden && delivery.cause == UNMAPPED {
            WHY_HIDDEN.clone_into(&mut delivery.why);
        }
        delivery
    }

    /// The same of a row of the feed, which keeps no cause.
    pub fn of_feed(self, mut row: FeedRow) -> FeedRow {
        if self == Self::Hidden && row.why.contains(MAPPING_REFUSES) {
            WHY_HIDDEN.clone_into(&mut row.why);
        }
        row
    }

    /// The same of a cause.
    pub fn of_group(self, mut group: CauseGroup) -> CauseGroup {
        if self == Self::Hidden && group.cause == UNMAPPED {
            WHY_HIDDEN.clone_into(&mut group.why);
        }
        group
    }

    /// A delivery without the answers that may not be read, and the numbers of the attempts that had one.
    pub fn of_delivery(self, mut story: DeliveryStory) -> (DeliveryStory, Vec<u32>) {
        story.delivery = self.of_why(story.delivery);
        for result in story.attempts.iter_mut().filter_map(|attempt| attempt.result.as_mut()) {
            match &mut result.outcome {
                Outcome::Unmapped { reasons } if self == Self::Hidden => *reasons = vec![WHY_HIDDEN.to_owned()],
                _ => {}
            }
        }
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
