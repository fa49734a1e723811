//! The ledger: what is known of records of captured models, and how far each capture is.

use model::limit::{CAPTURE_RANGES_MAX, CAPTURE_ROWS_MAX, STANDING_BYTES_MAX};
use model::room::Ages;
use model::{Batch, Change, FaultKind, Guard, Known, Seen, Sight, Standing, Telling, Told};

use super::fixture::LedgerFixture;
use super::sample::{at, delivery_id, known, name};
use super::steps::shift;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("what_is_known_is_found_in_the_order_of_ids", |it| Box::pin(what_is_known_is_found_in_the_order_of_ids(it))),
    ("what_is_known_later_takes_the_place_of_what_was", |it| Box::pin(what_is_known_later_takes_the_place_of_what_was(it))),
    ("each_source_and_model_is_known_by_itself", |it| Box::pin(each_source_and_model_is_known_by_itself(it))),
    ("what_is_forgotten_can_be_known_again", |it| Box::pin(what_is_forgotten_can_be_known_again(it))),
    ("known_records_are_counted_by_ranges_of_ids", |it| Box::pin(known_records_are_counted_by_ranges_of_ids(it))),
    ("hidden_records_are_known_and_not_counted", |it| Box::pin(hidden_records_are_known_and_not_counted(it))),
    ("closed_records_are_listed_and_unread", |it| Box::pin(closed_records_are_listed_and_unread(it))),
    ("a_whole_page_is_known_in_one_change", |it| Box::pin(a_whole_page_is_known_in_one_change(it))),
    ("a_standing_rises_at_each_write", |it| Box::pin(a_standing_rises_at_each_write(it))),
    ("of_two_steps_from_one_standing_the_second_is_refused", |it| {
        Box::pin(of_two_steps_from_one_standing_the_second_is_refused(it))
    }),
    ("a_refused_batch_leaves_nothing_known", |it| Box::pin(a_refused_batch_leaves_nothing_known(it))),
    ("what_is_known_is_in_no_account_and_no_trim_takes_it", |it| {
        Box::pin(what_is_known_is_in_no_account_and_no_trim_takes_it(it))
    }),
];

/// One range over all ids.
const ALL: (u64, u64) = (0, u64::MAX);

fn know(model: &str, rows: Vec<Known>) -> Change {
    Change::Know { source: name("odoo"), model: model.to_owned(), rows }
}

fn forget(ids: impl IntoIterator<Item = u64>) -> Change {
    Change::Forget { source: name("odoo"), model: "sale.order".to_owned(), ids: ids.into_iter().collect() }
}

fn stand(source: &str, text: &str) -> Change {
    Change::Stand { source: name(source), text: text.to_owned() }
}

fn stands(source: &str, version: u64) -> Guard {
    Guard::Standing { source: name(source), version }
}

fn standing(text: &str, version: u64) -> Standing {
    Standing { text: text.to_owned(), version }
}

impl LedgerFixture {
    async fn know(&self, numbers: impl IntoIterator<Item = u64>) {
        self.apply(know("sale.order", numbers.into_iter().map(known).collect())).await;
    }

    async fn known_of(&self, source: &str, model: &str, ids: impl IntoIterator<Item = u64>) -> Vec<Known> {
        let ids = ids.into_iter().collect();
        let known = self.ledger().known(&name(source), model, ids).await.expect("the ledger reads");
        assert_eq!(known.unreadable, [""; 0]);
        known.rows
    }

    async fn known(&self, ids: impl IntoIterator<Item = u64>) -> Vec<Known> {
        self.known_of("odoo", "sale.order", ids).await
    }

    async fn counted(&self, ranges: &[(u64, u64)]) -> Vec<u64> {
        self.ledger().known_counts(&name("odoo"), "sale.order", ranges.to_vec()).await.expect("the ledger reads")
    }

    async fn ids(&self, range: (u64, u64), limit: usize) -> Vec<u64> {
        self.ids_of(Sight::Listed, range, limit).await
    }

    async fn ids_of(&self, sight: Sight, range: (u64, u64), limit: usize) -> Vec<u64> {
        self.ledger().known_ids(&name("odoo"), "sale.order", (sight, range), limit).await.expect("the ledger reads")
    }

    async fn standing(&self, source: &str) -> Option<Standing> {
        self.ledger().standing(&name(source)).await.expect("the ledger reads")
    }
}

async fn what_is_known_is_found_in_the_order_of_ids(mut it: LedgerFixture) {
    assert_eq!(it.known([1, 2]).await, []);
    let bare = Known { written_at: None, state: None, digest: None, ..known(300) };
    it.apply(know("sale.order", vec![known(42), bare.clone(), known(7)])).await;
    it.reopen().await;
    assert_eq!(it.known([300, 8, 42, 7, 42]).await, [known(7), known(42), bare]);
    assert_eq!(it.known([]).await, []);
}

async fn what_is_known_later_takes_the_place_of_what_was(mut it: LedgerFixture) {
    it.know([1, 2]).await;
    let told = Told { times: 8, telling: Telling::Begun };
    let confirmed = Known { written_at: Some(at(77)), state: Some("it's sold".to_owned()), told, ..known(1) };
    let stateless = Known { state: None, digest: None, ..confirmed.clone() };
    let refused = Known { told: Told { times: 9, telling: Telling::Refused }, ..confirmed.clone() };
    it.apply(know("sale.order", vec![refused.clone()])).await;
    it.reopen().await;
    assert_eq!(it.known([1]).await, [refused]);
    for _ in 0..2 {
        it.apply(know("sale.order", vec![stateless.clone(), known(1), confirmed.clone()])).await;
        it.reopen().await;
        assert_eq!(it.known([1, 2]).await, [confirmed.clone(), known(2)]);
    }
    it.apply(know("sale.order", vec![stateless.clone()])).await;
    assert_eq!(it.known([1]).await, [stateless], "what is not said is not kept from before");
    assert_eq!(it.counted(&[ALL]).await, [2]);
}

async fn each_source_and_model_is_known_by_itself(mut it: LedgerFixture) {
    it.know([1, 2]).await;
    it.apply(know("stock.picking", vec![known(2)])).await;
    let test = Known { state: None, ..known(3) };
    let of_test = Change::Know { source: name("odoo-test"), model: "sale.order".to_owned(), rows: vec![test.clone()] };
    it.apply(of_test).await;
    it.apply(forget([2])).await;
    it.reopen().await;
    assert_eq!(it.known(0..9).await, [known(1)]);
    assert_eq!(it.known_of("odoo", "stock.picking", 0..9).await, [known(2)]);
    assert_eq!(it.known_of("odoo-test", "sale.order", 0..9).await, [test]);
    for (source, model) in [("odoo", "mrp.production"), ("elsewhere", "sale.order"), ("odoo-test", "stock.picking")] {
        assert_eq!(it.known_of(source, model, 0..9).await, []);
        let counts = it.ledger().known_counts(&name(source), model, vec![ALL, ALL]).await;
        assert_eq!(counts.ok(), Some(vec![0, 0]), "{model} of {source}");
        let ids = it.ledger().known_ids(&name(source), model, (Sight::Listed, ALL), 9).await;
        assert_eq!(ids.ok(), Some(Vec::new()), "{model} of {source}");
    }
    assert_eq!(it.ids(ALL, 9).await, [1]);
}

async fn what_is_forgotten_can_be_known_again(mut it: LedgerFixture) {
    it.apply(forget([1])).await;
    it.know(1..=4).await;
    for _ in 0..2 {
        it.apply(forget([3, 1, 99, 3])).await;
        it.reopen().await;
        assert_eq!(it.known(0..9).await, [known(2), known(4)]);
    }
    let batch = Batch::new().change(forget([2])).change(know("sale.order", vec![known(3)])).change(forget([4]));
    it.commit(batch).await;
    it.reopen().await;
    assert_eq!(it.known(0..9).await, [known(3)], "each change sees what those before it did");
}

async fn known_records_are_counted_by_ranges_of_ids(mut it: LedgerFixture) {
    it.know([1, 5, 9, 10, 11, 500]).await;
    it.apply(know("stock.picking", vec![known(6)])).await;
    it.reopen().await;
    let ranges = [(10, 500), (0, 10), (10, 501), (5, 6), (6, 9), (9, 9), (9, 5), (500, u64::MAX), ALL];
    assert_eq!(it.counted(&ranges).await, [2, 3, 3, 1, 0, 0, 0, 1, 6]);
    assert_eq!(it.counted(&[]).await, [0; 0]);
    assert_eq!(it.counted(&[ALL; CAPTURE_RANGES_MAX]).await, [6; CAPTURE_RANGES_MAX]);
    for (range, limit, ids) in [
        (ALL, 99, vec![1, 5, 9, 10, 11, 500]),
        (ALL, 2, vec![1, 5]),
        (ALL, 0, vec![]),
        ((5, 11), 99, vec![5, 9, 10]),
        ((6, 500), 2, vec![9, 10]),
        ((9, 9), 99, vec![]),
        ((9, 5), 99, vec![]),
    ] {
        assert_eq!(it.ids(range, limit).await, ids, "{range:?}, {limit}");
    }
}

async fn hidden_records_are_known_and_not_counted(mut it: LedgerFixture) {
    let hidden = Known { seen: Seen::Hidden, ..known(2) };
    it.know(1..=3).await;
    it.apply(know("sale.order", vec![hidden.clone()])).await;
    it.reopen().await;
    assert_eq!(it.known(0..9).await, [known(1), hidden, known(3)]);
    assert_eq!((it.counted(&[ALL, (2, 3)]).await, it.ids(ALL, 9).await), (vec![2, 0], vec![1, 3]));
    assert_eq!(it.ids(ALL, 2).await, [1, 3], "they take no room of the limit");
    let hidden = async |range, limit| it.ids_of(Sight::Unread, range, limit).await;
    assert_eq!((hidden(ALL, 9).await, hidden(ALL, 0).await, hidden((3, 9), 9).await), (vec![2], vec![], vec![]));
    it.know([2]).await;
    it.reopen().await;
    assert_eq!((it.counted(&[ALL, (2, 3)]).await, it.ids(ALL, 9).await), (vec![3, 1], vec![1, 2, 3]));
    assert_eq!(it.ids_of(Sight::Unread, ALL, 9).await, [0; 0]);
}

async fn closed_records_are_listed_and_unread(mut it: LedgerFixture) {
    let closed = Known { seen: Seen::Closed, ..known(2) };
    let hidden = Known { seen: Seen::Hidden, ..known(3) };
    it.know(1..=4).await;
    it.apply(know("sale.order", vec![closed.clone(), hidden.clone()])).await;
    it.reopen().await;
    assert_eq!(it.known(0..9).await, [known(1), closed, hidden, known(4)]);
    assert_eq!((it.counted(&[ALL, (2, 4)]).await, it.ids(ALL, 9).await), (vec![3, 1], vec![1, 2, 4]));
    assert_eq!(it.ids_of(Sight::Unread, ALL, 9).await, [2, 3]);
}

async fn a_whole_page_is_known_in_one_change(mut it: LedgerFixture) {
    let most = CAPTURE_ROWS_MAX as u64;
    it.know((0..most).rev()).await;
    it.know(most..2 * most).await;
    it.reopen().await;
    assert_eq!(it.known(most / 2..most / 2 + most).await.len(), CAPTURE_ROWS_MAX);
    assert_eq!(it.counted(&[(0, most), (most, ALL.1)]).await, [most, most]);
    it.apply(forget(0..most)).await;
    assert_eq!(it.ids(ALL, CAPTURE_ROWS_MAX).await, (most..2 * most).collect::<Vec<_>>());
}

async fn a_standing_rises_at_each_write(mut it: LedgerFixture) {
    assert_eq!(it.standing("odoo").await, None);
    it.apply(stand("odoo", "{\"it's\":1}")).await;
    it.reopen().await;
    assert_eq!(it.standing("odoo").await, Some(standing("{\"it's\":1}", 1)));
    for _ in 0..2 {
        it.apply(stand("odoo", "{}")).await;
    }
    it.commit(Batch::new().change(stand("odoo", "[1]")).change(stand("odoo", "[2]"))).await;
    let long = "x".repeat(STANDING_BYTES_MAX);
    it.apply(stand("odoo-test", &long)).await;
    it.reopen().await;
    assert_eq!(it.standing("odoo").await, Some(standing("[2]", 5)), "the same text is a write, too");
    assert_eq!((it.standing("odoo-test").await, it.standing("shop").await), (Some(standing(&long, 1)), None));
}

async fn of_two_steps_from_one_standing_the_second_is_refused(it: LedgerFixture) {
    let step = |version: u64, id: u64| {
        let page = know("sale.order", vec![known(id)]);
        Batch::new().guard(stands("odoo", version)).change(page).change(stand("odoo", &format!("[{id}]")))
    };
    assert_eq!(it.refusal(step(1, 9)).await, FaultKind::Conflict);
    it.commit(step(0, 1)).await;
    for stale in [0, 2] {
        assert_eq!(it.refusal(step(stale, 9)).await, FaultKind::Conflict, "{stale}");
    }
    it.commit(step(1, 2)).await;
    assert_eq!(it.refusal(step(1, 9)).await, FaultKind::Conflict);
    assert_eq!(it.known(0..10).await, [known(1), known(2)]);
    assert_eq!(it.standing("odoo").await, Some(standing("[2]", 2)));
    it.commit(Batch::new().guard(stands("odoo-test", 0)).change(stand("odoo-test", "{}"))).await;
    it.commit(Batch::new().guard(stands("odoo", 2)).guard(stands("odoo-test", 1))).await;
    assert_eq!(it.standing("odoo").await, Some(standing("[2]", 2)), "a guard alone is no write");
}

async fn a_refused_batch_leaves_nothing_known(mut it: LedgerFixture) {
    it.know([1, 2]).await;
    it.apply(stand("odoo", "[1]")).await;
    let refused = Batch::new()
        .change(know("sale.order", vec![Known { digest: None, ..known(1) }, known(3)]))
        .change(know("res.partner", vec![known(3)]))
        .change(forget([2]))
        .change(stand("odoo", "[2]"))
        .change(shift(delivery_id(1), super::sample::held()));
    assert_eq!(it.refusal(refused).await, FaultKind::Conflict, "there is no such delivery");
    it.reopen().await;
    assert_eq!(it.known(0..9).await, [known(1), known(2)]);
    assert_eq!(it.known_of("odoo", "res.partner", [3]).await, []);
    assert_eq!(it.standing("odoo").await, Some(standing("[1]", 1)));
    it.apply(know("res.partner", vec![known(3)])).await;
    it.reopen().await;
    assert_eq!(it.known_of("odoo", "res.partner", [3]).await, [known(3)]);
}

async fn what_is_known_is_in_no_account_and_no_trim_takes_it(mut it: LedgerFixture) {
    let before = it.ledger().account().await.expect("the ledger reads");
    it.know(1..=3).await;
    it.apply(forget([3])).await;
    it.apply(stand("odoo", "{}")).await;
    let old = at(1_000_000);
    it.trim_to(Ages { answers: old, rows: old, emitted: old, audit: old }).await;
    it.reopen().await;
    assert_eq!(it.ledger().account().await.ok().as_ref(), Some(&before));
    assert_eq!(it.ledger().recount().await.ok(), Some(before));
    assert_eq!(it.views().feed_head().await.ok(), Some(0));
    assert_eq!((it.counted(&[ALL]).await, it.standing("odoo").await), (vec![2], Some(standing("{}", 1))));
}
