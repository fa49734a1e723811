//! The circuit breaker of a destination: when too much fails, it is left alone. Open means hold, never drop.
//!
//! Closed counts; open waits; half open lets one probe through. The state is written to the ledger when it changes,
//! so that a restart does not hammer a partner who asked for rest.

use std::collections::VecDeque;

use model::{TimeSpan, Timestamp};
use policy::compiled::Breaker as Spec;
use serde::{Deserialize, Serialize};

/// LIMIT: outcomes that are remembered for the share of failures.
const REMEMBERED: usize = 256;

/// Where a breaker stands; what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "breaker")]
pub enum State {
    /// Everything passes.
    #[default]
    Closed,
    /// Nothing passes before `until`.
    Open {
        /// Since when it did not work.
        since: Timestamp,
        /// When a probe may pass.
        until: Timestamp,
        /// How long this pause is; the next one is twice as long.
        pause: TimeSpan,
    },
    /// One probe is under way.
    HalfOpen {
        /// Since when it did not work.
        since: Timestamp,
        /// How long the last pause was.
        pause: TimeSpan,
    },
}

impl State {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// A breaker with what it remembers.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    state: State,
    recent: VecDeque<(Timestamp, Seen)>,
    in_a_row: u32,
}

/// What an attempt said about the destination's health. A refusal of one message says nothing against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It answered.
    Healthy,
    /// It did not, or it said that it cannot.
    Failing,
}

/// As what an attempt was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As any other, while the breaker was closed.
    Usual,
    /// Alone, to see whether the destination is well again.
    Probe,
}

/// What the breaker says to one more attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Go.
    Yes,
    /// Go, alone: a probe.
    Probe,
    /// Not before this.
    Not(Timestamp),
}

impl Breaker {
    /// A breaker as it was stored. A probe that was under way is forgotten: it may be made again.
    pub fn restore(state: State) -> Self {
        let state = match state {
            State::HalfOpen { since, pause } => State::Open { since, until: since, pause },
            State::Closed | State::Open { .. } => state,
        };
        Self { state, ..Self::default() }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether one more attempt may start.
    pub const fn ask(&self, now: Timestamp) -> Pass {
        match self.state {
            State::Closed => Pass::Yes,
            State::Open { until, .. } if until.micros() <= now.micros() => Pass::Probe,
            State::Open { until, .. } => Pass::Not(until),
            State::HalfOpen { .. } => Pass::Not(Timestamp::NEVER),
        }
    }

    /// A probe starts.
    pub const fn probe(&mut self) {
        if let State::Open { since, pause, .. } = self.state {
            self.state = State::HalfOpen { since, pause };
        }
    }

    /// A probe ended without a word about the destination: it may be made again.
    pub const fn probe_again(&mut self, now: Timestamp) {
        if let State::HalfOpen { since, pause } = self.state {
            self.state = State::Open { since, until: now, pause };
        }
    }

    /// Takes an outcome into account.
    pub fn saw(&mut self, spec: &Spec, (seen, role): (Seen, Role), now: Timestamp) {
        match (self.state, role, seen) {
            (State::HalfOpen { .. }, Role::Probe, Seen::Healthy) => *self = Self::default(),
            (State::HalfOpen { since, pause }, Role::Probe, Seen::Failing) => {
                let pause = pause.times(2).min(spec.pause_max);
                self.state = State::Open { since, until: now + pause, pause };
            }
            // An attempt that began before it opened says nothing new, however long it takes: only the probe is asked.
            (State::Open { .. }, ..) | (State::HalfOpen { .. }, Role::Usual, _) => {}
            (State::Closed, ..) => self.count(spec, seen, now),
        }
    }

    fn count(&mut self, spec: &Spec, seen: Seen, now: Timestamp) {
        self.recent.push_back((now, seen));
        let begin = now - spec.within;
        while self.recent.len() > REMEMBERED || self.recent.front().is_some_and(|(at, _)| *at < begin) {
            self.recent.pop_front();
        }
        self.in_a_row = if seen == Seen::Failing { self.in_a_row + 1 } else { 0 };
        let failures = self.recent.iter().filter(|(_, seen)| *seen == Seen::Failing).count();
        let enough = self.recent.len() >= spec.of as usize;
        let share = enough && failures * 100 >= self.recent.len() * spec.failures_percent as usize;
        let trips = seen == Seen::Failing && (share || self.in_a_row >= spec.in_a_row);
        if trips {
            self.state = State::Open { since: now, until: now + spec.pause, pause: spec.pause };
            self.recent.clear();
            self.in_a_row = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        failures_percent: 50,
        of: 10,
        within: TimeSpan::from_secs(60),
        in_a_row: 5,
        pause: TimeSpan::from_secs(15),
        pause_max: TimeSpan::from_secs(40),
    };

    fn s(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn failing(times: i64) -> Breaker {
        let mut breaker = Breaker::default();
        (0..times).for_each(|i| breaker.saw(&SPEC, (Seen::Failing, Role::Usual), s(i)));
        breaker
    }

    fn by_turns(i: i64) -> Seen {
        if i % 2 == 0 { Seen::Healthy } else { Seen::Failing }
    }

    #[test]
    fn only_the_probe_decides_once_it_is_open() {
        let open = failing(5);
        let mut probing = open.clone();
        probing.probe();
        let waits = |breaker: &Breaker| breaker.ask(s(19));
        for (from, seen, role, expected) in [
            (&open, Seen::Healthy, Role::Usual, Pass::Probe),
            (&open, Seen::Failing, Role::Usual, Pass::Probe),
            (&probing, Seen::Healthy, Role::Usual, Pass::Not(Timestamp::NEVER)),
            (&probing, Seen::Failing, Role::Usual, Pass::Not(Timestamp::NEVER)),
            (&probing, Seen::Healthy, Role::Probe, Pass::Yes),
            (&probing, Seen::Failing, Role::Probe, Pass::Not(s(48))),
        ] {
            let mut breaker = from.clone();
            breaker.saw(&SPEC, (seen, role), s(18));
            assert_eq!(waits(&breaker), expected, "{:?} {seen:?} {role:?}", from.state());
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_probe_passes_after_the_pause() {
        let breaker = failing(4);
        assert_eq!(breaker.ask(s(4)), Pass::Yes);
        let breaker = failing(5);
        assert_eq!(breaker.ask(s(5)), Pass::Not(s(19)));
        assert_eq!(breaker.ask(s(19)), Pass::Probe);
    }

    #[test]
    fn a_share_of_failures_opens_it_even_between_successes() {
        let mut breaker = Breaker::default();
        for i in 0..12 {
            breaker.saw(&SPEC, (by_turns(i), Role::Usual), s(i));
        }
        assert_ne!(breaker.state(), State::Closed);
    }

    #[test]
    fn failures_long_ago_do_not_count() {
        let mut breaker = Breaker::default();
        for i in 0..30 {
            breaker.saw(&SPEC, (by_turns(i), Role::Usual), s(i * 30));
        }
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn pauses_double_up_to_their_limit_and_a_success_closes() {
        let mut breaker = failing(5);
        let mut now = s(100);
        for expected in [30, 40, 40] {
            assert_eq!(breaker.ask(now), Pass::Probe);
            breaker.probe();
            assert_eq!(breaker.ask(now), Pass::Not(Timestamp::NEVER));
            breaker.saw(&SPEC, (Seen::Failing, Role::Probe), now);
            assert_eq!(breaker.ask(now), Pass::Not(now + TimeSpan::from_secs(expected)));
            now = now + TimeSpan::from_secs(expected);
        }
        breaker.probe();
        breaker.saw(&SPEC, (Seen::Healthy, Role::Probe), now);
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_probe_that_was_under_way_at_a_crash_may_be_made_again() {
        let stored = State::HalfOpen { since: s(3), pause: TimeSpan::from_secs(15) };
        assert_eq!(Breaker::restore(stored).ask(s(4)), Pass::Probe);
    }
}
