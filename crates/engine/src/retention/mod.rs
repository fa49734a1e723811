//! Retention: removes what is old and no longer needed, in bounded steps, beside the engine or without it.

pub mod decide;
pub mod offline;
pub mod run;
