//! The course of captures in a run: clerks work, and when the faults have ended it is looked whether everything that they committed
//! was told, soon by sweeps and in the end whatever it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Fault, TimeSpan};

use crate::checks::{
    Owed, There, ToldOf, Truth, i13_events_are_commits_in_their_order, i13_the_account_is_right, i13_what_stayed_was_told,
    i13_what_stays_is_told, told,
};
use crate::company::{Clerk, Company, Model};
use crate::oracle::Rule;
use crate::project::Captured;
use crate::world::World;

/// How long a call may still wait for its answer when the faults end, how long a system is left alone at most that did not answer,
/// and what a clock that goes slower adds.
const LEFT_ALONE: TimeSpan = TimeSpan::from_secs(60 + 70);
/// LIMIT: how long the looks at all that is due take, beside the rhythm.
const LOOKS: TimeSpan = TimeSpan::from_secs(40);
/// LIMIT: how long people may need to make room before a capture goes on.
const ROOM: TimeSpan = TimeSpan::from_secs(3 * 3_600);
/// How many transactions clerks make while the system is away, or all nodes are off.
const MEANWHILE: u64 = 8;

/// The capture of a run.
#[derive(Debug)]
pub(crate) struct Capturing {
    company: Arc<Company>,
    captured: Captured,
    /// Since when nothing is wrong.
    calm: TimeSpan,
}

impl Capturing {
    /// The capture of a world, where it has one; from now on nothing is wrong.
    pub(crate) fn of(world: &World) -> Option<Self> {
        let company = Arc::clone(world.company.as_ref()?);
        Some(Self { company, captured: world.projects[0].captured?, calm: world.timeline.elapsed() })
    }

    /// How long a change waits for its event that a sweep finds.
    fn by_sweeps(&self) -> TimeSpan {
        self.captured.every.times(2) + LOOKS
    }

    /// How long anything waits for its event. What is missing in a range hides what is too many there, so that both passes come
    /// one after the other; clocks that are ahead go slower.
    fn by_passes(&self) -> TimeSpan {
        (self.captured.digests + self.captured.identities.times(2)).percent(120) + self.by_sweeps()
    }

    /// What is wrong now with what is owed.
    pub(crate) async fn missing(&self, world: &World, owed: Owed) -> Result<Vec<String>, Fault> {
        let mut missing = self.compare(world, |truth, told| i13_what_stays_is_told(truth, told, owed)).await?;
        if owed == Owed::ByPasses {
            missing.extend(i13_the_account_is_right(&world.stores, &self.there()).await?);
        }
        Ok(missing)
    }

    /// When it has to be there.
    pub(crate) fn until(&self, world: &World, owed: Owed) -> TimeSpan {
        let room = if world.swarm.keeping.is_short_of_room() { ROOM } else { TimeSpan::ZERO };
        let window = match owed {
            Owed::BySweeps => self.by_sweeps(),
            Owed::ByPasses => self.by_passes(),
        };
        world.timeline.elapsed() + LEFT_ALONE + window + room
    }

    /// All that was told is right.
    pub(crate) async fn look(&self, world: &World) -> Result<(), Fault> {
        let broken = self.compare(world, i13_events_are_commits_in_their_order).await?;
        world.oracle.blame(Rule::I13, broken);
        Ok(())
    }

    /// What stayed while nothing was wrong was told. Asked before the company is away, or all nodes are off.
    pub(crate) async fn look_back(&self, world: &World) -> Result<(), Fault> {
        let stayed = (self.calm + LEFT_ALONE, self.by_sweeps());
        let broken = self.compare(world, |truth, told| i13_what_stayed_was_told(truth, told, stayed)).await?;
        if !world.swarm.keeping.is_short_of_room() {
            world.oracle.blame(Rule::I13, broken);
        }
        Ok(())
    }

    /// What a checker says of the journal.
    async fn compare(
        &self,
        world: &World,
        check: impl Fn(&Truth<'_>, &ToldOf) -> Vec<String>,
    ) -> Result<Vec<String>, Fault> {
        let told = told(&world.stores).await?;
        let captures = world.oracle.known().captures.clone();
        let history = self.company.history();
        let off = world.swarm.keeping.absence.unwrap_or_default();
        Ok(check(&Truth { history: &history, captures: &captures, captured: &self.captured, off }, &told))
    }

    /// A fresh record, of which no nudge tells.
    pub(crate) fn make_one(world: &Arc<World>) {
        if let Some(mut clerk) = Clerk::new(world, 0) {
            clerk.make_one();
        }
    }

    /// Nobody reaches the company for a while, and its clerks go on.
    pub(crate) async fn away(&self, world: &Arc<World>) {
        let Some(span) = self.company.faults.absence else { return };
        world.oracle.note(|| format!("the company is away for {span}"));
        self.company.set_away(true);
        meanwhile(world, span).await;
        self.company.set_away(false);
    }

    fn there(&self) -> BTreeMap<Model, There> {
        let history = self.company.history();
        let of = |model| {
            let shown = history.shown(model).map(|(id, _)| id).collect();
            let hidden = history.there(model).into_iter().filter(|id| history.is_hidden(*id)).map(|(_, id)| id).collect();
            (model, There { shown, hidden })
        };
        Model::ALL.into_iter().map(of).collect()
    }
}

/// Clerks work on for that long, whatever does not reach them.
pub(crate) async fn meanwhile(world: &Arc<World>, span: TimeSpan) {
    match Clerk::new(world, u64::MAX) {
        Some(mut clerk) => clerk.work_through(span, MEANWHILE).await,
        None => world.timeline.sleep(span).await,
    }
}
