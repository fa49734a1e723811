//! Two trees side by side: the fields that come, change and go, by their paths.

use super::{Line, Mark, PartKind};
use crate::tree::{Node, Shape, to_json};

/// The fields in which two trees differ, in the order of the second, then those that go.
pub(super) fn lines(was: Option<&Node>, is: Option<&Node>, kind: PartKind) -> Vec<Line> {
    let mut lines = Vec::new();
    compare(String::new(), was, is, &mut lines);
    if kind == PartKind::Mapping {
        // People speak of a mapping's fields without saying so each time.
        for line in &mut lines {
            if let Some(field) = line.path.strip_prefix("fields.") {
                line.path = field.to_owned();
            }
        }
    }
    lines
}

fn compare(path: String, was: Option<&Node>, is: Option<&Node>, lines: &mut Vec<Line>) {
    match (was, is) {
        (None, None) => {}
        (None, Some(is)) => {
            lines.push(Line::new(Mark::Add, path, None, Some(shown(is))));
        }
        (Some(was), None) => {
            lines.push(Line::new(Mark::Remove, path, Some(shown(was)), None));
        }
        (Some(was), Some(is)) if was.same(is) => {}
        (Some(was), Some(is)) => match (&was.shape, &is.shape) {
            (Shape::Map(old), Shape::Map(new)) => {
                for entry in new {
                    compare(
                        join(&path, &entry.key.value),
                        was.entry(&entry.key.value).map(|it| &it.value),
                        Some(&entry.value),
                        lines,
                    );
                }
                for entry in old.iter().filter(|entry| is.entry(&entry.key.value).is_none()) {
                    compare(join(&path, &entry.key.value), Some(&entry.value), None, lines);
                }
            }
            (Shape::List(old), Shape::List(new)) if old.iter().chain(new).all(|item| item.scalar().is_some()) => {
                compare_words(path, (old, new), (was, is), lines);
            }
            (Shape::List(old), Shape::List(new)) => {
                for no in 0..old.len().max(new.len()) {
                    compare(format!("{path}[{no}]"), old.get(no), new.get(no), lines);
                }
            }
            _ if text(was) == text(is) && was.scalar().is_some() && is.scalar().is_some() => {}
            _ => lines.push(Line::new(Mark::Change, path, Some(shown(was)), Some(shown(is)))),
        },
    }
}

/// Lists of words: what comes and goes; both lists where only their order changes.
fn compare_words(path: String, (old, new): (&[Node], &[Node]), (was, is): (&Node, &Node), lines: &mut Vec<Line>) {
    let has = |list: &[Node], item: &Node| list.iter().any(|other| text(other) == text(item));
    let before = lines.len();
    for item in new.iter().filter(|item| !has(old, item)) {
        lines.push(Line::new(Mark::Add, path.clone(), None, Some(shown(item))));
    }
    for item in old.iter().filter(|item| !has(new, item)) {
        lines.push(Line::new(Mark::Remove, path.clone(), Some(shown(item)), None));
    }
    let same_words = old.len() == new.len() && old.iter().zip(new).all(|(one, other)| text(one) == text(other));
    if lines.len() == before && !same_words {
        lines.push(Line::new(Mark::Change, path, Some(shown(was)), Some(shown(is))));
    }
}

fn text(node: &Node) -> Option<&str> {
    node.scalar().map(|scalar| scalar.text.as_str())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value on one line, short enough to be read.
pub(super) fn shown(node: &Node) -> String {
    const CHARS_MAX: usize = 120;
    let whole = match node.scalar() {
        Some(scalar) => scalar.text.split_whitespace().collect::<Vec<_>>().join(" "),
        None => to_json(node).to_string(),
    };
    if whole.chars().count() <= CHARS_MAX {
        return whole;
    }
    let head: String = whole.chars().take(CHARS_MAX - 1).collect();
    format!("{head}…")
}
