//! What arrived at destinations, as they themselves wrote it down.

use std::collections::BTreeSet;

use model::{DeliveryId, TimeSpan};

/// One request that a destination got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which destination.
    pub destination: String,
    /// From which node.
    pub node: String,
    /// When it had arrived.
    pub at: TimeSpan,
    /// When it was over: answered, given up, or its sender gone. `None` while it is being served.
    pub until: Option<TimeSpan>,
    /// Header `webhook-id`.
    pub delivery: String,
    /// Header `crossdock-event`.
    pub event: String,
    /// Header `crossdock-flow`.
    pub flow: String,
    /// Header `crossdock-attempt`.
    pub attempt: u32,
    /// Whether the signature, where one is due, is right.
    pub signed_well: bool,
    /// The bytes.
    pub body: bytes::Bytes,
    /// Whether the destination has taken it, whatever the sender learned.
    pub taken: bool,
}

/// All that arrived, in the order of arrival.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Each request.
    pub all: Vec<Arrival>,
    /// How many of them checkers have looked at.
    pub checked: usize,
    serving: BTreeSet<usize>,
}

impl Arrivals {
    /// What is being served now: deliveries with the number of the attempt.
    pub fn in_flight(&self) -> impl Iterator<Item = (DeliveryId, u32)> {
        let serving = self.serving.iter().filter_map(|place| self.all.get(*place));
        serving.filter_map(|arrival| Some((arrival.delivery.parse().ok()?, arrival.attempt)))
    }

    /// How many requests of a node a destination is serving now.
    pub fn serving(&self, destination: &str, node: &str) -> usize {
        let serving = self.serving.iter().filter_map(|place| self.all.get(*place));
        serving.filter(|arrival| arrival.destination == destination && arrival.node == node).count()
    }

    /// A request has arrived; answers its place.
    pub fn begin(&mut self, arrival: Arrival) -> usize {
        self.all.push(arrival);
        self.serving.insert(self.all.len() - 1);
        self.all.len() - 1
    }

    /// It is over.
    pub fn end(&mut self, place: usize, at: TimeSpan) {
        self.serving.remove(&place);
        if let Some(arrival) = self.all.get_mut(place) {
            arrival.until = Some(at);
        }
    }
}
