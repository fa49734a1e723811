//! What the command line asks for. Anything else is refused with the usage, before a minute is spent on it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sim::odoo::Version;

use crate::measure::Part;

/// Measures Crossdock against the limits of the machine that it runs on, or tries it for long under faults.
#[derive(Debug, Parser)]
#[command(name = "crossdock-bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) campaign: Option<Campaign>,
    #[command(flatten)]
    pub(crate) measure: Measure,
}

/// The table of figures against their limits; what is done without a command.
#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// Loads of 5 s instead of 20, and a million events stored instead of ten.
    #[arg(long)]
    pub(crate) quick: bool,
    /// This part alone; `build` is measured by its name only.
    #[arg(long, value_name = "PART")]
    pub(crate) only: Option<Part>,
    /// The figures as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What is no table of figures.
#[derive(Debug, Subcommand)]
pub(crate) enum Campaign {
    /// Kills the product under load, again and again; nothing may be lost, doubled or out of order.
    Kill {
        #[arg(long)]
        rounds: u64,
        /// Drawn and printed where it is not given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Posts the real payloads of shops and carriers, and says what became of them.
    Corpus(Corpus),
    /// Captures from a simulated Odoo whose own ledger judges.
    Capture(Capture),
    /// What capture costs an Odoo in which nothing, or little, changes.
    Cost {
        #[arg(long, default_value = "18")]
        version: OdooVersion,
        #[arg(long, default_value_t = 100_000)]
        records: usize,
    },
    /// Writes orders to a simulated Odoo that times out and conflicts.
    Writes {
        #[arg(long, default_value = "18")]
        version: OdooVersion,
        #[arg(long, default_value_t = 2_000)]
        orders: u64,
        /// Drawn and printed where it is not given.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// The stores by themselves.
    Store(Store),
    /// A process of the bench: the load generator.
    #[command(hide = true)]
    Load(Load),
    /// A process of the bench: the receiver.
    #[command(hide = true)]
    Sink,
    /// A process of the bench: `l0`, or `l1 FILE`.
    #[command(hide = true)]
    Limit { kind: Limit, file: Option<PathBuf> },
}

/// Where real payloads are and what they are posted to.
#[derive(Args, Debug)]
pub(crate) struct Corpus {
    /// The product; the one beside this program where it is not given.
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    #[arg(long, default_value = "packs")]
    pub(crate) packs: PathBuf,
    /// The folder of payloads.
    #[arg(long, default_value = "../shared/corpus")]
    pub(crate) from: PathBuf,
}

/// A day of an Odoo's users.
#[derive(Args, Debug)]
pub(crate) struct Capture {
    #[arg(long, default_value = "18")]
    pub(crate) version: OdooVersion,
    /// How the product learns of changes.
    #[arg(long, default_value = "sweeps")]
    pub(crate) from: Told,
    #[arg(long, default_value_t = 20_000)]
    pub(crate) changes: u64,
    /// Drawn and printed where it is not given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Seconds that Odoo does not answer.
    #[arg(long, default_value_t = 0)]
    pub(crate) away: u64,
}

/// What the stores do, and how much of it.
#[derive(Args, Debug)]
pub(crate) struct Store {
    #[arg(default_value_t = 300_000)]
    pub(crate) events: u64,
    /// Emptied first; one of the system's where it is not given.
    pub(crate) folder: Option<PathBuf>,
    /// What of it, by a part of its name.
    #[arg(default_value = "")]
    pub(crate) only: String,
    #[arg(default_value_t = crate::event::BYTES)]
    pub(crate) body_bytes: usize,
}

/// What to send where.
#[derive(Args, Debug)]
pub(crate) struct Load {
    pub(crate) address: String,
    pub(crate) path: String,
    pub(crate) connections: u64,
    pub(crate) seconds: u64,
    /// Events a second; 0 is as fast as answers come.
    pub(crate) rate: u64,
    /// The name of the run, a part of every event's id.
    pub(crate) run: String,
}

/// Which limit of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Limit {
    L0,
    L1,
}

/// Which way the product learns of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Told {
    Sweeps,
    Outbox,
}

/// Which Odoo is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OdooVersion {
    #[value(name = "18")]
    V18,
    #[value(name = "19")]
    V19,
}

impl From<OdooVersion> for Version {
    fn from(version: OdooVersion) -> Self {
        match version {
            OdooVersion::V18 => Self::V18,
            OdooVersion::V19 => Self::V19,
        }
    }
}
