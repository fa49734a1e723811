//! Bad news over HTTP: RFC 9457 problems with a stable code. The only place that turns refusals and faults into answers.

pub mod kinds;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use engine::rules::asked::NotDone;
use http::{HeaderValue, StatusCode, header};
use model::{Diagnostic, Fault, FaultKind, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::kinds::Kind;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem as it is sent: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A URI that names the kind: `https://crossdock.dev/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This case in words.
    pub detail: String,
    /// The stable code, such as `bad-signature`.
    pub code: String,
    /// The parameter of path, query or header that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The place in the body that is wrong, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The present version, where another one was seen: what `If-Match` would have to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<String>,
    /// Broken rules with their places, for a message that breaks its contract or a project that breaks rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Diagnostic>,
    /// The trace of the request: the caller's own, where it sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Seconds until another request makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self::made((kind.status, kind.code), kind.title.to_owned(), detail.into())
    }

    fn made((status, code): (u16, &str), title: String, detail: String) -> Self {
        Self {
            kind: format!("https://crossdock.dev/problems/{code}"),
            title,
            status,
            detail,
            code: code.to_owned(),
            parameter: None,
            pointer: None,
            present: None,
            errors: Vec::new(),
            trace_id: None,
            retry_after: None,
        }
    }

    /// What is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(kinds::NOT_FOUND, what)
    }

    /// A parameter of path, query or header with a value that it cannot have.
    pub fn bad_parameter(name: &str, why: impl Into<String>) -> Self {
        Self { parameter: Some(name.to_owned()), ..Self::new(kinds::BAD_PARAMETER, why) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = (refusal.kind.status(), refusal.kind.code());
        Self {
            errors: shown(refusal.reasons),
            retry_after: refusal.retry_after_s,
            ..Self::made((status, code), code.replace('-', " "), refusal.detail)
        }
    }
}

/// Whoever sent the values may read them.
fn shown(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.iter_mut().for_each(Diagnostic::show_values);
    errors
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Conflict => Self::new(kinds::CHANGED_MEANWHILE, "somebody else changed it first; look at it again"),
            FaultKind::Busy => Self {
                retry_after: Some(1),
                ..Self::new(kinds::BUSY, "more waits for the store than it can do now; nothing of this was done")
            },
            FaultKind::Unavailable | FaultKind::Shutdown | FaultKind::Full => Self {
                retry_after: Some(1),
                ..Self::new(kinds::UNAVAILABLE, "the store cannot be reached now; nothing is lost")
            },
            FaultKind::Corrupt => Self::new(kinds::CORRUPT, format!("{}: what is stored contradicts itself", fault.op)),
        }
    }
}

impl From<NotDone> for Problem {
    fn from(not_done: NotDone) -> Self {
        let detail = not_done.to_string();
        match not_done {
            NotDone::WithoutReason => Self { pointer: Some("/why".to_owned()), ..Self::new(kinds::REASON, detail) },
            NotDone::Unknown(_) => Self::new(kinds::NOT_FOUND, detail),
            NotDone::Changed(_) => Self::new(kinds::CHANGED_MEANWHILE, detail),
            NotDone::Refused(_) => Self::new(kinds::REFUSED, detail),
            NotDone::Overtaken(_) => Self::new(kinds::OVERTAKEN, detail),
            NotDone::SecretsMissing(_) => Self::new(kinds::MISSING_SECRETS, detail),
            NotDone::Breaks(_) => Self::new(kinds::BREAKS, detail),
            NotDone::Invalid(errors) => Self { errors: shown(errors), ..Self::new(kinds::INVALID, detail) },
            NotDone::Fault(fault) => fault.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the layer that knows the trace.
        response.extensions_mut().insert(self);
        response
    }
}
