//! What a system of record is asked and shows. Values without a decision.
//!
//! Whatever does not come is a fact of the world and no fault of ours: [`Unread`] says it in words for the person who can
//! mend it.

use bytes::Bytes;
use formats::signature::Secret;
use model::{Network, Timestamp};
use policy::compiled::Odoo;
pub use policy::compiled::Reading;

use crate::keyring::Keyring;

/// A system of record and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The system's name, for connection pools.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its database.
    pub database: String,
    /// The login of our user; none where its version does not ask for it.
    pub login: Option<String>,
    /// The key of our user.
    pub key: Secret,
    /// Private networks that it may be in.
    pub allow: Vec<Network>,
}

impl Peer {
    /// The system with the newest key that has a value; none while no key has one.
    pub fn of(odoo: &Odoo, keys: &Keyring) -> Option<Self> {
        let key = keys.values(&odoo.keys).next()?.clone();
        Some(Self {
            name: odoo.system.clone(),
            url: odoo.url.clone(),
            database: odoo.database.clone(),
            login: odoo.login.clone(),
            key,
            allow: odoo.allow.clone(),
        })
    }
}

/// Which records are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Of this model.
    pub model: String,
    /// What is read of each.
    pub reading: Reading,
    /// Which of them.
    pub which: Which,
    /// At most so many.
    pub limit: usize,
}

/// Which records of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those with an id above `after` that were written from a moment on.
    Written {
        /// From then on, by the system's clock.
        from: Timestamp,
        /// The last id of the page before.
        after: u64,
    },
    /// Those with these ids.
    These(Vec<u64>),
    /// All with an id above this one.
    All {
        /// The last id of the page before.
        after: u64,
    },
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The records.
    pub rows: Vec<Row>,
    /// Records of the page that are listed and whose content is refused, since a rule hides something that they lead to.
    pub closed: Vec<u64>,
    /// The last id of the page, where it was full: whatever became of its records since, others may follow.
    pub more_after: Option<u64>,
    /// When they were read, by the clock of the system, in whole seconds; ours where it does not tell.
    pub at: Timestamp,
    /// Whether the model has states.
    pub shape: Shape,
}

/// Whether a model has states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has.
    Stated,
    /// It has not.
    Plain,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: u64,
    /// When it was last written, in whole seconds.
    pub written_at: Option<Timestamp>,
    /// Its state, where its model has states.
    pub state: Option<String>,
    /// What of it becomes the body of an event.
    pub body: Bytes,
}

/// Why a record is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It was deleted.
    Gone,
    /// It is there, and a rule hides it from us.
    Hidden,
}

/// How much cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The model that was asked for; others may be.
    Model,
    /// Nothing of the system.
    System,
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What cannot be read.
    pub of: Extent,
    /// A stable word for it, for metrics and grouping, such as `odoo_key_refused`.
    pub cause: &'static str,
    /// In a sentence.
    pub why: String,
    /// What mends it, in a sentence; empty where waiting does.
    pub help: &'static str,
}
