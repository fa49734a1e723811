//! The one binary, `crossdock`.
fn main() {}
