//! Storage behind the engine's ports: memory and SQLite.

pub mod memory;
pub mod sqlite;
