//! An old state over a newer one: why a person's retry, correction or release is not done, and the word by which it is done all
//! the same. No screen has other words for it, and where nothing is known none of them ends an event.

use model::newest::{Blind, Fate};
use model::{FlowName, Forgotten};
use policy::specs::Repeatable;

/// Whether what is sent may go over a newer state of its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newer {
    /// It may not: the newer one stays.
    #[default]
    Stays,
    /// It may not go over what is known; where retention has removed what would tell, it may, on the person's word.
    MayBeGone,
    /// It may, on the person's word, whatever is known.
    GoesUnder,
}

impl Newer {
    /// Whether it is sent although this was found.
    pub const fn lets(self, found: Fate) -> bool {
        match (self, found) {
            (Self::GoesUnder, _) | (Self::MayBeGone, Fate::Unknown(Blind::Removed)) => true,
            (Self::Stays | Self::MayBeGone, Fate::Done | Fate::UnderWay | Fate::Blocks | Fate::Unknown(_)) => false,
        }
    }
}

/// The word of the command line, and of the interface, by which it is done all the same.
const fn flag(newer: Fate) -> (&'static str, &'static str) {
    match newer {
        Fate::Unknown(Blind::Removed) => ("--over-removed", "over_removed"),
        Fate::Done | Fate::UnderWay | Fate::Blocks | Fate::Unknown(Blind::Behind | Blind::Crowded) => {
            ("--over-newer", "over_newer")
        }
    }
}

/// What a replay is told of the same.
impl From<Forgotten> for Newer {
    fn from(forgotten: Forgotten) -> Self {
        match forgotten {
            Forgotten::Leave => Self::Stays,
            Forgotten::Include => Self::MayBeGone,
        }
    }
}

/// That something goes over a newer state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// By which flow.
    pub flow: FlowName,
    /// What became of the newer one.
    pub newer: Fate,
    /// Whether a newer state says all that an older one says.
    pub repeat: Repeatable,
}

/// What became of the newer one.
pub const fn why(newer: Fate) -> &'static str {
    match newer {
        Fate::Done => "a newer event of the same key was delivered since",
        Fate::UnderWay => "a newer event of the same key is on its way",
        Fate::Blocks => "a newer event of the same key waits for a person, and this one would go after it",
        Fate::Unknown(Blind::Behind) => {
            "the router is behind, so that it cannot be told yet whether a newer event of the same key went"
        }
        Fate::Unknown(Blind::Crowded) => "so much of the same key waits for a person that nothing newer can be ruled out",
        Fate::Unknown(Blind::Removed) => {
            "retention has removed what was delivered since, so that nothing newer can be ruled out"
        }
    }
}

impl Overtaken {
    /// Why it is not done, with the way to do it all the same.
    pub fn sentence(&self) -> String {
        let (why, flow) = (why(self.newer), &self.flow);
        let then = match (self.newer, self.repeat) {
            (Fate::Unknown(Blind::Behind), _) => "ask again when it has caught up".to_owned(),
            (Fate::Unknown(_), _) => "see what the receiver has of it".to_owned(),
            (Fate::Done | Fate::UnderWay | Fate::Blocks, Repeatable::State) => {
                "this one would put the old state over it: cancel or close it".to_owned()
            }
            (Fate::Done | Fate::UnderWay | Fate::Blocks, Repeatable::Transition | Repeatable::Command) => {
                "this one would come after it, though each of them counts: see what the receiver has of it".to_owned()
            }
        };
        let (flag, field) = flag(self.newer);
        format!("{why} by {flow}; {then}, or send it all the same with `{flag}` (`{field}` over HTTP)")
    }

    /// The word of the command line by which it is sent all the same.
    pub const fn flag(&self) -> &'static str {
        flag(self.newer).0
    }

    /// What a screen says beside it, of something that needs the flag.
    pub fn beside(&self, what: &str) -> String {
        let said = format!("{} by {}, so that {what} needs {}", why(self.newer), self.flow, self.flag());
        match self.newer {
            Fate::Unknown(Blind::Behind) => format!("{said}; ask again when it has caught up"),
            Fate::Done | Fate::UnderWay | Fate::Blocks | Fate::Unknown(Blind::Crowded | Blind::Removed) => said,
        }
    }

    /// Whether a screen may advise to end it: something newer is known, and says all that this one says.
    pub const fn may_end(&self) -> bool {
        match (self.newer, self.repeat) {
            (Fate::Done | Fate::UnderWay | Fate::Blocks, Repeatable::State) => true,
            (Fate::Done | Fate::UnderWay | Fate::Blocks, Repeatable::Transition | Repeatable::Command)
            | (Fate::Unknown(_), _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_a_person_lets_what_it_says_and_names_itself() {
        let behind = Fate::Unknown(Blind::Behind);
        let removed = Fate::Unknown(Blind::Removed);
        for found in [Fate::Done, Fate::UnderWay, Fate::Blocks, behind, Fate::Unknown(Blind::Crowded), removed] {
            let lets = [Newer::Stays, Newer::MayBeGone, Newer::GoesUnder].map(|word| word.lets(found));
            assert_eq!(lets, [false, found == removed, true], "{found:?}");
            let overtaken = Overtaken { flow: FlowName::new("orders").unwrap(), newer: found, repeat: Repeatable::State };
            let flag = if found == removed { "--over-removed" } else { "--over-newer" };
            for said in [overtaken.sentence(), overtaken.beside("a retry")] {
                assert!(said.contains(flag), "{said}");
            }
        }
    }

    #[test]
    fn only_a_state_of_which_a_newer_one_is_known_may_be_ended() {
        let unknown = [Blind::Behind, Blind::Crowded, Blind::Removed].map(Fate::Unknown);
        for newer in [Fate::Done, Fate::UnderWay, Fate::Blocks].into_iter().chain(unknown) {
            for repeat in [Repeatable::State, Repeatable::Transition] {
                let overtaken = Overtaken { flow: FlowName::new("orders").unwrap(), newer, repeat };
                let may_end = repeat == Repeatable::State && !matches!(newer, Fate::Unknown(_));
                assert_eq!(overtaken.may_end(), may_end, "{overtaken:?}");
                assert_eq!(overtaken.sentence().contains("cancel or close"), may_end, "{overtaken:?}");
            }
        }
    }
}
