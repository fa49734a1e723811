//! What a reconciliation does next, which records of a page can be compared, and what each of them is: pure.

use std::collections::BTreeSet;

use model::{Known, Principal, TimeSpan, Timestamp};
use policy::compiled::Rhythm;

use super::super::decide::{Judged, is_due};
use super::super::progress::Model;
use super::standing::{Mode, Outcome, Place, Reconciliation, Run, Step, Tally, Window};
use crate::ports::Row;

/// One that somebody asks for now.
pub fn asked(by: Principal, mode: Mode, span: TimeSpan, at: Timestamp) -> Run {
    Run { asked_at: at, by, mode, span, step: None, tally: Tally::default() }
}

/// Whether one waits for a sweep: what that finds is no gap.
pub fn awaits_sweep(model: &Model) -> bool {
    let waits = |run: &Run| run.step.is_none() && model.swept_at.is_none_or(|swept| swept < run.asked_at);
    model.reconciliation.run.as_ref().is_some_and(waits)
}

/// What is to be compared next of a model, as a run and where it is; none where nothing is under way or due. What was written up to
/// `settled`, and is not known, was missed and is not on its way: there the window of one that begins has its end.
pub fn next(model: &Model, rhythm: &Rhythm, settled: Timestamp, now: Timestamp) -> Option<(Run, Step)> {
    let run = match &model.reconciliation.run {
        Some(run) => run.clone(),
        None if is_due(model.reconciliation.ended_at, rhythm.reconcile, now) => {
            asked(Principal::product(), Mode::Recover, rhythm.window, now)
        }
        None => return None,
    };
    let step = match run.step {
        Some(step) => step,
        None => Step { window: window(settled, run.span), place: Place::Contents { after: 0 } },
    };
    Some((run, step))
}

fn window(settled: Timestamp, span: TimeSpan) -> Window {
    let to = whole_secs(settled);
    Window { from: whole_secs(to - span), to }
}

/// Write dates have whole seconds.
fn whole_secs(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.secs())
}

/// What the look at a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It goes on there.
    Place(Place),
    /// So much is missing that identities are looked at before it goes on: a rule may hide it.
    Doubted,
    /// All was compared.
    End,
    /// The model cannot be read; why, in a sentence.
    Unread(String),
}

/// What stands of a model's reconciliations after the look at a step of this run.
pub fn after(held: Reconciliation, (run, step): (Run, Step), reached: Reached, now: Timestamp) -> Reconciliation {
    let unread = match reached {
        Reached::Place(place) => {
            return Reconciliation { run: Some(Run { step: Some(Step { place, ..step }), ..run }), ..held };
        }
        Reached::Doubted => return Reconciliation { run: Some(Run { step: Some(step), ..run }), ..held },
        Reached::End => None,
        Reached::Unread(why) => Some(why),
    };
    ended(held, (run, Some(step.window)), unread, now)
}

/// The same where the model cannot be read, so that what goes before a comparison never comes to an end; none where none is under way.
pub fn given_up(held: &Reconciliation, why: &str, now: Timestamp) -> Option<Reconciliation> {
    let run = held.run.clone()?;
    let window = run.step.map(|step| step.window);
    Some(ended(held.clone(), (run, window), Some(why.to_owned()), now))
}

fn ended(
    held: Reconciliation,
    (run, window): (Run, Option<Window>),
    unread: Option<String>,
    now: Timestamp,
) -> Reconciliation {
    let ended_at = if run.by == Principal::product() { Some(now) } else { held.ended_at };
    let Run { asked_at, by, mode, tally, .. } = run;
    let last = Outcome { asked_at, ended_at: now, by, mode, window, tally, unread };
    Reconciliation { run: None, last: Some(last), ended_at, ..held }
}

/// The records of a page that can be compared: those whose last write is old enough that it was to be seen by now. The rest is the
/// sweep's matter.
///
/// INVARIANT (decision 0050): no page of a reconciliation is judged that did not come through here. Beside an outbox, what that has
/// told of since leaves the sighting before it is counted.
pub fn settle(rows: Vec<Row>, window: &Window) -> Vec<Row> {
    rows.into_iter().filter(|row| row.written_at.is_none_or(|at| at <= window.to)).collect()
}

/// Whether a record was written before a window began.
pub fn is_older(row: &Row, window: &Window) -> bool {
    row.written_at.is_none_or(|at| at < window.from)
}

/// What a record is, compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// As it is known.
    Same,
    /// Not known.
    Missing,
    /// Known otherwise.
    Differing,
    /// Known, and deleted there.
    Gone,
    /// Known otherwise or not at all, and a nudge of it waits.
    Moving,
}

/// What a record is that was judged.
pub fn compared(before: Option<&Known>, judged: &Judged, id: u64, nudged: &BTreeSet<u64>) -> Compared {
    match (&judged.news, before) {
        (None, _) => Compared::Same,
        (Some(_), _) if nudged.contains(&id) => Compared::Moving,
        (Some(_), None) => Compared::Missing,
        (Some(_), Some(_)) => Compared::Differing,
    }
}

impl Tally {
    /// Counts what a look saw. Of what is missing so many are known by rows that cannot be read; beyond are so many more that are gone,
    /// and so many that are missing.
    pub fn add(&mut self, seen: &[(u64, Compared)], unreadable: u64, beyond: (u64, u64)) {
        let count = |of| seen.iter().filter(|(_, compared)| *compared == of).count() as u64;
        let missing = count(Compared::Missing);
        let unreadable = unreadable.min(missing);
        self.same += count(Compared::Same);
        self.missing += missing - unreadable + beyond.1;
        self.unreadable += unreadable;
        self.differing += count(Compared::Differing);
        self.gone += count(Compared::Gone) + beyond.0;
        self.moving += count(Compared::Moving);
    }
}

#[cfg(test)]
mod tests;
