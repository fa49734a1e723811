//! The journal: repeats of intake by key and body, repeats of rooms by derived id.

use futures::future::join_all;
use model::limit::KEY_WINDOW;
use model::{Appended, Entry, Event, EventId, NewEntry, Offset, Partition, TimeSpan};
use uuid::Uuid;

use super::fixture::JournalFixture;
use super::sample::{
    admitted, at, emitted, event, event_id, name, new_entry, person, policy, position, reason, replayed, with_body,
};

pub(super) const LIST: &[super::Entry<JournalFixture>] = &[
    ("a_repeat_is_answered_with_the_first", |it| Box::pin(a_repeat_is_answered_with_the_first(it))),
    ("another_body_under_a_key_is_refused", |it| Box::pin(another_body_under_a_key_is_refused(it))),
    ("repeats_inside_a_batch_are_found_in_order", |it| Box::pin(repeats_inside_a_batch_are_found_in_order(it))),
    ("keys_of_two_sources_are_apart", |it| Box::pin(keys_of_two_sources_are_apart(it))),
    ("a_key_is_one_over_all_partitions", |it| Box::pin(a_key_is_one_over_all_partitions(it))),
    ("of_concurrent_repeats_one_is_new", |it| Box::pin(of_concurrent_repeats_one_is_new(it))),
    ("of_concurrent_bodies_under_a_key_one_is_new", |it| Box::pin(of_concurrent_bodies_under_a_key_one_is_new(it))),
    ("a_key_is_remembered_for_its_window", |it| Box::pin(a_key_is_remembered_for_its_window(it))),
    ("a_clock_that_jumps_back_forgets_no_key", |it| Box::pin(a_clock_that_jumps_back_forgets_no_key(it))),
    ("a_clock_that_jumps_forward_forgets_no_key", |it| Box::pin(a_clock_that_jumps_forward_forgets_no_key(it))),
    ("a_key_outlasts_what_passes_while_its_store_is_closed", |it| {
        Box::pin(a_key_outlasts_what_passes_while_its_store_is_closed(it))
    }),
    ("a_correction_bypasses_the_keys", |it| Box::pin(a_correction_bypasses_the_keys(it))),
    ("an_emitted_entry_is_found_by_its_id", |it| Box::pin(an_emitted_entry_is_found_by_its_id(it))),
    ("of_concurrent_emitted_repeats_one_is_new", |it| Box::pin(of_concurrent_emitted_repeats_one_is_new(it))),
    ("keys_are_forgotten_by_age", |it| Box::pin(keys_are_forgotten_by_age(it))),
];

/// Event `n`, with the key and the body of event `as_of`.
fn repeat(n: u64, as_of: u64) -> Event {
    Event { id: event_id(n), ..event(as_of) }
}

/// The same with a body of its own.
fn reuse(n: u64, as_of: u64) -> Event {
    with_body(repeat(n, as_of), format!("body {n}"))
}

fn admit(event: Event) -> NewEntry {
    new_entry(Entry::Admitted(event))
}

async fn a_repeat_is_answered_with_the_first(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let kept = it.append_new(new_entry(Entry::Quarantined { event: event(2), reasons: vec![reason()] })).await;
    for reopened in [false, true] {
        let expected = Appended::Duplicate(first, event_id(1));
        assert_eq!(it.append_one(admit(repeat(10, 1))).await, expected, "reopened: {reopened}");
        let of_kept = Appended::Duplicate(kept, event_id(2));
        assert_eq!(it.append_one(admit(repeat(11, 2))).await, of_kept, "a quarantined event has its key too");
        assert_eq!(it.read_all(Partition(0), Offset(0)).await.len(), 2);
        it.reopen().await;
    }
    assert_eq!(it.journal().find(event_id(10)).await.ok(), Some(None), "nothing was appended for the repeat");
}

async fn another_body_under_a_key_is_refused(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    for reopened in [false, true] {
        let answer = it.append_one(admit(reuse(2, 1))).await;
        assert_eq!(answer, Appended::KeyReused(first, event_id(1)), "reopened: {reopened}");
        it.reopen().await;
    }
    assert_eq!(it.read_all(Partition(0), Offset(0)).await.len(), 1, "nothing was appended");
    assert_eq!(it.append_one(admit(repeat(3, 1))).await, Appended::Duplicate(first, event_id(1)), "the key kept its body");
}

async fn repeats_inside_a_batch_are_found_in_order(it: JournalFixture) {
    let old = it.append_new(admitted(1)).await;
    let answers = it
        .append(vec![
            admitted(2),
            admit(repeat(3, 1)),
            admit(repeat(4, 2)),
            admit(reuse(5, 2)),
            emitted(6, replayed(6, 1)),
            emitted(6, replayed(6, 1)),
            admitted(7),
        ])
        .await;
    let records = it.read_all(Partition(0), Offset(0)).await;
    let positions: Vec<_> = records.iter().map(|record| record.position).collect();
    let [first, two, six, seven] = positions[..] else { panic!("expected four records, got {positions:?}") };
    assert_eq!(first, old);
    let expected = [
        Appended::New(two),
        Appended::Duplicate(old, event_id(1)),
        Appended::Duplicate(two, event_id(2)),
        Appended::KeyReused(two, event_id(2)),
        Appended::New(six),
        Appended::Duplicate(six, EventId(Uuid::nil())),
        Appended::New(seven),
    ];
    assert_eq!(answers, expected);
}

async fn keys_of_two_sources_are_apart(it: JournalFixture) {
    let of =
        |n: u64, source: &str, key: &str| Event { id: event_id(n), source: name(source), key: key.to_owned(), ..event(1) };
    for (n, source, key) in [(1, "shop", "s1"), (2, "shops", "1"), (3, "wms", "s1"), (4, "shop", "s1 ")] {
        it.append_new(admit(of(n, source, key))).await;
    }
    let Appended::Duplicate(_, first) = it.append_one(admit(of(5, "shops", "1"))).await else {
        panic!("a key was forgotten")
    };
    assert_eq!(first, event_id(2));
}

async fn a_key_is_one_over_all_partitions(it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    for partition in it.journal().partitions() {
        let answer = it.append_one(NewEntry { partition, ..admit(repeat(2, 1)) }).await;
        assert_eq!(answer, Appended::Duplicate(first, event_id(1)), "{partition:?}");
    }
}

async fn of_concurrent_repeats_one_is_new(it: JournalFixture) {
    let appends = (1..=32).map(|n| it.append_one(admit(repeat(n, 1))));
    let answers = join_all(appends).await;
    let news: Vec<_> = (1..).zip(&answers).filter(|(_, answer)| matches!(answer, Appended::New(_))).collect();
    let [(n, Appended::New(position))] = news[..] else { panic!("expected one new record, got {news:?}") };
    let repeats = answers.iter().filter(|answer| **answer == Appended::Duplicate(*position, event_id(n))).count();
    assert_eq!(repeats, 31, "{answers:?}");
}

async fn of_concurrent_bodies_under_a_key_one_is_new(it: JournalFixture) {
    let answers = join_all((1..=32).map(|n| it.append_one(admit(reuse(n, 1))))).await;
    let news: Vec<_> = (1..).zip(&answers).filter(|(_, answer)| matches!(answer, Appended::New(_))).collect();
    let [(n, Appended::New(position))] = news[..] else { panic!("expected one new record, got {news:?}") };
    let reused = answers.iter().filter(|answer| **answer == Appended::KeyReused(*position, event_id(n))).count();
    assert_eq!(reused, 31, "{answers:?}");
}

async fn a_key_is_remembered_for_its_window(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let (hour, second) = (TimeSpan::from_secs(3_600), TimeSpan::from_secs(1));
    for ran in [hour, KEY_WINDOW - hour - hour, hour - second] {
        it.clock.advance(ran);
        let answer = it.append_one(admit(repeat(2, 1))).await;
        assert_eq!(
            answer,
            Appended::Duplicate(first, event_id(1)),
            "after {ran:?} more; a repeat does not prolong the window"
        );
    }
    it.restart().await;
    assert_eq!(it.append_one(admit(reuse(3, 1))).await, Appended::KeyReused(first, event_id(1)));
    it.clock.advance(second + second);
    let again = it.append_new(admit(reuse(4, 1))).await;
    assert_eq!(it.append_one(admit(reuse(4, 1))).await, Appended::Duplicate(again, event_id(4)), "a new window began");
    assert_eq!(it.append_one(admit(repeat(5, 1))).await, Appended::KeyReused(again, event_id(4)));
}

async fn a_clock_that_jumps_back_forgets_no_key(it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    it.clock.set(at(0) - TimeSpan::from_days(40));
    assert_eq!(it.append_one(admit(repeat(2, 1))).await, Appended::Duplicate(first, event_id(1)));
    let early = it.append_new(admitted(3)).await;
    it.clock.set(at(0) - TimeSpan::from_days(39));
    assert_eq!(it.append_one(admit(repeat(4, 3))).await, Appended::Duplicate(early, event_id(3)));
}

async fn a_clock_that_jumps_forward_forgets_no_key(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let days = TimeSpan::from_days;
    let dup = Appended::Duplicate(first, event_id(1));
    it.clock.set(at(0) + days(20));
    assert_eq!(it.journal().forget_keys().await.ok(), Some(0), "the key is seconds old, whatever the calendar says");
    assert_eq!(it.append_one(admit(repeat(2, 1))).await, dup);
    let ahead = it.append_new(admitted(3)).await;
    it.clock.advance(days(1));
    it.restart().await;
    // Put right, and for thirteen days more.
    it.clock.set(at(0) + days(1));
    it.clock.advance(days(13) - TimeSpan::from_secs(1));
    for open in 1..=2 {
        assert_eq!(it.append_one(admit(repeat(4, 1))).await, dup, "open {open}");
        assert_eq!(it.append_one(admit(repeat(5, 3))).await, Appended::Duplicate(ahead, event_id(3)), "open {open}");
        it.restart().await;
    }
    it.clock.advance(TimeSpan::from_secs(1));
    it.append_new(admit(repeat(6, 1))).await;
}

async fn a_key_outlasts_what_passes_while_its_store_is_closed(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    it.restart().await;
    it.clock.set(at(0) + KEY_WINDOW + KEY_WINDOW);
    assert_eq!(it.append_one(admit(repeat(2, 1))).await, Appended::Duplicate(first, event_id(1)));
}

async fn a_correction_bypasses_the_keys(it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let corrected = Entry::Resubmitted {
        of: event_id(1),
        at: Some(position(1)),
        revision: 1,
        by: person(),
        why: String::new(),
        event: repeat(2, 1),
    };
    it.append_new(emitted(2, corrected)).await;
    let other = Entry::Resubmitted {
        of: event_id(1),
        at: Some(position(1)),
        revision: 2,
        by: person(),
        why: String::new(),
        event: reuse(3, 1),
    };
    it.append_new(emitted(3, other)).await;
    assert_eq!(it.append_one(admit(repeat(4, 1))).await, Appended::Duplicate(first, event_id(1)), "the key is the sender's");
}

async fn an_emitted_entry_is_found_by_its_id(mut it: JournalFixture) {
    let applied = |n: u64| emitted(n, Entry::PolicyApplied { version: policy(2), by: person(), why: String::new() });
    let first = it.append_new(applied(1)).await;
    it.append_new(applied(2)).await;
    for reopened in [false, true] {
        let answer = it.append_one(applied(1)).await;
        assert_eq!(answer, Appended::Duplicate(first, EventId(Uuid::nil())), "reopened: {reopened}");
        it.reopen().await;
    }
    assert_eq!(it.read_all(Partition(0), Offset(0)).await.len(), 2);
}

async fn of_concurrent_emitted_repeats_one_is_new(it: JournalFixture) {
    let answers = join_all((1..=16).map(|_| it.append_one(emitted(1, replayed(1, 1))))).await;
    let news = answers.iter().filter(|answer| matches!(answer, Appended::New(_))).count();
    assert_eq!((news, it.read_all(Partition(0), Offset(0)).await.len()), (1, 1), "{answers:?}");
}

async fn keys_are_forgotten_by_age(mut it: JournalFixture) {
    let day = TimeSpan::from_days(1);
    it.append_new(admitted(1)).await;
    it.clock.advance(day.times(10));
    let young = it.append_new(admitted(2)).await;
    assert_eq!(it.journal().forget_keys().await.ok(), Some(0), "both are within their window");
    it.clock.advance(day.times(5));
    assert!(it.journal().forget_keys().await.expect("the journal forgets") >= 1, "a period was dropped");
    it.reopen().await;
    assert_eq!(it.append_one(admit(repeat(3, 2))).await, Appended::Duplicate(young, event_id(2)));
    it.append_new(admit(repeat(4, 1))).await;
    assert_eq!(it.journal().forget_keys().await.ok(), Some(0), "nothing is left to drop");
}
