//! Decoded objects, one type per kind of file, not yet resolved: references are names with their places.
//!
//! A field that was missing or wrong is `None` here and has been reported already; what reads a spec never reports it
//! again. Spans are bytes in the file at `path`.

mod contract;
mod flow;
mod mapping;
mod retry;
mod system;
mod test;

pub use contract::*;
pub use flow::*;
pub use mapping::*;
pub use retry::*;
pub use system::*;
pub use test::*;
