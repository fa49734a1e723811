//! What is looked at next, and what a look tells: pure.

use model::{Digest, TimeSpan, Timestamp};
use policy::compiled::{Capture, CapturedBy, Reading, Rhythm, Since};

use super::progress::{Model, Pass, Phase, Progress, Sweep};
use super::reconcile::decide as reconcile;
use super::reconcile::standing::{Run, Step};
use crate::ports::{Shown, Which};

mod judged;
pub mod outbox;

pub(super) use judged::DELETED;
pub use judged::{Depth, Judged, News, begun, closed, counted_after, deleted_body, deletion, is_our_word, judge};

/// LIMIT: records of one look: their bodies are in memory, and Odoo makes them in one transaction.
pub const PAGE: usize = 200;
/// LIMIT: records of one light look, which reads no bodies.
pub const LIGHT_PAGE: usize = 2_000;

/// How a record was found; an attribute of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// After a nudge.
    Nudge,
    /// By a sweep.
    Sweep,
    /// By the search for what was deleted.
    Identities,
    /// By the comparison of all contents.
    Digests,
    /// By a reconciliation.
    Reconciliation,
    /// It was there at the first look.
    Beginning,
    /// By a line of the outbox.
    Outbox,
}

impl Found {
    /// Each way.
    pub const ALL: [Self; 7] =
        [Self::Nudge, Self::Sweep, Self::Identities, Self::Digests, Self::Reconciliation, Self::Beginning, Self::Outbox];

    /// The word for it, in attributes and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Sweep => "sweep",
            Self::Identities => "identities",
            Self::Digests => "digests",
            Self::Reconciliation => "reconciliation",
            Self::Beginning => "beginning",
            Self::Outbox => "outbox",
        }
    }
}

/// What is looked at next of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// What is there, at first or anew: ids, write dates and states.
    Light {
        /// Above this id.
        after: u64,
        /// What becomes of what is known: [`Depth::First`] or [`Depth::Light`].
        depth: Depth,
    },
    /// What is there, whole: each is an event where it is not known as it is.
    Whole {
        /// Above this id.
        after: u64,
        /// How its events were found.
        found: Found,
    },
    /// A page of a sweep.
    Sweep(Sweep),
    /// A sweep that begins.
    NewSweep {
        /// What was written from then on, by the system's clock.
        from: Timestamp,
    },
    /// Which ids there are, from this one on.
    Identities {
        /// From this id on.
        from: u64,
    },
    /// What the outbox told of without showing it.
    Named {
        /// These.
        ids: Vec<u64>,
    },
    /// A step of a reconciliation.
    Reconcile(Run, Step),
}

impl Look {
    /// The word for it, in metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Light { .. } => Found::Beginning.word(),
            Self::Whole { found, .. } => found.word(),
            Self::Sweep(_) | Self::NewSweep { .. } => Found::Sweep.word(),
            Self::Identities { .. } => Found::Identities.word(),
            Self::Named { .. } => "named",
            Self::Reconcile(..) => Found::Reconciliation.word(),
        }
    }

    /// Which page of records it asks for; none where it asks for ids, or by them, or has a page of its own.
    pub fn which(&self) -> Option<(Which, usize)> {
        match self {
            Self::Light { after, .. } => Some((Which::All { after: *after }, LIGHT_PAGE)),
            Self::Whole { after, .. } => Some((Which::All { after: *after }, PAGE)),
            Self::Sweep(sweep) => Some((Which::Written { from: sweep.from, after: sweep.after }, PAGE)),
            Self::NewSweep { from } => Some((Which::Written { from: *from, after: 0 }, PAGE)),
            Self::Identities { .. } | Self::Named { .. } | Self::Reconcile(..) => None,
        }
    }
}

/// What names a reading: another one makes every digest another one.
pub fn fingerprint(reading: &Reading) -> String {
    Digest::of_fields(&[format!("{reading:?}").as_bytes()]).to_string()
}

/// The progress of a source, with every model that is captured now, and those anew that are read otherwise now.
pub fn up_to_date(mut progress: Progress, capture: &Capture) -> Progress {
    progress.outbox = progress.outbox.filter(|_| capture.by == CapturedBy::Outbox);
    progress.outbox.iter_mut().for_each(|outbox| outbox.keep(|name| capture.models.contains_key(name)));
    progress.models.retain(|name, _| capture.models.contains_key(name));
    for (name, captured) in &capture.models {
        let reading = fingerprint(&captured.reading);
        let model = progress.models.entry(name.clone()).or_insert_with(|| Model::new(reading.clone()));
        if model.reading != reading {
            model.reading = reading;
            model.digests = Pass::default();
            if model.phase == Phase::Following {
                model.phase = Phase::Anew { after: 0 };
            }
        }
    }
    progress
}

/// What is looked at next of a model; none while nothing is due. What is due soonest goes first: sweeps before passes.
pub fn next(model: &Model, rhythm: &Rhythm, since: Since, now: Timestamp) -> Option<Look> {
    if model.phase != Phase::Following {
        return first_look(model, since);
    }
    if let Some(sweep) = model.sweep {
        return Some(Look::Sweep(sweep));
    }
    let watermark = model.watermark?;
    if is_due(model.swept_at, rhythm.every, now) || reconcile::awaits_sweep(model) {
        return Some(Look::NewSweep { from: back(watermark, rhythm.overlap) });
    }
    pass(model, rhythm, back(watermark, rhythm.overlap), now)
}

/// The look at what is there, at first or anew.
fn first_look(model: &Model, since: Since) -> Option<Look> {
    match (model.phase, since) {
        (Phase::First { after }, Since::Now) => Some(Look::Light { after, depth: Depth::First }),
        (Phase::Anew { after }, _) => Some(Look::Light { after, depth: Depth::Light }),
        (Phase::First { after }, Since::Beginning) => Some(Look::Whole { after, found: Found::Beginning }),
        (Phase::Following, _) => None,
    }
}

/// What is looked at next of a model that no sweep goes over.
pub fn next_without_sweeps(model: &Model, rhythm: &Rhythm, since: Since, now: Timestamp) -> Option<Look> {
    // What is read is judged once the outbox has come past it: all that it shows was to be known by then.
    first_look(model, since).or_else(|| pass(model, rhythm, now, now))
}

/// A pass that is due. Until `settled` capture has had its chance to learn what was written.
fn pass(model: &Model, rhythm: &Rhythm, settled: Timestamp, now: Timestamp) -> Option<Look> {
    if let Some(from) = due(&model.identities, rhythm.identities, now) {
        return Some(Look::Identities { from });
    }
    if let Some((run, step)) = reconcile::next(model, rhythm, settled, now) {
        return Some(Look::Reconcile(run, step));
    }
    due(&model.digests, rhythm.digests, now).map(|next| Look::Whole { after: next, found: Found::Digests })
}

/// When something of a model is due, if nothing is now.
pub fn due_at(model: &Model, rhythm: &Rhythm) -> Option<Timestamp> {
    let soonest = [
        (model.swept_at, rhythm.every),
        (model.identities.ended_at, rhythm.identities),
        (model.digests.ended_at, rhythm.digests),
        (model.reconciliation.ended_at, rhythm.reconcile),
    ];
    soonest.into_iter().filter_map(|(last, every)| last.map(|last| last + every)).min()
}

fn due(pass: &Pass, every: TimeSpan, now: Timestamp) -> Option<u64> {
    pass.next.or_else(|| is_due(pass.ended_at, every, now).then_some(0))
}

/// A clock that went back makes it due, and not wait.
pub(super) fn is_due(last: Option<Timestamp>, every: TimeSpan, now: Timestamp) -> bool {
    last.is_none_or(|last| now < last || now.since(last) >= every)
}

fn back(at: Timestamp, by: TimeSpan) -> Timestamp {
    Timestamp::from_secs(at.secs().saturating_sub_unsigned(by.secs()))
}

/// What a look told, beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The last id, where the page was full.
    pub more_after: Option<u64>,
    /// When it was, by the system's clock.
    pub at: Timestamp,
}

impl Told {
    /// Of a page that took so long: an answer is dated when it is given, and shows what was there when it was asked for.
    pub fn of(shown: &Shown, took: TimeSpan) -> Self {
        Self { more_after: shown.more_after, at: shown.at - took }
    }
}

/// The progress of a model after a look. `now` is by our clock.
pub fn after(mut model: Model, look: &Look, told: Told, now: Timestamp) -> Model {
    match *look {
        Look::Light { .. } | Look::Whole { .. } if model.phase != Phase::Following => {
            // What changes while this goes on is found by the first sweep.
            model.watermark = Some(model.watermark.map_or(told.at, |held| held.min(told.at)));
            model.phase = match (told.more_after, model.phase) {
                (Some(after), Phase::First { .. }) => Phase::First { after },
                (Some(after), Phase::Anew { .. } | Phase::Following) => Phase::Anew { after },
                (None, _) => Phase::Following,
            };
            if model.phase == Phase::Following {
                model.identities.ended_at = Some(now);
                model.digests.ended_at = Some(now);
                model.reconciliation.ended_at = Some(now);
            }
        }
        Look::NewSweep { from } => {
            swept(&mut model, Sweep { from, began: told.at, after: 0 }, told, now);
        }
        Look::Sweep(sweep) => swept(&mut model, sweep, told, now),
        Look::Whole { .. } => passed(&mut model.digests, told.more_after, now),
        Look::Identities { .. } => passed(&mut model.identities, told.more_after, now),
        Look::Light { .. } | Look::Named { .. } | Look::Reconcile(..) => {}
    }
    model
}

fn swept(model: &mut Model, sweep: Sweep, told: Told, now: Timestamp) {
    match told.more_after {
        Some(after) => model.sweep = Some(Sweep { after, ..sweep }),
        None => {
            model.sweep = None;
            model.watermark = Some(sweep.began);
            model.swept_at = Some(now);
        }
    }
}

fn passed(pass: &mut Pass, next: Option<u64>, now: Timestamp) {
    pass.next = next;
    if next.is_none() {
        *pass = Pass { ended_at: Some(now), ..Pass::default() };
    }
}

#[cfg(test)]
mod tests;
