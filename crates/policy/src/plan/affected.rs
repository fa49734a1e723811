//! What works differently after a change, through however many references: a contract through its mappings, a mapping and
//! a retry policy through their flows.

use std::collections::BTreeSet;

use super::parts::Parts;
use super::{Affected, Change, PartKind};
use crate::resolve;
use crate::specs::{EventSpec, FlowSpec, MappingSpec};

/// Names of what changed, of one kind.
fn names(changes: &[Change], kind: PartKind) -> BTreeSet<&str> {
    changes.iter().filter(|change| change.kind == kind).map(|change| change.name.as_str()).collect()
}

/// Flows, sources and destinations that work differently.
pub(super) fn affected(changes: &[Change], old: &Parts, new: &Parts) -> Affected {
    let mut affected = Affected::default();
    for parts in [old, new] {
        let changed = Changed::of(changes, parts);
        for (name, flow) in &parts.objects.flows {
            if changed.touches(flow, name.as_str(), parts) {
                affected.flows.insert(name.to_string());
                affected.destinations.extend(flow.destination.as_ref().map(|destination| destination.value.to_string()));
            }
        }
        for source in parts.objects.systems.iter().flat_map(|system| &system.sources) {
            let by_contract = source
                .events
                .iter()
                .filter_map(|event| event.contract.as_ref())
                .any(|it| changed.contracts.contains(it.value.as_str()));
            if by_contract || changed.sources.contains(source.name.value.as_str()) {
                affected.sources.insert(source.name.value.to_string());
            }
        }
    }
    affected.destinations.extend(names(changes, PartKind::Destination).into_iter().map(str::to_owned));
    affected
}

struct Changed<'a> {
    flows: BTreeSet<&'a str>,
    mappings: BTreeSet<&'a str>,
    retries: BTreeSet<&'a str>,
    destinations: BTreeSet<&'a str>,
    sources: BTreeSet<&'a str>,
    contracts: BTreeSet<&'a str>,
}

impl<'a> Changed<'a> {
    fn of(changes: &'a [Change], parts: &'a Parts) -> Self {
        let contracts = names(changes, PartKind::Contract);
        let mut mappings = names(changes, PartKind::Mapping);
        let reads = |mapping: &MappingSpec| {
            [mapping.from.as_ref(), mapping.to.as_ref()]
                .into_iter()
                .flatten()
                .any(|it| contracts.contains(it.value.as_str()))
        };
        mappings.extend(parts.objects.mappings.iter().filter(|(_, mapping)| reads(mapping)).map(|(name, _)| name.as_str()));
        Self {
            flows: names(changes, PartKind::Flow),
            mappings,
            retries: names(changes, PartKind::Retry),
            destinations: names(changes, PartKind::Destination),
            sources: names(changes, PartKind::Source),
            contracts,
        }
    }

    fn touches(&self, flow: &FlowSpec, name: &str, parts: &Parts) -> bool {
        self.flows.contains(name)
            || flow.mapping.as_ref().is_some_and(|mapping| self.mappings.contains(mapping.value.as_str()))
            || flow.retry.as_ref().is_some_and(|retry| self.retries.contains(retry.value.as_str()))
            || flow.destination.as_ref().is_some_and(|destination| self.destinations.contains(destination.value.as_str()))
            || self.listens(flow, parts)
    }

    /// Whether the flow takes events of a source that changed.
    fn listens(&self, flow: &FlowSpec, parts: &Parts) -> bool {
        let all = parts.objects.systems.iter().flat_map(|system| &system.sources);
        all.filter(|source| self.sources.contains(source.name.value.as_str())).any(|source| {
            let is_named = flow.sources.iter().any(|it| it.value == source.name.value);
            let takes_one = || source.events.is_empty() || source.events.iter().any(|event| takes(flow, event, parts));
            if flow.sources.is_empty() { takes_one() } else { is_named && takes_one() }
        })
    }
}

/// Whether the flow takes an event of this kind.
fn takes(flow: &FlowSpec, event: &EventSpec, parts: &Parts) -> bool {
    let kind = resolve::event_type(event, &parts.objects);
    flow.types.iter().any(|pattern| resolve::takes(&pattern.value, kind.as_str()))
}
