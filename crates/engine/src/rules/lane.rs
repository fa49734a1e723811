//! By which key a flow orders an event: the router gives deliveries their lane by it, and a replay looks by the same one for
//! what is newer.

use model::newest::StateKeys;
use model::{Event, LaneKey};
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
