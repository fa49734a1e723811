//! What the YAML scanner complains about, in words that help: it speaks of tokens, people see a line.

use model::{Diagnostic, Span};

use crate::{Findings, codes};

/// What stands in a text for bytes that were none: see [`crate::SourceFile::read`].
const LOST: char = '\u{fffd}';

/// The first control character that no text file has, if there is one. The scanner would take NUL for the end.
pub(crate) fn control_character(text: &str, findings: &Findings) -> Option<Diagnostic> {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}');
    let (at, c) = text.char_indices().find(|(_, c)| is_bad(*c))?;
    let start = u32::try_from(at).ok()?;
    let span = Span { start, end: start + u32::try_from(c.len_utf8()).ok()? };
    let message = format!("the control character U+{:04X}", u32::from(c));
    Some(
        findings
            .error(codes::CONTROL_CHARACTER, span, message)
            .help("remove it; in a text in double quotes it can be written as an escape"),
    )
}

/// The first place where bytes were no UTF-8, if there is one.
pub(crate) fn lost_character(text: &str, findings: &Findings) -> Option<Diagnostic> {
    let mut lost = text.match_indices(LOST);
    let start = u32::try_from(lost.next()?.0).ok()?;
    let span = Span { start, end: start + u32::try_from(LOST.len_utf8()).ok()? };
    let further = match lost.count() {
        0 => String::new(),
        further => format!(", as at {further} further places"),
    };
    let message = format!("the bytes here are no UTF-8{further}");
    Some(
        findings
            .error(codes::NOT_UTF8, span, message)
            .help("save the file as UTF-8; nothing of it is used or changed before"),
    )
}

/// The diagnostic of a complaint of the scanner at a byte.
pub(crate) fn explain(text: &str, at: u32, info: &str, findings: &Findings) -> Diagnostic {
    let (line_start, line) = line_of(text, at as usize);
    let start = u32::try_from(line_start).unwrap_or(0);
    if let Some(from) = tab(text, line_start) {
        return findings
            .error(codes::TAB, Span { start: from, end: from + 1 }, "a tab in the indentation")
            .help("YAML is indented by spaces; use two for each level");
    }
    let span = span_at(text, at, start, line);
    findings.error(codes::SYNTAX, span, format!("this is not valid YAML: {}", plain(info))).help(repair(line, info))
}

/// The first tab in the indentation of the line that begins here or of the next one, which the scanner may have tried to
/// join to it.
fn tab(text: &str, line_start: usize) -> Option<u32> {
    let mut start = line_start;
    for line in text.get(line_start..)?.split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(at) = line.bytes().take(indent).position(|byte| byte == b'\t') {
            return u32::try_from(start + at).ok();
        }
        start += line.len();
    }
    None
}

/// The rest of the line from the place of the complaint, or the whole line where it is at its end.
fn span_at(text: &str, at: u32, line_start: u32, line: &str) -> Span {
    let trimmed = line.trim_end();
    let end = line_start + u32::try_from(trimmed.len()).unwrap_or(0);
    if at < end && text.is_char_boundary(at as usize) {
        return Span { start: at, end };
    }
    let indent = trimmed.len() - trimmed.trim_start().len();
    Span { start: line_start + u32::try_from(indent).unwrap_or(0), end }
}

/// The line that a byte is in; the last one with something on it where it is behind the end or on an empty line.
fn line_of(text: &str, at: usize) -> (usize, &str) {
    let mut found = (0, "");
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if start > at {
            break;
        }
        if !line.trim().is_empty() {
            found = (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    found
}

/// The scanner's own words without its jargon where we know better ones.
fn plain(info: &str) -> &str {
    for (theirs, ours) in [
        ("mapping values are not allowed", "a `:` stands where no key can be"),
        ("illegal placement of ':'", "a `:` stands where no key can be; is a bracket above not closed?"),
        ("simple key expect", "a key without a `:`"),
        ("did not find expected key", "this line fits neither the map nor the list above it"),
        ("did not find expected '-' indicator", "this line does not belong to the list above it"),
        ("block sequence entries are not allowed", "a `-` stands where no list can begin"),
        ("while parsing a flow sequence", "a list in brackets is not closed"),
        ("while parsing a flow mapping", "a map in braces is not closed"),
        ("found unexpected end of stream", "the file ends inside of quotes"),
        ("unexpected character", "a value cannot begin with this character"),
        ("invalid trailing content after double-quoted", "something follows the closing quote"),
        ("invalid indentation in quoted", "a text in quotes goes on too far to the left"),
        ("invalid indentation in flow", "what is in brackets goes on too far to the left"),
        ("invalid indentation", "the indentation fits none of the lines above"),
        ("wrongly indented line in block", "a line of the block is indented less than its first one"),
        ("unexpected end of plain scalar", "a text breaks off"),
        ("unknown anchor", "an alias without an anchor; quote a text that begins with `*`"),
        ("recursion limit", "this is nested too deeply"),
        ("escape", "an escape that is not known; in single quotes `\\` is just a character"),
    ] {
        if info.contains(theirs) {
            return ours;
        }
    }
    info
}

/// What most probably helps, from the look of the line.
fn repair(line: &str, info: &str) -> &'static str {
    let trimmed = line.trim();
    let value = trimmed.split_once(": ").map_or(trimmed.trim_start_matches("- "), |(_, value)| value.trim());
    if value.starts_with(['%', '@', '`']) {
        return "put the value in single quotes: a plain value cannot begin with this character";
    }
    if value.starts_with(['"', '\'']) && !info.contains("end of stream") {
        return "put the whole value in quotes of the other kind: it begins with a quote that ends before the value does";
    }
    if value.contains(": ") {
        return "put the value in quotes: it contains `: `";
    }
    "compare the indentation with the lines around it, and quote values with special characters"
}
