//! Mappings: placeholder until the compiler arrives.

/// A compiled mapping.
#[derive(Debug)]
pub struct Mapping;
