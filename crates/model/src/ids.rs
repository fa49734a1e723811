//! Names and ids. A name comes from a project file and is checked once; an id is a UUID that sorts by time.
//!
//! What arrives gets a UUIDv7. What follows from it gets a derived id: the same inputs always give the same id,
//! which is what makes every step safe to run twice. A derived id keeps the time prefix of its parent (UUIDv8),
//! so that indexes by id are written at their end however large the store grows; see docs/decisions/0003.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::limit::NAME_BYTES_MAX;
use crate::time::Timestamp;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 120 characters: lower-case letters, digits, `-`, `_`, `.`, `/`, beginning with a letter or digit")]
pub struct BadName;

fn check_name(text: &str) -> Result<(), BadName> {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_./".contains(&c);
    let begins_well = text.bytes().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins_well && text.len() <= NAME_BYTES_MAX && text.bytes().all(allowed) && !text.contains("..") {
        Ok(())
    } else {
        Err(BadName)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = "^[a-z0-9][a-z0-9_./-]{0,119}$"))]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, or why the text is none.
            pub fn new(text: &str) -> Result<Self, BadName> {
                check_name(text).map(|()| Self(Arc::from(text)))
            }

            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

names! {
    /// A source: where events come in, `POST /in/{source}`. Unique in a project.
    SourceName
    /// A destination: where deliveries go. Unique in a project.
    DestinationName
    /// A flow: event selection, mapping, destination.
    FlowName
    /// A mapping: one expression per target field.
    MappingName
    /// A retry policy, built in (`critical`, `standard`, `bulk`) or from the project.
    RetryName
    /// The owner of a source, flow or contract: a team that a person can be found in.
    Owner
    /// A node of Crossdock; embedded there is one.
    NodeName
    /// A reader of journal or feed that keeps a cursor.
    Consumer
    /// Whose a token is: a person or a machine, as the audit shows it.
    TokenName
    /// A secret's name; its value lives in the environment, a file or a store, never in a project file.
    SecretName
}

impl SecretName {
    /// The environment variable that its value may come from: `shop/webhook` is `CROSSDOCK_SECRET_SHOP_WEBHOOK`.
    pub fn variable(&self) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("CROSSDOCK_SECRET_{}", self.as_str().chars().map(word).collect::<String>())
    }
}

/// An event type, such as `sales.order.created.v1`: printable, without spaces, at most 255 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventType(Arc<str>);

impl EventType {
    /// Takes any text: a partner's type is the partner's to choose. Control characters and blanks become `_`, and
    /// what is longer than 255 bytes is cut.
    pub fn new(text: &str) -> Self {
        let mut clean = String::with_capacity(text.len().min(255));
        for c in text.chars() {
            let c = if c.is_control() || c.is_whitespace() { '_' } else { c };
            if clean.len() + c.len_utf8() > 255 {
                break;
            }
            clean.push(c);
        }
        Self(Arc::from(clean))
    }

    /// The text of the type.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventType({})", self.0)
    }
}

/// A contract and its version, such as `shopify.order@1.0.0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContractRef(Arc<str>);

impl ContractRef {
    /// From a name and a version as they stand in the project's paths.
    pub fn new(name: &str, version: &str) -> Self {
        Self(Arc::from(format!("{name}@{version}")))
    }

    /// `name@version`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, without the version.
    pub fn name(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(name, _)| name)
    }
}

impl fmt::Display for ContractRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContractRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContractRef({})", self.0)
    }
}

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id looks like 01a2287a-6634-7603-86a6-a77c28681c8c")]
pub struct BadId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $tag:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The id that follows from `parent` and `parts`; the same for the same arguments, always.
            pub fn derive(parent: Uuid, parts: &[&[u8]]) -> Self {
                Self(derive($tag, parent, parts))
            }

            /// The sixteen bytes, for stores.
            pub fn bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.parse().map(Self).map_err(|_| BadId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// One accepted event. Stays the same through resubmission-free life, retries and restarts.
    EventId = "event"
    /// One event on its way through one flow: the `webhook-id` that a destination sees, at every attempt.
    DeliveryId = "delivery"
    /// One replay: a frozen set and its progress.
    ReplayId = "replay"
    /// One token of a person or machine.
    TokenId = "token"
    /// One row of the audit.
    AuditId = "audit"
}

/// An id at `at` from sixteen bytes of chance that the caller drew (UUIDv7).
pub fn arrival_id(at: Timestamp, chance: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid()
}

impl EventId {
    /// When it was made, to the millisecond; of a derived id, when its parent was.
    pub fn made_at(self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        let millis = u64::from_be_bytes(millis);
        Timestamp::from_micros(i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1_000))
    }

    /// No id that was made at that time, or earlier, is greater.
    pub fn last_made_at(at: Timestamp) -> Self {
        let mut bytes = [u8::MAX; 16];
        bytes[..6].copy_from_slice(&arrival_id(at, [0; 10]).as_bytes()[..6]);
        Self(Uuid::from_bytes(bytes))
    }
}

fn derive(tag: &str, parent: Uuid, parts: &[&[u8]]) -> Uuid {
    let mut fields: Vec<&[u8]> = vec![tag.as_bytes(), parent.as_bytes()];
    fields.extend_from_slice(parts);
    let mut bytes: [u8; 16] = Digest::of_fields(&fields).head();
    bytes[..6].copy_from_slice(&parent.as_bytes()[..6]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A policy as it was applied: the digest of its whole text. Short form: the first twelve digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyVersion(pub Digest);

impl PolicyVersion {
    /// The first twelve hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(self.0.head::<6>())
    }
}

impl fmt::Display for PolicyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_repeat_and_keep_the_time_of_their_parent() {
        let parent = arrival_id(Timestamp::from_secs(1_793_000_000), [7; 10]);
        let one = DeliveryId::derive(parent, &[b"flow"]);
        assert_eq!(one, DeliveryId::derive(parent, &[b"flow"]));
        assert_ne!(one, DeliveryId::derive(parent, &[b"other"]));
        assert_eq!(one.bytes()[..6], parent.as_bytes()[..6]);
        assert_ne!(one.0, EventId::derive(parent, &[b"flow"]).0);
    }

    #[test]
    fn an_id_of_an_event_tells_when_it_was_made() {
        let at = Timestamp::from_micros(1_793_000_000_123_000);
        let id = EventId(arrival_id(at, [7; 10]));
        assert_eq!(id.made_at(), at);
        assert_eq!(EventId::derive(id.0, &[b"1"]).made_at(), at);
        assert!(id < EventId::last_made_at(at));
        assert!(id > EventId::last_made_at(Timestamp::from_micros(1_793_000_000_122_000)));
    }

    #[test]
    fn names_are_checked_once() {
        for good in ["shop", "orders-to-wms", "parcelwind/api-key", "4pl", "a.b_c"] {
            assert!(SourceName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Shop", "a b", "../x", "-a", "a\n", &"a".repeat(121)] {
            assert_eq!(SourceName::new(bad), Err(BadName), "{bad}");
        }
    }
}
