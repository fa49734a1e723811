//! Replay: people send earlier events again. Preview, frozen set, own pace, canary, stop, full account.
//!
//! The way of a replay: [`selection`] -> [`gather`] (candidates) -> [`decide`] (which of them are sent) -> [`preview`] ->
//! [`order`] (frozen and stored) -> [`run`] (sent at its pace).

pub mod decide;
pub mod gather;
pub mod order;
pub mod preview;
pub mod previews;
pub mod run;
pub mod selection;
pub mod step;
