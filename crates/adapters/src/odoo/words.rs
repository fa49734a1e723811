//! Odoo's failures in words for the person who can mend them. Pure.

use engine::ports::{Extent, Unread};
use model::outcome::{Refusal, TransportError};

use super::failure::Failure;
use super::no::No;

impl Failure {
    /// Why nothing could be read.
    pub fn unread(&self) -> Unread {
        let (cause, why, help) = match self {
            Self::Said { refusal, name, message } => said(*refusal, name, message),
            Self::Unreached(error) => unreached(*error),
            Self::Foreign { status, looks } => (
                "not_odoo",
                format!("what answers there is {looks} (HTTP {status})"),
                "check the address; behind a proxy, see that it passes /jsonrpc and /json/2 on to Odoo",
            ),
            Self::TooLarge => (
                "too_large",
                "the answer is larger than one may be".to_owned(),
                "read fewer fields: take some out of the contract",
            ),
            Self::Unusable(why) => ("unusable", why.clone(), "mend it in the system's file and apply"),
            Self::Version(version) => {
                ("version", format!("it is Odoo {version}, and 17 is the oldest that is spoken to"), "upgrade Odoo")
            }
        };
        Unread { of: self.extent(), cause, why, help }
    }
}

impl Failure {
    /// How much it says cannot be read.
    const fn extent(&self) -> Extent {
        match self {
            Self::Said { refusal: Refusal::KeyRefused | Refusal::Database | Refusal::Unavailable, .. }
            | Self::Unreached(_)
            | Self::Foreign { .. }
            | Self::Unusable(_)
            | Self::Version(_) => Extent::System,
            Self::Said { .. } | Self::TooLarge => Extent::Model,
        }
    }
}

fn said(refusal: Refusal, name: &str, message: &str) -> (&'static str, String, &'static str) {
    let no = No::of(refusal);
    let why = match (no, name, message) {
        // What Odoo says of these is no more than this.
        (No::Key | No::Database, ..) | (_, "", _) | (_, _, "") => no.sentence().to_owned(),
        (_, name, message) => format!("{}: {message} ({name})", no.sentence()),
    };
    (refusal.word(), why, no.help())
}

fn unreached(error: TransportError) -> (&'static str, String, &'static str) {
    let (cause, why, help) = match error {
        TransportError::Resolve => ("resolve", "its name does not resolve", "check the address for a slip"),
        TransportError::ForbiddenAddress => (
            "forbidden_address",
            "it is in a private network that may not be reached",
            "add the network under `allow` of the system, if it is meant so",
        ),
        TransportError::Connect => {
            ("connect", "there is no connection to it", "see whether Odoo runs, and whether a firewall is between")
        }
        TransportError::Tls => {
            ("tls", "TLS failed", "see whether its certificate is valid for this name, and trusted by this machine")
        }
        TransportError::Timeout => ("timeout", "it did not answer in time", "see what keeps Odoo busy"),
        TransportError::Closed => ("closed", "the connection ended before the answer did; it may be restarting", ""),
        TransportError::Protocol => ("protocol", "the answer is no HTTP", "check the address and its port"),
        TransportError::Redirected => (
            "redirected",
            "it redirects, and redirects are not followed",
            "write the address that it leads to; often `https` in place of `http`",
        ),
    };
    (cause, why.to_owned(), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_own_cause_and_what_waiting_does_not_mend_has_a_repair() {
        let said = |refusal| Failure::Said { refusal, name: "n".to_owned(), message: "m".to_owned() };
        let waits = ["odoo_concurrency", "odoo_unavailable", "closed"];
        let failures = [
            said(Refusal::KeyRefused),
            said(Refusal::Database),
            said(Refusal::Access),
            said(Refusal::NotFound),
            said(Refusal::Mistake),
            said(Refusal::Concurrency),
            said(Refusal::Unavailable),
            Failure::Unreached(TransportError::Resolve),
            Failure::Unreached(TransportError::ForbiddenAddress),
            Failure::Unreached(TransportError::Connect),
            Failure::Unreached(TransportError::Tls),
            Failure::Unreached(TransportError::Timeout),
            Failure::Unreached(TransportError::Closed),
            Failure::Unreached(TransportError::Protocol),
            Failure::Unreached(TransportError::Redirected),
            Failure::Foreign { status: 502, looks: "a page" },
            Failure::TooLarge,
            Failure::Unusable("The address cannot be read.".to_owned()),
            Failure::Version("16.0".to_owned()),
        ];
        let mut causes = std::collections::BTreeSet::new();
        for failure in failures {
            let Unread { cause, why, help, .. } = failure.unread();
            assert!(causes.insert(cause), "{cause} twice");
            assert!(!why.is_empty(), "{cause}");
            assert_eq!(help.is_empty(), waits.contains(&cause), "{cause}");
        }
    }
}
