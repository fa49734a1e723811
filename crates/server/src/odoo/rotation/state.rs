//! How far a rotation is, as a file remembers it, and what follows from that. Pure; no secret is in it.

use adapters::odoo::Key;
use model::{TimeSpan, Timestamp};
use serde::{Deserialize, Serialize};

/// So long before the key in use ends another one is made.
pub const DUE: TimeSpan = TimeSpan::from_days(14);

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) step: Step,
    /// What the new key is called in Odoo.
    pub(super) name: String,
    /// The key that it takes the place of, where it is known which that is.
    pub(super) old: Option<Row>,
}

/// The last step that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Odoo is asked for a key of this name, and may have made it.
    Asked,
    /// The new key was seen to work and takes the old one's place.
    Made,
    /// The key of this name is in use, and nothing is left to do.
    Done,
}

/// A key in Odoo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) name: String,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask Odoo for a key.
    Ask,
    /// A key was asked for, and its value never kept: clear it away and ask anew.
    AskAnew,
    /// Try the new key, and put it in the old one's place.
    Take,
    /// See that it is in use, and end the old one.
    Settle,
}

/// What follows from the state and from whether a new key waits beside the old one.
pub(super) fn next(state: Option<&State>, has_new: bool) -> Next {
    match (state.map(|state| state.step), has_new) {
        (None | Some(Step::Done), _) => Next::Ask,
        (Some(Step::Asked), false) => Next::AskAnew,
        (Some(Step::Asked | Step::Made), true) => Next::Take,
        (Some(Step::Made), false) => Next::Settle,
    }
}

/// Which key of our user is in use: the one that a rotation made, else the only one there is. Odoo does not tell.
pub(super) fn in_use<'a>(state: Option<&State>, keys: &'a [Key], now: Timestamp) -> Option<&'a Key> {
    match state {
        Some(State { step: Step::Made | Step::Done, name, .. }) => keys.iter().find(|key| key.name == *name),
        Some(State { step: Step::Asked, old: Some(old), .. }) => keys.iter().find(|key| key.id == old.id),
        Some(State { step: Step::Asked, old: None, .. }) => None,
        None => {
            let mut live = keys.iter().filter(|key| is_live(key, now));
            live.next().filter(|_| live.next().is_none())
        }
    }
}

/// When the key in use ends; where it is not known which that is, when the first of them does.
pub(super) fn ends_at(state: Option<&State>, keys: &[Key], now: Timestamp) -> Option<Timestamp> {
    match in_use(state, keys, now) {
        Some(key) => key.ends_at,
        None => keys.iter().filter(|key| is_live(key, now)).filter_map(|key| key.ends_at).min(),
    }
}

fn is_live(key: &Key, now: Timestamp) -> bool {
    key.ends_at.is_none_or(|at| at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_796_000_000);

    fn key(id: u64, name: &str, days: i64) -> Key {
        Key { id, name: name.to_owned(), ends_at: Some(Timestamp::from_secs(NOW.secs() + days * 86_400)) }
    }

    fn state(step: Step, old: Option<u64>) -> State {
        State { step, name: "new".to_owned(), old: old.map(|id| Row { id, name: "old".to_owned() }) }
    }

    #[test]
    fn each_step_goes_on_from_where_a_crash_left_it() {
        for (step, has_new, expected) in [
            (None, false, Next::Ask),
            (Some(Step::Asked), false, Next::AskAnew),
            (Some(Step::Asked), true, Next::Take),
            (Some(Step::Made), true, Next::Take),
            (Some(Step::Made), false, Next::Settle),
            (Some(Step::Done), false, Next::Ask),
        ] {
            assert_eq!(next(step.map(|step| state(step, None)).as_ref(), has_new), expected, "{step:?} {has_new}");
        }
    }

    #[test]
    fn the_key_in_use_is_the_one_that_was_made_or_the_only_one() {
        let (one, new, over) = (key(1, "by hand", 60), key(2, "new", 80), key(3, "over", -1));
        let done = state(Step::Done, None);
        for (state, keys, expected) in [
            (None, vec![one.clone(), over.clone()], Some(1)),
            (None, vec![one.clone(), new.clone()], None),
            (Some(&done), vec![one.clone(), new.clone()], Some(2)),
            (Some(&state(Step::Asked, Some(1))), vec![one.clone(), new.clone()], Some(1)),
            (Some(&state(Step::Asked, None)), vec![one.clone()], None),
            (None, vec![], None),
        ] {
            assert_eq!(in_use(state, &keys, NOW).map(|key| key.id), expected, "{state:?} {keys:?}");
        }
        assert_eq!(ends_at(None, &[new.clone(), one.clone(), over], NOW), one.ends_at, "the first that ends");
        assert_eq!(ends_at(Some(&done), &[one, new.clone()], NOW), new.ends_at);
    }
}
