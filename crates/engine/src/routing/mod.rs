//! Routing: from the journal's records to deliveries, quarantine rows and the words that events are found by.

pub mod decide;
pub mod run;
