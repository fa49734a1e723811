//! The simulated systems of the demo world: a shop, Odoo, a warehouse, two carriers and finance. They speak HTTP with a
//! running product as partners do, decide by seed, misbehave on request, and keep ledgers of their own, so that what the
//! product claims is checked by the other side. Nothing here knows the product's stores, and nothing of the simulator is used.

mod catalogue;
pub mod decide;
mod diary;
pub mod doors;
pub mod ledger;
pub mod letter;
mod post;
pub mod project;
mod prove;
mod receive;
mod run;
mod serve;
mod sign;
pub mod system;
pub mod trouble;
mod world;

pub use run::{NotStarted, Options, Ports, Running, Weather, start};
pub use serve::SWITCH;
