//! What is printed: data to standard output, everything else to standard error. The only place that prints, and so the one
//! that makes control characters of partners visible: only JSON, which escapes by itself, and bytes that were asked for as they
//! are go out raw.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ColorChoice;
use formats::visible;
use jiff::tz::TimeZone;
use model::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::args::{Common, Form};
use crate::exit::{Exit, Failure};
use crate::{moment, problems};

/// A number of things in words: `1 attempt`, `2 attempts`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Where and how to print.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// The form of data.
    pub(crate) form: Form,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
    zone: Option<TimeZone>,
    quiet: bool,
    closed: Arc<AtomicBool>,
}

impl Output {
    /// As the flags and the terminal say.
    pub(crate) fn new(common: &Common) -> Self {
        let terminal = std::io::stdout().is_terminal();
        match common.color {
            // What the environment says stands.
            ColorChoice::Auto => {}
            ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
            ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
        }
        let zone = (terminal && !common.utc).then(TimeZone::system);
        Self { form: common.form(), terminal, zone, quiet: common.quiet, closed: Arc::default() }
    }

    /// Whether standard output takes colours: by flag, by `NO_COLOR` and its kin, else where it is a terminal.
    pub(crate) fn has_colour() -> bool {
        !matches!(anstream::AutoStream::choice(&std::io::stdout()), anstream::ColorChoice::Never)
    }

    /// A line of data.
    pub(crate) fn line(&self, text: &str) {
        self.text(&format!("{}\n", visible::line(text)));
    }

    /// A time as this reader wants it: local with its zone on a terminal, RFC 3339 in UTC for programs.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        self.zone.as_ref().map_or_else(|| at.to_string(), |zone| moment::local(at, zone))
    }

    /// An empty screen, where there is one.
    pub(crate) fn clear(&self) {
        if self.terminal {
            self.text("\x1b[H\x1b[2J");
        }
    }

    /// Text of several lines.
    pub(crate) fn paragraph(&self, text: &str) {
        self.text(&format!("{}\n", visible::lines(text.trim_end())));
    }

    /// Lines of data.
    pub(crate) fn lines(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.line(&line);
        }
    }

    /// Text as it is: ours, with its colours.
    pub(crate) fn text(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        self.note(write!(out, "{text}").and_then(|()| out.flush()).is_ok());
    }

    /// Bytes as they are: nothing is added, nothing is taken away.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        self.note(out.write_all(bytes).and_then(|()| out.flush()).is_ok());
    }

    /// A reader that has gone away, such as `head`, is no error of ours; who prints without end asks and ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn note(&self, is_written: bool) {
        self.closed.fetch_or(!is_written, Ordering::Relaxed);
    }

    /// A value as JSON.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.text(&format!("{text}\n")),
            Err(error) => self.say(&format!("the answer cannot be written as JSON: {error}")),
        }
    }

    /// An answer of the interface, which has no schema's name of its own, as JSON with this one.
    pub(crate) fn json_as(&self, schema: &str, value: &impl Serialize) {
        match serde_json::to_value(value) {
            Ok(Value::Object(mut fields)) => {
                fields.insert("schema".to_owned(), Value::String(format!("crossdock/{schema}/1")));
                self.json(&fields);
            }
            Ok(value) => self.json(&value),
            Err(error) => self.say(&format!("the answer cannot be written as JSON: {error}")),
        }
    }

    /// A value as one line of JSON, for what has no end.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.text(&format!("{text}\n")),
            Err(error) => self.say(&format!("a line cannot be written as JSON: {error}")),
        }
    }

    /// Whether standard error is a terminal: what is said is seen by whoever sits there, and kept in no log.
    pub(crate) fn is_watched() -> bool {
        std::io::stderr().is_terminal()
    }

    /// A remark for people.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            Self::insist(text);
        }
    }

    /// What people must know though they asked for no remarks.
    pub(crate) fn insist(text: &str) {
        drop(writeln!(anstream::stderr(), "{}", visible::lines(text)));
    }

    /// What to do next, for people.
    pub(crate) fn next(&self, command: &str) {
        self.say(&format!("next: {command}"));
    }

    /// A question whose answer is awaited on the same line.
    pub(crate) fn ask(&self, question: &str) {
        if self.quiet {
            return;
        }
        let mut err = anstream::stderr().lock();
        drop(write!(err, "{} ", visible::lines(question)).and_then(|()| err.flush()));
    }

    /// What failed, in the form of the data, so that programs read it too.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        if self.form == Form::Json {
            let known = has_page(&failure.code) || problems::explain(&failure.code).is_some();
            self.json(&serde_json::json!({
                "schema": "crossdock/error/1",
                "code": failure.code,
                "message": failure.message,
                "hint": failure.hint,
                "docs": if known { format!("crossdock explain {}", failure.code) } else { String::new() },
                "exit": failure.exit as u8,
            }));
        }
        let is_diagnostic = has_page(&failure.code);
        let code = if is_diagnostic { format!("[{}]", failure.code) } else { String::new() };
        Self::insist(&format!("error{code}: {}", failure.message));
        if !failure.hint.is_empty() {
            Self::insist(&format!("help: {}", failure.hint));
        }
        if is_diagnostic {
            Self::insist(&format!("more: crossdock explain {}", failure.code));
        }
        failure.exit
    }

    /// A failure before a verb could run.
    pub(crate) fn fail(&self, exit: Exit, message: &str) -> Exit {
        self.failure(&Failure::new(exit, "failed", message))
    }

    /// Rows: aligned for a terminal, with tabs otherwise, so that nothing is cut for programs.
    pub(crate) fn table(&self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return self.say("there is none");
        }
        let text = if self.terminal { aligned(head, rows) } else { tabbed(rows) };
        self.text(&text);
    }
}

/// Whether it is the code of a diagnostic.
fn has_page(code: &str) -> bool {
    code.parse().ok().and_then(policy::codes::page).is_some()
}

/// Each row in a line with tabs between its cells; no cell has one inside.
fn tabbed(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| row.iter().map(|cell| visible::line(cell)).collect::<Vec<_>>().join("\t") + "\n";
    rows.iter().map(line).collect()
}

/// The rows below their head, in columns.
fn aligned(head: &[&str], rows: &[Vec<String>]) -> String {
    let head = head.iter().map(|&word| word.into()).collect();
    let rows = rows.iter().map(|row| row.iter().map(|cell| visible::line(cell)).collect());
    let rows: Vec<Vec<_>> = std::iter::once(head).chain(rows).collect();
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or_default()).collect();
    let line = |row: &Vec<_>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_a_partner_stays_one_cell_and_does_nothing_to_a_terminal() {
        let rows = [vec!["e1".to_owned(), "S1\u{1b}[2J\te2\n\u{202e}".to_owned()]];
        let escaped = r"S1\u{1b}[2J\u{9}e2\u{a}\u{202e}";
        assert_eq!(tabbed(&rows), format!("e1\t{escaped}\n"));
        assert_eq!(aligned(&["event", "key"], &rows), format!("event  key\ne1     {escaped}\n"));
    }
}
