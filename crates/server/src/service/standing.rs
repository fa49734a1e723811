//! Where an event stands and why, in one sentence each, with the next command: for a person who asks at 16:40 and has a cut-off
//! at 17:00. It says only what the stores and this node's board show.

use engine::board::Board;
use engine::rules::breaker::State;
use model::change::Switch;
use model::quarantine::QuarantineState;
use model::view::{DeliveryStory, EventStory};
use model::{Delivery, DeliveryState, EventId};
use policy::Policy;

use crate::app::App;

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A word: `quarantined`, `unrouted`, `with_a_person`, `moving`, `no_flow` or `done`.
    pub state: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// What to do next, as a command; empty where nothing has to be done.
    pub next: String,
}

impl Standing {
    fn new(state: &'static str, why: String, next: String) -> Self {
        Self { state, why, next }
    }
}

/// Where an event stands: the most pressing of its deliveries speaks for it.
pub fn of_event(app: &App, event: EventId, story: &EventStory, is_routed: bool) -> Standing {
    if let Some(row) = story.quarantine.as_ref().filter(|row| row.state == QuarantineState::Open) {
        let reason = row.reasons.first().map_or("", |reason| reason.message.as_str());
        let why = format!("waits for {}: {reason}", row.owner);
        return Standing::new("quarantined", why, format!("crossdock quarantine show {event}"));
    }
    if !is_routed {
        return Standing::new("unrouted", "accepted; the router has not reached it yet".to_owned(), String::new());
    }
    let with_a_person = |story: &&DeliveryStory| {
        matches!(story.delivery.state, DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. })
    };
    if let Some(DeliveryStory { delivery, .. }) = story.deliveries.iter().find(with_a_person) {
        let why = format!("{} waits for {}: {}", delivery.flow, delivery.owner, delivery.why);
        return Standing::new("with_a_person", why, format!("crossdock retry {} --reason …", delivery.id));
    }
    let moving = |story: &&DeliveryStory| matches!(story.delivery.state, DeliveryState::Waiting { .. });
    if let Some(DeliveryStory { delivery, .. }) = story.deliveries.iter().find(moving) {
        let (why, next) = waiting(&app.node.board, &app.ground.book.current(), delivery);
        return Standing::new("moving", why, next);
    }
    if story.deliveries.is_empty() {
        return match &story.quarantine {
            Some(row) => Standing::new("done", format!("quarantined and {}", row.state.word()), String::new()),
            None => Standing::new("no_flow", "accepted and routed: no flow selects it".to_owned(), String::new()),
        };
    }
    let why = match story.deliveries.len() {
        1 => "its delivery is finished".to_owned(),
        count => format!("all {count} deliveries are finished"),
    };
    Standing::new("done", why, String::new())
}

/// What a waiting delivery waits for, and the command that would change it.
pub fn waiting(board: &Board, policy: &Policy, delivery: &Delivery) -> (String, String) {
    let Delivery { flow, destination, .. } = delivery;
    if delivery.lease.is_some() {
        return (format!("attempt {} to {destination} is under way", delivery.attempts), String::new());
    }
    for object in [format!("flow/{flow}"), format!("destination/{destination}")] {
        if let Some(Switch { by, why, at, .. }) = board.switches.paused(&object) {
            let next = format!("crossdock resume {object} --reason …");
            return (format!("{object} is paused by {by} since {at}: {why}"), next);
        }
    }
    if delivery.behind {
        let lane = delivery.lane.as_ref().map_or("", |lane| lane.as_str());
        let next = format!("crossdock deliveries ls --flow {flow}");
        return (format!("{flow} waits behind an earlier delivery of lane {lane}"), next);
    }
    let gate = board.gates().into_iter().find(|(name, ..)| name == destination);
    let busy = match gate {
        Some((_, State::Open { since, until, .. }, _)) => {
            let why = format!("the breaker of {destination} is open since {since}; it is tried again at {until}");
            return (why, "crossdock status".to_owned());
        }
        Some((_, State::HalfOpen { since, .. }, _)) => {
            let why = format!("{destination} has failed since {since}; one probe is under way");
            return (why, "crossdock status".to_owned());
        }
        Some((_, State::Closed, busy)) => busy,
        None => 0,
    };
    match delivery.state {
        DeliveryState::Waiting { due } if delivery.attempts > 0 => {
            let next = delivery.attempts + 1;
            (format!("{flow}: {}; attempt {next} is due at {due}", delivery.why), String::new())
        }
        _ => {
            let slots = policy.destinations.get(destination).map_or(0, |destination| destination.concurrency);
            (format!("{flow} waits for a slot of {destination}: {busy} of {slots} are in use"), String::new())
        }
    }
}
