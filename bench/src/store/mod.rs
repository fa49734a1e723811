//! The embedded store without the product around it: how fast it is, and how a large one is made.

pub(crate) mod fill;
mod sample;
pub(crate) mod speed;
