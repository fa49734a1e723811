//! A difference of two values: the paths at which they differ, and their canonical texts side by side as a unified diff.

use model::Span;
use serde_json::{Map, Value};

/// Lines around a change that are shown.
const CONTEXT: usize = 3;
/// LIMIT: cells of the table in which common lines are looked for; larger texts are shown as one change.
const CELLS_MAX: usize = 4_000_000;
/// LIMIT: paths that are named; the diff shows the rest.
const PATHS_MAX: usize = 10;

/// Something that is not as expected.
#[derive(Debug)]
pub(super) struct Difference {
    /// Where the expectation stands.
    pub(super) span: Span,
    /// What differs.
    pub(super) what: String,
    /// As it should be.
    pub(super) expected: Value,
    /// As it is.
    pub(super) actual: Value,
}

impl Difference {
    /// Two values; the same ones are no difference.
    pub(super) fn new(span: Span, what: &str, expected: Value, actual: Value) -> Self {
        Self { span, what: what.to_owned(), expected, actual }
    }

    /// Something that there is no value of.
    pub(super) fn failed(span: Span, what: String) -> Self {
        Self { span, what, expected: Value::Null, actual: Value::Null }
    }

    /// Whether the values differ.
    pub(super) fn is_one(&self) -> bool {
        !same(&self.expected, &self.actual)
    }

    /// The paths at which the values differ.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        walk(String::new(), Some(&self.expected), Some(&self.actual), &mut paths);
        paths
    }

    /// For people: short values in a line, others as a diff.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.expected.is_null() && self.actual.is_null() {
            return Vec::new();
        }
        let (expected, actual) = (canonical(&self.expected), canonical(&self.actual));
        let is_nested = self.expected.is_object() || self.actual.is_object();
        if !is_nested {
            return vec![format!("- {}", self.expected), format!("+ {}", self.actual)];
        }
        let mut lines: Vec<String> = self.paths().into_iter().take(PATHS_MAX).map(|path| format!("at {path}")).collect();
        lines.extend(["--- expected".to_owned(), "+++ actual".to_owned()]);
        lines.extend(diff(&expected, &actual));
        lines
    }
}

/// The same JSON: the order of members does not count, and 2 is 2.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            let whole = a.is_f64() == b.is_f64();
            a == b || (!whole && a.as_f64() == b.as_f64())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

fn walk(path: String, expected: Option<&Value>, actual: Option<&Value>, paths: &mut Vec<String>) {
    let here = |path: String| if path.is_empty() { ".".to_owned() } else { path };
    match (expected, actual) {
        (Some(one), Some(other)) if same(one, other) => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let added = other.keys().filter(|key| !one.contains_key(*key));
            for key in one.keys().chain(added) {
                walk(format!("{path}.{key}"), one.get(key), other.get(key), paths);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for no in 0..one.len().max(other.len()) {
                walk(format!("{path}[{no}]"), one.get(no), other.get(no), paths);
            }
        }
        (Some(_), None) => paths.push(format!("{}: missing", here(path))),
        (None, Some(_)) => paths.push(format!("{}: not expected", here(path))),
        (Some(one), Some(other)) => {
            paths.push(format!("{}: {one} expected, {other} seen", here(path)));
        }
        (None, None) => {}
    }
}

/// Pretty-printed with members in the order of their names.
fn canonical(value: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(&sorted(value)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut pairs: Vec<(&String, &Value)> = members.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            Value::Object(pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Whether a line stays, goes or comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Stays,
    Goes,
    Comes,
}

/// The lines that change, with a little around them.
fn diff(expected: &[String], actual: &[String]) -> Vec<String> {
    let marked = marked(expected, actual);
    let near = |at: usize| {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(marked.len()));
        marked.get(from..to).unwrap_or_default().iter().any(|(mark, _)| *mark != Mark::Stays)
    };
    let mut lines = Vec::new();
    let mut left_out = false;
    for (at, (mark, line)) in marked.iter().enumerate() {
        if !near(at) {
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            lines.push("@@".to_owned());
        }
        let sign = match mark {
            Mark::Stays => ' ',
            Mark::Goes => '-',
            Mark::Comes => '+',
        };
        lines.push(format!("{sign}{line}"));
    }
    lines
}

fn marked<'a>(expected: &'a [String], actual: &'a [String]) -> Vec<(Mark, &'a str)> {
    let head = expected.iter().zip(actual).take_while(|(one, other)| one == other).count();
    let (one, other) = (&expected[head..], &actual[head..]);
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    let (middle_one, end) = one.split_at(one.len() - tail);
    let middle_other = &other[..other.len() - tail];
    let stays = |line: &'a String| (Mark::Stays, line.as_str());
    let begin = expected.iter().take(head).map(stays);
    begin.chain(common(middle_one, middle_other)).chain(end.iter().map(stays)).collect()
}

/// The longest common lines by the usual table; from its end to its beginning each cell is known when it is needed.
fn common<'a>(one: &'a [String], other: &'a [String]) -> Vec<(Mark, &'a str)> {
    let goes = |line: &'a String| (Mark::Goes, line.as_str());
    let comes = |line: &'a String| (Mark::Comes, line.as_str());
    let width = other.len() + 1;
    if (one.len() + 1).saturating_mul(width) > CELLS_MAX {
        return one.iter().map(goes).chain(other.iter().map(comes)).collect();
    }
    let mut longest = vec![0_u32; (one.len() + 1) * width];
    for row in (0..one.len()).rev() {
        for column in (0..other.len()).rev() {
            longest[row * width + column] = if one[row] == other[column] {
                longest[(row + 1) * width + column + 1] + 1
            } else {
                longest[(row + 1) * width + column].max(longest[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut marked = Vec::with_capacity(one.len() + other.len());
    while row < one.len() && column < other.len() {
        if one[row] == other[column] {
            marked.push((Mark::Stays, one[row].as_str()));
            (row, column) = (row + 1, column + 1);
        } else if longest[(row + 1) * width + column] >= longest[row * width + column + 1] {
            marked.push(goes(&one[row]));
            row += 1;
        } else {
            marked.push(comes(&other[column]));
            column += 1;
        }
    }
    marked.extend(one[row..].iter().map(goes));
    marked.extend(other[column..].iter().map(comes));
    marked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(expected: Value, actual: Value, lines: &[&str]) {
        assert_eq!(Difference::new(Span::default(), "it", expected, actual).lines(), lines);
    }

    #[test]
    fn members_are_compared_by_name_and_numbers_by_value() {
        assert!(same(&json!({"a": 1, "b": [2.0]}), &json!({"b": [2], "a": 1})));
        assert!(!same(&json!({"a": 1}), &json!({"a": "1"})));
        assert!(!same(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
    }

    #[test]
    fn a_difference_shows_paths_and_a_diff() {
        check(json!("a"), json!("b"), &["- \"a\"", "+ \"b\""]);
        check(
            json!({"id": "1", "lines": [{"q": 1}]}),
            json!({"id": "1", "lines": [{"q": 2}], "x": null}),
            &[
                "at .lines[0].q: 1 expected, 2 seen",
                "at .x: not expected",
                "--- expected",
                "+++ actual",
                "@@",
                "   \"id\": \"1\",",
                "   \"lines\": [",
                "     {",
                "-      \"q\": 1",
                "+      \"q\": 2",
                "     }",
                "-  ]",
                "+  ],",
                "+  \"x\": null",
                " }",
            ],
        );
    }

    #[test]
    fn what_is_far_from_a_change_is_left_out() {
        let one: Vec<String> = (0..20).map(|no| no.to_string()).collect();
        let mut other = one.clone();
        other[10] = "ten".to_owned();
        assert_eq!(diff(&one, &other), ["@@", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13"]);
    }
}
