//! A ledger against the one in memory: the same random batches, the same answers to everything.

use engine::ports::Ledger;
use model::room::Ages;
use model::{Batch, Committed, Fault, FaultKind, TimeSpan};

use super::fixture::LedgerFixture;
use super::history::History;
use super::portrait::Portrait;

pub(super) const LIST: &[super::Entry<LedgerFixture>] = &[
    ("it_answers_as_memory_does_under_random_batches", |it| Box::pin(some_seeds(it, 1))),
    ("it_answers_as_memory_does_under_other_random_batches", |it| Box::pin(some_seeds(it, 2))),
    ("it_answers_as_memory_does_through_a_long_history", |it| Box::pin(a_long_history(it))),
];

/// Steps between two portraits.
const STEPS: u32 = 25;

async fn some_seeds(mut it: LedgerFixture, seed: u64) {
    compare_ledgers(&mut it, seed, 300).await;
}

async fn a_long_history(mut it: LedgerFixture) {
    compare_ledgers(&mut it, 3, 1_500).await;
}

/// Commits `steps` random batches to a fresh ledger and to one in memory, trims and reopens now and then, and panics with
/// the seed and the step where they differ. On the way the counters of both are held against their rows.
pub async fn compare_ledgers(it: &mut LedgerFixture, seed: u64, steps: u32) {
    let mut history = History::new(seed, &it.clock);
    let mut taken = 0;
    for step in 0..steps {
        let batch = history.next_batch().await;
        let expected = answer(&*history.reference, batch.clone()).await;
        let found = answer(it.ledger(), batch.clone()).await;
        assert_eq!(found, expected, "seed {seed}, step {step}: {batch:#?}");
        taken += u32::from(found.is_ok());
        if history.dice.one_in(60) {
            let [answers, rows, emitted, audit] =
                [0; 4].map(|_| it.now() - TimeSpan::from_secs(60 + history.dice.below(300)));
            let ages = Ages { answers, rows, emitted, audit };
            trim(&*history.reference, ages).await;
            trim(it.ledger(), ages).await;
        }
        if history.dice.one_in(40) {
            it.reopen().await;
        }
        if step % STEPS == STEPS - 1 || step + 1 == steps {
            compare(it, &history, &format!("seed {seed}, after step {step}")).await;
        }
    }
    assert!(taken > steps / 3, "seed {seed}: only {taken} of {steps} batches were taken, which proves little");
}

async fn compare(it: &LedgerFixture, history: &History, told: &str) {
    let subjects = history.subjects();
    let expected = Portrait::of(&*history.reference, &*history.reference, &subjects).await.expect("memory answers");
    let found = Portrait::of(it.ledger(), it.views(), &subjects).await.expect("the ledger reads");
    assert_eq!(found.account, found.recount, "{told}: counters and rows");
    found.assert_same(&expected, told);
}

async fn answer(ledger: &dyn Ledger, batch: Batch) -> Result<Committed, FaultKind> {
    ledger.commit(batch).await.map_err(|fault: Fault| fault.kind)
}

async fn trim(ledger: &dyn Ledger, ages: Ages) {
    while ledger.trim(ages).await.expect("the ledger trims").rows > 0 {}
}
