//! Settings of the process: where it listens, where data lies, how much room there is. From flags, then environment, then
//! a small TOML file, then defaults. The only place that reads the environment.

mod meant;
pub mod otlp;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use backends::sqlite::{JournalOptions, LedgerOptions, Options};
use engine::retention::decide::Retention;
use model::TimeSpan;
use model::limit::{ANSWER_WAIT, BODY_WAIT, CONNECTIONS_MAX, HEAD_WAIT, LINGER_WAIT};
use serde::Deserialize;

use self::otlp::Otlp;

/// The environment as it was at the start.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Names only: the values are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// Reads the process's environment: only what begins with `CROSSDOCK_` or `OTEL_`, and
    /// `NO_COLOR`.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
    pub fn read() -> Self {
        let ours = |name: &str| name.starts_with("CROSSDOCK_") || name.starts_with("OTEL_") || name == "NO_COLOR";
        Self(std::env::vars().filter(|(name, _)| ours(name)).collect())
    }

    /// An environment of given pairs.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The same with further pairs.
    #[must_use]
    pub fn with(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.0.extend(pairs);
        self
    }

    /// A variable, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// The settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The project folder.
    pub project: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// Where to listen, and whether somebody said so: only a default may move to the next free port.
    pub listen: Listen,
    /// Where the traces and metrics go (OTLP over HTTP), if anywhere.
    pub otlp: Option<Otlp>,
    /// Bytes that the journal may take before intake answers 503.
    pub journal_bytes: u64,
    /// The same of the ledger.
    pub ledger_bytes: u64,
    /// Days that bodies and answers are kept.
    pub body_days: u64,
    /// Days that the records of deliveries are kept.
    pub record_days: u64,
    /// Days that the audit is kept.
    pub audit_days: u64,
    /// How logs look.
    pub log: LogFormat,
    /// No sign-in is asked of what comes from this machine; only in the demo world.
    pub open_on_loopback: OpenOnLoopback,
    /// Names besides those of this machine that the server answers for.
    pub hosts: Vec<String>,
    /// How callers are known; without it nothing beyond this machine is listened to.
    pub identity: Option<Identity>,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// How many connections there may be, and how long their requests may take.
    pub http: HttpLimits,
    /// Where the simulated systems of the demo world keep their own ledger.
    pub world: Option<String>,
    /// The environment, for secrets and exporters.
    pub environment: Environment,
}

/// Limits of what strangers can occupy. Nobody sets them but tests.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections at once.
    pub connections: usize,
    /// How long the head of a request may take, and a connection be idle before it.
    pub head: TimeSpan,
    /// How long the body of a request may take.
    pub body: TimeSpan,
    /// How long the other side may take to read what is ready for it.
    pub answer: TimeSpan,
    /// How long a sender that still sends what is not read any more is listened to, so that it can read its answer.
    pub linger: TimeSpan,
    /// How long requests that are under way may still take when the process is told to stop. A sender that is alive has
    /// sent its body by then; who is not is cut off, and got no answer.
    pub grace: TimeSpan,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            head: HEAD_WAIT,
            body: BODY_WAIT,
            answer: ANSWER_WAIT,
            linger: LINGER_WAIT,
            grace: TimeSpan::from_secs(5),
        }
    }
}

/// How callers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// By tokens.
    Tokens,
}

/// Who may read the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metrics {
    /// Callers with the scope `read`, as everywhere.
    #[default]
    Tokens,
    /// Whoever reaches the listener.
    Open,
}

impl FromStr for Metrics {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tokens" => Ok(Self::Tokens),
            "open" => Ok(Self::Open),
            _ => Err("it is `tokens` or `open`"),
        }
    }
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nobody said: this address, or the next free port.
    Default(SocketAddr),
    /// Somebody said: this address or an error.
    Exactly(SocketAddr),
}

/// How logs look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("write text or json"),
        }
    }
}

/// Whether requests from this machine need no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenOnLoopback {
    /// They do not: the demo world.
    Yes,
    /// They do.
    No,
}

/// The settings file: every key is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// Where traces and metrics go.
    #[serde(default)]
    pub otlp: otlp::Table,
    /// Mebibytes that the journal may take.
    pub journal_mib: Option<u64>,
    /// Mebibytes that the ledger may take.
    pub ledger_mib: Option<u64>,
    /// Days that bodies are kept.
    pub body_days: Option<u64>,
    /// Days that the records of deliveries are kept.
    pub record_days: Option<u64>,
    /// Days that the audit is kept.
    pub audit_days: Option<u64>,
    /// How logs look.
    pub log: Option<LogFormat>,
    /// Names that the server answers for.
    pub hosts: Option<Vec<String>>,
    /// How callers are known.
    pub identity: Option<Identity>,
    /// Who may read the metrics.
    pub metrics: Option<Metrics>,
}

/// What flags say.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The project folder.
    pub project: Option<PathBuf>,
    /// The data folder.
    pub data: Option<PathBuf>,
    /// Where to listen.
    pub listen: Option<SocketAddr>,
    /// The settings file.
    pub settings: Option<PathBuf>,
    /// How logs look.
    pub log: Option<LogFormat>,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// The file cannot be read.
    #[error("the settings file {0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is no such TOML.
    #[error("the settings file {0} is wrong: {1}")]
    Wrong(PathBuf, toml::de::Error),
    /// A variable is wrong.
    #[error("the variable {0} is wrong: {1}")]
    Variable(&'static str, String),
    /// What a variable or the file says of this cannot be meant.
    #[error("{0} is wrong: {1}")]
    Setting(&'static str, String),
}

const MIB: u64 = 1024 * 1024;
/// What journal and ledger may take each where nobody says otherwise: 20 GiB.
const STORE_MIB: u64 = 20 * 1024;
/// How long the audit is kept where nobody says otherwise: seven years.
const AUDIT_DAYS: u64 = 2_557;

impl Settings {
    /// How long things are kept.
    pub fn retention(&self) -> Retention {
        let days = TimeSpan::from_days;
        let (payload, metadata, audit) = (days(self.body_days), days(self.record_days), days(self.audit_days));
        Retention { payload, metadata, audit, ..Retention::default() }
    }

    /// How much room the stores have.
    pub fn store(&self) -> Options {
        Options {
            journal: JournalOptions { budget_bytes: self.journal_bytes, ..JournalOptions::default() },
            ledger: LedgerOptions { budget_bytes: self.ledger_bytes, ..LedgerOptions::default() },
        }
    }

    /// The settings from flags, environment, file and defaults, in this order.
    pub fn resolve(flags: &Flags, environment: Environment) -> Result<Self, BadSettings> {
        let file = read_file(flags)?;
        let project = flags.project.clone().unwrap_or_else(|| PathBuf::from("."));
        let listen = flags.listen.or(variable(&environment, "CROSSDOCK_LISTEN")?).or(file.listen);
        let default_listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        let data = flags.data.clone().or(variable(&environment, "CROSSDOCK_DATA")?).or(file.data);
        let journal_mib = variable(&environment, "CROSSDOCK_JOURNAL_MIB")?.or(file.journal_mib).unwrap_or(STORE_MIB);
        let ledger_mib = variable(&environment, "CROSSDOCK_LEDGER_MIB")?.or(file.ledger_mib).unwrap_or(STORE_MIB);
        Ok(Self {
            data: data.unwrap_or_else(|| project.join(".crossdock")),
            project,
            listen: listen.map_or(Listen::Default(default_listen), Listen::Exactly),
            otlp: Otlp::resolve(file.otlp, &environment)?,
            journal_bytes: meant::budget("journal_mib", journal_mib)?,
            ledger_bytes: meant::budget("ledger_mib", ledger_mib)?,
            body_days: meant::days("body_days", variable(&environment, "CROSSDOCK_BODY_DAYS")?.or(file.body_days), 30)?,
            record_days: meant::days(
                "record_days",
                variable(&environment, "CROSSDOCK_RECORD_DAYS")?.or(file.record_days),
                400,
            )?,
            audit_days: meant::days(
                "audit_days",
                variable(&environment, "CROSSDOCK_AUDIT_DAYS")?.or(file.audit_days),
                AUDIT_DAYS,
            )?,
            log: flags.log.or(variable(&environment, "CROSSDOCK_LOG_FORMAT")?).or(file.log).unwrap_or_default(),
            hosts: meant::hosts(file.hosts.unwrap_or_default())?,
            identity: file.identity,
            metrics: variable(&environment, "CROSSDOCK_METRICS")?.or(file.metrics).unwrap_or_default(),
            open_on_loopback: OpenOnLoopback::No,
            http: HttpLimits::default(),
            world: None,
            environment,
        })
    }
}

fn read_file(flags: &Flags) -> Result<File, BadSettings> {
    let Some(path) = &flags.settings else { return Ok(File::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| BadSettings::Unreadable(path.clone(), error))?;
    toml::from_str(&text).map_err(|error| BadSettings::Wrong(path.clone(), error))
}

fn variable<T: FromStr>(environment: &Environment, name: &'static str) -> Result<Option<T>, BadSettings>
where
    T::Err: fmt::Display,
{
    environment
        .get(name)
        .map(|text| text.parse().map_err(|error: T::Err| BadSettings::Variable(name, error.to_string())))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\ndata = \"/from-file\"\nbody_days = 3\n").unwrap();
        let environment = Environment::from_pairs(&[("CROSSDOCK_LISTEN", "127.0.0.1:2"), ("CROSSDOCK_DATA", "/from-env")]);
        let flags = Flags { settings: Some(path), data: Some("/from-flag".into()), ..Flags::default() };
        let settings = Settings::resolve(&flags, environment).unwrap();
        assert_eq!(settings.data, PathBuf::from("/from-flag"));
        assert_eq!(settings.listen, Listen::Exactly("127.0.0.1:2".parse().unwrap()));
        assert_eq!(settings.body_days, 3);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "lisen = \"127.0.0.1:1\"\n").unwrap();
        let flags = Flags { settings: Some(path), ..Flags::default() };
        let refused = Settings::resolve(&flags, Environment::default()).unwrap_err().to_string();
        assert!(refused.contains("lisen"), "{refused}");
    }
}
