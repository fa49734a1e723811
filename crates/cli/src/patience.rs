//! Waiting: for something that the product does by itself, asked again after a while that grows; and for the word to stop.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// How the next look comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// It is time.
    Again,
    /// A person said Ctrl-C.
    Interrupted,
}

impl Woken {
    /// Whether a person said so.
    pub(crate) const fn is_interrupted(self) -> bool {
        matches!(self, Self::Interrupted)
    }
}

/// The time until the next look. Ctrl-C counts from its making on, also while a request is under way.
#[derive(Debug)]
pub(crate) struct Patience {
    pause: Duration,
    interrupt: Option<Signal>,
}

impl Patience {
    /// Short at first.
    pub(crate) fn new() -> Self {
        Self { pause: FIRST, interrupt: signal(SignalKind::interrupt()).ok() }
    }

    /// Short again, because something moved.
    pub(crate) fn renew(&mut self) {
        self.pause = FIRST;
    }

    /// Until it is time, or a person interrupts.
    pub(crate) async fn wait(&mut self) -> Woken {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        let Some(interrupt) = &mut self.interrupt else {
            tokio::time::sleep(pause).await;
            return Woken::Again;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => Woken::Again,
            _ = interrupt.recv() => Woken::Interrupted,
        }
    }
}

/// Until somebody says stop: SIGTERM and Ctrl-C mean the same.
pub(crate) async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return drop(tokio::signal::ctrl_c().await);
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
