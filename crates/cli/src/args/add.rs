//! Flags of `add`: a system that is connected step by step.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use model::{SourceName, TimeSpan};

use super::Sure;

/// What is connected.
#[derive(Debug, Subcommand)]
pub(crate) enum Add {
    /// An Odoo, 18 or 19: asked what works, then shown what would be made, then made
    Odoo(AddOdoo),
}

/// Which Odoo, and what of it.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag by itself")]
pub(crate) struct AddOdoo {
    /// Where it is, such as `https://erp.example.com`
    pub(crate) address: String,
    /// Its database
    #[arg(long, value_name = "NAME")]
    pub(crate) db: String,
    /// What the user signs in with; Odoo 18 asks for it
    #[arg(long)]
    pub(crate) login: Option<String>,
    /// The variable that holds the user's API key; without it and --key-file the key is asked for
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
    pub(crate) key_env: Option<String>,
    /// The file that holds the user's API key
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// What you want to know; sales, deliveries and stock where it is left out
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) events: Vec<EventPack>,
    /// What it is called in the project
    #[arg(long, default_value = "odoo")]
    pub(crate) name: SourceName,
    /// The project folder; it is begun where there is none
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// How changes are learnt; webhooks where --reachable-at is said, else sweeps
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) capture: Option<CaptureWay>,
    /// Where Odoo reaches this product: webhooks then tell of changes at once. Without it sweeps find them
    #[arg(long, value_name = "URL")]
    pub(crate) reachable_at: Option<String>,
    /// With mappings to canonical events and flows that send them on; else events are only observed
    #[arg(long)]
    pub(crate) flows: bool,
    /// Keep the key in the data folder, readable for this user only
    #[arg(long)]
    pub(crate) store_key: bool,
    /// Do not let Odoo send a webhook at the end to see whether it arrives
    #[arg(long, conflicts_with = "wait_for_event")]
    pub(crate) without_test: bool,
    /// Then wait so long for somebody to save something in Odoo, and show what comes
    #[arg(long, value_name = "SPAN")]
    pub(crate) wait_for_event: Option<TimeSpan>,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Ask Odoo and show what would be made, and make nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

/// How changes in Odoo are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptureWay {
    /// By the outbox addon: each change, exactly once and in order
    Outbox,
    /// By webhooks at once, and by sweeps what these miss
    Webhooks,
    /// By reading what was written, each minute
    Sweeps,
}

/// A subject of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum EventPack {
    /// Quotations and orders
    Sales,
    /// Transfers: deliveries, receipts
    Deliveries,
    /// Quantities on hand and their movements
    Stock,
    /// Production and work orders
    Manufacturing,
    /// Purchase orders
    Purchase,
    /// Invoices and their payment
    Invoices,
    /// Requests for maintenance
    Maintenance,
    /// Customers and vendors
    Partners,
    /// Products
    Products,
}

impl EventPack {
    /// Those of who chooses nothing.
    pub(crate) const USUAL: [Self; 3] = [Self::Sales, Self::Deliveries, Self::Stock];

    /// The models of its events.
    pub(crate) const fn models(self) -> &'static [&'static str] {
        match self {
            Self::Sales => &["sale.order"],
            Self::Deliveries => &["stock.picking"],
            Self::Stock => &["stock.quant", "stock.move"],
            Self::Manufacturing => &["mrp.production", "mrp.workorder"],
            Self::Purchase => &["purchase.order"],
            Self::Invoices => &["account.move"],
            Self::Maintenance => &["maintenance.request"],
            Self::Partners => &["res.partner"],
            Self::Products => &["product.product"],
        }
    }
}
