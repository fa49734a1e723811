//! Logs to standard error: one line for each fact, as text for people or as one JSON object.
//!
//! Facts hold no body, header or secret. What other people's libraries log is not ours to vouch for, so that none of
//! them is ever heard below a warning, whatever level is asked for.

use std::fmt;
use std::io::IsTerminal as _;

use formats::visible;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FormatFields, MakeWriter};
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
        LogFormat::Text => Box::new(registry.with(lines.fmt_fields(Visible))),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true))),
    })
}

/// Fields as text in one line: what a partner or a destination named moves no cursor and is no line of its own.
struct Visible;

impl<'writer> FormatFields<'writer> for Visible {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&visible::line(&text))
    }
}

fn is_ours_or_loud(line: &Metadata<'_>) -> bool {
    let name = line.target().split("::").next().unwrap_or_default();
    OURS.contains(&name) || *line.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_others_named_is_one_line_of_text_and_does_nothing_to_a_terminal() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber((LogFormat::Text, Colours::Without), "info", move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let why = "no\u{1b}[2J\n\u{202e}WARN";
            tracing::warn!(quoted = why, shown = %why, "held: {why}");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let line = text.strip_suffix('\n').unwrap();
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains(r"held: no") && line.contains(r"[2J\u{a}\u{202e}WARN"), "{line}");
    }
}
