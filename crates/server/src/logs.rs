//! Logs to standard error: one line for each fact, as text for people or as one JSON object.
//!
//! Facts hold no body, header or secret. What other people's libraries log is not ours to vouch for, so that none of
//! them is ever heard below a warning, whatever level is asked for.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::settings::{BadSettings, LogFormat, Settings};

/// Which levels, where `CROSSDOCK_LOG` says nothing. The compiler of expressions warns about what `check` has judged.
const LEVELS: &str = "warn,crossdock=info,engine=info,server=info,vrl=error";
/// The crates whose words are ours.
const OURS: [&str; 8] = ["crossdock", "server", "engine", "adapters", "backends", "policy", "formats", "model"];

/// Begins to log. A second call in one process keeps what the first one set up, as tests need.
pub fn start(settings: &Settings) -> Result<(), BadSettings> {
    let levels = settings.environment.get("CROSSDOCK_LOG").unwrap_or_else(|| LEVELS.to_owned());
    let is_plain = !std::io::stderr().is_terminal() || settings.environment.get("NO_COLOR").is_some();
    let colours = if is_plain { Colours::Without } else { Colours::With };
    let subscriber = subscriber((settings.log, colours), &levels, std::io::stderr)?;
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// Whether lines as text are coloured: only where a person reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// On a terminal.
    With,
    /// In files, pipes, and where `NO_COLOR` is set.
    Without,
}

/// What takes the lines, and which ones.
pub fn subscriber<W>(
    (format, colours): (LogFormat, Colours),
    levels: &str,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, BadSettings>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let levels = EnvFilter::try_new(levels).map_err(|error| BadSettings::Setting("CROSSDOCK_LOG", error.to_string()))?;
    let registry = tracing_subscriber::registry().with(levels).with(filter_fn(is_ours_or_loud));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false);
    let lines = lines.with_ansi(colours == Colours::With);
    Ok(match format {
        LogFormat::Text => Box::new(registry.with(lines)),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true))),
    })
}

fn is_ours_or_loud(line: &Metadata<'_>) -> bool {
    let name = line.target().split("::").next().unwrap_or_default();
    OURS.contains(&name) || *line.level() <= Level::WARN
}
