//! Expressions: placeholder until the compiler arrives.

/// A compiled expression.
#[derive(Debug)]
pub struct Expression;

/// A compiled path.
#[derive(Debug)]
pub struct Path;
