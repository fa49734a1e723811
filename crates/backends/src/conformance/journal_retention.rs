//! The journal: what retention removes, what it keeps, and what is refused when there is no room.

use engine::ports::Mark;
use model::limit::{SPARED_MAX, TRIM_ROWS_MAX};
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
    ("what_is_released_is_gone", |it| Box::pin(what_is_released_is_gone(it))),
    ("a_release_leaves_what_is_live", |it| Box::pin(a_release_leaves_what_is_live(it))),
    ("releases_take_bounded_steps", |it| Box::pin(releases_take_bounded_steps(it))),
    ("keep_tells_what_is_there", |it| Box::pin(keep_tells_what_is_there(it))),
    ("what_is_kept_is_spared_by_a_trim_decided_before", |it| Box::pin(spared_by_a_trim_decided_before(it))),
    ("what_is_kept_is_spared_by_a_release_decided_before", |it| Box::pin(spared_by_a_release_decided_before(it))),
    ("nothing_goes_that_was_decided_too_long_ago", |it| Box::pin(nothing_goes_that_was_decided_too_long_ago(it))),
    ("usage_tells_bytes_age_and_floor", |it| Box::pin(usage_tells_bytes_age_and_floor(it))),
    ("a_full_journal_refuses_intake_alone", |it| Box::pin(a_full_journal_refuses_intake_alone(it))),
    ("emitted_ids_are_forgotten_after_their_records", |it| Box::pin(emitted_ids_are_forgotten_after_their_records(it))),
];

const ZERO: Partition = Partition(0);

impl JournalFixture {
    async fn trim(&self, to: Offset, keep: &[Offset]) -> Offset {
        self.journal().trim(ZERO, to, keep.to_vec(), self.mark().await).await.expect("the journal trims")
    }

    async fn forget_emitted(&self, before: i64) -> u64 {
        self.journal().forget_emitted(at(before)).await.expect("the journal forgets")
    }

    async fn mark(&self) -> Mark {
        self.journal().usage().await.expect("the journal measures").mark
    }

    async fn kept(&self) -> Vec<Offset> {
        self.journal().kept(ZERO, Offset(0), usize::MAX).await.expect("the journal reads")
    }

    async fn release(&self, offsets: &[Offset], as_of: Mark) -> u64 {
        self.journal().release(ZERO, offsets.to_vec(), as_of).await.expect("the journal releases")
    }

    async fn keep(&self, offsets: &[Offset]) -> Vec<Offset> {
        self.journal().keep(ZERO, offsets.to_vec()).await.expect("the journal keeps")
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

async fn what_is_released_is_gone(mut it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[5], &[offsets[1], offsets[2], offsets[4]]).await;
    assert_eq!(it.kept().await, [offsets[1], offsets[2], offsets[4]]);
    let page = it.journal().kept(ZERO, offsets[1], 1).await;
    assert_eq!(page.ok(), Some(vec![offsets[2]]), "after an offset, so many");
    assert_eq!(it.release(&[offsets[1], offsets[4], offsets[5]], it.mark().await).await, 2, "what is kept, once");
    for reopened in [false, true] {
        assert_eq!(it.kept().await, [offsets[2]], "reopened: {reopened}");
        assert_eq!(it.journal().find(event_id(2)).await.ok(), Some(None));
        assert!(it.journal().find(event_id(3)).await.is_ok_and(|found| found.is_some()));
        let position = model::Position { partition: ZERO, offset: offsets[4] };
        assert_eq!(it.journal().get(position).await.ok(), Some(None));
        it.reopen().await;
    }
    assert_eq!(it.release(&[offsets[1]], it.mark().await).await, 0, "twice is once");
    let again = it.append_one(admitted(2)).await;
    assert!(matches!(again, Appended::Duplicate(..)), "its key is remembered: {again:?}");
}

async fn a_release_leaves_what_is_live(it: JournalFixture) {
    it.append((1..=4).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    assert_eq!(it.release(&offsets, it.mark().await).await, 0);
    assert_eq!(it.offsets().await, offsets);
}

async fn releases_take_bounded_steps(it: JournalFixture) {
    let count = TRIM_ROWS_MAX as u64 + 20;
    it.append((1..=count).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[offsets.len() - 1], &offsets).await;
    assert_eq!(it.release(&offsets, it.mark().await).await, TRIM_ROWS_MAX as u64);
    assert_eq!(it.kept().await, offsets[TRIM_ROWS_MAX..]);
    assert_eq!(it.release(&it.kept().await, it.mark().await).await, 20);
}

async fn keep_tells_what_is_there(mut it: JournalFixture) {
    it.append((1..=6).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[2], &[offsets[1]]).await;
    it.reopen().await;
    let beyond = Offset(offsets[5].0 + 100);
    let asked = [offsets[4], offsets[0], offsets[1], beyond, offsets[2]];
    assert_eq!(it.keep(&asked).await, [offsets[4], offsets[1]], "a live one and a kept one");
}

async fn spared_by_a_trim_decided_before(mut it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    let decided = it.mark().await;
    assert_eq!(it.keep(&[offsets[3]]).await, [offsets[3]]);
    let later = it.mark().await;
    assert!(later > decided, "{later:?} is after {decided:?}");
    while it.journal().trim(ZERO, offsets[5], vec![offsets[0]], decided).await.expect("the journal trims") < offsets[5] {}
    assert_eq!(it.kept().await, [offsets[0], offsets[3]]);
    it.reopen().await;
    assert!(it.journal().find(event_id(4)).await.is_ok_and(|found| found.is_some()));
    it.keep(&[offsets[7]]).await;
    it.trim_to(offsets[9], &[]).await;
    assert_eq!(it.kept().await, [offsets[0], offsets[3]], "a trim that was decided afterwards knows what is needed");
}

async fn spared_by_a_release_decided_before(it: JournalFixture) {
    it.append((1..=5).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[4], &offsets[..3]).await;
    let decided = it.mark().await;
    it.keep(&[offsets[1]]).await;
    assert_eq!(it.release(&offsets[..3], decided).await, 2);
    assert_eq!(it.kept().await, [offsets[1]]);
    assert_eq!(it.release(&offsets[..3], it.mark().await).await, 1, "one that was decided afterwards knows");
}

async fn nothing_goes_that_was_decided_too_long_ago(it: JournalFixture) {
    it.append((1..=5).map(admitted).collect()).await;
    let offsets = it.offsets().await;
    it.trim_to(offsets[1], &[offsets[0]]).await;
    let decided = it.mark().await;
    let many = vec![offsets[4]; TRIM_ROWS_MAX];
    for _ in 0..=SPARED_MAX / TRIM_ROWS_MAX {
        it.keep(&many).await;
    }
    assert_eq!(it.journal().trim(ZERO, offsets[4], Vec::new(), decided).await.ok(), Some(offsets[1]));
    assert_eq!((it.offsets().await, it.release(&[offsets[0]], decided).await), (offsets[2..].to_vec(), 0));
    assert_eq!(it.kept().await, [offsets[0]]);
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

async fn emitted_ids_are_forgotten_after_their_records(mut it: JournalFixture) {
    let mut offsets = Vec::new();
    for n in 1..=4 {
        it.clock.set(at(i64::try_from(n).expect("a small number")));
        offsets.push(it.append_new(emitted(n, replayed(n, n))).await.offset);
    }
    assert_eq!(it.forget_emitted(100).await, 0, "their records are there");
    it.trim_to(offsets[2], &[offsets[0]]).await;
    assert_eq!(it.forget_emitted(1).await, 0, "they are young");
    assert_eq!(it.forget_emitted(3).await, 2, "kept or not");
    assert_eq!(it.forget_emitted(3).await, 0);
    it.reopen().await;
    let mut again = Vec::new();
    for n in 1..=4 {
        again.push(matches!(it.append_one(emitted(n, replayed(n, n))).await, Appended::New(_)));
    }
    assert_eq!(again, [true, true, false, false]);
}
