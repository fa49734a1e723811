//! The rooms of the engine and the ports to the outside. No driver, no HTTP framework, no environment.
//!
//! Each room decides in `decide.rs` (values in, values out) and acts in `run.rs` (read, decide, commit, act).
//! Rooms meet in the journal and the ledger; a room does not call another room's functions.

pub mod board;
pub mod book;
pub mod change;
pub mod delivery;
pub mod drive;
pub mod intake;
pub mod keyring;
pub mod membership;
pub mod newer;
pub mod node;
pub mod nudges;
pub mod observe;
pub mod outbox;
pub mod ports;
pub mod pressure;
pub mod pulls;
pub mod replay;
pub mod retention;
pub mod routing;
pub mod rules;
pub mod switch;
pub mod switchboard;
pub mod unread;
