//! Contracts in a plan: the fields of the schema that come, change and go, whom that hurts, and what a contract may not do
//! within a major version or in its life.

use super::difference::lines as differences;
use super::parts::{Part, Parts};
use super::{Change, Line, Mark, PartKind};
use crate::catalog::Users;
use crate::contract::{Difference, Hurts, Lifecycle, Of, compare, hurt_by};
use crate::tree::{Node, to_json};

/// The change of the contract `NAME@VERSION`. A version that takes the place of one that goes is one change.
pub(super) fn change(name: &str, (was, is): (Option<&Part>, Option<&Part>), old: &Parts, new: &Parts) -> Option<Change> {
    let (base, version) = name.split_once('@')?;
    match (was, is) {
        (None, None) => None,
        (Some(was), Some(is)) => {
            let (lines, hurts) = both(was.node.as_ref()?, is.node.as_ref()?);
            let between = Between { mark: Mark::Change, base, before: version, version, old, new };
            (!lines.is_empty()).then(|| between.described(name, verdict(hurts), lines, hurts))
        }
        (None, Some(is)) => {
            let Some(before) = predecessor(base, version, old) else { return Some(plain(Mark::Add, name)) };
            let key = (PartKind::Contract, format!("{base}@{before}"));
            let (lines, hurts) = both(old.list.get(&key)?.node.as_ref()?, is.node.as_ref()?);
            let note = format!("{before} → {version}   {}", verdict(hurts));
            let between = |mark| Between { mark, base, before: &before, version, old, new };
            Some(if new.list.contains_key(&key) {
                between(Mark::Add).described(name, note, lines, hurts)
            } else {
                between(Mark::Change).described(base, note, lines, hurts)
            })
        }
        (Some(_), None) => {
            let is_replaced = versions(base, new).into_iter().any(|later| {
                let is_new = !old.list.contains_key(&(PartKind::Contract, format!("{base}@{later}")));
                is_new && predecessor(base, &later, old).as_deref() == Some(version)
            });
            (!is_replaced).then(|| plain(Mark::Remove, name))
        }
    }
}

fn plain(mark: Mark, name: &str) -> Change {
    Change::new(mark, PartKind::Contract, name)
}

/// Two versions of a contract, which may be one and the same.
struct Between<'a> {
    mark: Mark,
    base: &'a str,
    before: &'a str,
    version: &'a str,
    old: &'a Parts,
    new: &'a Parts,
}

impl Between<'_> {
    fn described(&self, name: &str, note: impl Into<String>, lines: Vec<Line>, hurts: Hurts) -> Change {
        let hurt = if hurts.is_any() {
            Users::of(&self.reference(self.before), hurts, &self.old.objects)
        } else {
            Users::default()
        };
        Change { note: note.into(), lines, hurt, breaches: self.breaches(hurts), ..plain(self.mark, name) }
    }

    fn reference(&self, version: &str) -> String {
        format!("{}@{version}", self.base)
    }

    /// What the change may not do.
    fn breaches(&self, hurts: Hurts) -> Vec<String> {
        let life = |version: &str, parts: &Parts| {
            let reference = self.reference(version);
            let mut all = parts.objects.contracts.values();
            all.find(|contract| contract.reference.as_str() == reference).map(|contract| contract.lifecycle)
        };
        let (Some(was), Some(is)) = (life(self.before, self.old), life(self.version, self.new)) else { return Vec::new() };
        let mut breaches = Vec::new();
        let is_promised = was != Lifecycle::Draft && is != Lifecycle::Draft;
        if hurts.is_any() && is_promised && major(self.before) == major(self.version) {
            let next = major(self.version).map_or(1, |major| major + 1);
            let reference = self.reference(self.version);
            breaches.push(format!("{reference} breaks {}: it needs the version {next}.0.0", hurts.whom()));
        }
        if self.before == self.version && !was.may_become(is) {
            let reference = self.reference(self.version);
            breaches.push(format!("{reference} is {} and cannot become {} any more", was.word(), is.word()));
        }
        breaches
    }
}

/// Lines of the schema's fields and of everything else that two versions say, and whom the schema hurts.
fn both(was: &Node, is: &Node) -> (Vec<Line>, Hurts) {
    let schema = |node: &Node| node.entry("schema").map(|entry| to_json(&entry.value)).unwrap_or_default();
    let found = compare(&schema(was), &schema(is));
    let mut lines: Vec<Line> = found.iter().map(line).collect();
    let is_told = |line: &Line| {
        ["schema", "examples"].iter().any(|key| {
            line.path == *key || line.path.starts_with(&format!("{key}.")) || line.path.starts_with(&format!("{key}["))
        })
    };
    lines.extend(differences(Some(was), Some(is), PartKind::Contract).into_iter().filter(|line| !is_told(line)));
    (lines, hurt_by(&found))
}

fn line(difference: &Difference) -> Line {
    let Difference { path, of, before, after, hurts, .. } = difference;
    let name = if path.is_empty() { "(whole)" } else { path };
    let (before, after) = (before.clone(), after.clone());
    let mark = match (of, &before) {
        (Of::Field, None) => Mark::Add,
        (Of::Field, Some(_)) => Mark::Remove,
        (Of::Type | Of::Need | Of::Rule(_) | Of::Unread, _) => Mark::Change,
    };
    let path = match of {
        Of::Field | Of::Type | Of::Need => name.to_owned(),
        Of::Rule(keyword) => format!("{name} {keyword}"),
        Of::Unread => format!("{name}: too large to be compared whole"),
    };
    Line { mark, path, before, after, hurts: *hurts }
}

fn verdict(hurts: Hurts) -> String {
    if hurts.is_any() { format!("breaks {}", hurts.whom()) } else { "compatible".to_owned() }
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
