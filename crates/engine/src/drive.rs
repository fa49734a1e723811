//! The shape of every loop: a turn until there is nothing to do, then a wait for a hint or a period.
//!
//! A loop never ends by a fault that may pass; it ends when it is told to, or when what is stored contradicts itself.

use std::sync::Arc;

use model::limit::PERIOD;
use model::{Fault, FaultKind, TimeSpan};
use tokio::sync::watch;

use crate::observe::Facts;
use crate::ports::{Answer, Clock, Hint};

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
///
/// A loop reads `while drive.goes_on() { let turned = room.turn().await; drive.after(turned).await?; }`.
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
    /// What tells that there may be something to do.
    pub hint: Option<Hint>,
    /// Whether a port said that the process is going down.
    pub ended: bool,
}

/// How long after a fault a question is asked again.
const AGAIN: TimeSpan = TimeSpan::from_millis(200);

/// The answer of a store. One that is away or full is asked again, until the process is told to stop where a `stop` is given:
/// then, and for every other fault, the fault is the answer.
pub async fn insist<'a, T: Send>(
    clock: &dyn Clock,
    stop: Option<&Stop>,
    ask: impl Fn() -> Answer<'a, T> + Send,
) -> Result<T, Fault> {
    loop {
        let fault = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let passes = matches!(fault.kind, FaultKind::Unavailable | FaultKind::Busy | FaultKind::Full);
        if !passes || stop.is_some_and(|stop| *stop.borrow()) {
            return Err(fault);
        }
        clock.sleep(AGAIN).await;
    }
}

/// The pause after a fault: a wait that a recovering store can bear.
const AFTER_FAULT: TimeSpan = TimeSpan::from_millis(200);

impl Drive {
    /// Whether there is another turn. Takes note of hints so far: what happens from here on is a new one.
    pub fn goes_on(&mut self) -> bool {
        if let Some(hint) = &mut self.hint {
            hint.borrow_and_update();
        }
        !self.ended && !*self.stop.borrow()
    }

    /// What follows from a turn: another one at once, or after a wait. A fault that cannot pass ends the loop.
    pub async fn after(&mut self, turned: Result<Turn, Fault>) -> Result<(), Fault> {
        let fault = match turned {
            Ok(Turn::Worked) => return Ok(()),
            Ok(Turn::Idle) => {
                self.wait(PERIOD).await;
                return Ok(());
            }
            Err(fault) => fault,
        };
        match fault.kind {
            FaultKind::Conflict => {}
            FaultKind::Unavailable | FaultKind::Busy | FaultKind::Full => {
                self.facts.tell_fault(self.name, &fault, self.clock.now());
                self.pause().await;
            }
            FaultKind::Shutdown => self.ended = true,
            FaultKind::Corrupt => {
                self.facts.tell_fault(self.name, &fault, self.clock.now());
                return Err(fault);
            }
        }
        Ok(())
    }

    /// After a fault hints do not shorten the wait: they would only repeat it.
    async fn pause(&mut self) {
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = self.clock.sleep(AFTER_FAULT) => {}
        }
    }

    async fn wait(&mut self, period: TimeSpan) {
        let hint = &mut self.hint;
        let hinted = async {
            match hint {
                // A hint whose giver is gone says nothing more.
                Some(hint) => match hint.changed().await {
                    Ok(()) => {}
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = self.stop.changed() => {}
            () = hinted => {}
            () = self.clock.sleep(period) => {}
        }
    }
}
