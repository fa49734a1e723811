//! The gate of a destination: slots, rate and breaker together. Whoever wants to attempt a delivery asks here
//! first and gives the slot back after.
//!
//! It holds what one node knows; the node that owns the destination's shard is the only one that asks.

use model::{SecretName, TimeSpan, Timestamp};
use policy::compiled::Destination;

use super::breaker::{Breaker, Pass, Role, Seen, State};
use super::bucket::Bucket;

/// How long nothing goes to a destination that says "too many" and not how long.
const PATIENCE: TimeSpan = TimeSpan::from_secs(1);
/// LIMIT: how long one Retry-After closes a destination; the delivery that was told waits longer, its schedule knows how.
pub const PATIENCE_MAX: TimeSpan = TimeSpan::from_secs(60);

/// What an attempt is: the first, for which slots are reserved, or a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first.
    First,
    /// A later one.
    Repeat,
}

/// The gate's state.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    breaker: Breaker,
    bucket: Bucket,
    /// When the destination asked for patience: until then nothing goes, whichever delivery was told.
    closed_until: Timestamp,
    firsts: u32,
    repeats: u32,
}

/// A slot that was taken; it must come back.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a slot that is not given back is lost until the restart"]
pub struct Slot {
    kind: Kind,
    role: Role,
}

/// Why there is no slot now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A person paused it.
    Paused,
    /// A secret that every message to it needs has no value.
    NoSecret(SecretName),
    /// All slots are in use; one comes back.
    Busy,
    /// Not before this: rate, breaker, or the destination asked for patience.
    Until(Timestamp),
}

impl Gate {
    /// A gate with its breaker as it was stored.
    pub fn restore(state: State) -> Self {
        Self { breaker: Breaker::restore(state), ..Self::default() }
    }

    /// Takes a slot.
    pub fn enter(&mut self, spec: &Destination, kind: Kind, now: Timestamp) -> Result<Slot, Closed> {
        if self.free(spec, kind) == 0 {
            return Err(Closed::Busy);
        }
        if now < self.closed_until {
            return Err(Closed::Until(self.closed_until));
        }
        let role = match self.breaker.ask(now) {
            Pass::Yes => Role::Usual,
            Pass::Probe => Role::Probe,
            Pass::Not(until) => return Err(Closed::Until(until)),
        };
        if let Some(rate) = spec.rate {
            self.bucket.take(rate, now).map_err(|wait| Closed::Until(now + wait))?;
        }
        if role == Role::Probe {
            self.breaker.probe();
        }
        *self.count(kind) += 1;
        Ok(Slot { kind, role })
    }

    /// How many slots an attempt of this kind could have, by their number alone.
    pub fn free(&self, spec: &Destination, kind: Kind) -> u32 {
        let all = spec.concurrency.saturating_sub(self.firsts + self.repeats);
        match kind {
            Kind::First => all,
            Kind::Repeat => all.min(repeats_max(spec).saturating_sub(self.repeats)),
        }
    }

    /// Whether another attempt of this kind may go with a slot whose attempt was a success, and takes what the rate asks for:
    /// only while everything passes, so that the breaker has nothing to say but that it saw a success ([`Gate::went_on`]).
    pub fn go_on(&mut self, spec: &Destination, (slot, kind): (&Slot, Kind), now: Timestamp) -> bool {
        let passes = self.breaker.ask(now) == Pass::Yes && now >= self.closed_until;
        if slot.kind != kind || slot.role != Role::Usual || !passes {
            return false;
        }
        spec.rate.is_none_or(|rate| self.bucket.take(rate, now).is_ok())
    }

    /// Another attempt goes with the slot of a success.
    pub fn went_on(&mut self, spec: &Destination, now: Timestamp) {
        self.breaker.saw(&spec.breaker, (Seen::Healthy, Role::Usual), now);
    }

    /// It did not go on: the rate has its token back.
    pub fn stay(&mut self) {
        self.bucket.give_back();
    }

    /// Gives a slot back that was not used.
    pub fn leave_unused(&mut self, slot: &Slot, now: Timestamp) {
        self.leave(slot);
        self.bucket.give_back();
        if slot.role == Role::Probe {
            self.breaker.probe_again(now);
        }
    }

    /// Gives a slot back, with what the attempt said about the destination's health, if it said anything. Answers the
    /// breaker's state when it changed.
    pub fn leave_after(&mut self, spec: &Destination, slot: &Slot, seen: Option<Seen>, now: Timestamp) -> Option<State> {
        self.leave(slot);
        let before = self.breaker.state();
        match seen {
            Some(seen) => self.breaker.saw(&spec.breaker, (seen, slot.role), now),
            None if slot.role == Role::Probe => self.breaker.probe_again(now),
            None => {}
        }
        let after = self.breaker.state();
        (before != after).then_some(after)
    }

    /// The destination asked for patience. It is heard by all that go there, within bounds: one answer must not close a
    /// destination for hours.
    pub fn be_patient(&mut self, asked: Option<TimeSpan>, now: Timestamp) {
        let span = asked.unwrap_or(PATIENCE).min(PATIENCE_MAX);
        self.closed_until = self.closed_until.max(now + span);
    }

    /// Where the breaker stands.
    pub const fn breaker(&self) -> State {
        self.breaker.state()
    }

    /// Attempts under way.
    pub const fn busy(&self) -> u32 {
        self.firsts + self.repeats
    }

    fn leave(&mut self, slot: &Slot) {
        let count = self.count(slot.kind);
        *count = count.saturating_sub(1);
    }

    const fn count(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::First => &mut self.firsts,
            Kind::Repeat => &mut self.repeats,
        }
    }
}

/// Slots that repeats may take together: all but the reserved share, and at least one.
fn repeats_max(spec: &Destination) -> u32 {
    let reserved = spec.concurrency.saturating_mul(spec.first_attempts_percent) / 100;
    spec.concurrency.saturating_sub(reserved).max(1)
}
