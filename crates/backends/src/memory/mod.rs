//! The reference stores: plain data structures under a lock, for tests, for the simulator, and to compare others with.
//!
//! They are right before they are fast, keep nothing beyond the process, and answer every call at its first poll.

mod journal;
mod keys;
mod ledger;
mod log;
mod table;

pub use journal::MemoryJournal;
pub use ledger::MemoryLedger;

pub(crate) use log::{EmittedWindow, Log, Reading};

#[cfg(test)]
mod tests;
