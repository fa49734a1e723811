//! Switch: people pause and resume sources, flows and destinations. What is paused waits; nothing is dropped.

pub mod decide;
pub mod run;
