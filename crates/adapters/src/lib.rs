//! The outside behind the engine's ports: HTTP destinations, and Odoo.
//!
//! An adapter says what the world answered and decides nothing about it. It never logs bodies or headers, and it
//! reaches no address that its guard has not judged.

pub mod http;
pub mod odoo;
pub mod outside;
