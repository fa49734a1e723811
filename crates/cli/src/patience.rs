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

/// The word to stop: SIGTERM and Ctrl-C mean the same. It is heard from the moment on that this is made, so that nobody who
/// was told that something runs can end it the hard way.
#[derive(Debug)]
pub(crate) struct Word {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Word {
    /// Begins to listen. A signal that cannot be listened to ends the process, as it does by itself.
    pub(crate) fn listen() -> Self {
        Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    /// Waits until somebody says it.
    pub(crate) async fn said(&mut self) {
        tokio::select! {
            () = heard(self.terminate.as_mut()) => {}
            () = heard(self.interrupt.as_mut()) => {}
        }
    }
}

async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Until somebody says stop.
pub(crate) async fn told_to_stop() {
    Word::listen().said().await;
}
