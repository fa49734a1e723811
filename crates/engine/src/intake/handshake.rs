//! Requests that are answered and admit nothing: challenges, test calls, the `OPTIONS` of `CloudEvents` webhooks. Each
//! is answered only where the source declares it.
//!
//! A test call that its sender signs is verified like any other request. One that no sender signs (a challenge, the
//! form of `WooCommerce`, `OPTIONS`) must at least name the secret address, where the address is the secret.

use std::num::NonZeroU32;

use bytes::Bytes;
use formats::cloudevents::handshake as webhook;
use http::{HeaderMap, HeaderValue};
use model::{Refusal, RefusalKind};
use percent_encoding::percent_decode;
use policy::compiled::{Handshake, Rate, Source};

use super::request::Request;

/// LIMIT: a challenge is echoed, so it is kept short.
const CHALLENGE_BYTES_MAX: usize = 1024;

/// The answer to a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; never more than what was asked to be echoed.
    pub body: Bytes,
}

/// The methods that a source answers: `POST`, and those of its handshakes.
pub(super) fn methods(source: &Source) -> Vec<&'static str> {
    let of = |handshake: &Handshake| match handshake {
        Handshake::Challenge { .. } => Some("GET"),
        Handshake::CloudEvents => Some("OPTIONS"),
        Handshake::Ping { .. } | Handshake::FormPing { .. } => None,
    };
    std::iter::once("POST").chain(source.handshake.iter().filter_map(of)).collect()
}

/// Refused where the source answers no such method.
pub(super) fn check_method(source: &Source, method: &str) -> Result<(), Refusal> {
    if methods(source).contains(&method) {
        return Ok(());
    }
    let detail = format!("events are sent with POST, and {} declares no handshake with {method}", source.name);
    Err(Refusal::new(RefusalKind::WrongMethod, detail))
}

/// The answer to a request that nobody signs, where it is one.
pub(super) fn unsigned(request: &Request<'_>) -> Result<Option<HandshakeAnswer>, Refusal> {
    check_method(request.source, &request.received.method)?;
    match request.received.method.as_str() {
        "GET" => challenge(request).map(Some),
        "OPTIONS" => options(request).map(Some),
        _ => Ok(declared_form(request).then(ok)),
    }
}

/// The answer to a test call that was verified, where it is one.
pub(super) fn ping(request: &Request<'_>) -> Option<HandshakeAnswer> {
    let is_ping = request.source.handshake.iter().any(|handshake| match handshake {
        Handshake::Ping { header, equals } => {
            request.header(header).is_some_and(|value| equals.is_empty() || value == equals)
        }
        Handshake::Challenge { .. } | Handshake::FormPing { .. } | Handshake::CloudEvents => false,
    });
    is_ping.then(ok)
}

fn ok() -> HandshakeAnswer {
    HandshakeAnswer { status: 200, headers: Vec::new(), body: Bytes::new() }
}

/// Echoes the query value as text that no browser takes for a page.
fn challenge(request: &Request<'_>) -> Result<HandshakeAnswer, Refusal> {
    let wanted = |handshake: &Handshake| match handshake {
        Handshake::Challenge { query } => query_value(&request.received.query, query),
        Handshake::Ping { .. } | Handshake::FormPing { .. } | Handshake::CloudEvents => None,
    };
    let missing = || Refusal::new(RefusalKind::Malformed, "the query has nothing to answer");
    let value = request.source.handshake.iter().find_map(wanted).ok_or_else(missing)?;
    if value.len() > CHALLENGE_BYTES_MAX {
        return Err(Refusal::new(RefusalKind::Malformed, "the challenge is too long"));
    }
    let headers = [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(HandshakeAnswer { status: 200, headers: headers.into(), body: Bytes::from(value) })
}

/// The first value of a query parameter, decoded as forms are.
fn query_value(query: &str, name: &str) -> Option<String> {
    let decode = |text: &str| percent_decode(text.replace('+', " ").as_bytes()).decode_utf8().ok().map(String::from);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| decode(key).as_deref() == Some(name)).and_then(|(_, value)| decode(value))
}

/// Whether the body is the one form field that marks a test call, and nothing else.
fn declared_form(request: &Request<'_>) -> bool {
    let is_form = request.header("content-type").is_some_and(|content_type| {
        let essence = content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let is_field = |field: &str| {
        let value = request.received.body.strip_prefix(field.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        value.is_some_and(|value| !value.contains(&b'&'))
    };
    is_form
        && request.source.handshake.iter().any(|handshake| match handshake {
            Handshake::FormPing { field } => is_field(field),
            Handshake::Challenge { .. } | Handshake::Ping { .. } | Handshake::CloudEvents => false,
        })
}

/// Permission for any origin: who may send is decided by the signature and the address, not by a name that is claimed.
fn options(request: &Request<'_>) -> Result<HandshakeAnswer, Refusal> {
    let malformed = |error: formats::cloudevents::Error| Refusal::new(RefusalKind::Malformed, error.to_string());
    let asked = webhook::Request::from_headers(&request.received.headers).map_err(malformed)?;
    let rate = request.source.limits.rate.and_then(per_minute);
    let headers = webhook::answer(&asked, &["*"], rate).map_err(malformed)?;
    Ok(HandshakeAnswer { status: 200, headers: pairs(&headers), body: Bytes::new() })
}

fn per_minute(rate: Rate) -> Option<NonZeroU32> {
    let per_minute = (rate.per_s * 60.0).clamp(1.0, f64::from(u32::MAX)).floor();
    format!("{per_minute:.0}").parse().ok()
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
