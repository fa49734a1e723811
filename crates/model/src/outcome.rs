//! Outcomes: what the world answered to one attempt. A fact that is stored and shown, never an error of ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Span;

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// A 2xx answer that no rule on its body contradicts.
    Accepted {
        /// The status, such as 200.
        status: u16,
    },
    /// An answer that says no.
    Refused {
        /// The status, such as 422.
        status: u16,
        /// Whether the same bytes may be taken later.
        again: Again,
        /// What kind of no, where it was said in more than a status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<Refusal>,
    },
    /// The destination asks for patience (429, 503 with Retry-After).
    Deferred {
        /// The status.
        status: u16,
        /// How long, as the destination says.
        retry_after: Option<Span>,
    },
    /// No answer: what failed is known, and so is that no answer came.
    Unreached {
        /// How far it got.
        error: TransportError,
    },
    /// The process ended while the attempt was open: whether the destination has it is not known.
    Unknown,
    /// The mapping could not make a body that its target contract allows. Nothing was sent.
    Unmapped {
        /// The broken rules, in sentences.
        reasons: Vec<String>,
    },
    /// Something on our side is not there, or cannot be used. Nothing was sent.
    Unsent {
        /// What.
        lack: Lack,
        /// In a sentence.
        why: String,
    },
}

/// What was lacking where nothing could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// A secret has no value, or none that can be used.
    Secret,
    /// The event's bytes.
    Event,
    /// The policy that the delivery keeps.
    Policy,
    /// The destination is not in the present policy.
    Destination,
    /// A message that can be sent: its URL, its method or a header is none.
    Message,
    /// Permission: writing to the system is switched off.
    Writing,
}

/// What kind of no an Odoo says, or is said for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The login or the key is not accepted, or the key has expired.
    KeyRefused,
    /// There is no such database.
    Database,
    /// Our user may not do that.
    Access,
    /// The record is gone, or never was.
    Missing,
    /// A value breaks a rule of its field or its model.
    Validation,
    /// A constraint of the database.
    Constraint,
    /// A rule of the business: not in this state, nothing reserved.
    Rule,
    /// Others changed the same, after all of Odoo's own tries.
    Concurrency,
    /// Odoo or its database cannot work now.
    Unavailable,
    /// No such model or method.
    NotFound,
    /// The call itself is wrong: an unknown field, a value of another type.
    Mistake,
    /// An error that none of these names.
    Other,
    /// What answers is not Odoo.
    Foreign,
    /// The document is no command that is known.
    Document,
    /// What the command refers to is not there, or there are several.
    Reference,
    /// Odoo did not say no, and what should be true is not.
    Unmet,
}

impl Refusal {
    /// The stable word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KeyRefused => "odoo_key_refused",
            Self::Database => "odoo_database",
            Self::Access => "odoo_access",
            Self::Missing => "odoo_missing",
            Self::Validation => "odoo_validation",
            Self::Constraint => "odoo_constraint",
            Self::Rule => "odoo_rule",
            Self::Concurrency => "odoo_concurrency",
            Self::Unavailable => "odoo_unavailable",
            Self::NotFound => "odoo_not_found",
            Self::Mistake => "odoo_mistake",
            Self::Other => "odoo_other",
            Self::Foreign => "odoo_foreign",
            Self::Document => "odoo_document",
            Self::Reference => "odoo_reference",
            Self::Unmet => "odoo_unmet",
        }
    }
}

/// Whether repeating the same bytes can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// A later attempt may succeed (5xx, 408, 425, and what configuration can mend: 401, 403, 404, 407, 409).
    Perhaps,
    /// The same bytes will be refused again (400, 405, 406, 410 to 422 …).
    Never,
}

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransportError {
    /// The name does not resolve.
    Resolve,
    /// The address is one that the destination may not reach (private network, metadata service).
    ForbiddenAddress,
    /// No connection.
    Connect,
    /// TLS failed: certificate or protocol.
    Tls,
    /// No complete answer in time. The destination may have it.
    Timeout,
    /// The connection ended before a complete answer. The destination may have it.
    Closed,
    /// The answer broke the protocol or a limit before a status was known.
    Protocol,
    /// The destination redirected; redirects are never followed.
    Redirected,
}

impl TransportError {
    /// Whether the destination may have received the request.
    pub const fn may_have_arrived(self) -> bool {
        match self {
            Self::Timeout | Self::Closed | Self::Protocol => true,
            Self::Resolve | Self::ForbiddenAddress | Self::Connect | Self::Tls | Self::Redirected => false,
        }
    }
}

impl Outcome {
    /// A short stable word for grouping and metrics, such as `http_503`, `timeout`, `unknown`, `no_secret`.
    pub fn cause(&self) -> String {
        match self {
            Self::Refused { refusal: Some(refusal), .. } => refusal.word().to_owned(),
            Self::Accepted { status } | Self::Refused { status, refusal: None, .. } | Self::Deferred { status, .. } => {
                format!("http_{status}")
            }
            Self::Unreached { error } => match error {
                TransportError::Resolve => "resolve",
                TransportError::ForbiddenAddress => "forbidden_address",
                TransportError::Connect => "connect",
                TransportError::Tls => "tls",
                TransportError::Timeout => "timeout",
                TransportError::Closed => "closed",
                TransportError::Protocol => "protocol",
                TransportError::Redirected => "redirected",
            }
            .to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Unmapped { .. } => "unmapped".to_owned(),
            Self::Unsent { lack, .. } => match lack {
                Lack::Secret => "no_secret",
                Lack::Event => "no_event",
                Lack::Policy => "no_policy",
                Lack::Destination => "no_destination",
                Lack::Message => "no_message",
                Lack::Writing => "writing_off",
            }
            .to_owned(),
        }
    }
}
