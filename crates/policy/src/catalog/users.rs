//! Who uses a contract: those who send what it describes, and those who read it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::contract::Hurts;
use crate::decode::Objects;
use crate::resolve;

/// Users by name: `source shop`, `mapping orders`, `destination wms`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Users {
    /// Those who send: sources of such events, and mappings that make them.
    pub senders: BTreeSet<String>,
    /// Those who read: mappings of such events, and destinations that get them.
    pub readers: BTreeSet<String>,
}

impl Users {
    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.senders.is_empty() && self.readers.is_empty()
    }

    /// The users of `NAME@VERSION` whom this hurts.
    pub(crate) fn of(reference: &str, hurts: Hurts, objects: &Objects) -> Self {
        let mut users = Self::default();
        if hurts.senders {
            users.senders = senders(reference, objects);
        }
        if hurts.readers {
            users.readers = readers(reference, objects);
        }
        users
    }
}

fn senders(reference: &str, objects: &Objects) -> BTreeSet<String> {
    let sources = objects.systems.iter().flat_map(|system| &system.sources);
    let sending = sources.filter(|source| source.events.iter().any(|event| is(event.contract.as_ref(), reference)));
    let making = objects.mappings.iter().filter(|(_, mapping)| is(mapping.to.as_ref(), reference));
    let sending = sending.map(|source| format!("source {}", source.name.value));
    sending.chain(making.map(|(name, _)| format!("mapping {name}"))).collect()
}

fn readers(reference: &str, objects: &Objects) -> BTreeSet<String> {
    let reading = objects.mappings.iter().filter(|(_, mapping)| is(mapping.from.as_ref(), reference));
    let mut readers: BTreeSet<String> = reading.map(|(name, _)| format!("mapping {name}")).collect();
    let kinds: Vec<_> = objects
        .systems
        .iter()
        .flat_map(|system| &system.sources)
        .flat_map(|source| &source.events)
        .filter(|event| is(event.contract.as_ref(), reference))
        .map(|event| resolve::event_type(event, objects))
        .collect();
    for flow in objects.flows.values() {
        let gets = match &flow.mapping {
            Some(name) => objects.mappings.get(&name.value).is_some_and(|mapping| is(mapping.to.as_ref(), reference)),
            None => kinds.iter().any(|kind| flow.types.iter().any(|pattern| resolve::takes(&pattern.value, kind.as_str()))),
        };
        if gets {
            readers.extend(flow.destination.as_ref().map(|destination| format!("destination {}", destination.value)));
        }
    }
    readers
}

fn is(used: Option<&crate::Spanned<model::ContractRef>>, reference: &str) -> bool {
    used.is_some_and(|used| used.value.as_str() == reference)
}
