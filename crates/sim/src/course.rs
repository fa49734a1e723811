//! The course of a run: nodes begin, senders and people work while faults are on, the faults end, people settle what waits
//! for them, everything drains, a fresh event passes, and all checkers look at the whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{EventId, Fault, TimeSpan};

use crate::captured::Capturing;
use crate::checks::{
    Owed, Passed, Snapshot, i1_accepted_is_durable, i1_later_bodies_are_there, i1_refused_is_not_kept,
    i2_deadlines_are_kept, i2_every_event_ends_or_has_an_owner, i2_people_have_names, i3_only_admitted_bytes_arrive,
    i4_one_key_is_one_event, i6_cursors_follow_their_effects, i6_policies_never_go_back, i7_attempt_rows_agree,
    i8_people_find_their_actions, i10_backlog_drains, i11_accounts_balance, with_a_person,
};
use crate::company::Clerk;
use crate::life;
use crate::oracle::{Followed, Known, Oracle, Reply, Rule};
use crate::project::{CREATED, REGIONS};
use crate::random::Random;
use crate::workload::people::Person;
use crate::workload::senders::{Patience, Sender, insist, repeat};
use crate::workload::{bodies, chaos};
use crate::world::World;

/// LIMIT: how long the backlog may take to drain after the faults have ended. A due time may have been set by a clock that
/// was an hour ahead.
const DRAIN_MAX: TimeSpan = TimeSpan::from_secs(3 * 3_600);

/// LIMIT: how long senders may still be refused after the faults have ended, while people make room.
const SENT_MAX: TimeSpan = TimeSpan::from_secs(3 * 3_600);

/// Senders come back within this after all nodes were off.
const RETURN_MAX: TimeSpan = TimeSpan::from_secs(300);

/// LIMIT: how long a fresh event may take. A breaker may have been opened by a clock that was an hour ahead.
const FRESH_MAX: TimeSpan = TimeSpan::from_secs(2 * 3_600);

/// Tasks of a kind that have not ended.
#[derive(Clone, Debug, Default)]
struct Left(Arc<AtomicU64>);

impl Left {
    fn spawn(&self, world: &World, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        let left = self.clone();
        left.0.fetch_add(1, Ordering::Relaxed);
        world.spawner.spawn("world", name, async move {
            work.await;
            left.0.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn are_left(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// Runs it all; the run is over when this is, or when a rule is broken.
pub(crate) async fn course(world: Arc<World>) {
    let mut judge = Judge::new(&world);
    if let Err(fault) = whole(&world, &mut judge).await {
        world.oracle.blame(Rule::Assertion, [format!("a store of the simulation failed without weather: {fault}")]);
    }
}

async fn whole(world: &Arc<World>, judge: &mut Judge) -> Result<(), Fault> {
    for name in world.machines.names() {
        life::begin(world, &name);
    }
    let (senders, troubles) = (Left::default(), Left::default());
    start_troubles(world, &troubles);
    for source in 0..world.projects[0].sources.len() {
        for number in 0..world.swarm.load.senders {
            let sender = Sender::new(Arc::clone(world), source, number);
            senders.spawn(world, "sender", sender.run());
        }
    }
    let clerks = Left::default();
    for clerk in (0..world.swarm.company.map_or(0, |faults| faults.clerks)).filter_map(|number| Clerk::new(world, number)) {
        clerks.spawn(world, "clerk", clerk.run());
    }
    let mut random = Random::stream(world.seed, "course");
    let fault_phase = random.span(TimeSpan::from_secs(20), TimeSpan::from_secs(120));
    while world.timeline.elapsed() < fault_phase {
        world.timeline.sleep(random.span(TimeSpan::from_millis(200), TimeSpan::from_secs(5))).await;
        judge.look(world).await?;
    }
    world.oracle.note(|| "the faults end".to_owned());
    world.clear_up();
    while troubles.are_left() {
        world.timeline.sleep(TimeSpan::from_millis(500)).await;
        judge.look(world).await?;
    }
    chaos::set_right(world).await;
    let capturing = Capturing::of(world);
    let mut settler = Person::new(Arc::clone(world), "sofia");
    hear_all(world, judge, &mut settler, &senders).await?;
    hear_all(world, judge, &mut settler, &clerks).await?;
    if let Some(capturing) = &capturing {
        follow(world, judge, (capturing, Owed::BySweeps), &mut settler).await?;
        capturing.look_back(world).await?;
        capturing.away(world).await;
        follow(world, judge, (capturing, Owed::BySweeps), &mut settler).await?;
    }
    if let Some(span) = world.swarm.keeping.absence {
        chaos::absence(world, span).await;
        world.timeline.sleep(random.span(TimeSpan::ZERO, RETURN_MAX)).await;
        repeat(world, &mut random).await;
    }
    drain(world, judge, &mut settler).await?;
    fresh(world, &mut random).await?;
    if let Some(capturing) = &capturing {
        Capturing::make_one(world);
        follow(world, judge, (capturing, Owed::ByPasses), &mut settler).await?;
        drain(world, judge, &mut settler).await?;
        capturing.look(world).await?;
    }
    judge.look(world).await?;
    judge.conclude(world).await
}

fn start_troubles(world: &Arc<World>, troubles: &Left) {
    for name in world.machines.names() {
        troubles.spawn(world, "crashes", chaos::crashes(Arc::clone(world), name));
    }
    troubles.spawn(world, "jumps", chaos::jumps(Arc::clone(world)));
    troubles.spawn(world, "outages", chaos::outages(Arc::clone(world)));
    troubles.spawn(world, "fullness", chaos::fullness(Arc::clone(world)));
    troubles.spawn(world, "darkness", chaos::darkness(Arc::clone(world)));
    troubles.spawn(world, "aways", chaos::aways(Arc::clone(world)));
    troubles.spawn(world, "person", Person::new(Arc::clone(world), "ines").run());
    troubles.spawn(world, "person", Person::new(Arc::clone(world), "karl").run());
}

/// Senders send the rest of their events. Where there is little room, people make some by settling what waits for them.
async fn hear_all(world: &World, judge: &mut Judge, settler: &mut Person, senders: &Left) -> Result<(), Fault> {
    let until = world.timeline.elapsed() + SENT_MAX;
    while senders.are_left() {
        settler.resume().await?;
        if world.swarm.keeping.is_short_of_room() {
            settler.settle().await?;
        }
        world.timeline.sleep(TimeSpan::from_secs(2)).await;
        judge.look(world).await?;
        if world.timeline.elapsed() > until {
            world.oracle.blame(Rule::I10, [format!("{SENT_MAX} after the faults senders are still refused")]);
            return Ok(());
        }
    }
    Ok(())
}

/// Waits until what is owed was told, while people settle what waits for them.
async fn follow(
    world: &World,
    judge: &mut Judge,
    (capturing, owed): (&Capturing, Owed),
    settler: &mut Person,
) -> Result<(), Fault> {
    let until = capturing.until(world, owed);
    loop {
        settler.resume().await?;
        settler.settle().await?;
        world.timeline.sleep(TimeSpan::from_secs(5)).await;
        judge.look(world).await?;
        let missing = capturing.missing(world, owed).await?;
        if missing.is_empty() {
            return Ok(());
        }
        if world.timeline.elapsed() > until {
            world.oracle.blame(Rule::I13, missing);
            return Ok(());
        }
    }
}

/// People settle, again and again, until nothing moves and nothing waits for them.
async fn drain(world: &World, judge: &mut Judge, settler: &mut Person) -> Result<(), Fault> {
    let calm = world.timeline.now();
    let until = world.timeline.elapsed() + DRAIN_MAX;
    loop {
        settler.resume().await?;
        settler.settle().await?;
        world.timeline.sleep(TimeSpan::from_secs(2)).await;
        judge.look(world).await?;
        if world.swarm.machines.jump.is_none() {
            let late = i2_deadlines_are_kept(&world.oracle.known(), calm, world.timeline.now());
            world.oracle.blame(Rule::I2, late);
        }
        let left = i10_backlog_drains(&world.stores, &[]).await?;
        if left.is_empty()
            && with_a_person(&world.stores).await? == 0
            && world.stores.ledger.replays_running().await?.is_empty()
        {
            return Ok(());
        }
        if world.timeline.elapsed() > until {
            let left = if left.is_empty() { vec!["people and replays do not come to an end".to_owned()] } else { left };
            world.oracle.blame(Rule::I10, left.into_iter().map(|what| format!("{DRAIN_MAX} after the faults: {what}")));
            return Ok(());
        }
    }
}

/// A fresh event of every source passes.
async fn fresh(world: &Arc<World>, random: &mut Random) -> Result<(), Fault> {
    let mut events: Vec<EventId> = Vec::new();
    for (place, source) in world.projects[0].sources.iter().enumerate() {
        let region = *random.pick(&REGIONS);
        let draft = bodies::plain(&format!("fresh-{}", source.name), region, CREATED);
        match insist(world, place, &draft, random.branch("fresh"), Patience::Endless).await {
            Some(Reply::Accepted { id }) => events.push(id),
            other => world.oracle.blame(Rule::I10, [format!("a fresh event of {} is answered {other:?}", source.name)]),
        }
    }
    let until = world.timeline.elapsed() + FRESH_MAX;
    loop {
        world.timeline.sleep(TimeSpan::from_secs(1)).await;
        let left = i10_backlog_drains(&world.stores, &events).await?;
        if left.is_empty() {
            return Ok(());
        }
        if world.timeline.elapsed() > until {
            world.oracle.blame(Rule::I10, left.into_iter().map(|what| format!("a fresh event does not pass: {what}")));
            return Ok(());
        }
    }
}

/// The checkers that need the stores, with how far they have looked.
struct Judge {
    passed: Passed,
    accepted: usize,
}

impl Judge {
    fn new(world: &World) -> Self {
        let projects = world.oracle.known().projects.clone();
        Self { passed: Passed::new(projects), accepted: 0 }
    }

    /// A checkpoint: what has come since the last one, and the accounts.
    async fn look(&mut self, world: &World) -> Result<(), Fault> {
        let (oracle, stores) = (&world.oracle, &world.stores);
        let accepted = oracle.known().senders.accepted.split_off(self.accepted);
        oracle.blame(Rule::I1, i1_accepted_is_durable(stores, &accepted).await?);
        self.accepted += accepted.len();
        oracle.known().senders.accepted.extend(accepted);
        let beside = oracle.known().senders.beside.clone();
        oracle.blame(Rule::I1, i1_later_bodies_are_there(stores, &beside).await?);
        let (projects, arrived) = new_arrivals(oracle);
        oracle.blame(Rule::I3, i3_only_admitted_bytes_arrive(stores, &projects, &arrived).await?);
        oracle.blame(Rule::I6, i6_cursors_follow_their_effects(stores, &mut self.passed).await?);
        let nodes: Vec<_> = world.machines.doors().iter().map(|door| door.judges_by()).collect();
        let back = i6_policies_never_go_back(&oracle.known().work, &nodes);
        oracle.blame(Rule::I6, back);
        oracle.blame(Rule::I2, i2_people_have_names(stores).await?);
        oracle.blame(Rule::I11, i11_accounts_balance(stores).await?);
        Ok(())
    }

    /// The end: everything, from the beginning.
    async fn conclude(&mut self, world: &World) -> Result<(), Fault> {
        let (oracle, stores) = (&world.oracle, &world.stores);
        let accepted = oracle.known().senders.accepted.clone();
        oracle.blame(Rule::I1, i1_accepted_is_durable(stores, &accepted).await?);
        let not_taken = oracle.known().senders.not_taken();
        oracle.blame(Rule::I1, i1_refused_is_not_kept(stores, &not_taken).await?);
        oracle.blame(Rule::I2, i2_every_event_ends_or_has_an_owner(stores, &self.passed.due).await?);
        let snapshot = Snapshot::of(&oracle.known());
        oracle.blame(Rule::I4, i4_one_key_is_one_event(stores, &snapshot).await?);
        let followed: Vec<Followed> = oracle.known().work.deliveries.values().cloned().collect();
        oracle.blame(Rule::I7, i7_attempt_rows_agree(stores, &followed).await?);
        let done = oracle.known().people.done.clone();
        oracle.blame(Rule::I8, i8_people_find_their_actions(stores, &done).await?);
        Ok(())
    }
}

type Projects = std::collections::BTreeMap<model::PolicyVersion, Arc<crate::project::Project>>;

/// Arrivals that were not looked at yet, with their deliveries.
fn new_arrivals(oracle: &Oracle) -> (Projects, Vec<crate::checks::Arrived>) {
    let mut known = oracle.known();
    let Known { arrivals, work, projects, .. } = &mut *known;
    let new = arrivals.all.iter().skip(arrivals.checked);
    let delivery =
        |arrival: &crate::oracle::Arrival| arrival.delivery.parse().ok().and_then(|id| work.deliveries.get(&id)).cloned();
    let arrived = new.map(|arrival| (arrival.clone(), delivery(arrival))).collect();
    arrivals.checked = arrivals.all.len();
    (projects.clone(), arrived)
}
