//! The ports as a node sees them: the stores of the world behind weather, an observer for the oracle, and where a run is
//! to show that checkers see, a defect. The stores themselves survive every crash: they are the durable truth.
//!
//! From the node to the store: weather, observer, defect. So the observer sees what the product meant to do, and the
//! checkers look at what the store has.

mod journal;
mod ledger;

pub use journal::FaultyJournal;
pub use ledger::FaultyLedger;

use std::sync::Arc;

use crate::defect::Defect;
use crate::oracle::{Oracle, Stores};
use crate::weather::Weather;

/// What both wrappers of a node share.
#[derive(Clone, Debug)]
pub struct Between {
    /// The way to the stores.
    pub weather: Arc<Weather>,
    /// Who looks on.
    pub oracle: Arc<Oracle>,
    /// The stores without weather, and where what retention removes is kept.
    pub stores: Stores,
    /// What is broken on purpose.
    pub defect: Option<Arc<Defect>>,
}
