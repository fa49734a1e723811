//! A compiled policy: everything that the engine needs to judge, route and map, resolved and ready.
//!
//! Immutable and cheap to share. Schemas and expressions compile at their first use. Nothing in here reads a clock,
//! a file or a secret's value.

mod capture;
mod way;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    ContractRef, DestinationName, Event, EventType, FlowName, MappingName, OnDead, Owner, PolicyVersion, RetryName,
    SecretName, SourceName, TimeSpan, Timestamp,
};

pub use model::Network;

pub use self::capture::{
    Capture, CapturedBy, CapturedModel, FOUND_HEADER, KEY_HEADER, Odoo, Reading, Rhythm, Rotate, Since, TYPE_HEADER,
};
pub use self::way::{Auth, Way, Writing};

use crate::contract::Contract;
use crate::expression::{Expression, Path};
use crate::mapping::Mapping;

/// A policy: what a project folder says, at one version.
#[derive(Debug)]
pub struct Policy {
    /// The digest of all files.
    pub version: PolicyVersion,
    /// Where events come in.
    pub sources: BTreeMap<SourceName, Arc<Source>>,
    /// Where deliveries go.
    pub destinations: BTreeMap<DestinationName, Arc<Destination>>,
    /// Event types with their schemas.
    pub contracts: BTreeMap<ContractRef, Arc<Contract>>,
    /// Field tables.
    pub mappings: BTreeMap<MappingName, Arc<Mapping>>,
    /// Selections with their destinations.
    pub flows: BTreeMap<FlowName, Arc<Flow>>,
    /// Retry policies, the built-in ones included.
    pub retries: BTreeMap<RetryName, Arc<Retry>>,
}

/// Where events come in.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// The system that it belongs to: the file's name.
    pub system: String,
    /// Who answers for it.
    pub owner: Owner,
    /// How a request proves where it comes from.
    pub verify: Verify,
    /// Secrets by reference, the newest first; empty only for an unsigned source.
    pub secrets: Vec<SecretName>,
    /// What its requests look like.
    pub format: Format,
    /// How the native type is found.
    pub kind: Option<Pick>,
    /// How the idempotency key is found; the body's digest where it says nothing.
    pub key: Key,
    /// How the time of occurrence is found.
    pub time: Option<Pick>,
    /// Headers that become attributes, in lower case.
    pub keep_headers: Vec<String>,
    /// Native type -> what it is here.
    pub events: BTreeMap<String, EventRule>,
    /// What happens to a type that is not listed; with no list at all every type is accepted.
    pub unknown: Unknown,
    /// What happens to a broken contract.
    pub on_invalid: OnInvalid,
    /// Its limits.
    pub limits: SourceLimits,
    /// Addresses that may send; empty for all.
    pub allow_from: Vec<Network>,
    /// Requests that are answered and admit nothing.
    pub handshake: Vec<Handshake>,
}

/// How a request proves where it comes from.
#[derive(Debug)]
pub enum Verify {
    /// Standard Webhooks, v1 and v1a.
    StandardWebhooks {
        /// How far the timestamp may be off.
        tolerance: TimeSpan,
    },
    /// An HMAC or Ed25519 scheme over a template.
    Signed(Box<formats::signature::hmac_template::Scheme>),
    /// A secret in a header.
    SecretHeader {
        /// The header's name in lower case.
        header: String,
    },
    /// A secret as the last part of the path.
    SecretPath,
    /// HTTP basic authentication.
    Basic {
        /// The user's name.
        user: String,
    },
    /// Nobody sends: records are captured. What comes over HTTP is a nudge, and its path ends in a secret.
    Captured(Box<Capture>),
    /// None, and a person has said so until a day.
    Unsigned {
        /// Who allowed it.
        owner: Owner,
        /// From then on every request is refused.
        until: Timestamp,
    },
}

/// What requests of a source look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON body, or whatever a `CloudEvents` content type says.
    Json,
    /// `CloudEvents` only; anything else is refused with 415.
    CloudEvents,
}

/// Where a text of a request is found.
#[derive(Debug)]
pub enum Pick {
    /// In a header, by its lower-case name.
    Header(String),
    /// In the data.
    Path(Path),
    /// It is always this.
    Is(String),
}

/// Where the idempotency key is found.
#[derive(Debug)]
pub enum Key {
    /// As nobody said otherwise: the source and id of a `CloudEvent`; else where the preset finds it; else the digest of
    /// the body.
    Usual(Option<Pick>),
    /// In one place; where it is missing the request is malformed.
    Native(Pick),
    /// In several values of the data together.
    Derived(Vec<Path>),
    /// The digest of the body: the same bytes are the same event.
    Body,
}

/// What a native type is here.
#[derive(Debug)]
pub struct EventRule {
    /// Our event type.
    pub kind: EventType,
    /// The contract that it must satisfy.
    pub contract: Option<ContractRef>,
}

/// What happens to a type that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Admitted without a contract.
    Accept,
    /// Kept for a person.
    Quarantine,
    /// 422.
    Refuse,
}

/// What happens to a broken contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    /// Kept for a person, answered 202.
    Quarantine,
    /// 422.
    Refuse,
}

/// The limits of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceLimits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Nesting of JSON.
    pub depth: usize,
    /// Header lines.
    pub headers: usize,
    /// Events per second, if limited.
    pub rate: Option<Rate>,
}

/// A rate with its burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Per second.
    pub per_s: f64,
    /// At once.
    pub burst: u32,
}

/// A request that is answered and admits nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// A `GET` whose query value is echoed as text.
    Challenge {
        /// The query parameter.
        query: String,
    },
    /// A `POST` that a header marks as a test call; answered 200.
    Ping {
        /// The header in lower case.
        header: String,
        /// Its value; empty for any.
        equals: String,
    },
    /// A form body like `webhook_id=…` that `WooCommerce` sends when a webhook is switched on.
    FormPing {
        /// The form field.
        field: String,
    },
    /// The `OPTIONS` handshake of the `CloudEvents` webhook specification.
    CloudEvents,
}

/// Where deliveries go.
#[derive(Debug)]
pub struct Destination {
    /// Its name.
    pub name: DestinationName,
    /// The system that it belongs to.
    pub system: String,
    /// Who answers for it.
    pub owner: Owner,
    /// What takes what is sent there.
    pub way: Way,
    /// An absolute `http` or `https` URL.
    pub url: String,
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// Standard Webhooks secrets, the newest first.
    pub sign: Vec<SecretName>,
    /// How it knows us besides the signature.
    pub auth: Option<Auth>,
    /// Fixed headers.
    pub headers: Vec<(String, String)>,
    /// For a whole exchange.
    pub timeout: TimeSpan,
    /// Sends at once.
    pub concurrency: u32,
    /// Sends per second, if limited.
    pub rate: Option<Rate>,
    /// Hundredths of the slots that repeats may not take.
    pub first_attempts_percent: u32,
    /// What happens when it is not known whether an attempt arrived.
    pub repeat: Repeat,
    /// When it is left alone.
    pub breaker: Breaker,
    /// Private networks that it may reach.
    pub allow: Vec<Network>,
}

/// What happens when it is not known whether an attempt arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It is sent again under the same id.
    Safe,
    /// It is held for a person.
    Unsafe,
}

/// When a destination is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Hundredths of attempts that fail …
    pub failures_percent: u32,
    /// … of at least so many …
    pub of: u32,
    /// … within this time.
    pub within: TimeSpan,
    /// Or so many failures in a row.
    pub in_a_row: u32,
    /// The first pause; each further one is twice as long …
    pub pause: TimeSpan,
    /// … up to this.
    pub pause_max: TimeSpan,
}

/// Event selection, mapping, destination, and how to deliver.
#[derive(Debug)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// Who answers for its deliveries.
    pub owner: Owner,
    /// Event types: exact, or a prefix where the text ends in `*`.
    pub types: Vec<String>,
    /// Sources; empty for all.
    pub sources: Vec<SourceName>,
    /// A boolean that cannot fail, but for its limits: an event for which it has no answer is held.
    pub filter: Option<Expression>,
    /// What makes the body; the data as it came without one.
    pub mapping: Option<MappingName>,
    /// Where to.
    pub destination: DestinationName,
    /// The retry policy.
    pub retry: RetryName,
    /// The lane.
    pub lane: Lane,
    /// What a held or dead head does to its lane.
    pub on_dead: OnDead,
    /// Gives up then; the tighter of this and the retry policy's holds.
    pub deadline: Option<TimeSpan>,
}

/// How the lane of a delivery is found.
#[derive(Debug)]
pub enum Lane {
    /// By the event's ordering key; unordered where it has none.
    Ordering,
    /// By a text that cannot fail, but for its limits; unordered where it is null. An event for which it has no answer is
    /// held.
    By(Box<Expression>),
    /// No order.
    Unordered,
}

/// When and how often a delivery is repeated, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its name.
    pub name: RetryName,
    /// The wait before attempt 2, 3, …
    pub waits: Vec<TimeSpan>,
    /// Whether the last wait repeats until the deadline.
    pub repeat_last: bool,
    /// Since the round began.
    pub deadline: Option<TimeSpan>,
    /// Hundredths added at random to a wait, upwards only.
    pub jitter_percent: u32,
    /// What it ends in.
    pub end: End,
}

/// What a delivery ends in when the policy gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Held for a person.
    Hold,
    /// A dead letter.
    DeadLetter,
}

impl Policy {
    /// The Odoos that are captured or written to, by their systems.
    pub fn odoos(&self) -> BTreeMap<&str, &Odoo> {
        let captured = self.sources.values().filter_map(|source| Some(&*source.captured()?.odoo));
        let written = self.destinations.values().filter_map(|destination| match &destination.way {
            Way::Http => None,
            Way::Odoo { odoo, .. } => Some(&**odoo),
        });
        captured.chain(written).map(|odoo| (odoo.system.as_str(), odoo)).collect()
    }

    /// Flows that select this event by type and source, in the order of their names; filters are not asked.
    pub fn selected<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = &'a Arc<Flow>> {
        self.flows.values().filter(|flow| flow.selects(event))
    }
}

impl Destination {
    /// The secrets that every message to it needs. Of several keys of an Odoo any will do, so that none of them is one.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let only = match self.keys() {
            [only] => Some(only),
            [] | [_, ..] => None,
        };
        crate::secrets::of_destination(&self.sign, self.auth.as_ref()).chain(only)
    }

    /// The keys of the Odoo that it is, the newest first; none for HTTP.
    pub fn keys(&self) -> &[SecretName] {
        match &self.way {
            Way::Http => &[],
            Way::Odoo { odoo, .. } => &odoo.keys,
        }
    }
}

impl Flow {
    /// Whether type and source fit.
    pub fn selects(&self, event: &Event) -> bool {
        let kind = event.kind.as_str();
        let type_fits = self.types.iter().any(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => kind == wanted,
        });
        type_fits && (self.sources.is_empty() || self.sources.contains(&event.source))
    }
}
