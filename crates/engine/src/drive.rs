//! The shape of every loop: a turn until there is nothing to do, then a wait for a hint or a period.
//!
//! A loop never ends by a fault that may pass; it ends when it is told to, or when what is stored contradicts itself.

use std::sync::Arc;

use model::limit::PERIOD;
use model::{Fault, FaultKind, TimeSpan};
use tokio::sync::watch;

use crate::observe::{Fact, Facts};
use crate::ports::{Clock, Hint};

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something: there may be more.
    Worked,
    /// Nothing: wait.
    Idle,
}

/// Told to stop when it becomes true; kept by whoever owns the loops.
pub type Stop = watch::Receiver<bool>;

/// What a loop needs besides its room.
#[derive(Clone, Debug)]
pub struct Drive {
    /// The name of the loop, for people.
    pub name: &'static str,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// When to stop.
    pub stop: Stop,
}

/// The pause after a fault: a wait that a recovering store can bear.
const AFTER_FAULT: TimeSpan = TimeSpan::from_millis(200);

impl Drive {
    /// Runs turns until told to stop. Answers the fault that ended it, if one did.
    pub async fn run(mut self, mut hints: Vec<Hint>, mut turn: impl AsyncFnMut() -> Result<Turn, Fault>) -> Result<(), Fault> {
        while !*self.stop.borrow() {
            hints.iter_mut().for_each(|hint| {
                hint.borrow_and_update();
            });
            match turn().await {
                Ok(Turn::Worked) => {}
                Ok(Turn::Idle) => self.wait(&mut hints, PERIOD).await,
                Err(fault) => match fault.kind {
                    FaultKind::Conflict => {}
                    FaultKind::Unavailable | FaultKind::Full => {
                        self.facts.emit(&Fact::LoopFault { name: self.name, fault: &fault });
                        self.wait(&mut [], AFTER_FAULT).await;
                    }
                    FaultKind::Shutdown => return Ok(()),
                    FaultKind::Corrupt => {
                        self.facts.emit(&Fact::LoopFault { name: self.name, fault: &fault });
                        return Err(fault);
                    }
                },
            }
        }
        Ok(())
    }

    async fn wait(&mut self, hints: &mut [Hint], period: TimeSpan) {
        let hinted = async {
            let changes = hints.iter_mut().map(|hint| Box::pin(hint.changed()));
            if changes.len() == 0 { std::future::pending::<()>().await } else { drop(futures::future::select_all(changes).await) }
        };
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = hinted => {}
            () = self.clock.sleep(period) => {}
        }
    }
}
