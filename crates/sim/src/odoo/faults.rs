//! What can go wrong with an Odoo on request: by name, while a switch is on, for a share of the requests drawn from the seed.

use std::collections::BTreeMap;

use model::Timestamp;

use crate::random::Random;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Answers take two to five seconds.
    Slow,
    /// Answers stall for a second.
    Stall,
    /// The change stands and the answer never comes.
    TimeoutAfter,
    /// Nothing is done and no answer comes.
    TimeoutBefore,
    /// A serialisation failure after seconds of sleeping.
    Serialization,
    /// Connections are closed at once.
    Refused,
    /// 503 while it starts again.
    Restart,
    /// A page of the proxy in place of JSON.
    ProxyPage,
    /// The user's rights are gone.
    AccessRemoved,
    /// API keys have ended.
    KeyExpired,
    /// Stock, sales and manufacturing are not installed.
    ModuleMissing,
    /// Webhooks go out and never arrive.
    HooksLost,
    /// Its clock is two minutes ahead.
    ClockAhead,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Slow,
        Self::Stall,
        Self::TimeoutAfter,
        Self::TimeoutBefore,
        Self::Serialization,
        Self::Refused,
        Self::Restart,
        Self::ProxyPage,
        Self::AccessRemoved,
        Self::KeyExpired,
        Self::ModuleMissing,
        Self::HooksLost,
        Self::ClockAhead,
    ];

    /// What it is switched by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Stall => "stall",
            Self::TimeoutAfter => "timeout-after-commit",
            Self::TimeoutBefore => "timeout-before",
            Self::Serialization => "serialization",
            Self::Refused => "refused",
            Self::Restart => "restart",
            Self::ProxyPage => "proxy-page",
            Self::AccessRemoved => "access-removed",
            Self::KeyExpired => "key-expired",
            Self::ModuleMissing => "module-missing",
            Self::HooksLost => "webhooks-lost",
            Self::ClockAhead => "clock-ahead",
        }
    }

    /// The fault of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// How a fault is switched on.
#[derive(Clone, Copy, Debug)]
struct Active {
    in_thousand: u64,
    until: Timestamp,
}

/// Which faults there are now.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    on: BTreeMap<Fault, Active>,
    chance: Random,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self { on: BTreeMap::new(), chance: Random::stream(seed, "odoo-faults") }
    }

    /// Switches a fault on for so many of a thousand requests.
    pub(super) fn begin(&mut self, fault: Fault, in_thousand: u64) {
        self.on.insert(fault, Active { in_thousand: in_thousand.min(1_000), until: Timestamp::NEVER });
    }

    /// Switches a fault on for every request until an instant.
    pub(super) fn begin_until(&mut self, fault: Fault, until: Timestamp) {
        self.on.insert(fault, Active { in_thousand: 1_000, until });
    }

    /// Mends what has lasted long enough.
    pub(super) fn pass(&mut self, now: Timestamp) {
        self.on.retain(|_, active| now < active.until);
    }

    pub(super) fn end(&mut self, fault: Fault) {
        self.on.remove(&fault);
    }

    /// Whether a fault is on at all.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.on.contains_key(&fault)
    }

    /// Whether it strikes this time. Chance is drawn only while it is on.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        self.on.get(&fault).copied().is_some_and(|active| self.chance.in_thousand(active.in_thousand))
    }

    /// A number of milliseconds, from its own stream.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> u64 {
        self.chance.between(from, to)
    }
}
