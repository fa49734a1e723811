//! Pure decisions that more than one room needs. Values in, values out; never a clock, chance or I/O.

pub mod asked;
pub mod breaker;
pub mod bucket;
pub mod gate;
pub mod lane;
pub mod names;
pub mod onward;
pub mod overtaken;
pub mod pulse;
pub mod replayed;
pub mod schedule;
pub mod traced;
