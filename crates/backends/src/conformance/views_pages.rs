//! The views: pages end where they should, and stay in place while new rows arrive.

use model::limit::PAGE_ROWS_MAX;
use model::view::{DeliveryQuery, QuarantineQuery};
use model::{Batch, Change, Delivery, DeliveryId};

use super::fixture::LedgerFixture;
use super::sample::{at, audit, delivery, delivery_id, done, quarantined};
use super::steps::open;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("pages_of_deliveries_cover_all_once", |it| Box::pin(pages_of_deliveries_cover_all_once(it))),
    ("a_full_last_page_has_no_next", |it| Box::pin(a_full_last_page_has_no_next(it))),
    ("pages_stay_in_place_under_inserts", |it| Box::pin(pages_stay_in_place_under_inserts(it))),
    ("deliveries_of_one_moment_are_all_paged", |it| Box::pin(deliveries_of_one_moment_are_all_paged(it))),
    ("a_page_has_fifty_rows_unless_asked_and_a_limit", |it| Box::pin(a_page_has_fifty_rows_unless_asked_and_a_limit(it))),
    ("a_cursor_that_no_page_gave_finds_nothing", |it| Box::pin(a_cursor_that_no_page_gave_finds_nothing(it))),
    ("the_audit_is_paged_newest_first", |it| Box::pin(the_audit_is_paged_newest_first(it))),
    ("the_audit_of_a_subject_is_its_own", |it| Box::pin(the_audit_of_a_subject_is_its_own(it))),
    ("an_audit_row_is_kept_once", |it| Box::pin(an_audit_row_is_kept_once(it))),
    ("pages_of_quarantine_cover_all_once", |it| Box::pin(pages_of_quarantine_cover_all_once(it))),
];

impl LedgerFixture {
    async fn open_all(&self, numbers: impl Iterator<Item = u64>) {
        let batch = numbers.fold(Batch::new(), |batch, n| batch.change(open(delivery(n))));
        self.commit(batch).await;
    }

    /// All pages of a question, each with its size.
    async fn pages(&self, mut query: DeliveryQuery) -> (Vec<DeliveryId>, Vec<usize>) {
        let (mut ids, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = self.views().deliveries(query.clone()).await.expect("the views read");
            sizes.push(page.rows.len());
            ids.extend(page.rows.into_iter().map(|delivery| delivery.id));
            query.cursor = page.next;
            if query.cursor.is_none() {
                return (ids, sizes);
            }
        }
    }
}

fn newest_first(numbers: impl DoubleEndedIterator<Item = u64>) -> Vec<DeliveryId> {
    numbers.rev().map(delivery_id).collect()
}

async fn pages_of_deliveries_cover_all_once(mut it: LedgerFixture) {
    it.open_all([9, 3, 1, 7, 5, 2, 8, 4, 6, 10].into_iter()).await;
    for n in [2, 4, 6] {
        it.shift(delivery_id(n), done(n.cast_signed())).await;
    }
    it.reopen().await;
    let (ids, sizes) = it.pages(DeliveryQuery { limit: 4, ..DeliveryQuery::default() }).await;
    assert_eq!((ids, sizes), (newest_first(1..=10), vec![4, 4, 2]));
    let query =
        DeliveryQuery { limit: 3, states: vec!["waiting".to_owned()], since: Some(at(2)), ..DeliveryQuery::default() };
    let (ids, sizes) = it.pages(query).await;
    assert_eq!((ids, sizes), (newest_first([3, 5, 7, 8, 9, 10].into_iter()), vec![3, 3]));
}

async fn a_full_last_page_has_no_next(it: LedgerFixture) {
    let query = || DeliveryQuery { limit: 4, ..DeliveryQuery::default() };
    assert_eq!(it.pages(query()).await, (vec![], vec![0]));
    it.open_all(1..=8).await;
    assert_eq!(it.pages(query()).await, (newest_first(1..=8), vec![4, 4]));
}

async fn pages_stay_in_place_under_inserts(it: LedgerFixture) {
    it.open_all(1..=9).await;
    let mut query = DeliveryQuery { limit: 4, ..DeliveryQuery::default() };
    let first = it.views().deliveries(query.clone()).await.expect("the views read");
    it.open_all(20..=26).await;
    it.shift(delivery_id(6), done(6)).await;
    query.cursor = first.next;
    let (rest, _) = it.pages(query).await;
    let ids: Vec<_> = first.rows.iter().map(|delivery| delivery.id).chain(rest).collect();
    assert_eq!(ids, newest_first(1..=9));
}

async fn deliveries_of_one_moment_are_all_paged(it: LedgerFixture) {
    for n in 1..=10 {
        it.open(Delivery { created_at: at(5), ..delivery(n) }).await;
    }
    let (ids, _) = it.pages(DeliveryQuery { limit: 3, ..DeliveryQuery::default() }).await;
    assert_eq!(ids, newest_first(1..=10), "at the same moment by id");
}

async fn a_page_has_fifty_rows_unless_asked_and_a_limit(it: LedgerFixture) {
    let count = PAGE_ROWS_MAX as u64 + 20;
    it.open_all(1..=count).await;
    for (limit, expected) in [(0, 50), (1, 1), (60, 60), (PAGE_ROWS_MAX + 10, PAGE_ROWS_MAX)] {
        let page = it.views().deliveries(DeliveryQuery { limit, ..DeliveryQuery::default() }).await;
        assert_eq!(page.map(|page| page.rows.len()).ok(), Some(expected), "asked for {limit}");
    }
}

async fn a_cursor_that_no_page_gave_finds_nothing(it: LedgerFixture) {
    it.open_all(1..=3).await;
    it.apply(Change::Quarantine(Box::new(quarantined(1)))).await;
    it.apply(Change::Audit(audit(1, "x"))).await;
    for cursor in ["", "nonsense", "1", "1.2", "' OR 1=1 --", "99999999999999999999.x"] {
        let cursor = Some(cursor.to_owned());
        let deliveries = it.views().deliveries(DeliveryQuery { cursor: cursor.clone(), ..DeliveryQuery::default() }).await;
        assert!(deliveries.is_ok_and(|page| page.rows.is_empty() && page.next.is_none()), "{cursor:?}");
        let kept = it.views().quarantine(QuarantineQuery { cursor: cursor.clone(), ..QuarantineQuery::default() }).await;
        assert!(kept.is_ok_and(|page| page.rows.is_empty() && page.next.is_none()), "{cursor:?}");
        let audited = it.views().audit(None, cursor.clone(), 10).await;
        assert!(audited.is_ok_and(|page| page.rows.is_empty() && page.next.is_none()), "{cursor:?}");
    }
}

async fn the_audit_is_paged_newest_first(mut it: LedgerFixture) {
    for n in [5, 2, 8, 1, 9, 3, 7, 4, 6] {
        it.apply(Change::Audit(audit(n, if n % 2 == 0 { "even" } else { "odd" }))).await;
    }
    it.reopen().await;
    for (subject, expected) in [(None, (1..=9).rev().collect::<Vec<u64>>()), (Some("odd"), vec![9, 7, 5, 3, 1])] {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let page = it.views().audit(subject.map(str::to_owned), cursor, 2).await.expect("the views read");
            rows.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            it.apply(Change::Audit(audit(100 + rows.len() as u64, "late"))).await;
        }
        let expected: Vec<_> = expected.into_iter().map(|n| audit(n, if n % 2 == 0 { "even" } else { "odd" })).collect();
        assert_eq!(rows, expected, "{subject:?}");
    }
}

async fn the_audit_of_a_subject_is_its_own(it: LedgerFixture) {
    for (n, subject) in [(1, "wms"), (2, "wms2"), (3, "WMS"), (4, "w%"), (5, "wms")] {
        it.apply(Change::Audit(audit(n, subject))).await;
    }
    for (subject, expected) in [("wms", vec![5, 1]), ("w%", vec![4]), ("w_s", vec![])] {
        let page = it.views().audit(Some(subject.to_owned()), None, 0).await.expect("the views read");
        let expected: Vec<_> = expected.into_iter().map(|n| audit(n, subject)).collect();
        assert_eq!(page.rows, expected, "{subject}");
    }
}

async fn an_audit_row_is_kept_once(it: LedgerFixture) {
    it.apply(Change::Audit(audit(1, "first"))).await;
    it.apply(Change::Audit(audit(1, "second"))).await;
    let page = it.views().audit(None, None, 10).await.expect("the views read");
    assert_eq!(page.rows, [audit(1, "first")]);
}

async fn pages_of_quarantine_cover_all_once(it: LedgerFixture) {
    for n in 1..=7 {
        it.apply(Change::Quarantine(Box::new(quarantined(n)))).await;
    }
    let mut query = QuarantineQuery { limit: 3, ..QuarantineQuery::default() };
    let mut rows = Vec::new();
    loop {
        let page = it.views().quarantine(query.clone()).await.expect("the views read");
        rows.extend(page.rows);
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
        it.apply(Change::Quarantine(Box::new(quarantined(50 + rows.len() as u64)))).await;
    }
    assert_eq!(rows, (1..=7).rev().map(quarantined).collect::<Vec<_>>());
}
