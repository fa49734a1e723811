//! The canonical style of a project file, comments kept: top-level keys in the order of their table, two spaces for each
//! level, no blanks at the ends of lines, no two empty lines together, one line end at the end. Quotes are left alone.
//!
//! A file whose tree would not be the same afterwards, or that is laid out in a way that is not understood, is left as it
//! is, with the reason.

mod layout;
mod order;

use crate::decode::Address;
use crate::tree::{self, Node};
use crate::{Findings, SourceFile};

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatted {
    /// It is in style.
    Same,
    /// This is it in style.
    Changed(String),
    /// It was not touched.
    Left {
        /// For what reason.
        why: &'static str,
    },
}

/// A file in canonical style. A file that is no object of a project is the same.
pub fn format(file: &SourceFile) -> Formatted {
    let Some(address) = Address::of(&file.path, &mut Findings::new()) else {
        return Formatted::Same;
    };
    let Some(before) = read(&file.text) else {
        return Formatted::Left { why: "it has mistakes that `crossdock check` shows" };
    };
    let plain = plain(&file.text);
    // The places of the tree have to be those of the text that is laid out.
    let Some(root) = read(&plain) else {
        return Formatted::Left { why: "its line ends or its byte order mark are part of a text" };
    };
    let text = match layout::lines(&plain, &root) {
        Ok(lines) => order::assemble(lines, &root, address.kind.table()),
        Err(why) => return Formatted::Left { why },
    };
    if text == file.text {
        return Formatted::Same;
    }
    match read(&text) {
        Some(after) if after.same(&before) => Formatted::Changed(text),
        Some(_) | None => Formatted::Left { why: "its layout is part of what it says" },
    }
}

/// The tree of a text without any mistake of notation.
fn read(text: &str) -> Option<Node> {
    let mut findings = Findings::new();
    let root = tree::parse(text, &mut findings)?;
    (!findings.has_error()).then_some(root)
}

/// Without a byte order mark and carriage returns.
fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests;
