//! A node: one life of the engine over its ports. It names the loops; whoever owns the node runs and awaits them, on
//! threads in production and in virtual time in simulation.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use model::limit::{CONCURRENCY_MAX, HEARTBEAT};
use model::{Fault, NodeName, TimeSpan, Timestamp};
use tokio::sync::{mpsc, watch};

use crate::board::Board;
use crate::book::Book;
use crate::change::run::Leavings;
use crate::delivery::claim::Claimer;
use crate::delivery::deadlines::Deadlines;
use crate::delivery::run::{Deliverer, Sender};
use crate::delivery::sweep::Sweep;
use crate::drive::{Drive, Stop, Turn};
use crate::intake::capture::run::Captures;
use crate::intake::run::{Intake, Memory};
use crate::keyring::Keyring;
use crate::membership::{self, Membership};
use crate::observe::Facts;
use crate::outbox::Outbox;
use crate::ports::{Clock, Hint, Journal, Ledger, Outbound, Records};
use crate::replay::run::Replayer;
use crate::retention::decide::Retention;
use crate::retention::run::{Keeper, Trimmer};
use crate::routing::run::Router;
use crate::rules::breaker::State;
use crate::rules::pulse::Pulse;

/// LIMIT: claimed deliveries between router and delivery; more than any slots, so that a hand-over does not wait.
const HANDOVERS_MAX: usize = CONCURRENCY_MAX as usize * 8;

/// What a node stands on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// What happened.
    pub journal: Arc<dyn Journal>,
    /// The state of work.
    pub ledger: Arc<dyn Ledger>,
    /// The outside.
    pub outbound: Arc<dyn Outbound>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The policies.
    pub book: Arc<Book>,
    /// Secrets' values.
    pub keys: watch::Receiver<Arc<Keyring>>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// When to stop.
    pub stop: Stop,
}

/// A loop with its name.
pub type Loop = (String, BoxFuture<'static, Result<(), Fault>>);

/// One life of a node.
#[derive(Debug)]
pub struct Node {
    /// What it stands on.
    pub ground: Ground,
    /// What its rooms share.
    pub board: Arc<Board>,
    /// How long things are kept; the defaults until whoever owns the node says otherwise.
    pub retention: Retention,
    /// What systems of record show; nothing is captured until whoever owns the node says by what.
    pub records: Option<Arc<dyn Records>>,
}

impl Node {
    /// Begins a life: a time that goes on, a new incarnation, breakers as they were stored, and the first look at its shards.
    pub async fn begin(ground: Ground, name: &NodeName) -> Result<Self, Fault> {
        membership::resume_time(&ground.journal, &ground.ledger, &ground.clock).await?;
        let lease = membership::begin_life(&ground.ledger, name, &ground.clock).await?;
        let breakers = ground.ledger.breakers().await?;
        let breakers = breakers.into_iter().map(|(name, text)| (name, serde_json::from_str(&text).unwrap_or(State::Closed)));
        let board = Arc::new(Board::new(lease, breakers.collect(), ground.keys.clone()));
        let node = Self { ground, board, retention: Retention::default(), records: None };
        node.membership().turn().await?;
        Ok(node)
    }

    /// Where its events come in.
    pub fn intake(&self) -> Intake {
        Intake {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            keys: self.ground.keys.clone(),
            switches: Arc::clone(&self.board.switches),
            pressure: Arc::clone(&self.board.pressure),
            nudges: Arc::clone(&self.board.nudges),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            memory: Memory::default(),
        }
    }

    /// Its loops, to be run until each of them ends.
    pub fn loops(&self) -> Vec<Loop> {
        let (handovers, receiver) = mpsc::channel(HANDOVERS_MAX);
        let mut loops = vec![self.membership_loop(), self.delivery_loop(receiver), self.sweep_loop(), self.outbox_loop()];
        loops.extend([self.claim_loop(handovers.clone()), self.deadline_loop(), self.change_loop()]);
        loops.extend([self.replay_loop(), self.retention_loop()]);
        loops.extend(self.records.as_ref().map(|records| self.capture_loop(records)));
        loops.extend(self.ground.journal.partitions().into_iter().map(|partition| {
            let mut router = self.router(partition, handovers.clone());
            let mut drive = self.drive("router", Some(self.ground.journal.changed()));
            let run: BoxFuture<'static, _> = Box::pin(async move {
                while drive.goes_on() {
                    let turned = router.turn().await;
                    drive.after(turned).await?;
                }
                Ok(())
            });
            (format!("router/{}", partition.0), run)
        }));
        loops
    }

    fn drive(&self, name: &'static str, hint: Option<Hint>) -> Drive {
        Drive {
            name,
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            stop: self.ground.stop.clone(),
            hint,
            ended: false,
        }
    }

    fn membership_loop(&self) -> Loop {
        let mut membership = self.membership();
        let mut drive = self.drive("membership", None);
        let run = async move {
            while drive.goes_on() {
                drive.clock.sleep(HEARTBEAT).await;
                let turned = membership.turn().await.map(|()| Turn::Worked);
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("membership".to_owned(), Box::pin(run))
    }

    fn delivery_loop(&self, handovers: mpsc::Receiver<crate::board::Handover>) -> Loop {
        let deliverer = Deliverer { sender: self.sender(), handovers };
        ("delivery".to_owned(), Box::pin(deliverer.run()))
    }

    fn claim_loop(&self, handovers: mpsc::Sender<crate::board::Handover>) -> Loop {
        let claimer = Claimer { sender: self.sender(), handovers, lacking: BTreeMap::new(), left: BTreeMap::new() };
        ("claim".to_owned(), Box::pin(claimer.run()))
    }

    fn sender(&self) -> Sender {
        Sender {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            outbound: Arc::clone(&self.ground.outbound),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            stop: self.ground.stop.clone(),
        }
    }

    fn sweep_loop(&self) -> Loop {
        let mut sweep = Sweep {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            pulse: Pulse::default(),
        };
        let mut drive = self.drive("sweep", None);
        let run = async move {
            while drive.goes_on() {
                let turned = sweep.turn().await;
                drive.after(turned).await?;
                // Its looks at other nodes have to be a heartbeat apart, whatever a turn comes to.
                drive.clock.sleep(HEARTBEAT).await;
            }
            Ok(())
        };
        ("sweep".to_owned(), Box::pin(run))
    }

    fn deadline_loop(&self) -> Loop {
        let mut deadlines = Deadlines {
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
        };
        let mut drive = self.drive("deadlines", None);
        let run = async move {
            while drive.goes_on() {
                let turned = deadlines.turn().await;
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("deadlines".to_owned(), Box::pin(run))
    }

    fn outbox_loop(&self) -> Loop {
        let mut outbox = Outbox {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            facts: Arc::clone(&self.ground.facts),
        };
        let mut drive = self.drive("outbox", Some(self.ground.ledger.changed()));
        let run = async move {
            while drive.goes_on() {
                let turned = outbox.turn().await;
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("outbox".to_owned(), Box::pin(run))
    }

    fn change_loop(&self) -> Loop {
        let mut leavings = Leavings {
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            done: 0,
        };
        let mut drive = self.drive("change", None);
        let run = async move {
            while drive.goes_on() {
                let turned = leavings.turn().await;
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("change".to_owned(), Box::pin(run))
    }

    fn replay_loop(&self) -> Loop {
        let mut replayer = Replayer {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            paces: BTreeMap::new(),
            replaced: BTreeMap::new(),
        };
        let mut drive = self.drive("replay", None);
        let run = async move {
            while drive.goes_on() {
                let turned = replayer.turn().await;
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("replay".to_owned(), Box::pin(run))
    }

    fn retention_loop(&self) -> Loop {
        let trimmer = Trimmer {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            settings: self.retention,
        };
        let mut keeper = Keeper {
            trimmer,
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            levels: Default::default(),
            barren_at: Timestamp::EPOCH,
            forgot_at: Timestamp::EPOCH,
            sweeps: BTreeMap::new(),
        };
        let mut drive = self.drive("retention", None);
        let run = async move {
            while drive.goes_on() {
                let turned = keeper.turn().await;
                drive.after(turned).await?;
            }
            Ok(())
        };
        ("retention".to_owned(), Box::pin(run))
    }

    fn capture_loop(&self, records: &Arc<dyn Records>) -> Loop {
        let captures = Captures {
            intake: Arc::new(self.intake()),
            ledger: Arc::clone(&self.ground.ledger),
            records: Arc::clone(records),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            stop: self.ground.stop.clone(),
        };
        ("capture".to_owned(), Box::pin(captures.run()))
    }

    fn membership(&self) -> Membership {
        Membership {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            pulse: Pulse::default(),
            beat: Timestamp::EPOCH,
        }
    }

    fn router(&self, partition: model::Partition, handovers: mpsc::Sender<crate::board::Handover>) -> Router {
        Router {
            journal: Arc::clone(&self.ground.journal),
            ledger: Arc::clone(&self.ground.ledger),
            book: Arc::clone(&self.ground.book),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.ground.clock),
            facts: Arc::clone(&self.ground.facts),
            handovers,
            partition,
            stop: self.ground.stop.clone(),
            at: None,
        }
    }
}

/// How long a loop may take to end after it was told to stop: the longest exchange with a destination, and a commit.
pub const DRAIN: TimeSpan = TimeSpan::from_secs(65);
