//! A retry policy as its file says it.

use model::Span;

use crate::compiled::Retry;

/// `policies/NAME.yaml`; it refers to nothing, so that its policy is ready.
#[derive(Clone, Debug)]
pub struct RetrySpec {
    /// The file.
    pub path: String,
    /// The policy.
    pub retry: Retry,
    /// Where `repeat_last` stands, if the policy repeats its last wait.
    pub repeat_last: Option<Span>,
}
