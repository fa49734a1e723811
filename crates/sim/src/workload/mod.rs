//! What happens to the product in a run: senders, people, and what goes wrong with machines, stores and destinations.

pub mod bodies;
pub mod chaos;
pub mod people;
pub mod senders;
pub mod wire;
