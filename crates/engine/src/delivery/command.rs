//! What people do with a delivery: retry, cancel, hold. Decided from the delivery as it stands, with a sentence either way.

use model::change::Round;
use model::{Batch, Change, Delivery, DeliveryId, DeliveryState, Entry, Guard, MemberVerdict, OnDead, Replay, ReplayId};
use model::{ReplayMember, ReplayState};

use crate::rules::asked::Asked;
use crate::rules::names::Names;
use crate::rules::replayed;

/// What a person wants of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Attempted again, now, in a new round.
    Retry,
    /// Ended without delivery.
    Cancel,
    /// Kept from being attempted.
    Hold,
}

impl Wish {
    /// The word for it in the audit.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Retry => "delivery.retry",
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
pub fn plan(delivery: &Delivery, wish: Wish, names: &Names, asked: &Asked) -> Result<Plan, Skipped> {
    if delivery.lease.is_some() {
        return Err(format!("attempt {} is under way; ask again when it has ended", delivery.attempts));
    }
    if delivery.state.is_final() {
        return Err(format!("it is {} already; its event can be replayed", delivery.state.word()));
    }
    match wish {
        Wish::Retry => retry(delivery, names, asked),
        Wish::Cancel => {
            let state = DeliveryState::Cancelled { by: asked.by.clone() };
            Ok(moved(delivery, wish, state, asked, "cancelled: it will not be delivered"))
        }
        Wish::Hold => match &delivery.state {
            DeliveryState::Waiting { .. } => {
                let state = DeliveryState::Held { for_whom: delivery.owner.clone() };
                Ok(moved(delivery, wish, state, asked, &format!("held for {}", delivery.owner)))
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

fn retry(delivery: &Delivery, names: &Names, asked: &Asked) -> Result<Plan, Skipped> {
    match &delivery.state {
        DeliveryState::Waiting { due } => Err(format!("it waits already; it is due at {due}")),
        DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } => {
            if !names.destinations.contains(&delivery.destination) {
                return Err(format!("the destination {} is not in the present policy", delivery.destination));
            }
            if left_its_lane(delivery) {
                return enter_again(delivery, names, asked);
            }
            let state = DeliveryState::Waiting { due: asked.at };
            Ok(moved(delivery, Wish::Retry, state, asked, "it is attempted again, in a new round"))
        }
        DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. } => {
            Err("it is final".to_owned())
        }
    }
}

/// A delivery that freed its lane may have been passed by others: it comes back only as a new one at a new position, so
/// that the order of the lane is the order of the journal (I5).
fn left_its_lane(delivery: &Delivery) -> bool {
    delivery.lane.is_some() && delivery.on_dead == OnDead::Pass
}

fn enter_again(delivery: &Delivery, names: &Names, asked: &Asked) -> Result<Plan, Skipped> {
    if !names.flows.contains(&delivery.flow) {
        return Err(format!("its lane has gone on, and the flow {} is not in the present policy", delivery.flow));
    }
    let replay = ReplayId::derive(delivery.id.0, &[b"retry", &delivery.version.to_be_bytes()]);
    let instead = replayed::delivery(delivery.event, replay, &delivery.flow);
    let sentence = format!("its lane has gone on: it enters again, at the end, as {instead}");
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
        policy: names.version,
        entry: Box::new(entry),
    };
    let mut plan = moved(delivery, Wish::Retry, DeliveryState::Superseded { by: instead }, asked, &sentence);
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
        passed: 0,
        version: 1,
    };
    let member = ReplayMember {
        index: 0,
        event: delivery.event,
        at: delivery.bytes_at,
        flow: delivery.flow.clone(),
        of: Some(delivery.id),
        verdict: MemberVerdict::Send,
    };
    Change::Replay { replay: Box::new(replay), members: vec![member] }
}

fn moved(delivery: &Delivery, wish: Wish, state: DeliveryState, asked: &Asked, sentence: &str) -> Plan {
    let new_round = match wish {
        Wish::Retry => Some(Round { at: asked.at, deadline: delivery.deadline_from(asked.at), policy: delivery.policy }),
        Wish::Cancel | Wish::Hold => None,
    };
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
