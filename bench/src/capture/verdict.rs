//! What must hold in the end: Odoo's ledger against what arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sim::odoo::{Change, Deed, Odoo};

use super::sink::{Arrival, Sink};
use super::{IDENTITIES, LEFT_ALONE, SLACK, SWEEP};
use crate::stats::percentile;

/// LIMIT: sentences of one kind that are shown.
const SHOWN: usize = 5;

/// The verdict.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Committed changes that were judged.
    pub(super) changes: usize,
    /// Events that arrived.
    pub(super) events: usize,
    /// From commit to arrival, of changes and of deletions, in milliseconds.
    found_ms: Vec<u64>,
    deleted_ms: Vec<u64>,
    /// What is allowed beside the rhythm.
    patience: Duration,
    /// Broken promises.
    pub(super) failures: Vec<String>,
}

impl Judged {
    pub(super) fn told(&self) -> String {
        let (mut found, mut deleted) = (self.found_ms.clone(), self.deleted_ms.clone());
        format!(
            "{} events arrived, found after p50 {} ms p99 {} ms max {} ms, deletions p50 {} ms max {} ms, {} failures",
            self.events,
            percentile(&mut found, 50),
            percentile(&mut found, 99),
            found.iter().max().copied().unwrap_or_default(),
            percentile(&mut deleted, 50),
            deleted.iter().max().copied().unwrap_or_default(),
            self.failures.len()
        )
    }
}

/// Compares what Odoo committed since a moment with what arrived.
pub(super) fn judge(odoo: &Odoo, sink: &Sink, since_us: u64, away: Duration) -> Judged {
    let mut judged = Judged { patience: SLACK + away + LEFT_ALONE.min(away), ..Judged::default() };
    let since = i64::try_from(since_us).unwrap_or_default();
    let mut changes: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
    for change in odoo.changes().into_iter().filter(|it| it.model == "sale.order" && it.committed.micros() >= since) {
        changes.entry(change.id).or_default().push(change);
    }
    let seen = sink.seen();
    if seen.strangers > 0 {
        judged.failures.push(format!("{} requests were no event of ours", seen.strangers));
    }
    for (id, changes) in &changes {
        let arrivals = seen.records.get(id).map_or(&[][..], Vec::as_slice);
        record(*id, changes, arrivals, &mut judged);
    }
    judged.events = seen.records.values().map(Vec::len).sum();
    let strange = seen.records.keys().filter(|id| !changes.contains_key(id));
    judged.failures.extend(strange.take(SHOWN).map(|id| format!("order {id} arrived and was not changed")));
    judged
}

/// One record: each change was found as itself or as a newer one, in time, once, in order, and nothing that never was.
fn record(id: i64, changes: &[Change], arrivals: &[Arrival], judged: &mut Judged) {
    let places: Vec<Option<usize>> = arrivals.iter().map(|arrival| place(changes, arrival)).collect();
    for (arrival, place) in arrivals.iter().zip(&places) {
        if place.is_none() {
            judged.fail(format!("phantom: order {id} arrived as {:?}, which it never was", arrival.shown));
        }
    }
    let known: Vec<usize> = places.iter().flatten().copied().collect();
    if known.windows(2).any(|pair| pair[0] > pair[1]) {
        judged.fail(format!("order: of order {id} an older state arrived behind a newer one"));
    }
    let distinct: BTreeSet<usize> = known.iter().copied().collect();
    if distinct.len() != known.len() {
        judged.fail(format!("twice: a state of order {id} arrived more than once"));
    }
    if arrivals.is_empty() && lived_shortly(changes, SWEEP + judged.patience) {
        judged.changes += changes.len();
        return;
    }
    for (at, change) in changes.iter().enumerate() {
        judged.changes += 1;
        let found = arrivals.iter().zip(&places).find(|(_, place)| place.is_some_and(|place| place >= at));
        let Some((arrival, _)) = found else {
            judged.fail(format!("lost: change {at} of order {id} ({:?}) was never found", change.deed));
            continue;
        };
        let committed = u64::try_from(change.committed.micros()).unwrap_or_default();
        let took_ms = arrival.at.saturating_sub(committed) / 1_000;
        let (limit, took) = match change.deed {
            Deed::Deleted => (IDENTITIES + judged.patience, &mut judged.deleted_ms),
            Deed::Created | Deed::Written => (SWEEP + judged.patience, &mut judged.found_ms),
        };
        took.push(took_ms);
        if u128::from(took_ms) > limit.as_millis() && !is_gone_by_then(changes, at) {
            judged.fail(format!("late: change {at} of order {id} ({:?}) was found after {took_ms} ms", change.deed));
        }
    }
}

/// Whether a record was made and deleted before anybody could look.
fn lived_shortly(changes: &[Change], span: Duration) -> bool {
    match (changes.first(), changes.last()) {
        (Some(first), Some(last)) if first.deed == Deed::Created && last.deed == Deed::Deleted => {
            u128::from(last.committed.since(first.committed).micros()) <= span.as_micros()
        }
        _ => false,
    }
}

/// What was deleted before it could be looked at is found as a deletion.
fn is_gone_by_then(changes: &[Change], at: usize) -> bool {
    changes.get(at + 1..).is_some_and(|later| later.iter().any(|it| it.deed == Deed::Deleted))
}

/// The change that an arrival shows: the last one with its reference and state.
fn place(changes: &[Change], arrival: &Arrival) -> Option<usize> {
    changes.iter().rposition(|change| match (&arrival.shown, &change.after) {
        (None, None) => true,
        (Some((reference, state)), Some(after)) => {
            let text = |name: &str| after.get(name).text().to_owned();
            text("client_order_ref") == *reference && text("state") == *state
        }
        (None, Some(_)) | (Some(_), None) => false,
    })
}

impl Judged {
    /// How long it took until a change arrived.
    pub(super) fn took(&mut self, took_ms: u64, is_deletion: bool) {
        if is_deletion { &mut self.deleted_ms } else { &mut self.found_ms }.push(took_ms);
    }

    pub(super) fn fail(&mut self, sentence: String) {
        let kind = sentence.split(':').next().unwrap_or_default();
        let told = self.failures.iter().filter(|it| it.starts_with(kind)).count();
        if told < SHOWN {
            self.failures.push(sentence);
        }
    }
}
