//! From specs to a policy: references are looked up, what is left of each object is compiled, and what is probably not
//! meant so is warned about. Nothing here stops at the first mistake; a policy comes out only when there was no error.

mod built_in;
mod capture;
mod compile;
mod destination;
mod expectation;
mod flow;
mod names;
mod owners;
mod secrets;
mod source;
mod usage;
mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ContractRef, PolicyVersion, RetryName, Timestamp};

use crate::compiled::{Policy, Retry};
use crate::contract::Contract;
use crate::decode::Objects;
use crate::{Findings, SourceFile, Spanned, codes};

pub use built_in::built_in;
pub(crate) use flow::takes;
pub(crate) use names::Names;
pub(crate) use source::event_type;

/// What every step of resolving needs.
pub(crate) struct Project<'a> {
    /// What was decoded.
    pub(crate) objects: &'a Objects,
    /// Names with their places.
    pub(crate) names: Names<'a>,
    /// Compiled contracts.
    pub(crate) contracts: BTreeMap<ContractRef, Arc<Contract>>,
    /// Retry policies, the built-in ones included.
    pub(crate) retries: BTreeMap<RetryName, Arc<Retry>>,
    /// The present time, where the caller has a clock.
    pub(crate) now: Option<Timestamp>,
}

/// The policy of all objects, or `None` where anything before or in here was an error. `files` is what was decoded.
pub fn resolve(
    objects: &Objects,
    files: &[SourceFile],
    version: PolicyVersion,
    now: Option<Timestamp>,
    findings: &mut Findings,
) -> Option<Policy> {
    let project = project(objects, now, findings);
    let policy = objects_of(&project, version, findings);
    owners::check(&project, findings);
    usage::warn(&project, findings);
    versions::check(&project, findings);
    expectation::check(&project, files, findings);
    (!findings.has_error()).then_some(policy)
}

/// The policy of all objects that the findings let pass, without a look at what is only probably not meant so.
pub fn assemble(objects: &Objects, version: PolicyVersion, now: Option<Timestamp>, findings: &mut Findings) -> Policy {
    objects_of(&project(objects, now, findings), version, findings)
}

fn project<'a>(objects: &'a Objects, now: Option<Timestamp>, findings: &mut Findings) -> Project<'a> {
    let names = Names::of(objects, findings);
    secrets::check(objects, findings);
    let contracts = contracts(objects, findings);
    Project { objects, names, contracts, retries: retries(objects, findings), now }
}

fn objects_of(project: &Project<'_>, version: PolicyVersion, findings: &mut Findings) -> Policy {
    let objects = project.objects;
    let mut policy = Policy {
        version,
        sources: BTreeMap::new(),
        destinations: BTreeMap::new(),
        contracts: project.contracts.clone(),
        mappings: BTreeMap::new(),
        flows: BTreeMap::new(),
        retries: project.retries.clone(),
    };
    for system in &objects.systems {
        findings.enter(&system.path);
        for spec in &system.sources {
            if let Some(source) = source::source(system, spec, project, findings) {
                policy.sources.insert(source.name.clone(), Arc::new(source));
            }
        }
        for spec in &system.destinations {
            if let Some(destination) = destination::destination(system, spec, findings) {
                policy.destinations.insert(destination.name.clone(), Arc::new(destination));
            }
        }
    }
    for (name, spec) in &objects.mappings {
        findings.enter(&spec.path);
        let from = contract_of(spec.from.as_ref(), project, findings);
        let to = contract_of(spec.to.as_ref(), project, findings);
        if let Some(mapping) = compile::mapping(spec, from, to, findings) {
            policy.mappings.insert(name.clone(), Arc::new(mapping));
        }
    }
    for (name, spec) in &objects.flows {
        findings.enter(&spec.path);
        if let Some(flow) = flow::flow(spec, project, findings) {
            policy.flows.insert(name.clone(), Arc::new(flow));
        }
    }
    policy
}

fn contracts(objects: &Objects, findings: &mut Findings) -> BTreeMap<ContractRef, Arc<Contract>> {
    let mut contracts = BTreeMap::new();
    for (reference, spec) in &objects.contracts {
        findings.enter(&spec.path);
        if let Some(contract) = compile::contract(spec, findings) {
            contracts.insert(reference.clone(), Arc::new(contract));
        }
    }
    contracts
}

fn retries(objects: &Objects, findings: &mut Findings) -> BTreeMap<RetryName, Arc<Retry>> {
    let mut retries: BTreeMap<RetryName, Arc<Retry>> =
        built_in().into_iter().map(|retry| (retry.name.clone(), Arc::new(retry))).collect();
    for (name, spec) in &objects.retries {
        findings.enter(&spec.path);
        if retries.contains_key(name) {
            let message = format!("the retry policy `{name}` is built in and cannot be replaced");
            let diagnostic = findings.error(codes::BUILT_IN_NAME, model::Span::default(), message);
            findings.push(diagnostic.help("give the file another name, and name that in the flows"));
        } else {
            retries.insert(name.clone(), Arc::new(spec.retry.clone()));
        }
    }
    retries
}

/// The contract that a reference leads to; reports one that leads nowhere and warns of a retired one.
fn contract_of<'p>(
    reference: Option<&Spanned<ContractRef>>,
    project: &'p Project<'_>,
    findings: &mut Findings,
) -> Option<&'p Arc<Contract>> {
    let reference = reference?;
    project.names.check_contract(reference, findings);
    if let Some(spec) = project.objects.contracts.get(&reference.value)
        && spec.lifecycle == crate::specs::Lifecycle::Retired
    {
        let message = format!("the contract `{}` is retired", reference.value);
        let diagnostic = findings.warning(codes::RETIRED_CONTRACT, reference.span, message);
        findings.push(diagnostic.help("use a version that is not, or give it another `lifecycle`"));
    }
    project.contracts.get(&reference.value)
}
