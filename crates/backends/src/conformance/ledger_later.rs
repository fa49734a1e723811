//! The ledger: what comes under the key of a quarantined event later is attached to it, and goes with it.

use model::account::ROUTER;
use model::limit::{LATER_AT_ONCE, LATER_WAIT};
use model::room::Ages;
use model::{
    Batch, Change, Diagnostic, FaultKind, Guard, Later, LaterEvent, Offset, QuarantineRow, QuarantineState, TimeSpan,
    Timestamp,
};

use super::fixture::LedgerFixture;
use super::sample::{at, event_id, later, name, person, position, quarantined};

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("a_later_event_is_attached_whole", |it| Box::pin(a_later_event_is_attached_whole(it))),
    ("of_later_events_the_newest_is_kept_and_all_are_counted", |it| {
        Box::pin(of_later_events_the_newest_is_kept_and_all_are_counted(it))
    }),
    ("the_same_bytes_again_change_nothing", |it| Box::pin(the_same_bytes_again_change_nothing(it))),
    ("a_later_event_waits_for_its_row", |it| Box::pin(a_later_event_waits_for_its_row(it))),
    ("what_the_router_has_passed_without_a_row_waits_for_nobody", |it| {
        Box::pin(what_the_router_has_passed_without_a_row_waits_for_nobody(it))
    }),
    ("after_some_a_later_event_keeps_its_place_for_a_while", |it| {
        Box::pin(after_some_a_later_event_keeps_its_place_for_a_while(it))
    }),
    ("nothing_is_attached_to_what_is_settled", |it| Box::pin(nothing_is_attached_to_what_is_settled(it))),
    ("who_did_not_see_what_came_later_is_refused", |it| Box::pin(who_did_not_see_what_came_later_is_refused(it))),
    ("what_is_attached_moves_no_counter", |it| Box::pin(what_is_attached_moves_no_counter(it))),
    ("what_is_attached_goes_when_its_event_is_settled_and_old", |it| {
        Box::pin(what_is_attached_goes_when_its_event_is_settled_and_old(it))
    }),
];

fn attach(to: u64, later: &LaterEvent) -> Change {
    Change::Attach { to: event_id(to), at: position(to), later: Box::new(later.clone()) }
}

fn closed(n: u64) -> Change {
    let state = QuarantineState::Closed { by: person(), why: "too late".to_owned() };
    Change::QuarantineMove { event: event_id(n), state }
}

impl LedgerFixture {
    async fn keep_for_a_person(&self, n: u64) {
        self.apply(Change::Quarantine(Box::new(quarantined(n)))).await;
    }

    async fn row(&self, n: u64) -> QuarantineRow {
        self.ledger().quarantined(event_id(n)).await.expect("the ledger reads").expect("there is a row")
    }

    async fn attached(&self, n: u64) -> Option<LaterEvent> {
        self.ledger().later(event_id(n)).await.expect("the ledger reads")
    }
}

async fn a_later_event_is_attached_whole(mut it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    it.apply(attach(1, &later(7))).await;
    it.reopen().await;
    assert_eq!(it.attached(1).await, Some(later(7)), "with its bytes and reasons");
    assert_eq!(it.attached(2).await, None);
    let told = Later {
        at: later(7).event.received_at,
        digest: later(7).event.digest,
        bytes: later(7).event.body.len() as u64,
        count: 1,
        reasons: later(7).reasons,
    };
    let expected = QuarantineRow { later: Some(told), version: 2, ..quarantined(1) };
    assert_eq!(it.row(1).await, expected);
    let page = it.views().quarantine(model::view::QuarantineQuery::default()).await.expect("the views read");
    assert_eq!(page.rows, std::slice::from_ref(&expected));
    let story = it.views().event_story(event_id(1)).await.expect("the views read");
    assert_eq!(story.quarantine, Some(expected));
}

async fn of_later_events_the_newest_is_kept_and_all_are_counted(mut it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    let valid = LaterEvent { reasons: Vec::<Diagnostic>::new(), ..later(9) };
    for came in [&later(7), &later(8), &later(7), &valid] {
        it.apply(attach(1, came)).await;
    }
    it.reopen().await;
    assert_eq!(it.row(1).await.later, Some(valid.summary(3)), "the same bytes are counted again after others");
    assert_eq!(it.row(1).await.version, 5);
    assert_eq!(it.attached(1).await, Some(valid));
}

async fn the_same_bytes_again_change_nothing(mut it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    it.apply(attach(1, &later(7))).await;
    let before = it.row(1).await;
    let mut again = later(7);
    again.event.received_at = at(99);
    it.apply(attach(1, &again)).await;
    it.reopen().await;
    assert_eq!((it.row(1).await, it.attached(1).await), (before, Some(later(7))));
}

async fn a_later_event_waits_for_its_row(mut it: LedgerFixture) {
    it.apply(attach(1, &later(7))).await;
    it.apply(attach(1, &later(8))).await;
    assert_eq!(it.ledger().quarantined(event_id(1)).await.ok(), Some(None), "nobody made a row");
    it.reopen().await;
    assert_eq!(it.attached(1).await, Some(later(8)));
    it.keep_for_a_person(1).await;
    it.keep_for_a_person(1).await;
    it.reopen().await;
    assert_eq!(it.row(1).await, QuarantineRow { later: Some(later(8).summary(1)), ..quarantined(1) });
}

/// It would stay for ever: nothing says when it may go.
async fn what_the_router_has_passed_without_a_row_waits_for_nobody(mut it: LedgerFixture) {
    let passes = |from: u64, to: u64| Guard::Cursor {
        consumer: name(ROUTER),
        partition: position(0).partition,
        from: Offset(from),
        to: Offset(to),
    };
    it.commit(Batch::new().guard(passes(0, 2))).await;
    for n in [1, 2] {
        it.conflicts(attach(n, &later(7))).await;
    }
    it.apply(attach(3, &later(7))).await;
    it.commit(Batch::new().guard(passes(2, 3)).change(Change::Quarantine(Box::new(quarantined(3))))).await;
    it.apply(attach(3, &later(8))).await;
    it.reopen().await;
    assert_eq!((it.attached(1).await, it.attached(2).await, it.attached(3).await), (None, None, Some(later(8))));
}

/// Or a sender with another body at each try would change, again and again, what a person has just looked at.
async fn after_some_a_later_event_keeps_its_place_for_a_while(mut it: LedgerFixture) {
    let came = |n: u64, at: Timestamp| {
        let mut came = later(n);
        came.event.received_at = at;
        came
    };
    it.keep_for_a_person(1).await;
    for to in [1, 2] {
        for n in 1..=LATER_AT_ONCE {
            it.apply(attach(to, &later(n))).await;
        }
        it.conflicts(attach(to, &later(LATER_AT_ONCE + 1))).await;
    }
    let last = later(LATER_AT_ONCE);
    let row = it.row(1).await;
    assert_eq!(row.later, Some(last.summary(LATER_AT_ONCE - 1)));
    it.apply(attach(1, &last)).await;
    let free = last.event.received_at + LATER_WAIT;
    it.reopen().await;
    it.conflicts(attach(1, &came(99, free - TimeSpan::from_micros(1)))).await;
    assert_eq!(it.row(1).await, row);
    it.apply(attach(1, &came(99, free))).await;
    it.conflicts(attach(1, &came(100, free))).await;
    let of_a_clock_that_was_ahead = came(101, free - LATER_WAIT);
    it.apply(attach(1, &of_a_clock_that_was_ahead)).await;
    assert_eq!(it.row(1).await.later, Some(of_a_clock_that_was_ahead.summary(LATER_AT_ONCE + 1)));
}

async fn nothing_is_attached_to_what_is_settled(mut it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    it.apply(attach(1, &later(7))).await;
    it.apply(closed(1)).await;
    let before = it.row(1).await;
    assert_eq!(before.later, Some(later(7).summary(0)), "what came before stays");
    for came in [later(8), later(7)] {
        it.conflicts(attach(1, &came)).await;
    }
    it.reopen().await;
    assert_eq!((it.row(1).await, it.attached(1).await), (before, Some(later(7))));
    it.apply(Change::QuarantineMove { event: event_id(1), state: QuarantineState::Open }).await;
    it.apply(attach(1, &later(8))).await;
    assert_eq!(it.attached(1).await, Some(later(8)));
}

async fn who_did_not_see_what_came_later_is_refused(it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    let seen = Guard::QuarantineVersion { event: event_id(1), version: it.row(1).await.version };
    it.apply(attach(1, &later(7))).await;
    assert_eq!(it.refusal(Batch::new().guard(seen).change(closed(1))).await, FaultKind::Conflict);
}

async fn what_is_attached_moves_no_counter(it: LedgerFixture) {
    it.keep_for_a_person(1).await;
    let before = it.ledger().account().await.expect("the ledger reads");
    it.apply(attach(1, &later(7))).await;
    it.apply(attach(2, &later(8))).await;
    assert_eq!(it.ledger().account().await.ok().as_ref(), Some(&before));
    assert_eq!(it.ledger().recount().await.ok(), Some(before));
}

/// `later(n)` came at second `n`, the rows at second 1 to 3.
async fn what_is_attached_goes_when_its_event_is_settled_and_old(mut it: LedgerFixture) {
    for n in 1..=3 {
        it.keep_for_a_person(n).await;
        it.apply(attach(n, &later(10 + n))).await;
    }
    it.apply(attach(4, &later(4))).await;
    it.apply(closed(1)).await;
    it.apply(closed(2)).await;
    let there = async |it: &LedgerFixture| {
        let mut there = Vec::new();
        for n in 1..=4 {
            if it.attached(n).await.is_some() {
                there.push(n);
            }
        }
        there
    };
    let ages = |answers, rows| Ages { answers: at(answers), rows: at(rows), audit: at(0), emitted: at(0) };
    it.trim_to(ages(12, 0)).await;
    it.reopen().await;
    assert_eq!(there(&it).await, [2, 3, 4], "the first is settled and old");
    assert_eq!(it.row(1).await.later, Some(later(11).summary(0)), "that it came is still told");
    it.trim_to(ages(12, 3)).await;
    it.reopen().await;
    assert_eq!(it.ledger().quarantined(event_id(2)).await.ok(), Some(None));
    assert_eq!(there(&it).await, [3, 4], "it goes with its row");
    it.trim_to(ages(99, 99)).await;
    assert_eq!(there(&it).await, [3, 4], "the third is open, the fourth has no row yet");
}
