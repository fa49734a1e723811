//! Draws a project from the seed: small enough to be understood, different in everything that rooms decide by.

use model::{OnDead, TimeSpan};

use super::{
    Destination, Filter, Flow, KeyPlace, Lane, Mapping, OnBroken, OnUnknown, Project, Proof, REGIONS, Retry, Source,
    contract_of,
};
use crate::random::Random;

const SOURCES: [&str; 4] = ["shop", "carrier", "odoo", "erp"];
const DESTINATIONS: [&str; 4] = ["wms", "ledger", "mail", "labels"];

/// A project.
pub fn draw(random: &mut Random) -> Project {
    let sources: Vec<Source> = SOURCES.iter().take(2 + random.place(3)).map(|name| source(name, random)).collect();
    let destinations: Vec<Destination> =
        DESTINATIONS.iter().take(1 + random.place(4)).map(|name| destination(name, random)).collect();
    let retries = vec![retry("quick", random), retry("slow", random)];
    let mut project = Project { sources, captured: None, destinations, retries, flows: Vec::new(), revision: 1 };
    for number in 0..2 + random.place(5) {
        let flow = flow(&format!("flow-{number}"), &project, random);
        project.flows.push(flow);
    }
    project
}

/// The same project a while later: one flow more, mappings that write another revision, perhaps one flow less, and perhaps
/// other words for the types of some sources, in the flows that take them as well.
pub fn second_version(first: &Project, random: &mut Random) -> Project {
    let mut second = first.clone();
    second.revision = first.revision + 1;
    for mapping in second.flows.iter_mut().filter_map(|flow| flow.mapping.as_mut()) {
        mapping.revision = second.revision;
    }
    let flow = flow("flow-later", first, random);
    if second.flows.len() > 1 && random.in_thousand(400) {
        second.flows.remove(random.place(second.flows.len()));
    }
    second.flows.push(flow);
    for source in second.sources.iter_mut().filter(|_| random.in_thousand(500)) {
        let old = source.updated_type();
        source.updated = "changed";
        for kind in second.flows.iter_mut().flat_map(|flow| &mut flow.types).filter(|kind| **kind == old) {
            *kind = source.updated_type();
        }
    }
    second
}

fn source(name: &str, random: &mut Random) -> Source {
    let key = *random.pick(&[KeyPlace::Data, KeyPlace::Data, KeyPlace::Header, KeyPlace::Body]);
    Source {
        name: name.to_owned(),
        proof: *random.pick(&[Proof::TimedHmac, Proof::PlainHmac, Proof::StandardWebhooks, Proof::SecretHeader]),
        key,
        on_invalid: *random.pick(&[OnBroken::Quarantine, OnBroken::Quarantine, OnBroken::Refuse]),
        unknown: *random.pick(&[OnUnknown::Accept, OnUnknown::Quarantine, OnUnknown::Refuse]),
        rate: random.in_thousand(150).then(|| u32::try_from(random.between(3, 20)).unwrap_or(3)),
        updated: "updated",
    }
}

fn destination(name: &str, random: &mut Random) -> Destination {
    Destination {
        name: name.to_owned(),
        signed: random.in_thousand(500),
        timeout: TimeSpan::from_secs(*random.pick(&[1, 2, 5, 15])),
        concurrency: *random.pick(&[1, 2, 4, 16]),
        rate: random.in_thousand(300).then(|| *random.pick(&[2, 5, 20])),
        repeat_safe: random.in_thousand(650),
        breaker_in_a_row: *random.pick(&[3, 5, 50]),
        breaker_pause: TimeSpan::from_secs(*random.pick(&[1, 5, 20])),
    }
}

fn retry(name: &str, random: &mut Random) -> Retry {
    let longest = if name == "quick" { 4_000 } else { 30_000 };
    let waits = (0..=random.place(4)).map(|_| TimeSpan::from_millis(random.between(200, longest))).collect();
    Retry { name: name.to_owned(), waits, dead_letter: random.in_thousand(500) }
}

fn flow(name: &str, project: &Project, random: &mut Random) -> Flow {
    let from = random.pick(&project.sources).name.clone();
    let contract = contract_of(&from);
    let mapped = random.in_thousand(600);
    let mapping = Mapping { from: from.clone(), needs_note: random.in_thousand(250), revision: project.revision };
    let types = match random.below(4) {
        0 => vec![contract],
        1 if !mapped => vec!["*".to_owned()],
        2 if !mapped => vec![format!("{from}.*")],
        _ => vec![contract.clone(), format!("{contract}.updated")],
    };
    let region = (*random.pick(&REGIONS)).to_owned();
    Flow {
        name: name.to_owned(),
        types,
        source: random.in_thousand(300).then_some(from),
        filter: match random.below(4) {
            0 => Filter::Region(region),
            1 => Filter::NotRegion(region),
            _ => Filter::All,
        },
        mapping: mapped.then_some(mapping),
        destination: random.pick(&project.destinations).name.clone(),
        retry: random.pick(&project.retries).name.clone(),
        lane: *random.pick(&[Lane::Ordering, Lane::Ordering, Lane::Region, Lane::None]),
        on_dead: *random.pick(&[OnDead::Hold, OnDead::Pass]),
        deadline: random.in_thousand(400).then(|| TimeSpan::from_secs(*random.pick(&[2, 10, 40]))),
    }
}
