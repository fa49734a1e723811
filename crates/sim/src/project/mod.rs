//! Projects of a simulation: drawn from the seed, written as project files for the product, and kept as plain values
//! from which the oracle computes what must come out, without the product's compiler.

mod captured;
mod draw;
mod expect;
mod files;

pub use captured::{Captured, Since, capture};
pub use draw::{draw, second_version};
pub use expect::{ExpectedBody, body_of, lane_of, selected};

use model::{OnDead, TimeSpan};

/// A project: what may be sent, and what must become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Where events come in.
    pub sources: Vec<Source>,
    /// What is captured, where something is.
    pub captured: Option<Captured>,
    /// Where deliveries go.
    pub destinations: Vec<Destination>,
    /// Retry policies.
    pub retries: Vec<Retry>,
    /// Selections with their destinations.
    pub flows: Vec<Flow>,
    /// Which version of the project it is; written into the bodies that its mappings make.
    pub revision: u32,
}

/// A source, with one contract and two native types of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name; its contract is `NAME.order@1.0.0`.
    pub name: String,
    /// How requests prove where they come from.
    pub proof: Proof,
    /// Where the idempotency key is.
    pub key: KeyPlace,
    /// What becomes of a broken contract.
    pub on_invalid: OnBroken,
    /// What becomes of a type that it does not list.
    pub unknown: OnUnknown,
    /// Events per second, where it is limited.
    pub rate: Option<u32>,
    /// The last word of the type that its second native type becomes.
    pub updated: &'static str,
}

/// How requests prove where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An HMAC over time and body.
    TimedHmac,
    /// An HMAC over the body alone.
    PlainHmac,
    /// Standard Webhooks.
    StandardWebhooks,
    /// A secret in a header.
    SecretHeader,
}

/// Where the idempotency key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the data.
    Data,
    /// In a header.
    Header,
    /// The digest of the body.
    Body,
}

/// What becomes of a broken contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBroken {
    /// It waits for a person.
    Quarantine,
    /// 422.
    Refuse,
}

/// What becomes of a type that is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is admitted without a contract.
    Accept,
    /// It waits for a person.
    Quarantine,
    /// 422.
    Refuse,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Whether it gets a signature.
    pub signed: bool,
    /// For a whole exchange.
    pub timeout: TimeSpan,
    /// Sends at once.
    pub concurrency: u32,
    /// Sends per second, where they are limited.
    pub rate: Option<u32>,
    /// Whether it may get the same delivery twice.
    pub repeat_safe: bool,
    /// Failures in a row that open its breaker.
    pub breaker_in_a_row: u32,
    /// The breaker's first pause.
    pub breaker_pause: TimeSpan,
}

/// A retry policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its name.
    pub name: String,
    /// The waits before attempt 2, 3, …
    pub waits: Vec<TimeSpan>,
    /// Whether it ends in a dead letter; held otherwise.
    pub dead_letter: bool,
}

/// A flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// Exact types, or prefixes that end in `*`.
    pub types: Vec<String>,
    /// Only this source.
    pub source: Option<String>,
    /// What it lets through.
    pub filter: Filter,
    /// What makes the body; the data as it came without one. Its name is the flow's.
    pub mapping: Option<Mapping>,
    /// Where to.
    pub destination: String,
    /// The retry policy's name.
    pub retry: String,
    /// How its lanes are found.
    pub lane: Lane,
    /// What a dead head does to its lane.
    pub on_dead: OnDead,
    /// When a round of attempts has to be over, where it has to.
    pub deadline: Option<TimeSpan>,
}

/// What a flow lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Everything.
    All,
    /// Only this region.
    Region(String),
    /// Every other region.
    NotRegion(String),
}

/// A mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The source whose contract it reads.
    pub from: String,
    /// Whether it refuses an event without a note.
    pub needs_note: bool,
    /// Written into every body that it makes.
    pub revision: u32,
}

/// How the lane of a delivery is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// By the contract's ordering key: the order.
    Ordering,
    /// By the region.
    Region,
    /// There is none.
    None,
}

/// The owner of a flow or source: one each, so that a mix-up shows.
pub fn owner_of(name: &str) -> String {
    format!("team-{name}")
}

/// The contract of a source.
pub fn contract_of(source: &str) -> String {
    format!("{source}.order")
}

/// The first native type that a source lists; its events have the contract's name for a type.
pub const CREATED: &str = "order.created";
/// The second; its events have a type of their own, which another version of the project may call otherwise.
pub const UPDATED: &str = "order.updated";
/// One that no source lists.
pub const UNLISTED: &str = "order.teleported";

/// Regions that the contracts allow.
pub const REGIONS: [&str; 3] = ["eu", "us", "uk"];

impl Project {
    /// A source by its name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// A flow by its name.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name == name)
    }

    /// A destination by its name.
    pub fn destination(&self, name: &str) -> Option<&Destination> {
        self.destinations.iter().find(|destination| destination.name == name)
    }

    /// A retry policy by its name.
    pub fn retry(&self, name: &str) -> Option<&Retry> {
        self.retries.iter().find(|retry| retry.name == name)
    }
}

impl Source {
    /// The type of the events that it brings as [`UPDATED`].
    pub fn updated_type(&self) -> String {
        format!("{}.{}", contract_of(&self.name), self.updated)
    }

    /// The text of its secret, as the keyring has it.
    pub fn secret(&self) -> String {
        match self.proof {
            Proof::StandardWebhooks => standard_secret(&self.name),
            Proof::TimedHmac | Proof::PlainHmac | Proof::SecretHeader => {
                format!("secret of {}", self.name)
            }
        }
    }

    /// The name of its secret.
    pub fn secret_name(&self) -> String {
        format!("{}/webhook", self.name)
    }
}

impl Destination {
    /// The text of its signing secret.
    pub fn secret(&self) -> String {
        standard_secret(&self.name)
    }

    /// The name of its signing secret.
    pub fn secret_name(&self) -> String {
        format!("{}/signing", self.name)
    }
}

/// Thirty-two bytes that follow from the name, as Standard Webhooks writes keys.
fn standard_secret(name: &str) -> String {
    use base64::Engine as _;
    let bytes = model::Digest::of(name.as_bytes()).0;
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}
