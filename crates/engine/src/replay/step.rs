//! What a running replay does next, and the batch of one step.

use model::{
    Batch, Change, Delivery, DeliveryId, DeliveryState, Entry, Guard, MemberVerdict, PassedFor, PolicyVersion, Replay,
    ReplayMember, ReplayState, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::decide::Reason;
use crate::rules::replayed;

/// LIMIT: members that one commit sends.
pub const STEP_MAX: usize = 64;

/// What became of the deliveries of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Made by the router so far.
    pub made: u64,
    /// On their way.
    pub waiting: u64,
    /// Arrived.
    pub done: u64,
    /// Held or dead: with a person.
    pub failed: u64,
    /// Cancelled or replaced since.
    pub ended: u64,
}

/// Sums up what the ledger counts by state.
pub fn progress(counts: &[(String, u64)]) -> Progress {
    let mut progress = Progress::default();
    for (word, count) in counts {
        progress.made += count;
        let bucket = match word.as_str() {
            "waiting" => &mut progress.waiting,
            "done" => &mut progress.done,
            "held" | "dead_lettered" => &mut progress.failed,
            _ => &mut progress.ended,
        };
        *bucket += count;
    }
    progress
}

/// How the canary stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// All of it is done, or there is none.
    Done,
    /// Some are on their way.
    UnderWay,
    /// One failed.
    Failed(DeliveryId),
}

/// What a replay does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It sends members from its next one on, up to and without this index.
    Send {
        /// The index.
        to: u32,
    },
    /// It waits for its canary.
    Wait,
    /// It stops.
    Stop {
        /// Why, in one sentence.
        why: String,
    },
}

/// What a replay does next. `canary` is looked at only when the canary was sent and the rest was not.
pub fn next(replay: &Replay, progress: &Progress, canary: &Canary) -> Step {
    if replay.stop_after > 0 && progress.failed >= u64::from(replay.stop_after) {
        let why = format!("{} members failed, {} were allowed", progress.failed, replay.stop_after - 1);
        return Step::Stop { why };
    }
    if replay.next < replay.canary {
        return Step::Send { to: replay.canary };
    }
    match canary {
        Canary::Done => Step::Send { to: replay.members },
        Canary::UnderWay => Step::Wait,
        Canary::Failed(delivery) => Step::Stop { why: format!("delivery {delivery} of the canary failed") },
    }
}

/// Whether the loop has to look at the canary: it was sent, and nothing behind it was, so that what was passed over is of it.
pub const fn waits_for_canary(replay: &Replay) -> bool {
    replay.canary > 0 && replay.next == replay.canary && replay.next < replay.members
}

/// What becomes of one member when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turnout {
    /// It is sent.
    Sent,
    /// It is sent and takes the place of this delivery, which stands at this version.
    Replaces(DeliveryId, u64),
    /// It was left out when the set was frozen.
    LeftOut,
    /// It was to be sent and is passed over.
    Passed(Reason),
}

/// What becomes of a member, with the delivery that it is to replace as that stands now, and what speaks against it by now.
pub fn turnout(member: &ReplayMember, of: Option<&Delivery>, against: Option<Reason>) -> Turnout {
    let replaced = match (&member.verdict, member.of, of.map(|delivery| (&delivery.state, delivery))) {
        (MemberVerdict::Skip { .. }, _, _) => return Turnout::LeftOut,
        (MemberVerdict::Send, None, _) => Turnout::Sent,
        (MemberVerdict::Send, Some(_), Some((DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. }, of))) => {
            Turnout::Replaces(of.id, of.version)
        }
        (MemberVerdict::Send, Some(_), _) => Turnout::Passed(Reason::MovedOn),
    };
    match (replaced, against) {
        (Turnout::Sent | Turnout::Replaces(..), Some(reason)) => Turnout::Passed(reason),
        (turnout, _) => turnout,
    }
}

/// How a canary stands that was sent whole, from what the router made for each of its members that was to be sent. What has
/// no delivery was passed over or waits for the router.
pub fn canary(replay: &Replay, made: &[Option<Delivery>]) -> Canary {
    let mut missing = 0;
    let mut canary = Canary::Done;
    for delivery in made {
        match delivery.as_ref().map(|delivery| (&delivery.state, delivery.id)) {
            Some((DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. }, id)) => return Canary::Failed(id),
            Some((DeliveryState::Waiting { .. }, _)) => canary = Canary::UnderWay,
            Some((DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } | DeliveryState::Superseded { .. }, _)) => {}
            None => missing += 1,
        }
    }
    if missing > replay.passed { Canary::UnderWay } else { canary }
}

/// The batch of a step: each member that is sent, what it replaces, and the replay's own move.
pub fn batch(replay: &Replay, members: &[(ReplayMember, Turnout)], policy: PolicyVersion, now: Timestamp) -> Batch {
    let mut batch = Batch::new().guard(Guard::ReplayVersion { replay: replay.id, version: replay.version });
    for (member, turnout) in members {
        match turnout {
            Turnout::LeftOut | Turnout::Passed(_) => continue,
            Turnout::Sent => {}
            Turnout::Replaces(of, version) => {
                batch.guards.push(Guard::DeliveryVersion { delivery: *of, version: *version });
                batch.changes.push(Change::Move {
                    delivery: *of,
                    state: DeliveryState::Superseded { by: replayed::delivery(member.event, replay.id, &member.flow) },
                    why: format!("replayed by {}: {}", replay.by, replay.why),
                    new_round: None,
                });
            }
        }
        batch.changes.push(emit(replay, member, policy));
    }
    batch.change(Change::ReplayMove(Box::new(moved(replay, members, now))))
}

fn emit(replay: &Replay, member: &ReplayMember, policy: PolicyVersion) -> Change {
    Change::Emit {
        id: replayed::emission(replay.id.0, &[&member.index.to_be_bytes()]),
        partition: member.at.partition,
        policy,
        entry: Box::new(Entry::Replayed {
            of: member.event,
            at: member.at,
            replay: replay.id,
            flows: vec![member.flow.clone()],
            by: replay.by.clone(),
        }),
    }
}

fn moved(replay: &Replay, members: &[(ReplayMember, Turnout)], now: Timestamp) -> Replay {
    let next = members.last().map_or(replay.next, |(member, _)| member.index + 1);
    let state = if next >= replay.members { ReplayState::Sent { at: now } } else { ReplayState::Running };
    let mut moved = Replay { next, state, ..replay.clone() };
    for (_, turnout) in members {
        if let Turnout::Passed(reason) = turnout {
            pass_over(&mut moved, *reason);
        }
    }
    moved
}

fn pass_over(replay: &mut Replay, reason: Reason) {
    replay.passed = replay.passed.saturating_add(1);
    match replay.passed_for.iter_mut().find(|passed| passed.why == reason.sentence()) {
        Some(passed) => passed.count = passed.count.saturating_add(1),
        None => replay.passed_for.push(PassedFor { why: reason.sentence().to_owned(), count: 1 }),
    }
}

/// The batch that stops a replay.
pub fn stop(replay: &Replay, why: String) -> Batch {
    let stopped = Replay { state: ReplayState::Stopped { why }, ..replay.clone() };
    Batch::new()
        .guard(Guard::ReplayVersion { replay: replay.id, version: replay.version })
        .change(Change::ReplayMove(Box::new(stopped)))
}

#[cfg(test)]
mod tests;
