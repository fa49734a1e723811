//! The objects of a project by their names, as commands speak of them: `source/shop`, `flow/orders`, `destination/wms`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use model::{BadName, DestinationName, FlowName, PolicyVersion, SourceName};
use policy::{Flow, Policy};

/// An object that can be paused, or removed by a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// Where events come in.
    Source(SourceName),
    /// A flow.
    Flow(FlowName),
    /// Where deliveries go.
    Destination(DestinationName),
}

impl Object {
    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Flow(_) => "flow",
            Self::Destination(_) => "destination",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Source(name) => name.as_str(),
            Self::Flow(name) => name.as_str(),
            Self::Destination(name) => name.as_str(),
        }
    }

    /// What a policy does not have any more of this flow: itself, or its destination.
    pub fn gone_of(flow: &Flow, present: &Policy) -> Option<Self> {
        Self::gone((&flow.name, &flow.destination), present)
    }

    /// The same, of a flow and a destination by their names.
    pub fn gone((flow, to): (&FlowName, &DestinationName), present: &Policy) -> Option<Self> {
        if !present.destinations.contains_key(to) {
            return Some(Self::Destination(to.clone()));
        }
        (!present.flows.contains_key(flow)).then(|| Self::Flow(flow.clone()))
    }

    /// Why nothing is sent any more by or to it, for people.
    pub fn removed(&self) -> String {
        format!("the {} {} was removed from the policy", self.kind(), self.name())
    }
}

/// As the board and the ledger's switches know it.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}

impl FromStr for Object {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.split_once('/') {
            Some(("source", name)) => SourceName::new(name).map(Self::Source),
            Some(("flow", name)) => FlowName::new(name).map(Self::Flow),
            Some(("destination", name)) => DestinationName::new(name).map(Self::Destination),
            Some(_) | None => Err(BadName),
        }
    }
}

/// The names of a policy: all that a command has to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The policy.
    pub version: PolicyVersion,
    /// Its sources.
    pub sources: BTreeSet<SourceName>,
    /// Its flows.
    pub flows: BTreeSet<FlowName>,
    /// Its destinations.
    pub destinations: BTreeSet<DestinationName>,
}

impl Names {
    /// The names of a policy.
    pub fn of(policy: &Policy) -> Self {
        Self {
            version: policy.version,
            sources: policy.sources.keys().cloned().collect(),
            flows: policy.flows.keys().cloned().collect(),
            destinations: policy.destinations.keys().cloned().collect(),
        }
    }

    /// Whether it has the object.
    pub fn has(&self, object: &Object) -> bool {
        match object {
            Object::Source(name) => self.sources.contains(name),
            Object::Flow(name) => self.flows.contains(name),
            Object::Destination(name) => self.destinations.contains(name),
        }
    }

    /// Objects of this policy that another does not have, in the order of kinds and names.
    pub fn gone_in(&self, other: &Self) -> Vec<Object> {
        let sources = self.sources.difference(&other.sources).cloned().map(Object::Source);
        let flows = self.flows.difference(&other.flows).cloned().map(Object::Flow);
        let destinations = self.destinations.difference(&other.destinations).cloned().map(Object::Destination);
        sources.chain(flows).chain(destinations).collect()
    }
}

#[cfg(test)]
mod tests {
    use model::Digest;

    use super::*;

    fn names(flows: &[&str], destinations: &[&str]) -> Names {
        Names {
            version: PolicyVersion(Digest::of(b"policy")),
            sources: BTreeSet::new(),
            flows: flows.iter().map(|name| FlowName::new(name).unwrap()).collect(),
            destinations: destinations.iter().map(|name| DestinationName::new(name).unwrap()).collect(),
        }
    }

    #[test]
    fn objects_read_back_what_they_show() {
        for text in ["source/shop", "flow/orders-to-wms", "destination/wms/rotterdam"] {
            assert_eq!(text.parse::<Object>().unwrap().to_string(), text);
        }
        for text in ["wms", "system/wms", "flow/", "flow/UPPER"] {
            assert!(text.parse::<Object>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_another_policy_lacks_is_gone() {
        let gone = names(&["a", "b"], &["x"]).gone_in(&names(&["b", "c"], &["x"]));
        assert_eq!(gone, ["flow/a".parse().unwrap()]);
        assert!(names(&["a"], &["x"]).has(&"destination/x".parse().unwrap()));
    }
}
