//! Secret bytes that do not show themselves, and a comparison that does not leak by time.
//!
//! `Debug` must never print the content; there is no `Display` and no `Serialize` on purpose.

use std::fmt;

use aws_lc_rs::constant_time;

use crate::digest::Digest;

/// Bytes that must stay secret. `==` takes constant time and does not leak the length.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes as they are, with no decoding.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The content. Every call is a place where a secret can leak: keep the result short-lived.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing in it; an empty secret proves nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal_in_constant_time(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Compares two byte strings in a time that depends neither on their content nor on where they
/// differ. The digests are compared, so that the length of the secret does not leak either.
pub fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    let (left, right) = (Digest::of(left), Digest::of(right));
    constant_time::verify_slices_are_equal(&left.0, &right.0).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_its_content() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(hidden)");
        assert_eq!(format!("{:#?}", Secret::new("")), "Secret(hidden)");
    }

    #[test]
    fn secrets_are_equal_only_with_equal_bytes() {
        assert_eq!(Secret::new("abc"), Secret::new("abc"));
        assert_ne!(Secret::new("abc"), Secret::new("abd"));
        assert_ne!(Secret::new("abc"), Secret::new("abcd"));
        assert_ne!(Secret::new(""), Secret::new("a"));
        assert_eq!(Secret::new(""), Secret::new(""));
    }
}
