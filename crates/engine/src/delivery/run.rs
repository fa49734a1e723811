//! The delivery loop: takes what was claimed and lets each attempt fly. It never claims and never waits for anything but the
//! ends of what is under way, so that one slow step holds up nothing else. Every attempt is committed before it is sent
//! and settled after; a crash in between leaves a lease that the next life finds.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use model::Fault;
use tokio::sync::mpsc;

pub use super::flight::Sender;
use crate::board::Handover;

/// The delivery loop of a node.
#[derive(Debug)]
pub struct Deliverer {
    /// What attempts need.
    pub sender: Sender,
    /// What the router and the claiming loop claimed.
    pub handovers: mpsc::Receiver<Handover>,
}

type Flights = FuturesUnordered<BoxFuture<'static, ()>>;

impl Deliverer {
    /// Runs until nobody hands over any more and what is under way has ended.
    pub async fn run(mut self) -> Result<(), Fault> {
        let mut flights: Flights = FuturesUnordered::new();
        let mut more = true;
        while more || !flights.is_empty() {
            tokio::select! {
                biased;
                handover = self.handovers.recv(), if more => match handover {
                    Some(handover) => flights.push(self.sender.clone().take(handover)),
                    None => more = false,
                },
                Some(()) = flights.next(), if !flights.is_empty() => {}
            }
        }
        Ok(())
    }
}
