//! Reading an outbox (decision 0049): lines are taken in in their order, and what is read beside them waits until the outbox has
//! come past it.
//!
//! It never says that it has read what is not committed here, and never leaves a line out.

use std::collections::{BTreeMap, BTreeSet};

use model::outcome::Refusal;
use model::{Change, Fault, Known};

use super::decide::outbox::{self, Fold, KnownBy, Reader};
use super::decide::{self, Found, Look};
use super::lead::{Coming, Leads};
use super::look::{Came, Looker, Seeing};
use super::progress::Progress;
use super::reconcile::look::Sighting;
use crate::observe::Capturing;
use crate::ports::{Line, Place, Pull, Pulled, Said};
use crate::pulls::{Lines, Outlook};

/// The outbox among what can be read and left alone; no model is called so.
pub(super) const OUTBOX: &str = "outbox";

/// What is remembered of an outbox from step to step. Lost at the end of the process.
#[derive(Debug, Default)]
pub(super) struct Pulling {
    pub(super) reader: Reader,
    /// What was read beside it and waits.
    beside: Option<Beside>,
    /// The version of the standing that what waits was compared with; our own steps since move it on.
    version: u64,
}

/// What was read beside an outbox.
#[derive(Debug)]
enum Beside {
    /// A look at a model.
    Look(Seeing),
    /// A step of a reconciliation.
    Step(Sighting),
}

impl Beside {
    fn model(&self) -> &str {
        match self {
            Self::Look(seeing) => &seeing.model,
            Self::Step(sighting) => &sighting.model,
        }
    }
}

impl Looker {
    fn pull_of(&self, after: Option<Place>, limit: usize) -> Pull {
        let models = self.capture.models.iter();
        Pull { after, limit, readings: models.map(|(name, model)| (name.clone(), model.reading.clone())).collect() }
    }

    /// Finds where the outbox is read from.
    pub(super) async fn begin(&self, (progress, version): (Progress, u64)) -> Result<Came, Fault> {
        let answer = self.records.pulled(&self.peer, &self.pull_of(None, 1)).await;
        let pulled = match self.read(OUTBOX, |_: &Pulled| 0, answer) {
            Ok(pulled) => pulled,
            Err(unread) => return Ok(Came::Unread(unread)),
        };
        let after = outbox::begun(progress.clone(), outbox::beginning(&pulled));
        self.lead(Leads::default(), (&progress, version), after).await
    }

    /// Says how far it is read.
    pub(super) async fn acknowledge(&self, place: Place, pulling: &mut Pulling) -> Came {
        let reader = format!("crossdock/{}", self.name());
        let answer = self.records.acknowledged(&self.peer, &reader, &place).await;
        match self.read(OUTBOX, |()| 0, answer) {
            Ok(()) => {
                pulling.reader.acknowledged(place, self.clock.now());
                Came::Done
            }
            // What has so many other causes is told by the next page where the outbox there is an earlier one.
            Err(unread) if unread.cause == Refusal::Validation.word() && self.is_put_back(&place).await => {
                pulling.reader.acknowledged(place, self.clock.now());
                Came::Done
            }
            Err(unread) => Came::Unread(unread),
        }
    }

    /// Whether the outbox cannot have been read up to a place.
    async fn is_put_back(&self, place: &Place) -> bool {
        let answer = self.records.pulled(&self.peer, &self.pull_of(Some(place.clone()), 1)).await;
        let pulled = self.read(OUTBOX, |_: &Pulled| 0, answer);
        pulled.is_ok_and(|pulled| outbox::is_put_back(place, &pulled))
    }

    /// Takes in the next page.
    pub(super) async fn pull(
        &self,
        place: Place,
        (progress, version): (Progress, u64),
        pulling: &mut Pulling,
    ) -> Result<Came, Fault> {
        let answer = self.records.pulled(&self.peer, &self.pull_of(Some(place), decide::PAGE)).await;
        let pulled = match self.read(OUTBOX, |pulled: &Pulled| pulled.lines.len(), answer) {
            Ok(pulled) => pulled,
            Err(unread) => return Ok(Came::Unread(unread)),
        };
        let known = self.known_of(&pulled.lines).await?;
        let fold = outbox::fold(&pulled.lines, known.clone(), &progress.models);
        let now = self.clock.now();
        let after = outbox::after(progress.clone(), &pulled, &fold, now);
        if after != progress {
            let leads = self.leads(&pulled.lines, &fold, &known);
            let came = self.lead(leads, (&progress, version), after.clone()).await?;
            if came != Came::Done {
                return Ok(came);
            }
            if pulling.version == version {
                pulling.version += 1;
            }
        }
        if is_anew(&progress, &after) {
            // What was read beside it may be of the time before.
            pulling.drop_beside();
        }
        pulling.reader.heard(&pulled, &fold, now);
        self.tell_of((&progress, &after), &pulled, &pulling.reader);
        Ok(Came::Done)
    }

    /// Reads something beside the outbox, to be judged when that has come past it.
    pub(super) async fn read_beside(
        &self,
        (name, look): (&str, &Look),
        (progress, version): (Progress, u64),
        pulling: &mut Pulling,
    ) -> Result<Came, Fault> {
        let Some(captured) = self.capture.models.get(name) else { return Ok(Came::Done) };
        let seen = match look {
            // Nobody nudges where an outbox is read.
            Look::Reconcile(run, step) => self.sight(name, (run, *step), &BTreeSet::new()).await?.map(Beside::Step),
            Look::Light { .. }
            | Look::Whole { .. }
            | Look::Sweep(_)
            | Look::NewSweep { .. }
            | Look::Identities { .. }
            | Look::Named { .. } => self.see((name, captured), look, &progress).await?.map(Beside::Look),
        };
        match seen {
            Ok(beside) => {
                (pulling.beside, pulling.version) = (Some(beside), version);
                pulling.reader.waits(self.clock.now());
                Ok(Came::Done)
            }
            Err(unread) => self.give_up((progress, version), name, unread).await,
        }
    }

    /// Judges what was read beside the outbox, but for what lines have told of since. Answers also of which model it was.
    /// Where another node made a step meanwhile, what it knows may be newer than what was read, which is dropped.
    pub(super) async fn judge_beside(&self, held: (Progress, u64), pulling: &mut Pulling) -> Result<(String, Came), Fault> {
        let (Some(beside), Some(wait)) = (pulling.beside.take(), pulling.reader.wait.take()) else {
            return Ok((OUTBOX.to_owned(), Came::Done));
        };
        let name = beside.model().to_owned();
        if held.1 != pulling.version {
            return Ok((name, Came::Done));
        }
        let (told, again) = (outbox::of_model(&wait.told, &name), outbox::of_model(&wait.named, &name));
        let mut seeing = match beside {
            Beside::Look(seeing) => seeing,
            Beside::Step(sighting) => {
                let moving = outbox::moving(&held.0, &wait, &name);
                let came = self.count(held, sighting.without(&moving)).await?;
                return Ok((name, came));
            }
        };
        seeing.without(&told);
        let read = match &seeing.look {
            Look::Named { ids } => ids.iter().copied().filter(|id| !again.contains(id)).collect(),
            Look::Light { .. }
            | Look::Whole { .. }
            | Look::Sweep(_)
            | Look::NewSweep { .. }
            | Look::Identities { .. }
            | Look::Reconcile(..) => BTreeSet::new(),
        };
        let came = self.conclude(held, seeing, &read).await?;
        Ok((name, came))
    }

    /// What is known of the records that lines tell of.
    async fn known_of(&self, lines: &[Line]) -> Result<KnownBy, Fault> {
        let mut ids: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for line in lines.iter().filter(|line| self.capture.models.contains_key(&line.model)) {
            ids.entry(&line.model).or_default().insert(line.id);
        }
        let mut all = KnownBy::new();
        for (model, ids) in ids {
            let known = self.ledger.known(self.name(), model, ids.into_iter().collect()).await?.rows;
            all.extend(known.into_iter().map(|known| ((model.to_owned(), known.id), known)));
        }
        Ok(all)
    }

    fn leads(&self, lines: &[Line], fold: &Fold, before: &KnownBy) -> Leads {
        let mut leads = Leads::default();
        for (at, news) in &fold.news {
            let Some(line) = lines.get(*at) else { continue };
            let body = match &line.said {
                Said::Saved(row, _) => row.body.clone(),
                Said::Deleted | Said::Changed => decide::deleted_body(&line.model, line.id),
            };
            let (model, id, news) = (line.model.clone(), line.id, news.clone());
            leads.coming.push(Coming { model, id, news, body, found: Found::Outbox });
        }
        let mut by_model: BTreeMap<&str, (Vec<Known>, Vec<u64>)> = BTreeMap::new();
        for ((model, id), known) in &fold.known {
            leads.had(model, before.get(&(model.clone(), *id)));
            let (rows, gone) = by_model.entry(model).or_default();
            match known {
                Some(known) => rows.push(known.clone()),
                None => gone.push(*id),
            }
        }
        for (model, (rows, ids)) in by_model {
            let (source, model) = (self.name().clone(), model.to_owned());
            if !rows.is_empty() {
                leads.changes.push(Change::Know { source: source.clone(), model: model.clone(), rows });
            }
            if !ids.is_empty() {
                leads.changes.push(Change::Forget { source, model, ids });
            }
        }
        leads
    }

    /// What people should know of a page that was taken in.
    fn tell_of(&self, (before, after): (&Progress, &Progress), pulled: &Pulled, reader: &Reader) {
        let (was, is) = (before.outbox.as_ref(), after.outbox.as_ref());
        if was.and_then(|it| it.anew_at) != is.and_then(|it| it.anew_at) {
            self.tell(Capturing::Anew);
        }
        let loss = is.and_then(|it| it.lost.as_ref());
        if let Some(loss) = loss.filter(|loss| was.and_then(|it| it.lost.as_ref()) != Some(*loss)) {
            self.tell(Capturing::Lost { lines: loss.lines });
        }
        self.tell(Capturing::HeldBack { lines: pulled.held_back });
        let held_back = reader.held_since().map(|since| Lines { count: pulled.held_back, since });
        let other_reading = reader.other_reading().map(|(count, since)| Lines { count, since });
        let lost = outbox::open_loss(after).map(|loss| Lines { count: loss.lines, since: loss.at });
        let hidden = is.map_or(0, |it| it.hidden.count());
        self.board
            .pulls
            .note(self.name(), Outlook { held_back, lost, other_reading, hidden, anew: outbox::open_anew(after) });
    }
}

/// Whether all is compared anew since.
fn is_anew(before: &Progress, after: &Progress) -> bool {
    let of = |progress: &Progress| progress.outbox.as_ref().map(|it| (it.anew_at, it.lost.as_ref().map(|loss| loss.at)));
    of(before) != of(after)
}

impl Pulling {
    /// Forgets what waits. Answers of which model it is.
    pub(super) fn drop_beside(&mut self) -> Option<String> {
        self.reader.wait = None;
        self.beside.take().map(|beside| beside.model().to_owned())
    }
}
