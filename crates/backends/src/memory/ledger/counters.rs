//! The counters of the conservation line: moved with every row, and counted anew from the rows for checkers.

use model::account::{Account, ROUTER, Tally};
use model::{Bucket, Origin};

use super::state::State;

/// An entry or a delivery came into a bucket.
pub(super) fn enter(state: &mut State, origin: Origin, bucket: Bucket, count: u64) {
    state.numbers.tallies[origin.index()].0[bucket.index()] += count;
}

/// It moved from one to another, or stayed.
pub(super) fn shift(state: &mut State, origin: Origin, from: Bucket, to: Bucket) {
    let tally = &mut state.numbers.tallies[origin.index()].0;
    tally[from.index()] -= 1;
    tally[to.index()] += 1;
}

/// Retention removed the row of a delivery in this bucket.
pub(super) fn trim(state: &mut State, origin: Origin, bucket: Bucket) {
    let tally = &mut state.numbers.trimmed[origin.index()].0;
    tally[Bucket::Created.index()] += 1;
    tally[bucket.index()] += 1;
}

/// Retention removed the row of an entry in this bucket.
pub(super) fn trim_entry(state: &mut State, origin: Origin, bucket: Bucket) {
    state.numbers.trimmed[origin.index()].0[bucket.index()] += 1;
}

/// The counters and the router's cursors.
pub(super) fn account(state: &State) -> Account {
    with_cursors(state, &state.numbers.tallies)
}

/// The counters, from the rows. What routing counted has no rows of its own and is taken as it stands.
pub(super) fn recount(state: &State) -> Account {
    let mut tallies = state.numbers.trimmed;
    for (tally, counted) in tallies.iter_mut().zip(state.numbers.tallies) {
        tally.0[Bucket::Routed.index()] = counted.get(Bucket::Routed);
        tally.0[Bucket::Unselected.index()] = counted.get(Bucket::Unselected);
    }
    for row in state.deliveries.rows().values() {
        let tally = &mut tallies[row.delivery.origin.index()].0;
        tally[Bucket::Created.index()] += 1;
        tally[Bucket::of(&row.delivery.state).index()] += 1;
    }
    for row in state.quarantine.rows().values() {
        tallies[row.origin.index()].0[super::quarantine::bucket(&row.state).index()] += 1;
    }
    with_cursors(state, &tallies)
}

fn with_cursors(state: &State, tallies: &[Tally; 3]) -> Account {
    let router = state.cursors.rows().iter().filter(|((consumer, _), _)| consumer.as_str() == ROUTER);
    Account { tallies: *tallies, routed_to: router.map(|((_, partition), offset)| (*partition, *offset)).collect() }
}
