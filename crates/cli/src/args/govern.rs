//! Flags of the verbs with which the product is governed: catalog, audit, token, rotate.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use model::Scope;

use super::{Reason, Sure, rows};

/// What is seen of the catalog.
#[derive(Debug, Subcommand)]
pub(crate) enum Catalog {
    /// List the contracts with who answers for them and how many send and read them
    Ls(CatalogLs),
    /// Show all that is said of a contract, and who uses it
    Show(CatalogShow),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CatalogLs {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Only of this business area
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CatalogShow {
    /// Its name, event type or alias, or `NAME@VERSION`
    pub(crate) name: String,
    /// The project folder
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// Only of this event, delivery, object or token
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// At most so many rows
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = rows)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// List them
    Ls,
    /// Make one; its text is shown this once
    Make(TokenMake),
    /// Refuse every token of a name from now on
    Revoke(TokenRevoke),
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenMake {
    /// The name of whoever will use it, as the audit will show it
    pub(crate) name: String,
    /// What it may do
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    pub(crate) scope: Vec<ScopeWord>,
    /// Days until it is refused
    #[arg(long, default_value_t = 90, value_name = "N")]
    pub(crate) days: u16,
    #[command(flatten)]
    pub(crate) reason: Reason,
    /// Make it in this data folder, without the product, which has to be stopped: for who has lost the last token
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenRevoke {
    /// The name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeWord {
    /// Read everything but bodies
    Read,
    /// Read the bytes of events and answers
    Bodies,
    /// Retry, replay, pause, correct, release, cancel
    Operate,
    /// Apply a policy
    Apply,
    /// Everything, and tokens
    Admin,
}

impl From<ScopeWord> for Scope {
    fn from(word: ScopeWord) -> Self {
        match word {
            ScopeWord::Read => Self::Read,
            ScopeWord::Bodies => Self::Bodies,
            ScopeWord::Operate => Self::Operate,
            ScopeWord::Apply => Self::Apply,
            ScopeWord::Admin => Self::Admin,
        }
    }
}

/// What gets a new key.
#[derive(Debug, Subcommand)]
pub(crate) enum Rotate {
    /// Our user in an Odoo: a new key is made as `rotate` of its file says, tried and put in place, then the old one is ended
    Odoo(RotateOdoo),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateOdoo {
    /// The system, or a source of it
    pub(crate) name: String,
    /// The project folder
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Look whether the key in use works and when it ends, and make nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
}
