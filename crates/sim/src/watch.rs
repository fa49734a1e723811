//! What the oracle looks at in every batch that the ledger takes: the checkers that need no store, at once.

use model::{Batch, Committed, DeliveryId};

use crate::checks::{
    LaneEvent, i2_removed_flows_make_nothing_wait, i5_lanes_keep_journal_order, i5_replays_are_not_stale,
    i6_cursors_never_go_back, i7_attempts_keep_the_policy, i8_changes_are_audited,
};
use crate::oracle::{Known, Oracle, Rule, Step};

/// Looks at a batch before the ledger has it; the answer counts when it is taken.
pub(crate) fn watch_before(oracle: &Oracle, batch: &Batch) -> Vec<String> {
    i6_cursors_never_go_back(&oracle.known().work, batch)
}

/// Follows a batch that was taken.
pub(crate) fn watch_commit(oracle: &Oracle, batch: &Batch, committed: &Committed) {
    let now = oracle.elapsed();
    let mut broken: Vec<(Rule, String)> = Vec::new();
    let mut known = oracle.known();
    let steps = known.work.follow(batch, committed, now);
    batch.changes.iter().for_each(|change| known.captures.follow(change, now));
    for step in &steps {
        let event = match step {
            Step::Entered(id) => LaneEvent::Entered(*id),
            Step::Claimed(id) => LaneEvent::Claimed(*id),
            Step::Lost(id) => LaneEvent::Lost(*id, now),
            Step::Again(id) => {
                broken.push((Rule::I4, format!("the delivery {id} was there, went, and is opened again")));
                continue;
            }
        };
        let sentences = i5_lanes_keep_journal_order(&known.work, event, &[]);
        broken.extend(sentences.into_iter().map(|sentence| (Rule::I5, sentence)));
        if let Step::Claimed(id) = step {
            let sentences = i7_attempts_keep_the_policy(&known.work, &known.projects, *id);
            broken.extend(sentences.into_iter().map(|sentence| (Rule::I7, sentence)));
        }
    }
    broken.extend(i2_removed_flows_make_nothing_wait(&known, batch).into_iter().map(|sentence| (Rule::I2, sentence)));
    broken.extend(i5_replays_are_not_stale(&known.work, batch, now).into_iter().map(|sentence| (Rule::I5, sentence)));
    drop(known);
    broken.extend(i8_changes_are_audited(batch).map(|sentence| (Rule::I8, sentence)));
    for (rule, sentence) in broken {
        oracle.blame(rule, [sentence]);
    }
    for step in steps {
        oracle.note(|| format!("ledger: {step:?}"));
    }
}

/// An attempt has arrived at a destination: it was opened, arrives once, and keeps its lane's order.
pub(crate) fn watch_arrival(oracle: &Oracle, id: Option<DeliveryId>, no: u32) {
    let mut known = oracle.known();
    let Known { work, arrivals, .. } = &mut *known;
    let place = (no as usize).wrapping_sub(1);
    let attempt = id.and_then(|id| work.deliveries.get_mut(&id)).and_then(|it| it.attempts.get_mut(place));
    let mut broken = Vec::new();
    match (id, attempt) {
        (Some(id), Some(attempt)) => {
            attempt.arrivals += 1;
            if attempt.arrivals > 1 {
                broken.push((Rule::I7, format!("attempt {no} of {id} arrived {} times", attempt.arrivals)));
            }
            let in_flight: Vec<(DeliveryId, u32)> = arrivals.in_flight().filter(|(flying, _)| *flying != id).collect();
            let sentences = i5_lanes_keep_journal_order(work, LaneEvent::Arrived(id, no), &in_flight);
            broken.extend(sentences.into_iter().map(|sentence| (Rule::I5, sentence)));
        }
        _ => {
            broken.push((Rule::I7, format!("attempt {no} of {id:?} arrived and was never opened")));
        }
    }
    drop(known);
    for (rule, sentence) in broken {
        oracle.blame(rule, [sentence]);
    }
}
