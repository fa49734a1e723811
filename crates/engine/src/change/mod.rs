//! Change: a project's policy is applied, rolled back, and what it leaves without a destination is held.

pub mod apply;
pub mod decide;
pub mod run;
