//! Which line is what, and how far each is to be indented: read from the tree, never guessed from the look of a line.

use crate::tree::{Entry, Node, Shape, Style};

/// Spaces of a level.
const STEP: usize = 2;

/// A line in its new layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) role: Role,
    /// The line as it is to be, without its end.
    pub(super) text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Blank,
    /// A comment and nothing else.
    Comment,
    /// The mark `---`.
    Mark,
    /// A top-level key.
    Key,
    /// Content that goes with what is above it.
    Content,
}

/// How a line of content is indented.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// It begins with a key or an item.
    Start { new: usize },
    /// It goes on with what began on another line, and is moved as far as that one.
    Follow { owner: usize },
    /// It is inside of a block text, whose lines had `old` spaces and shall have `new`.
    Block { old: usize, new: usize },
}

/// All lines of a text with this tree in their new layout, or why it cannot be laid out.
pub(super) fn lines(text: &str, root: &Node) -> Result<Vec<Line>, &'static str> {
    let mut layout = Layout::of(text);
    if root.entries().is_none() || layout.is_flow(root) {
        return Err("it is no map with a key on each line");
    }
    layout.map(root, 0)?;
    layout.finish()
}

struct Layout<'a> {
    text: &'a str,
    lines: Vec<&'a str>,
    /// The byte at which each line begins.
    starts: Vec<usize>,
    plans: Vec<Option<Plan>>,
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

impl<'a> Layout<'a> {
    fn of(text: &'a str) -> Self {
        let mut starts = Vec::new();
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            starts.push(start);
            lines.push(line.trim_end_matches('\n'));
            start += line.len();
        }
        let plans = vec![None; lines.len()];
        Self { text, lines, starts, plans }
    }

    fn line_of(&self, byte: u32) -> usize {
        self.starts.partition_point(|start| *start <= byte as usize).saturating_sub(1)
    }

    fn line(&self, no: usize) -> &'a str {
        self.lines.get(no).copied().unwrap_or_default()
    }

    fn is_flow(&self, node: &Node) -> bool {
        let first = self.text.as_bytes().get(node.span.start as usize);
        match &node.shape {
            Shape::Map(_) => first == Some(&b'{'),
            Shape::List(_) => first == Some(&b'['),
            Shape::Scalar(_) => false,
        }
    }

    /// Whether a token at this byte is the first of its line; one in quotes begins a byte earlier.
    fn opens_line(&self, byte: u32) -> bool {
        let no = self.line_of(byte);
        let first = self.starts.get(no).copied().unwrap_or(0) + indent(self.line(no));
        let byte = byte as usize;
        byte == first || (byte == first + 1 && self.text.as_bytes().get(first).is_some_and(|quote| b"\"'".contains(quote)))
    }

    fn plan(&mut self, no: usize, plan: Plan) -> Result<(), &'static str> {
        let Some(place) = self.plans.get_mut(no) else { return Err(UNUSUAL) };
        if place.is_some() {
            return Err(UNUSUAL);
        }
        *place = Some(plan);
        Ok(())
    }

    fn map(&mut self, node: &Node, new: usize) -> Result<(), &'static str> {
        for entry in node.entries().unwrap_or_default() {
            if !self.opens_line(entry.key.span.start) {
                return Err(UNUSUAL);
            }
            let no = self.line_of(entry.key.span.start);
            self.plan(no, Plan::Start { new })?;
            self.value(&entry.value, no, new)?;
        }
        Ok(())
    }

    /// A value after a key or a dash on line `owner`, which is indented by `new`.
    fn value(&mut self, node: &Node, owner: usize, new: usize) -> Result<(), &'static str> {
        let first = self.line_of(node.span.start);
        match &node.shape {
            Shape::Scalar(scalar) if scalar.style == Style::Block => self.block(node, owner, new),
            Shape::Map(_) if !self.is_flow(node) => self.map(node, new + STEP),
            Shape::List(_) if !self.is_flow(node) => self.list(node, new + STEP),
            Shape::Scalar(_) | Shape::List(_) | Shape::Map(_) if first == owner || node.is_null() => {
                self.follow(node, owner, owner)
            }
            Shape::Scalar(_) | Shape::List(_) | Shape::Map(_) => {
                if !self.opens_line(node.span.start) {
                    return Err(UNUSUAL);
                }
                self.plan(first, Plan::Start { new: new + STEP })?;
                self.follow(node, first, first)
            }
        }
    }

    /// The further lines of something that begins on line `first`.
    fn follow(&mut self, node: &Node, first: usize, owner: usize) -> Result<(), &'static str> {
        let last = self.line_of(node.span.end.saturating_sub(1).max(node.span.start));
        for no in first + 1..=last {
            self.plan(no, Plan::Follow { owner })?;
        }
        Ok(())
    }

    /// The lines of a text after `|` or `>`.
    fn block(&mut self, node: &Node, owner: usize, new: usize) -> Result<(), &'static str> {
        let header = self.line(owner).split(" #").next().unwrap_or_default().trim_end();
        if header.ends_with(|c: char| c.is_ascii_digit())
            || header.trim_end_matches(['+', '-']).ends_with(|c: char| c.is_ascii_digit())
        {
            return Err("a block text says how far it is indented");
        }
        if node.span.start >= node.span.end {
            return Ok(());
        }
        let last = self.line_of(node.span.end - 1);
        let first = (owner + 1..=last).find(|no| !self.line(*no).trim().is_empty());
        let old = first.map_or(0, |no| indent(self.line(no)));
        for no in owner + 1..=last {
            self.plan(no, Plan::Block { old, new: new + STEP })?;
        }
        Ok(())
    }

    fn list(&mut self, node: &Node, new: usize) -> Result<(), &'static str> {
        for item in node.items().unwrap_or_default() {
            let first = match item.entries() {
                Some([Entry { key, .. }, ..]) if !self.is_flow(item) => key.span.start,
                Some(_) | None => item.span.start,
            };
            let no = self.line_of(first);
            let line = self.line(no);
            let tail = line.trim_start().strip_prefix('-').map(str::trim_start);
            // A dash alone, a dash in a dash, or a block text after one are rare and left alone.
            let is_plain = tail.is_some_and(|tail| !tail.is_empty() && !tail.starts_with(['-', '|', '>', '#']));
            let begins_here = tail.is_some_and(|tail| {
                let at = self.starts.get(no).copied().unwrap_or(0) + line.len() - tail.len();
                let first = first as usize;
                first == at || first == at + 1
            });
            if !is_plain || !begins_here {
                return Err(UNUSUAL);
            }
            self.plan(no, Plan::Start { new })?;
            self.item(item, no, new)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Node, no: usize, new: usize) -> Result<(), &'static str> {
        let entries = item.entries().filter(|_| !self.is_flow(item));
        let Some([head, rest @ ..]) = entries else { return self.value(item, no, new) };
        self.value(&head.value, no, new + STEP)?;
        for entry in rest {
            if !self.opens_line(entry.key.span.start) {
                return Err(UNUSUAL);
            }
            let no = self.line_of(entry.key.span.start);
            self.plan(no, Plan::Start { new: new + STEP })?;
            self.value(&entry.value, no, new + STEP)?;
        }
        Ok(())
    }

    /// The lines by their plans; what has none is a comment, empty, or not understood.
    fn finish(&self) -> Result<Vec<Line>, &'static str> {
        let mut lines = Vec::with_capacity(self.lines.len());
        for no in 0..self.lines.len() {
            let line = self.line(no);
            let plan = self.plans.get(no).copied().flatten();
            lines.push(match plan {
                Some(plan @ Plan::Start { new: 0 }) => Line { role: Role::Key, text: self.lay(no, plan) },
                Some(plan) => Line { role: Role::Content, text: self.lay(no, plan) },
                None if line.trim().is_empty() => Line { role: Role::Blank, text: String::new() },
                None if line.trim_start().starts_with('#') => {
                    let text = format!("{:1$}{2}", "", self.comment_indent(no), line.trim());
                    Line { role: Role::Comment, text }
                }
                None if line.trim_end() == "---" => Line { role: Role::Mark, text: "---".to_owned() },
                None => return Err(UNUSUAL),
            });
        }
        Ok(lines)
    }

    fn lay(&self, no: usize, plan: Plan) -> String {
        let line = self.line(no);
        let spaces = |count: usize, rest: &str| {
            if rest.is_empty() { String::new() } else { format!("{:count$}{rest}", "") }
        };
        match plan {
            Plan::Start { new } => {
                let rest = line.trim();
                match rest.strip_prefix("- ") {
                    Some(item) => spaces(new, &format!("- {}", item.trim_start())),
                    None => spaces(new, rest),
                }
            }
            Plan::Follow { owner } => {
                let (old, new) = self.moved(owner);
                spaces((indent(line) + new).saturating_sub(old), line.trim())
            }
            Plan::Block { old, new } => line.get(old..).map_or_else(String::new, |rest| spaces(new, rest)),
        }
    }

    /// The indentation of a line of content before and after.
    fn moved(&self, no: usize) -> (usize, usize) {
        let old = indent(self.line(no));
        match self.plans.get(no).copied().flatten() {
            Some(Plan::Start { new }) => (old, new),
            Some(Plan::Follow { .. } | Plan::Block { .. }) | None => (old, old),
        }
    }

    /// A comment stands with the line below it, or with the one above where it stood with that one and not with the
    /// one below.
    fn comment_indent(&self, no: usize) -> usize {
        let old = indent(self.line(no));
        let is_start = |no: &usize| matches!(self.plans.get(*no), Some(Some(Plan::Start { .. })));
        let below = (no + 1..self.lines.len()).find(is_start).map(|no| self.moved(no));
        let above = (0..no).rev().filter(is_start).map(|no| self.moved(no));
        match below {
            Some((before, after)) if before == old => after,
            Some(_) | None => {
                let with = above.take_while(|(before, _)| *before >= old).find(|(before, _)| *before == old);
                with.or(below).map_or(0, |(_, after)| after)
            }
        }
    }
}

const UNUSUAL: &str = "it is laid out in a way that is not understood";
