//! The command line: verbs and flags, nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Everything that was accepted is accounted for: done, moving, or with a named person.
#[derive(Debug, Parser)]
#[command(name = "crossdock", version, about, disable_help_subcommand = false, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// Flags of every verb.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Common {
    /// Where the product is; by default the one of this folder, else http://127.0.0.1:8080
    #[arg(long, global = true, env = "CROSSDOCK_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The form of data
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t)]
    pub(crate) output: Form,
    /// The same as `-o json`
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Data only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Seconds that an answer may take
    #[arg(long, global = true, default_value_t = 30)]
    pub(crate) timeout_s: u64,
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
    /// Explain a code
    Explain(Explain),
    /// Is everything accounted for, and who has to do something
    Status(Status),
    /// The way of an order, an event or any reference
    #[command(visible_alias = "t")]
    Trace(Trace),
    /// Completions for a shell
    Completion(Completion),
}

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
    /// Such as H0312
    pub(crate) code: String,
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
    pub(crate) reference: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completion {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
