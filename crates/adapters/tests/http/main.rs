//! The HTTP adapter against servers that answer well, badly or not at all. Nothing beyond loopback, no sleeps.

mod addresses;
mod answers;
mod requests;
mod servers;

use engine::ports::Sent;
use model::outcome::{Outcome, TransportError};

/// A good answer that leaves the connection open.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn unreached(error: TransportError) -> Outcome {
    Outcome::Unreached { error }
}

fn accepted(response: &'static str, cut: bool) -> Sent {
    Sent { outcome: Outcome::Accepted { status: 200 }, response: response.into(), cut }
}
