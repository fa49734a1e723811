//! Tables of fields: what may stand in an object. Decoding, suggestions and editor schemas are all read from them.

use model::Code;

/// What may stand in a map with fixed keys.
#[derive(Debug)]
pub struct Table {
    /// What such a map is called in a sentence: `a flow`.
    pub name: &'static str,
    /// One sentence about it.
    pub doc: &'static str,
    /// Its fields in their canonical order.
    pub fields: &'static [Field],
    /// Of each of these groups exactly one field stands.
    pub exactly_one: &'static [&'static [&'static str]],
}

/// A field of a table.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Whether it has to be there.
    pub need: Need,
    /// What its value is.
    pub kind: Kind,
    /// One sentence for people who write it.
    pub doc: &'static str,
}

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may be left out.
    Optional,
    /// It may not.
    Required,
    /// It may not, and a code of its own says why.
    RequiredBy(Code),
}

/// What a value is. Scalars are typed by this and never by how they look.
#[derive(Debug)]
pub enum Kind {
    /// Any scalar, as text.
    Text,
    /// Any scalar, also an empty one in quotes.
    TextOrEmpty,
    /// A name: `team-commerce`, `shop/webhook`.
    Name,
    /// The name of a source, which is a part of a path.
    SourceName,
    /// The name of a secret.
    Secret,
    /// The name of a header.
    Header,
    /// The name of a header that a project file may set.
    SentHeader,
    /// The name of a header whose value stands beside it.
    FixedHeader,
    /// The value of a header.
    HeaderValue,
    /// A VRL expression; compiled later.
    Expression,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A span of time from the first to the second, both inclusive.
    Duration(&'static str, &'static str),
    /// Bytes, at most so many.
    Size(usize),
    /// So many per second, minute or hour.
    Rate,
    /// Hundredths, from 0 to 100.
    Percent,
    /// A whole number from the first to the second, both inclusive.
    Whole(u32, u32),
    /// `true` or `false`.
    Bool,
    /// A network: `10.0.0.0/8`.
    Network,
    /// A day: `2027-01-31`.
    Date,
    /// An instant: `2026-03-01T10:00:00Z`.
    Instant,
    /// An absolute `http` or `https` URL.
    Url,
    /// `NAME@VERSION`.
    ContractRef,
    /// An event type.
    EventType,
    /// An event type, or a prefix of one that ends in `*`.
    TypePattern,
    /// A diagnostic code.
    Code,
    /// Anything, read as JSON.
    Json,
    /// A list of at least so many.
    List(&'static Self, usize),
    /// A map with keys of the first kind and values of the second.
    Map(&'static Self, &'static Self),
    /// A map with fixed keys.
    Table(&'static Table),
    /// A list of the first kind, or a map of the second.
    ListOrTable(&'static Self, &'static Table),
    /// The target fields of a mapping.
    Fields,
}

impl Field {
    /// A field that has to be there.
    pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, need: Need::Required, kind, doc }
    }

    /// A field that has to be there, with a code of its own where it is not.
    pub const fn required_by(code: Code, name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, need: Need::RequiredBy(code), kind, doc }
    }

    /// A field that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, need: Need::Optional, kind, doc }
    }
}

impl Table {
    /// The field of a key.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == key)
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.fields.iter().map(|field| field.name)
    }
}
