//! What is captured of a system of record, and how: decision 0040. Values without a decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ContractRef, Network, SecretName, TimeSpan};

use super::{Source, Verify};

/// The header that tells intake the native type of a captured record, in lower case.
pub const TYPE_HEADER: &str = "crossdock-record-type";
/// The header that tells intake its key.
pub const KEY_HEADER: &str = "crossdock-record-key";
/// The header that says how it was found: an attribute of the event.
pub const FOUND_HEADER: &str = "crossdock-found";

/// How the API of an Odoo is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Odoo {
    /// The system: the file's name.
    pub system: String,
    /// Where it is.
    pub url: String,
    /// Its database.
    pub database: String,
    /// The login of our user there; none where its version does not ask for it.
    pub login: Option<String>,
    /// Keys of that user by reference, the newest first.
    pub keys: Vec<SecretName>,
    /// Private networks that it may be in.
    pub allow: Vec<Network>,
    /// How a new key is made before the one in use ends; none where people do that.
    pub rotate: Option<Rotate>,
}

/// How a new key is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// By the outbox addon, with the key in use.
    Addon,
    /// By a web session with the user's password, by reference.
    Password(SecretName),
}

impl Odoo {
    /// Its secrets: the keys, the newest first, and the password.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let password = self.rotate.iter().filter_map(|rotate| match rotate {
            Rotate::Addon => None,
            Rotate::Password(name) => Some(name),
        });
        self.keys.iter().chain(password)
    }
}

/// How the records of a source are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// From where.
    pub odoo: Arc<Odoo>,
    /// How it learns that something changed.
    pub by: CapturedBy,
    /// When it looks.
    pub rhythm: Rhythm,
    /// What happens to what is there at the first look.
    pub since: Since,
    /// What is captured, by model.
    pub models: BTreeMap<String, CapturedModel>,
}

/// How capture learns that something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapturedBy {
    /// By sweeps over what was written lately, and by nudges.
    Sweeps,
    /// By the outbox that an addon writes there: decision 0049.
    Outbox,
}

/// When it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From sweep to sweep, or from pull to pull.
    pub every: TimeSpan,
    /// How far a sweep looks back behind the last one: longer than the longest transaction there. Pulls do not look back.
    pub overlap: TimeSpan,
    /// From one comparison of identities to the next.
    pub identities: TimeSpan,
    /// From one comparison of all contents to the next.
    pub digests: TimeSpan,
    /// From one reconciliation to the next.
    pub reconcile: TimeSpan,
    /// How much of the past a reconciliation compares.
    pub window: TimeSpan,
}

/// What happens to what is there at the first look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It becomes known, and no event.
    Now,
    /// Each record is an event.
    Beginning,
}

/// A captured model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedModel {
    /// What its events are.
    pub contract: ContractRef,
    /// What is read of a record, as the contract declares it.
    pub reading: Reading,
}

/// Fields to be read, by name. A field that leads to other records has a reading of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The fields.
    pub fields: BTreeMap<String, Option<Reading>>,
}

impl Source {
    /// How its records are captured, where nobody sends them.
    pub fn captured(&self) -> Option<&Capture> {
        match &self.verify {
            Verify::Captured(capture) => Some(capture),
            Verify::StandardWebhooks { .. }
            | Verify::Signed(_)
            | Verify::SecretHeader { .. }
            | Verify::SecretPath
            | Verify::Basic { .. }
            | Verify::Unsigned { .. } => None,
        }
    }
}
