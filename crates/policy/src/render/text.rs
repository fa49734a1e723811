//! Text like that of a compiler: message, place, the lines themselves, what helps, and where to read more.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use formats::visible;
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
            let group = group.element(Origin::path(visible::line(path)));
            if label.is_empty() { group } else { group.element(Level::NOTE.message(clean(label))) }
        }
        Place::File { path, span } => {
            let source = texts.get(path);
            let range = range(*span, source);
            let (first, line) = line_around(source, range.start);
            let (shown, shown_range) = shown(line, range.start - first..range.end - first);
            let inside = kind.span(shown_range);
            let annotation = if label.is_empty() { inside } else { inside.label(clean(label)) };
            let line_no = line_column(source, span.start).line;
            group.element(Snippet::source(shown).line_start(line_no).path(visible::line(path)).annotation(annotation))
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

/// A line as a person may read it, and where a range of it is then: what would move a cursor or turn the direction of writing
/// could show another line than the one that is checked.
fn shown(line: &str, range: Range<usize>) -> (Cow<'_, str>, Range<usize>) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let place = |at: usize| line.get(..at).map_or(line, |before| before);
    let (start, end) = (visible::lines(place(range.start)).len(), visible::lines(place(range.end)).len());
    (visible::lines(line), start..end)
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

/// Without what could move a terminal's cursor or turn the direction of writing.
fn clean(text: &str) -> String {
    visible::line(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spanned::place;

    #[test]
    fn what_turns_the_direction_of_writing_is_shown_escaped_and_marked_where_it_stands() {
        let text = "a: 1\r\nowner: \u{202e}x\u{2066} team\r\n";
        let file = SourceFile::new("flows/a\u{202e}.yaml", text);
        let team = text.find("team").and_then(|at| u32::try_from(at).ok()).unwrap();
        let at = place(&file.path, Span { start: team, end: team + 4 });
        let diagnostic =
            Diagnostic::error(codes::TAB, at, "no \u{2067}team\u{1b}[2J").label("this \u{202a}one").help("say \u{2069}so");
        let shown = super::text(&[diagnostic], &[file], Colour::Plain);
        let marked = shown.lines().skip_while(|line| !line.contains("owner:")).take(2).collect::<Vec<_>>();
        let [line, below] = marked[..] else { panic!("{shown}") };
        assert!(line.ends_with(r"owner: \u{202e}x\u{2066} team"), "{shown}");
        assert_eq!(below.find("^^^^"), line.find("team"), "{shown}");
        for told in [r"no \u{2067}team\u{1b}[2J", r"flows/a\u{202e}.yaml:2", r"this \u{202a}one", r"say \u{2069}so"] {
            assert!(shown.contains(told), "{told} is not in {shown}");
        }
        assert!(
            !shown.contains(|c: char| c != '\n' && visible::line(c.encode_utf8(&mut [0; 4])).len() > c.len_utf8()),
            "{shown:?}"
        );
    }
}
