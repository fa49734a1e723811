//! What command line and product share about Odoos: failures in words with their repair, and new keys before old ones end.

pub mod rotation;
pub mod words;
