//! Decoded objects, one type per kind of file, not yet resolved: references are names with their places.
//!
//! A field that was missing or wrong is `None` here and has been reported already; what reads a spec never reports it
//! again. Spans are bytes in the file at `path`.

mod contract;
mod flow;
mod governed;
mod mapping;
mod retry;
mod system;
mod team;
mod test;

pub use contract::*;
pub use flow::*;
pub use governed::*;
pub use mapping::*;
pub use retry::*;
pub use system::*;
pub use team::*;
pub use test::*;
