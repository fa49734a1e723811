//! Capture: records of a system of record that nobody sends are read, compared with what is known of them, and taken in as
//! events (decision 0040).
//!
//! [`progress`] is how far a source is, [`decide`] what is looked at next and what a look tells, [`run`] the loop. It never
//! decides by what a nudge says, and nothing becomes known before its event is in the journal.

pub mod decide;
mod identities;
mod lead;
mod look;
mod nudged;
pub mod progress;
mod pull;
pub mod reconcile;
pub mod run;
mod search;
