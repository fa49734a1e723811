//! Diagnostics for readers: text like that of a compiler, JSON, SARIF and annotations of GitHub. All of them count lines
//! and columns from 1, columns in characters.

mod github;
mod json;
mod sarif;
mod text;

use std::collections::BTreeMap;

use model::diagnostic::Place;
use model::{Diagnostic, Severity, Span};
use serde::Serialize;

use crate::SourceFile;

pub use github::github;
pub use json::{json, json_lines};
pub use sarif::sarif;
pub use text::{Colour, text};

/// A place in a text, counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The line and column of a byte; of the end of the text for one behind it.
pub fn line_column(text: &str, byte: u32) -> LineColumn {
    let mut at = (byte as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = text.split_at(at).0;
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    LineColumn { line, column }
}

/// The texts of a project by path.
#[derive(Debug)]
pub struct Texts<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Texts<'a> {
    /// Of these files.
    pub fn of(files: &'a [SourceFile]) -> Self {
        Self(files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect())
    }

    /// The text of a file, empty for one that is not known.
    pub fn get(&self, path: &str) -> &'a str {
        self.0.get(path).copied().unwrap_or_default()
    }

    /// A place with lines and columns.
    fn locate(&self, place: &Place) -> Located {
        match place {
            Place::File { path, span } => {
                let text = self.get(path);
                let (start, end) = (line_column(text, span.start), line_column(text, span.end.max(span.start)));
                Located { file: Some(path.clone()), start: Some(start), end: Some(end), ..Located::default() }
            }
            Place::Pointer(pointer) => Located { pointer: Some(pointer.clone()), ..Located::default() },
            Place::Header(header) => Located { header: Some(header.clone()), ..Located::default() },
            Place::Whole => Located::default(),
        }
    }
}

/// A place for readers.
#[derive(Clone, Debug, Default, Serialize)]
struct Located {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<LineColumn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<LineColumn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
}

/// Errors and warnings in words: `2 errors, 1 warning`; `no mistakes` where there are none.
pub fn count(diagnostics: &[Diagnostic]) -> String {
    let (errors, warnings) = tally(diagnostics);
    let words = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts: Vec<String> = [words(errors, "error"), words(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no mistakes".to_owned() } else { parts.join(", ") }
}

fn tally(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|it| it.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Whether a span says no more than which file.
fn is_whole_file(span: Span) -> bool {
    span == Span::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_in_characters_from_one() {
        let text = "a\u{e9}b\r\n\u{1f600}c\n";
        let at = |byte| {
            let LineColumn { line, column } = line_column(text, byte);
            (line, column)
        };
        assert_eq!([0, 1, 3, 6, 10, 12, 99].map(at), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1), (3, 1)]);
        assert_eq!(at(2), (1, 2), "inside of a character counts as its beginning");
    }

    #[test]
    fn counts_are_in_words() {
        let error = Diagnostic::error(crate::codes::TAB, Place::Whole, "");
        let warning = Diagnostic::warning(crate::codes::TAB, Place::Whole, "");
        assert_eq!(count(&[]), "no mistakes");
        assert_eq!(count(&[error.clone(), error.clone(), warning.clone()]), "2 errors, 1 warning");
        assert_eq!(count(&[warning]), "1 warning");
    }
}
