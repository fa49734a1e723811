//! What people do with a delivery: retry, cancel, hold. Decided from the delivery as it stands, with a sentence either way.

use std::sync::Arc;

use model::change::Round;
use model::delivery::CAUSE_UNDECIDED;
use model::newest::StateKeys;
use model::outcome::Lack;
use model::{
    Batch, Change, Delivery, DeliveryId, DeliveryState, Entry, Event, Guard, MemberVerdict, OnDead, Outcome, Replay,
    ReplayId,
};
use model::{Forgotten, ReplayMember, ReplayState};
use policy::specs::Repeatable;
use policy::{EventView, Flow, Policy};

use crate::newer::{Passing, Past, Stand, repeat_of};
use crate::rules::asked::Asked;
use crate::rules::overtaken::Newer;
use crate::rules::{lane, replayed, schedule};

/// What a person wants of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Attempted again, now, in a new round.
    Retry(Newer),
    /// Ended without delivery.
    Cancel,
    /// Kept from being attempted.
    Hold,
}

impl Wish {
    /// The word for it in the audit.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Retry(Newer::Stays) => "delivery.retry",
            Self::Retry(Newer::MayBeGone) => "delivery.retry_over_removed",
            Self::Retry(Newer::GoesUnder) => "delivery.retry_over_newer",
            Self::Cancel => "delivery.cancel",
            Self::Hold => "delivery.hold",
        }
    }
}

/// What follows from a wish that can be fulfilled.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to commit: guarded by the version of the delivery, with the audit row.
    pub batch: Batch,
    /// The delivery that takes its place, where one does.
    pub instead: Option<DeliveryId>,
    /// One sentence for people.
    pub sentence: String,
}

/// Why a wish cannot be fulfilled, in one sentence.
pub type Skipped = String;

/// Fulfils a wish, or says why not.
pub fn plan(delivery: &Delivery, wish: Wish, present: &Policy, asked: &Asked) -> Result<Plan, Skipped> {
    if delivery.lease.is_some() {
        return Err(format!("attempt {} is under way; ask again when it has ended", delivery.attempts));
    }
    if delivery.state.is_final() {
        return Err(format!("it is {} already; its event can be replayed", delivery.state.word()));
    }
    match wish {
        Wish::Retry(newer) => retry(delivery, present, (asked, newer)),
        Wish::Cancel => {
            let state = DeliveryState::Cancelled { by: asked.by.clone() };
            Ok(moved(delivery, (wish, None), state, asked, "cancelled: it will not be delivered"))
        }
        Wish::Hold => match &delivery.state {
            DeliveryState::Waiting { .. } => {
                let state = DeliveryState::Held { for_whom: delivery.owner.clone() };
                Ok(moved(delivery, (wish, None), state, asked, &format!("held for {}", delivery.owner)))
            }
            DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner } => {
                Err(format!("it is with {owner} already"))
            }
            DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => {
                Err("it is final".to_owned())
            }
        },
    }
}

/// What the present filter of its flow says of a delivery that was held because the filter had no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterSays {
    /// It selects the event, or there is nothing to ask.
    Yes,
    /// It does not.
    No,
    /// Nothing, still: why, in a sentence.
    Nothing(String),
}

/// What the filter says of an event that a person wants to have routed again. What the policy that judged it selected was held for
/// its lane alone: a record is selected by that policy and by no other (decision 0060).
pub fn filter_says(delivery: &Delivery, event: &Event, (judged_by, present): (Option<&Policy>, &Policy)) -> FilterSays {
    let view = EventView::new(event);
    let filter = |policy: &'_ Policy| policy.flows.get(&delivery.flow).map(Arc::clone);
    let was_selected = judged_by
        .and_then(filter)
        .is_some_and(|flow| flow.filter.as_ref().is_none_or(|filter| filter.eval_bool(&view) == Ok(true)));
    let Some(flow) = filter(present).filter(|_| !was_selected) else { return FilterSays::Yes };
    let Some(filter) = flow.filter.as_ref() else { return FilterSays::Yes };
    match filter.eval_bool(&view) {
        Ok(true) => FilterSays::Yes,
        Ok(false) => FilterSays::No,
        Err(no_answer) => FilterSays::Nothing(format!(
            "the filter of the flow {} still has no answer for this event: {no_answer}",
            delivery.flow
        )),
    }
}

/// Ends a delivery that the mended filter does not select: it would not have been made.
pub fn not_selected(delivery: &Delivery, wish: Wish, asked: &Asked) -> Plan {
    let state = DeliveryState::Cancelled { by: asked.by.clone() };
    let sentence = format!("the filter of the flow {} does not select its event: it ends here", delivery.flow);
    moved(delivery, (wish, None), state, asked, &sentence)
}

/// Who asks for a retry, and whether it may go over a newer state.
type Retrying<'a> = (&'a Asked, Newer);

/// What a retry asks for what is newer. It keeps its destination and its place in its lane; what enters again goes to where its
/// flow goes now. Where its flow does not go there any more, those that took its place are asked as well. `event` is `None` where
/// its bytes are gone or cannot be read: what the delivery has of it is asked then.
pub fn passing(delivery: &Delivery, event: Option<&Event>, present: &Policy) -> Option<Passing> {
    if event.is_some_and(|event| repeat_of(present, event) == Repeatable::Command) {
        return None;
    }
    let known = present.flows.get(&delivery.flow);
    let mut keys = known.zip(event).map_or_else(|| delivery.keys(), |(flow, event)| lane::keys(flow, event));
    let own = keys.clone();
    let past = Past::of(delivery, (&keys, &delivery.destination));
    let mut passing = Passing {
        flow: delivery.flow.clone(),
        destination: delivery.destination.clone(),
        at: delivery.ranks_at,
        keys: StateKeys::default(),
        stand: Stand::Enters,
        also: Vec::new(),
        past: Past::Open,
    };
    if enters_again(delivery, present) {
        passing.destination = known.map_or(passing.destination, |flow| flow.destination.clone());
    } else if delivery.lane.is_none() {
        passing.stand = Stand::Loose;
    } else if known.is_some() && keys.lane == delivery.lane {
        passing.stand = Stand::Keeps(delivery.id);
        // Of its lane nothing newer has gone, however many wait behind it; what went elsewhere is told by the ordering key.
        keys.lane = None;
    } else {
        passing.stand = Stand::Lags(delivery.id);
    }
    if let Some(event) = event.filter(|_| known.is_none_or(|flow| flow.destination != passing.destination)) {
        let is_it = |flow: &Flow| flow.name == delivery.flow;
        passing.also = lane::other_names(present, (event, &passing.destination, &own), is_it);
    }
    Some(Passing { keys, past, ..passing })
}

/// Whether a retry makes a new delivery. By a flow that is gone none can be made: what left its lane begins a new round there, at
/// the end of the lane, where nothing comes any more but by a person's hand.
fn enters_again(delivery: &Delivery, present: &Policy) -> bool {
    delivery.cause == CAUSE_UNDECIDED || (left_its_lane(delivery) && present.flows.contains_key(&delivery.flow))
}

fn retry(delivery: &Delivery, present: &Policy, asked: Retrying<'_>) -> Result<Plan, Skipped> {
    match &delivery.state {
        DeliveryState::Waiting { due } => Err(format!("it waits already; it is due at {due}")),
        DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } => {
            if !present.destinations.contains_key(&delivery.destination) {
                return Err(format!("the destination {} is not in the present policy", delivery.destination));
            }
            if delivery.cause == CAUSE_UNDECIDED {
                return enter_again(delivery, "it had no place in the order", present, asked);
            }
            if enters_again(delivery, present) {
                return enter_again(delivery, "its lane has gone on", present, asked);
            }
            new_round(delivery, present, asked)
        }
        DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => {
            Err("it is final".to_owned())
        }
    }
}

fn new_round(delivery: &Delivery, present: &Policy, (asked, newer): Retrying<'_>) -> Result<Plan, Skipped> {
    let state = DeliveryState::Waiting { due: asked.at };
    if !may_be_mapped_anew(delivery, present) {
        let round = Round { at: asked.at, deadline: delivery.deadline_from(asked.at), policy: delivery.policy };
        return Ok(moved(
            delivery,
            (Wish::Retry(newer), Some(round)),
            state,
            asked,
            "it is attempted again, in a new round",
        ));
    }
    let flow = present.flows.get(&delivery.flow);
    let flow = flow.ok_or_else(|| {
        format!("the flow {} is not in the present policy: replay its event by another, or cancel it", delivery.flow)
    })?;
    if flow.destination != delivery.destination {
        return Err(format!("the flow {} goes to {} now: replay its event, or cancel it", flow.name, flow.destination));
    }
    let deadline = present.retries.get(&flow.retry);
    let deadline = deadline.and_then(|retry| schedule::deadline(retry, flow.deadline, asked.at));
    let (old, new) = (delivery.policy.short(), present.version.short());
    let sentence = format!("it is attempted again, in a new round, with flow and mapping of the policy {new}, before {old}");
    let round = Round { at: asked.at, deadline, policy: present.version };
    let mut plan = moved(delivery, (Wish::Retry(newer), Some(round)), state, asked, &sentence);
    let remapped = Asked { why: format!("from the policy {old} to {new}"), ..asked.clone() };
    plan.batch.changes.push(Change::Audit(remapped.audit("delivery.remap", &delivery.id.to_string())));
    Ok(plan)
}

/// What the mapping of its policy refuses, it will refuse again: a person who asks for another try has mended the mapping.
/// Where bytes were sent already these are compared at every attempt (I3), so that it keeps the mapping that made them.
fn may_be_mapped_anew(delivery: &Delivery, present: &Policy) -> bool {
    let refused = [Outcome::Unmapped { reasons: Vec::new() }, Outcome::Unsent { lack: Lack::Policy, why: String::new() }];
    let was_refused = refused.iter().any(|outcome| outcome.cause() == delivery.cause);
    was_refused && delivery.output.is_none() && delivery.policy != present.version
}

/// A delivery that freed its lane may have been passed by others: it comes back only as a new one at a new position, so
/// that the order of the lane is the order of the journal (I5).
fn left_its_lane(delivery: &Delivery) -> bool {
    delivery.lane.is_some() && delivery.on_dead == OnDead::Pass
}

fn enter_again(delivery: &Delivery, because: &str, present: &Policy, (asked, newer): Retrying<'_>) -> Result<Plan, Skipped> {
    if !present.flows.contains_key(&delivery.flow) {
        return Err(format!("{because}, and the flow {} is not in the present policy", delivery.flow));
    }
    let replay = ReplayId::derive(delivery.id.0, &[b"retry", &delivery.version.to_be_bytes()]);
    let instead = replayed::delivery(delivery.event, replay, &delivery.flow);
    let sentence = format!("{because}: it enters again, at the end, as {instead}");
    let entry = Entry::Replayed {
        of: delivery.event,
        at: delivery.bytes_at,
        replay,
        flows: vec![delivery.flow.clone()],
        by: asked.by.clone(),
    };
    let emit = Change::Emit {
        id: replayed::emission(replay.0, &[]),
        partition: delivery.position.partition,
        policy: present.version,
        entry: Box::new(entry),
    };
    let mut plan = moved(delivery, (Wish::Retry(newer), None), DeliveryState::Superseded { by: instead }, asked, &sentence);
    plan.batch.changes.push(emit);
    plan.batch.changes.push(replay_of_one(delivery, replay, asked));
    Ok(Plan { instead: Some(instead), ..plan })
}

/// The replay that the new delivery names, so that it is found like any other.
fn replay_of_one(delivery: &Delivery, id: ReplayId, asked: &Asked) -> Change {
    let replay = Replay {
        id,
        by: asked.by.clone(),
        why: asked.why.clone(),
        selection: format!("retry of delivery {}", delivery.id),
        created_at: asked.at,
        pace_per_s: 1,
        canary: 0,
        stop_after: 0,
        state: ReplayState::Sent { at: asked.at },
        members: 1,
        next: 1,
        to_send: 1,
        passed: 0,
        passed_for: Vec::new(),
        forgotten: Forgotten::Leave,
        version: 1,
    };
    let member = ReplayMember {
        index: 0,
        event: delivery.event,
        at: delivery.bytes_at,
        ranks_at: Some(delivery.ranks_at).filter(|rank| *rank != delivery.bytes_at),
        flow: delivery.flow.clone(),
        of: Some(delivery.id),
        lane: None,
        ordering: None,
        also: Vec::new(),
        verdict: MemberVerdict::Send,
    };
    Change::Replay { replay: Box::new(replay), members: vec![member] }
}

fn moved(
    delivery: &Delivery,
    (wish, new_round): (Wish, Option<Round>),
    state: DeliveryState,
    asked: &Asked,
    sentence: &str,
) -> Plan {
    let batch = Batch::new()
        .guard(Guard::DeliveryVersion { delivery: delivery.id, version: delivery.version })
        .change(Change::Move {
            delivery: delivery.id,
            state,
            why: format!("{sentence} ({}: {})", asked.by, asked.why),
            new_round,
        })
        .change(Change::Audit(asked.audit(wish.action(), &delivery.id.to_string())));
    Plan { batch, instead: None, sentence: sentence.to_owned() }
}

#[cfg(test)]
mod tests;
