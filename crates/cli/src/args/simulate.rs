//! Flags of `simulate`: the demo's systems as a process of their own, and the switches of their faults.

use std::net::SocketAddr;

use clap::Subcommand;
use model::TimeSpan;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Simulate {
    #[command(subcommand)]
    pub(crate) what: Option<Simulated>,
    #[command(flatten)]
    pub(crate) load: Load,
}

/// What kind of world.
#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// The seed of all decisions
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub(crate) seed: u64,
    /// How many seconds of the world one second is
    #[arg(long, default_value_t = 1, value_name = "X", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) speed: u32,
    /// Orders in a minute of the world
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub(crate) orders_per_minute: u32,
    /// Orders that are placed at once at the start
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub(crate) opening_orders: u64,
    /// The number of the first order; by default one that the product has not seen
    #[arg(long, value_name = "N")]
    pub(crate) first_order: Option<u64>,
    /// A fault from the start; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Vec<String>,
    /// How long; until Ctrl-C where this is left out
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) duration: Option<TimeSpan>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Simulated {
    /// Break something in a running world, or mend it
    Fault {
        /// Such as odoo-restart
        name: String,
        #[command(flatten)]
        switched: Switched,
    },
    /// What can be broken, and what is
    Faults {
        #[command(flatten)]
        world: World,
    },
    /// Let a running world stand still, or go on
    Pause {
        #[command(flatten)]
        switched: Switched,
    },
    /// The books of the simulated systems
    Ledger {
        #[command(flatten)]
        world: World,
    },
    /// Serve a simulated Odoo until it is told to stop
    Odoo(SimulatedOdoo),
    /// The secrets of packs/demo as environment variables, for a product that runs it as its project
    Secrets,
}

/// What kind of Odoo.
#[derive(Debug, clap::Args)]
pub(crate) struct SimulatedOdoo {
    /// The version that it behaves as
    #[arg(long, default_value_t = 18, value_name = "18|19", value_parser = clap::value_parser!(u16).range(17..=19))]
    pub(crate) version: u16,
    /// Where it listens; with port 0 anywhere
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The seed of all chance
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub(crate) seed: u64,
    /// Sales orders that are there from the start
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pub(crate) records: u32,
    /// Another user, `crossdock`, with these groups, such as `Sales/User: All Documents`; login and key are then its own
    #[arg(long, value_delimiter = ',', value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// The key ends after so many days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=365))]
    pub(crate) key_days: Option<u64>,
    /// Without the outbox addon
    #[arg(long)]
    pub(crate) no_addon: bool,
    /// A fault from the start, such as timeout-after-commit=50 for 50 of 1000 requests; may be given several times
    #[arg(long, value_name = "NAME[=N]")]
    pub(crate) fault: Vec<String>,
}

/// Which world, and which way.
#[derive(Debug, clap::Args)]
pub(crate) struct Switched {
    #[command(flatten)]
    pub(crate) world: World,
    /// The other way: mend it, go on
    #[arg(long)]
    pub(crate) off: bool,
}

/// Which world.
#[derive(Debug, clap::Args)]
pub(crate) struct World {
    /// Where the simulated systems are; by default those of the running demo
    #[arg(long, value_name = "URL")]
    pub(crate) world: Option<String>,
}
