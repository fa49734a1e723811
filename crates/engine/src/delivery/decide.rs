//! What follows from an attempt: done, again later, held, or a dead letter; with the reason in a sentence.

use model::change::Switch;
use model::outcome::{Again, Lack, Refusal};
use model::{AttemptResult, Batch, Change, Delivery, DeliveryState, Guard, Outcome, SecretName, Timestamp};
use policy::Policy;
use policy::compiled::{End, Repeat, Retry};

use crate::rules::breaker::Seen;
use crate::rules::schedule::{self, Next, Round};

/// What the decision needs of the policies.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The retry policy that the delivery keeps.
    pub retry: &'a Retry,
    /// What its destination says of repeats, now.
    pub repeat: Repeat,
}

/// When it is decided, and a number from 0 to 65,535 that spreads repeats.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// The number.
    pub chance: u16,
}

/// What stands before a mapping's own words, which quote values: whoever may not read bodies is not shown what follows.
pub const MAPPING_REFUSES: &str = "the mapping refuses: ";

/// Where a delivery goes after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The state.
    pub state: DeliveryState,
    /// Why, in one sentence.
    pub why: String,
}

/// Where a delivery goes after its open attempt ended so. `attempts` of the delivery include that attempt.
pub fn after_attempt(delivery: &Delivery, terms: Terms<'_>, outcome: &Outcome, moment: Moment) -> After {
    let now = moment.now;
    match outcome {
        Outcome::Accepted { status } => After { state: DeliveryState::Done { at: now }, why: format!("answered {status}") },
        Outcome::Unmapped { reasons } => {
            held(delivery, format!("{MAPPING_REFUSES}{}", reasons.first().map_or("no reason given", String::as_str)))
        }
        Outcome::Unsent { lack: Lack::Secret, why } => again(delivery, terms, None, moment, why),
        Outcome::Unsent { lack: Lack::Event | Lack::Policy | Lack::Destination | Lack::Message | Lack::Writing, why } => {
            held(delivery, why.clone())
        }
        Outcome::Refused { status, again: Again::Never, refusal } => {
            end(delivery, terms, format!("{}: the same data would be refused again", answered(*status, *refusal)))
        }
        Outcome::Refused { status, again: Again::Perhaps, refusal } => {
            again(delivery, terms, None, moment, &answered(*status, *refusal))
        }
        Outcome::Deferred { status, retry_after } => {
            again(delivery, terms, *retry_after, moment, &format!("answered {status}, asks for patience"))
        }
        Outcome::Unreached { error } => {
            let what = format!("no answer ({})", outcome.cause());
            if error.may_have_arrived() {
                unclear(delivery, terms, moment, &what)
            } else {
                again(delivery, terms, None, moment, &what)
            }
        }
        Outcome::Unknown => match terms.repeat {
            Repeat::Safe => after_crash(delivery, terms, now),
            Repeat::Unsafe => unclear(delivery, terms, moment, "the process ended during the attempt"),
        },
    }
}

fn answered(status: u16, refusal: Option<Refusal>) -> String {
    refusal.map_or_else(|| format!("answered {status}"), |refusal| format!("refused ({})", refusal.word()))
}

/// An interrupted attempt is repeated at once: it is not the destination that failed.
fn after_crash(delivery: &Delivery, terms: Terms<'_>, now: Timestamp) -> After {
    if delivery.round_attempts() >= schedule::attempts_max(terms.retry) {
        return end(delivery, terms, "the process ended during the last attempt".to_owned());
    }
    if !delivery.may_begin(now) {
        return end(delivery, terms, "the process ended during the attempt, and its deadline has passed".to_owned());
    }
    After {
        state: DeliveryState::Waiting { due: now },
        why: "the process ended during the attempt; it is repeated under the same id".to_owned(),
    }
}

fn unclear(delivery: &Delivery, terms: Terms<'_>, moment: Moment, what: &str) -> After {
    match terms.repeat {
        Repeat::Safe => again(delivery, terms, None, moment, what),
        Repeat::Unsafe => {
            held(delivery, format!("{what}: whether it arrived is not known, and the destination must not get it twice"))
        }
    }
}

fn again(delivery: &Delivery, terms: Terms<'_>, asked: Option<model::TimeSpan>, moment: Moment, what: &str) -> After {
    let round = Round { attempts: delivery.round_attempts(), deadline: delivery.deadline };
    match schedule::next(terms.retry, round, asked, moment.now, moment.chance) {
        Next::At(due) => After {
            state: DeliveryState::Waiting { due },
            why: format!("{what}; attempt {} follows", delivery.attempts + 1),
        },
        Next::CountUsedUp => end(delivery, terms, format!("{what}; attempt {} was the last", delivery.attempts)),
        Next::DeadlineFirst => end(delivery, terms, format!("{what}; the deadline comes before another attempt")),
    }
}

fn end(delivery: &Delivery, terms: Terms<'_>, why: String) -> After {
    ended(delivery, terms.retry.end, why)
}

fn ended(delivery: &Delivery, end: End, why: String) -> After {
    match end {
        End::Hold => held(delivery, why),
        End::DeadLetter => After { state: DeliveryState::DeadLettered { owner: delivery.owner.clone() }, why },
    }
}

fn held(delivery: &Delivery, why: String) -> After {
    After { state: DeliveryState::Held { for_whom: delivery.owner.clone() }, why }
}

/// What an outcome says about the health of a destination; a refusal of one message says nothing against it.
pub const fn seen(outcome: &Outcome) -> Option<Seen> {
    match outcome {
        Outcome::Accepted { .. } => Some(Seen::Healthy),
        Outcome::Refused { status, .. } => Some(if *status >= 500 { Seen::Failing } else { Seen::Healthy }),
        Outcome::Deferred { status: 429, .. } | Outcome::Unknown | Outcome::Unmapped { .. } | Outcome::Unsent { .. } => None,
        Outcome::Deferred { .. } | Outcome::Unreached { .. } => Some(Seen::Failing),
    }
}

/// Where a delivery goes after its open attempt, under the policy that it keeps and the present one. Where the kept policy
/// cannot be read, or its flow or retry policy cannot, the row alone decides.
pub fn judge(kept: Option<&Policy>, present: &Policy, delivery: &Delivery, result: &AttemptResult, chance: u16) -> After {
    let Some(retry) = kept.and_then(|kept| retry_of(kept, delivery)) else {
        return without_policy(delivery, result);
    };
    let repeat = present.destinations.get(&delivery.destination).map_or(Repeat::Unsafe, |destination| destination.repeat);
    let terms = Terms { retry, repeat };
    after_attempt(delivery, terms, &result.outcome, Moment { now: result.ended_at, chance })
}

/// What was taken is done; of anything else nobody but a person can say whether it may be repeated.
fn without_policy(delivery: &Delivery, result: &AttemptResult) -> After {
    match &result.outcome {
        Outcome::Accepted { status } => {
            After { state: DeliveryState::Done { at: result.ended_at }, why: format!("answered {status}") }
        }
        Outcome::Unsent { why, .. } => held(delivery, why.clone()),
        Outcome::Refused { .. }
        | Outcome::Deferred { .. }
        | Outcome::Unreached { .. }
        | Outcome::Unknown
        | Outcome::Unmapped { .. } => {
            let cause = result.outcome.cause();
            held(delivery, format!("{cause}; what follows is not known, because its flow cannot be read from its policy"))
        }
    }
}

fn retry_of<'a>(kept: &'a Policy, delivery: &Delivery) -> Option<&'a Retry> {
    kept.retries.get(&kept.flows.get(&delivery.flow)?.retry).map(|retry| &**retry)
}

/// The batch that closes an attempt.
pub fn settle(delivery: &Delivery, epoch: u64, result: AttemptResult, after: After) -> Batch {
    Batch::new().guard(Guard::Epoch { delivery: delivery.id, epoch }).change(Change::Settle {
        delivery: delivery.id,
        result,
        state: after.state,
        why: after.why,
    })
}

/// What a delivery waited for when its deadline passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A person had paused its flow or its destination.
    Paused {
        /// `flow/NAME` or `destination/NAME`.
        object: String,
        /// By whom, why, since when.
        switch: Switch,
    },
    /// A secret of its destination had no value.
    Secret(SecretName),
    /// The breaker of its destination was open.
    Breaker {
        /// Since when.
        since: Timestamp,
    },
    /// Others were ahead of it in its lane.
    Lane,
    /// Nothing but its next attempt: that was not due yet, or found no slot.
    Turn,
}

/// Where a delivery goes whose deadline passed while it waited. Without its policy it is held: a person has to know.
pub fn expired(kept: Option<&Policy>, delivery: &Delivery, obstacle: &Obstacle) -> After {
    let deadline = delivery.deadline.unwrap_or(Timestamp::NEVER);
    let destination = &delivery.destination;
    let waited = match obstacle {
        Obstacle::Paused { object, switch } => {
            format!("while {object} was paused by {} since {} ({})", switch.by, switch.at, switch.why)
        }
        Obstacle::Secret(secret) => format!("while the secret {secret} of {destination} had no value"),
        Obstacle::Breaker { since } => format!("while the breaker of {destination} was open since {since}"),
        Obstacle::Lane => "while it waited behind another in its lane".to_owned(),
        Obstacle::Turn => format!("before attempt {} could begin", delivery.attempts + 1),
    };
    let tried = match delivery.round_attempts() {
        0 => "nothing was sent".to_owned(),
        attempts => format!("attempts in this round: {attempts}, the last ended with {}", delivery.cause),
    };
    let end = kept.and_then(|kept| retry_of(kept, delivery)).map_or(End::Hold, |retry| retry.end);
    ended(delivery, end, format!("the deadline of {deadline} passed {waited}; {tried}"))
}

/// The batch that gives it up.
pub fn expire(delivery: &Delivery, now: Timestamp, after: After) -> Batch {
    Batch::new().guard(Guard::DeliveryVersion { delivery: delivery.id, version: delivery.version }).change(Change::Expire {
        delivery: delivery.id,
        at: now,
        state: after.state,
        why: after.why,
    })
}

#[cfg(test)]
mod tests;
