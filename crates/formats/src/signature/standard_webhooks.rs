//! Standard Webhooks: signing and verifying `webhook-id`, `webhook-timestamp`, `webhook-signature`.
//!
//! The signed text is `id.timestamp.body`; `v1` is HMAC-SHA256, `v1a` is Ed25519. This must never
//! re-serialise a body: what is signed is the raw bytes. Source: standard-webhooks.md.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use thiserror::Error;

use super::{Refusal, check_fresh, single};

/// The header with the id of the message; it stays the same when the message is sent again.
pub const ID: &str = "webhook-id";
/// The header with the time of this attempt in unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, each `version,base64`, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";
/// The tolerance of all the official libraries, in seconds, both ways.
pub const TOLERANCE_S: u32 = 300;

/// LIMIT: more signatures than any rotation needs; each Ed25519 check costs tens of microseconds.
const SIGNATURES_MAX: usize = 16;
/// LIMIT: the id is a header value and a key in stores.
const ID_BYTES_MAX: usize = 256;

/// Secrets are made by people and consoles: padding and unused last bits do not matter.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a text is not a key. The text itself is never part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The part after the prefix is not base64.
    #[error("the key is not base64 after its prefix")]
    NotBase64,
    /// The number of bytes is not what this kind of key has.
    #[error("a {kind} key has {expected} bytes, this one has {actual}")]
    Length {
        /// The prefix of this kind of key.
        kind: &'static str,
        /// The allowed number of bytes, in words.
        expected: &'static str,
        /// The number of bytes that were given.
        actual: usize,
    },
    /// The bytes are not a key of the curve, or public and private part do not belong together.
    #[error("the bytes are not a valid Ed25519 key")]
    NotEd25519,
    /// A public key was given where one that can sign is needed.
    #[error("a public key (whpk_) cannot sign")]
    CannotSign,
}

/// A key that signs: `whsec_…` (HMAC-SHA256) or `whsk_…` (Ed25519). `Debug` shows the kind only.
#[derive(Clone)]
pub struct SigningKey(Signing);

#[derive(Clone)]
enum Signing {
    Hmac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads `whsec_` + base64 of 24 to 64 bytes, the same without the prefix, or `whsk_` + base64
    /// of 32 bytes (seed) or 64 bytes (seed and public key).
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.starts_with("whpk_") {
            return Err(KeyError::CannotSign);
        }
        let Some(encoded) = text.strip_prefix("whsk_") else {
            return Ok(Self(Signing::Hmac(Box::new(hmac_key(text)?))));
        };
        let bytes = LENIENT.decode(encoded).map_err(|_| KeyError::NotBase64)?;
        let pair = match bytes.split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) if public.len() == 32 => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            _ => {
                let actual = bytes.len();
                return Err(KeyError::Length { kind: "whsk_", expected: "32 or 64", actual });
            }
        };
        Ok(Self(Signing::Ed25519(pair.map_err(|_| KeyError::NotEd25519)?)))
    }

    fn sign(&self, parts: &[&[u8]]) -> String {
        match &self.0 {
            Signing::Hmac(key) => format!("v1,{}", STANDARD.encode(tag(key, parts))),
            Signing::Ed25519(pair) => {
                format!("v1a,{}", STANDARD.encode(pair.sign(&parts.concat())))
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Signing::Hmac(_) => "SigningKey(whsec hidden)",
            Signing::Ed25519(_) => "SigningKey(whsk hidden)",
        })
    }
}

/// A key that verifies: `whsec_…`, `whpk_…`, or the public half of a `whsk_…`. `Debug` shows the
/// kind only.
#[derive(Clone)]
pub struct VerifyingKey(Verifying);

#[derive(Clone)]
enum Verifying {
    Hmac(Box<hmac::Key>),
    Ed25519(ParsedPublicKey),
}

impl VerifyingKey {
    /// Reads what [`SigningKey::parse`] reads, and `whpk_` + base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let Some(encoded) = text.strip_prefix("whpk_") else {
            return Ok(Self::of(&SigningKey::parse(text)?));
        };
        let bytes = LENIENT.decode(encoded).map_err(|_| KeyError::NotBase64)?;
        if bytes.len() != 32 {
            let actual = bytes.len();
            return Err(KeyError::Length { kind: "whpk_", expected: "32", actual });
        }
        let key = ParsedPublicKey::new(&ED25519, &bytes).map_err(|_| KeyError::NotEd25519)?;
        Ok(Self(Verifying::Ed25519(key)))
    }

    /// The key that verifies what `key` signs.
    pub fn of(key: &SigningKey) -> Self {
        Self(match &key.0 {
            Signing::Hmac(key) => Verifying::Hmac(key.clone()),
            Signing::Ed25519(pair) => Verifying::Ed25519(
                ParsedPublicKey::new(&ED25519, pair.public_key()).expect("the public half of a key pair is a public key"),
            ),
        })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Verifying::Hmac(_) => "VerifyingKey(whsec hidden)",
            Verifying::Ed25519(_) => "VerifyingKey(whpk hidden)",
        })
    }
}

/// Why a message cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    /// The id is empty, too long, or holds a dot, a space or anything but visible ASCII.
    #[error("a webhook id is 1 to 256 visible ASCII characters without a dot")]
    Id,
    /// The timestamp is before 1970.
    #[error("a webhook timestamp is not negative")]
    Timestamp,
    /// There is no key.
    #[error("there is no key to sign with")]
    NoKey,
}

/// Signs a message; returns the value of the `webhook-signature` header.
///
/// `timestamp_s` is the time of this attempt in unix seconds. One signature for each key, in the
/// order of the keys: put the current key first and the retiring ones after it.
pub fn sign(id: &str, timestamp_s: i64, body: &[u8], keys: &[SigningKey]) -> Result<String, SignError> {
    if !is_id(id) {
        return Err(SignError::Id);
    }
    if timestamp_s < 0 {
        return Err(SignError::Timestamp);
    }
    if keys.is_empty() {
        return Err(SignError::NoKey);
    }
    let timestamp = timestamp_s.to_string();
    let parts = signed_parts(id, &timestamp, body);
    let signatures: Vec<String> = keys.iter().map(|key| key.sign(&parts)).collect();
    Ok(signatures.join(" "))
}

/// The three headers of a request, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
}

impl<'a> Headers<'a> {
    /// Finds the three headers. Each must be there exactly once.
    pub fn from_map(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        Ok(Self { id: single(headers, ID)?, timestamp: single(headers, TIMESTAMP)?, signature: single(headers, SIGNATURE)? })
    }
}

/// Verifies a request: one of its signatures must be by one of the keys, and its timestamp within
/// `tolerance_s` seconds of `now_s` (unix seconds), before or after.
///
/// Signatures of an unknown version, or that cannot be decoded, count as absent.
pub fn verify(
    headers: Headers<'_>,
    body: &[u8],
    now_s: i64,
    tolerance_s: u32,
    keys: &[VerifyingKey],
) -> Result<(), Refusal> {
    let malformed = |header: &str, why| Refusal::Malformed { header: header.to_owned(), why };
    if keys.is_empty() {
        return Err(Refusal::NoSecret);
    }
    if !is_id(headers.id) {
        return Err(malformed(ID, "it is not 1 to 256 visible ASCII characters without a dot"));
    }
    let is_number = headers.timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let timestamp_s = headers.timestamp.parse().ok().filter(|_| is_number);
    let timestamp_s = timestamp_s.ok_or_else(|| malformed(TIMESTAMP, "it is not an integer"))?;
    check_fresh(timestamp_s, now_s, tolerance_s)?;
    let signatures = Signatures::parse(headers.signature)?;
    if signatures.hmac.is_empty() && signatures.ed25519.is_empty() {
        return Err(Refusal::NoKnownSignature(SIGNATURE.to_owned()));
    }
    let parts = signed_parts(headers.id, headers.timestamp, body);
    if signatures.match_any(&parts, keys) { Ok(()) } else { Err(Refusal::Mismatch) }
}

/// The decoded signatures of a header, by version.
struct Signatures {
    hmac: Vec<Vec<u8>>,
    ed25519: Vec<Vec<u8>>,
}

impl Signatures {
    fn parse(header: &str) -> Result<Self, Refusal> {
        let mut signatures = Self { hmac: Vec::new(), ed25519: Vec::new() };
        for (index, entry) in header.split_ascii_whitespace().enumerate() {
            if index == SIGNATURES_MAX {
                let why = "it holds more than 16 signatures";
                return Err(Refusal::Malformed { header: SIGNATURE.to_owned(), why });
            }
            let Some((version, encoded)) = entry.split_once(',') else { continue };
            let Ok(signature) = STANDARD.decode(encoded) else { continue };
            match version {
                "v1" => signatures.hmac.push(signature),
                "v1a" => signatures.ed25519.push(signature),
                _ => {}
            }
        }
        Ok(signatures)
    }

    fn match_any(&self, parts: &[&[u8]], keys: &[VerifyingKey]) -> bool {
        let contiguous = if self.ed25519.is_empty() { Vec::new() } else { parts.concat() };
        keys.iter().any(|key| match &key.0 {
            Verifying::Hmac(_) if self.hmac.is_empty() => false,
            Verifying::Hmac(key) => {
                let expected = tag(key, parts);
                self.hmac.iter().any(|sent| super::equal_in_constant_time(sent, expected.as_ref()))
            }
            Verifying::Ed25519(key) => self.ed25519.iter().any(|sent| key.verify_sig(&contiguous, sent).is_ok()),
        })
    }
}

fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(allowed)
}

fn signed_parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

fn hmac_key(text: &str) -> Result<hmac::Key, KeyError> {
    let encoded = text.strip_prefix("whsec_").unwrap_or(text);
    let bytes = LENIENT.decode(encoded).map_err(|_| KeyError::NotBase64)?;
    if !(24..=64).contains(&bytes.len()) {
        let actual = bytes.len();
        return Err(KeyError::Length { kind: "whsec_", expected: "24 to 64", actual });
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests;
