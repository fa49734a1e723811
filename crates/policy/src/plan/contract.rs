//! Contracts in a plan: the fields of the schema that come, change and go, and whom that breaks.

use super::difference::lines as differences;
use super::parts::{Part, Parts};
use super::schema_fields::{Breaks, compare, fields};
use super::{Change, Line, Mark, PartKind};
use crate::tree::{Node, to_json};

/// The change of the contract `NAME@VERSION`. A version that takes the place of one that goes is one change.
pub(super) fn change(name: &str, (was, is): (Option<&Part>, Option<&Part>), old: &Parts, new: &Parts) -> Option<Change> {
    let (base, version) = name.split_once('@')?;
    match (was, is) {
        (None, None) => None,
        (Some(was), Some(is)) => {
            let (lines, breaks) = both(was.node.as_ref()?, is.node.as_ref()?);
            (!lines.is_empty()).then(|| described(Mark::Change, name, verdict(breaks).to_owned(), lines, same_major(breaks)))
        }
        (None, Some(is)) => {
            let Some(before) = predecessor(base, version, old) else {
                return Some(described(Mark::Add, name, String::new(), Vec::new(), None));
            };
            let key = (PartKind::Contract, format!("{base}@{before}"));
            let (lines, breaks) = both(old.list.get(&key)?.node.as_ref()?, is.node.as_ref()?);
            let warning = if major(&before) == major(version) { same_major(breaks) } else { None };
            let note = format!("{before} → {version}   {}", verdict(breaks));
            if new.list.contains_key(&key) {
                Some(described(Mark::Add, name, note, lines, warning))
            } else {
                Some(described(Mark::Change, base, note, lines, warning))
            }
        }
        (Some(_), None) => {
            let is_replaced = versions(base, new).into_iter().any(|later| {
                let is_new = !old.list.contains_key(&(PartKind::Contract, format!("{base}@{later}")));
                is_new && predecessor(base, &later, old).as_deref() == Some(version)
            });
            (!is_replaced).then(|| described(Mark::Remove, name, String::new(), Vec::new(), None))
        }
    }
}

fn described(mark: Mark, name: &str, note: String, lines: Vec<Line>, warning: Option<&str>) -> Change {
    let warnings = warning.into_iter().map(str::to_owned).collect();
    Change { mark, kind: PartKind::Contract, name: name.to_owned(), note, lines, warnings }
}

/// Lines of the schema's fields and of everything else that two versions say, and whom the schema breaks.
fn both(was: &Node, is: &Node) -> (Vec<Line>, Breaks) {
    let schema = |node: &Node| node.entry("schema").map(|entry| fields(&to_json(&entry.value))).unwrap_or_default();
    let (mut lines, breaks) = compare(&schema(was), &schema(is));
    let is_told = |line: &Line| {
        ["schema", "examples"].iter().any(|key| {
            line.path == *key || line.path.starts_with(&format!("{key}.")) || line.path.starts_with(&format!("{key}["))
        })
    };
    lines.extend(differences(Some(was), Some(is), PartKind::Contract).into_iter().filter(|line| !is_told(line)));
    (lines, breaks)
}

fn verdict(breaks: Breaks) -> &'static str {
    match (breaks.producers, breaks.consumers) {
        (false, false) => "compatible",
        (true, false) => "breaks those who send",
        (false, true) => "breaks those who read",
        (true, true) => "breaks those who send and those who read",
    }
}

fn same_major(breaks: Breaks) -> Option<&'static str> {
    (breaks.producers || breaks.consumers).then_some("a change that breaks needs a new major version")
}

/// The versions of a contract, the lowest first.
fn versions(base: &str, parts: &Parts) -> Vec<String> {
    let all = parts.list.keys().filter(|(kind, _)| *kind == PartKind::Contract);
    let mut versions: Vec<String> = all
        .filter_map(|(_, name)| name.split_once('@'))
        .filter(|(name, _)| *name == base)
        .map(|(_, version)| version.to_owned())
        .collect();
    versions.sort_by_key(|version| numbers(version));
    versions
}

/// The highest version below this one.
fn predecessor(base: &str, version: &str, parts: &Parts) -> Option<String> {
    versions(base, parts).into_iter().rfind(|other| numbers(other) < numbers(version))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn major(version: &str) -> Option<u32> {
    numbers(version).first().copied()
}
