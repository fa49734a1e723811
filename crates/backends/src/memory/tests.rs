//! The lists, run by memory itself. Its random comparison is with another of its kind, which proves the lists and the
//! taking back of refused batches, not the ledger.

use std::sync::Arc;

use engine::ports::{Journal, Ledger, Views};

use super::{MemoryJournal, MemoryLedger};
use crate::conformance::{self, JournalFixture, LedgerFixture, LedgerStore, Opening};

async fn journal() -> JournalFixture {
    let kept: Arc<std::sync::OnceLock<Arc<MemoryJournal>>> = Arc::default();
    JournalFixture::new(move |Opening { clock, budget_bytes }| {
        let journal = Arc::clone(kept.get_or_init(|| Arc::new(MemoryJournal::new(clock, budget_bytes))));
        journal.set_budget(budget_bytes);
        Box::pin(async move { Ok(journal as Arc<dyn Journal>) })
    })
    .await
}

async fn ledger() -> LedgerFixture {
    let kept: Arc<std::sync::OnceLock<Arc<MemoryLedger>>> = Arc::default();
    LedgerFixture::new(move |opening| {
        let ledger = Arc::clone(kept.get_or_init(|| Arc::new(MemoryLedger::new(opening.clock))));
        let store = LedgerStore { ledger: Arc::clone(&ledger) as Arc<dyn Ledger>, views: ledger as Arc<dyn Views> };
        Box::pin(async move { Ok(store) })
    })
    .await
}

#[tokio::test]
async fn memory_keeps_the_journals_list() {
    conformance::run(conformance::JOURNAL, journal).await;
}

#[tokio::test]
async fn memory_keeps_the_ledgers_list() {
    conformance::run(conformance::LEDGER, ledger).await;
}

#[tokio::test]
async fn memory_keeps_the_list_of_views() {
    conformance::run(conformance::VIEWS, ledger).await;
}
