//! The journal: what is appended is read back, in order, whole, and never skipped.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::join_all;
use model::limit::{COMMIT_ENTRIES_MAX, READ_BYTES_MAX};
use model::{Appended, Entry, NewEntry, Offset, Origin, Partition, Position, Record};

use super::fixture::JournalFixture;
use super::sample::{
    admitted, at, emitted, event, event_id, new_entry, person, policy, position, reason, replayed, with_body,
};

pub(super) const LIST: &[super::Entry<JournalFixture>] = &[
    ("every_kind_of_entry_is_read_back_as_it_was", |it| Box::pin(every_kind_of_entry_is_read_back_as_it_was(it))),
    ("bodies_are_kept_byte_for_byte", |it| Box::pin(bodies_are_kept_byte_for_byte(it))),
    ("an_empty_append_answers_nothing", |it| Box::pin(an_empty_append_answers_nothing(it))),
    ("offsets_rise_in_each_partition", |it| Box::pin(offsets_rise_in_each_partition(it))),
    ("a_batch_larger_than_a_commit_is_appended_in_order", |it| {
        Box::pin(a_batch_larger_than_a_commit_is_appended_in_order(it))
    }),
    ("read_takes_no_more_records_than_asked_for", |it| Box::pin(read_takes_no_more_records_than_asked_for(it))),
    ("read_stays_below_its_bytes_but_gives_one", |it| Box::pin(read_stays_below_its_bytes_but_gives_one(it))),
    ("a_reader_beside_writers_skips_nothing", |it| Box::pin(a_reader_beside_writers_skips_nothing(it))),
    ("a_dropped_append_stands_whole_or_not_at_all", |it| Box::pin(a_dropped_append_stands_whole_or_not_at_all(it))),
    ("a_position_finds_its_record", |it| Box::pin(a_position_finds_its_record(it))),
    ("an_event_is_found_where_it_is_carried", |it| Box::pin(an_event_is_found_where_it_is_carried(it))),
    ("recent_pages_go_backwards_without_gap", |it| Box::pin(recent_pages_go_backwards_without_gap(it))),
    ("the_hint_rises_after_an_append", |it| Box::pin(the_hint_rises_after_an_append(it))),
    ("the_census_is_exact_at_every_cursor", |it| Box::pin(the_census_is_exact_at_every_cursor(it))),
];

impl JournalFixture {
    pub(super) async fn append(&self, entries: Vec<NewEntry>) -> Vec<Appended> {
        self.journal().append(entries).await.expect("the append is taken")
    }

    pub(super) async fn append_one(&self, entry: NewEntry) -> Appended {
        let answers = self.append(vec![entry]).await;
        assert_eq!(answers.len(), 1, "one entry, one answer");
        answers[0]
    }

    /// Appends what must be new, and answers where it stands.
    pub(super) async fn append_new(&self, entry: NewEntry) -> Position {
        match self.append_one(entry).await {
            Appended::New(position) => position,
            other => panic!("expected a new record, got {other:?}"),
        }
    }

    /// Everything in a partition after an offset, page by page.
    pub(super) async fn read_all(&self, partition: Partition, after: Offset) -> Vec<Arc<Record>> {
        let mut records: Vec<Arc<Record>> = Vec::new();
        loop {
            let from = records.last().map_or(after, |record| record.position.offset);
            let page = self.journal().read(partition, from, 64).await.expect("the journal reads");
            if page.is_empty() {
                return records;
            }
            records.extend(page);
        }
    }
}

async fn every_kind_of_entry_is_read_back_as_it_was(mut it: JournalFixture) {
    let why = "a \"quoted\" reason; it's one".to_owned();
    let entries = vec![
        admitted(1),
        new_entry(Entry::Quarantined { event: event(2), reasons: vec![reason(), reason()] }),
        emitted(
            3,
            Entry::Resubmitted {
                of: event_id(2),
                at: Some(position(2)),
                revision: 1,
                by: person(),
                why: why.clone(),
                event: event(3),
            },
        ),
        emitted(4, Entry::Released { of: event_id(2), at: position(2), by: person(), why: why.clone() }),
        emitted(5, replayed(5, 1)),
        NewEntry { policy: policy(9), ..emitted(6, Entry::PolicyApplied { version: policy(9), by: person(), why }) },
    ];
    it.append(entries.clone()).await;
    for reopened in [false, true] {
        let records = it.read_all(Partition(0), Offset(0)).await;
        assert_eq!(records.len(), entries.len(), "reopened: {reopened}");
        for (record, new) in records.iter().zip(&entries) {
            assert_eq!(record.entry, new.entry, "reopened: {reopened}");
            assert_eq!((record.policy, record.emitted, record.at), (new.policy, new.emitted, at(0)));
        }
        it.clock.set(at(100));
        it.reopen().await;
    }
}

async fn bodies_are_kept_byte_for_byte(mut it: JournalFixture) {
    let all: Vec<u8> = (0..=255).collect();
    let bodies = [all, Vec::new(), "žluťoučký\u{0}kůň".into(), vec![0x80; 5_000]];
    for (n, body) in (1..).zip(&bodies) {
        it.append_new(new_entry(Entry::Admitted(with_body(event(n), body.clone())))).await;
    }
    it.reopen().await;
    for (n, body) in (1..).zip(&bodies) {
        let record = it.journal().find(event_id(n)).await.expect("the journal reads").expect("it was appended");
        assert_eq!(record.entry.event().map(|event| &event.body[..]), Some(&body[..]), "body {n}");
    }
}

async fn an_empty_append_answers_nothing(it: JournalFixture) {
    assert_eq!(it.append(Vec::new()).await, []);
    assert_eq!(it.journal().head(Partition(0)).await.ok(), Some(Offset(0)));
}

async fn offsets_rise_in_each_partition(mut it: JournalFixture) {
    let partitions = it.journal().partitions();
    assert!(partitions.contains(&Partition(0)) && partitions.is_sorted());
    let mut n = 0;
    for round in 0..3 {
        for partition in &partitions {
            n += 1;
            let before = it.journal().head(*partition).await.expect("the journal answers");
            assert!(round > 0 || before == Offset(0), "the head of an empty partition is 0");
            let new = it.append_new(NewEntry { partition: *partition, ..admitted(n) }).await;
            assert!(new.partition == *partition && new.offset > before, "{new} is not after {before:?}");
            assert_eq!(it.journal().head(*partition).await.ok(), Some(new.offset));
        }
        it.reopen().await;
    }
    for partition in &partitions {
        let records = it.read_all(*partition, Offset(0)).await;
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|record| record.position.partition == *partition));
        assert!(records.is_sorted_by(|one, next| one.position.offset < next.position.offset));
    }
}

async fn a_batch_larger_than_a_commit_is_appended_in_order(it: JournalFixture) {
    let count = COMMIT_ENTRIES_MAX as u64 + 76;
    let answers = it.append((1..=count).map(admitted).collect()).await;
    let records = it.read_all(Partition(0), Offset(0)).await;
    assert_eq!(answers.len() as u64, count);
    for ((n, answer), record) in (1..).zip(&answers).zip(&records) {
        assert_eq!(*answer, Appended::New(record.position));
        assert_eq!(record.entry.event().map(|event| event.id), Some(event_id(n)));
    }
}

async fn read_takes_no_more_records_than_asked_for(it: JournalFixture) {
    it.append((1..=10).map(admitted).collect()).await;
    let all = it.read_all(Partition(0), Offset(0)).await;
    for count in [1, 3, 10, 500] {
        let page = it.journal().read(Partition(0), all[1].position.offset, count).await.expect("the journal reads");
        assert_eq!(page, all[2..(2 + count).min(10)]);
    }
    let head = all[9].position.offset;
    assert_eq!(it.journal().read(Partition(0), head, 5).await.ok(), Some(Vec::new()));
    assert_eq!(it.journal().read(Partition(0), Offset(i64::MAX.unsigned_abs()), 5).await.ok(), Some(Vec::new()));
}

async fn read_stays_below_its_bytes_but_gives_one(it: JournalFixture) {
    let large = |n: u8| new_entry(Entry::Admitted(with_body(event(u64::from(n)), vec![n; 1024 * 1024])));
    it.append((1..=11).map(large).collect()).await;
    let mut after = Offset(0);
    let mut seen = 0;
    while seen < 11 {
        let page = it.journal().read(Partition(0), after, 512).await.expect("the journal reads");
        let bytes: usize = page.iter().filter_map(|record| record.entry.event()).map(|event| event.body.len()).sum();
        assert!(!page.is_empty() && bytes <= READ_BYTES_MAX, "{} records, {bytes} bytes", page.len());
        seen += page.len();
        after = page.last().map(|record| record.position.offset).unwrap_or_default();
    }
    assert_eq!(seen, 11);
}

async fn a_reader_beside_writers_skips_nothing(it: JournalFixture) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 40;
    let journal = it.journal();
    let writer = |number: u64| async move {
        for turn in 0..EACH {
            journal.append(vec![admitted(1 + number * EACH + turn)]).await.expect("the append is taken");
            tokio::task::yield_now().await;
        }
    };
    let reader = async {
        let mut hint = journal.changed();
        let mut read: Vec<Arc<Record>> = Vec::new();
        while (read.len() as u64) < WRITERS * EACH {
            let after = read.last().map(|record| record.position.offset).unwrap_or_default();
            let page = journal.read(Partition(0), after, 7).await.expect("the journal reads");
            if page.is_empty() {
                hint.changed().await.expect("the journal lives");
            }
            read.extend(page);
        }
        read
    };
    let (read, _) = tokio::join!(reader, join_all((0..WRITERS).map(writer)));
    assert_eq!(read, it.read_all(Partition(0), Offset(0)).await);
}

async fn a_dropped_append_stands_whole_or_not_at_all(it: JournalFixture) {
    let dropped = it.journal().append((1..=5).map(admitted).collect()).now_or_never();
    it.append_new(admitted(6)).await;
    let there = it.read_all(Partition(0), Offset(0)).await.len() - 1;
    assert!(there == 5 || there == 0 && dropped.is_none(), "{there} of 5 stand, answered: {dropped:?}");
    let again = it.append((1..=5).map(admitted).collect()).await;
    let news = again.iter().filter(|answer| matches!(answer, Appended::New(_))).count();
    assert_eq!((again.len(), news), (5, 5 - there), "the repeat with the same keys completes it");
}

async fn a_position_finds_its_record(it: JournalFixture) {
    let here = it.append_new(admitted(1)).await;
    let record = it.journal().get(here).await.expect("the journal reads").expect("it is there");
    assert_eq!((record.position, &record.entry), (here, &admitted(1).entry));
    for nowhere in [position(0), position(here.offset.0 + 1), Position { partition: Partition(999), ..here }] {
        assert_eq!(it.journal().get(nowhere).await.ok(), Some(None), "{nowhere}");
    }
}

async fn an_event_is_found_where_it_is_carried(it: JournalFixture) {
    let first = it.append_new(admitted(1)).await;
    let second = it.append_new(new_entry(Entry::Quarantined { event: event(2), reasons: vec![reason()] })).await;
    it.append_new(emitted(3, Entry::Released { of: event_id(2), at: second, by: person(), why: String::new() })).await;
    it.append_new(emitted(4, replayed(4, 1))).await;
    let correction = Entry::Resubmitted {
        of: event_id(2),
        at: Some(position(2)),
        revision: 1,
        by: person(),
        why: String::new(),
        event: event(5),
    };
    let third = it.append_new(emitted(5, correction)).await;
    for (n, expected) in [(1, Some(first)), (2, Some(second)), (5, Some(third)), (6, None)] {
        let found = it.journal().find(event_id(n)).await.expect("the journal reads");
        assert_eq!(found.map(|record| record.position), expected, "event {n}");
    }
}

async fn recent_pages_go_backwards_without_gap(it: JournalFixture) {
    let partitions = it.journal().partitions();
    for (n, partition) in (1..=20_u64).zip(partitions.iter().cycle()) {
        it.clock.set(at(n.cast_signed()));
        it.append_new(NewEntry { partition: *partition, ..admitted(n) }).await;
    }
    let mut events = Vec::new();
    let mut before = None;
    loop {
        let page = it.journal().recent(before, 6).await.expect("the journal reads");
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        events.extend(page.iter().filter_map(|record| record.entry.event()).map(|event| event.id));
    }
    assert_eq!(events, (1..=20).rev().map(event_id).collect::<Vec<_>>());
}

async fn the_hint_rises_after_an_append(it: JournalFixture) {
    let mut hint = it.journal().changed();
    hint.mark_unchanged();
    it.append_new(admitted(1)).await;
    assert_eq!(hint.has_changed().ok(), Some(true));
}

async fn the_census_is_exact_at_every_cursor(mut it: JournalFixture) {
    let of = |n: u64, origin: Origin| new_entry(Entry::Admitted(model::Event { origin, ..event(n) }));
    it.append(vec![
        of(1, Origin::Live),
        of(2, Origin::Synthetic),
        emitted(3, Entry::PolicyApplied { version: policy(2), by: person(), why: String::new() }),
        emitted(4, replayed(4, 1)),
        new_entry(Entry::Quarantined { event: event(5), reasons: vec![reason()] }),
        emitted(6, Entry::Released { of: event_id(5), at: position(5), by: person(), why: String::new() }),
        emitted(
            7,
            Entry::Resubmitted {
                of: event_id(5),
                at: Some(position(5)),
                revision: 1,
                by: person(),
                why: String::new(),
                event: event(7),
            },
        ),
        of(1, Origin::Live),
    ])
    .await;
    it.reopen().await;
    let records = it.read_all(Partition(0), Offset(0)).await;
    let cursors = records.iter().map(|record| record.position.offset);
    for cursor in std::iter::once(Offset(0)).chain(cursors) {
        let mut unrouted = [0; 3];
        for record in records.iter().filter(|record| record.position.offset > cursor) {
            if let Some(origin) = record.entry.accepted() {
                unrouted[origin.index()] += 1;
            }
        }
        let census = it.journal().census(vec![(Partition(0), cursor)]).await.expect("the journal counts");
        assert_eq!((census.accepted, census.unrouted), ([3, 1, 1], unrouted), "at {cursor:?}");
    }
    let nowhere = it.journal().census(Vec::new()).await.expect("the journal counts");
    assert_eq!(nowhere.unrouted, [3, 1, 1], "a partition without a cursor stands at 0");
}
