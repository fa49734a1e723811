//! Whether a switch is turned, and the batch that turns it.

use model::change::Switch;
use model::{Batch, Change};

use crate::rules::asked::{Asked, NotDone};
use crate::rules::names::{Names, Object};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From now on it waits.
    Pause,
    /// It goes on.
    Resume,
}

impl Way {
    /// The word for it in the audit.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// What follows from a wish.
#[derive(Clone, Debug)]
pub struct Turned {
    /// What to commit; `None` when it stands so already.
    pub batch: Option<Batch>,
    /// One sentence for people.
    pub sentence: String,
}

/// Turns a switch, or says that it stands so already. What the present policy does not have cannot be paused; it can be
/// resumed when it was paused before it was removed.
pub fn turn(names: &Names, stored: Option<&Switch>, wish: (&Object, Way), asked: &Asked) -> Result<Turned, NotDone> {
    let (object, way) = wish;
    let paused = stored.is_some_and(|switch| switch.paused);
    if !names.has(object) && !paused {
        return Err(NotDone::Unknown(format!("there is no {} {} in the present policy", object.kind(), object.name())));
    }
    match (way, stored.filter(|switch| switch.paused)) {
        (Way::Pause, Some(switch)) => {
            let sentence =
                format!("{object} was paused by {} at {}: {}; nothing was changed", switch.by, switch.at, switch.why);
            Ok(Turned { batch: None, sentence })
        }
        (Way::Resume, None) => Ok(Turned { batch: None, sentence: format!("{object} is not paused; nothing was changed") }),
        (Way::Pause, None) | (Way::Resume, Some(_)) => {
            let switch = Switch { paused: way == Way::Pause, by: asked.by.clone(), why: asked.why.clone(), at: asked.at };
            let subject = object.to_string();
            let audit = asked.audit(&format!("{}.{}", object.kind(), way.word()), &subject);
            let batch = Batch::new().change(Change::Switch { object: subject, switch }).change(Change::Audit(audit));
            Ok(Turned { batch: Some(batch), sentence: effect(object, way) })
        }
    }
}

fn effect(object: &Object, way: Way) -> String {
    match (way, object) {
        (Way::Pause, Object::Source(name)) => {
            format!("source {name} is paused: its senders get 503 and send again")
        }
        (Way::Pause, Object::Flow(name)) => {
            format!("flow {name} is paused: its deliveries are made and wait")
        }
        (Way::Pause, Object::Destination(name)) => {
            format!("destination {name} is paused: its deliveries wait")
        }
        (Way::Resume, Object::Source(name)) => format!("source {name} takes events again"),
        (Way::Resume, Object::Flow(_) | Object::Destination(_)) => {
            format!("{} {} goes on with what waits, oldest first, at its own rate", object.kind(), object.name())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{DestinationName, Digest, PolicyVersion, Principal, Timestamp};

    use super::*;

    fn names() -> Names {
        Names {
            version: PolicyVersion(Digest::of(b"a")),
            sources: BTreeSet::new(),
            flows: BTreeSet::new(),
            destinations: BTreeSet::from([DestinationName::new("wms").unwrap()]),
        }
    }

    fn asked() -> Asked {
        Asked { by: Principal::new("ines"), why: "upgrade".to_owned(), at: Timestamp::from_secs(9) }
    }

    fn switch(paused: bool) -> Switch {
        Switch { paused, by: Principal::new("ada"), why: "stocktaking".to_owned(), at: Timestamp::from_secs(5) }
    }

    fn check(object: &str, stored: Option<&Switch>, way: Way, expected: Option<usize>) {
        let turned = turn(&names(), stored, (&object.parse().unwrap(), way), &asked());
        let changes = turned.ok().map(|turned| turned.batch.map_or(0, |batch| batch.changes.len()));
        assert_eq!(changes, expected, "{object} {stored:?} {way:?}");
    }

    #[test]
    fn a_switch_turns_once_with_its_audit_row() {
        check("destination/wms", None, Way::Pause, Some(2));
        check("destination/wms", Some(&switch(false)), Way::Pause, Some(2));
        check("destination/wms", Some(&switch(true)), Way::Pause, Some(0));
        check("destination/wms", Some(&switch(true)), Way::Resume, Some(2));
        check("destination/wms", None, Way::Resume, Some(0));
    }

    #[test]
    fn what_the_policy_lacks_can_only_be_resumed() {
        check("flow/gone", None, Way::Pause, None);
        check("flow/gone", Some(&switch(true)), Way::Resume, Some(2));
    }

    #[test]
    fn a_second_pause_names_the_first() {
        let stored = switch(true);
        let turned = turn(&names(), Some(&stored), (&"destination/wms".parse().unwrap(), Way::Pause), &asked()).unwrap();
        assert!(turned.sentence.contains("ada") && turned.sentence.contains("stocktaking"), "{}", turned.sentence);
    }
}
