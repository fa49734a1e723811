//! What a failed exchange means: the client's error, and whether the request had begun to leave.
//!
//! INVARIANT: what says that the destination cannot have the request is only answered when that is certain.

use std::error::Error;
use std::io;
use std::iter::successors;

use model::outcome::TransportError;

use super::resolve::Refusal;

/// What an error and its causes show.
#[derive(Clone, Copy, Debug, Default)]
struct Signs {
    /// The guarded resolver refused.
    refusal: Option<Refusal>,
    /// TLS failed.
    tls: bool,
    /// There is no connection yet.
    connecting: bool,
    /// The answer is no HTTP.
    malformed: bool,
    /// The innermost error of the system.
    io: Option<io::ErrorKind>,
}

/// The outcome of a failed exchange.
pub(crate) fn transport(error: &reqwest::Error, handed_over: bool) -> TransportError {
    let mut signs = Signs { connecting: error.is_connect(), ..Signs::default() };
    for cause in causes(error) {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            signs.refusal = Some(*refusal);
        } else if cause.is::<rustls::Error>() {
            signs.tls = true;
        } else if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            signs.malformed = error.is_parse();
        } else if let Some(error) = cause.downcast_ref::<io::Error>() {
            signs.io = Some(error.kind());
        }
    }
    judge(signs, handed_over)
}

/// The error and what is behind it. An error of the system hides the one that it wraps from `source`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

fn judge(signs: Signs, handed_over: bool) -> TransportError {
    if handed_over {
        return after(signs);
    }
    match signs.refusal {
        Some(Refusal::NoAddress) => TransportError::Resolve,
        Some(Refusal::Forbidden) => TransportError::ForbiddenAddress,
        // A connection that ends within the handshake says so with an early end; a refused one does not.
        None if signs.tls || (signs.connecting && signs.io == Some(io::ErrorKind::UnexpectedEof)) => TransportError::Tls,
        None => TransportError::Connect,
    }
}

/// TLS that fails here was up before: for us the connection ended.
fn after(signs: Signs) -> TransportError {
    match signs.io {
        _ if signs.malformed => TransportError::Protocol,
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) if !signs.tls => TransportError::Protocol,
        Some(io::ErrorKind::TimedOut) => TransportError::Timeout,
        Some(_) | None => TransportError::Closed,
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn what_has_not_left_cannot_have_arrived() {
        let refused = |refusal| Signs { refusal: Some(refusal), connecting: true, ..Signs::default() };
        let connecting = |io| Signs { connecting: true, io: Some(io), ..Signs::default() };
        for (signs, expected) in [
            (refused(Refusal::NoAddress), TransportError::Resolve),
            (refused(Refusal::Forbidden), TransportError::ForbiddenAddress),
            (Signs { tls: true, ..connecting(ErrorKind::InvalidData) }, TransportError::Tls),
            (connecting(ErrorKind::UnexpectedEof), TransportError::Tls),
            (connecting(ErrorKind::ConnectionRefused), TransportError::Connect),
            (connecting(ErrorKind::TimedOut), TransportError::Connect),
            (Signs { io: Some(ErrorKind::BrokenPipe), ..Signs::default() }, TransportError::Connect),
            (Signs { malformed: true, ..Signs::default() }, TransportError::Connect),
            (Signs::default(), TransportError::Connect),
        ] {
            assert_eq!(judge(signs, false), expected, "{signs:?}");
            assert!(!judge(signs, false).may_have_arrived(), "{signs:?}");
        }
    }

    #[test]
    fn what_has_left_may_have_arrived() {
        let broken = |io| Signs { io: Some(io), ..Signs::default() };
        for (signs, expected) in [
            (Signs { malformed: true, ..Signs::default() }, TransportError::Protocol),
            (broken(ErrorKind::InvalidInput), TransportError::Protocol),
            (broken(ErrorKind::InvalidData), TransportError::Protocol),
            (Signs { tls: true, ..broken(ErrorKind::InvalidData) }, TransportError::Closed),
            (broken(ErrorKind::TimedOut), TransportError::Timeout),
            (broken(ErrorKind::UnexpectedEof), TransportError::Closed),
            (broken(ErrorKind::ConnectionReset), TransportError::Closed),
            (broken(ErrorKind::BrokenPipe), TransportError::Closed),
            (Signs::default(), TransportError::Closed),
        ] {
            assert_eq!(judge(signs, true), expected, "{signs:?}");
            assert!(judge(signs, true).may_have_arrived(), "{signs:?}");
        }
    }
}
