//! Why a request was not accepted as coming from its sender.
//!
//! The text goes to logs and, in part, to strangers: it must never hold a secret, a signature, or
//! any value of a header.

use thiserror::Error;

/// The reason a request is refused. Nothing in it came from a secret or a signature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No secret or key is set for this source, so nothing can be proven.
    #[error("no secret is set to verify this request with")]
    NoSecret,
    /// A header that the scheme needs is not there.
    #[error("the header {0} is missing")]
    MissingHeader(String),
    /// A header is there but cannot be read.
    #[error("the header {header} cannot be read: {why}")]
    Malformed {
        /// The name of the header, in lower case.
        header: String,
        /// What is wrong with it, in words that complete the sentence.
        why: &'static str,
    },
    /// The timestamp is further from now than the tolerance.
    #[error("the timestamp is {} seconds {}", skew_s.unsigned_abs(), past_or_future(*skew_s))]
    Stale {
        /// Now minus the timestamp in seconds: positive when the request is old.
        skew_s: i64,
    },
    /// The signature header holds no signature of a version or key name that is known here.
    #[error("the header {0} holds no signature of a known version")]
    NoKnownSignature(String),
    /// There is a signature or credential, and none of the secrets gives it.
    #[error("the signature or credential matches none of the secrets")]
    Mismatch,
}

impl Refusal {
    /// The stable code of this refusal, for metrics, records and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSecret => "signature.no_secret",
            Self::MissingHeader(_) => "signature.missing_header",
            Self::Malformed { .. } => "signature.malformed",
            Self::Stale { .. } => "signature.stale",
            Self::NoKnownSignature(_) => "signature.no_known_signature",
            Self::Mismatch => "signature.mismatch",
        }
    }
}

fn past_or_future(skew_s: i64) -> &'static str {
    if skew_s > 0 { "in the past" } else { "in the future" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_timestamp_says_how_far_and_in_which_direction() {
        assert_eq!(Refusal::Stale { skew_s: 301 }.to_string(), "the timestamp is 301 seconds in the past");
        assert_eq!(Refusal::Stale { skew_s: -301 }.to_string(), "the timestamp is 301 seconds in the future");
    }
}
