//! By which key a flow orders an event: the router gives deliveries their lane by it, and a replay looks by the same one for
//! what is newer.

use model::newest::StateKeys;
use model::{DestinationName, Event, FlowName, LaneKey};
use policy::Policy;
use policy::compiled::{Flow, Lane};
use policy::expression::{EventView, NoAnswer};

/// The lane that a flow gives an event; none where the flow is unordered or its key is null.
pub fn of(flow: &Flow, event: &Event, view: &EventView<'_>) -> Result<Option<LaneKey>, NoAnswer> {
    match &flow.lane {
        Lane::Unordered => Ok(None),
        Lane::Ordering => Ok(event.ordering.as_deref().map(LaneKey::new)),
        Lane::By(key) => Ok(key.eval_text(view)?.as_deref().map(LaneKey::new)),
    }
}

/// By what the states of an event are told from each other in a flow: its lane, if there is one and it has an answer, and its
/// ordering key, by which it is known where it went without a lane or by an earlier lane of the flow.
pub fn keys(flow: &Flow, event: &Event) -> StateKeys {
    let lane = of(flow, event, &EventView::new(event)).ok().flatten();
    StateKeys { lane, ordering: event.ordering.as_deref().map(LaneKey::new) }
}

/// A flow and one of the keys that it gives an event.
pub type FlowKey = (FlowName, LaneKey);

/// What goes to a destination, and by which keys its flow tells states from each other.
pub type Going<'a> = (&'a Event, &'a DestinationName, &'a StateKeys);

/// By which flows of a policy an event went or goes to a destination, but for those that are known: a flow that was renamed has two
/// names, and a newer state may have gone by either. Whatever their filters say: those may take the newer one. What such a flow tells
/// apart by another key than these is no state of the same.
pub fn other_names(of: &Policy, (event, to, own): Going<'_>, is_known: impl Fn(&Flow) -> bool) -> Vec<FlowKey> {
    let mut found = Vec::new();
    for flow in of.selected(event).filter(|flow| flow.destination == *to && !is_known(flow)) {
        let keys = keys(flow, event);
        let shared = keys.iter().filter(|key| own.iter().any(|own| own == *key));
        found.extend(shared.map(|key| (flow.name.clone(), key.clone())));
    }
    found
}

/// As [`other_names`], of what enters a flow to there now: the names by which the policy that first judged it would have sent it.
pub fn earlier_names(judged_by: &Policy, present: &Policy, going: Going<'_>) -> Vec<FlowKey> {
    let goes_there = |flow: &Flow| present.flows.get(&flow.name).is_some_and(|it| it.destination == *going.1);
    other_names(judged_by, going, goes_there)
}
