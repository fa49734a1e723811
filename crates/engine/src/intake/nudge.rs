//! Nudges: what comes over HTTP to a captured source. A nudge names a record that may have changed; it is no event, nothing of
//! it but model and id is read, and it admits nothing (decision 0040).

use bytes::Bytes;
use formats::depth;
use model::event::Brought;
use model::{Refusal, RefusalKind};
use policy::compiled::{Capture, Verify};
use serde::Deserialize;

use super::handshake::HandshakeAnswer;
use super::request::Request;
use crate::nudges::Nudge;

/// LIMIT: Odoo sends the fields that the rule lists, flat.
const DEPTH_MAX: usize = 8;

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "_model")]
    model: String,
    #[serde(rename = "_id")]
    id: u64,
}

/// The capture of the source, where the request is a nudge and no captured record.
pub(super) fn capture<'a>(request: &Request<'a>) -> Option<&'a Capture> {
    match (&request.source.verify, request.received.by) {
        (Verify::Captured(capture), Brought::Sender) => Some(capture),
        (Verify::Captured(_), Brought::Capture)
        | (
            Verify::StandardWebhooks { .. }
            | Verify::Signed(_)
            | Verify::SecretHeader { .. }
            | Verify::SecretPath
            | Verify::Basic { .. }
            | Verify::Unsigned { .. },
            _,
        ) => None,
    }
}

/// What a nudge names. Whoever asks has verified the address.
pub(super) fn read(body: &Bytes, capture: &Capture) -> Result<Nudge, Refusal> {
    let malformed = |detail: &str| Refusal::new(RefusalKind::Malformed, detail);
    if depth::check(body, DEPTH_MAX).is_err() {
        return Err(malformed("a nudge is one flat JSON object"));
    }
    let read = serde_json::from_slice::<Body>(body);
    let Body { model, id } = read.map_err(|_| malformed("a nudge is the JSON that Odoo sends: it names _model and _id"))?;
    if !capture.models.contains_key(&model) {
        return Err(malformed("this model is not captured: list its events in the source, or remove the rule in Odoo"));
    }
    Ok(Nudge { model, id })
}

/// The answer: heard, and nothing was accepted.
pub(super) fn heard() -> HandshakeAnswer {
    HandshakeAnswer { status: 204, headers: Vec::new(), body: Bytes::new() }
}
