//! Project folders: YAML texts in, a compiled policy and diagnostics out.
//!
//! The way of a file: [`source_file`] -> [`tree`] (YAML with spans) -> [`decode`] (tables of fields) -> [`specs`]
//! (typed, unresolved) -> [`resolve`] (references) -> [`compiled`]. Pure: no file, clock, network or environment is
//! touched here, and nothing stops at the first mistake.

pub mod catalog;
pub mod codes;
pub mod compiled;
pub mod contract;
pub mod decode;
pub mod expression;
pub mod findings;
pub mod fmt;
pub mod mapping;
pub mod near;
pub mod plan;
pub mod presets;
pub mod render;
pub mod resolve;
pub mod secrets;
pub mod source_file;
pub mod spanned;
pub mod specs;
pub mod tree;

pub use compiled::*;
pub use expression::EventView;
pub use findings::Findings;
pub use source_file::{Folder, SourceFile, check, check_at, check_folder, restore, version};
pub use spanned::Spanned;
