//! What a seed switches on: each run has a random subset of the kinds of fault, in random strength, so that rare ones are
//! not always hidden behind frequent ones.

use model::TimeSpan;
use model::limit::KEY_WINDOW;

use crate::company::Faults;
use crate::random::Random;

/// Which journal a run stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind {
    /// One partition, everything visible at once.
    Memory,
    /// Several partitions, late committers, lost acknowledgements, a finite window for what rooms emit.
    Partitioned,
}

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Which journal.
    pub journal: JournalKind,
    /// How many nodes.
    pub nodes: usize,
    /// What is sent.
    pub load: Load,
    /// How the stores misbehave.
    pub stores: StoreFaults,
    /// How the destinations misbehave.
    pub outside: OutsideFaults,
    /// How the machines misbehave.
    pub machines: MachineFaults,
    /// What people do.
    pub people: People,
    /// How long things are kept, and how much room there is for them.
    pub keeping: Keeping,
    /// The company whose system is captured, where one is.
    pub company: Option<Faults>,
}

/// Whether a run has a company whose system is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Captures {
    /// It has.
    On,
    /// It has not.
    Off,
}

/// What is sent while faults are on.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Senders per source.
    pub senders: u64,
    /// Events per sender.
    pub events: u64,
    /// The longest pause between two of them.
    pub pause_max: TimeSpan,
    /// Different orders: few make long lanes.
    pub orders: u64,
    /// In a thousand: an event is sent again, later.
    pub repeat: u64,
    /// In a thousand: an event is sent to two nodes at once.
    pub race: u64,
    /// In a thousand: another body under a known key.
    pub reuse: u64,
    /// In a thousand: a wrong signature.
    pub forge: u64,
    /// In a thousand: a broken contract.
    pub broken: u64,
    /// What breaks its contract is about an order that nothing good is about.
    pub apart: bool,
    /// In a thousand: a type that the source does not list.
    pub unlisted: u64,
}

/// How the stores misbehave; in a thousand calls.
#[derive(Clone, Copy, Debug)]
pub struct StoreFaults {
    /// The usual delay of a call.
    pub delay_max: TimeSpan,
    /// A call takes seconds.
    pub slow: u64,
    /// It fails and nothing was done.
    pub before: u64,
    /// It fails and it was done: the acknowledgement is lost.
    pub after: u64,
    /// Episodes in which a node does not reach its stores.
    pub outages: bool,
    /// Episodes in which the journal is at its budget.
    pub full: bool,
    /// Wake-ups never come: loops live by their period.
    pub deaf: bool,
}

/// How the destinations misbehave; in a thousand requests.
#[derive(Clone, Copy, Debug)]
pub struct OutsideFaults {
    /// The usual time of an answer.
    pub answer_max: TimeSpan,
    /// 5xx.
    pub failing: u64,
    /// 4xx that never helps to repeat.
    pub refusing: u64,
    /// 429 with Retry-After.
    pub deferring: u64,
    /// No answer, though it was taken.
    pub silent: u64,
    /// No answer, nothing arrived.
    pub lost: u64,
    /// The connection is closed, though it was taken.
    pub cut: u64,
    /// No connection.
    pub unreachable: u64,
    /// An answer that takes long.
    pub slow: u64,
    /// Episodes in which a destination answers nothing but 503.
    pub outages: bool,
}

/// How the machines misbehave.
#[derive(Clone, Copy, Debug)]
pub struct MachineFaults {
    /// The mean time between two crashes, all nodes together; `None` for none.
    pub crash_every: Option<TimeSpan>,
    /// Some of the crashes are orderly stops.
    pub stops: bool,
    /// How far calendars jump; `None` for never.
    pub jump: Option<TimeSpan>,
    /// How far all calendars are ahead until the faults end, as by a time server that is wrong; `None` for not at all.
    pub fast: Option<TimeSpan>,
}

/// What people do while faults are on.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a kind of deed that a run has or has not")]
pub struct People {
    /// They retry what is held or dead.
    pub retry: bool,
    /// They pause and resume.
    pub pause: bool,
    /// They correct, release and close what is quarantined.
    pub quarantine: bool,
    /// They replay.
    pub replay: bool,
    /// They apply the second version of the project.
    pub change: bool,
    /// They work down the list of what is quarantined, by its age, and correct each.
    pub lists: bool,
}

/// How long things are kept, and how much room there is for them. What is `None` is more than any run needs.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How long records are kept.
    pub payload: Option<TimeSpan>,
    /// How long rows of the ledger are kept.
    pub metadata: Option<TimeSpan>,
    /// The byte budget of the journal.
    pub journal: Option<u64>,
    /// The byte budget of the ledger.
    pub ledger: Option<u64>,
    /// In a thousand: a sender that is told that there is no room gives its event up.
    pub give_up: u64,
    /// How long all nodes are off after the faults: a little less or more than keys are remembered.
    pub absence: Option<TimeSpan>,
    /// How far all calendars are ahead in a short life near the end of that, as of a machine whose battery is empty.
    pub astray: Option<TimeSpan>,
}

impl Keeping {
    /// Whether people have to make room before the last sender is heard.
    pub const fn is_short_of_room(&self) -> bool {
        self.journal.is_some() || self.ledger.is_some()
    }
}

impl Swarm {
    /// The run of a seed; `nodes` where it is not the seed's to choose. `upkeep` is the chance of what is kept, a stream of
    /// its own, so that what is drawn there changes nothing else of a seed.
    pub fn draw(random: &mut Random, upkeep: &mut Random, journal: JournalKind, nodes: Option<usize>) -> Self {
        let mut swarm = Self {
            journal,
            nodes: nodes.unwrap_or(2 + random.place(4)),
            load: load(random),
            stores: stores(random),
            outside: outside(random),
            machines: machines(random),
            people: People {
                retry: random.in_thousand(700),
                pause: random.in_thousand(400),
                quarantine: random.in_thousand(800),
                replay: random.in_thousand(500),
                change: random.in_thousand(600),
                lists: false,
            },
            keeping: Keeping {
                payload: random.in_thousand(300).then(|| TimeSpan::from_secs(*random.pick(&[5, 20, 60]))),
                ..keeping(upkeep)
            },
            company: None,
        };
        swarm.machines.fast = upkeep.in_thousand(250).then(|| TimeSpan::from_secs(*upkeep.pick(&[3_600, 86_400, 86_400])));
        swarm.keeping.astray = upkeep.in_thousand(700).then(|| KEY_WINDOW.percent(*upkeep.pick(&[30, 150])));
        if upkeep.in_thousand(400) {
            swarm.people.lists = true;
            swarm.load = Load { broken: swarm.load.broken.max(150), apart: true, ..swarm.load };
        }
        swarm
    }
}

impl Swarm {
    /// The same run with a company, where there is to be one. Its chance is a stream of its own, for the same reason.
    #[must_use]
    pub fn with_company(self, random: &mut Random, captures: Option<Captures>) -> Self {
        let has_one = captures == Some(Captures::On);
        let faults = Faults::draw(random, self.keeping.is_short_of_room());
        Self { company: has_one.then_some(faults), ..self }
    }
}

fn keeping(random: &mut Random) -> Keeping {
    let kib = 1_024;
    Keeping {
        payload: None,
        metadata: random.in_thousand(350).then(|| TimeSpan::from_secs(*random.pick(&[1, 10, 60, 600]))),
        journal: random.in_thousand(250).then(|| *random.pick(&[6 * kib, 20 * kib, 60 * kib])),
        ledger: random.in_thousand(250).then(|| *random.pick(&[24 * kib, 48 * kib, 96 * kib])),
        give_up: some(random, 300),
        absence: random.in_thousand(200).then(|| KEY_WINDOW.percent(*random.pick(&[85, 115]))),
        astray: None,
    }
}

fn load(random: &mut Random) -> Load {
    Load {
        senders: random.between(1, 2),
        events: random.between(5, 30),
        pause_max: TimeSpan::from_millis(*random.pick(&[50, 500, 3_000])),
        orders: *random.pick(&[1, 3, 10]),
        repeat: some(random, 300),
        race: some(random, 200),
        reuse: some(random, 150),
        forge: some(random, 100),
        broken: some(random, 200),
        apart: false,
        unlisted: some(random, 150),
    }
}

fn stores(random: &mut Random) -> StoreFaults {
    StoreFaults {
        delay_max: TimeSpan::from_millis(*random.pick(&[0, 2, 20, 50])),
        slow: some(random, 20),
        before: some(random, 60),
        after: some(random, 60),
        outages: random.in_thousand(300),
        full: random.in_thousand(300),
        deaf: random.in_thousand(200),
    }
}

fn outside(random: &mut Random) -> OutsideFaults {
    OutsideFaults {
        answer_max: TimeSpan::from_millis(*random.pick(&[5, 100, 800])),
        failing: some(random, 250),
        refusing: some(random, 60),
        deferring: some(random, 150),
        silent: some(random, 80),
        lost: some(random, 80),
        cut: some(random, 80),
        unreachable: some(random, 100),
        slow: some(random, 100),
        outages: random.in_thousand(300),
    }
}

fn machines(random: &mut Random) -> MachineFaults {
    MachineFaults {
        crash_every: random.in_thousand(600).then(|| TimeSpan::from_secs(*random.pick(&[5, 20, 60]))),
        stops: random.in_thousand(400),
        jump: random.in_thousand(200).then(|| TimeSpan::from_secs(*random.pick(&[2, 60, 600, 3_600]))),
        fast: None,
    }
}

/// Off in half of the runs, otherwise anything up to `most`.
pub(crate) fn some(random: &mut Random, most: u64) -> u64 {
    if random.in_thousand(500) { 0 } else { random.between(1, most) }
}
