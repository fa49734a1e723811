//! One run: from a seed and some options to a report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backends::memory::{MemoryJournal, MemoryLedger};
use backends::partitioned::{Making, PartitionedJournal, Troubles};
use engine::ports::{Clock, Journal};
use model::{PolicyVersion, TimeSpan};

use crate::clock::SimClock;
use crate::company::Company;
use crate::course::course;
use crate::defect::{Defect, Flaw};
use crate::executor::{Ended, Executor, Spawner};
use crate::oracle::{Oracle, Rule, Stores, Upkeep, Violation};
use crate::project::{self, Project};
use crate::random::Random;
use crate::receivers::{Moods, Receivers};
use crate::swarm::{Captures, JournalKind, Swarm};
use crate::timeline::Timeline;
use crate::trace::Trace;
use crate::weather::Sky;
use crate::world::{Machines, World, keyring};

/// The byte budget of a store where the seed draws none: more than any run fills.
const BUDGET: u64 = 1 << 40;

/// What is not the seed's to choose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Which journal; by the seed when nothing is said.
    pub journal: Option<JournalKind>,
    /// How many nodes; by the seed when nothing is said.
    pub nodes: Option<usize>,
    /// Whether a system is captured; by the seed when nothing is said.
    pub captures: Option<Captures>,
    /// What is broken on purpose. The run goes on until that is seen.
    pub broken: Option<Flaw>,
    /// How many lines of the trace are kept.
    pub trace_lines: usize,
}

/// What a run was and what it showed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Which journal it stood on.
    pub journal: JournalKind,
    /// Whether a system was captured.
    pub captures: Captures,
    /// What was broken, oldest first.
    pub violations: Vec<Violation>,
    /// Events that were answered with 202.
    pub accepted: u64,
    /// Requests that arrived at destinations.
    pub arrivals: u64,
    /// Batches that the ledger took.
    pub batches: u64,
    /// Polls of the executor.
    pub polls: u64,
    /// What went because of its age, or for want of room.
    pub upkeep: Upkeep,
    /// The digest of everything that happened.
    pub digest: u64,
    /// The last lines of the trace.
    pub lines: Vec<String>,
}

impl Report {
    /// Whether nothing was broken.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether this rule was broken.
    pub fn shows(&self, rule: Rule) -> bool {
        self.violations.iter().any(|violation| violation.rule == rule)
    }
}

/// Runs a seed.
pub fn run(seed: u64, options: Options) -> Report {
    let kind =
        options.journal.unwrap_or(if seed.is_multiple_of(2) { JournalKind::Memory } else { JournalKind::Partitioned });
    let timeline = Arc::new(Timeline::default());
    let trace = Arc::new(Trace::new(options.trace_lines));
    let oracle = Arc::new(Oracle::new(Arc::clone(&timeline), Arc::clone(&trace)));
    let mut executor = Executor::new(Arc::clone(&timeline), Arc::clone(&trace), Random::stream(seed, "schedule"));
    let parts = Parts { timeline, oracle: Arc::clone(&oracle), spawner: executor.spawner() };
    let mut captures = Captures::Off;
    match world(seed, options, kind, parts) {
        Ok(world) => {
            captures = if world.company.is_some() { Captures::On } else { Captures::Off };
            execute(&mut executor, &Arc::new(world), options);
        }
        Err(sentence) => oracle.blame(Rule::Assertion, [sentence]),
    }
    let known = oracle.known();
    trace.mix(known.work.batches);
    trace.mix(known.arrivals.all.len() as u64);
    Report {
        seed,
        journal: kind,
        captures,
        violations: known.violations.clone(),
        accepted: known.senders.accepted.len() as u64,
        arrivals: known.arrivals.all.len() as u64,
        batches: known.work.batches,
        polls: executor.polls(),
        upkeep: known.upkeep,
        digest: trace.digest(),
        lines: trace.lines(),
    }
}

/// What a world is built on.
struct Parts {
    timeline: Arc<Timeline>,
    oracle: Arc<Oracle>,
    spawner: Spawner,
}

fn execute(executor: &mut Executor, world: &Arc<World>, options: Options) {
    let oracle = Arc::clone(&world.oracle);
    let over = Arc::new(AtomicBool::new(false));
    let (inside, ended) = (Arc::clone(world), Arc::clone(&over));
    executor.spawner().spawn("world", "course", async move {
        course(inside).await;
        ended.store(true, Ordering::Relaxed);
    });
    let enough = || match options.broken {
        None => oracle.is_broken(),
        Some(flaw) => oracle.is_broken_by(flaw.rule()),
    };
    let done = || over.load(Ordering::Relaxed) || enough();
    match catch_unwind(AssertUnwindSafe(|| executor.run(done))) {
        Ok(Ended::Stopped) => {}
        Ok(Ended::Asleep) => {
            oracle.blame(Rule::I10, ["everything waits for what never comes".to_owned()]);
        }
        Ok(Ended::Livelock(who)) => {
            oracle.blame(Rule::I10, [format!("the run does not come to an end: {who}")]);
        }
        Err(panic) => oracle.blame(Rule::Assertion, [format!("a panic: {}", words_of(&*panic))]),
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "without words".to_owned())
}

fn world(seed: u64, options: Options, kind: JournalKind, parts: Parts) -> Result<World, String> {
    let Parts { timeline, oracle, spawner } = parts;
    let stream = |name: &str| Random::stream(seed, name);
    let swarm = Swarm::draw(&mut stream("swarm"), &mut stream("keeping"), kind, options.nodes)
        .with_company(&mut stream("company"), options.captures.or(options.broken.and_then(Flaw::captures)));
    let mut random = Random::stream(seed, "project");
    let mut first = project::draw(&mut random);
    if swarm.company.is_some() {
        project::capture(&mut first, &mut stream("captured"));
    }
    let second = project::second_version(&first, &mut random);
    for project in [&first, &second] {
        let version = version_of(project)?;
        oracle.known().projects.insert(version, Arc::new(project.clone()));
    }
    let projects = [Arc::new(first), Arc::new(second)];
    let defect = options.broken.map(|flaw| Arc::new(Defect::new(flaw, Random::stream(seed, "defect"))));
    let sky = Arc::new(Sky::new());
    let receivers = Receivers {
        project: Arc::clone(&projects[1]),
        faults: swarm.outside,
        sky: Arc::clone(&sky),
        oracle: Arc::clone(&oracle),
        timeline: Arc::clone(&timeline),
        defect: defect.clone(),
        moods: Moods::new(seed),
    };
    let company = swarm.company.map(|faults| Arc::new(Company::new(faults, Arc::clone(&timeline), &mut stream("records"))));
    let machines = Machines::new(swarm.nodes, swarm.machines.fast.unwrap_or_default());
    let clock = SimClock::new(Arc::clone(&timeline), Arc::clone(machines.elsewhere()), stream("stores"));
    let store_clock = Arc::new(clock.broken(defect.clone()));
    let (stores, broker) = stores(seed, &swarm, &(Arc::clone(&store_clock) as Arc<dyn Clock>));
    Ok(World {
        seed,
        timeline: Arc::clone(&timeline),
        spawner,
        oracle,
        sky,
        stores,
        store_clock,
        broker,
        receivers: Arc::new(receivers),
        company,
        keys: Arc::new(keyring(&projects[1])),
        projects,
        defect,
        machines,
        swarm,
    })
}

/// What the product says that the version of a project is; its diagnostics, where it does not take the project.
fn version_of(project: &Project) -> Result<PolicyVersion, String> {
    let (policy, findings) = policy::check(&project.files());
    let findings: Vec<String> =
        findings.iter().map(|finding| format!("{} {} at {:?}", finding.code, finding.message, finding.place)).collect();
    policy.map(|policy| policy.version).ok_or_else(|| format!("a drawn project is refused: {}", findings.join("; ")))
}

fn stores(seed: u64, swarm: &Swarm, clock: &Arc<dyn Clock>) -> (Stores, Option<Arc<PartitionedJournal>>) {
    let (of_journal, of_ledger) = (swarm.keeping.journal.unwrap_or(BUDGET), swarm.keeping.ledger.unwrap_or(BUDGET));
    let broker = match swarm.journal {
        JournalKind::Memory => None,
        JournalKind::Partitioned => Some(Arc::new(PartitionedJournal::new(Arc::clone(clock), making(seed, of_journal)))),
    };
    let journal: Arc<dyn Journal> = match &broker {
        None => Arc::new(MemoryJournal::new(Arc::clone(clock), of_journal)),
        Some(broker) => Arc::clone(broker) as _,
    };
    let ledger = Arc::new(MemoryLedger::within(of_ledger, Arc::clone(clock)));
    (Stores { journal, ledger: Arc::clone(&ledger) as _, views: ledger, archive: Arc::default() }, broker)
}

fn making(seed: u64, budget: u64) -> Making {
    let mut random = Random::stream(seed, "broker");
    let troubles = Troubles {
        late_one_in: *random.pick(&[0, 3, 10]),
        late_max: TimeSpan::from_millis(*random.pick(&[10, 500, 3_000])),
        lost_answer_one_in: *random.pick(&[0, 10, 40]),
        refused_one_in: *random.pick(&[0, 10, 40]),
        emitted_window: random.in_thousand(500).then(|| TimeSpan::from_millis(*random.pick(&[1, 1_000, 120_000]))),
    };
    Making { partitions: *random.pick(&[1, 2, 3, 5]), budget, seed, troubles }
}
