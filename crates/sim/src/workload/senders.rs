//! Senders: they sign, repeat until they get a definite answer, send again what they sent before, and remember every 202.

use std::sync::Arc;

use futures::future::join;
use model::TimeSpan;

use super::bodies::{self, Draft};
use super::wire::{Hand, request_of, send};
use crate::checks::i4_answers_agree;
use crate::oracle::{Promise, Reply, Request, Rule};
use crate::project::{KeyPlace, Project};
use crate::random::Random;
use crate::swarm::Load;
use crate::world::World;

/// LIMIT: tries of one request; at some seconds each, more than any run takes.
const TRIES_MAX: u32 = 2_000;

/// What a sender is told with a 503 when nothing was kept: there is no room, or a person paused the source.
const NOTHING_KEPT_S: u64 = 60;

/// LIMIT: how many events are sent again after the nodes were off for days.
const REPEATS_MAX: u64 = 6;

/// How many of a thousand mistakes their senders see themselves, and send another body for under the same key.
const MENDS: u64 = 500;

/// Whether a sender waits until there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// However long.
    Endless,
    /// It gives up now and then.
    Short,
}

/// A sender of one source.
#[derive(Debug)]
pub struct Sender {
    world: Arc<World>,
    /// The source's place in the project.
    source: usize,
    name: String,
    random: Random,
    sent: Vec<Draft>,
}

impl Sender {
    /// A sender with a name of its own.
    pub fn new(world: Arc<World>, source: usize, number: u64) -> Self {
        let name = format!("{}-{number}", world.projects[0].sources[source].name);
        let random = Random::stream(world.seed, &format!("sender {name}"));
        Self { world, source, name, random, sent: Vec::new() }
    }

    /// Sends all of its events.
    pub async fn run(mut self) {
        let load = self.world.swarm.load;
        for number in 0..load.events {
            let pause = self.random.span(TimeSpan::ZERO, load.pause_max);
            self.world.timeline.sleep(pause).await;
            self.one(number, load).await;
        }
    }

    async fn one(&mut self, number: u64, load: Load) {
        let id = format!("{}-{number}", self.name);
        let random = &mut self.random;
        if random.in_thousand(load.forge) {
            let draft = bodies::good(&id, load.orders, random);
            return self.forge(&draft).await;
        }
        let (draft, is_faulty) = if random.in_thousand(load.broken) {
            let draft = bodies::broken(&id, load.orders, random);
            (if load.apart { bodies::apart(&draft) } else { draft }, true)
        } else if random.in_thousand(load.unlisted) {
            (bodies::unlisted(&id, load.orders, random), true)
        } else {
            (bodies::good(&id, load.orders, random), false)
        };
        self.sent.push(draft.clone());
        if self.random.in_thousand(load.race) {
            self.race(&draft).await;
        } else {
            self.insist(&draft).await;
        }
        if self.random.in_thousand(load.repeat) {
            let known = self.random.pick(&self.sent).clone();
            self.insist(&known).await;
        }
        let has_keys = self.world.projects[0].sources[self.source].key != KeyPlace::Body;
        if has_keys && is_faulty && self.random.in_thousand(MENDS) {
            self.insist(&bodies::other(&draft)).await;
        }
        if has_keys && self.random.in_thousand(load.reuse) {
            let known = self.random.pick(&self.sent).clone();
            self.insist(&bodies::other(&known)).await;
        }
    }

    async fn insist(&mut self, draft: &Draft) {
        let random = self.random.branch("insist");
        insist(&self.world, self.source, draft, random, Patience::Short).await;
    }

    /// The same request to two nodes at once.
    async fn race(&mut self, draft: &Draft) {
        let (one, other) = (self.random.branch("race"), self.random.branch("race"));
        let sent = |random| insist(&self.world, self.source, draft, random, Patience::Short);
        join(sent(one), sent(other)).await;
    }

    /// A request without the secret must never be accepted.
    async fn forge(&mut self, draft: &Draft) {
        let Some(door) = self.world.a_door(&mut self.random) else { return };
        let source = &self.world.projects[0].sources[self.source];
        if let Reply::Accepted { id } = send(&self.world, &door, source, draft, Hand::Forger).await {
            self.world.oracle.blame(Rule::I3, [format!("{} accepted a forged request as {id}", source.name)]);
        }
    }
}

/// Some of what was accepted is sent again.
pub async fn repeat(world: &World, random: &mut Random) {
    let drafts = world.oracle.known().senders.drafts.clone();
    for _ in 0..REPEATS_MAX.min(drafts.len() as u64) {
        let (source, draft) = random.pick(&drafts);
        insist(world, *source, draft, random.branch("again"), Patience::Endless).await;
    }
}

/// Sends until there is a definite answer. `None` when none came in all tries.
pub async fn insist(world: &World, place: usize, draft: &Draft, mut random: Random, patience: Patience) -> Option<Reply> {
    let source = &world.projects[0].sources[place];
    let request = request_of(source, draft);
    let body = (request.source.clone(), request.digest);
    for _ in 0..TRIES_MAX {
        if let Some(door) = world.a_door(&mut random) {
            let reply = send(world, &door, source, draft, Hand::Honest).await;
            world.oracle.note(|| format!("{} answers {} {} with {reply:?}", door.group, source.name, request.key));
            match &reply {
                Reply::Accepted { id } => {
                    accepted(world, *id, &request);
                    world.oracle.known().senders.drafts.push((place, draft.clone()));
                    return Some(reply);
                }
                Reply::Refused { status: 503, retry_after_s: Some(NOTHING_KEPT_S), .. } => {
                    if patience == Patience::Short && random.in_thousand(world.swarm.keeping.give_up) {
                        world.oracle.known().senders.given_up.insert(body);
                        return Some(reply);
                    }
                }
                Reply::Refused { status: 503, .. } | Reply::Nothing => {
                    world.oracle.known().senders.unsure.insert(body.clone());
                }
                // A node whose calendar is wrong calls the sender's time stale; another one, or a later day, will not.
                Reply::Refused { status: 429, .. } | Reply::Refused { code: "stale-timestamp", .. } => {}
                Reply::Refused { beside, .. } => {
                    let mut known = world.oracle.known();
                    known.senders.refused += 1;
                    known.senders.beside.extend(beside.map(|event| (event, request.digest)));
                    drop(known);
                    return Some(reply);
                }
            }
        }
        world.timeline.sleep(random.span(TimeSpan::from_millis(100), TimeSpan::from_secs(3))).await;
    }
    None
}

fn accepted(world: &World, id: model::EventId, request: &Request) {
    let mut known = world.oracle.known();
    let (now, key) = (world.timeline.elapsed(), (request.source.clone(), request.key.clone()));
    let broken = i4_answers_agree(&known.senders.promises, id, request, now);
    let promise = Promise { id, digest: request.digest, at: now };
    let standing = known.senders.promises.entry(key).or_insert(promise);
    if standing.id != id {
        *standing = promise;
    }
    known.senders.accepted.push((id, request.clone()));
    drop(known);
    world.oracle.blame(Rule::I4, broken);
}

/// How many senders a project has in a run.
pub const fn count(project: &Project, load: Load) -> u64 {
    project.sources.len() as u64 * load.senders
}
