//! What must hold of an outbox in the end: each committed change of a record arrived by itself, once, in the order of the commits, and
//! nothing else did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sim::odoo::Odoo;

use super::sink::Sink;
use super::verdict::Judged;
use crate::stats::now_us;

/// What a record was after a change: reference and state; nothing of what is gone.
type State = Option<(String, String)>;

/// The committed states of each order since a moment, with when they were committed, in microseconds.
fn committed(odoo: &Odoo, since_us: u64) -> BTreeMap<i64, Vec<(u64, State)>> {
    let since = i64::try_from(since_us).unwrap_or_default();
    let mut all: BTreeMap<i64, Vec<(u64, State)>> = BTreeMap::new();
    for change in odoo.changes().into_iter().filter(|it| it.model == "sale.order" && it.committed.micros() >= since) {
        let text = |name: &str| change.after.as_ref().map(|after| after.get(name).text().to_owned()).unwrap_or_default();
        let state = change.after.as_ref().map(|_| (text("client_order_ref"), text("state")));
        let at = u64::try_from(change.committed.micros()).unwrap_or_default();
        all.entry(change.id).or_default().push((at, state));
    }
    all
}

/// Waits until as much has arrived as was committed, or nothing new has for `patience`.
pub(super) async fn wait(odoo: &Odoo, sink: &Sink, since_us: u64, patience: Duration) {
    let expected: usize = committed(odoo, since_us).values().map(Vec::len).sum();
    let (mut before, mut since) = (0, now_us());
    loop {
        let arrived = sink.seen().records.values().map(Vec::len).sum::<usize>();
        if arrived != before {
            (before, since) = (arrived, now_us());
        }
        let is_still = u128::from(now_us() - since) > patience.as_micros();
        if is_still || (arrived >= expected && now_us() - since > 2_000_000) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Compares record by record.
pub(super) fn judge(odoo: &Odoo, sink: &Sink, since_us: u64) -> Judged {
    let mut judged = Judged::default();
    let committed = committed(odoo, since_us);
    let seen = sink.seen();
    if seen.strangers > 0 {
        judged.fail(format!("strangers: {} requests were no event of ours", seen.strangers));
    }
    for id in seen.records.keys().filter(|id| !committed.contains_key(id)) {
        judged.fail(format!("phantom: order {id} arrived and was not changed"));
    }
    for (id, changes) in &committed {
        let arrivals = seen.records.get(id).map_or(&[][..], Vec::as_slice);
        judged.changes += changes.len();
        judged.events += arrivals.len();
        let wanted: Vec<&State> = changes.iter().map(|(_, state)| state).collect();
        let came: Vec<&State> = arrivals.iter().map(|arrival| &arrival.shown).collect();
        if wanted == came {
            for ((at, state), arrival) in changes.iter().zip(arrivals) {
                judged.took(arrival.at.saturating_sub(*at) / 1_000, state.is_none());
            }
        } else {
            differ(*id, &wanted, &came, &mut judged);
        }
    }
    judged
}

/// Says of a record in what way it is wrong.
fn differ(id: i64, wanted: &[&State], came: &[&State], judged: &mut Judged) {
    let (all, distinct): (BTreeSet<_>, BTreeSet<_>) = (wanted.iter().collect(), came.iter().collect());
    for state in all.difference(&distinct) {
        judged.fail(format!("missed: order {id} was {state:?}, and that never arrived"));
    }
    for state in distinct.difference(&all) {
        judged.fail(format!("phantom: order {id} arrived as {state:?}, which it never was"));
    }
    if distinct.len() < came.len() {
        judged.fail(format!("twice: {} states of order {id} arrived more than once", came.len() - distinct.len()));
    }
    if all == distinct && distinct.len() == came.len() {
        judged.fail(format!("order: order {id} was {wanted:?} and arrived as {came:?}"));
    }
}
