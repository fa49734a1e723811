//! The machine's clock behind the engine's port. The only place of the product that reads it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use engine::ports::{Clock, Waiting};
use model::{TimeSpan, Timestamp};

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    /// Microseconds from `started` to the latest `now`, less the time that passed: only ever grows.
    ahead: AtomicI64,
}

impl SystemClock {
    /// A clock that begins now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    pub fn new() -> Self {
        Self { started: Instant::now(), ahead: AtomicI64::new(i64::MIN) }
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
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
        let elapsed = self.elapsed();
        let ahead = self.wall().micros().saturating_sub(elapsed);
        let ahead = self.ahead.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Timestamp::from_micros(ahead.saturating_add(elapsed))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
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
    fn now_never_goes_back() {
        let clock = SystemClock::new();
        let ahead = clock.now() + TimeSpan::from_secs(3_600);
        clock.ahead.fetch_max(ahead.micros() - clock.elapsed(), Ordering::Relaxed);
        assert!(clock.now() >= ahead);
        assert!(clock.wall() < ahead);
    }
}
