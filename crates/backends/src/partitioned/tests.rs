//! The journal's list without troubles, and what must hold with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use engine::ports::{Clock, Journal};
use futures::FutureExt as _;
use futures::future::join_all;
use model::{Appended, Event, EventId, FaultKind, NewEntry, Offset, Partition, Record, TimeSpan};

use super::{Making, PartitionedJournal, Troubles};
use crate::conformance::sample::{admitted, at, emitted, event, event_id, new_entry, replayed};
use crate::conformance::{self, JournalFixture, ManualClock};
use crate::random::Dice;

const LATE: Troubles = Troubles { late_one_in: 2, late_max: TimeSpan::from_secs(5), ..Troubles::NONE };

fn journal(seed: u64, troubles: Troubles) -> (Arc<ManualClock>, PartitionedJournal) {
    let clock = Arc::new(ManualClock::new(at(0)));
    let making = Making { partitions: 3, budget: u64::MAX, seed, troubles };
    let journal = PartitionedJournal::new(Arc::clone(&clock) as Arc<dyn Clock>, making);
    (clock, journal)
}

async fn fixture() -> JournalFixture {
    let kept: Arc<OnceLock<Arc<PartitionedJournal>>> = Arc::default();
    JournalFixture::new(move |opening| {
        let budget = opening.budget_bytes;
        let making = Making { partitions: 3, budget, seed: 1, troubles: Troubles::NONE };
        let make = || Arc::new(PartitionedJournal::new(opening.clock, making));
        let journal = Arc::clone(kept.get_or_init(make));
        journal.set_budget(budget);
        Box::pin(async move { Ok(journal as Arc<dyn Journal>) })
    })
    .await
}

/// Entry `n`, in the partition of its ordering key.
fn placed(journal: &PartitionedJournal, n: u64) -> NewEntry {
    NewEntry { partition: event(n).partition_in(&journal.partitions()), ..admitted(n) }
}

async fn all(journal: &PartitionedJournal) -> Vec<Arc<Record>> {
    let mut records = Vec::new();
    for partition in journal.partitions() {
        records.extend(journal.read(partition, Offset(0), usize::MAX).await.expect("it answers"));
    }
    records
}

#[tokio::test]
async fn without_troubles_it_keeps_the_journals_list() {
    conformance::run(conformance::JOURNAL, fixture).await;
}

#[tokio::test]
async fn a_late_append_is_overtaken_and_lands_behind() {
    let (clock, journal) = journal(1, Troubles { late_one_in: 1, ..LATE });
    let mut late = journal.append(vec![placed(&journal, 7)]);
    assert!((&mut late).now_or_never().is_none(), "it waits for its landing");
    journal.set_troubles(Troubles::NONE);
    let next = NewEntry { partition: placed(&journal, 7).partition, ..admitted(8) };
    let overtaking = journal.append(vec![next]).await.expect("it is taken");
    clock.advance(TimeSpan::from_secs(6));
    let landed = late.await.expect("it is taken");
    let (Appended::New(first), Appended::New(second)) = (overtaking[0], landed[0]) else {
        panic!("expected two new records, got {overtaking:?} and {landed:?}")
    };
    assert!(first.partition == second.partition && first.offset < second.offset);
}

#[tokio::test]
async fn no_record_appears_below_what_was_read() {
    for seed in 0..20 {
        let (clock, journal) = journal(seed, LATE);
        let mut dice = Dice::new(seed);
        let mut read: BTreeMap<Partition, Vec<Arc<Record>>> = BTreeMap::new();
        let mut flying = Vec::new();
        for n in 1..=200 {
            let mut append = journal.append(vec![placed(&journal, n)]);
            if (&mut append).now_or_never().is_none() {
                flying.push(append);
            }
            clock.advance(TimeSpan::from_millis(dice.below(400)));
            for partition in journal.partitions() {
                let seen = read.entry(partition).or_default();
                let after = seen.last().map(|record| record.position.offset).unwrap_or_default();
                let most = usize::try_from(dice.below(4)).expect("small");
                seen.extend(journal.read(partition, after, most).await.expect("it answers"));
            }
        }
        clock.advance(TimeSpan::from_secs(10));
        join_all(flying).await;
        for (partition, mut seen) in read {
            let after = seen.last().map(|record| record.position.offset).unwrap_or_default();
            seen.extend(journal.read(partition, after, usize::MAX).await.expect("it answers"));
            let whole = journal.read(partition, Offset(0), usize::MAX).await.expect("it answers");
            assert_eq!(seen, whole, "seed {seed}, {partition:?}");
        }
        assert_eq!(all(&journal).await.len(), 200, "seed {seed}");
    }
}

#[tokio::test]
async fn entries_of_one_append_to_one_partition_keep_their_order() {
    let (clock, journal) = journal(3, LATE);
    let entries: Vec<NewEntry> = (1..=60).map(|n| placed(&journal, n)).collect();
    let (answers, ()) = tokio::join!(journal.append(entries), async {
        clock.advance(TimeSpan::from_secs(6));
    });
    assert_eq!(answers.map(|answers| answers.len()).ok(), Some(60));
    for partition in journal.partitions() {
        let records = journal.read(partition, Offset(0), 100).await.expect("it answers");
        let ids: Vec<EventId> = records.iter().filter_map(|record| record.entry.event()).map(|event| event.id).collect();
        assert!(!ids.is_empty() && ids.is_sorted(), "{partition:?}");
    }
}

#[tokio::test]
async fn what_is_on_its_way_lands_without_its_caller() {
    let (clock, journal) = journal(1, Troubles { late_one_in: 1, ..LATE });
    let mut append = journal.append(vec![placed(&journal, 1)]);
    assert!((&mut append).now_or_never().is_none());
    drop(append);
    assert_eq!((journal.in_flight(), all(&journal).await.len()), (1, 0));
    clock.advance(TimeSpan::from_secs(6));
    assert_eq!((all(&journal).await.len(), journal.in_flight()), (1, 0));
}

#[tokio::test]
async fn of_late_and_early_repeats_one_is_new() {
    for seed in 0..20 {
        let (clock, journal) = journal(seed, LATE);
        let repeat = |n: u64| Event { id: event_id(n), ..event(1) };
        let entries = (1..=16).map(|n| new_entry(model::Entry::Admitted(repeat(n))));
        let appends = join_all(entries.map(|entry| journal.append(vec![entry])));
        let (answers, ()) = tokio::join!(appends, async {
            for _ in 0..20 {
                clock.advance(TimeSpan::from_millis(300));
                tokio::task::yield_now().await;
            }
        });
        let answers: Vec<Appended> = answers.into_iter().flatten().flatten().collect();
        let news = answers.iter().filter(|answer| matches!(answer, Appended::New(_))).count();
        assert_eq!((answers.len(), news, all(&journal).await.len()), (16, 1, 1), "seed {seed}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_by_a_repeat() {
    let (_, journal) = journal(1, Troubles { lost_answer_one_in: 1, ..Troubles::NONE });
    let lost = journal.append(vec![admitted(1), emitted(2, replayed(2, 1))]).await;
    assert_eq!(lost.err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
    assert_eq!(all(&journal).await.len(), 2, "it was taken all the same");
    journal.set_troubles(Troubles::NONE);
    let again = journal.append(vec![admitted(1), emitted(2, replayed(2, 1))]).await;
    assert!(again.is_ok_and(|answers| answers.iter().all(|it| matches!(it, Appended::Duplicate(..)))));
}

#[tokio::test]
async fn a_refused_append_leaves_a_beginning_or_nothing() {
    let mut left = BTreeSet::new();
    for seed in 0..40 {
        let (_, journal) = journal(seed, Troubles { refused_one_in: 1, ..Troubles::NONE });
        let refused = journal.append((1..=3).map(admitted).collect()).await;
        assert_eq!(refused.err().map(|fault| fault.kind), Some(FaultKind::Unavailable));
        let events: Vec<EventId> =
            all(&journal).await.iter().filter_map(|record| record.entry.event()).map(|it| it.id).collect();
        assert_eq!(events, (1..=events.len() as u64).map(event_id).collect::<Vec<_>>());
        left.insert(events.len());
    }
    assert_eq!(left, BTreeSet::from([0, 1, 2]));
}

#[tokio::test]
async fn an_emitted_id_is_forgotten_after_its_window() {
    let window = Some(TimeSpan::from_secs(120));
    let (clock, journal) = journal(1, Troubles { emitted_window: window, ..Troubles::NONE });
    let append = || async {
        let answers = journal.append(vec![emitted(1, replayed(1, 1))]).await.expect("it is taken");
        matches!(answers[0], Appended::New(_))
    };
    let mut news = Vec::new();
    for secs in [0, 119, 2, 60] {
        clock.advance(TimeSpan::from_secs(secs));
        news.push(append().await);
    }
    assert_eq!(news, [true, false, true, false], "appended twice; consumers drop the repeat");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_journal() {
    let mut journals = Vec::new();
    for _ in 0..2 {
        let troubles = Troubles { lost_answer_one_in: 5, refused_one_in: 5, ..LATE };
        let (clock, journal) = journal(11, troubles);
        for n in 1..=50 {
            let (_, ()) = tokio::join!(journal.append(vec![placed(&journal, n), admitted(n + 100)]), async {
                clock.advance(TimeSpan::from_secs(6));
            });
        }
        journals.push(all(&journal).await);
    }
    assert_eq!(journals[0], journals[1]);
}

#[test]
fn events_of_one_ordering_key_share_a_partition() {
    let partitions: Vec<Partition> = (0..3).map(Partition).collect();
    let of = |n: u64| event(n).partition_in(&partitions);
    assert!((1..50).all(|n| of(n) == of(n + 7)), "the ordering key repeats every seven");
    assert_eq!((1..8).map(of).collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(event(1).partition_in(&[]), Partition(0));
}
