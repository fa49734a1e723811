//! What a change of a project does, in words: per object the fields that change, what is affected by it, and what needs a
//! second look. It compares what files say; comments and layout are no change.

mod affected;
mod contract;
mod difference;
mod parts;
mod text;

use std::collections::BTreeSet;

use model::PolicyVersion;
use serde::Serialize;

use crate::catalog::Users;
use crate::contract::Hurts;
use crate::source_file::version;
use crate::{Findings, SourceFile};
use parts::{Part, Parts};

pub use text::text;

/// The difference between two versions of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// `crossdock/plan/1`.
    pub schema: &'static str,
    /// The version that is applied.
    pub from: PolicyVersion,
    /// The version that would be.
    pub to: PolicyVersion,
    /// Objects that come, change or go, by kind and name.
    pub changes: Vec<Change>,
    /// What works differently afterwards.
    pub affected: Affected,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It comes.
    Add,
    /// It changes.
    Change,
    /// It goes.
    Remove,
}

/// One object that comes, changes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which.
    pub mark: Mark,
    /// `flow`, `source`, `contract` …
    pub kind: PartKind,
    /// Its name.
    pub name: String,
    /// In a few words what it is or how it changes: `2.1.0 → 2.2.0   compatible`; or empty.
    pub note: String,
    /// The fields that change.
    pub lines: Vec<Line>,
    /// Whoever answers for it has to look at this.
    pub warnings: Vec<String>,
    /// Who uses what changes and is hurt by it, by name.
    #[serde(skip_serializing_if = "Users::is_empty")]
    pub hurt: Users,
    /// What it may not do, each in a sentence: the product refuses it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<String>,
}

/// The kinds of objects that a plan speaks of; sources and destinations apart from their system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// What a system says beside its sources and destinations.
    System,
    /// A source.
    Source,
    /// A destination.
    Destination,
    /// A version of a contract.
    Contract,
    /// A mapping.
    Mapping,
    /// A flow.
    Flow,
    /// A retry policy.
    Retry,
    /// A team.
    Team,
    /// A test.
    Test,
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Whether it comes, changes or goes.
    pub mark: Mark,
    /// Which: `deliver.retry`, `lines[].quantity`.
    pub path: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whom that hurts.
    #[serde(skip_serializing_if = "is_nobody")]
    pub hurts: Hurts,
}

/// What works differently afterwards, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Flows.
    pub flows: BTreeSet<String>,
    /// Sources.
    pub sources: BTreeSet<String>,
    /// Destinations.
    pub destinations: BTreeSet<String>,
}

impl PartKind {
    /// What one of it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Contract => "contract",
            Self::Mapping => "mapping",
            Self::Flow => "flow",
            Self::Retry => "retry policy",
            Self::Team => "team",
            Self::Test => "test",
        }
    }
}

impl Change {
    /// Of an object of which nothing more is known.
    fn new(mark: Mark, kind: PartKind, name: &str) -> Self {
        Self {
            mark,
            kind,
            name: name.to_owned(),
            note: String::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            hurt: Users::default(),
            breaches: Vec::new(),
        }
    }
}

impl Line {
    /// A difference that hurts nobody.
    fn new(mark: Mark, path: String, before: Option<String>, after: Option<String>) -> Self {
        Self { mark, path, before, after, hurts: Hurts::default() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_nobody(hurts: &Hurts) -> bool {
    !hurts.is_any()
}

impl Plan {
    /// The same as a way back: what was promised before is promised again, and breaks nothing.
    #[must_use]
    pub fn way_back(mut self) -> Self {
        self.changes.iter_mut().for_each(|change| change.breaches.clear());
        self
    }

    /// What the product refuses of it, each in a sentence.
    pub fn breaches(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().flat_map(|change| &change.breaches).map(String::as_str)
    }

    /// How many objects come, change and go.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |mark: Mark| self.changes.iter().filter(|change| change.mark == mark).count();
        (count(Mark::Add), count(Mark::Change), count(Mark::Remove))
    }

    /// Whether nothing would be done differently.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// The difference between what is applied and a folder. Files that cannot be read are as if they were not there: plan
/// only what was checked.
pub fn plan(before: &[SourceFile], after: &[SourceFile]) -> Plan {
    let (old, new) = (Parts::of(before, &mut Findings::new()), Parts::of(after, &mut Findings::new()));
    let mut changes = Vec::new();
    let keys: BTreeSet<_> = old.list.keys().chain(new.list.keys()).collect();
    for key in keys {
        let (kind, name) = key;
        let (was, is) = (old.list.get(key), new.list.get(key));
        changes.extend(match kind {
            PartKind::Contract => contract::change(name, (was, is), &old, &new),
            PartKind::System
            | PartKind::Source
            | PartKind::Destination
            | PartKind::Mapping
            | PartKind::Flow
            | PartKind::Retry
            | PartKind::Team
            | PartKind::Test => change(*kind, name, was, is),
        });
    }
    let affected = affected::affected(&changes, &old, &new);
    Plan { schema: "crossdock/plan/1", from: version(before), to: version(after), changes, affected }
}

/// The change of an object that is not a contract.
fn change(kind: PartKind, name: &str, was: Option<&Part>, is: Option<&Part>) -> Option<Change> {
    let (mark, note, lines) = match (was, is) {
        (None, None) => return None,
        (None, Some(is)) => (Mark::Add, is.note.clone(), Vec::new()),
        (Some(was), None) => (Mark::Remove, was.note.clone(), Vec::new()),
        (Some(was), Some(is)) => {
            let lines = difference::lines(was.node.as_ref(), is.node.as_ref(), kind);
            if lines.is_empty() {
                return None;
            }
            (Mark::Change, String::new(), lines)
        }
    };
    let warnings = warnings(kind, mark, &lines);
    Some(Change { note, lines, warnings, ..Change::new(mark, kind, name) })
}

/// What needs a second look.
fn warnings(kind: PartKind, mark: Mark, lines: &[Line]) -> Vec<String> {
    let touches = |field: &str| lines.iter().any(|line| line.path == field || line.path.starts_with(&format!("{field}.")));
    let mut warnings = Vec::new();
    match (kind, mark) {
        (PartKind::Destination, Mark::Remove) => {
            warnings.push("its open deliveries are held; finish or cancel them first");
        }
        (PartKind::Source, Mark::Remove) => warnings.push("its senders get 404 from then on"),
        (PartKind::Flow, Mark::Remove) => {
            warnings.push("events that only this flow took are routed nowhere");
        }
        (PartKind::Destination, Mark::Change) if touches("url") => {
            warnings.push("open deliveries go to the new address");
        }
        (PartKind::Destination, Mark::Change) if touches("allow") => {
            warnings.push("it may reach other private networks");
        }
        (PartKind::Source, Mark::Change) if touches("verify") => {
            warnings.push("who can send changes");
        }
        (PartKind::Source, Mark::Change) if touches("key") => {
            warnings.push("what was received under the old key is not known under the new one");
        }
        (PartKind::Flow, Mark::Change) if touches("deliver.lane") => {
            warnings.push("what is open keeps its lane; the order between old and new is not kept");
        }
        _ => {}
    }
    warnings.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
