//! Who did what: principals and the rows of the audit. A row never holds a body or a secret.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{AuditId, TokenId};
use crate::time::Timestamp;

const PRODUCT: &str = "crossdock";
const DATA_FOLDER: &str = "data-folder";
const LOCAL: &str = "local";

/// Who asks: a person, a machine's token, or the product itself, by a name that stays readable in the audit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A principal by its name, such as `ines`, `token:ci`, `crossdock`.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The product itself, for what no person asked.
    pub fn product() -> Self {
        Self::new(PRODUCT)
    }

    /// Whoever writes into the data folder itself, without the product.
    pub fn data_folder() -> Self {
        Self::new(DATA_FOLDER)
    }

    /// Whoever sits at this machine where that needs no token.
    pub fn local() -> Self {
        Self::new(LOCAL)
    }

    /// Whether a name is one of the above: a token with it would act in their name.
    pub fn is_own(name: &str) -> bool {
        [PRODUCT, DATA_FOLDER, LOCAL].contains(&name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({})", self.0)
    }
}

/// One row of the audit; committed in the same batch as the change that it tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its id; a repeated command writes the same row once.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Principal,
    /// What, such as `delivery.retry`, `policy.apply`, `intake.key_reused`.
    pub action: String,
    /// To what: an id, a name, or `policy/` with the beginning of a version.
    pub subject: String,
    /// The reason that the person gave, or empty; of a new token also what it may do and until when.
    pub why: String,
}

/// A token of the management API as it is stored: only the digest of its secret part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The digest of the token's text.
    pub digest: Digest,
    /// Its name, which is the principal's.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; [`Timestamp::NEVER`] for none.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The version of a name's tokens: it rises with each token that is made and with each that is revoked.
pub fn version_of_tokens<'a>(tokens: impl IntoIterator<Item = &'a Token>, name: &str) -> u64 {
    tokens.into_iter().filter(|token| token.name == name).map(|token| 1 + u64::from(token.revoked_at.is_some())).sum()
}

/// What a token may do; each includes none of the others but `Admin`, which includes all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read everything but bodies.
    Read,
    /// Read the bytes of events and answers.
    Bodies,
    /// Retry, replay, pause, correct, release, cancel.
    Operate,
    /// Apply a policy.
    Apply,
    /// Everything, and tokens.
    Admin,
}

impl Scope {
    /// The word for it in stores, commands and sentences.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Bodies => "bodies",
            Self::Operate => "operate",
            Self::Apply => "apply",
            Self::Admin => "admin",
        }
    }
}
