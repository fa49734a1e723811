//! Verdicts of intake on what it accepts, admitted or quarantined; and refusals, with the reason that the sender reads.

use crate::diagnostic::Diagnostic;
use crate::event::Event;

/// What intake decided about an event that it accepts: it is answered with 202 once it is durable. A refused request
/// leaves nothing but a count.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It goes to the router.
    Admitted(Box<Event>),
    /// It is kept for a person: `reasons` say why, never empty.
    Quarantined {
        /// The event as far as it is known.
        event: Box<Event>,
        /// The broken rules, at most [`crate::limit::REASONS_MAX`].
        reasons: Vec<Diagnostic>,
    },
}

impl Verdict {
    /// The event.
    pub fn event(&self) -> &Event {
        match self {
            Self::Admitted(event) | Self::Quarantined { event, .. } => event,
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind, which fixes status and code.
    pub kind: RefusalKind,
    /// One sentence for the sender: what was wrong; never a secret, never a computed signature.
    pub detail: String,
    /// Broken rules, for a contract violation.
    pub reasons: Vec<Diagnostic>,
    /// Seconds until a further request makes sense, where that is known.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), reasons: Vec::new(), retry_after_s: None }
    }
}

/// The kinds of refusal; each has one HTTP status and one problem code for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// 404: no such source.
    UnknownSource,
    /// 401: the signature or secret does not match.
    BadSignature,
    /// 401: the signature is outside the tolerance of time.
    StaleTimestamp,
    /// 401: an unsigned source whose permission has expired.
    ExpiredPermission,
    /// 403: the sender's address is not allowed.
    ForbiddenAddress,
    /// 400: no JSON, or a `CloudEvents` rule is broken.
    Malformed,
    /// 400: nested too deeply.
    TooDeep,
    /// 405: events are sent with `POST`, and the source declares no handshake of this method.
    WrongMethod,
    /// 408: the body took too long.
    TooSlow,
    /// 413: the body is too large.
    TooLarge,
    /// 431: too many or too large headers.
    HeadersTooLarge,
    /// 415: a media type that the source does not take.
    UnsupportedMediaType,
    /// 409: the key is known with another body.
    KeyReused,
    /// 422: the contract is broken and the source refuses instead of keeping.
    ContractViolation,
    /// 422: the event type is not one that the source declares, and it refuses those.
    UnknownType,
    /// 429: over the source's rate.
    OverLimit,
    /// 503: the source is paused by a person, or the store cannot take more now.
    Unavailable,
}

impl RefusalKind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::UnknownSource,
        Self::BadSignature,
        Self::StaleTimestamp,
        Self::ExpiredPermission,
        Self::ForbiddenAddress,
        Self::Malformed,
        Self::TooDeep,
        Self::WrongMethod,
        Self::TooSlow,
        Self::TooLarge,
        Self::HeadersTooLarge,
        Self::UnsupportedMediaType,
        Self::KeyReused,
        Self::ContractViolation,
        Self::UnknownType,
        Self::OverLimit,
        Self::Unavailable,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::TooDeep => 400,
            Self::BadSignature | Self::StaleTimestamp | Self::ExpiredPermission => 401,
            Self::ForbiddenAddress => 403,
            Self::UnknownSource => 404,
            Self::WrongMethod => 405,
            Self::TooSlow => 408,
            Self::KeyReused => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::ContractViolation | Self::UnknownType => 422,
            Self::OverLimit => 429,
            Self::HeadersTooLarge => 431,
            Self::Unavailable => 503,
        }
    }

    /// The problem code: stable, part of the problem's `type`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown-source",
            Self::BadSignature => "bad-signature",
            Self::StaleTimestamp => "stale-timestamp",
            Self::ExpiredPermission => "expired-permission",
            Self::ForbiddenAddress => "forbidden-address",
            Self::Malformed => "malformed",
            Self::TooDeep => "too-deep",
            Self::WrongMethod => "wrong-method",
            Self::TooSlow => "too-slow",
            Self::TooLarge => "too-large",
            Self::HeadersTooLarge => "headers-too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::KeyReused => "key-reused",
            Self::ContractViolation => "contract-violation",
            Self::UnknownType => "unknown-type",
            Self::OverLimit => "over-limit",
            Self::Unavailable => "unavailable",
        }
    }
}
