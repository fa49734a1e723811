//! The declaration of a signature scheme: what a source of webhooks says about its signatures.
//!
//! A scheme that proves nothing (the body is not signed, a timestamp is not signed) is refused
//! here; it must never reach a request.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderName;
use thiserror::Error;

use super::template::{Segment, Template};
use crate::instant;

const INDIFFERENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, INDIFFERENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, INDIFFERENT);

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-1 (20 bytes); for senders that offer nothing better.
    HmacSha1,
    /// HMAC with SHA-256 (32 bytes).
    HmacSha256,
    /// HMAC with SHA-512 (64 bytes).
    HmacSha512,
    /// Ed25519 (RFC 8032, 64 bytes); the secret is the public key, 32 bytes raw or SPKI in DER.
    Ed25519,
}

/// How a signature is written in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two hex digits for each byte; read in upper and lower case, written in lower case.
    Hex,
    /// RFC 4648 section 4; read with and without padding, written with it.
    Base64,
    /// RFC 4648 section 5; read with and without padding, written with it.
    Base64Url,
}

impl Encoding {
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Base64Url => BASE64_URL.decode(text).ok(),
        }
    }

    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => BASE64.encode(bytes),
            Self::Base64Url => BASE64_URL.encode(bytes),
        }
    }
}

/// What stands in the signature header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One signature after a fixed prefix, `""` for none; like `sha256=…`.
    Whole {
        /// The text before the signature, case-sensitive.
        prefix: String,
    },
    /// A list of `key=value`, like Stripe's `t=…,v1=…,v1=…`.
    Fields {
        /// The character between two fields; white space around a field is ignored.
        separator: char,
        /// The keys whose values are signatures; one that matches is enough.
        keys: Vec<String>,
    },
}

/// Where the timestamp is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimestampFrom {
    /// A header of its own.
    Header(HeaderName),
    /// The field of this key in the signature header ([`Shape::Fields`] only).
    Field(String),
}

/// How the timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Unix time in seconds, digits only.
    Seconds,
    /// Unix time in milliseconds, digits only.
    Millis,
    /// An RFC 3339 instant.
    Rfc3339,
}

impl TimestampFormat {
    /// The timestamp in unix seconds.
    pub(super) fn parse(self, text: &str) -> Option<i64> {
        let digits = || text.parse::<i64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        match self {
            Self::Seconds => digits(),
            Self::Millis => digits().map(|millis| millis.div_euclid(1000)),
            Self::Rfc3339 => instant::rfc3339(text),
        }
    }
}

/// The timestamp of a scheme and how far from now it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// Where it is read from.
    pub from: TimestampFrom,
    /// How it is written.
    pub format: TimestampFormat,
    /// How far it may be from now, before or after, in seconds.
    pub tolerance_s: u32,
}

/// A signature scheme, as declared for a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// How the signature is made.
    pub algorithm: Algorithm,
    /// How it is written.
    pub encoding: Encoding,
    /// The header it is sent in.
    pub header: HeaderName,
    /// What stands in this header.
    pub shape: Shape,
    /// The text that is signed.
    pub template: Template,
    /// The header that `{id}` stands for.
    pub id: Option<HeaderName>,
    /// The timestamp, where the scheme has one.
    pub timestamp: Option<Timestamp>,
}

/// Why a scheme, or a secret for it, cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SchemeError {
    /// The template has no `{body}`.
    #[error("the template does not sign the body; add {{body}}")]
    BodyNotSigned,
    /// The template has `{id}` and the scheme names no header for it.
    #[error("the template signs {{id}}, but no id header is declared")]
    IdNotDeclared,
    /// The template has `{timestamp}` and the scheme has no timestamp.
    #[error("the template signs {{timestamp}}, but no timestamp is declared")]
    TimestampNotDeclared,
    /// The scheme has a timestamp that the signature does not cover: anyone could renew it.
    #[error("a timestamp is declared, but the template does not sign it")]
    TimestampNotSigned,
    /// The timestamp or the signatures are in fields of a header that has none.
    #[error("the timestamp is in a field of the signature header, which is not a list of fields")]
    NoFields,
    /// The list has no key for signatures, an empty key, or a separator that is part of a value.
    #[error("a list of fields needs a key for the signature and a separator such as a comma")]
    Fields,
    /// The signature header is part of the signed text.
    #[error("the template signs the signature header itself")]
    SignatureSigned,
    /// One of the secrets is empty.
    #[error("a secret is empty")]
    EmptySecret,
    /// One of the secrets is not an Ed25519 public key.
    #[error("the secret is not an Ed25519 public key of 32 bytes")]
    NotEd25519,
}

impl Scheme {
    /// Checks that the parts of the scheme fit together and that a signature proves something.
    pub fn check(&self) -> Result<(), SchemeError> {
        let signs = |segment| self.template.contains(&segment);
        if !signs(Segment::Body) {
            return Err(SchemeError::BodyNotSigned);
        }
        if signs(Segment::Id) && self.id.is_none() {
            return Err(SchemeError::IdNotDeclared);
        }
        if signs(Segment::Header(self.header.clone())) {
            return Err(SchemeError::SignatureSigned);
        }
        if let Shape::Fields { separator, keys } = &self.shape {
            // The characters of base64 and of `key=` cannot separate fields.
            let is_usable = !separator.is_ascii_alphanumeric() && !"+/-_=".contains(*separator);
            if !is_usable || keys.is_empty() || keys.iter().any(String::is_empty) {
                return Err(SchemeError::Fields);
            }
        }
        let Some(timestamp) = &self.timestamp else {
            let is_signed = signs(Segment::Timestamp);
            return if is_signed { Err(SchemeError::TimestampNotDeclared) } else { Ok(()) };
        };
        let is_signed_as_header = match &timestamp.from {
            TimestampFrom::Header(name) => signs(Segment::Header(name.clone())),
            TimestampFrom::Field(_) if matches!(self.shape, Shape::Whole { .. }) => {
                return Err(SchemeError::NoFields);
            }
            TimestampFrom::Field(_) => false,
        };
        if !signs(Segment::Timestamp) && !is_signed_as_header {
            return Err(SchemeError::TimestampNotSigned);
        }
        Ok(())
    }
}
