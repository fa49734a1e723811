//! Reconciliation: what a system of record shows of a model within a window is compared with what is known of it, gaps become
//! recovered events, and what was complete is a number (decision 0050).
//!
//! [`standing`] is what the ledger holds of it, [`decide`] what comes next and what a record is, [`brake`] when deletions are too
//! many to be believed, [`order`] what people ask for. It never judges a page but through [`decide::settle`].

pub mod brake;
pub mod decide;
pub(super) mod look;
pub mod order;
pub mod standing;
