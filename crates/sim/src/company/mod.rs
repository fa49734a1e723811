//! The company whose system of record is captured: records that clerks change in transactions, and the company's own history of
//! every commit, by which checkers judge what became of it. It behaves as the measured Odoos do where that matters to who
//! captures: write dates are the beginning of the transaction, cut to seconds, by a clock that may be wrong. It never learns what
//! the product made of it.

mod clerk;
mod desk;
mod faults;
mod history;
mod nudges;

pub use clerk::Clerk;
pub use desk::Desk;
pub use faults::Faults;
pub use history::{Act, Commit, Content, Deed, History, Model, RecordId, Subject, What, Written};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{TimeSpan, Timestamp};

use crate::random::Random;
use crate::timeline::Timeline;

/// The company.
#[derive(Debug)]
pub struct Company {
    /// How it misbehaves.
    pub faults: Faults,
    timeline: Arc<Timeline>,
    away: AtomicBool,
    history: Mutex<History>,
}

impl Company {
    /// With some records of each model, made before the run begins.
    pub fn new(faults: Faults, timeline: Arc<Timeline>, random: &mut Random) -> Self {
        let mut history = History::default();
        let past = Company::cut(timeline.now() - TimeSpan::from_days(1));
        for model in Model::ALL {
            let deeds = (0..faults.records)
                .map(|_| Deed { subject: Subject::New(model), act: Act::Write(Content::draw(model, random)) });
            drop(history.commit((TimeSpan::ZERO, past), deeds.collect(), TimeSpan::ZERO));
        }
        Self { faults, timeline, away: AtomicBool::new(false), history: Mutex::new(history) }
    }

    /// The company's history; held for a moment, never across an await.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its clock says, in whole seconds: its write dates, and the date of its answers.
    pub fn clock(&self) -> Timestamp {
        let micros = self.timeline.now().micros().saturating_add(self.faults.clock_off_us);
        Self::cut(Timestamp::from_micros(micros))
    }

    /// Whether nobody reaches it.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Sets whether nobody reaches it.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    fn cut(at: Timestamp) -> Timestamp {
        Timestamp::from_secs(at.secs())
    }
}
