//! Lanes and indexes against their definitions, after every step of random histories.

use std::collections::BTreeMap;

use model::{DeliveryId, Digest};

use super::state::{Row, State};
use crate::conformance::history::History;
use crate::conformance::sample;

/// What the docs say of lanes, indexes and counters, asked of the rows one by one.
fn check(state: &State) {
    let rows: Vec<&Row> = state.deliveries.rows().values().collect();
    let mut lanes: BTreeMap<Digest, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        let delivery = &row.delivery;
        let blocks = delivery.state.blocks_lane(delivery.on_dead);
        match delivery.lane_digest().filter(|_| blocks) {
            Some(lane) => lanes.entry(lane).or_default().push(row),
            None => assert!(!delivery.behind, "outside a lane and behind: {delivery:?}"),
        }
    }
    for (lane, mut members) in lanes {
        members.sort_by_key(|row| row.place);
        let behind: Vec<bool> = members.iter().map(|row| row.delivery.behind).collect();
        let expected: Vec<bool> = (0..members.len()).map(|index| index > 0).collect();
        assert_eq!(behind, expected, "lane {lane}");
    }
    check_indexes(state, &rows);
    for row in rows {
        let attempts = state.attempts.rows().range((row.delivery.id, 0)..=(row.delivery.id, u32::MAX));
        let open: Vec<bool> = attempts.map(|(_, attempt)| attempt.result.is_none()).collect();
        assert_eq!(open.len(), row.delivery.attempts as usize);
        let last_alone = open.iter().rev().enumerate().all(|(back, open)| !open || back == 0);
        assert!(last_alone && open.last().copied().unwrap_or(false) == row.delivery.lease.is_some());
    }
    assert_eq!(super::counters::account(state), super::counters::recount(state));
}

fn check_indexes(state: &State, rows: &[&Row]) {
    let of = |key: fn(&Row) -> bool| rows.iter().filter(|row| key(row)).count();
    assert_eq!(state.lanes.rows().len(), of(|row| row.lane_key().is_some()));
    assert_eq!(state.ready.rows().len(), of(|row| row.ready_key().is_some()));
    assert_eq!(state.leased.rows().len(), of(|row| row.delivery.lease.is_some()));
    assert_eq!(state.deadlines.rows().len(), of(|row| row.deadline_key().is_some()));
    assert_eq!((state.by_event.rows().len(), state.by_age.rows().len()), (rows.len(), rows.len()));
    let known = |id: &DeliveryId| state.deliveries.has(id);
    assert!(state.ready.rows().values().all(known) && state.leased.rows().values().all(known));
    for (key, id) in state.lanes.rows() {
        assert_eq!(state.deliveries.get(id).and_then(Row::lane_key).as_ref(), Some(key));
    }
}

#[tokio::test]
async fn lanes_and_indexes_hold_through_random_histories() {
    for seed in 100..112 {
        let clock = std::sync::Arc::new(crate::conformance::ManualClock::new(sample::at(0)));
        let mut history = History::new(seed, &clock);
        for step in 0..150 {
            let batch = history.next_batch().await;
            let before = format!("{:?}", history.reference.state());
            if history.reference.commit_now(batch).is_err() {
                let after = format!("{:?}", history.reference.state());
                assert_eq!(before, after, "seed {seed}, step {step}: a refused batch left something");
            }
            check(&history.reference.state());
        }
    }
}
