//! What one life of one node knows and shares between its rooms: its lease, the gates of the destinations that it
//! works on, and the shards that it holds. Lost at the end of the process; nothing here is the truth of anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Delivery, DeliveryId, DestinationName, Lease, Record, SecretName, TimeSpan, Timestamp};
use policy::compiled::Destination;
use tokio::sync::{mpsc, watch};

use crate::keyring::Keyring;
use crate::nudges::Nudges;
use crate::pressure::Pressure;
use crate::pulls::Pulls;
use crate::rules::breaker::{Seen, State};
use crate::rules::gate::{Closed, Gate, Kind, Slot};
use crate::switchboard::Switchboard;
use crate::unread::Gaps;

/// A delivery whose attempt is open and whose slot is taken: ready to be sent.
#[derive(Debug)]
pub struct Handover {
    /// The delivery as it was before its claim.
    pub delivery: Box<Delivery>,
    /// What is known of its claim.
    pub claim: Claimed,
    /// The record with the bytes, where it is at hand.
    pub record: Option<Arc<Record>>,
    /// Its slot.
    pub slot: Slot,
}

/// What is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// It holds, under this epoch.
    Surely(u64),
    /// The store did not say; it has to be asked before anything is sent.
    Perhaps,
}

/// Whether something has been due to a destination for longer than a look at the queue takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongDue {
    /// It has.
    Yes,
    /// Nothing has.
    No,
}

/// The board of a node's life.
#[derive(Debug)]
pub struct Board {
    /// This life.
    pub lease: Lease,
    /// Whether it has more to do than it can.
    pub pressure: Arc<Pressure>,
    /// What people paused, as this node last learnt it.
    pub switches: Arc<Switchboard>,
    /// Records that somebody said have changed.
    pub nudges: Arc<Nudges>,
    /// What captures cannot read now, for people.
    pub gaps: Gaps,
    /// What pulling from outboxes meets, for people.
    pub pulls: Pulls,
    /// Secrets' values: a destination that lacks one is closed.
    pub keys: watch::Receiver<Arc<Keyring>>,
    gates: Mutex<BTreeMap<DestinationName, Gate>>,
    shards: Mutex<BTreeSet<String>>,
    /// Deliveries whose claim is being committed, or may have been: nobody else of this node may claim them, or one claim
    /// would be flown twice.
    in_question: Mutex<BTreeSet<DeliveryId>>,
    /// Destinations to which something has been due for long.
    long_due: Mutex<BTreeSet<DestinationName>>,
}

impl Board {
    /// A board at the beginning of a life, with breakers as they were stored.
    pub fn new(lease: Lease, breakers: Vec<(DestinationName, State)>, keys: watch::Receiver<Arc<Keyring>>) -> Self {
        let gates = breakers.into_iter().map(|(name, state)| (name, Gate::restore(state))).collect();
        Self {
            lease,
            keys,
            gates: Mutex::new(gates),
            shards: Mutex::default(),
            in_question: Mutex::default(),
            long_due: Mutex::default(),
            pressure: Arc::default(),
            switches: Arc::default(),
            nudges: Arc::default(),
            gaps: Gaps::default(),
            pulls: Pulls::default(),
        }
    }

    /// The name of a destination's shard.
    pub fn shard_of(destination: &DestinationName) -> String {
        format!("destination/{destination}")
    }

    /// Whether this node works on a shard.
    pub fn holds(&self, shard: &str) -> bool {
        lock(&self.shards).contains(shard)
    }

    /// Takes note of the shards that this node works on.
    pub fn set_shards(&self, shards: BTreeSet<String>) {
        *lock(&self.shards) = shards;
    }

    /// Takes a slot of a destination that this node works on.
    pub fn enter(&self, destination: &Destination, kind: Kind, now: Timestamp) -> Result<Slot, Closed> {
        if !self.holds(&Self::shard_of(&destination.name)) {
            return Err(Closed::Busy);
        }
        if self.switches.is_paused(&Self::shard_of(&destination.name)) {
            return Err(Closed::Paused);
        }
        if let Some(secret) = self.lacking(destination) {
            return Err(Closed::NoSecret(secret));
        }
        self.gate(&destination.name, |gate| gate.enter(destination, kind, now))
    }

    /// The first secret of a destination that has no value now.
    pub fn lacking(&self, destination: &Destination) -> Option<SecretName> {
        let keys = self.keys.borrow();
        destination.secrets().find(|name| keys.get(name).is_none()).cloned()
    }

    /// How many more attempts of a kind could start, by slots alone.
    pub fn free(&self, destination: &Destination, kind: Kind) -> u32 {
        self.gate(&destination.name, |gate| gate.free(destination, kind))
    }

    /// Gives back a slot that was not used.
    pub fn leave_unused(&self, destination: &DestinationName, slot: &Slot, now: Timestamp) {
        self.gate(destination, |gate| gate.leave_unused(slot, now));
    }

    /// Gives back a slot after an attempt; answers the breaker's state when it changed.
    pub fn leave_after(&self, destination: &Destination, slot: &Slot, seen: Option<Seen>, now: Timestamp) -> Option<State> {
        self.gate(&destination.name, |gate| gate.leave_after(destination, slot, seen, now))
    }

    /// A destination asked for patience.
    pub fn be_patient(&self, destination: &DestinationName, asked: Option<TimeSpan>, now: Timestamp) {
        self.gate(destination, |gate| gate.be_patient(asked, now));
    }

    /// Takes note of whether something has been due to a destination for long.
    pub fn set_long_due(&self, destination: &DestinationName, is_long_due: LongDue) {
        let mut long_due = lock(&self.long_due);
        match is_long_due {
            LongDue::Yes => drop(long_due.insert(destination.clone())),
            LongDue::No => drop(long_due.remove(destination)),
        }
    }

    /// Takes a slot for a delivery that was never in a queue. Where something has been due for long it leaves the rate and
    /// at least half of the slots to that: otherwise what has just arrived would always be first.
    pub fn enter_fresh(&self, destination: &Destination, now: Timestamp) -> Result<Slot, Closed> {
        let yields = lock(&self.long_due).contains(&destination.name);
        let after = self.free(destination, Kind::First).saturating_sub(1);
        if yields && (destination.rate.is_some() || after * 2 < destination.concurrency) {
            return Err(Closed::Busy);
        }
        self.enter(destination, Kind::First, now)
    }

    /// Whether the slot of a success serves another attempt at once. Where something has been due for long, no.
    pub fn go_on(&self, destination: &Destination, slot: (&Slot, Kind), now: Timestamp) -> bool {
        let yields = lock(&self.long_due).contains(&destination.name);
        let may = !yields && self.holds(&Self::shard_of(&destination.name)) && self.lacking(destination).is_none();
        may && self.gate(&destination.name, |gate| gate.go_on(destination, slot, now))
    }

    /// It served one: the success before it is counted.
    pub fn went_on(&self, destination: &Destination, now: Timestamp) {
        self.gate(&destination.name, |gate| gate.went_on(destination, now));
    }

    /// It did not serve one.
    pub fn stay(&self, destination: &DestinationName) {
        self.gate(destination, Gate::stay);
    }

    /// How many shards this node works on.
    pub fn shards_held(&self) -> usize {
        lock(&self.shards).len()
    }

    /// Keeps deliveries from being claimed by another room while their claim is in question.
    pub fn question(&self, deliveries: impl IntoIterator<Item = DeliveryId>) {
        lock(&self.in_question).extend(deliveries);
    }

    /// What was in question is settled.
    pub fn settle(&self, deliveries: impl IntoIterator<Item = DeliveryId>) {
        let mut in_question = lock(&self.in_question);
        for delivery in deliveries {
            in_question.remove(&delivery);
        }
    }

    /// Hands a claimed delivery over to be sent. Where nobody takes it any more the process is going down: its slot comes
    /// back, and the next life finds the lease.
    pub async fn hand_over(&self, to: &mpsc::Sender<Handover>, handover: Handover, now: Timestamp) {
        if let Err(refused) = to.send(handover).await {
            let Handover { delivery, slot, .. } = refused.0;
            self.leave_unused(&delivery.destination, &slot, now);
        }
    }

    /// Whether a claim is in question.
    pub fn is_in_question(&self, delivery: DeliveryId) -> bool {
        lock(&self.in_question).contains(&delivery)
    }

    /// Where the breakers stand and how many attempts are under way.
    pub fn gates(&self) -> Vec<(DestinationName, State, u32)> {
        lock(&self.gates).iter().map(|(name, gate)| (name.clone(), gate.breaker(), gate.busy())).collect()
    }

    fn gate<T>(&self, name: &DestinationName, act: impl FnOnce(&mut Gate) -> T) -> T {
        let mut gates = lock(&self.gates);
        if !gates.contains_key(name) {
            gates.insert(name.clone(), Gate::default());
        }
        act(gates.get_mut(name).expect("inserted above"))
    }
}

/// A panic elsewhere leaves counts, not half a value: the content stays usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
