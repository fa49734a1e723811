//! What follows from an attempt: done, again later, held, or a dead letter; with the reason in a sentence.

use model::outcome::Again;
use model::{AttemptResult, Batch, Change, Delivery, DeliveryState, Guard, Outcome, Timestamp};
use policy::Policy;
use policy::compiled::{End, Repeat, Retry};

use crate::rules::breaker::Seen;
use crate::rules::schedule::{self, Next, Round};

/// What the decision needs of the policies.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The retry policy that the delivery keeps.
    pub retry: &'a Retry,
    /// The deadline that its flow sets besides.
    pub deadline: Option<model::TimeSpan>,
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
            held(delivery, format!("the mapping refuses: {}", reasons.first().map_or("no reason given", String::as_str)))
        }
        Outcome::Refused { status, again: Again::Never } => {
            end(delivery, terms, format!("answered {status}: the same data would be refused again"))
        }
        Outcome::Refused { status, again: Again::Perhaps } => {
            again(delivery, terms, None, moment, &format!("answered {status}"))
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

/// An interrupted attempt is repeated at once: it is not the destination that failed.
fn after_crash(delivery: &Delivery, terms: Terms<'_>, now: Timestamp) -> After {
    if delivery.round_attempts() >= schedule::attempts_max(terms.retry) {
        return end(delivery, terms, "the process ended during the last attempt".to_owned());
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
    let round = Round { at: delivery.round_at, attempts: delivery.round_attempts(), deadline: terms.deadline };
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
    match terms.retry.end {
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
        Outcome::Deferred { status: 429, .. } | Outcome::Unknown | Outcome::Unmapped { .. } => None,
        Outcome::Deferred { .. } | Outcome::Unreached { .. } => Some(Seen::Failing),
    }
}

/// Where a delivery goes after its open attempt, under the policy that it keeps and the present one.
///
/// A flow or retry policy that is missing from the kept policy cannot occur; it would hold the delivery.
pub fn judge(kept: &Policy, present: &Policy, delivery: &Delivery, result: &AttemptResult, chance: u16) -> After {
    let flow = kept.flows.get(&delivery.flow);
    let retry = flow.and_then(|flow| kept.retries.get(&flow.retry));
    let (Some(flow), Some(retry)) = (flow, retry) else {
        return held(delivery, format!("the flow {} is not in its policy", delivery.flow));
    };
    let repeat = present.destinations.get(&delivery.destination).map_or(Repeat::Unsafe, |destination| destination.repeat);
    let terms = Terms { retry, deadline: flow.deadline, repeat };
    after_attempt(delivery, terms, &result.outcome, Moment { now: result.ended_at, chance })
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
