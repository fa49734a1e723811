//! Where an expression stands: its text with the file and the bytes of the scalar that holds it, so that a place in the
//! expression is a place in the file whatever way the scalar is quoted or folded.

use std::ops::Range;
use std::sync::Arc;

use model::Span;
use model::diagnostic::Place;

use crate::Spanned;

/// The text of an expression and its place in a project file.
#[derive(Clone, Debug)]
pub struct Source {
    path: Arc<str>,
    text: String,
    span: Span,
    /// For each byte of the text the byte of the file; empty where they run in step.
    bytes: Vec<u32>,
}

impl Source {
    /// A scalar of the file at `path`, the whole text of which is `file`. Without the file's text, places inside of
    /// escaped, folded and block scalars are those of the whole scalar.
    pub fn new(path: &str, file: &str, scalar: &Spanned<String>) -> Self {
        let (start, end) = (scalar.span.start as usize, scalar.span.end as usize);
        let bytes = match file.get(start..end) {
            Some(written) if written == scalar.value => Vec::new(),
            Some(written) => steps(&scalar.value, written, scalar.span.start),
            None if end - start.min(end) == scalar.value.len() => Vec::new(),
            None => vec![scalar.span.start; scalar.value.len()],
        };
        Self { path: Arc::from(path), text: scalar.value.clone(), span: scalar.span, bytes }
    }

    /// An expression that stands in no file.
    pub fn bare(text: &str) -> Self {
        let span = Span { start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) };
        Self { path: Arc::from(""), text: text.to_owned(), span, bytes: Vec::new() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The place of the whole scalar.
    pub fn place(&self) -> Place {
        self.file_place(self.span)
    }

    /// The place of a part of the text.
    pub(crate) fn place_of(&self, part: &Range<usize>) -> Place {
        let start = part.start.min(self.text.len());
        let end = part.end.clamp(start, self.text.len());
        let (from, to) = (self.byte(start), if end > start { self.byte(end - 1) + 1 } else { self.byte(start) });
        let whole = !self.bytes.is_empty() && self.bytes.first() == self.bytes.last();
        self.file_place(if whole { self.span } else { Span { start: from, end: to.max(from) } })
    }

    fn byte(&self, at: usize) -> u32 {
        if self.bytes.is_empty() {
            let step = u32::try_from(at).unwrap_or(u32::MAX);
            return self.span.start.saturating_add(step).min(self.span.end);
        }
        self.bytes.get(at).copied().unwrap_or(self.span.end)
    }

    fn file_place(&self, span: Span) -> Place {
        Place::File { path: self.path.as_ref().to_owned(), span }
    }
}

/// Walks text and notation side by side: what the notation has more than the text (indentation, line ends, escapes, doubled
/// quotes) is passed over until the two agree again.
fn steps(text: &str, written: &str, start: u32) -> Vec<u32> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    for c in text.chars() {
        at = next_place(c, written, at);
        for _ in 0..c.len_utf8() {
            bytes.push(start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)));
            at += 1;
        }
        at = at.min(written.len());
    }
    bytes
}

/// Where a character of the text stands, not before `from`; `from` itself where it stands there in no way that is known.
fn next_place(c: char, written: &str, from: usize) -> usize {
    let rest = written.get(from..).unwrap_or_default();
    for (at, seen) in rest.char_indices() {
        if seen == c {
            return from + at;
        }
        let escaped = rest.get(at + 1..).and_then(|after| after.chars().next());
        match (seen, escaped) {
            // The text has what follows the backslash, or something that the escape stands for.
            ('\\', Some(after)) if after != c && !after.is_whitespace() => return from + at,
            ('\\' | '\'' | '|' | '>' | '-' | '+' | '0'..='9', _) => {}
            (seen, _) if seen.is_whitespace() => {}
            _ => return from,
        }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'f>(file: &'f str, written: &str, text: &str, wanted: &str) -> &'f str {
        let start = file.find(written).unwrap();
        let span = Span { start: u32::try_from(start).unwrap(), end: u32::try_from(start + written.len()).unwrap() };
        let source = Source::new("f.yaml", file, &Spanned::new(text.to_owned(), span));
        let at = text.find(wanted).unwrap();
        let Place::File { span, .. } = source.place_of(&(at..at + wanted.len())) else { panic!("a place in the file") };
        file.get(span.start as usize..span.end as usize).unwrap()
    }

    #[test]
    fn a_part_of_the_text_is_found_in_the_file() {
        assert_eq!(part("a: upcase(.name)\n", "upcase(.name)", "upcase(.name)", ".name"), ".name");
        assert_eq!(part("a: 'x + ''y'' + .z'\n", "x + ''y'' + .z", "x + 'y' + .z", ".z"), ".z");
        assert_eq!(part(r#"a: "x + \"y\" + .z""#, r#"x + \"y\" + .z"#, r#"x + "y" + .z"#, ".z"), ".z");
        assert_eq!(part(r#"a: "match(.n, r'\\d') + .z""#, r"match(.n, r'\\d') + .z", r"match(.n, r'\d') + .z", ".z"), ".z");
        let block = "a: |\n    x = .a\n    x + .bc\nb: 1\n";
        assert_eq!(part(block, "|\n    x = .a\n    x + .bc\n", "x = .a\nx + .bc\n", ".bc"), ".bc");
        assert_eq!(part(block, "x = .a\n    x + .bc\n", "x = .a\nx + .bc\n", ".a"), ".a");
        let folded = "a: .one +\n   .two\n";
        assert_eq!(part(folded, ".one +\n   .two", ".one + .two", ".two"), ".two");
    }

    #[test]
    fn without_the_file_a_place_is_as_narrow_as_it_can_be() {
        let scalar = Spanned::new("a + b".to_owned(), Span { start: 10, end: 15 });
        let source = Source::new("f.yaml", "", &scalar);
        assert_eq!(source.place_of(&(4..5)), Place::File { path: "f.yaml".to_owned(), span: Span { start: 14, end: 15 } });
        let quoted = Spanned::new("a + b".to_owned(), Span { start: 10, end: 18 });
        let source = Source::new("f.yaml", "", &quoted);
        assert_eq!(source.place_of(&(4..5)), Place::File { path: "f.yaml".to_owned(), span: Span { start: 10, end: 18 } });
    }
}
