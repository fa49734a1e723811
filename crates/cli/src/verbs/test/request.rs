//! The request of a test, signed with a test secret as its source asks for it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use engine::intake::Verifiers;
use engine::keyring::Keyring;
use formats::signature::Secret;
use model::event::Brought;
use model::{Digest, Owner, Received, SecretName, TimeSpan, Timestamp};
use policy::Policy;
use policy::compiled::{Format, KEY_HEADER, Source, Verify};
use policy::specs::{Given, GivenBody};

use crate::signing::{Call, Proof, only_sender_can_sign, sign};

/// When a request arrives where its test does not say: 2026-01-01T00:00:00Z.
const WHEN: Timestamp = Timestamp::from_secs(1_767_225_600);
/// What ids are made from: the same in every run.
const SEED: u64 = 7;

/// Test secrets and the proofs that follow from them.
pub(super) struct Proofs {
    pub(super) verifiers: Verifiers,
    keys: Keyring,
}

impl Proofs {
    /// A secret for every name. A source whose key only its sender has is tested without a proof.
    pub(super) fn new(policy: &mut Policy) -> Self {
        for source in policy.sources.values_mut().filter(|source| only_sender_can_sign(source)) {
            if let Some(source) = Arc::get_mut(source) {
                let owner = Owner::new("test").expect("a literal name");
                source.verify = Verify::Unsigned { owner, until: Timestamp::NEVER };
            }
        }
        let names = server::secrets::names(policy);
        let keys = Keyring::from_pairs(names.into_iter().map(|name| {
            let value = test_secret(&name);
            (name, value)
        }));
        Self { verifiers: Verifiers::new(policy, &keys), keys }
    }
}

/// Sixty-four hexadecimal digits: a key of every scheme, also as a part of a path.
fn test_secret(name: &SecretName) -> Secret {
    Secret::new(Digest::of_fields(&[b"test secret", name.as_str().as_bytes()]).to_string())
}

/// The request, or why there can be none.
pub(super) fn make(given: &Given, folder: &Path, policy: &Policy, proofs: &Proofs) -> Result<Received, String> {
    let source =
        policy.sources.get(&given.source.value).ok_or_else(|| format!("there is no source {}", given.source.value))?;
    let at = given.at.unwrap_or_else(|| when(source));
    let mut call = Call { headers: given.headers.clone(), path: String::new(), body: body(&given.body, folder)? };
    call.put("content-type", media_type(source, &call));
    let by = match source.captured() {
        Some(_) => Brought::Capture,
        None => Brought::Sender,
    };
    match by {
        Brought::Capture => call.put(KEY_HEADER, "test"),
        Brought::Sender => {
            let secret = proofs.keys.values(&source.secrets).next();
            sign(source, Proof { secret, at, id: "test" }, &mut call)?;
        }
    }
    Ok(Received {
        source: source.name.clone(),
        at,
        headers: model::event::headers(call.headers).map_err(|error| format!("the headers: {error}"))?,
        method: "POST".to_owned(),
        path: call.path,
        query: String::new(),
        body: call.body,
        peer: Some(source.allow_from.first().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |network| network.address)),
        seed: SEED,
        by,
    })
}

/// An unsigned source is tested while its permission holds.
fn when(source: &Source) -> Timestamp {
    match &source.verify {
        Verify::Unsigned { until, .. } => WHEN.min(*until - TimeSpan::from_secs(1)),
        Verify::StandardWebhooks { .. }
        | Verify::Signed(_)
        | Verify::SecretHeader { .. }
        | Verify::SecretPath
        | Verify::Captured(_)
        | Verify::Basic { .. } => WHEN,
    }
}

fn body(body: &GivenBody, folder: &Path) -> Result<Bytes, String> {
    match body {
        GivenBody::Json(value) => Ok(Bytes::from(value.to_string())),
        GivenBody::Text(text) => Ok(Bytes::from(text.clone())),
        GivenBody::File(path) => {
            std::fs::read(folder.join(&path.value)).map(Bytes::from).map_err(|error| format!("{}: {error}", path.value))
        }
    }
}

/// A source of `CloudEvents` gets a body with an envelope as one, unless the test says what it is.
fn media_type(source: &Source, call: &Call) -> &'static str {
    let has_envelope =
        || serde_json::from_slice::<serde_json::Value>(&call.body).is_ok_and(|body| body.get("specversion").is_some());
    if source.format == Format::CloudEvents && call.header("ce-specversion").is_none() && has_envelope() {
        "application/cloudevents+json"
    } else {
        "application/json"
    }
}
