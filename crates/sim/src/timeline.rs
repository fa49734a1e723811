//! Virtual time: a number that stands still while anything can run, and jumps to the next timer when nothing can.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use model::{TimeSpan, Timestamp};

/// What the calendar of every simulation says at its beginning: 2026-03-02T09:00:00Z.
pub const BEGINNING: Timestamp = Timestamp::from_secs(1_772_442_000);

/// The time of a simulation, shared by everything in it.
#[derive(Debug, Default)]
pub struct Timeline {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    now: TimeSpan,
    timers: BTreeMap<(TimeSpan, u64), Waker>,
    next: u64,
}

impl Timeline {
    /// How much time has passed since the beginning.
    pub fn elapsed(&self) -> TimeSpan {
        self.lock().now
    }

    /// The true time, which no node's clock need agree with.
    pub fn now(&self) -> Timestamp {
        BEGINNING + self.elapsed()
    }

    /// Waits for that long.
    pub fn sleep(self: &Arc<Self>, span: TimeSpan) -> Sleep {
        Sleep { due: self.elapsed() + span, key: None, timeline: Arc::clone(self) }
    }

    /// Goes to the next timer and wakes all that are due then. False when there is none.
    pub fn advance(&self) -> bool {
        let mut state = self.lock();
        let Some(((due, _), _)) = state.timers.first_key_value() else { return false };
        let due = *due;
        state.now = state.now.max(due);
        let later = state.timers.split_off(&(due, u64::MAX));
        let woken = std::mem::replace(&mut state.timers, later);
        drop(state);
        woken.into_values().for_each(Waker::wake);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait in virtual time. Dropped, it leaves no timer behind.
#[derive(Debug)]
pub struct Sleep {
    due: TimeSpan,
    key: Option<(TimeSpan, u64)>,
    timeline: Arc<Timeline>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timeline = Arc::clone(&self.timeline);
        let mut state = timeline.lock();
        if state.now >= self.due {
            if let Some(key) = self.key.take() {
                state.timers.remove(&key);
            }
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or((self.due, state.next));
        if self.key.is_none() {
            state.next += 1;
            self.key = Some(key);
        }
        state.timers.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.timeline.lock().timers.remove(&key);
        }
    }
}
