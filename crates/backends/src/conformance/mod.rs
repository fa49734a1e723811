//! What every backend must do, as lists of behaviours: one for the journal, one for the ledger, one for the views.
//!
//! A backend's test hands [`run`] a list and a fixture that opens a fresh store, and opens the same store again when an
//! entry asks for it. An entry panics where the behaviour is missing; `run` names all that did. The port docs and the
//! docs of [`model::Change`] are the text that the lists hold backends to.

pub mod clock;
pub mod compare_journals;
pub mod compare_ledgers;
pub mod fixture;
pub mod sample;

pub(crate) mod history;
mod journal;
mod journal_keys;
mod journal_retention;
mod ledger_account;
mod ledger_attempts;
mod ledger_batches;
mod ledger_deadlines;
mod ledger_due;
mod ledger_keyed;
mod ledger_known;
mod ledger_lanes;
mod ledger_later;
mod ledger_lives;
mod ledger_newest;
mod ledger_rows;
mod ledger_trim;
mod portrait;
mod steps;
mod views;
mod views_pages;

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::BoxFuture;

pub use clock::ManualClock;
pub use fixture::{JournalFixture, LedgerFixture, LedgerStore, Opening};
pub use portrait::{Portrait, Subjects};

/// One behaviour: its name, and what panics where it is missing.
pub type Entry<F> = (&'static str, fn(F) -> BoxFuture<'static, ()>);

/// The journal's list, in parts.
pub const JOURNAL: &[&[Entry<JournalFixture>]] =
    &[journal::LIST, journal_keys::LIST, journal_retention::LIST, compare_journals::LIST];

/// The ledger's list, in parts.
pub const LEDGER: &[&[Entry<LedgerFixture>]] = &[
    ledger_batches::LIST,
    ledger_lanes::LIST,
    ledger_attempts::LIST,
    ledger_due::LIST,
    ledger_newest::LIST,
    ledger_deadlines::LIST,
    ledger_lives::LIST,
    ledger_rows::LIST,
    ledger_later::LIST,
    ledger_keyed::LIST,
    ledger_known::LIST,
    ledger_account::LIST,
    ledger_trim::LIST,
    compare_ledgers::LIST,
];

/// The list of the views, in parts.
pub const VIEWS: &[&[Entry<LedgerFixture>]] = &[views::LIST, views_pages::LIST];

/// Runs every entry against a fresh fixture, and panics with the names of those that failed.
pub async fn run<F>(list: &[&[Entry<F>]], fresh: impl AsyncFn() -> F) {
    let mut failed = Vec::new();
    for (name, check) in list.iter().copied().flatten() {
        let fixture = fresh().await;
        if let Err(panic) = AssertUnwindSafe(check(fixture)).catch_unwind().await {
            failed.push(format!("{name}: {}", words_of(&*panic)));
        }
    }
    assert!(failed.is_empty(), "{} behaviours are missing:\n{}", failed.len(), failed.join("\n"));
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}
