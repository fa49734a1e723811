//! Flags of the verbs with which things are tried out: send, listen.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// The source that it goes to
    pub(crate) source: String,
    /// The body; standard input where no file is named
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A header; may be given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The sender's own event type, where the source reads it from a header or a `CloudEvents` attribute
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// The project folder that declares the source; without one the applied policy is asked
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// The file that holds the source's secret; otherwise `CROSSDOCK_SECRET_*` or the project's data folder
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Show the request, and send nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Listen {
    /// Where to listen on this machine; 0 for any port
    #[arg(long, default_value_t = 9000, value_name = "PORT")]
    pub(crate) port: u16,
    /// The environment variable that holds the Standard Webhooks secret
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    pub(crate) secret_env: Option<String>,
    /// The file that holds it
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Send what arrives on to this address, and answer what it answers
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,
    /// The status to answer with
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u16).range(200..600))]
    pub(crate) status: u16,
    /// Also refuse, with 401, what does not show its secret
    #[arg(long)]
    pub(crate) strict: bool,
}
