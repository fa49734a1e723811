//! Bad news over HTTP: RFC 9457 problems with a stable code. The only place that turns refusals and faults into answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::{Diagnostic, Fault, FaultKind, Refusal};
use serde::{Deserialize, Serialize};

/// A problem as it is sent: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Broken rules with their places, for a message that breaks its contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Diagnostic>,
    /// Seconds until another request makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a status and code.
    pub fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://crossdock.dev/problems/{code}"),
            title: code.replace('-', " "),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// What is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(404, "not-found", what)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(refusal.kind.status(), refusal.kind.code(), refusal.detail);
        problem.errors = refusal.reasons;
        problem.retry_after = refusal.retry_after_s;
        problem
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Conflict => Self::new(409, "changed-meanwhile", "somebody else changed it first; look at it again"),
            FaultKind::Unavailable | FaultKind::Shutdown | FaultKind::Full => Self {
                retry_after: Some(1),
                ..Self::new(503, "unavailable", "the store cannot be reached now; nothing is lost")
            },
            FaultKind::Corrupt => Self::new(500, "corrupt", format!("{}: what is stored contradicts itself", fault.op)),
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
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
