//! Delivery: from a claimed delivery to its outcome, and what follows from it.

pub mod claim;
pub mod command;
pub mod deadlines;
pub mod decide;
mod flight;
mod follow;
pub mod operate;
pub mod prepare;
pub mod run;
pub mod sweep;
