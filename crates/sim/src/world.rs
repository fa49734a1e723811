//! The world of a run: time, stores, destinations, nodes, and the doors by which senders and people reach them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backends::partitioned::{PartitionedJournal, Troubles};
use engine::keyring::Keyring;
use formats::signature::Secret;
use model::{SecretName, TimeSpan};

use crate::clock::{Calendar, SimClock};
use crate::company::Company;
use crate::defect::Defect;
use crate::executor::Spawner;
use crate::life::Door;
use crate::oracle::{Oracle, Stores};
use crate::project::{Captured, Project};
use crate::random::Random;
use crate::receivers::Receivers;
use crate::swarm::Swarm;
use crate::timeline::Timeline;
use crate::weather::Sky;

/// Everything that tasks of a run share.
#[derive(Debug)]
pub struct World {
    /// The seed.
    pub seed: u64,
    /// What the seed switched on.
    pub swarm: Swarm,
    /// The time.
    pub timeline: Arc<Timeline>,
    /// Where tasks are started and killed.
    pub spawner: Spawner,
    /// What is known.
    pub oracle: Arc<Oracle>,
    /// Whether faults are on.
    pub sky: Arc<Sky>,
    /// The stores.
    pub stores: Stores,
    /// Their clock.
    pub store_clock: Arc<SimClock>,
    /// The journal once more, where it is a broker with troubles of its own.
    pub broker: Option<Arc<PartitionedJournal>>,
    /// The destinations.
    pub receivers: Arc<Receivers>,
    /// The company whose system is captured, where one is.
    pub company: Option<Arc<Company>>,
    /// The projects: the first, and the one that may be applied later.
    pub projects: [Arc<Project>; 2],
    /// Values of secrets.
    pub keys: Arc<Keyring>,
    /// What is broken on purpose.
    pub defect: Option<Arc<Defect>>,
    /// The machines.
    pub machines: Machines,
}

/// The machines with what runs on them now.
#[derive(Debug)]
pub struct Machines {
    calendars: BTreeMap<String, Arc<Calendar>>,
    /// By which senders sign and stores stamp.
    elsewhere: Arc<Calendar>,
    /// How far all calendars are ahead of the true time while faults are on.
    fast: TimeSpan,
    state: Mutex<BTreeMap<String, Running>>,
}

/// What runs on a machine.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// How many lives were begun on it.
    pub lives: u64,
    /// The way in, once the node has begun.
    pub door: Option<Arc<Door>>,
}

impl Machines {
    /// So many machines, all off, with calendars that are that far ahead.
    pub fn new(count: usize, fast: TimeSpan) -> Self {
        let names: Vec<String> = (1..=count).map(|number| format!("n{number}")).collect();
        Self {
            calendars: names.iter().map(|name| (name.clone(), Arc::new(Calendar::fast(fast)))).collect(),
            elsewhere: Arc::new(Calendar::fast(fast)),
            fast,
            state: Mutex::new(names.into_iter().map(|name| (name, Running::default())).collect()),
        }
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.calendars.keys().cloned().collect()
    }

    /// The calendar of a machine.
    pub fn calendar(&self, name: &str) -> Arc<Calendar> {
        self.calendars.get(name).map(Arc::clone).unwrap_or_default()
    }

    /// The calendar of senders and stores.
    pub const fn elsewhere(&self) -> &Arc<Calendar> {
        &self.elsewhere
    }

    /// A calendar jumps to so many microseconds from what the others say.
    pub fn jump(&self, name: &str, micros: i64) {
        let fast = i64::try_from(self.fast.micros()).unwrap_or(0);
        self.calendar(name).set_off(fast.saturating_add(micros));
    }

    /// All calendars are that far ahead of the true time from now on.
    pub fn set_ahead(&self, span: TimeSpan) {
        let off_us = i64::try_from(span.micros()).unwrap_or(0);
        self.calendars.values().chain([&self.elsewhere]).for_each(|calendar| calendar.set_off(off_us));
    }

    /// What runs on a machine.
    pub fn running(&self, name: &str) -> Running {
        self.state().get(name).cloned().unwrap_or_default()
    }

    /// Counts a new life; answers its number.
    pub fn begin(&self, name: &str) -> u64 {
        let mut state = self.state();
        let running = state.entry(name.to_owned()).or_default();
        running.lives += 1;
        running.door = None;
        running.lives
    }

    /// Opens or closes the door of a machine.
    pub fn set_door(&self, name: &str, door: Option<Arc<Door>>) {
        if let Some(running) = self.state().get_mut(name) {
            running.door = door;
        }
    }

    /// The doors that are open.
    pub fn doors(&self) -> Vec<Arc<Door>> {
        self.state().values().filter_map(|running| running.door.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Ends all faults for good.
    pub fn clear_up(&self) {
        self.sky.clear_up();
        if let Some(broker) = &self.broker {
            broker.set_troubles(Troubles { emitted_window: Some(TimeSpan::from_secs(120)), ..Troubles::NONE });
        }
    }

    /// The group of a machine's present life.
    pub fn group_of(&self, name: &str) -> String {
        format!("{name}.{}", self.machines.running(name).lives)
    }

    /// A door that is open, at random.
    pub fn a_door(&self, random: &mut Random) -> Option<Arc<Door>> {
        let mut open = self.machines.doors();
        open.retain(|door| !self.spawner.is_dead(&door.group));
        if open.is_empty() { None } else { Some(Arc::clone(random.pick(&open))) }
    }
}

/// The values of all secrets of a project.
pub fn keyring(project: &Project) -> Keyring {
    let sources = project.sources.iter().map(|source| (source.secret_name(), source.secret()));
    let destinations = project.destinations.iter().map(|destination| (destination.secret_name(), destination.secret()));
    let captured = project.captured.iter().flat_map(|_| Captured::SECRETS);
    let captured = captured.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let named = sources.chain(destinations).chain(captured);
    Keyring::from_pairs(
        named.filter_map(|(name, value)| Some((SecretName::new(&name).ok()?, Secret::new(value.into_bytes())))),
    )
}
