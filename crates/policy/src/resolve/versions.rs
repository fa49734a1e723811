//! Versions of one contract beside each other: within a major version a later one breaks nobody whom an earlier one served, and
//! from one major version to the next leads a mapping.

use std::collections::BTreeMap;

use model::Span;

use super::Project;
use crate::contract::{Difference, Of, compare};
use crate::spanned::place;
use crate::specs::{ContractSpec, Lifecycle};
use crate::{Findings, codes};

/// LIMIT: differences that are told of two versions; whoever has more makes another major version anyway.
const TOLD_MAX: usize = 20;

/// Reports versions that break what one before them promised, and warns of major versions with no way between them.
pub(crate) fn check(project: &Project<'_>, findings: &mut Findings) {
    let mut families: BTreeMap<&str, Vec<&ContractSpec>> = BTreeMap::new();
    for contract in project.objects.contracts.values().filter(|contract| promises(contract)) {
        families.entry(contract.reference.name()).or_default().push(contract);
    }
    for mut family in families.into_values() {
        family.sort_by_key(|contract| contract.version_parts());
        for (one, next) in family.iter().zip(family.iter().skip(1)) {
            findings.enter(&next.path);
            if one.version_parts().0 == next.version_parts().0 {
                breaks(one, next, findings);
            } else if !has_bridge(one, next, project) {
                warn(one, next, findings);
            }
        }
    }
}

/// Whether somebody may count on it: a draft may still change, and what is retired is over.
const fn promises(contract: &ContractSpec) -> bool {
    match contract.lifecycle {
        Lifecycle::Approved | Lifecycle::Deprecated => true,
        Lifecycle::Draft | Lifecycle::Retired => false,
    }
}

fn breaks(one: &ContractSpec, next: &ContractSpec, findings: &mut Findings) {
    let found = compare(&one.schema.value, &next.schema.value);
    for difference in found.iter().filter(|difference| difference.hurts.is_any()).take(TOLD_MAX) {
        let span = schema_place(next, &difference.pointer);
        let (major, ..) = next.version_parts();
        let whom = difference.hurts.whom();
        let message = format!("{} breaks {whom}: {}", next.reference, said(difference));
        let diagnostic = findings.error(codes::BREAKING_VERSION, span, message);
        let diagnostic = diagnostic.related(
            place(&one.path, schema_place(one, &difference.pointer_before)),
            format!("what {} promises", one.version),
        );
        let help =
            format!("call it {}.0.0, keep what was promised, or mark it `lifecycle: draft` until it is settled", major + 1);
        findings.push(diagnostic.help(help));
    }
}

/// Where a part of the schema stands in the file.
fn schema_place(contract: &ContractSpec, pointer: &str) -> Span {
    if pointer.is_empty() { contract.schema.span } else { contract.schema_tree.at_pointer(pointer) }
}

fn said(difference: &Difference) -> String {
    let Difference { path, of, before, after, .. } = difference;
    let name = if path.is_empty() { "the whole".to_owned() } else { format!("`{path}`") };
    let side = |side: &Option<String>| side.clone().unwrap_or_default();
    match of {
        Of::Field if before.is_none() => format!("{name} has to be there"),
        Of::Field => format!("{name} is gone"),
        Of::Type | Of::Need => format!("{name} was {} and is {}", side(before), side(after)),
        Of::Rule(keyword) => format!("`{keyword}` of {name} was {} and is {}", side(before), side(after)),
        Of::Unread => format!("{name} and what follows is too large to be compared"),
    }
}

/// Whether a mapping leads from one to the other.
fn has_bridge(one: &ContractSpec, next: &ContractSpec, project: &Project<'_>) -> bool {
    let ends = [&one.reference, &next.reference];
    project.objects.mappings.values().any(|mapping| {
        let (Some(from), Some(to)) = (&mapping.from, &mapping.to) else { return false };
        from.value != to.value && ends.contains(&&from.value) && ends.contains(&&to.value)
    })
}

fn warn(one: &ContractSpec, next: &ContractSpec, findings: &mut Findings) {
    let message = format!(
        "{} and {} are beside each other, and no mapping leads from one to the other",
        one.reference, next.reference
    );
    let diagnostic = findings.warning(codes::NO_BRIDGE, Span::default(), message);
    let help = format!(
        "add a mapping from {} to {}, or the other way round, or mark the older one `lifecycle: retired` when nobody uses it any more",
        one.reference, next.reference
    );
    findings.push(diagnostic.related(place(&one.path, Span::default()), "the older version").help(help));
}
