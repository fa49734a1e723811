//! A system as its file says it, with its sources and destinations.

use formats::signature::hmac_template::{Algorithm, Encoding, TimestampFormat};
use model::{ContractRef, DestinationName, EventType, Owner, SecretName, SourceName, Span, TimeSpan, Timestamp};

use crate::Spanned;
use crate::compiled::{
    Auth, Breaker, CapturedBy, Format, Handshake, Network, OnInvalid, Rate, Repeat, Rhythm, Since, SourceLimits, Unknown,
    Writing,
};
use crate::presets::Preset;

/// `systems/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct SystemSpec {
    /// The file.
    pub path: String,
    /// Its name, from the path.
    pub name: String,
    /// One of the kinds known by name.
    pub kind: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Option<Spanned<Owner>>,
    /// What it is, in a sentence.
    pub summary: Option<Spanned<String>>,
    /// How its API is reached, where it is an Odoo.
    pub odoo: Option<OdooSpec>,
    /// Where events come in.
    pub sources: Vec<SourceSpec>,
    /// Where deliveries go.
    pub destinations: Vec<DestinationSpec>,
}

/// How the API of an Odoo is reached.
#[derive(Clone, Debug)]
pub struct OdooSpec {
    /// Where it is.
    pub url: Option<Spanned<String>>,
    /// Its database.
    pub database: Option<Spanned<String>>,
    /// The login of our user there; JSON-RPC needs it.
    pub login: Option<Spanned<String>>,
    /// Keys of that user, the newest first.
    pub keys: Vec<Spanned<SecretName>>,
    /// Private networks that it may be in.
    pub allow: Vec<Network>,
    /// How a new key is made.
    pub rotate: Option<Spanned<Renewal>>,
    /// The password of that user.
    pub password: Option<Spanned<SecretName>>,
}

/// How a new key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// By the outbox addon.
    Addon,
    /// By a web session with the user's password.
    Password,
}

/// How the records of a system are captured.
#[derive(Clone, Debug)]
pub struct CaptureSpec {
    /// Where it stands.
    pub span: Span,
    /// How it learns that something changed.
    pub by: CapturedBy,
    /// The last part of the path that nudges come to, the newest first; none where there are no nudges.
    pub nudges: Vec<Spanned<SecretName>>,
    /// Where `overlap` stands, where it does.
    pub overlap_span: Option<Span>,
    /// When it looks.
    pub rhythm: Rhythm,
    /// What happens to what is there at the first look.
    pub since: Since,
}

/// A source.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Its name.
    pub name: Spanned<SourceName>,
    /// How a request proves where it comes from.
    pub verify: Option<VerifySpec>,
    /// Where `verify` stands, or the name where it does not.
    pub verify_span: Span,
    /// How its records are captured, where nobody sends them.
    pub capture: Option<CaptureSpec>,
    /// The newest first.
    pub secrets: Vec<Spanned<SecretName>>,
    /// What its requests look like.
    pub format: Format,
    /// How the native type is found.
    pub kind: Option<PickSpec>,
    /// How the idempotency key is found.
    pub key: Option<KeySpec>,
    /// How the time of occurrence is found.
    pub time: Option<PickSpec>,
    /// Headers that become attributes, in lower case.
    pub keep_headers: Vec<String>,
    /// Native types.
    pub events: Vec<EventSpec>,
    /// What happens to a type that is not listed.
    pub unknown: Option<Unknown>,
    /// What happens to a broken contract.
    pub on_invalid: OnInvalid,
    /// Its limits.
    pub limits: SourceLimits,
    /// Addresses that may send.
    pub allow_from: Vec<Network>,
    /// Requests that are answered and admit nothing.
    pub handshake: Vec<Handshake>,
}

/// How a request proves where it comes from.
#[derive(Clone, Debug)]
pub enum VerifySpec {
    /// A scheme known by name.
    Preset(Preset),
    /// A scheme of one's own.
    Hmac(Box<HmacSpec>),
    /// A secret as the last part of the path.
    SecretPath,
    /// A secret in the header with this name in lower case.
    SecretHeader(String),
    /// HTTP basic authentication with this user.
    Basic(String),
    /// None, and a person has said so.
    Unsigned {
        /// Who.
        owner: Owner,
        /// Until the end of this day.
        until: Spanned<Timestamp>,
        /// For what reason.
        why: String,
    },
}

/// A signature scheme of one's own.
#[derive(Clone, Debug)]
pub struct HmacSpec {
    /// The text that is signed.
    pub signed: Spanned<String>,
    /// All else, where it could be read.
    pub frame: Option<HmacFrame>,
}

/// What a signature scheme of one's own is besides its text.
#[derive(Clone, Debug)]
pub struct HmacFrame {
    /// How the signature is made.
    pub algorithm: Algorithm,
    /// The header it comes in, in lower case.
    pub header: String,
    /// How it is written.
    pub encoding: Encoding,
    /// What stands before it.
    pub prefix: String,
    /// The header of the timestamp and how it is written.
    pub timestamp: Option<(String, TimestampFormat)>,
    /// The header that makes `{id}`.
    pub id: Option<String>,
    /// How far the timestamp may be off.
    pub tolerance: TimeSpan,
}

/// Where a text of a request is found.
#[derive(Clone, Debug)]
pub enum PickSpec {
    /// In a header, by its lower-case name.
    Header(String),
    /// In the data.
    Path(Spanned<String>),
    /// It is always this.
    Is(String),
}

/// Where the idempotency key is found.
#[derive(Clone, Debug)]
pub enum KeySpec {
    /// In one place.
    Native(PickSpec),
    /// In several values together.
    Derived(Vec<Spanned<String>>),
    /// The digest of the body.
    Body,
}

/// A native type and what it is here.
#[derive(Clone, Debug)]
pub struct EventSpec {
    /// The native type.
    pub native: Spanned<String>,
    /// The contract.
    pub contract: Option<Spanned<ContractRef>>,
    /// Our event type, where it is not the contract's.
    pub kind: Option<EventType>,
}

/// A destination.
#[derive(Clone, Debug)]
pub struct DestinationSpec {
    /// Its name.
    pub name: Spanned<DestinationName>,
    /// Where to.
    pub url: Option<Spanned<String>>,
    /// Whether commands are given to the Odoo of its system, where it says so instead of `url`.
    pub commands: Option<Spanned<Writing>>,
    /// The keys that it has, with their places.
    pub given: Vec<Spanned<String>>,
    /// `POST`, `PUT` or `PATCH`.
    pub method: String,
    /// Standard Webhooks secrets, the newest first.
    pub sign: Vec<SecretName>,
    /// How it knows us besides.
    pub auth: Option<Auth>,
    /// Fixed headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// For a whole exchange.
    pub timeout: Option<Spanned<TimeSpan>>,
    /// Sends at once.
    pub concurrency: Option<Spanned<u32>>,
    /// Sends per second.
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
