//! One life of a node in the simulation: the ports behind weather, the loops as tasks, and a door for requests and commands.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use engine::book::Book;
use engine::change::apply::{Changes, bootstrap};
use engine::delivery::operate::Operate;
use engine::intake::quarantine::Quarantine;
use engine::intake::run::Intake;
use engine::node::{Ground, Node};
use engine::observe::Facts;
use engine::ports::{Clock, Journal, Ledger, Records};
use engine::replay::order::Replays;
use engine::rules::asked::Asked;
use engine::switch::run::Switches;
use futures::future::BoxFuture;
use model::{Fault, NodeName, PolicyVersion, Principal, TimeSpan};
use tokio::sync::watch;

use crate::clock::SimClock;
use crate::company::{Company, Desk};
use crate::faulty::{Between, FaultyJournal, FaultyLedger};
use crate::oracle::Rule;
use crate::project::Captured;
use crate::random::Random;
use crate::receivers::Outside;
use crate::weather::Weather;
use crate::world::World;

/// How long a node waits before it tries again to begin.
const AGAIN: TimeSpan = TimeSpan::from_millis(300);

/// The way into a node: what HTTP would lead to.
#[derive(Debug)]
pub struct Door {
    /// The machine's name.
    pub node: String,
    /// The group of its tasks.
    pub group: String,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Where events come in.
    pub intake: Arc<Intake>,
    /// Commands on deliveries.
    pub operate: Operate,
    /// Commands on kept events.
    pub quarantine: Quarantine,
    /// Pause and resume.
    pub switches: Switches,
    /// Policies.
    pub changes: Changes,
    /// Replays.
    pub replays: Replays,
    /// The last application that was answered as done here.
    pub applied: AtomicU64,
    /// Tells its loops to end.
    pub stop: watch::Sender<bool>,
}

impl Door {
    /// The group of its tasks, the last application that was answered as done here, and the policy that it judges by.
    pub fn judges_by(&self) -> (String, u64, PolicyVersion) {
        (self.group.clone(), self.applied.load(Ordering::Relaxed), self.changes.book.current().version)
    }
}

/// The ports of one life.
struct Ports {
    journal: Arc<dyn Journal>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    records: Option<Arc<dyn Records>>,
}

/// Begins a life on a machine.
pub fn begin(world: &Arc<World>, name: &str) {
    let life = world.machines.begin(name);
    let group = format!("{name}.{life}");
    let inside = Arc::clone(world);
    let (node, tasks) = (name.to_owned(), group.clone());
    world.oracle.note(|| format!("{group} begins"));
    world.spawner.spawn(&group, "begin", async move { live(inside, node, tasks).await });
}

async fn live(world: Arc<World>, name: String, group: String) {
    let ports = ports(&world, &name, &group);
    let node_name = NodeName::new(&name).expect("machines have good names");
    let (stop, stopped) = watch::channel(false);
    let (_keys, keys) = watch::channel(Arc::clone(&world.keys));
    let facts = Arc::new(Facts::default());
    let node = loop {
        match start(&world, &ports, (&node_name, &facts), (keys.clone(), stopped.clone())).await {
            Ok(node) => break node,
            Err(fault) => world.oracle.note(|| format!("{group} cannot begin: {fault}")),
        }
        ports.clock.sleep(AGAIN).await;
    };
    let door = Arc::new(door(&world, &node, (&name, &group), stop));
    world.machines.set_door(&name, Some(door));
    let loops: BTreeMap<String, BoxFuture<'static, Result<(), Fault>>> = node.loops().into_iter().collect();
    for (title, run) in loops {
        let (world, stopped) = (Arc::clone(&world), stopped.clone());
        let group_inside = group.clone();
        let task = title.clone();
        world.spawner.clone().spawn(&group, &title, async move {
            match run.await {
                Ok(()) if *stopped.borrow() => {}
                Ok(()) => {
                    world.oracle.blame(Rule::Assertion, [format!("the loop {task} of {group_inside} ended by itself")]);
                }
                Err(fault) => {
                    world.oracle.blame(Rule::Assertion, [format!("the loop {task} of {group_inside} gave up: {fault}")]);
                }
            }
        });
    }
}

fn ports(world: &Arc<World>, name: &str, group: &str) -> Ports {
    let stream = |what: &str| Random::stream(world.seed, &format!("{what} of {group}"));
    let weather =
        Weather::new(name, world.swarm.stores, Arc::clone(&world.sky), Arc::clone(&world.timeline), stream("weather"));
    let between = Between {
        weather: Arc::new(weather),
        oracle: Arc::clone(&world.oracle),
        stores: world.stores.clone(),
        defect: world.defect.clone(),
    };
    let desk = |(company, captured): (&Arc<Company>, Captured)| -> Arc<dyn Records> {
        Arc::new(Desk {
            company: Arc::clone(company),
            captured,
            sky: Arc::clone(&world.sky),
            timeline: Arc::clone(&world.timeline),
            oracle: Arc::clone(&world.oracle),
            defect: world.defect.clone(),
            random: Mutex::new(stream("desk")),
        })
    };
    let clock = SimClock::new(Arc::clone(&world.timeline), world.machines.calendar(name), stream("jitter"))
        .broken(world.defect.clone());
    Ports {
        journal: Arc::new(FaultyJournal::new(Arc::clone(&world.stores.journal), between.clone())),
        ledger: Arc::new(FaultyLedger::new(Arc::clone(&world.stores.ledger), between)),
        clock: Arc::new(clock),
        records: world.company.as_ref().zip(world.projects[0].captured).map(desk),
    }
}

async fn start(
    world: &Arc<World>,
    ports: &Ports,
    (name, facts): (&NodeName, &Arc<Facts>),
    (keys, stop): (watch::Receiver<Arc<engine::keyring::Keyring>>, watch::Receiver<bool>),
) -> Result<Node, Fault> {
    let asked = Asked { by: Principal::product(), why: "the first start".to_owned(), at: ports.clock.now() };
    let files = world.projects[0].files();
    let beginning = bootstrap(&ports.ledger, &ports.journal.partitions(), &files, &asked).await;
    let beginning =
        beginning.map_err(|not_done| Fault::from_error(model::FaultKind::Unavailable, "bootstrap", not_done.to_string()))?;
    let book = Arc::new(Book::new(Arc::clone(&ports.ledger), beginning.policy));
    let outside = Outside { receivers: Arc::clone(&world.receivers), node: name.as_str().to_owned() };
    let ground = Ground {
        journal: Arc::clone(&ports.journal),
        ledger: Arc::clone(&ports.ledger),
        outbound: Arc::new(outside),
        clock: Arc::clone(&ports.clock),
        book,
        keys,
        facts: Arc::clone(facts),
        stop,
    };
    let mut node = Node::begin(ground, name).await?;
    node.records.clone_from(&ports.records);
    let keeping = world.swarm.keeping;
    node.retention.payload = keeping.payload.unwrap_or(node.retention.payload);
    node.retention.metadata = keeping.metadata.unwrap_or(node.retention.metadata);
    Ok(node)
}

fn door(world: &Arc<World>, node: &Node, (name, group): (&str, &str), stop: watch::Sender<bool>) -> Door {
    let Ground { journal, ledger, clock, book, .. } = &node.ground;
    let views = Arc::clone(&world.stores.views);
    let (journal, ledger, book) = (|| Arc::clone(journal), || Arc::clone(ledger), || Arc::clone(book));
    Door {
        node: name.to_owned(),
        group: group.to_owned(),
        clock: Arc::clone(clock),
        intake: Arc::new(node.intake()),
        operate: Operate { journal: journal(), ledger: ledger(), book: book() },
        quarantine: Quarantine { journal: journal(), ledger: ledger(), book: book() },
        switches: Switches { ledger: ledger(), book: book(), board: Arc::clone(&node.board) },
        changes: Changes { journal: journal(), ledger: ledger(), views: Arc::clone(&views), book: book() },
        replays: Replays { journal: journal(), ledger: ledger(), views, book: book(), previews: Arc::default() },
        applied: AtomicU64::new(0),
        stop,
    }
}
