//! The journal: what retention removes, what it keeps, and what is refused when there is no room.

use model::limit::TRIM_ROWS_MAX;
use model::{Appended, Entry, EventId, FaultKind, NewEntry, Offset, Partition, TimeSpan};
use uuid::Uuid;

use super::fixture::JournalFixture;
use super::sample::{admitted, at, emitted, event, event_id, new_entry, replayed, with_body};

pub(super) const LIST: &[super::Entry<JournalFixture>] = &[
    ("trim_removes_from_the_beginning", |it| Box::pin(trim_removes_from_the_beginning(it))),
    ("what_is_kept_is_still_found", |it| Box::pin(what_is_kept_is_still_found(it))),
    ("trim_takes_bounded_steps", |it| Box::pin(trim_takes_bounded_steps(it))),
    ("a_trim_of_everything_keeps_the_head", |it| Box::pin(a_trim_of_everything_keeps_the_head(it))),
    ("a_trim_twice_is_a_trim_once", |it| Box::pin(a_trim_twice_is_a_trim_once(it))),
    ("the_key_of_a_trimmed_record_is_remembered", |it| Box::pin(the_key_of_a_trimmed_record_is_remembered(it))),
    ("an_emitted_id_outlives_the_trim_of_others", |it| Box::pin(an_emitted_id_outlives_the_trim_of_others(it))),
    ("the_census_counts_what_was_trimmed", |it| Box::pin(the_census_counts_what_was_trimmed(it))),
    ("usage_tells_bytes_age_and_floor", |it| Box::pin(usage_tells_bytes_age_and_floor(it))),
    ("a_full_journal_refuses_intake_alone", |it| Box::pin(a_full_journal_refuses_intake_alone(it))),
];

const ZERO: Partition = Partition(0);

impl JournalFixture {
    async fn trim(&self, to: Offset, keep: &[Offset]) -> Offset {
        self.journal().trim(ZERO, to, keep.to_vec()).await.expect("the journal trims")
    }

    /// Trims step by step to the end.
    async fn trim_to(&self, to: Offset, keep: &[Offset]) {
        while self.trim(to, keep).await < to {}
    }

    async fn offsets(&self) -> Vec<Offset> {
        self.read_all(ZERO, Offset(0)).await.iter().map(|record| record.position.offset).collect()
    }
}

async fn trim_removes_from_the_beginning(mut it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    assert_eq!(it.trim(offsets[3], &[]).await, offsets[3]);
    for reopened in [false, true] {
        assert_eq!(it.offsets().await, offsets[4..], "reopened: {reopened}");
        let gone = model::Position { partition: ZERO, offset: offsets[2] };
        assert_eq!(it.journal().get(gone).await.ok(), Some(None));
        assert_eq!(it.journal().find(event_id(3)).await.ok(), Some(None));
        assert!(it.journal().find(event_id(5)).await.is_ok_and(|found| found.is_some()));
        assert_eq!(it.journal().head(ZERO).await.ok(), Some(offsets[9]));
        it.reopen().await;
    }
}

async fn what_is_kept_is_still_found(mut it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    let here = model::Position { partition: ZERO, offset: offsets[1] };
    let before = it.journal().get(here).await.expect("the journal reads");
    it.trim_to(offsets[3], &[offsets[1], offsets[7]]).await;
    for reopened in [false, true] {
        assert_eq!(it.journal().get(here).await.expect("the journal reads"), before, "reopened: {reopened}");
        assert_eq!(it.journal().find(event_id(2)).await.expect("the journal reads"), before);
        assert_eq!(it.offsets().await, offsets[4..], "a reader does not meet it");
        let recent = it.journal().recent(None, 100).await.expect("the journal reads");
        assert_eq!(recent.len(), 6);
        it.reopen().await;
    }
    it.trim_to(offsets[9], &[]).await;
    assert_eq!(it.journal().get(here).await.expect("the journal reads"), before, "a later trim leaves it");
    assert_eq!(it.journal().find(event_id(8)).await.ok(), Some(None), "kept is what is named at the trim that removes it");
}

async fn trim_takes_bounded_steps(it: JournalFixture) {
    let count = 2 * TRIM_ROWS_MAX as u64 + 100;
    it.append((1..=count).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    let keep = [offsets[0], offsets[TRIM_ROWS_MAX + 1], offsets[offsets.len() - 2]];
    let to = offsets[offsets.len() - 1];
    let mut left = offsets.len();
    while left > 0 {
        let trimmed = it.trim(to, &keep).await;
        let now = it.offsets().await;
        assert!(now.len() < left && left - now.len() <= TRIM_ROWS_MAX, "{left} -> {}", now.len());
        assert!(now.iter().all(|offset| *offset > trimmed));
        left = now.len();
    }
    for offset in keep {
        let here = model::Position { partition: ZERO, offset };
        assert!(it.journal().get(here).await.is_ok_and(|record| record.is_some()), "{here}");
    }
}

async fn a_trim_of_everything_keeps_the_head(mut it: JournalFixture) {
    it.append((1..=5).map(admitted).collect()).await;
    let head = it.journal().head(ZERO).await.expect("the journal answers");
    it.trim_to(head, &[]).await;
    it.reopen().await;
    assert_eq!(it.journal().head(ZERO).await.ok(), Some(head));
    assert_eq!(it.offsets().await, []);
    let next = it.append_new(admitted(6)).await;
    assert!(next.offset > head, "{next} is not after {head:?}: an offset is given once");
}

async fn a_trim_twice_is_a_trim_once(it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[5], &[offsets[2]]).await;
    assert!(it.trim(offsets[5], &[]).await >= offsets[5]);
    assert!(it.trim(offsets[1], &[]).await >= offsets[1]);
    assert_eq!(it.offsets().await, offsets[6..]);
    assert!(it.journal().find(event_id(3)).await.is_ok_and(|found| found.is_some()), "what is kept stays kept");
}

async fn the_key_of_a_trimmed_record_is_remembered(mut it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    it.append_new(admitted(2)).await;
    it.trim_to(first.offset, &[]).await;
    it.reopen().await;
    assert_eq!(it.append_one(admitted(1)).await, Appended::Duplicate(first, event_id(1)));
    let other = new_entry(Entry::Admitted(with_body(event(1), "other")));
    assert_eq!(it.append_one(other).await, Appended::KeyReused(first, event_id(1)));
}

async fn an_emitted_id_outlives_the_trim_of_others(it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let second = it.append_new(emitted(2, replayed(2, 1))).await;
    it.trim_to(first.offset, &[]).await;
    assert_eq!(it.append_one(emitted(2, replayed(2, 1))).await, Appended::Duplicate(second, EventId(Uuid::nil())));
}

async fn the_census_counts_what_was_trimmed(mut it: JournalFixture) {
    let entries = |from: u64| (from..from + 6).map(|n| if n % 3 == 0 { emitted(n, replayed(n, 1)) } else { admitted(n) });
    it.append(entries(1).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[3], &[offsets[0], offsets[2]]).await;
    it.reopen().await;
    it.append(entries(7).collect()).await;
    let records = it.read_all(ZERO, offsets[3]).await;
    for cursor in [offsets[3], offsets[4], offsets[5], records[4].position.offset] {
        let above = records.iter().filter(|record| record.position.offset > cursor);
        let replays = above.clone().filter(|record| record.emitted.is_some()).count() as u64;
        let unrouted = [above.count() as u64 - replays, replays, 0];
        let census = it.journal().census(vec![(ZERO, cursor)]).await.expect("the journal counts");
        assert_eq!((census.accepted, census.unrouted), ([8, 4, 0], unrouted), "at {cursor:?}");
    }
}

async fn usage_tells_bytes_age_and_floor(mut it: JournalFixture) {
    it.reopen_with_budget(64 * 1024 * 1024).await;
    let large = |n: u64| new_entry(Entry::Admitted(with_body(event(n), vec![7; 100_000])));
    for n in 1..=10_u32 {
        it.clock.set(at(i64::from(n)));
        it.append_new(large(u64::from(n))).await;
    }
    let full = it.journal().usage().await.expect("the journal measures");
    assert!((1_000_000..10_000_000).contains(&full.bytes), "{full:?}");
    let offsets = it.offsets().await;
    assert_eq!((full.budget, full.oldest_at, full.floor), (64 * 1024 * 1024, Some(at(1)), offsets[0]));
    it.trim_to(offsets[7], &[offsets[0]]).await;
    it.reopen_with_budget(32 * 1024 * 1024).await;
    let less = it.journal().usage().await.expect("the journal measures");
    assert!(less.bytes < full.bytes - 500_000, "{full:?} -> {less:?}");
    assert_eq!((less.budget, less.oldest_at, less.floor), (32 * 1024 * 1024, Some(at(9)), offsets[8]));
    it.trim_to(offsets[9], &[]).await;
    assert_eq!(it.journal().usage().await.ok().and_then(|usage| usage.oldest_at), None);
}

async fn a_full_journal_refuses_intake_alone(mut it: JournalFixture) {
    it.reopen_with_budget(1024 * 1024).await;
    let large = |n: u64| new_entry(Entry::Admitted(with_body(event(n), vec![7; 32 * 1024])));
    let mut refused = None;
    let mut taken = 0;
    while refused.is_none() && taken < 200 {
        refused = it.journal().append(vec![large(taken + 1)]).await.err().map(|fault| fault.kind);
        taken += u64::from(refused.is_none());
    }
    assert_eq!(refused, Some(FaultKind::Full), "after {taken} records of 32 KiB");
    assert!((8..128).contains(&taken), "{taken} records of 32 KiB fit into 1 MiB");
    let offsets = it.offsets().await;
    assert_eq!(offsets.len() as u64, taken, "nothing of the refused append stands");
    let mixed: Vec<NewEntry> = vec![emitted(900, replayed(900, 1)), large(901)];
    assert_eq!(it.journal().append(mixed).await.err().map(|fault| fault.kind), Some(FaultKind::Full));
    assert_eq!(it.offsets().await.len() as u64, taken, "a batch with intake's in it is refused whole");
    let emitted = it.append_new(emitted(902, replayed(902, 1))).await;
    it.clock.advance(TimeSpan::from_days(1));
    it.trim_to(emitted.offset, &[]).await;
    it.append_new(large(903)).await;
}
