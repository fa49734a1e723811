//! The command line: verbs and flags, nothing else.

mod add;
mod author;
mod govern;
mod operate;
mod reconcile;
mod simulate;
mod try_out;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ColorChoice, Parser, Subcommand, ValueEnum};
use model::TimeSpan;
use server::settings::LogFormat;

pub(crate) use add::*;
pub(crate) use author::*;
pub(crate) use govern::*;
pub(crate) use operate::*;
pub(crate) use reconcile::*;
pub(crate) use simulate::*;
pub(crate) use try_out::*;

/// Everything that was accepted is accounted for: done, moving, or with a named person.
#[derive(Debug, Parser)]
#[command(name = "crossdock", bin_name = "crossdock", version, disable_help_subcommand = false, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// Flags of every verb.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Common {
    /// Where the product is; otherwise the one that runs in this folder
    #[arg(long, global = true, env = "CROSSDOCK_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The form of data: for people, or one JSON value with the name of its schema
    #[arg(
        short = 'o',
        long = "output",
        global = true,
        value_enum,
        hide_possible_values = true,
        default_value_t,
        value_name = "table|json"
    )]
    pub(crate) output: Form,
    /// The same as `-o json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Data and errors only, no remarks
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How long an answer may take
    #[arg(long, global = true, default_value = "30s", value_name = "SPAN")]
    pub(crate) timeout: TimeSpan,
    /// Times in UTC on a terminal too; elsewhere they always are
    #[arg(long, global = true)]
    pub(crate) utc: bool,
    /// Colours; `NO_COLOR` and `CLICOLOR_FORCE` count too
    #[arg(long, global = true, hide_possible_values = true, default_value_t, value_name = "auto|always|never")]
    pub(crate) color: ColorChoice,
}

impl Common {
    /// The form of data.
    pub(crate) const fn form(&self) -> Form {
        if self.json { Form::Json } else { self.output }
    }
}

/// The form of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    #[default]
    Table,
    /// One JSON value with its schema's name
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run everything here; the demo world if the folder has no project
    Up(Up),
    /// Find every mistake of a project folder
    Check(Check),
    /// Bring project files into canonical order and style
    Fmt(Fmt),
    /// Explain a code, an event, a delivery, or anything that a project names
    Explain(Explain),
    /// Begin a project folder, with a small sample or with packs
    Init(Init),
    /// Connect a system: what works is asked, what would be made is shown
    #[command(subcommand)]
    Add(Add),
    /// Run the tests of a project folder
    Test(Test),
    /// What would change, and what is affected
    Plan(Plan),
    /// Apply a project folder to the running product
    Apply(Apply),
    /// Apply an earlier version again
    Rollback(Rollback),
    /// The difference of two folders or versions, in words
    Diff(Diff),
    /// Check machine, project and product; each finding has its fix
    Doctor(Doctor),
    /// Is everything accounted for, and who has to do something
    Status(Status),
    /// The way of an order, an event or any reference
    #[command(visible_alias = "t")]
    Trace(Trace),
    /// Live events and deliveries
    Tail(Tail),
    /// Events as they were accepted
    #[command(subcommand)]
    Events(Events),
    /// Deliveries and their attempts
    #[command(subcommand)]
    Deliveries(Deliveries),
    /// Send deliveries again that wait for a person
    Retry(Retry),
    /// End deliveries for good
    Cancel(OnDeliveries),
    /// Keep deliveries back for a person
    Hold(OnDeliveries),
    /// Events that wait for a person
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Send earlier events again to chosen flows
    Replay(Replay),
    /// Stop a source, flow or destination; what is accepted waits
    Pause(Switch),
    /// Let it go on
    Resume(Switch),
    /// Compare a captured system with what is known of it
    #[command(subcommand)]
    Reconcile(Reconcile),
    /// What retention removes, without the running product
    #[command(subcommand)]
    Retention(Retention),
    /// Send one event to a source, signed as it asks
    Send(Send),
    /// A local receiver that shows what arrives and why it would be refused
    Listen(Listen),
    /// The systems of the demo world against a running product, and their faults
    Simulate(Simulate),
    /// Put a new key in the place of the one in use
    #[command(subcommand)]
    Rotate(Rotate),
    /// The event types of a project folder, who answers for them and who uses them
    #[command(subcommand)]
    Catalog(Catalog),
    /// Who did what
    Audit(Audit),
    /// Tokens of persons and machines
    #[command(subcommand)]
    Token(Token),
    /// Completions for a shell
    Completion(Completion),
    /// The version of the program, and of the product that runs
    Version,
    /// The exit codes of all verbs
    #[command(hide = true, long_about = EXIT_CODES)]
    ExitCodes,
}

/// What `crossdock help exit-codes` shows; a test compares it with the codes themselves.
pub(crate) const EXIT_CODES: &str = "Exit codes, the same for every verb:

  0    done
  1    failed
  2    wrong usage
  3    findings (check, test, doctor, reconcile), or unhealthy (status)
  4    changes are pending (plan and diff with --exit-code); 2 in other tools
  5    what was asked for is not there
  6    refused by policy, scope or state
  7    cannot reach the product, or cannot sign in
  8    a command on many was done in part
  130  interrupted";

impl Default for Verb {
    fn default() -> Self {
        Self::Up(Up::default())
    }
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Up {
    /// The project folder
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen; port 0 for any
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Settings of the process, a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// How the log on standard error looks: `text` or `json`
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// How findings are written
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Report,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Report {
    /// For people, with the text underlined
    #[default]
    Text,
    /// One JSON value
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations for GitHub
    Github,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// The project folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Change nothing; say which files would change
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// A code such as H0312 or bad-signature, the id of an event or delivery, or a name of the project
    pub(crate) code: String,
}

/// Why something is done; it goes into the audit.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Reason {
    /// Why; it goes into the audit
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Whether it is meant.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Again every second
    #[arg(short, long)]
    pub(crate) watch: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// An order number, a tracking number, an event or delivery id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reference: String,
}

/// How many rows a list shows at most. With none it could only say that there is none.
fn rows(text: &str) -> Result<usize, String> {
    let rows: usize = text.parse().map_err(|_| "a number of rows, such as 50".to_owned())?;
    if rows == 0 { Err("a list shows at least one row".to_owned()) } else { Ok(rows) }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completion {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
