//! Storage behind the engine's ports: in memory, embedded in one process, and as the simulator wants it.
//!
//! [`conformance`] holds the lists that every store runs; a store's own tests are about its faults and its files.

pub mod conformance;
pub mod memory;
pub mod partitioned;
pub mod random;
mod spared;
pub mod sqlite;
