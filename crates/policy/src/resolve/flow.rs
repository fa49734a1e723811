//! Flows: their references, the contracts of the events that they select, and their expressions.

use std::sync::Arc;

use model::{ContractRef, EventType, RetryName};

use super::built_in::DEFAULT;
use super::source::event_type;
use super::{Project, compile};
use crate::compiled::{Flow, Lane, Unknown};
use crate::contract::Contract;
use crate::decode::ObjectKind;
use crate::spanned::place;
use crate::specs::{FlowSpec, LaneSpec, SourceSpec};
use crate::{Findings, codes, near};

/// The flow, or `None` where something about it is wrong and reported.
pub(crate) fn flow(spec: &FlowSpec, project: &Project<'_>, findings: &mut Findings) -> Option<Flow> {
    for source in &spec.sources {
        project.names.check_source(source, codes::UNKNOWN_SOURCE, findings);
    }
    if let Some(destination) = &spec.destination {
        project.names.check_destination(destination, codes::UNKNOWN_DESTINATION, findings);
    }
    if let Some(mapping) = &spec.mapping {
        project.names.check_mapping(mapping, findings);
    }
    if let Some(retry) = &spec.retry {
        project.names.check_retry(retry, findings);
    }
    check_types(spec, project, findings);
    let events = selected(spec, project);
    check_mapping(spec, &events, project, findings);
    check_deadline(spec, project, findings);
    let contracts: Vec<&Contract> = contracts(spec, &events, project);
    let filter = spec.filter.as_ref().map(|text| compile::filter(text, &contracts, findings));
    let lane = match &spec.lane {
        LaneSpec::Ordering(span) => {
            check_ordering(*span, &events, project, findings);
            Some(Lane::Ordering)
        }
        LaneSpec::Unordered => Some(Lane::Unordered),
        LaneSpec::By(text) => compile::lane(text, &contracts, findings).map(|text| Lane::By(Box::new(text))),
    };
    Some(Flow {
        name: spec.name.clone(),
        owner: spec.owner.as_ref()?.value.clone(),
        types: spec.types.iter().map(|kind| kind.value.clone()).collect(),
        sources: spec.sources.iter().map(|source| source.value.clone()).collect(),
        filter: match filter {
            Some(compiled) => Some(compiled?),
            None => None,
        },
        mapping: spec.mapping.as_ref().map(|mapping| mapping.value.clone()),
        destination: spec.destination.as_ref()?.value.clone(),
        retry: retry_name(spec)?,
        lane: lane?,
        on_dead: spec.on_dead,
        deadline: spec.deadline,
    })
}

fn retry_name(spec: &FlowSpec) -> Option<RetryName> {
    match &spec.retry {
        Some(retry) => Some(retry.value.clone()),
        None => RetryName::new(DEFAULT).ok(),
    }
}

/// An event that a source brings and a flow selects.
pub(crate) struct Selected {
    kind: EventType,
    contract: Option<ContractRef>,
}

/// Whether a pattern of a flow takes a type.
pub(crate) fn takes(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == kind, |prefix| kind.starts_with(prefix))
}

/// The sources that a flow listens to.
fn listened<'p>(spec: &'p FlowSpec, project: &'p Project<'_>) -> impl Iterator<Item = &'p SourceSpec> {
    let all = project.objects.systems.iter().flat_map(|system| &system.sources);
    all.filter(|source| spec.sources.is_empty() || spec.sources.iter().any(|it| it.value == source.name.value))
}

/// Whether a source lets types pass that it does not list.
fn brings_any(source: &SourceSpec) -> bool {
    source.events.is_empty() || source.unknown == Some(Unknown::Accept)
}

/// The listed events of all sources that the flow selects.
pub(crate) fn selected(spec: &FlowSpec, project: &Project<'_>) -> Vec<Selected> {
    let events = listened(spec, project).flat_map(|source| &source.events);
    let events = events.map(|event| Selected {
        kind: event_type(event, project.objects),
        contract: event.contract.as_ref().map(|contract| contract.value.clone()),
    });
    events.filter(|event| spec.types.iter().any(|pattern| takes(&pattern.value, event.kind.as_str()))).collect()
}

/// The contracts of the events that the flow may see; none where it may see one without a contract, because then it may be
/// anything.
fn contracts<'p>(spec: &FlowSpec, events: &[Selected], project: &'p Project<'_>) -> Vec<&'p Contract> {
    let knows_all = events.iter().all(|event| event.contract.as_ref().is_some_and(|it| project.contracts.contains_key(it)));
    if !knows_all || listened(spec, project).any(brings_any) {
        return Vec::new();
    }
    let mut references: Vec<&ContractRef> = events.iter().filter_map(|event| event.contract.as_ref()).collect();
    references.sort();
    references.dedup();
    references.into_iter().filter_map(|reference| project.contracts.get(reference).map(Arc::as_ref)).collect()
}

/// Types that no source brings.
fn check_types(spec: &FlowSpec, project: &Project<'_>, findings: &mut Findings) {
    let is_listening_to_all = spec.sources.iter().all(|source| project.names.has_source(source.value.as_str()));
    if !is_listening_to_all || !project.objects.unread_systems.is_empty() || listened(spec, project).any(brings_any) {
        return;
    }
    let kinds: Vec<EventType> =
        listened(spec, project).flat_map(|source| &source.events).map(|event| event_type(event, project.objects)).collect();
    for pattern in &spec.types {
        if kinds.iter().any(|kind| takes(&pattern.value, kind.as_str())) {
            continue;
        }
        let message = format!("no source brings events of the type `{}`", pattern.value);
        let diagnostic = findings.warning(codes::TYPE_NEVER_COMES, pattern.span, message);
        findings.push(diagnostic.help(near::suggestion(&pattern.value, kinds.iter().map(EventType::as_str))));
    }
}

/// Events whose contract the mapping was not written for.
fn check_mapping(spec: &FlowSpec, events: &[Selected], project: &Project<'_>, findings: &mut Findings) {
    let Some(name) = &spec.mapping else { return };
    let Some(mapping) = project.objects.mappings.get(&name.value) else { return };
    let Some(from) = &mapping.from else { return };
    for event in events {
        let Some(contract) = event.contract.as_ref().filter(|contract| **contract != from.value) else {
            continue;
        };
        let message =
            format!("`{}` reads {}, and events of the type `{}` have {contract}", name.value, from.value, event.kind);
        let diagnostic = findings.warning(codes::MAPPING_OF_OTHER_CONTRACT, name.span, message);
        findings.push(diagnostic.related(from.place(&mapping.path), "the contract of the mapping"));
    }
}

/// A last wait that repeats needs an end, in the retry policy or here.
fn check_deadline(spec: &FlowSpec, project: &Project<'_>, findings: &mut Findings) {
    let Some(name) = &spec.retry else { return };
    let Some(retry) = project.retries.get(&name.value) else { return };
    if !retry.repeat_last || retry.deadline.is_some() || spec.deadline.is_some() {
        return;
    }
    let message = format!("the retry policy `{}` repeats without an end", name.value);
    let mut diagnostic =
        findings.error(codes::NO_DEADLINE, name.span, message).help("add a `deadline` here or in the retry policy");
    if let Some(policy) = project.objects.retries.get(&name.value) {
        let path = project.names.path(ObjectKind::Retry, name.value.as_str()).unwrap_or_default();
        diagnostic = diagnostic.related(place(path, policy.repeat_last.unwrap_or_default()), "goes on with the last wait");
    }
    findings.push(diagnostic);
}

/// A flow that asks for the order of the contract, where the contract has none.
fn check_ordering(span: Option<model::Span>, events: &[Selected], project: &Project<'_>, findings: &mut Findings) {
    let Some(span) = span else { return };
    let mut without: Vec<&ContractRef> = events.iter().filter_map(|event| event.contract.as_ref()).collect();
    without
        .retain(|reference| project.objects.contracts.get(*reference).is_some_and(|contract| contract.ordering.is_none()));
    without.sort();
    without.dedup();
    for contract in without {
        let diagnostic = findings.warning(
            codes::NO_ORDERING,
            span,
            format!("{contract} has no ordering key, so its events go unordered"),
        );
        findings.push(diagnostic.help("add `ordering` to the contract, or give an expression here"));
    }
}
