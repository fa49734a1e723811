//! People: they retry, cancel, pause, correct, release, close, replay and apply, through the commands of a node; and when
//! the faults have ended they settle whatever waits for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use engine::change::decide::{OpenDeliveries, Terms};
use engine::delivery::command::Wish;
use engine::intake::quarantine::Which;
use engine::replay::decide::{Commands, Included};
use engine::replay::order::{SeenPreview, Wanted};
use engine::replay::selection::{Filter, Selection};
use engine::rules::asked::{Asked, NotDone};
use engine::rules::names::Object;
use engine::rules::overtaken::{self, Newer};
use engine::switch::decide::Way;
use model::newest::Fate;
use model::view::{DeliveryQuery, QuarantineQuery};
use model::{
    Delivery, DestinationName, EventId, Fault, FlowName, Forgotten, Principal, QuarantineRow, SourceName, TimeSpan,
};
use policy::SourceFile;

use super::bodies::{keys, mended};
use crate::checks::{Refused, i5_refusals_have_a_newer_state};
use crate::life::Door;
use crate::oracle::{Action, Rule};
use crate::project::Captured;
use crate::random::Random;
use crate::world::World;

/// A person.
#[derive(Debug)]
pub struct Person {
    world: Arc<World>,
    name: &'static str,
    random: Random,
    deeds: u64,
    /// What is left of the list that is worked down.
    list: VecDeque<QuarantineRow>,
}

/// What a person wants.
#[derive(Clone, Debug)]
enum Plan {
    Deliver(Delivery, Wish),
    Kept(QuarantineRow, Verdict),
    Turn(Object, Way),
    Replay(Wanted, Look),
    Apply(Vec<SourceFile>, OpenDeliveries),
}

/// Whether a person looks at the preview of a replay before ordering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Preview,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Correct,
    Release,
    Close,
}

impl Plan {
    /// In words, for the trace.
    fn words(&self) -> String {
        match self {
            Self::Deliver(delivery, wish) => format!("{wish:?} of {} ({})", delivery.id, delivery.state.word()),
            Self::Kept(row, verdict) => format!("{verdict:?} of {}", row.event),
            Self::Turn(object, way) => format!("{way:?} of {object}"),
            Self::Replay(wanted, look) => {
                format!("a replay of {} after {look:?}, canary {}", wanted.selection, wanted.canary)
            }
            Self::Apply(files, open) => format!("a policy of {} files ({open:?})", files.len()),
        }
    }
}

impl Person {
    /// A person by name.
    pub fn new(world: Arc<World>, name: &'static str) -> Self {
        let random = Random::stream(world.seed, &format!("person {name}"));
        Self { world, name, random, deeds: 0, list: VecDeque::new() }
    }

    /// Does something every few seconds while faults are on.
    pub async fn run(mut self) {
        while !self.world.sky.is_calm() {
            let pause = self.random.span(TimeSpan::from_secs(1), TimeSpan::from_secs(10));
            self.world.timeline.sleep(pause).await;
            if self.world.swarm.people.change && self.random.in_thousand(150) {
                let files = self.random.pick(&self.world.projects).files();
                let open = *self.random.pick(&[OpenDeliveries::Hold, OpenDeliveries::Refuse]);
                self.act(Plan::Apply(files, open)).await;
                continue;
            }
            if self.world.swarm.people.lists && matches!(self.next_of_the_list().await, Ok(true)) {
                continue;
            }
            if let Ok(Some(plan)) = self.whim().await {
                self.act(plan).await;
            }
        }
    }

    /// Corrects the next of the list, or now and then begins a new one. Whether there was one.
    async fn next_of_the_list(&mut self) -> Result<bool, Fault> {
        if self.list.is_empty() && self.random.in_thousand(400) {
            let query = QuarantineQuery { states: vec!["open".to_owned()], limit: 20, ..QuarantineQuery::default() };
            let mut rows = self.world.stores.views.quarantine(query).await?.rows;
            rows.sort_by_key(|row| row.position);
            if self.random.in_thousand(500) {
                rows.reverse();
            }
            self.list = rows.into();
        }
        let Some(row) = self.list.pop_front() else { return Ok(false) };
        self.act(Plan::Kept(row, Verdict::Correct)).await;
        Ok(true)
    }

    async fn whim(&mut self) -> Result<Option<Plan>, Fault> {
        let people = self.world.swarm.people;
        Ok(match self.random.below(4) {
            0 if people.retry => {
                let wish = *self.random.pick(&[
                    Wish::Retry(Newer::Stays),
                    Wish::Retry(Newer::Stays),
                    Wish::Retry(Newer::Stays),
                    Wish::Cancel,
                    Wish::Hold,
                ]);
                self.a_delivery(wish).await?.map(|delivery| Plan::Deliver(delivery, wish))
            }
            1 if people.pause => Some(self.a_switch()),
            2 if people.quarantine => {
                let verdict = *self.random.pick(&[Verdict::Correct, Verdict::Release, Verdict::Close]);
                self.a_kept_event().await?.map(|row| Plan::Kept(row, verdict))
            }
            3 if people.replay => Some(self.a_replay().await?),
            _ => None,
        })
    }

    async fn a_delivery(&mut self, wish: Wish) -> Result<Option<Delivery>, Fault> {
        let states: &[&str] = match wish {
            Wish::Retry(_) => &["held", "dead_lettered"],
            Wish::Cancel | Wish::Hold => &["waiting", "held"],
        };
        let states = states.iter().map(|word| (*word).to_owned()).collect();
        let page =
            self.world.stores.views.deliveries(DeliveryQuery { states, limit: 20, ..DeliveryQuery::default() }).await?;
        Ok(if page.rows.is_empty() { None } else { Some(self.random.pick(&page.rows).clone()) })
    }

    async fn a_kept_event(&mut self) -> Result<Option<QuarantineRow>, Fault> {
        let query = QuarantineQuery { states: vec!["open".to_owned()], limit: 20, ..QuarantineQuery::default() };
        let page = self.world.stores.views.quarantine(query).await?;
        Ok(if page.rows.is_empty() { None } else { Some(self.random.pick(&page.rows).clone()) })
    }

    fn a_switch(&mut self) -> Plan {
        let project = &self.world.projects[0];
        let way = *self.random.pick(&[Way::Pause, Way::Resume, Way::Resume]);
        let captured = project.captured.iter().map(|_| Captured::NAME);
        let sources: Vec<&str> = project.sources.iter().map(|source| source.name.as_str()).chain(captured).collect();
        let source = SourceName::new(self.random.pick::<&str>(&sources)).map(Object::Source);
        let destination = DestinationName::new(&self.random.pick(&project.destinations).name).map(Object::Destination);
        let flow = FlowName::new(&self.random.pick(&project.flows).name).map(Object::Flow);
        let objects: Vec<Object> = [source, destination, flow].into_iter().flatten().collect();
        Plan::Turn(self.random.pick(&objects).clone(), way)
    }

    async fn a_replay(&mut self) -> Result<Plan, Fault> {
        let wanted = Wanted {
            selection: self.a_selection().await?,
            included: Included {
                commands: *self.random.pick(&[Commands::Leave, Commands::Leave, Commands::Include]),
                forgotten: Forgotten::Leave,
            },
            pace_per_s: *self.random.pick(&[None, Some(1), Some(20), Some(200)]),
            canary: *self.random.pick(&[0, 0, 1, 3]),
            stop_after: *self.random.pick(&[0, 0, 1, 4]),
        };
        Ok(Plan::Replay(wanted, *self.random.pick(&[Look::Preview, Look::Nothing])))
    }

    async fn a_selection(&mut self) -> Result<Selection, Fault> {
        let query = DeliveryQuery { limit: 30, ..DeliveryQuery::default() };
        let rows = self.world.stores.views.deliveries(query).await?.rows;
        let source = SourceName::new(&self.random.pick(&self.world.projects[0].sources).name).ok();
        Ok(match self.random.below(3) {
            0 if !rows.is_empty() => {
                let events: Vec<EventId> = rows.iter().take(3).map(|delivery| delivery.event).collect();
                Selection::Events { events, flows: Vec::new() }
            }
            1 if !rows.is_empty() => {
                Selection::Deliveries { deliveries: rows.iter().take(5).map(|delivery| delivery.id).collect() }
            }
            _ => Selection::Filter(Filter { source, ..Filter::default() }),
        })
    }

    /// Carries out a plan at some node. Whether it was answered as done.
    async fn act(&mut self, plan: Plan) -> bool {
        let Some(door) = self.world.a_door(&mut self.random) else { return false };
        self.deeds += 1;
        let begun = self.world.timeline.elapsed();
        self.world.oracle.known().work.asked.insert(self.name, begun);
        let asked = Asked { by: Principal::new(self.name), why: format!("reason {}", self.deeds), at: door.clock.now() };
        // The person's browser is no part of the node: when the node dies, nothing is known.
        let (done, told) = tokio::sync::oneshot::channel();
        let (inside, order) = (Arc::clone(&door), (plan.clone(), asked.clone()));
        self.world.spawner.spawn(&door.group, "command", async move {
            drop(done.send(carry_out(&inside, order.0, &order.1).await));
        });
        // What a node was about to do as it died may still be done: that one stands until the next.
        let Ok(outcome) = told.await else { return false };
        self.world.oracle.known().work.asked.remove(self.name);
        self.world.oracle.note(|| format!("{} asks {} for {}: {outcome:?}", self.name, door.group, plan.words()));
        if let Err(told) = &outcome
            && told.contains(overtaken::why(Fate::Done))
        {
            self.doubt(&door, &plan).await;
        }
        let Ok(Some(subject)) = outcome else { return false };
        let action = Action { by: self.name.to_owned(), subject, why: asked.why };
        self.world.oracle.known().people.done.push(action);
        true
    }

    /// Something newer is said to have been delivered: was it?
    async fn doubt(&self, door: &Door, refused: &Plan) {
        let broken = match refused {
            Plan::Deliver(delivery, _) => {
                i5_refusals_have_a_newer_state(&self.world.oracle.known().work, Refused::Retry(delivery))
            }
            Plan::Kept(row, _) => {
                let Ok(Some(body)) = body_of(door, row).await else { return };
                let keys = keys(&body);
                let refused = Refused::Kept(row.event, row.position, &keys);
                i5_refusals_have_a_newer_state(&self.world.oracle.known().work, refused)
            }
            Plan::Turn(..) | Plan::Replay(..) | Plan::Apply(..) => return,
        };
        self.world.oracle.blame(Rule::I5, broken);
    }

    /// Resumes whatever is paused.
    pub async fn resume(&mut self) -> Result<(), Fault> {
        for (object, switch) in self.world.stores.ledger.switches().await? {
            if let Some(object) = object.parse::<Object>().ok().filter(|_| switch.paused) {
                self.act(Plan::Turn(object, Way::Resume)).await;
            }
        }
        Ok(())
    }

    /// Settles all that waits for a person: what no repeat can help is cancelled, the rest is retried.
    pub async fn settle(&mut self) -> Result<(), Fault> {
        let states = vec!["held".to_owned(), "dead_lettered".to_owned()];
        let query = DeliveryQuery { states, limit: 200, ..DeliveryQuery::default() };
        let mut rows = self.world.stores.views.deliveries(query).await?.rows;
        rows.sort_by_key(|delivery| (delivery.position, delivery.id));
        for delivery in rows {
            // A flow that was removed takes nothing again; and of what may help, a person loses patience now and then.
            let hopeless = delivery.cause == "unmapped"
                || delivery.cause == "unknown" && self.random.in_thousand(300)
                || self.random.in_thousand(30);
            let wish = if hopeless { Wish::Cancel } else { Wish::Retry(Newer::Stays) };
            // What may not be retried because a newer state went is given up.
            if !self.act(Plan::Deliver(delivery.clone(), wish)).await {
                self.act(Plan::Deliver(delivery, Wish::Cancel)).await;
            }
        }
        let query = QuarantineQuery { states: vec!["open".to_owned()], limit: 200, ..QuarantineQuery::default() };
        for row in self.world.stores.views.quarantine(query).await?.rows {
            let verdict = *self.random.pick(&[Verdict::Correct, Verdict::Release, Verdict::Close]);
            self.act(Plan::Kept(row, verdict)).await;
        }
        Ok(())
    }
}

/// The subject of what was done, as the audit names it; `None` where nothing had to be done.
async fn carry_out(door: &Door, plan: Plan, asked: &Asked) -> Result<Option<String>, String> {
    match plan {
        Plan::Deliver(delivery, wish) => {
            let told = door.operate.one(delivery.id, wish, Some(delivery.version), asked).await;
            told.map(|told| Some(told.delivery.to_string())).map_err(told_as)
        }
        Plan::Turn(object, way) => {
            let switched = door.switches.turn(object, way, asked).await.map_err(told_as)?;
            let turned = switched.effect == engine::switch::run::Effect::Turned;
            Ok(turned.then(|| switched.object.to_string()))
        }
        Plan::Replay(wanted, look) => {
            let seen = match look {
                Look::Nothing => None,
                Look::Preview => {
                    let preview = door.replays.preview(&wanted, asked.at).await.map_err(told_as)?;
                    Some(SeenPreview { at: preview.at, digest: preview.digest })
                }
            };
            let ordered = door.replays.order(&wanted, seen, asked).await;
            ordered.map(|ordered| Some(ordered.replay.id.to_string())).map_err(told_as)
        }
        Plan::Apply(files, open) => {
            let terms = Terms { open, ..Terms::default() };
            let applied = door.changes.apply(&files, terms, asked).await.map_err(told_as)?;
            door.applied.fetch_max(applied.number, Ordering::Relaxed);
            let is_new = applied.effect == engine::change::apply::Effect::Applied;
            Ok(is_new.then(|| engine::change::decide::subject(applied.version)))
        }
        Plan::Kept(row, verdict) => kept(door, row, verdict, asked).await.map(Some),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn told_as(not_done: NotDone) -> String {
    not_done.to_string()
}

/// The bytes of a kept event, where they are there.
async fn body_of(door: &Door, row: &QuarantineRow) -> Result<Option<Bytes>, Fault> {
    let record = door.quarantine.journal.get(row.position).await?;
    Ok(record.as_ref().and_then(|record| record.entry.event()).map(|event| event.body.clone()))
}

async fn kept(door: &Door, row: QuarantineRow, verdict: Verdict, asked: &Asked) -> Result<String, String> {
    let which = Which { event: row.event, version: Some(row.version) };
    let moved = match verdict {
        Verdict::Correct => {
            // What its sender mended is taken first; it may be broken, too.
            if let Some(later) = &row.later {
                match door.quarantine.resubmit(which, Some(later.digest), Newer::Stays, asked).await {
                    Err(NotDone::Invalid(_)) => {}
                    moved => return moved.map(|moved| moved.event.to_string()).map_err(told_as),
                }
            }
            let body = body_of(door, &row).await.map_err(|fault| fault.to_string())?.map(|body| mended(&body));
            door.quarantine.correct(which, Bytes::from(body.unwrap_or_default()), Newer::Stays, asked).await
        }
        Verdict::Release => door.quarantine.release(which, Newer::Stays, asked).await,
        Verdict::Close => door.quarantine.close(which, asked).await,
    };
    moved.map(|moved| moved.event.to_string()).map_err(told_as)
}
