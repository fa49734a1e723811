//! Who sent a request: what each source needs to find out, made ready once for a policy and a keyring.
//!
//! It fails closed: a source whose secrets have no usable value lets nothing in. Signatures are verified over the bytes
//! as they came. A scheme with a timestamp refuses what is outside of its tolerance. One without (Shopify, GitHub,
//! secrets sent as they are) has the key registry as its guard: what comes again unchanged within
//! [`model::limit::KEY_WINDOW`] is a duplicate. LIMIT: where the key is in a header that the scheme does not sign, who
//! has captured a request can send its body again under another key; a key from the body closes that.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use formats::signature::basic::{self, Credential};
use formats::signature::hmac_template::{Algorithm, Request as Signed, Scheme, Segment, Verifier};
use formats::signature::standard_webhooks::{self, VerifyingKey};
use formats::signature::{Refusal as Unproven, Secret};
use model::event::Brought;
use model::{Received, Refusal, RefusalKind, SecretName, SourceName, TimeSpan, Timestamp};
use policy::Policy;
use policy::compiled::{Source, Verify};

use crate::keyring::Keyring;

/// The proofs of all sources of a policy, with their keys. Made again when the policy or the keyring changes: keys cost
/// more to set up than a small body costs to verify. `Debug` does not show keys.
#[derive(Debug, Default)]
pub struct Verifiers {
    proofs: BTreeMap<SourceName, Proof>,
}

/// What a source asks of a request.
#[derive(Debug)]
enum Proof {
    Webhooks {
        keys: Vec<VerifyingKey>,
        tolerance_s: u32,
    },
    Signed(Box<Verifier>),
    Header {
        header: String,
        secrets: Vec<Secret>,
    },
    Path {
        secrets: Vec<Secret>,
    },
    Basic {
        accepted: Vec<Credential>,
    },
    /// Only nudges come from outside.
    Captured {
        nudges: Vec<Secret>,
    },
    Unsigned {
        until: Timestamp,
    },
    /// The scheme itself proves nothing; `policy::check` refuses it, so that this is never reached.
    Closed,
}

impl Verifiers {
    /// The proofs of all sources.
    pub fn new(policy: &Policy, keys: &Keyring) -> Self {
        let proofs = policy.sources.iter().map(|(name, source)| (name.clone(), Proof::new(source, keys)));
        Self { proofs: proofs.collect() }
    }

    /// Whether the request is from who it says. `wall` is the time of the machine's clock.
    pub(super) fn verify(&self, received: &Received, wall: Timestamp) -> Result<(), Refusal> {
        let Some(proof) = self.proofs.get(&received.source) else {
            return Err(refusal(&Unproven::NoSecret));
        };
        if let Proof::Unsigned { until } = proof {
            return unsigned(*until, wall);
        }
        proof.verify(received, wall.secs()).map_err(|unproven| refusal(&unproven))
    }

    /// As [`Verifiers::verify`], where the address itself is the secret; everything else passes. For requests that
    /// their senders do not sign.
    pub(super) fn verify_address(&self, received: &Received) -> Result<(), Refusal> {
        match self.proofs.get(&received.source) {
            Some(Proof::Path { secrets } | Proof::Captured { nudges: secrets }) => {
                path_secret(&received.path, secrets).map_err(|unproven| refusal(&unproven))
            }
            Some(
                Proof::Webhooks { .. }
                | Proof::Signed(_)
                | Proof::Header { .. }
                | Proof::Basic { .. }
                | Proof::Unsigned { .. }
                | Proof::Closed,
            )
            | None => Ok(()),
        }
    }
}

impl Proof {
    fn new(source: &Source, keys: &Keyring) -> Self {
        let secrets = || keys.values(&source.secrets).cloned().collect();
        match &source.verify {
            Verify::StandardWebhooks { tolerance } => {
                Self::Webhooks { keys: webhook_keys(&source.secrets, keys), tolerance_s: whole_secs(*tolerance) }
            }
            Verify::Signed(scheme) => Self::signed(scheme, keys.values(&source.secrets)),
            Verify::SecretHeader { header } => Self::Header { header: header.clone(), secrets: secrets() },
            Verify::SecretPath => Self::Path { secrets: secrets() },
            Verify::Captured(_) => Self::Captured { nudges: secrets() },
            Verify::Basic { user } => {
                let accepted = keys.values(&source.secrets);
                let accepted = accepted.map(|secret| Credential { user: user.clone(), password: secret.clone() });
                Self::Basic { accepted: accepted.collect() }
            }
            Verify::Unsigned { owner: _, until } => Self::Unsigned { until: *until },
        }
    }

    /// Secrets that are no key of the scheme are left out, so that a wrong new one does not lock out the old one.
    fn signed<'a>(scheme: &Scheme, secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let usable = |secret: &Secret| Verifier::new(scheme.clone(), std::slice::from_ref(secret)).is_ok();
        let secrets = secrets.map(|secret| key_bytes(scheme.algorithm, secret)).filter(usable);
        let secrets: Vec<Secret> = secrets.collect();
        Verifier::new(scheme.clone(), &secrets).map_or(Self::Closed, |verifier| Self::Signed(Box::new(verifier)))
    }

    fn verify(&self, received: &Received, now_s: i64) -> Result<(), Unproven> {
        let headers = &received.headers;
        match self {
            Self::Webhooks { keys, tolerance_s } => {
                let sent = standard_webhooks::Headers::from_map(headers)?;
                standard_webhooks::verify(sent, &received.body, now_s, *tolerance_s, keys)
            }
            Self::Signed(verifier) => {
                let path = target(verifier.scheme(), received);
                let request = Signed { method: &received.method, path: &path, headers, body: &received.body };
                verifier.verify(&request, now_s)
            }
            Self::Header { header, secrets } => {
                let is_bearer =
                    header == "authorization" && received.header(header).is_some_and(|value| value.starts_with(BEARER));
                basic::verify_shared_secret(headers, header, if is_bearer { BEARER } else { "" }, secrets)
            }
            Self::Path { secrets } => path_secret(&received.path, secrets),
            Self::Captured { .. } => captured(received.by),
            Self::Basic { accepted } => basic::verify(headers, accepted),
            Self::Unsigned { .. } | Self::Closed => Err(Unproven::NoSecret),
        }
    }
}

const BEARER: &str = "Bearer ";

/// The request target as the sender called it, where the scheme signs it.
fn target(scheme: &Scheme, received: &Received) -> String {
    if !scheme.template.contains(&Segment::Path) {
        return String::new();
    }
    let Received { source, path, query, .. } = received;
    if query.is_empty() { format!("/in/{source}{path}") } else { format!("/in/{source}{path}?{query}") }
}

/// What this process read itself needs no proof, and nobody else may bring it.
fn captured(by: Brought) -> Result<(), Unproven> {
    match by {
        Brought::Capture => Ok(()),
        Brought::Sender => Err(Unproven::NoSecret),
    }
}

/// The last part of the path is the secret. All are compared, each in constant time.
fn path_secret(path: &str, secrets: &[Secret]) -> Result<(), Unproven> {
    if secrets.is_empty() {
        return Err(Unproven::NoSecret);
    }
    let sent = Secret::new(path.rsplit('/').next().unwrap_or_default());
    let matches = secrets.iter().filter(|secret| sent == **secret).count();
    if matches > 0 { Ok(()) } else { Err(Unproven::Mismatch) }
}

fn unsigned(until: Timestamp, wall: Timestamp) -> Result<(), Refusal> {
    if wall < until {
        return Ok(());
    }
    let detail = format!("this source could be used without a signature until {until}");
    Err(Refusal::new(RefusalKind::ExpiredPermission, detail))
}

fn webhook_keys(names: &[SecretName], keys: &Keyring) -> Vec<VerifyingKey> {
    let texts = keys.values(names).filter_map(|secret| std::str::from_utf8(secret.expose()).ok());
    texts.filter_map(|text| VerifyingKey::parse(text).ok()).collect()
}

/// The bytes of a key: a secret as it is. A public key, which no environment variable can hold raw, may be in base64.
fn key_bytes(algorithm: Algorithm, secret: &Secret) -> Secret {
    match algorithm {
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha512 => secret.clone(),
        Algorithm::Ed25519 if secret.expose().len() == 32 => secret.clone(),
        Algorithm::Ed25519 => STANDARD.decode(secret.expose()).map_or_else(|_| secret.clone(), Secret::new),
    }
}

fn whole_secs(span: TimeSpan) -> u32 {
    u32::try_from(span.secs()).unwrap_or(u32::MAX)
}

fn refusal(unproven: &Unproven) -> Refusal {
    let kind = match unproven {
        Unproven::Stale { .. } => RefusalKind::StaleTimestamp,
        Unproven::NoSecret
        | Unproven::MissingHeader(_)
        | Unproven::Malformed { .. }
        | Unproven::NoKnownSignature(_)
        | Unproven::Mismatch => RefusalKind::BadSignature,
    };
    Refusal::new(kind, unproven.to_string())
}
