//! What takes what is sent to a destination, and how it knows us. Values without a decision.

use std::sync::Arc;

use model::SecretName;

use super::Odoo;

/// What takes what is sent to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// An HTTP server: the bytes as they are.
    Http,
    /// An Odoo: a document that says what should be true there (decision 0048).
    Odoo {
        /// Which.
        odoo: Arc<Odoo>,
        /// Whether anything is done there at all.
        writing: Writing,
    },
}

/// Whether a system is only looked at, or changed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Deliveries are held for their owner, and nothing is changed.
    Off,
    /// What deliveries say is done.
    On,
}

/// How a destination knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer(SecretName),
    /// `Authorization: Basic`.
    Basic {
        /// The user.
        user: String,
        /// The password's name.
        secret: SecretName,
    },
    /// A header of its own.
    Header {
        /// Its name.
        name: String,
        /// The value's name.
        secret: SecretName,
    },
}
