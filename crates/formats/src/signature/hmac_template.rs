//! The verifier for declared signature schemes: HMAC or Ed25519 over a template of the request.
//!
//! A verifier is made once for a source and used for each request. It must never copy the body to
//! compute an HMAC, and must never accept a request when there is no key.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use http::HeaderMap;

pub use super::scheme::{Algorithm, Encoding, Scheme, SchemeError, Shape, Timestamp, TimestampFormat, TimestampFrom};
pub use super::template::{Segment, Template, TemplateError, TemplateProblem};
use super::{Refusal, Secret, check_fresh, equal_in_constant_time, single};

/// LIMIT: more signatures than any rotation needs; each costs one check for each key.
const SIGNATURES_MAX: usize = 16;

/// The parts of a request that can be signed, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, like `POST`.
    pub method: &'a str,
    /// The request target: path and query, not decoded.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

/// A scheme with its keys, checked and ready. `Debug` does not show the keys.
#[derive(Clone)]
pub struct Verifier {
    scheme: Scheme,
    keys: Vec<Key>,
}

#[derive(Clone)]
enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(ParsedPublicKey),
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// What was found in the signature header.
struct Sent<'a> {
    signatures: Vec<&'a str>,
    timestamp: Option<&'a str>,
}

impl Verifier {
    /// Joins a scheme with the raw bytes of its secrets, the current one first, then the ones
    /// that are being rotated out. With no secret every request is refused.
    pub fn new(scheme: Scheme, secrets: &[Secret]) -> Result<Self, SchemeError> {
        scheme.check()?;
        let keys = secrets.iter().map(|secret| Key::new(scheme.algorithm, secret));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { scheme, keys })
    }

    /// The scheme this verifier was made from.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Verifies a request: one of its signatures must be by one of the keys, and its timestamp,
    /// where the scheme has one, close enough to `now_s` (unix seconds).
    pub fn verify(&self, request: &Request<'_>, now_s: i64) -> Result<(), Refusal> {
        if self.keys.is_empty() {
            return Err(Refusal::NoSecret);
        }
        let sent = self.read_header(single(request.headers, self.scheme.header.as_str())?)?;
        let timestamp = self.timestamp(request, &sent, now_s)?;
        let decoded = self.decode(&sent)?;
        let parts = self.parts(request, timestamp)?;
        if self.keys.iter().any(|key| key.matches_any(&parts, &decoded)) { Ok(()) } else { Err(Refusal::Mismatch) }
    }

    /// Computes the value of the signature header for a request, with the first key.
    ///
    /// `timestamp` is the text for `{timestamp}`, in the format of the scheme; the headers that
    /// the template names must be in the request. A scheme with Ed25519 has no key that signs and
    /// gives [`Refusal::NoSecret`].
    pub fn sign(&self, request: &Request<'_>, timestamp: &str) -> Result<String, Refusal> {
        let Some(Key::Hmac(key)) = self.keys.first() else { return Err(Refusal::NoSecret) };
        let tag = tag(key, &self.parts(request, timestamp)?);
        let signature = self.scheme.encoding.encode(tag.as_ref());
        Ok(match &self.scheme.shape {
            Shape::Whole { prefix } => format!("{prefix}{signature}"),
            Shape::Fields { separator, keys } => {
                let signature = keys.first().map(|key| format!("{key}={signature}"));
                let from = self.scheme.timestamp.as_ref().map(|timestamp| &timestamp.from);
                let timestamp = match from {
                    Some(TimestampFrom::Field(key)) => Some(format!("{key}={timestamp}")),
                    Some(TimestampFrom::Header(_)) | None => None,
                };
                let fields: Vec<String> = timestamp.into_iter().chain(signature).collect();
                fields.join(&separator.to_string())
            }
        })
    }

    fn malformed(&self, why: &'static str) -> Refusal {
        Refusal::Malformed { header: self.scheme.header.to_string(), why }
    }

    fn read_header<'a>(&self, value: &'a str) -> Result<Sent<'a>, Refusal> {
        let (separator, keys) = match &self.scheme.shape {
            Shape::Fields { separator, keys } => (*separator, keys),
            Shape::Whole { prefix } => {
                let signature = value.strip_prefix(prefix.as_str());
                let signature = signature.ok_or_else(|| self.malformed("it does not begin with the expected prefix"))?;
                return Ok(Sent { signatures: vec![signature], timestamp: None });
            }
        };
        let from = self.scheme.timestamp.as_ref().map(|timestamp| &timestamp.from);
        let mut sent = Sent { signatures: Vec::new(), timestamp: None };
        for field in value.split(separator) {
            let Some((key, value)) = field.trim().split_once('=') else { continue };
            if matches!(from, Some(TimestampFrom::Field(name)) if name == key) {
                if sent.timestamp.replace(value).is_some() {
                    return Err(self.malformed("it has more than one timestamp"));
                }
            } else if keys.iter().any(|name| name == key) {
                sent.signatures.push(value);
            }
        }
        if sent.signatures.len() > SIGNATURES_MAX {
            return Err(self.malformed("it holds more than 16 signatures"));
        }
        if sent.signatures.is_empty() {
            return Err(Refusal::NoKnownSignature(self.scheme.header.to_string()));
        }
        Ok(sent)
    }

    /// The text of the timestamp, checked to be fresh; `""` where the scheme has none.
    fn timestamp<'a>(&self, request: &Request<'a>, sent: &Sent<'a>, now_s: i64) -> Result<&'a str, Refusal> {
        let Some(rule) = &self.scheme.timestamp else { return Ok("") };
        let (header, text) = match &rule.from {
            TimestampFrom::Header(name) => (name, single(request.headers, name.as_str())?),
            TimestampFrom::Field(_) => {
                let text = sent.timestamp;
                let text = text.ok_or_else(|| self.malformed("it has no timestamp field"))?;
                (&self.scheme.header, text)
            }
        };
        let timestamp_s = rule.format.parse(text).ok_or_else(|| Refusal::Malformed {
            header: header.to_string(),
            why: "the timestamp is not in the declared format",
        })?;
        check_fresh(timestamp_s, now_s, rule.tolerance_s)?;
        Ok(text)
    }

    fn decode(&self, sent: &Sent<'_>) -> Result<Vec<Vec<u8>>, Refusal> {
        let decoded = sent.signatures.iter().filter_map(|text| self.scheme.encoding.decode(text));
        let decoded: Vec<Vec<u8>> = decoded.collect();
        if decoded.is_empty() {
            return Err(self.malformed("the signature is not in the declared encoding"));
        }
        Ok(decoded)
    }

    /// The signed text in parts that borrow from the request.
    fn parts<'a>(&'a self, request: &Request<'a>, timestamp: &'a str) -> Result<Vec<&'a [u8]>, Refusal> {
        let part = |segment: &'a Segment| {
            Ok(match segment {
                Segment::Literal(text) => text.as_bytes(),
                Segment::Timestamp => timestamp.as_bytes(),
                Segment::Body => request.body,
                Segment::Method => request.method.as_bytes(),
                Segment::Path => request.path.as_bytes(),
                Segment::Header(name) => single(request.headers, name.as_str())?.as_bytes(),
                Segment::Id => {
                    let name = self.scheme.id.as_ref().expect("Scheme::check asks for it");
                    single(request.headers, name.as_str())?.as_bytes()
                }
            })
        };
        self.scheme.template.segments().iter().map(part).collect()
    }
}

impl Key {
    fn new(algorithm: Algorithm, secret: &Secret) -> Result<Self, SchemeError> {
        if secret.is_empty() {
            return Err(SchemeError::EmptySecret);
        }
        let algorithm = match algorithm {
            Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::HmacSha256 => hmac::HMAC_SHA256,
            Algorithm::HmacSha512 => hmac::HMAC_SHA512,
            Algorithm::Ed25519 => {
                let key = ParsedPublicKey::new(&ED25519, secret.expose());
                return key.map(Self::Ed25519).map_err(|_| SchemeError::NotEd25519);
            }
        };
        Ok(Self::Hmac(Box::new(hmac::Key::new(algorithm, secret.expose()))))
    }

    fn matches_any(&self, parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        match self {
            Self::Hmac(key) => {
                let expected = tag(key, parts);
                signatures.iter().any(|sent| equal_in_constant_time(sent, expected.as_ref()))
            }
            Self::Ed25519(key) => {
                // Ed25519 reads its message twice, so it has to be in one piece.
                let message = match parts {
                    [body] => Cow::Borrowed(*body),
                    _ => Cow::Owned(parts.concat()),
                };
                signatures.iter().any(|sent| key.verify_sig(&message, sent).is_ok())
            }
        }
    }
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests;
