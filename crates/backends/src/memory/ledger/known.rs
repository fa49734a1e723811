//! What is known of records of captured models, and how far each capture is.

use std::collections::BTreeSet;

use engine::ports::Within;
use model::{Known, Sight, SourceName, Standing};

use super::state::State;

/// See [`model::Change::Know`].
pub(super) fn know(state: &mut State, source: &SourceName, model: &str, rows: Vec<Known>) {
    for row in rows {
        state.known.put((source.clone(), model.to_owned(), row.id), row);
    }
}

/// See [`model::Change::Forget`].
pub(super) fn forget(state: &mut State, source: &SourceName, model: &str, ids: Vec<u64>) {
    for id in ids {
        state.known.remove(&(source.clone(), model.to_owned(), id));
    }
}

/// See [`model::Change::Stand`].
pub(super) fn stand(state: &mut State, source: SourceName, text: String) {
    let version = state.standings.get(&source).map_or(0, |before| before.version) + 1;
    state.standings.put(source, Standing { text, version });
}

/// See [`engine::ports::Ledger::known`].
pub(super) fn rows(state: &State, source: &SourceName, model: &str, ids: &[u64]) -> Vec<Known> {
    let ids: BTreeSet<u64> = ids.iter().copied().collect();
    ids.into_iter().filter_map(|id| state.known.get(&(source.clone(), model.to_owned(), id)).cloned()).collect()
}

/// See [`engine::ports::Ledger::known_counts`].
pub(super) fn counts(state: &State, source: &SourceName, model: &str, ranges: &[(u64, u64)]) -> Vec<u64> {
    ranges.iter().map(|range| ids(state, source, model, (Sight::Listed, *range)).count() as u64).collect()
}

/// The ids of those that are so, from the first to before the second.
pub(super) fn ids(
    state: &State,
    source: &SourceName,
    model: &str,
    (sight, (from, to)): Within,
) -> impl Iterator<Item = u64> {
    let key = |id| (source.clone(), model.to_owned(), id);
    let rows = state.known.rows().range(key(from)..key(to.max(from)));
    rows.filter(move |(_, row)| row.seen.is(sight)).map(|(_, row)| row.id)
}
