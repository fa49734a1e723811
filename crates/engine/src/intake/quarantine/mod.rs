//! What people do with events that were kept for them: correct, resubmit, release, close. Each is one guarded commit; what
//! follows in the journal is emitted with it and appended by the outbox loop.
//!
//! A command that is repeated, with the same words about the same version, is answered as it was the first time.

pub mod decide;
pub mod run;

pub use decide::Moved;
pub use run::{Quarantine, Which};
