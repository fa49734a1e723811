//! The machine's clock behind the engine's port. The only place of the product that reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use engine::ports::{Clock, Waiting};
use engine::rules::onward::Onward;
use model::{TimeSpan, Timestamp};

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    onward: Mutex<Onward>,
}

impl SystemClock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    pub fn new() -> Self {
        Self { started: Instant::now(), onward: Mutex::default() }
    }

    fn onward(&self) -> MutexGuard<'_, Onward> {
        self.onward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    /// When the wall goes back, this one goes on from where it was.
    fn now(&self) -> Timestamp {
        let mut onward = self.onward();
        onward.read(self.ran(), self.wall())
    }

    fn not_before(&self, at: Timestamp) {
        let mut onward = self.onward();
        onward.not_before(at, self.ran(), self.wall());
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn ran(&self) -> TimeSpan {
        TimeSpan::from_micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep(&self, span: TimeSpan) -> Waiting<'_> {
        Box::pin(tokio::time::sleep(span.to_duration()))
    }

    fn chance(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes, or nothing is safe");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_never_goes_back_behind_what_was_before() {
        let clock = SystemClock::new();
        let ahead = clock.now() + TimeSpan::from_secs(3_600);
        clock.not_before(ahead);
        assert!(clock.now() >= ahead);
        assert!(clock.wall() < ahead);
    }
}
