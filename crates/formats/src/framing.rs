//! Headers that frame a message on its connection or say where it goes (RFC 9110, 7.2 and 7.6.1; RFC 9112, 6).
//!
//! Whoever sends a message writes them from the message itself. They must never be set or copied from elsewhere: two
//! opinions about where a request ends, or whom it is for, are how requests are smuggled.

/// The names, in lower case.
pub const HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header is one of them, in whatever case it is written.
pub fn is_framing(name: &str) -> bool {
    HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_recognised_in_any_case_and_as_a_whole() {
        for name in ["host", "Host", "TRANSFER-ENCODING", "Content-Length", "te"] {
            assert!(is_framing(name), "{name}");
        }
        for name in ["", "hos", "x-host", "content-type", "content-encoding", "trailers", "date"] {
            assert!(!is_framing(name), "{name}");
        }
    }
}
