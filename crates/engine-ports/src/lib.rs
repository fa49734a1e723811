//! Temporary: the ports alone, so that stores can be built while the engine is being written.
#[path = "../../engine/src/ports.rs"]
pub mod ports;
