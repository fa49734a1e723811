//! Versions: what is read says in `ETag` which version it is, and what is changed may say in `If-Match` which version was
//! seen. A version is the ledger's: the number of one thing, or the digest of a policy.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use engine::rules::asked::NotDone;
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use model::{Digest, PolicyVersion};

use super::problem::{Problem, kinds};

/// The header with the version that was seen.
pub const IF_MATCH: HeaderName = header::IF_MATCH;

/// An answer with its version.
#[derive(Clone, Debug)]
pub struct Versioned<T>(pub String, pub T);

impl<T: IntoResponse> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The version that the caller saw; `None` for whatever there is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut lines = parts.headers.get_all(IF_MATCH).iter();
        let (Some(first), None) = (lines.next(), lines.next()) else {
            return if parts.headers.contains_key(IF_MATCH) { Err(one_version()) } else { Ok(Self(None)) };
        };
        let text = first.to_str().map_err(|_| one_version())?.trim();
        if text == "*" {
            return Ok(Self(None));
        }
        // A weak one never matches (RFC 9110, 13.1.1): it is kept as what no version is.
        let strong = text.strip_prefix("W/").map_or(text, |_| "\"weak\"");
        let tag = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|tag| !tag.contains('"'));
        tag.map(|tag| Self(Some(tag.to_owned()))).ok_or_else(one_version)
    }
}

fn one_version() -> Problem {
    Problem::bad_parameter("If-Match", "send one version as it stands in ETag, with its quotes, or *")
}

impl Seen {
    /// The version as a number. What is no number is a version that nothing has.
    pub fn number(&self) -> Option<u64> {
        self.0.as_ref().map(|text| text.parse().unwrap_or(u64::MAX))
    }

    /// The version as that of a policy. What is no digest is a version that no text has.
    pub fn policy(&self) -> Option<PolicyVersion> {
        self.0.as_ref().map(|text| PolicyVersion(text.parse().unwrap_or(Digest([0; 32]))))
    }

    /// The problem of a command that was not done: where the caller had seen another version, the present one is shown.
    pub fn problem(&self, not_done: NotDone, present: Option<String>) -> Problem {
        match not_done {
            NotDone::Changed(why) if self.0.is_some() => Problem { present, ..Problem::new(kinds::STALE, why) },
            other => other.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seen(lines: &[&str]) -> Result<Seen, String> {
        let mut request = http::Request::post("/x");
        for line in lines {
            request = request.header(IF_MATCH, *line);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Seen::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.parameter.unwrap())
    }

    #[tokio::test]
    async fn one_strong_version_is_read() {
        assert_eq!(seen(&[]).await.unwrap().number(), None);
        assert_eq!(seen(&["*"]).await.unwrap().number(), None);
        assert_eq!(seen(&["\"7\""]).await.unwrap().number(), Some(7));
        assert_eq!(seen(&["W/\"7\""]).await.unwrap().number(), Some(u64::MAX));
        assert_eq!(seen(&["\"x\""]).await.unwrap().number(), Some(u64::MAX));
        let version = PolicyVersion(Digest::of(b"a"));
        assert_eq!(seen(&[&format!("\"{version}\"")]).await.unwrap().policy(), Some(version));
        for wrong in [&["7"][..], &["\"7\", \"8\""], &["\"7\"", "\"8\""], &[""]] {
            assert_eq!(seen(wrong).await.unwrap_err(), "If-Match", "{wrong:?}");
        }
    }
}
