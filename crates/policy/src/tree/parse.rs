//! From a YAML text to its tree, by the events of the scanner and a stack of our own, so that a hostile depth ends at a
//! limit and not at the end of the thread's stack.

use model::Span;
use model::limit::{PROJECT_DEPTH_MAX, PROJECT_FILE_BYTES_MAX};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::chars::Chars;
use super::scan_error;
use super::{Entry, Node, Scalar, Shape, Style};
use crate::source_file::too_large;
use crate::{Findings, Spanned, codes};

/// The tree of a file, or `None` where it could not be read; every reason is left in `findings`.
pub fn parse(text: &str, findings: &mut Findings) -> Option<Node> {
    if text.len() > PROJECT_FILE_BYTES_MAX {
        findings.push(too_large(findings.path(), text.len() as u64));
        return None;
    }
    if let Some(diagnostic) = scan_error::control_character(text, findings) {
        findings.push(diagnostic);
        return None;
    }
    // The rest is read nevertheless: all mistakes are told in one run, and a stored policy that had it before goes on.
    if let Some(diagnostic) = scan_error::lost_character(text, findings) {
        findings.push(diagnostic);
    }
    let root = Reader::new(text, findings).read()?;
    if root.is_null() {
        let message = "the file says nothing";
        findings.push(findings.error(codes::EMPTY_FILE, Span::default(), message).help("fill it, or remove it"));
        return None;
    }
    Some(root)
}

/// A collection whose end has not come.
struct Open {
    start: u32,
    /// Whether it is written with braces or brackets, so that its end belongs to it.
    is_flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key> },
}

/// A key whose value has not come.
struct Key {
    text: Spanned<String>,
    /// Whether its value is thrown away: it is there already, or it is no text.
    is_void: bool,
}

struct Reader<'a> {
    text: &'a str,
    chars: Chars,
    findings: &'a mut Findings,
    open: Vec<Open>,
    root: Option<Node>,
    /// Something is missing in the tree, so that reading it would report what is not so.
    is_fatal: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, findings: &'a mut Findings) -> Self {
        Self { text, chars: Chars::of(text), findings, open: Vec::new(), root: None, is_fatal: false }
    }

    fn read(mut self) -> Option<Node> {
        let text = self.text;
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    let at = self.chars.byte(error.marker().index());
                    let diagnostic = scan_error::explain(text, at, error.info(), self.findings);
                    self.findings.push(diagnostic);
                    return None;
                }
            };
            let span = Span { start: self.chars.byte(span.start.index()), end: self.chars.byte(span.end.index()) };
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents > 1 {
                    self.report(codes::DOCUMENTS, span, "a second document begins", "make it a file of its own");
                    return None;
                }
            }
            self.take(event, span)?;
        }
        let root = self.root.take();
        let empty =
            || Node { span: Span::default(), shape: Shape::Scalar(Scalar { text: String::new(), style: Style::Plain }) };
        if self.is_fatal { None } else { Some(root.unwrap_or_else(empty)) }
    }

    /// Takes one event; `None` where going on makes no sense.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
            Event::Alias(_) => {
                self.child_at(span.start);
                self.report(codes::ANCHOR, span, "an alias", "write the value again, or quote a text that begins with `*`");
                self.is_fatal = true;
                self.put(scalar(span, String::new(), Style::Plain));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.child_at(span.start);
                self.marks(anchor, tag.as_deref(), span);
                // What looks like a tag may be meant as a text: a value is there.
                let text =
                    if text.is_empty() { tag.map_or_else(String::new, |tag| tag.to_string()) } else { text.into_owned() };
                let node = self.scalar(span, text, style);
                self.put(node);
            }
            Event::SequenceStart(anchor, tag) => {
                self.marks(anchor, tag.as_deref(), span);
                self.begin(span, b'[', Content::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.marks(anchor, tag.as_deref(), span);
                self.begin(span, b'{', Content::Map { entries: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { start, is_flow, content } = self.open.pop()?;
                let node = close(start, is_flow.then_some(span.end), content);
                self.put(node);
            }
        }
        Some(())
    }

    fn begin(&mut self, span: Span, bracket: u8, content: Content) -> Option<()> {
        if self.open.len() >= PROJECT_DEPTH_MAX {
            let message = format!("this is nested {} levels deep; {PROJECT_DEPTH_MAX} are the most", self.open.len() + 1);
            self.report(codes::TOO_DEEP, span, &message, "flatten it");
            return None;
        }
        self.child_at(span.start);
        let is_flow = self.text.as_bytes().get(span.start as usize) == Some(&bracket);
        let start = if is_flow || bracket == b'{' { span.start } else { self.dash_before(span.start) };
        self.open.push(Open { start, is_flow, content });
        Some(())
    }

    /// Notes that a node begins here. The scanner lets a list that is not indented begin at its first item: if that is a
    /// list in brackets, the brackets are not those of the outer one.
    fn child_at(&mut self, start: u32) {
        let at_dash = self.dash_before(start);
        if let Some(open) = self.open.last_mut().filter(|open| open.is_flow && open.start == start) {
            open.is_flow = false;
            open.start = at_dash;
        }
    }

    /// The dash before an item on its line, or the item itself where there is none.
    fn dash_before(&self, start: u32) -> u32 {
        let (before, rest) = self.text.split_at_checked(start as usize).unwrap_or((self.text, ""));
        if rest.starts_with("- ") || rest.starts_with("-\n") {
            return start;
        }
        let before = before.trim_end_matches(' ');
        if before.ends_with('-') { u32::try_from(before.len() - 1).unwrap_or(start) } else { start }
    }

    /// Puts a finished node where it belongs: as the root, an item, a key or a value.
    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let (entries, key) = match &mut open.content {
            Content::List(items) => return items.push(node),
            Content::Map { entries, key } => (entries, key),
        };
        if let Some(Key { text, is_void }) = key.take() {
            if !is_void {
                let value = if node.is_null() && node.scalar().is_some_and(|it| it.text.is_empty()) {
                    nothing_after(&text)
                } else {
                    node
                };
                entries.push(Entry { key: text, value });
            }
            return;
        }
        let (new_key, complaint) = new_key(node, entries, self.findings);
        *key = Some(new_key);
        if let Some(complaint) = complaint {
            // A key that stands twice has its first value; other keys that are refused leave a hole.
            self.is_fatal |= complaint.code != codes::KEY_TWICE;
            self.findings.push(complaint);
        }
    }

    /// Reports what may stand before a node in YAML and not here.
    fn marks(&mut self, anchor: usize, tag: Option<&Tag>, span: Span) {
        if anchor > 0 {
            self.report(
                codes::ANCHOR,
                span,
                "an anchor",
                "write the value where it is needed, or quote a text that begins with `&`",
            );
        }
        if let Some(tag) = tag {
            let message = format!("a YAML tag: `{tag}`");
            self.report(
                codes::TAG,
                span,
                &message,
                "leave it out; a text or expression that begins with `!` goes in quotes",
            );
        }
    }

    fn report(&mut self, code: model::Code, span: Span, message: &str, help: &str) {
        let diagnostic = self.findings.error(code, span, message).help(help);
        self.findings.push(diagnostic);
    }

    fn scalar(&self, span: Span, text: String, style: ScalarStyle) -> Node {
        let (style, span) = match style {
            ScalarStyle::Plain => (Style::Plain, self.trimmed(span)),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                (Style::Quoted, Span { start: span.start + 1, end: span.end.saturating_sub(1).max(span.start + 1) })
            }
            ScalarStyle::Literal | ScalarStyle::Folded => (Style::Block, self.trimmed(span)),
        };
        scalar(span, text, style)
    }

    /// Without white space at its end.
    fn trimmed(&self, span: Span) -> Span {
        let inside = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let tail = inside.len() - inside.trim_end().len();
        Span { start: span.start, end: span.end - u32::try_from(tail).unwrap_or(0) }
    }
}

fn scalar(span: Span, text: String, style: Style) -> Node {
    Node { span, shape: Shape::Scalar(Scalar { text, style }) }
}

/// A value that is not there stands right behind its key.
fn nothing_after(key: &Spanned<String>) -> Node {
    scalar(Span { start: key.span.end, end: key.span.end }, String::new(), Style::Plain)
}

fn close(start: u32, flow_end: Option<u32>, content: Content) -> Node {
    match content {
        Content::List(items) => {
            let end = flow_end.or_else(|| items.last().map(|item| item.span.end)).unwrap_or(start);
            Node { span: Span { start, end: end.max(start) }, shape: Shape::List(items) }
        }
        Content::Map { entries, key: _ } => {
            let end = flow_end.or_else(|| entries.last().map(|entry| entry.value.span.end)).unwrap_or(start);
            let start = if flow_end.is_some() {
                start
            } else {
                entries.first().map_or(start, |entry| entry.key.span.start.min(start))
            };
            Node { span: Span { start, end: end.max(start) }, shape: Shape::Map(entries) }
        }
    }
}

/// The node as a key, with a complaint where it cannot be one.
fn new_key(node: Node, entries: &[Entry], findings: &Findings) -> (Key, Option<model::Diagnostic>) {
    let span = node.span;
    let Shape::Scalar(Scalar { text, style }) = node.shape else {
        let complaint = findings
            .error(codes::KEY_NO_TEXT, span, "a list or a map cannot be a key")
            .help("a text goes here; quote it where it begins with `[` or `{`");
        return (Key { text: Spanned::new(String::new(), span), is_void: true }, Some(complaint));
    };
    if text == "<<" && style == Style::Plain {
        let complaint = findings.error(codes::ANCHOR, span, "merge keys are not used here").help("write the fields out");
        return (Key { text: Spanned::new(text, span), is_void: true }, Some(complaint));
    }
    let first = entries.iter().find(|entry| entry.key.value == text);
    let complaint = first.map(|first| {
        let message = format!("the key `{text}` stands twice in this map");
        let at_first = findings.error(codes::KEY_TWICE, first.key.span, "").place;
        findings
            .error(codes::KEY_TWICE, span, message)
            .help("remove one of them")
            .related(at_first, "here for the first time")
    });
    (Key { text: Spanned::new(text, span), is_void: complaint.is_some() }, complaint)
}
