//! Requests as a sender of a source would make them: with the proof that the source asks for. Used to try sources out and by
//! the tests of projects. It signs with the codecs that verify, and it never shows a secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use formats::signature::Secret;
use formats::signature::hmac_template::{Algorithm, Request, Scheme, TimestampFormat, TimestampFrom, Verifier};
use formats::signature::standard_webhooks::{self, SigningKey};
use http::{HeaderMap, HeaderName, HeaderValue};
use model::Timestamp;
use policy::compiled::{Source, Verify};

/// A request to a source. What a header says already is never changed, so that a wrong proof can be sent too.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Header names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The path below `/in/SOURCE`, with its leading slash, or empty.
    pub(crate) path: String,
    /// The body.
    pub(crate) body: Bytes,
}

impl Call {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Puts a header where there is none of this name.
    pub(crate) fn put(&mut self, name: &str, value: impl Into<String>) {
        if self.header(name).is_none() {
            self.headers.push((name.to_owned(), value.into()));
        }
    }
}

/// How a proof is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a> {
    /// The secret's value, if there is one.
    pub(crate) secret: Option<&'a Secret>,
    /// The time that it is signed with.
    pub(crate) at: Timestamp,
    /// The message's id, where the scheme signs one and the request has none.
    pub(crate) id: &'a str,
}

/// Whether a source's proof needs a key that only its sender has.
pub(crate) fn only_sender_can_sign(source: &Source) -> bool {
    match &source.verify {
        Verify::Signed(scheme) => scheme.algorithm == Algorithm::Ed25519,
        Verify::StandardWebhooks { .. }
        | Verify::SecretHeader { .. }
        | Verify::SecretPath
        | Verify::Captured(_)
        | Verify::Basic { .. }
        | Verify::Unsigned { .. } => false,
    }
}

/// Puts the proof into a request. Says in words why there can be none.
pub(crate) fn sign(source: &Source, proof: Proof<'_>, call: &mut Call) -> Result<(), String> {
    match &source.verify {
        Verify::Unsigned { .. } => Ok(()),
        Verify::StandardWebhooks { .. } => webhook(proof, call),
        Verify::Signed(scheme) => signed(source, scheme, proof, call),
        Verify::SecretHeader { header } => {
            let scheme = if header == "authorization" { "Bearer " } else { "" };
            let value = format!("{scheme}{}", text(proof)?);
            call.put(header, value);
            Ok(())
        }
        Verify::SecretPath | Verify::Captured(_) => {
            if call.path.is_empty() {
                call.path = format!("/{}", text(proof)?);
            }
            Ok(())
        }
        Verify::Basic { user } => {
            let pair = STANDARD.encode(format!("{user}:{}", text(proof)?));
            call.put("authorization", format!("Basic {pair}"));
            Ok(())
        }
    }
}

fn secret(proof: Proof<'_>) -> Result<&Secret, String> {
    proof.secret.ok_or_else(|| "its secret has no value".to_owned())
}

fn text(proof: Proof<'_>) -> Result<&str, String> {
    std::str::from_utf8(secret(proof)?.expose()).map_err(|_| "its secret is no text".to_owned())
}

fn webhook(proof: Proof<'_>, call: &mut Call) -> Result<(), String> {
    call.put(standard_webhooks::ID, proof.id);
    call.put(standard_webhooks::TIMESTAMP, proof.at.secs().to_string());
    if call.header(standard_webhooks::SIGNATURE).is_some() {
        return Ok(());
    }
    let key = SigningKey::parse(text(proof)?).map_err(|error| format!("its secret is no Standard Webhooks key: {error}"))?;
    let id = call.header(standard_webhooks::ID).unwrap_or_default();
    let timestamp = call.header(standard_webhooks::TIMESTAMP).unwrap_or_default();
    let timestamp = timestamp.parse().map_err(|_| "webhook-timestamp is no number".to_owned())?;
    let signature = standard_webhooks::sign(id, timestamp, &call.body, &[key]).map_err(|error| error.to_string())?;
    call.put(standard_webhooks::SIGNATURE, signature);
    Ok(())
}

fn signed(source: &Source, scheme: &Scheme, proof: Proof<'_>, call: &mut Call) -> Result<(), String> {
    if call.header(scheme.header.as_str()).is_some() {
        return Ok(());
    }
    if let Some(id) = &scheme.id {
        call.put(id.as_str(), proof.id);
    }
    let timestamp = timestamp(scheme, proof.at, call);
    let verifier = Verifier::new(scheme.clone(), std::slice::from_ref(secret(proof)?)).map_err(|error| error.to_string())?;
    let headers = headers(call)?;
    let path = format!("/in/{}{}", source.name, call.path);
    let request = Request { method: "POST", path: &path, headers: &headers, body: &call.body };
    let signature = verifier.sign(&request, &timestamp).map_err(|refusal| match scheme.algorithm {
        Algorithm::Ed25519 => "only its sender has the key that signs (Ed25519)".to_owned(),
        Algorithm::HmacSha1 | Algorithm::HmacSha256 | Algorithm::HmacSha512 => refusal.to_string(),
    })?;
    call.put(scheme.header.as_str(), signature);
    Ok(())
}

/// The timestamp as it is signed; in its header, where it has one of its own.
fn timestamp(scheme: &Scheme, at: Timestamp, call: &mut Call) -> String {
    let Some(rule) = &scheme.timestamp else { return String::new() };
    let written = match rule.format {
        TimestampFormat::Seconds => at.secs().to_string(),
        TimestampFormat::Millis => at.millis().to_string(),
        TimestampFormat::Rfc3339 => at.to_string(),
    };
    match &rule.from {
        TimestampFrom::Field(_) => written,
        TimestampFrom::Header(name) => {
            call.put(name.as_str(), written);
            call.header(name.as_str()).unwrap_or_default().to_owned()
        }
    }
}

fn headers(call: &Call) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(call.headers.len());
    for (name, value) in &call.headers {
        let line = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, value) = line.ok_or_else(|| format!("{name:?} is no header line of HTTP"))?;
        map.append(name, value);
    }
    Ok(map)
}
