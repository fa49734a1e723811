//! The views: pages end where they should, and stay in place while new rows arrive.

use model::limit::PAGE_ROWS_MAX;
use model::view::{DeliveryQuery, QuarantineQuery};
use model::{Batch, Change, Delivery, DeliveryId, QuarantineRow, QuarantineState};

use super::fixture::LedgerFixture;
use super::sample::{
    BUSY, at, audit, cancelled, dead, delivery, delivery_id, done, event_id, name, person, policy, quarantined, replay,
};
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
    ("pages_of_replays_cover_all_once", |it| Box::pin(pages_of_replays_cover_all_once(it))),
    ("pages_of_policies_cover_all_once", |it| Box::pin(pages_of_policies_cover_all_once(it))),
    ("what_is_rare_is_found_behind_all_that_is_not", |it| Box::pin(what_is_rare_is_found_behind_all_that_is_not(it))),
    ("a_period_is_paged_within_its_ends", |it| Box::pin(a_period_is_paged_within_its_ends(it))),
    ("rare_quarantine_is_found_behind_all_other", |it| Box::pin(rare_quarantine_is_found_behind_all_other(it))),
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
    assert_eq!(ids, newest_first([3, 5, 7, 8, 9, 10].into_iter()));
    assert!(sizes.iter().all(|size| *size <= 3), "{sizes:?}");
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
        let replays = it.views().replays(cursor.clone(), 10).await;
        assert!(replays.is_ok_and(|page| page.rows.is_empty() && page.next.is_none()), "{cursor:?}");
        let policies = it.views().policies(cursor.clone(), 10).await;
        assert!(policies.is_ok_and(|page| page.rows.is_empty() && page.next.is_none()), "{cursor:?}");
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

async fn pages_of_replays_cover_all_once(mut it: LedgerFixture) {
    for n in [5, 2, 7, 1, 3, 6, 4] {
        it.apply(Change::Replay { replay: Box::new(replay(n, 0)), members: Vec::new() }).await;
    }
    it.reopen().await;
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = it.views().replays(cursor, 3).await.expect("the views read");
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        it.apply(Change::Replay { replay: Box::new(replay(50 + rows.len() as u64, 0)), members: Vec::new() }).await;
    }
    assert_eq!(rows, (1..=7).rev().map(|n| replay(n, 0)).collect::<Vec<_>>());
}

async fn pages_of_policies_cover_all_once(mut it: LedgerFixture) {
    let store = |n: u64, secs: i64| Change::StorePolicy { version: policy(n), files: Vec::new(), at: at(secs) };
    // Some of one moment, which their versions tell apart.
    for n in 1..=7 {
        it.apply(store(n, if n < 5 { 3 } else { n.cast_signed() })).await;
    }
    it.reopen().await;
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = it.views().policies(cursor, 2).await.expect("the views read");
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
        it.apply(store(100 + rows.len() as u64, 50)).await;
    }
    let mut expected: Vec<_> = (1..=7).map(|n| (policy(n), at(if n < 5 { 3 } else { n.cast_signed() }))).collect();
    expected.sort_by_key(|(version, at)| std::cmp::Reverse((*at, *version)));
    assert_eq!(rows, expected);
}

/// Of forty, number 2 is of another flow, to another destination, and dead; 1 waits, 39 was cancelled, and the others are done.
async fn what_is_rare_is_found_behind_all_that_is_not(mut it: LedgerFixture) {
    it.open(delivery(1)).await;
    it.open(Delivery { flow: name("returns"), destination: name("erp"), ..delivery(2) }).await;
    it.claim(delivery_id(2), 50).await;
    it.settle(delivery_id(2), 51, BUSY, dead()).await;
    it.open_all(3..=40).await;
    for n in 3..=40 {
        it.shift(delivery_id(n), done(60)).await;
    }
    it.shift(delivery_id(39), cancelled()).await;
    it.reopen().await;
    let states = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let any = || DeliveryQuery { limit: 2, ..DeliveryQuery::default() };
    let cases: [(DeliveryQuery, &[u64]); 9] = [
        (DeliveryQuery { flow: Some(name("returns")), ..any() }, &[2]),
        (DeliveryQuery { destination: Some(name("erp")), ..any() }, &[2]),
        (DeliveryQuery { cause: Some("http_503".to_owned()), ..any() }, &[2]),
        (DeliveryQuery { states: states(&["waiting"]), ..any() }, &[1]),
        (DeliveryQuery { states: states(&["waiting", "held", "dead_lettered"]), ..any() }, &[2, 1]),
        (DeliveryQuery { states: states(&["dead_lettered"]), flow: Some(name("returns")), ..any() }, &[2]),
        (DeliveryQuery { states: states(&["dead_lettered"]), flow: Some(name("orders")), ..any() }, &[]),
        (DeliveryQuery { states: states(&["held"]), ..any() }, &[]),
        (DeliveryQuery { states: states(&["waiting", "cancelled"]), ..any() }, &[39, 1]),
    ];
    for (query, expected) in cases {
        let (ids, _) = it.pages(query.clone()).await;
        let expected: Vec<_> = expected.iter().map(|n| delivery_id(*n)).collect();
        assert_eq!(ids, expected, "{query:?}");
    }
}

async fn a_period_is_paged_within_its_ends(it: LedgerFixture) {
    it.open_all(1..=12).await;
    let period = DeliveryQuery { since: Some(at(3)), until: Some(at(10)), limit: 2, ..DeliveryQuery::default() };
    let of_flow = DeliveryQuery { flow: Some(name("orders")), ..period.clone() };
    let of_nobody = DeliveryQuery { flow: Some(name("nobody")), ..period.clone() };
    for (query, expected) in [(period, newest_first(3..=9)), (of_flow, newest_first(3..=9)), (of_nobody, Vec::new())] {
        let (ids, _) = it.pages(query.clone()).await;
        assert_eq!(ids, expected, "{query:?}");
    }
}

async fn rare_quarantine_is_found_behind_all_other(it: LedgerFixture) {
    for n in 1..=20 {
        let source = name(if n == 2 { "portal" } else { "shop" });
        it.apply(Change::Quarantine(Box::new(QuarantineRow { source, ..quarantined(n) }))).await;
        if n > 2 {
            let closed = QuarantineState::Closed { by: person(), why: String::new() };
            it.apply(Change::QuarantineMove { event: event_id(n), state: closed }).await;
        }
    }
    let of_portal = QuarantineQuery { source: Some(name("portal")), ..QuarantineQuery::default() };
    let open = QuarantineQuery { states: vec!["open".to_owned()], ..QuarantineQuery::default() };
    let settled = QuarantineQuery { states: vec!["released".to_owned()], ..QuarantineQuery::default() };
    for (mut query, expected) in [(of_portal, vec![2]), (open, vec![2, 1]), (settled, vec![])] {
        let (asked, mut events) = (query.clone(), Vec::new());
        loop {
            let page = it.views().quarantine(query.clone()).await.expect("the views read");
            events.extend(page.rows.iter().map(|row| row.event));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(events, expected.into_iter().map(event_id).collect::<Vec<_>>(), "{asked:?}");
    }
}
