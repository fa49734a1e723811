//! Deliveries of a world that fly: the loops of the delivery room, and a destination that answers as a test says.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use engine::board::{Claimed, Handover};
use engine::delivery::claim::Claimer;
use engine::delivery::run::{Deliverer, Sender};
use engine::delivery::sweep::Sweep;
use engine::observe::Facts;
use engine::ports::{Clock as _, Message, Outbound, Sent};
use engine::rules::gate::Kind;
use engine::rules::pulse::Pulse;
use model::{Batch, Change, Claim, DeliveryId, Outcome, TimeSpan};
use tokio::sync::{mpsc, watch};

use crate::world::{World, wms};

impl World {
    /// Lets the claiming and the delivery loop run against a destination that takes everything, until none of these waits any more, or for so
    /// many turns that it never will. Answers whether the loop ended well when it was told to.
    pub(crate) async fn deliver_until_settled(&self, ids: &[DeliveryId]) {
        self.deliver(ids, Outcome::Accepted { status: 200 }).await;
    }

    /// Claims and attempts for some seconds, until none of these waits; every attempt ends like this.
    pub(crate) async fn deliver(&self, ids: &[DeliveryId], outcome: Outcome) {
        self.board.set_shards(BTreeSet::from(["partition/0".to_owned(), "destination/wms".to_owned()]));
        let (stop, stopped) = watch::channel(false);
        let (handovers, receiver) = mpsc::channel(1);
        let sender = self.sender(outcome, stopped);
        let claimer = Claimer { sender: sender.clone(), handovers, lacking: BTreeMap::new(), left: BTreeMap::new() };
        let deliverer = Deliverer { sender, handovers: receiver };
        let until_settled = async {
            for _ in 0..500 {
                self.clock.advance(TimeSpan::from_millis(10));
                tokio::task::yield_now().await;
                if !self.any_waits(ids).await {
                    break;
                }
            }
            stop.send_replace(true);
        };
        let (claimed, delivered, ()) = futures::join!(claimer.run(), deliverer.run(), until_settled);
        claimed.and(delivered).unwrap();
    }

    /// Claims a delivery and lets it fly, with nobody beside it that claims. Every attempt is accepted.
    pub(crate) async fn fly(&self, id: DeliveryId, stop: watch::Receiver<bool>) {
        self.board.set_shards(BTreeSet::from(["partition/0".to_owned(), "destination/wms".to_owned()]));
        let (delivery, now) = (self.delivery(id).await, self.clock.now());
        let slot = self.board.enter(&self.book.current().destinations[&wms()], Kind::First, now).unwrap();
        let claim = Change::Claim { delivery: id, claim: Claim { lease: self.board.lease.clone(), at: now } };
        let claim = Claimed::Surely(self.ledger.commit(Batch::new().change(claim)).await.unwrap().claimed[0]);
        let (handovers, receiver) = mpsc::channel(1);
        handovers.try_send(Handover { delivery: Box::new(delivery), claim, record: None, slot }).unwrap();
        drop(handovers);
        let sender = self.sender(Outcome::Accepted { status: 200 }, stop);
        Deliverer { sender, handovers: receiver }.run().await.unwrap();
    }

    fn sender(&self, outcome: Outcome, stop: watch::Receiver<bool>) -> Sender {
        Sender {
            journal: self.journal.clone(),
            ledger: self.ledger.clone(),
            outbound: Arc::new(Answering(outcome)),
            book: self.book.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
            facts: Arc::default(),
            stop,
        }
    }

    /// The sweep of this life.
    pub(crate) fn sweep(&self, facts: Facts) -> Sweep {
        Sweep {
            journal: Arc::clone(&self.journal),
            ledger: Arc::clone(&self.ledger),
            book: Arc::clone(&self.book),
            clock: self.clock.clone(),
            facts: Arc::new(facts),
            pulse: Pulse::default(),
        }
    }

    async fn any_waits(&self, ids: &[DeliveryId]) -> bool {
        for id in ids {
            if self.delivery(*id).await.state.word() == "waiting" {
                return true;
            }
        }
        false
    }
}

/// A destination that answers everything like this.
#[derive(Debug)]
struct Answering(Outcome);

impl Outbound for Answering {
    fn send<'a>(&'a self, _message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        let sent = Sent { outcome: self.0.clone(), response: Bytes::new(), cut: false };
        Box::pin(std::future::ready(sent))
    }
}
