//! Text like that of a compiler: message, place, the lines themselves, what helps, and where to read more.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use model::diagnostic::Place;
use model::{Diagnostic, Severity, Span};

use super::{Texts, is_whole_file, line_column};
use crate::{SourceFile, codes};

/// Whether a text is for a terminal with colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Plain,
    /// With ANSI sequences.
    Ansi,
}

/// All diagnostics, with an empty line between them.
pub fn text(diagnostics: &[Diagnostic], files: &[SourceFile], colour: Colour) -> String {
    let masked = masked(diagnostics, files);
    let texts = Texts::of(&masked);
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    let mut all = String::new();
    for diagnostic in diagnostics {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&renderer.render(&[group(diagnostic, &texts)]));
        all.push('\n');
    }
    all
}

/// The files with every secret that was written into one covered, so that it does not go on into a log.
fn masked(diagnostics: &[Diagnostic], files: &[SourceFile]) -> Vec<SourceFile> {
    let mut files = files.to_vec();
    let covered = [codes::BAD_SECRET, codes::URL_CREDENTIALS, codes::CREDENTIAL_HEADER];
    for diagnostic in diagnostics.iter().filter(|it| covered.contains(&it.code)) {
        let Place::File { path, span } = &diagnostic.place else { continue };
        let Some(file) = files.iter_mut().find(|file| file.path == *path) else { continue };
        let range = range(*span, &file.text);
        let cover = "*".repeat(range.len());
        file.text.replace_range(range, &cover);
    }
    files
}

fn group<'a>(diagnostic: &'a Diagnostic, texts: &Texts<'a>) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(clean(&diagnostic.message)).id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    group = add_place(group, &diagnostic.place, &diagnostic.label, AnnotationKind::Primary, texts);
    for related in joined(diagnostic) {
        group = add_place(group, related.0, related.1, AnnotationKind::Context, texts);
    }
    if !diagnostic.help.is_empty() {
        group = group.element(Level::HELP.message(clean(&diagnostic.help)));
    }
    group.element(Level::NOTE.with_name("more").message(format!("crossdock explain {}", diagnostic.code)))
}

fn joined(diagnostic: &Diagnostic) -> impl Iterator<Item = (&Place, &str)> {
    diagnostic.related.iter().map(|related| (&related.place, related.message.as_str()))
}

fn add_place<'a>(group: Group<'a>, place: &'a Place, label: &'a str, kind: AnnotationKind, texts: &Texts<'a>) -> Group<'a> {
    match place {
        Place::File { path, span } if is_whole_file(*span) || texts.get(path).is_empty() => {
            let group = group.element(Origin::path(path.as_str()));
            if label.is_empty() { group } else { group.element(Level::NOTE.message(clean(label))) }
        }
        Place::File { path, span } => {
            let source = texts.get(path);
            let range = range(*span, source);
            let (first, line) = line_around(source, range.start);
            let inside = kind.span(range.start - first..range.end - first);
            let annotation = if label.is_empty() { inside } else { inside.label(clean(label)) };
            let line_no = line_column(source, span.start).line;
            group.element(Snippet::source(line).line_start(line_no).path(path.as_str()).annotation(annotation))
        }
        Place::Pointer(pointer) => group.element(Level::NOTE.with_name("at").message(remarked(pointer, label))),
        Place::Header(name) => group.element(Level::NOTE.with_name("header").message(remarked(name, label))),
        Place::Whole if label.is_empty() => group,
        Place::Whole => group.element(Level::NOTE.message(clean(label))),
    }
}

/// A place in a message with the remark about it.
fn remarked(place: &str, label: &str) -> String {
    if label.is_empty() { clean(place) } else { format!("{}: {}", clean(place), clean(label)) }
}

/// The line that a byte is in and where it begins: the renderer need not read the rest.
fn line_around(source: &str, at: usize) -> (usize, &str) {
    let (before, after) = source.split_at_checked(at).unwrap_or((source, ""));
    let first = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(source.len(), |length| at + length);
    (first, source.get(first..end).unwrap_or_default())
}

/// The bytes of a span inside of the text and between characters; of several lines only the first.
fn range(span: Span, source: &str) -> Range<usize> {
    let floor = |at: u32| {
        let mut at = (at as usize).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(span.start), floor(span.end));
    let line_end = source.get(start..).and_then(|rest| rest.find('\n')).map_or(source.len(), |at| start + at);
    start..end.clamp(start, line_end.max(start))
}

/// Without control characters, which could move a terminal's cursor.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
