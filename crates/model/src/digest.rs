//! SHA-256 digests: of received bodies, of policies, of mapped outputs. Never of secrets.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A SHA-256 digest. Shown and serialised as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// The digest of several parts, each preceded by its length, so that moving a byte from one part to the
    /// next gives another digest.
    pub fn of_fields(fields: &[&[u8]]) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for field in fields {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
        Self::finish(context)
    }

    /// The digest of the concatenation of `parts`.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in parts {
            context.update(part);
        }
        Self::finish(context)
    }

    fn finish(context: aws_lc_rs::digest::Context) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// The first eight bytes as a number: a short hash for tables that verify against the whole digest.
    pub fn short(&self) -> u64 {
        u64::from_be_bytes(self.head::<8>())
    }

    /// The first `N` bytes.
    pub fn head<const N: usize>(&self) -> [u8; N] {
        let mut head = [0; N];
        head.copy_from_slice(&self.0[..N]);
        head
    }
}

/// A digest in the place of a key or word.
pub fn digest_text(digest: &Digest) -> String {
    format!("sha256:{digest}")
}

/// The same text where it is short enough to be a word of an index; its digest where it is longer. Who stores such a word and
/// who looks for it ask here alike.
pub fn bounded(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max { text } else { digest_text(&Digest::of(text.as_bytes())) }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_becomes_its_digest() {
        assert_eq!(bounded("short".to_owned(), 5), "short");
        let long = bounded("longer".to_owned(), 5);
        assert!(long.starts_with("sha256:") && long.len() == 71, "{long}");
    }

    #[test]
    fn a_digest_reads_back_what_it_shows() {
        let digest = Digest::of(b"order");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn fields_are_kept_apart() {
        assert_ne!(Digest::of_fields(&[b"ab", b"c"]), Digest::of_fields(&[b"a", b"bc"]));
    }
}
