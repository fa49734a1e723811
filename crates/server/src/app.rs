//! What every request handler shares. Values and handles only; no behaviour.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::delivery::operate::Operate;
use engine::intake::quarantine::Quarantine;
use engine::intake::run::Intake;
use engine::node::{Ground, Node};
use engine::ports::Views;
use engine::replay::order::Replays;
use engine::replay::previews::Previews;
use tokio::sync::watch;

use crate::http::once::UnderWay;
use crate::http::room::Room;
use crate::odoo::rotation::watch::Rotations;
use crate::settings::Settings;
use crate::tasks::End;

/// The running product.
#[derive(Debug)]
pub struct App {
    /// The ports that the node stands on.
    pub ground: Ground,
    /// The node.
    pub node: Node,
    /// Pages for people.
    pub views: Arc<dyn Views>,
    /// Where events come in.
    pub intake: Intake,
    /// Room for bodies that are being received.
    pub room: Room,
    /// The settings.
    pub settings: Settings,
    /// Which start of which product this is; not a secret. Clients tell two products on one machine apart by it.
    pub instance: String,
    /// What a write without a bearer token must carry.
    pub same_site: String,
    /// The last previews of replays.
    pub previews: Arc<Previews>,
    /// What came of rotations of keys.
    pub rotations: Arc<Rotations>,
    /// Writes with keys that this process is at.
    pub under_way: UnderWay,
    /// Whether traffic is accepted.
    pub ready: AtomicBool,
    /// The first of the loops that ended: from then on the process is on its way down.
    pub ended: watch::Receiver<Option<End>>,
}

impl App {
    /// The desk of kept events.
    pub fn quarantine(&self) -> Quarantine {
        Quarantine {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
        }
    }

    /// The commands on replays.
    pub fn replays(&self) -> Replays {
        Replays {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            views: Arc::clone(&self.views),
            book: Arc::clone(&self.ground.book),
            previews: Arc::clone(&self.previews),
        }
    }

    /// The commands on deliveries.
    pub fn operate(&self) -> Operate {
        Operate {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
        }
    }
}
