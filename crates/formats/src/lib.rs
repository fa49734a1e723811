//! Pure codecs: `CloudEvents`, webhook signatures, trace context and small header formats.
//!
//! Values in, values out. This crate must never do I/O, read a clock, draw a random number or
//! await; whoever calls it passes the time (unix seconds) and the bytes. It knows no other crate
//! of the product.

pub mod baggage;
pub mod cloudevents;
pub mod depth;
pub mod digest;
pub mod framing;
pub mod instant;
pub mod retry_after;
pub mod signature;
pub mod trace_context;
pub mod visible;
