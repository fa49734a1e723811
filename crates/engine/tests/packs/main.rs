//! The packs: each one with the canonical contracts is a right project, our own golden cases give what is written beside
//! them, and every real payload that is present is accounted for.
//!
//! `UPDATE=1 cargo test -p crossdock-engine --test packs` writes what comes out now. The real payloads are read from
//! `CROSSDOCK_CORPUS`, else from `../shared/corpus` beside the workspace; their test runs only when it is asked for, and
//! fails without them.

mod golden;
#[path = "../../../../bench/src/corpus/payloads.rs"]
mod payloads;
mod project;
mod real;
mod way;

/// The packs; each has a source of its name.
const PACKS: [&str; 5] = ["shopify", "woocommerce", "easypost", "ups", "odoo"];
