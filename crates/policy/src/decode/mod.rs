//! From the files of a project to specs, by tables of fields. What a file is follows from its path, what a value is from
//! its field; nothing is guessed from how a value looks. All mistakes of all files are found, none stops the rest.

pub(crate) mod contract;
pub(crate) mod destination;
pub(crate) mod fields;
pub(crate) mod flow;
mod governed;
mod header;
pub(crate) mod mapping;
pub(crate) mod object;
mod odoo;
pub(crate) mod retry;
pub mod scalar;
pub mod schema;
pub(crate) mod source;
pub(crate) mod system;
pub mod table;
mod team;
pub(crate) mod test;
pub mod url;
pub(crate) mod validate;
pub(crate) mod verify;

pub use object::{Address, ObjectKind, Objects, decode, examine};
pub(crate) use retry::JITTER_PERCENT;
