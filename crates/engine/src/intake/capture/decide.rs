//! What is looked at next, and what a look tells: pure.

use bytes::Bytes;
use model::{Digest, Known, Seen, Telling, TimeSpan, Timestamp, Told as Tellings};
use policy::compiled::{Capture, CapturedBy, Reading, Rhythm, Since};
use serde_json::json;

use super::progress::{Model, Pass, Phase, Progress, Sweep};
use super::reconcile::decide as reconcile;
use super::reconcile::standing::{Run, Step};
use crate::ports::{Row, Shape, Shown, Which};

pub mod outbox;

/// LIMIT: records of one look: their bodies are in memory, and Odoo makes them in one transaction.
pub const PAGE: usize = 200;
/// LIMIT: records of one light look, which reads no bodies.
pub const LIGHT_PAGE: usize = 2_000;

/// What happened to a record that entered no state.
const CREATED: &str = "created";
const CHANGED: &str = "changed";
pub(super) const DELETED: &str = "deleted";

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
    /// Of a page that was asked for with this limit and took so long: an answer is dated when it is given, and shows what was there
    /// when it was asked for.
    pub fn of(shown: &Shown, limit: usize, took: TimeSpan) -> Self {
        let ids = shown.rows.iter().map(|row| row.id).chain(shown.hidden.iter().copied());
        let last = ids.max().filter(|_| shown.rows.len() + shown.hidden.len() >= limit);
        Self { more_after: last, at: shown.at - took }
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

/// What a record that was read is, compared with what was known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What happened to it, where it is an event.
    pub news: Option<News>,
    /// What is known of it from now on.
    pub known: Known,
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The last part of its native type: its state, `created`, `changed` or `deleted`.
    pub word: String,
    /// Its key in the journal.
    pub key: String,
}

/// Whether a look at bodies or at less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Ids, write dates and states, at first. What is not known becomes so without an event; what is known by then was read
    /// whole after a nudge, and what its event said stays what is compared with.
    First,
    /// The same anew: what is known was read otherwise, and its content is not comparable any more.
    Light,
    /// Everything.
    Whole,
    /// Everything, of a record that is said to have changed: one that is known without its content is an event.
    Changed,
    /// Everything, and what intake refused is an event once more: it may take it now.
    Again,
}

/// Judges a record that was read. Tellings of one of which nothing is known are counted from `counted_from` on.
pub fn judge(model: &str, row: &Row, (before, counted_from): (Option<&Known>, u64), shape: Shape, depth: Depth) -> Judged {
    let told = before.map_or(Tellings { times: counted_from, telling: Telling::Done }, |before| before.told);
    let seen = |digest, told| Known {
        id: row.id,
        written_at: row.written_at,
        state: row.state.clone(),
        digest,
        seen: Seen::Shown,
        told,
    };
    match (depth, before) {
        // What was written since is left as it was: a sweep finds it.
        (Depth::First | Depth::Light, Some(before)) if before.written_at != row.written_at => {
            Judged { news: None, known: before.clone() }
        }
        (Depth::First, Some(before)) => Judged { news: None, known: Known { seen: Seen::Shown, ..before.clone() } },
        (Depth::First, None) | (Depth::Light, _) => Judged { news: None, known: seen(None, told) },
        (Depth::Whole | Depth::Changed | Depth::Again, before) => {
            let digest = Digest::of(&row.body);
            if before.is_some_and(|before| is_same(row, before, digest, depth)) {
                return Judged { news: None, known: seen(Some(digest), told) };
            }
            let news = News { word: word(row, before, shape), key: key(model, row, told, digest) };
            let told = Tellings { times: told.times + 1, telling: Telling::Done };
            Judged { news: Some(news), known: seen(Some(digest), told) }
        }
    }
}

/// Whether it is as it is known. Where an event was begun that may be in the journal or not, it is told again whatever it is: under
/// the same key where it is what was begun. What intake refused is told again where that is asked for.
fn is_same(row: &Row, before: &Known, digest: Digest, depth: Depth) -> bool {
    let has_same_content = match before.digest {
        Some(held) => held == digest,
        // Nothing was read of it yet: the write date is all there is to compare.
        None => depth != Depth::Changed && before.written_at == row.written_at && before.state == row.state,
    };
    let is_told = match before.told.telling {
        Telling::Done => true,
        Telling::Refused => depth != Depth::Again,
        Telling::Begun => false,
    };
    has_same_content && is_told
}

/// What is known of a record from before its event is in the journal until after: what was known, and that one more was begun.
pub fn begun(id: u64, before: Option<&Known>, counted_from: u64) -> Known {
    let told = Tellings { times: counted_from, telling: Telling::Begun };
    let bare = Known { id, written_at: None, state: None, digest: None, seen: Seen::Shown, told };
    let before = before.cloned().unwrap_or(bare);
    Known { seen: Seen::Shown, told: Tellings { telling: Telling::Begun, ..before.told }, ..before }
}

fn word(row: &Row, before: Option<&Known>, shape: Shape) -> String {
    let entered = row.state.as_ref().filter(|state| before.is_none_or(|before| before.state.as_ref() != Some(state)));
    match (shape, entered, before) {
        (Shape::Stated, Some(state), _) => state.clone(),
        (Shape::Stated | Shape::Plain, _, None) => CREATED.to_owned(),
        (Shape::Stated | Shape::Plain, _, Some(_)) => CHANGED.to_owned(),
    }
}

/// The key of what was read. The same content, told for the same time, is one event, however often and by whom it is found; a record
/// that goes there and back is told each time.
fn key(model: &str, row: &Row, told: Tellings, digest: Digest) -> String {
    let written = row.written_at.map_or_else(String::new, |at| at.secs().to_string());
    format!("{model}/{}/{written}/{}/{digest}", row.id, told.times)
}

/// The deletion of a record of which this was known. Ids are not used again, but a database that was restored has them again: so the
/// key says what was deleted.
pub fn deletion(model: &str, known: &Known) -> News {
    let written = known.written_at.map_or_else(String::new, |at| at.secs().to_string());
    News { word: DELETED.to_owned(), key: format!("{model}/{}/deleted/{written}/{}", known.id, known.told.times) }
}

/// From where tellings are counted of what is read after this record was deleted.
pub const fn counted_after(known: &Known) -> u64 {
    known.told.times + 1
}

/// Whether a word of an event is not a state but what we say happened.
pub fn is_our_word(word: &str) -> bool {
    [CREATED, CHANGED, DELETED].contains(&word)
}

/// The body of the event of a deletion.
pub fn deleted_body(model: &str, id: u64) -> Bytes {
    Bytes::from(json!({ "model": model, "id": id, "record": null }).to_string())
}

#[cfg(test)]
mod tests;
