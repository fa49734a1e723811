//! Odoo as a peer: one call, one answer, over the wire that its version speaks.
//!
//! JSON-2 from 19 on, JSON-RPC up to 18 (17 is spoken to as 18 is, and not tested). Each call is one transaction of Odoo's and is
//! committed before the answer comes; a call that is given up goes on there. So whoever changes something and hears
//! [`TransportError::Timeout`](model::outcome::TransportError) reads the state before it does anything again.
//!
//! It never repeats a call, follows a redirect, or lets a key, a body or a server's traceback into a log.

mod apart;
pub mod call;
mod commands;
mod exchange;
pub mod failure;
mod fields;
mod json2;
mod no;
mod outbox;
mod outbox_rules;
#[cfg(test)]
mod recorded;
mod records;
mod renew;
mod rpc;
mod rules;
mod session;
mod specified;
mod survey;
mod trial;
pub mod version;
mod web;
mod words;

pub use self::call::{Call, Effect};
pub use self::commands::Commands;
pub use self::failure::Failure;
pub use self::no::No;
pub use self::outbox_rules::{OUTBOX_RULES, OutboxRule, RuleStands, TRIGGERS};
pub use self::records::OdooRecords;
pub use self::renew::Maker;
pub use self::rules::{Made, RULES, Rule, When};
pub use self::session::{Odoo, Session, Told};
pub use self::specified::Specified;
pub use self::survey::{Kept, Key, Rights, Standing};
pub use self::version::{Version, Wire};
