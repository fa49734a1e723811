//! The ledger: what is due, in which order, and who is told when.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{DueQuery, LeftQuery, Readable};
use model::change::Round;
use model::{Delivery, FlowName, TimeSpan, Timestamp};

use super::fixture::LedgerFixture;
use super::sample::{BUSY, at, delivery, delivery_id, held, in_lane, name, waiting};
use super::steps::all;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("due_gives_what_is_ready_and_due", |it| Box::pin(due_gives_what_is_ready_and_due(it))),
    ("due_is_a_matter_of_microseconds", |it| Box::pin(due_is_a_matter_of_microseconds(it))),
    ("the_oldest_due_comes_first", |it| Box::pin(the_oldest_due_comes_first(it))),
    ("what_is_due_at_once_comes_in_the_order_of_opening", |it| {
        Box::pin(what_is_due_at_once_comes_in_the_order_of_opening(it))
    }),
    ("repeats_take_no_more_than_their_share", |it| Box::pin(repeats_take_no_more_than_their_share(it))),
    ("a_flow_that_is_left_out_hides_no_other", |it| Box::pin(a_flow_that_is_left_out_hides_no_other(it))),
    ("a_new_round_is_a_repeat_still", |it| Box::pin(a_new_round_is_a_repeat_still(it))),
    ("what_waits_by_what_is_not_there_is_found", |it| Box::pin(what_waits_by_what_is_not_there_is_found(it))),
    ("the_agenda_names_the_first_due_of_each", |it| Box::pin(the_agenda_names_the_first_due_of_each(it))),
];

impl LedgerFixture {
    /// Opens delivery `n`, has it tried once, and due again at second `due`.
    async fn repeat(&self, n: u64, due: i64) {
        self.open(delivery(n)).await;
        self.claim(delivery_id(n), 50).await;
        self.settle(delivery_id(n), 50, BUSY, waiting(due)).await;
    }

    async fn due_numbers(&self, secs: i64, all: usize, repeats: usize) -> Vec<u64> {
        self.due_without(secs, (all, repeats), &[]).await
    }

    async fn due_without(&self, secs: i64, (most, repeats): (usize, usize), flows: &[&str]) -> Vec<u64> {
        let without: BTreeSet<_> = flows.iter().map(|flow| name(flow)).collect();
        let ids = self.due(DueQuery { all: most, repeats, without, ..all(at(secs)) }).await;
        ids.iter().filter_map(|id| (1..=40).find(|n| delivery_id(*n) == *id)).collect()
    }
}

/// Whatever its deadline, its due time and its place in a lane; and those under way last.
async fn what_waits_by_what_is_not_there_is_found(mut it: LedgerFixture) {
    let to_other = |n| Delivery { destination: name("wms2"), ..delivery(n) };
    let by_other = |n| Delivery { flow: name("orders-to-mail"), ..delivery(n) };
    for given in [
        delivery(1),
        to_other(2),
        by_other(3),
        Delivery { deadline: Some(at(1)), state: waiting(9_000), ..to_other(4) },
        Delivery { flow: name("orders-to-mail"), ..in_lane(5, "a") },
        Delivery { flow: name("orders-to-mail"), ..in_lane(6, "a") },
        Delivery { round_at: at(500), ..by_other(7) },
        Delivery { round_at: at(500), ..to_other(8) },
        by_other(9),
        by_other(10),
    ] {
        it.open(given).await;
    }
    it.claim(delivery_id(2), 9_000).await;
    it.shift(delivery_id(9), held()).await;
    it.reopen().await;
    let there = delivery(1);
    let mut gone = BTreeMap::new();
    let left = async |it: &LedgerFixture, gone: &BTreeMap<FlowName, Timestamp>, destinations: &[&str], limit| {
        let query = LeftQuery {
            flows: BTreeSet::from([there.flow.clone()]),
            destinations: destinations.iter().map(|to| name(to)).collect(),
            gone: gone.clone(),
            until: at(100),
            limit,
        };
        let found = it.ledger().left_waiting(query).await.expect("the ledger reads").rows;
        let numbers = found.iter().filter_map(|found| (1..=40).find(|n| delivery_id(*n) == found.id));
        numbers.collect::<Vec<u64>>()
    };
    let wms = there.destination.as_str();
    assert_eq!(left(&it, &gone, &[wms], 20).await, [3, 4, 5, 6, 8, 10, 2], "the later round by a flow is a person's word");
    assert_eq!(left(&it, &gone, &[wms], 2).await, [3, 4]);
    assert_eq!(left(&it, &gone, &[wms, "wms2"], 20).await, [3, 5, 6, 10]);
    assert_eq!(left(&it, &gone, &["wms2"], 20).await, [1, 3, 5, 6, 7, 10], "{wms} is not there, whoever asked since");
    gone.insert(name("orders-to-mail"), at(500));
    assert_eq!(left(&it, &gone, &[wms, "wms2"], 20).await, [3, 5, 6, 7, 10], "its flow went later");
    gone.insert(name("orders-to-mail"), at(1));
    assert_eq!(left(&it, &gone, &[wms, "wms2"], 20).await, [0; 0], "all of them were asked for since its flow went");
}

async fn due_gives_what_is_ready_and_due(mut it: LedgerFixture) {
    for given in [
        delivery(1),
        Delivery { destination: name("wms2"), ..delivery(2) },
        in_lane(3, "a"),
        in_lane(4, "a"),
        delivery(5),
        delivery(6),
        Delivery { state: waiting(500), ..delivery(7) },
    ] {
        it.open(given).await;
    }
    it.claim(delivery_id(5), 9).await;
    it.shift(delivery_id(6), held()).await;
    it.reopen().await;
    assert_eq!(it.due_numbers(100, 10, 10).await, [1, 3]);
    let due = it.ledger().due(all(at(100))).await.expect("the ledger reads").rows;
    assert_eq!(due[0], it.get(delivery_id(1)).await, "whole deliveries");
    let nobody = DueQuery { destination: name("nobody"), ..all(at(100)) };
    assert_eq!(it.ledger().due(nobody).await.ok(), Some(Readable::default()));
}

async fn due_is_a_matter_of_microseconds(it: LedgerFixture) {
    it.open(Delivery { state: waiting(100), ..delivery(1) }).await;
    assert_eq!(it.due(all(at(100) - TimeSpan::from_micros(1))).await, []);
    assert_eq!(it.due(all(at(100))).await, [delivery_id(1)]);
}

async fn the_oldest_due_comes_first(it: LedgerFixture) {
    for (n, due) in [(1, 30), (2, 10), (3, 40), (4, 20)] {
        it.open(Delivery { state: waiting(due), ..delivery(n) }).await;
    }
    assert_eq!(it.due_numbers(35, 10, 10).await, [2, 4, 1]);
    assert_eq!(it.due_numbers(35, 2, 2).await, [2, 4]);
    assert_eq!(it.due_numbers(35, 0, 0).await, [0; 0]);
}

async fn what_is_due_at_once_comes_in_the_order_of_opening(it: LedgerFixture) {
    let order = [7, 3, 9, 1, 8];
    for n in order {
        it.open(Delivery { state: waiting(10), ..delivery(n) }).await;
    }
    assert_eq!(it.due_numbers(10, 10, 10).await, order);
}

async fn repeats_take_no_more_than_their_share(it: LedgerFixture) {
    for (n, due) in [(1, 51), (2, 52), (3, 53), (4, 90)] {
        it.repeat(n, due).await;
    }
    for (n, due) in [(5, 60), (6, 70), (7, 80)] {
        it.open(Delivery { state: waiting(due), ..delivery(n) }).await;
    }
    let cases: [(usize, usize, &[u64]); 7] = [
        (10, 10, &[1, 2, 3, 5, 6, 7, 4]),
        (10, 2, &[1, 2, 5, 6, 7]),
        (10, 0, &[5, 6, 7]),
        (3, 1, &[1, 5, 6]),
        (3, 2, &[1, 2, 5]),
        (3, 3, &[1, 2, 3]),
        (2, 9, &[1, 2]),
    ];
    for (all, repeats, expected) in cases {
        assert_eq!(it.due_numbers(100, all, repeats).await, expected, "{all} slots, {repeats} for repeats");
    }
}

async fn a_flow_that_is_left_out_hides_no_other(it: LedgerFixture) {
    let of = |n: u64, flow: &str, due: i64| Delivery { flow: name(flow), state: waiting(due), ..delivery(n) };
    it.repeat(1, 60).await;
    for n in 2..=20 {
        it.open(of(n, "orders", 5)).await;
    }
    for (n, flow, due) in [(21, "returns", 30), (22, "labels", 20), (23, "returns", 10), (24, "labels", 900)] {
        it.open(of(n, flow, due)).await;
    }
    assert_eq!(it.due_without(100, (4, 4), &["orders"]).await, [23, 22, 21]);
    assert_eq!(it.due_without(100, (2, 2), &["orders"]).await, [23, 22]);
    assert_eq!(it.due_without(100, (9, 9), &["orders", "labels"]).await, [23, 21]);
    assert_eq!(it.due_without(100, (9, 9), &["orders", "labels", "returns"]).await, [0; 0]);
    assert_eq!(it.due_without(100, (3, 3), &["nobody"]).await, [2, 3, 4]);
}

async fn a_new_round_is_a_repeat_still(it: LedgerFixture) {
    it.repeat(1, 60).await;
    it.apply(model::Change::Move {
        delivery: delivery_id(1),
        state: waiting(60),
        why: String::new(),
        new_round: Some(Round { at: at(55), deadline: None, policy: super::sample::policy(1) }),
    })
    .await;
    assert_eq!((it.due_numbers(70, 5, 0).await, it.due_numbers(70, 5, 1).await), (vec![], vec![1]));
}

async fn the_agenda_names_the_first_due_of_each(it: LedgerFixture) {
    assert_eq!(it.ledger().agenda().await.ok(), Some(Vec::new()));
    let to = |n: u64, destination: &str, due: i64| Delivery {
        destination: name(destination),
        state: waiting(due),
        ..delivery(n)
    };
    for given in [to(1, "zoo", 900), to(2, "ant", 30), to(3, "ant", 20), to(4, "bee", 5), to(5, "cat", 5)] {
        it.open(given).await;
    }
    it.claim(delivery_id(4), 10).await;
    it.shift(delivery_id(5), held()).await;
    it.repeat(6, 60).await;
    it.open(Delivery { state: waiting(70), ..delivery(7) }).await;
    let mut agenda = it.ledger().agenda().await.expect("the ledger reads");
    agenda.sort();
    assert_eq!(agenda, [(name("ant"), at(20)), (name("wms"), at(60)), (name("zoo"), at(900))]);
}
