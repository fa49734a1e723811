//! What people ask: answers of the management API, put together from views and ports. Reads only.

pub mod advice;
pub mod answers;
pub mod concerns;
pub mod metrics;
pub mod recent;
pub mod reconciliation;
pub mod standing;
pub mod status;
pub mod trace;
