//! Contracts: placeholder until the compiler arrives.

/// A compiled contract.
#[derive(Debug)]
pub struct Contract;
