//! What goes wrong: crashes at any await point, orderly stops, calendars that jump, stores out of reach, a journal at its
//! budget, destinations that are down. All of it ends when the sky clears up.

use std::sync::Arc;

use engine::node::DRAIN;
use engine::ports::Clock as _;
use model::{TimeSpan, Timestamp};

use crate::captured::meanwhile;
use crate::life;
use crate::random::Random;
use crate::world::World;

/// How long the life lasts whose calendars are wrong: retention looks at keys meanwhile.
const ASTRAY: TimeSpan = TimeSpan::from_secs(200);

/// Crashes and restarts one machine while faults are on; it runs at the end.
pub async fn crashes(world: Arc<World>, name: String) {
    let Some(every) = world.swarm.machines.crash_every else { return };
    let mut random = Random::stream(world.seed, &format!("crashes of {name}"));
    let every = every.times(world.swarm.nodes as u64 * 2);
    loop {
        world.timeline.sleep(random.span(TimeSpan::from_millis(100), every)).await;
        if world.sky.is_calm() {
            return;
        }
        let group = world.group_of(&name);
        if world.swarm.machines.stops && random.in_thousand(400) {
            stop(&world, &name, &group).await;
        } else {
            crash(&world, &group, &mut random).await;
        }
        world.machines.set_door(&name, None);
        world.timeline.sleep(random.span(TimeSpan::ZERO, TimeSpan::from_secs(25))).await;
        life::begin(&world, &name);
    }
}

/// At once, or after so many polls, so that it strikes between any two of them.
async fn crash(world: &World, group: &str, random: &mut Random) {
    if random.in_thousand(300) {
        world.spawner.kill(group);
        world.timeline.sleep(TimeSpan::from_micros(1)).await;
        return;
    }
    world.spawner.kill_after(group, random.between(1, 400));
    for _ in 0..100 {
        if world.spawner.is_dead(group) {
            return;
        }
        world.timeline.sleep(TimeSpan::from_millis(100)).await;
    }
    world.spawner.kill(group);
    world.timeline.sleep(TimeSpan::from_micros(1)).await;
}

/// As a process that is told to end: it finishes what is under way, and is killed when that takes too long.
async fn stop(world: &World, name: &str, group: &str) {
    if let Some(door) = world.machines.running(name).door {
        world.machines.set_door(name, None);
        world.oracle.note(|| format!("{group} is told to stop"));
        door.stop.send_replace(true);
        for _ in 0..DRAIN.secs() {
            world.timeline.sleep(TimeSpan::from_secs(1)).await;
            if world.sky.is_calm() {
                break;
            }
        }
    }
    world.spawner.kill(group);
    world.timeline.sleep(TimeSpan::from_micros(1)).await;
}

/// Calendars that jump, forwards and back.
pub async fn jumps(world: Arc<World>) {
    let Some(most) = world.swarm.machines.jump else { return };
    let mut random = Random::stream(world.seed, "jumps");
    let names = world.machines.names();
    while !world.sky.is_calm() {
        world.timeline.sleep(random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(40))).await;
        let reach = i64::try_from(most.micros()).unwrap_or(0);
        let off = i64::try_from(random.below(most.micros().saturating_mul(2))).unwrap_or(0) - reach;
        let name = random.pick(&names);
        if !world.sky.is_calm() {
            world.oracle.note(|| format!("the calendar of {name} is off by {off} us"));
            world.machines.jump(name, off);
        }
    }
    for name in names {
        world.machines.jump(&name, 0);
    }
}

/// Sets all calendars right, and restarts each node whose clock is ahead of its calendar then: what its last life made due is
/// due in the next one (I10).
pub async fn set_right(world: &Arc<World>) {
    world.machines.set_ahead(TimeSpan::ZERO);
    for name in world.machines.names() {
        let door = loop {
            match world.machines.running(&name).door {
                Some(door) => break door,
                None => world.timeline.sleep(TimeSpan::from_millis(500)).await,
            }
        };
        if door.clock.now() > door.clock.wall() {
            stop(world, &name, &door.group).await;
            life::begin(world, &name);
        }
    }
}

/// All nodes are off for that long, as over a company's holidays; where the seed says so with a short life near its end whose
/// calendars are wrong.
pub async fn absence(world: &Arc<World>, span: TimeSpan) {
    let mut shown = stop_all(world).await;
    world.oracle.note(|| format!("everything is off for {span}"));
    meanwhile(world, span.percent(90)).await;
    if let Some(ahead) = world.swarm.keeping.astray {
        world.oracle.note(|| format!("a short life begins with calendars that are {ahead} ahead"));
        world.machines.set_ahead(ahead);
        begin_all(world, shown);
        world.timeline.sleep(ASTRAY).await;
        shown = stop_all(world).await;
        world.machines.set_ahead(TimeSpan::ZERO);
    }
    meanwhile(world, span.percent(10)).await;
    begin_all(world, shown);
}

/// Answers with what the clock of the stores showed last: they end with the nodes.
async fn stop_all(world: &Arc<World>) -> Timestamp {
    for name in world.machines.names() {
        stop(world, &name, &world.group_of(&name)).await;
        world.machines.set_door(&name, None);
    }
    world.store_clock.now()
}

fn begin_all(world: &Arc<World>, shown: Timestamp) {
    world.store_clock.begin_again(shown);
    for name in world.machines.names() {
        life::begin(world, &name);
    }
}

/// Nodes that do not reach their stores for a while.
pub async fn outages(world: Arc<World>) {
    if !world.swarm.stores.outages {
        return;
    }
    let mut random = Random::stream(world.seed, "outages");
    let names = world.machines.names();
    while !world.sky.is_calm() {
        world.timeline.sleep(random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(30))).await;
        let name = random.pick(&names);
        world.oracle.note(|| format!("{name} is cut off from its stores"));
        world.sky.set_cut_off(name, true);
        world.timeline.sleep(random.span(TimeSpan::from_millis(100), TimeSpan::from_secs(20))).await;
        world.sky.set_cut_off(name, false);
    }
}

/// A journal at its budget for a while.
pub async fn fullness(world: Arc<World>) {
    if !world.swarm.stores.full {
        return;
    }
    let mut random = Random::stream(world.seed, "fullness");
    while !world.sky.is_calm() {
        world.timeline.sleep(random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(30))).await;
        world.sky.set_full(true);
        world.timeline.sleep(random.span(TimeSpan::from_millis(100), TimeSpan::from_secs(10))).await;
        world.sky.set_full(false);
    }
}

/// A company whose system nobody reaches for a while.
pub async fn aways(world: Arc<World>) {
    let Some(company) = world.company.as_ref().filter(|company| company.faults.away) else { return };
    let mut random = Random::stream(world.seed, "aways");
    while !world.sky.is_calm() {
        world.timeline.sleep(random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(40))).await;
        world.oracle.note(|| "the company is away".to_owned());
        company.set_away(!world.sky.is_calm());
        world.timeline.sleep(random.span(TimeSpan::from_millis(500), TimeSpan::from_secs(90))).await;
        company.set_away(false);
    }
}

/// Destinations that are down for a while.
pub async fn darkness(world: Arc<World>) {
    if !world.swarm.outside.outages {
        return;
    }
    let mut random = Random::stream(world.seed, "darkness");
    let names: Vec<String> = world.projects[0].destinations.iter().map(|it| it.name.clone()).collect();
    while !world.sky.is_calm() {
        world.timeline.sleep(random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(20))).await;
        let name = random.pick(&names);
        world.oracle.note(|| format!("{name} is down"));
        world.receivers.moods.set_down(name, true);
        world.timeline.sleep(random.span(TimeSpan::from_millis(500), TimeSpan::from_secs(30))).await;
        world.receivers.moods.set_down(name, false);
    }
}
