//! Flags of `crossdock reconcile`.

use clap::Subcommand;
use model::{SourceName, TimeSpan};

use super::Reason;

#[derive(Debug, Subcommand)]
pub(crate) enum Reconcile {
    /// Compare a captured Odoo with what is known of it, now; gaps become events
    Odoo(ReconcileOdoo),
    /// How complete each captured model was, and what is being compared
    Ls,
    /// Let deletions go that are withheld because they are too many at once
    Release(ReconcileRelease),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReconcileOdoo {
    /// This source; otherwise each one that is captured
    pub(crate) source: Option<SourceName>,
    /// How much of the past, by Odoo's write dates: 1m to 400d; otherwise as the source declares
    #[arg(long, value_name = "SPAN")]
    pub(crate) window: Option<TimeSpan>,
    /// This model; may be given again. Otherwise each one that is captured
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Count gaps and recover none
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Do not wait for its end
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReconcileRelease {
    /// Of this source
    pub(crate) source: SourceName,
    /// Of this model
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) reason: Reason,
}
