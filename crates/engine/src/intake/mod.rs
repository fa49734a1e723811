//! Intake: who may come in, what it is, whether it was here before. Only intake appends to the journal directly, and
//! it answers only when what it accepted is durable (I1).
//!
//! [`decide`] judges a request, [`run`] journals and answers; [`quarantine`] is what people do with what was kept.
//! Against replays: signatures with a timestamp have a tolerance, everything else has the key registry, with the limit
//! that `verify` names.

mod batch;
pub mod capture;
mod conflict;
pub mod decide;
mod handshake;
mod judge;
mod key;
mod kind;
mod message;
mod meter;
mod nudge;
mod pick;
pub mod quarantine;
mod request;
pub mod run;
#[cfg(test)]
mod tests;
mod verify;

pub use handshake::HandshakeAnswer;
pub use key::partition;
pub use verify::Verifiers;
