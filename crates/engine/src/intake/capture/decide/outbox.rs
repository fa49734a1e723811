//! What is done next with an outbox, and what its lines tell: pure (decision 0049).
//!
//! Lines are judged in their order and never left out. What is read beside them may not overtake them: it waits until the
//! outbox has come past the moment of its reading.

use std::collections::{BTreeMap, BTreeSet};

use model::{Known, TimeSpan, Timestamp};
use policy::compiled::{Rhythm, Since};

use super::{DELETED, Depth, Look, News, PAGE, counted_after, is_due, judge, next_without_sweeps};
use crate::intake::capture::progress::{Loss, Model, Outbox, Pass, Phase, Progress};
use crate::ports::{Line, Place, Pulled, Rest, Said};

/// LIMIT: records that were told of without being shown and wait to be read: they are written down at each step. Where there are more, all of
/// their model is compared instead.
pub const NAMED_MAX: usize = 1_000;
/// How often the outbox is told how far it was read. It removes what is old once an hour, and each time is a transaction there.
const ACKNOWLEDGE_EVERY: TimeSpan = TimeSpan::from_secs(5);
/// LIMIT: how long something that was read waits for the outbox: longer than transactions commonly take. Beyond it is read again later.
const WAIT_MAX: TimeSpan = TimeSpan::from_secs(120);
/// Behind every line of a transaction: Odoo counts rows in 32 bits.
const LAST_LINE: u64 = i32::MAX.unsigned_abs() as u64;

/// What is known of records, by model and id.
pub type KnownBy = BTreeMap<(String, u64), Known>;

/// What one life remembers of its reading an outbox.
#[derive(Debug, Default)]
pub struct Reader {
    /// When it was read last.
    pulled: Option<(Timestamp, Rest)>,
    /// Up to where it was told that it was read, and when.
    acknowledged: Option<(Place, Timestamp)>,
    /// The fence that holds lines back, and since when it does.
    standstill: Option<(u64, Timestamp)>,
    /// Lines that were written by another reading than the present one, and since when such come.
    other_reading: Option<(u64, Timestamp)>,
    /// What was read beside it and waits.
    pub wait: Option<Wait>,
}

/// How far the outbox has come since something was read beside it.
#[derive(Debug)]
pub struct Wait {
    /// Since when it waits, by our clock.
    since: Timestamp,
    /// When the first page after the reading was pulled, by the clock of the system's database.
    asked_at: Option<Timestamp>,
    /// Whether all is pulled that the reading can have seen.
    is_over: bool,
    /// Records that lines have told of meanwhile: what was read of them is older or newer than what is known.
    pub told: BTreeSet<(String, u64)>,
    /// Records that were named meanwhile: they are to be read again.
    pub named: BTreeSet<(String, u64)>,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is known of the outbox yet.
    Begin,
    /// The outbox learns how far it was read.
    Acknowledge(Place),
    /// The next page.
    Pull(Place),
    /// What was read beside it has waited long enough: the outbox is past it.
    Judge,
    /// It has waited too long.
    Drop,
    /// Something is read beside it.
    Look(String, Look),
    /// Nothing, until then.
    Rest(Timestamp),
}

/// What is done next. `is_awake` says of a model whether it is not left alone.
pub fn next(
    progress: &Progress,
    reader: &Reader,
    (rhythm, since): (&Rhythm, Since),
    now: Timestamp,
    is_awake: impl Fn(&str) -> bool,
) -> Step {
    let Some(outbox) = &progress.outbox else { return Step::Begin };
    if let Some(wait) = &reader.wait {
        if wait.is_over {
            return Step::Judge;
        }
        if now.since(wait.since) >= WAIT_MAX {
            return Step::Drop;
        }
    }
    if reader.is_to_acknowledge(&outbox.place, now) {
        return Step::Acknowledge(outbox.place.clone());
    }
    if reader.is_to_pull(rhythm, now) {
        return Step::Pull(outbox.place.clone());
    }
    let beside = reader.wait.is_none().then(|| beside(progress, outbox, (rhythm, since), now, is_awake)).flatten();
    beside.map_or_else(
        || Step::Rest(reader.pulled.map_or(now, |(at, _)| at + rhythm.every)),
        |(model, look)| Step::Look(model, look),
    )
}

/// What is read beside the outbox: what it told of without showing it before the passes.
fn beside(
    progress: &Progress,
    outbox: &Outbox,
    (rhythm, since): (&Rhythm, Since),
    now: Timestamp,
    is_awake: impl Fn(&str) -> bool,
) -> Option<(String, Look)> {
    let mut all = outbox.named.iter().chain(&outbox.hidden.again);
    let named = all.find(|(model, ids)| !ids.is_empty() && is_awake(model));
    if let Some((model, ids)) = named {
        return Some((model.clone(), Look::Named { ids: ids.iter().copied().take(PAGE).collect() }));
    }
    let mut models = progress.models.iter().filter(|(model, _)| is_awake(model));
    models.find_map(|(name, model)| next_without_sweeps(model, rhythm, since, now).map(|look| (name.clone(), look)))
}

impl Reader {
    fn is_to_acknowledge(&self, place: &Place, now: Timestamp) -> bool {
        match &self.acknowledged {
            None => true,
            Some((told, at)) => told != place && is_due(Some(*at), ACKNOWLEDGE_EVERY, now),
        }
    }

    fn is_to_pull(&self, rhythm: &Rhythm, now: Timestamp) -> bool {
        let is_asked_for = self.wait.as_ref().is_some_and(|wait| wait.asked_at.is_none());
        match self.pulled {
            None | Some((_, Rest::More)) => true,
            Some((at, Rest::Nothing)) => is_asked_for || is_due(Some(at), rhythm.every, now),
        }
    }

    /// The outbox was told how far it was read.
    pub fn acknowledged(&mut self, place: Place, now: Timestamp) {
        self.acknowledged = Some((place, now));
    }

    /// Something was read beside it.
    pub fn waits(&mut self, now: Timestamp) {
        self.wait = Some(Wait { since: now, asked_at: None, is_over: false, told: BTreeSet::new(), named: BTreeSet::new() });
    }

    /// A page was taken in. `now` is by our clock.
    pub fn heard(&mut self, pulled: &Pulled, fold: &Fold, now: Timestamp) {
        self.pulled = Some((now, pulled.rest));
        let held = self.standstill.filter(|(fence, _)| *fence == pulled.fence);
        self.standstill = (pulled.held_back > 0).then(|| held.unwrap_or((pulled.fence, now)));
        let before = self.other_reading;
        self.other_reading = match pulled.other_reading {
            0 => before.filter(|_| !pulled.lines.iter().any(|line| matches!(line.said, Said::Saved(..)))),
            more => Some(before.map_or((more, now), |(count, since)| (count + more, since))),
        };
        if let Some(wait) = &mut self.wait {
            wait.heard(pulled, fold);
        }
    }

    /// How many lines were written by another reading than the present one, and since when such come.
    pub fn other_reading(&self) -> Option<(u64, Timestamp)> {
        self.other_reading
    }

    /// Since when the same transaction holds lines back.
    pub fn held_since(&self) -> Option<Timestamp> {
        self.standstill.map(|(_, since)| since)
    }
}

impl Wait {
    /// INVARIANT: what was read can have seen no transaction whose lines are not pulled. That is so when nothing that is committed
    /// is left to be pulled; or when a line comes of a transaction that began after the first page that followed the reading,
    /// since lines come in the order in which their transactions got their numbers.
    fn heard(&mut self, pulled: &Pulled, fold: &Fold) {
        let asked_at = *self.asked_at.get_or_insert(pulled.at);
        let is_all = pulled.held_back == 0 && pulled.rest == Rest::Nothing;
        let is_later = |began: Timestamp| began.secs() > asked_at.secs() && began <= pulled.at;
        self.is_over |= is_all || pulled.lines.iter().any(|line| line.began.is_some_and(is_later));
        self.told.extend(fold.told.iter().cloned());
        self.named.extend(fold.named.iter().cloned());
    }
}

/// The ids of these records that are of a model.
pub fn of_model(records: &BTreeSet<(String, u64)>, model: &str) -> BTreeSet<u64> {
    records.iter().filter(|(of, _)| of == model).map(|(_, id)| *id).collect()
}

/// Records of a model that are no gaps whatever was read of them: lines have told of them since, or named them, so that they are on their
/// way.
pub fn moving(progress: &Progress, wait: &Wait, model: &str) -> BTreeSet<u64> {
    let standing = progress.outbox.iter().filter_map(|outbox| outbox.named.get(model)).flatten().copied();
    standing.chain(of_model(&wait.told, model)).chain(of_model(&wait.named, model)).collect()
}

/// Where an outbox is read from at first: behind all that had ended when it was asked. What had not can be read only later, and
/// what is there is looked at after this.
pub fn beginning(pulled: &Pulled) -> Place {
    Place { epoch: pulled.next.epoch.clone(), txid: pulled.fence.saturating_sub(1), id: LAST_LINE }
}

/// Whether a place cannot have been read in the outbox that is there now. A place that was read is below a fence, and fences do not go
/// back: so the database did, as a whole, and its outbox with all that names it is an earlier one.
pub fn is_put_back(place: &Place, pulled: &Pulled) -> bool {
    pulled.next.epoch == place.epoch && pulled.fence <= place.txid
}

/// The progress of a source whose outbox is read from a place on. What followed by other ways until now is compared once.
pub fn begun(progress: Progress, place: Place) -> Progress {
    Progress { outbox: Some(Outbox::from(place)), ..compared_anew(progress) }
}

fn compared_anew(mut progress: Progress) -> Progress {
    progress.models.values_mut().for_each(compare_anew);
    progress
}

/// All contents of a model are compared with what is known, and then all ids.
fn compare_anew(model: &mut Model) {
    model.digests = Pass::default();
    model.identities = Pass::default();
}

/// The progress after a page. `now` is by our clock.
pub fn after(mut progress: Progress, pulled: &Pulled, fold: &Fold, now: Timestamp) -> Progress {
    let Some(mut outbox) = progress.outbox.take() else { return progress };
    let was_put_back = is_put_back(&outbox.place, pulled);
    if pulled.next.epoch != outbox.place.epoch || was_put_back {
        // Nothing is lost by a new epoch, and nobody knows what a restored database has forgotten.
        progress = compared_anew(progress);
        outbox.lost = None;
        outbox.anew_at = Some(now);
    }
    // What was written before this was learnt may be older than what is known, under keys that the journal has: it is compared.
    outbox.place = if was_put_back { beginning(pulled) } else { pulled.next.clone() };
    if let Some(loss) = new_loss(&outbox, pulled, now) {
        progress = compared_anew(progress);
        // Rows above the fence may be lost as well, and no place is there: it could not be acknowledged.
        outbox.place = outbox.place.max(loss.upto.clone().min(beginning(pulled)));
        outbox.lost = Some(loss);
    }
    for (model, times) in &fold.counted_from {
        progress.count_from(model, *times);
    }
    for (model, id) in &fold.told {
        outbox.was_read(model, &BTreeSet::from([*id]));
    }
    for (model, id) in &fold.named {
        outbox.named.entry(model.clone()).or_default().insert(*id);
    }
    while outbox.named.values().map(BTreeSet::len).sum::<usize>() > NAMED_MAX {
        let largest = outbox.named.iter().max_by_key(|(_, ids)| ids.len()).map(|(model, _)| model.clone());
        let Some(name) = largest else { break };
        outbox.named.remove(&name);
        progress.models.entry(name).and_modify(compare_anew);
    }
    progress.outbox = Some(outbox);
    progress
}

/// What a page says is lost, where it did not say so before.
pub fn new_loss(outbox: &Outbox, pulled: &Pulled, now: Timestamp) -> Option<Loss> {
    let lost = pulled.lost.as_ref()?;
    let known = outbox.lost.as_ref();
    if known.is_some_and(|known| known.upto >= lost.upto) {
        return None;
    }
    let before = known.map_or(0, |known| known.total);
    Some(Loss { lines: lost.lines.saturating_sub(before), total: lost.lines, upto: lost.upto.clone(), at: now })
}

/// What is lost and not made up for yet: all contents and all ids are compared since, or it is told.
pub fn open_loss(progress: &Progress) -> Option<&Loss> {
    let loss = progress.outbox.as_ref()?.lost.as_ref()?;
    (!is_compared_since(progress, loss.at)).then_some(loss)
}

/// Since when the outbox is another one, while not everything is compared since.
pub fn open_anew(progress: &Progress) -> Option<Timestamp> {
    let anew_at = progress.outbox.as_ref()?.anew_at?;
    (!is_compared_since(progress, anew_at)).then_some(anew_at)
}

fn is_compared_since(progress: &Progress, since: Timestamp) -> bool {
    let has_ended = |pass: &Pass| pass.next.is_none() && pass.ended_at.is_some_and(|at| at > since);
    progress.models.values().all(|model| has_ended(&model.digests) && has_ended(&model.identities))
}

/// The progress after records that were named were read: these, of which some are hidden from us.
pub fn was_read(mut progress: Progress, model: &str, ids: &BTreeSet<u64>, hidden: &BTreeSet<u64>) -> Progress {
    let Some(outbox) = &mut progress.outbox else { return progress };
    outbox.was_read(model, ids);
    outbox.was_hidden(model, &ids.intersection(hidden).copied().collect());
    let held = &mut outbox.hidden;
    if held.beyond > 0 && held.waiting.is_empty() && held.again.is_empty() {
        held.beyond = 0;
        progress = compared_anew(progress);
    }
    progress
}

/// What the lines of a page lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Events: the place of their line in the page, and what happened.
    pub news: Vec<(usize, News)>,
    /// What is known afterwards; none of what is gone.
    pub known: BTreeMap<(String, u64), Option<Known>>,
    /// Records whose lines told all of them.
    pub told: BTreeSet<(String, u64)>,
    /// Records that were told of without being shown.
    pub named: BTreeSet<(String, u64)>,
    /// From where tellings are counted of records of which nothing is known, by model; none where nothing was deleted.
    pub counted_from: BTreeMap<String, u64>,
}

/// Judges lines in their order. Lines of models that are not captured tell nothing.
pub fn fold(lines: &[Line], mut known: KnownBy, models: &BTreeMap<String, Model>) -> Fold {
    let mut fold = Fold::default();
    let mut told_by: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(model) = models.get(&line.model) else { continue };
        let record = (line.model.clone(), line.id);
        let before = known.get(&record);
        let (news, after) = match &line.said {
            Said::Saved(row, shape) => {
                let counted_from = fold.counted_from.get(&line.model).copied().unwrap_or(model.counted_from);
                let judged = judge(&line.model, row, (before, counted_from), *shape, Depth::Changed);
                let news = judged.news.map(|news| News { key: key(line), ..news });
                // The outbox tells of what is hidden from us, too: it does not show it.
                let seen = before.map_or(judged.known.seen, |before| before.seen);
                (news, Some(Known { seen, ..judged.known }))
            }
            Said::Deleted => {
                // What nobody knew is told as gone only while it may have been there before anybody looked.
                let is_told = before.is_some() || model.phase != Phase::Following;
                if let Some(before) = before {
                    let counted_from = fold.counted_from.entry(line.model.clone()).or_insert(model.counted_from);
                    *counted_from = counted_after(before).max(*counted_from);
                }
                let times = before.map_or(0, |before| before.told.times);
                (is_told.then(|| News { word: DELETED.to_owned(), key: key(line), times, content: None }), None)
            }
            // Another line of the same transaction may have told all: each has the values of its end.
            Said::Changed if told_by.get(&record) == Some(&line.txid) => continue,
            Said::Changed => {
                fold.named.insert(record);
                continue;
            }
        };
        fold.news.extend(news.map(|news| (at, news)));
        if before != after.as_ref() {
            fold.known.insert(record.clone(), after.clone());
        }
        match after {
            Some(after) => known.insert(record.clone(), after),
            None => known.remove(&record),
        };
        fold.named.remove(&record);
        told_by.insert(record.clone(), line.txid);
        fold.told.insert(record);
    }
    fold
}

/// The key of what a line tells. It stays when the same line comes again, also in another epoch.
fn key(line: &Line) -> String {
    format!("{}/{}/{}", line.model, line.id, line.event)
}

#[cfg(test)]
mod tests;
