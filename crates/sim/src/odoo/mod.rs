//! A simulated Odoo, 18 or 19, as a partner of the product: both wires, a database with real transactions, the business
//! methods with their traps, webhooks, the outbox addon, and a ledger of its own. What it does is what was measured on running
//! servers. Time comes from the clock that is passed in, chance from the seed; nothing here knows the product's stores.

mod accounts;
mod calls;
mod domain;
mod env;
mod errors;
mod faults;
mod handle;
mod json2;
mod keys;
mod ledger;
mod load;
mod methods;
mod outbox;
mod perform;
mod python;
mod read;
mod records;
mod rights;
mod rpc;
mod rules;
mod schema;
mod search;
mod seed;
mod server;
mod session;
mod store;
mod transaction;
mod value;
mod version;
mod view;
mod webhooks;
mod wire;

pub use accounts::{KEY_DAYS_MAX, Login};
pub use errors::Failure;
pub use faults::Fault;
pub use handle::{Backup, Odoo, Open, Options};
pub use ledger::{Change, Deed, Load, Webhooks};
pub use outbox::Addon;
pub use rights::{INTERNAL, Operation, SETTINGS};
pub use schema::{Field, Kind, Model, Schema};
pub use server::{Serving, post, serve};
pub use store::Record;
pub use value::Value;
pub use version::Version;
pub use webhooks::{Hook, Receipt, Sender, TIMEOUT};
pub use wire::{Ending, Reply, Request};
