//! Flags of the verbs with which a project is written: init, test, plan, apply, rollback, diff, doctor.

use std::path::PathBuf;

use super::{Reason, Sure};
use crate::packs::Pack;

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder to begin; it is made where it is missing
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Begin with these sources and what is sent of them, instead of the small sample
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PACK")]
    pub(crate) pack: Vec<Pack>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Only tests whose name holds this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// End with 4 when something would change
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// Only if this version, or one that begins so, is in force: what `crossdock plan` compared with
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect: Option<String>,
    /// Apply it although contracts break what they promised; the plan names whom it hurts
    #[arg(long)]
    pub(crate) allow_breaking: bool,
    /// Show what would change, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

/// On which terms a policy comes into force.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Terms {
    /// Hold open deliveries of what is removed for a person; otherwise the removal is refused
    #[arg(long)]
    pub(crate) hold_removed: bool,
    /// Apply it although secrets have no value; what they prove or sign does not work until they do
    #[arg(long)]
    pub(crate) allow_missing_secrets: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    /// The version, or the beginning of one; without it the applied versions are listed
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) reason: Reason,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// Show what would change, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// A folder, a version, or `present`
    pub(crate) before: String,
    /// A folder, a version, or `present`
    pub(crate) after: String,
    /// End with 4 when they differ
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Settings of the process, a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Let each Odoo send a webhook for a record that is there, and see whether it arrives; nothing is written
    #[arg(long)]
    pub(crate) test_event: bool,
}
