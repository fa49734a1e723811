//! The deterministic simulator of Crossdock: nodes, stores, partners and people in virtual time, from one seed.
//!
//! [`run()`] runs a seed and answers with a [`Report`]. The same seed always gives the same run. The rooms of the engine run as
//! they are; everything around them is simulated, and [`checks`] has one checker for each invariant of the design. Beside it are
//! the systems of the demo world, and [`odoo`], an Odoo that behaves as the measured ones do.

pub mod arguments;
pub mod campaign;
mod captured;
pub mod checks;
pub mod clock;
pub mod company;
mod course;
pub mod defect;
pub mod demo;
pub mod executor;
pub mod faulty;
pub mod life;
pub mod odoo;
pub mod oracle;
pub mod project;
pub mod random;
pub mod receivers;
mod run;
pub mod swarm;
pub mod timeline;
pub mod trace;
mod watch;
pub mod weather;
pub mod workload;
pub mod world;

pub use run::{Options, Report, run};
