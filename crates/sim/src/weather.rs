//! The weather between a node and its stores: delays, failures before and after a call took effect, outages. Shared by the
//! wrappers of both ports; it ends when the faults end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Fault, FaultKind, TimeSpan};

use crate::executor::give_way;
use crate::random::Random;
use crate::swarm::StoreFaults;
use crate::timeline::Timeline;

/// A slow call takes up to this.
const SLOW_MAX: TimeSpan = TimeSpan::from_secs(12);

/// What holds for all nodes.
#[derive(Debug)]
pub struct Sky {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calm: bool,
    full: bool,
    cut_off: BTreeMap<String, bool>,
}

impl Sky {
    /// With all faults of the run possible.
    pub fn new() -> Self {
        Self { state: Mutex::new(State::default()) }
    }

    /// Ends all faults for good.
    pub fn clear_up(&self) {
        *self.lock() = State { calm: true, ..State::default() };
    }

    /// Whether the faults have ended.
    pub fn is_calm(&self) -> bool {
        self.lock().calm
    }

    /// Sets whether the journal is at its budget.
    pub fn set_full(&self, full: bool) {
        let mut state = self.lock();
        state.full = full && !state.calm;
    }

    /// Sets whether a node is cut off from its stores.
    pub fn set_cut_off(&self, node: &str, cut_off: bool) {
        let mut state = self.lock();
        let cut_off = cut_off && !state.calm;
        state.cut_off.insert(node.to_owned(), cut_off);
    }

    fn is_cut_off(&self, node: &str) -> bool {
        self.lock().cut_off.get(node).copied().unwrap_or(false)
    }

    fn is_full(&self) -> bool {
        self.lock().full
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Sky {
    fn default() -> Self {
        Self::new()
    }
}

/// The weather of one life of a node.
#[derive(Debug)]
pub struct Weather {
    /// What holds for all nodes.
    pub sky: Arc<Sky>,
    /// How stores may misbehave in this run.
    pub faults: StoreFaults,
    node: String,
    timeline: Arc<Timeline>,
    random: Mutex<Random>,
}

/// What will happen to one call.
#[derive(Clone, Copy, Debug)]
pub struct Forecast {
    before: TimeSpan,
    after: TimeSpan,
    fails_before: bool,
    fails_after: bool,
}

impl Weather {
    /// The weather of a node.
    pub fn new(node: &str, faults: StoreFaults, sky: Arc<Sky>, timeline: Arc<Timeline>, random: Random) -> Self {
        Self { sky, faults, node: node.to_owned(), timeline, random: Mutex::new(random) }
    }

    /// The way to the store. Answers what will happen on the way back.
    pub async fn go(&self, op: &'static str) -> Result<Forecast, Fault> {
        let forecast = self.forecast();
        self.take(forecast.before).await;
        if forecast.fails_before || self.sky.is_cut_off(&self.node) {
            return Err(Fault::from_error(FaultKind::Unavailable, op, "simulated: nothing was done"));
        }
        Ok(forecast)
    }

    /// The way back from the store.
    pub async fn come_back(&self, op: &'static str, forecast: Forecast) -> Result<(), Fault> {
        self.take(forecast.after).await;
        if forecast.fails_after || self.sky.is_cut_off(&self.node) {
            return Err(Fault::from_error(FaultKind::Unavailable, op, "simulated: it was done, and nobody was told"));
        }
        Ok(())
    }

    /// Whether the journal is at its budget now.
    pub fn is_full(&self) -> bool {
        self.sky.is_full()
    }

    /// Whether one more of so many of a thousand things happens.
    pub fn happens(&self, in_thousand: u64) -> bool {
        self.random().in_thousand(in_thousand)
    }

    fn forecast(&self) -> Forecast {
        let calm = self.sky.is_calm();
        let mut random = self.random();
        let most = self.faults.delay_max.percent(50);
        let mut forecast = Forecast {
            before: random.span(TimeSpan::ZERO, most),
            after: random.span(TimeSpan::ZERO, most),
            fails_before: random.in_thousand(self.faults.before) && !calm,
            fails_after: random.in_thousand(self.faults.after) && !calm,
        };
        if random.in_thousand(self.faults.slow) && !calm {
            forecast.before = random.span(TimeSpan::from_secs(1), SLOW_MAX);
        }
        forecast
    }

    async fn take(&self, span: TimeSpan) {
        if span == TimeSpan::ZERO {
            give_way().await;
        } else {
            self.timeline.sleep(span).await;
        }
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
