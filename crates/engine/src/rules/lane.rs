//! By which key a flow orders an event: the router gives deliveries their lane by it, and a replay looks by the same one for
//! what is newer.

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

/// All keys by which what a person sends again may meet what is newer: its lane, and its ordering key, by which it is known
/// where it went without a lane or by an earlier lane of the flow.
pub fn ordering_keys(flow: &Flow, event: &Event) -> Vec<LaneKey> {
    let lane = of(flow, event, &EventView::new(event)).ok().flatten();
    let ordering = event.ordering.as_deref().map(LaneKey::new).filter(|key| lane.as_ref() != Some(key));
    lane.into_iter().chain(ordering).collect()
}

/// The key by which newer events are told: its lane, or its ordering key where it has none or nobody can tell.
pub fn ordering_key(flow: &Flow, event: &Event) -> Option<LaneKey> {
    let lane = of(flow, event, &EventView::new(event)).ok().flatten();
    lane.or_else(|| event.ordering.as_deref().map(LaneKey::new))
}
