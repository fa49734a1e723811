//! The embedded store: both conformance lists with a folder that is opened again, and what only a file can go through.

use std::sync::Arc;

use backends::conformance::{self, JournalFixture, LedgerFixture, LedgerStore, Opening};
use backends::sqlite::{JournalOptions, LedgerOptions, Options, Store};
use engine::ports::{Answer, Journal};
use model::Fault;
use tempfile::TempDir;

/// Small segments, so that the lists go through closed ones too.
fn options(opening: &Opening, segment: usize) -> Options {
    Options {
        journal: JournalOptions { budget_bytes: opening.budget_bytes, segment_keys: segment, ..JournalOptions::default() },
        ledger: LedgerOptions { segment_words: segment, ..LedgerOptions::default() },
    }
}

fn open(folder: &TempDir, opening: &Opening, segment: usize) -> Result<Store, Fault> {
    Store::open(folder.path(), options(opening, segment), &opening.clock)
}

async fn journal(segment: usize) -> JournalFixture {
    let folder = tempfile::tempdir().expect("a folder can be made");
    JournalFixture::new(move |opening| -> Answer<'static, Arc<dyn Journal>> {
        let store = open(&folder, &opening, segment);
        Box::pin(async move { Ok(store?.journal as Arc<dyn Journal>) })
    })
    .await
}

async fn ledger(segment: usize) -> LedgerFixture {
    let folder = tempfile::tempdir().expect("a folder can be made");
    LedgerFixture::new(move |opening| -> Answer<'static, LedgerStore> {
        let store = open(&folder, &opening, segment);
        Box::pin(async move {
            let ledger = store?.ledger;
            Ok(LedgerStore { ledger: Arc::clone(&ledger) as _, views: ledger })
        })
    })
    .await
}

#[tokio::test]
async fn the_journal_does_what_every_journal_does() {
    conformance::run(conformance::JOURNAL, async || journal(256 * 1024).await).await;
}

#[tokio::test]
async fn the_journal_does_so_with_tiny_segments() {
    conformance::run(conformance::JOURNAL, async || journal(3).await).await;
}

#[tokio::test]
async fn the_ledger_does_what_every_ledger_does() {
    conformance::run(conformance::LEDGER, async || ledger(256 * 1024).await).await;
}

#[tokio::test]
async fn the_views_show_what_every_views_show() {
    conformance::run(conformance::VIEWS, async || ledger(256 * 1024).await).await;
}

#[tokio::test]
async fn the_ledger_does_so_with_tiny_segments() {
    conformance::run(conformance::LEDGER, async || ledger(3).await).await;
    conformance::run(conformance::VIEWS, async || ledger(3).await).await;
}
