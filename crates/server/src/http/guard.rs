//! The guard before every request: the Host that was asked for, the Origin it comes from, and who asks.
//!
//! A page of another site can make a browser send requests to this machine. It cannot choose the Host of the address
//! bar's origin, read our answers, or set our headers: that is what is checked here. What a source verifies for itself
//! may come under any name; a source that verifies nothing is guarded like everything else.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use model::{Scope, SourceName};
use policy::Verify;

use super::problem::{Problem, kinds};
use crate::app::App;
use crate::identity::{self, Caller};
use crate::settings::OpenOnLoopback;

/// The header that carries the same-site token of a write without a bearer token.
pub const SAME_SITE: &str = "x-crossdock-same-site";

/// Checks Host and Origin, and finds out who asks: a caller that is known goes on with the request.
pub async fn guard(app: &App, request: &mut Request) -> Result<(), Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let path = request.uri().path();
    let source = path.strip_prefix("/in/");
    must_be_one_host(request.headers())?;
    if source.is_none_or(|below| takes_anything(app, below)) {
        check_host(request.headers(), &app.settings.hosts)?;
    }
    if asks_who(path)
        && let Some(caller) = caller(app, request.headers(), request.method(), peer).await?
    {
        request.extensions_mut().insert(caller);
    }
    Ok(())
}

/// Whether a token that comes has to hold. A source judges by itself, and a probe with a token that was revoked must not
/// declare a product dead that lives.
pub fn asks_who(path: &str) -> bool {
    !path.starts_with("/in/") && !path.starts_with("/health/")
}

/// Whether whatever reaches a source is an event: a page needs no answer to do harm there.
fn takes_anything(app: &App, below: &str) -> bool {
    let name = below.split('/').next().unwrap_or_default();
    let policy = app.ground.book.current();
    let source = SourceName::new(name).ok().and_then(|name| policy.sources.get(&name));
    app.settings.open_on_loopback == OpenOnLoopback::Yes
        || source.is_some_and(|source| matches!(source.verify, Verify::Unsigned { .. }))
}

/// Two lines may mean one host to a proxy and another to us (RFC 9112, 3.2).
#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn must_be_one_host(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get_all(header::HOST).iter().nth(1).is_some() {
        return Err(Problem::new(kinds::MALFORMED, "the request names more than one host"));
    }
    Ok(())
}

#[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
fn check_host(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = without_port(host);
    if !is_ours(name, allowed) {
        return Err(Problem::new(kinds::WRONG_HOST, format!("this server does not answer for the host {name:?}")));
    }
    if headers.contains_key(header::ORIGIN) && !text(header::ORIGIN).is_some_and(|origin| is_of(origin, host)) {
        return Err(Problem::new(kinds::WRONG_ORIGIN, "requests from pages of other sites are refused"));
    }
    Ok(())
}

/// Whether an origin is that of a host: another port is another site. A port that the scheme has anyway may be left out.
fn is_of(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let usual = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let short = |text: &str| text.strip_suffix(usual).unwrap_or(text).to_ascii_lowercase();
    short(authority) == short(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    literal.is_ok_and(|address| address.is_loopback())
        || host.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The token of `Authorization: Bearer …`; the name of a scheme has no case.
fn token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn caller(app: &App, headers: &HeaderMap, method: &Method, peer: Option<IpAddr>) -> Result<Option<Caller>, Problem> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(token);
    if let Some(text) = bearer {
        let known = identity::by_token(&app.ground.ledger, text, app.ground.clock.now()).await?;
        return known
            .map(Some)
            .ok_or_else(|| Problem::new(kinds::UNKNOWN_TOKEN, "the token is unknown, expired or revoked"));
    }
    let open = app.settings.open_on_loopback == OpenOnLoopback::Yes && peer.is_some_and(|peer| peer.is_loopback());
    if !open {
        return Ok(None);
    }
    let reads = method == Method::GET || method == Method::HEAD;
    let same_site = headers.get(SAME_SITE).and_then(|value| value.to_str().ok());
    if reads
        || same_site
            .is_some_and(|text| formats::signature::equal_in_constant_time(text.as_bytes(), app.same_site.as_bytes()))
    {
        return Ok(Some(Caller::local()));
    }
    Err(Problem::new(
        kinds::SAME_SITE_TOKEN,
        "a write needs the token of GET /api/v1/session in the header x-crossdock-same-site",
    ))
}

/// Asking for a caller in a handler's signature is the check that there is one.
impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || Problem::new(kinds::SIGN_IN, "send a token: Authorization: Bearer …");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

impl Caller {
    /// A problem, unless the scope is granted.
    #[expect(clippy::result_large_err, reason = "a refusal ends the request, once")]
    pub fn must(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let word = scope.word();
        Err(Problem::new(kinds::SCOPE, format!("{} has no scope {word}; an administrator can grant it", self.principal)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let refused = check_host(&headers, &["hub.example.com".to_owned()]).err().map(|problem| problem.code);
        assert_eq!(refused.as_deref(), expected, "{host} {origin:?}");
    }

    #[test]
    fn only_our_own_hosts_are_answered() {
        for ours in ["127.0.0.1:8080", "localhost", "[::1]:8080", "LOCALHOST:1", "hub.example.com", "hub.example.com:443"] {
            check(ours, None, None);
        }
        for other in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "10.0.0.1"] {
            check(other, None, Some("wrong-host"));
        }
    }

    #[test]
    fn a_request_with_two_hosts_is_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, "127.0.0.1".parse().unwrap());
        assert!(must_be_one_host(&headers).is_ok());
        headers.append(header::HOST, "127.0.0.1".parse().unwrap());
        assert_eq!(
            must_be_one_host(&headers).err().map(|problem| (problem.status, problem.code)),
            Some((400, "malformed".to_owned()))
        );
    }

    #[test]
    fn the_scheme_of_a_token_has_no_case() {
        for text in ["Bearer cdk_1", "bearer cdk_1", "BEARER  cdk_1 "] {
            assert_eq!(token(text), Some("cdk_1"), "{text}");
        }
        for text in ["Basic cdk_1", "Bearercdk_1", "Bearer", ""] {
            assert_eq!(token(text), None, "{text}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        check("127.0.0.1:8080", Some("http://127.0.0.1:8080"), None);
        check("127.0.0.1:8080", Some("http://evil.example"), Some("wrong-origin"));
        check("127.0.0.1:8080", Some("null"), Some("wrong-origin"));
        check("127.0.0.1:8080", Some("garbage"), Some("wrong-origin"));
        check("127.0.0.1:8080", Some("http://127.0.0.1:3000"), Some("wrong-origin"));
        check("127.0.0.1:8080", Some("http://127.0.0.1"), Some("wrong-origin"));
        check("localhost", Some("http://LOCALHOST:80"), None);
        check("hub.example.com", Some("https://hub.example.com"), None);
        check("hub.example.com:443", Some("https://hub.example.com"), None);
        check("hub.example.com", Some("https://hub.example.com:8443"), Some("wrong-origin"));
    }
}
