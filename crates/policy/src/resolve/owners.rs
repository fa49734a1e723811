//! Who answers: where a project has teams, every owner is one of them; and where a contract names its system of record, that is a
//! system of the project.

use std::collections::BTreeSet;

use model::{Code, Owner};

use super::Project;
use crate::decode::ObjectKind;
use crate::{Findings, Spanned, codes, near};

/// Reports owners that are no team and systems of record that do not exist.
pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    teams(project, findings);
    records(project, findings);
}

/// A project without teams says nothing of who is one: then an owner is a name.
fn teams(project: &Project<'_>, findings: &mut Findings) {
    let objects = project.objects;
    if !objects.known.keys().any(|(kind, _)| *kind == ObjectKind::Team) {
        return;
    }
    let known: BTreeSet<&str> = names(project, ObjectKind::Team);
    let check = |owner: Option<&Spanned<Owner>>, path: &str, findings: &mut Findings| {
        if let Some(owner) = owner {
            findings.enter(path);
            one_of(&owner.as_ref().map(Owner::as_str), &known, ("team", codes::UNKNOWN_TEAM), findings);
        }
    };
    for system in &objects.systems {
        check(system.owner.as_ref(), &system.path, findings);
    }
    objects.contracts.values().for_each(|it| check(it.owner.as_ref(), &it.path, findings));
    objects.mappings.values().for_each(|it| check(it.owner.as_ref(), &it.path, findings));
    objects.flows.values().for_each(|it| check(it.owner.as_ref(), &it.path, findings));
}

fn records(project: &Project<'_>, findings: &mut Findings) {
    let known = names(project, ObjectKind::System);
    for contract in project.objects.contracts.values() {
        findings.enter(&contract.path);
        for (_, system) in &contract.governed.record {
            one_of(&system.as_ref().map(String::as_str), &known, ("system", codes::UNKNOWN_SYSTEM), findings);
        }
    }
}

/// The names of all files of a kind, readable or not.
fn names<'p>(project: &Project<'p>, kind: ObjectKind) -> BTreeSet<&'p str> {
    let of_kind = project.objects.known.keys().filter(|(of, _)| *of == kind);
    of_kind.map(|(_, name)| name.as_str()).collect()
}

fn one_of(name: &Spanned<&str>, known: &BTreeSet<&str>, (word, code): (&str, Code), findings: &mut Findings) {
    if !known.contains(name.value) {
        let diagnostic = findings.error(code, name.span, format!("there is no {word} `{}`", name.value));
        findings.push(diagnostic.help(near::suggestion(name.value, known.iter().copied())));
    }
}
