//! What nothing uses.

use std::collections::BTreeSet;

use model::{ContractRef, MappingName, Span};

use super::Project;
use crate::specs::Lifecycle;
use crate::{Findings, codes};

/// Warns of mappings and contracts that nothing uses. A contract that is a draft or retired may wait unused. With an error
/// anywhere, what uses what is not known well enough.
pub(crate) fn warn(project: &Project<'_>, findings: &mut Findings) {
    if findings.has_error() {
        return;
    }
    let objects = project.objects;
    let mappings: BTreeSet<&MappingName> =
        objects.flows.values().filter_map(|flow| flow.mapping.as_ref()).map(|name| &name.value).collect();
    for (name, mapping) in &objects.mappings {
        if !mappings.contains(name) {
            findings.enter(&mapping.path);
            let diagnostic =
                findings.warning(codes::UNUSED_MAPPING, Span::default(), format!("no flow uses the mapping `{name}`"));
            findings.push(diagnostic.help("name it in a flow, or remove it"));
        }
    }
    let in_events = objects
        .systems
        .iter()
        .flat_map(|system| &system.sources)
        .flat_map(|source| &source.events)
        .filter_map(|event| event.contract.as_ref());
    let in_mappings = objects.mappings.values().flat_map(|mapping| [mapping.from.as_ref(), mapping.to.as_ref()]).flatten();
    let contracts: BTreeSet<&ContractRef> = in_events.chain(in_mappings).map(|it| &it.value).collect();
    for (reference, contract) in &objects.contracts {
        let may_wait = match contract.lifecycle {
            Lifecycle::Draft | Lifecycle::Retired => true,
            Lifecycle::Approved | Lifecycle::Deprecated => false,
        };
        if !may_wait && !contracts.contains(reference) {
            findings.enter(&contract.path);
            let diagnostic = findings.warning(
                codes::UNUSED_CONTRACT,
                Span::default(),
                format!("neither a source nor a mapping uses {reference}"),
            );
            findings.push(diagnostic.help("use it, mark it `lifecycle: draft`, or remove it"));
        }
    }
}
