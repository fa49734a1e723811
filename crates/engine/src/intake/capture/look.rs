//! One source and its looks: read, journal, then one commit with what is known now. A look that fails leaves everything as it
//! was, and is taken again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Change, Fault, Guard, Known, Seen, SourceName, Standing};
use policy::compiled::{Capture, CapturedModel, Source};

use super::decide::{self, Depth, Found, Look, Told, outbox};
use super::lead::{Leads, NotNow};
use super::nudged::Nudged;
use super::progress::{Model, Progress};
use crate::board::Board;
use crate::intake::run::Intake;
use crate::observe::{Captured, Capturing, Fact, Facts};
use crate::ports::{Absence, Asked, Clock, Ledger, Peer, Records, Row, Shape, Shown, Unread, Which};

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It is done.
    Done,
    /// The system did not show what was asked for; in words.
    Unread(Unread),
    /// Intake cannot take what was found now, in words; it is looked at again.
    Refused(NotNow),
}

/// A source with all that its looks need.
#[derive(Debug)]
pub(super) struct Looker {
    pub(super) source: Arc<Source>,
    pub(super) capture: Capture,
    pub(super) peer: Peer,
    pub(super) intake: Arc<Intake>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) records: Arc<dyn Records>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) facts: Arc<Facts>,
    pub(super) board: Arc<Board>,
}

/// What a look at a model saw, compared with what is known and not yet taken in.
#[derive(Debug)]
pub(super) struct Seeing {
    pub(super) model: String,
    pub(super) look: Look,
    told: Told,
    leads: Leads,
}

impl Seeing {
    /// Leaves out what it says of some records of its model.
    pub(super) fn without(&mut self, ids: &BTreeSet<u64>) {
        self.leads.without(ids);
    }
}

impl Looker {
    pub(super) fn name(&self) -> &SourceName {
        &self.source.name
    }

    pub(super) fn tell(&self, what: Capturing<'_>) {
        self.facts.emit(&Fact::Captured(Captured { source: self.name(), what }));
    }

    /// The answer of the system, told.
    pub(super) fn read<T>(
        &self,
        look: &'static str,
        rows: impl Fn(&T) -> usize,
        answer: Result<T, Unread>,
    ) -> Result<T, Unread> {
        let told = answer?;
        self.tell(Capturing::Read { look, rows: rows(&told) as u64 });
        Ok(told)
    }

    /// How far the source is, and the version to guard the next step with.
    pub(super) async fn progress(&self) -> Result<(Progress, u64), Fault> {
        let held = self.ledger.standing(self.name()).await?;
        let (progress, version) = match held {
            Some(Standing { text, version }) => (Progress::read(&text)?, version),
            None => (Progress::default(), 0),
        };
        Ok((decide::up_to_date(progress, &self.capture), version))
    }

    /// What nudges name is read; what they say is not. Answers also of which of them there was news.
    pub(super) async fn nudged(&self, name: &str, ids: Vec<u64>) -> Result<(Came, BTreeSet<u64>), Fault> {
        let nothing = BTreeSet::new();
        let Some(model) = self.capture.models.get(name) else { return Ok((Came::Done, nothing)) };
        // Before the reading, as for every look: a step that another node makes meanwhile makes this one void.
        let (before, version) = self.progress().await?;
        let mut leads = Leads::of(before.models.get(name));
        if let Some(unread) = self.these((name, model), ids, Found::Nudge, &mut leads).await? {
            return Ok((Came::Unread(unread), nothing));
        }
        let news = leads.coming.iter().map(|coming| coming.id).collect();
        if leads.is_nothing() {
            return Ok((Came::Done, news));
        }
        let mut after = before.clone();
        after.count_from(name, leads.counted_from);
        Ok((self.lead(leads, (&before, version), after).await?, news))
    }

    /// One look at a model, and the step in the progress that it makes.
    pub(super) async fn look(&self, name: &str, look: &Look, nudged: &Nudged) -> Result<Came, Fault> {
        // Before the reading: a step that another node makes meanwhile makes this one void.
        let held = self.progress().await?;
        if let Look::Reconcile(run, step) = look {
            return match self.sight(name, (run, *step), &nudged.waiting(name)).await? {
                Ok(sighting) => self.count(held, sighting).await,
                Err(unread) => Ok(Came::Unread(unread)),
            };
        }
        let Some(captured) = self.capture.models.get(name) else { return Ok(Came::Done) };
        match self.see((name, captured), look, &held.0).await? {
            Ok(mut seeing) => {
                seeing.leads.were_named(&nudged.waiting(name));
                self.conclude(held, seeing, &BTreeSet::new()).await
            }
            Err(unread) => self.give_up(held, name, unread).await,
        }
    }

    /// The first half of a look: nothing is different after it.
    pub(super) async fn see(
        &self,
        (name, captured): (&str, &CapturedModel),
        look: &Look,
        progress: &Progress,
    ) -> Result<Result<Seeing, Unread>, Fault> {
        let mut leads = Leads::of(progress.models.get(name));
        let told = match look {
            Look::Identities { from } => self.identities((name, captured), *from, &mut leads).await?,
            Look::Named { ids } => {
                let unread = self.these((name, captured), ids.clone(), Found::Outbox, &mut leads).await?;
                unread.map_or_else(|| Ok(Told { more_after: None, at: self.clock.wall() }), Err)
            }
            Look::Light { .. } | Look::Whole { .. } | Look::Sweep(_) | Look::NewSweep { .. } | Look::Reconcile(..) => {
                self.page(name, captured, look, &mut leads).await?
            }
        };
        Ok(told.map(|told| Seeing { model: name.to_owned(), look: look.clone(), told, leads }))
    }

    /// The second half: what was seen is taken in, onto the progress as it stood before. `named` are the records that the outbox
    /// need not name any more.
    pub(super) async fn conclude(
        &self,
        (before, version): (Progress, u64),
        seeing: Seeing,
        named: &BTreeSet<u64>,
    ) -> Result<Came, Fault> {
        let Seeing { model: name, look, told, leads } = seeing;
        let mut progress = before.clone();
        let Some(model) = progress.models.remove(&name) else { return Ok(Came::Done) };
        let now = self.clock.now();
        let hidden = model.identities.hidden;
        let mut model: Model = decide::after(model, &look, told, now);
        if matches!(look, Look::Identities { .. }) {
            model = self.braked(&name, model, (&leads, hidden), now);
        }
        let ended_identities = matches!(look, Look::Identities { .. }) && model.identities.next.is_none();
        if let Some(outbox) = progress.outbox.as_mut().filter(|_| ended_identities) {
            outbox.hidden.ask_again(&name);
        }
        model.counted_from = model.counted_from.max(leads.counted_from);
        progress.models.insert(name.clone(), model);
        progress = outbox::was_read(progress, &name, named, &leads.hidden);
        self.lead(leads, (&before, version), progress).await
    }

    /// The progress as a change beside those that a look leads to.
    pub(super) fn step(&self, leads: &mut Leads, progress: &Progress) {
        leads.changes.push(Change::Stand { source: self.name().clone(), text: progress.text() });
    }

    /// That nobody has made a step since.
    pub(super) fn guard(&self, version: u64) -> Guard {
        Guard::Standing { source: self.name().clone(), version }
    }

    /// A page of records that is asked for by place.
    async fn page(
        &self,
        name: &str,
        captured: &CapturedModel,
        look: &Look,
        leads: &mut Leads,
    ) -> Result<Result<Told, Unread>, Fault> {
        let Some((which, limit)) = look.which() else { return Ok(Ok(Told { more_after: None, at: self.clock.wall() })) };
        let (depth, found) = match look {
            Look::Light { depth, .. } => (*depth, Found::Beginning),
            Look::Whole { found, .. } => (Depth::Again, *found),
            Look::Sweep(_) | Look::NewSweep { .. } | Look::Identities { .. } | Look::Named { .. } | Look::Reconcile(..) => {
                (Depth::Whole, Found::Sweep)
            }
        };
        let reading = match depth {
            Depth::First | Depth::Light => policy::compiled::Reading::default(),
            Depth::Whole | Depth::Changed | Depth::Again => captured.reading.clone(),
        };
        let asked = Asked { model: name.to_owned(), reading, which, limit };
        let asked_at = self.clock.now();
        let answer = self.records.shown(&self.peer, &asked).await;
        let took = self.clock.now().since(asked_at);
        let shown = match self.read(look.word(), |shown: &Shown| shown.rows.len(), answer) {
            Ok(shown) => shown,
            Err(unread) => return Ok(Err(unread)),
        };
        self.judge(name, &shown.rows, (shown.shape, depth, found), leads).await?;
        self.closed(name, &shown.closed, leads).await?;
        Ok(Ok(Told::of(&shown, took)))
    }

    /// Records by their ids; known ones that are not shown are asked after, those as well that were hidden before: such a one may be
    /// deleted.
    pub(super) async fn these(
        &self,
        (name, captured): (&str, &CapturedModel),
        ids: Vec<u64>,
        found: Found,
        leads: &mut Leads,
    ) -> Result<Option<Unread>, Fault> {
        for ids in ids.chunks(decide::PAGE) {
            let which = Which::These(ids.to_vec());
            let asked = Asked { model: name.to_owned(), reading: captured.reading.clone(), which, limit: ids.len() };
            let answer = self.records.shown(&self.peer, &asked).await;
            let shown = match self.read(found.word(), |shown: &Shown| shown.rows.len(), answer) {
                Ok(shown) => shown,
                Err(unread) => return Ok(Some(unread)),
            };
            let depth = if found == Found::Outbox { Depth::Changed } else { Depth::Whole };
            self.judge(name, &shown.rows, (shown.shape, depth, found), leads).await?;
            self.closed(name, &shown.closed, leads).await?;
            let there: BTreeSet<u64> = shown.rows.iter().map(|row| row.id).chain(shown.closed).collect();
            let known = self.ledger.known(self.name(), name, ids.to_vec()).await?.rows;
            let missing: Vec<Known> = known.into_iter().filter(|known| !there.contains(&known.id)).collect();
            let unknown = ids.iter().copied().filter(|id| !there.contains(id) && missing.iter().all(|it| it.id != *id));
            if let Some(unread) = self.unknown((name, unknown.collect()), found, leads).await {
                return Ok(Some(unread));
            }
            if let Some(unread) = self.gone(name, missing, found, leads).await {
                return Ok(Some(unread));
            }
        }
        Ok(None)
    }

    /// Records that nobody knew and that are not shown: what an outbox named is gone, or is hidden from us and stays named.
    async fn unknown(&self, (name, ids): (&str, Vec<u64>), found: Found, leads: &mut Leads) -> Option<Unread> {
        if found != Found::Outbox || ids.is_empty() {
            return None;
        }
        let answer = self.records.missing(&self.peer, name, &ids).await;
        match self.read(found.word(), Vec::len, answer) {
            Ok(absent) => {
                leads.hidden.extend(absent.iter().filter(|(_, absence)| *absence == Absence::Hidden).map(|(id, _)| *id));
                None
            }
            Err(unread) => Some(unread),
        }
    }

    /// Records that are listed and whose content is refused. They are known from now on, also those of which nothing was: what is
    /// listed and what is known are compared by their counts, and so many that nobody knew would make up for as many that are gone.
    pub(super) async fn closed(&self, name: &str, ids: &[u64], leads: &mut Leads) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        self.tell(Capturing::Unseen { model: name, ids });
        leads.hidden.extend(ids);
        let known = self.ledger.known(self.name(), name, ids.to_vec()).await?.rows;
        let known: BTreeMap<u64, Known> = known.into_iter().map(|known| (known.id, known)).collect();
        let close = |id: &u64| decide::closed(*id, known.get(id), leads.counted_from);
        let rows: Vec<Known> = ids.iter().filter_map(close).collect();
        if !rows.is_empty() {
            leads.changes.push(Change::Know { source: self.name().clone(), model: name.to_owned(), rows });
        }
        Ok(())
    }

    /// What is known of records that are hidden, as far as it was not known. Answers of how many that is.
    pub(super) fn hide(&self, name: &str, known: &[Known], absent: &[(u64, Absence)], leads: &mut Leads) -> u64 {
        let is_new = |known: &&Known| known.seen != Seen::Hidden && absent.contains(&(known.id, Absence::Hidden));
        let rows: Vec<Known> =
            known.iter().filter(is_new).map(|known| Known { seen: Seen::Hidden, ..known.clone() }).collect();
        let count = rows.len() as u64;
        if count > 0 {
            leads.changes.push(Change::Know { source: self.name().clone(), model: name.to_owned(), rows });
        }
        count
    }

    /// Compares rows with what is known of them.
    async fn judge(
        &self,
        name: &str,
        rows: &[Row],
        (shape, depth, found): (Shape, Depth, Found),
        leads: &mut Leads,
    ) -> Result<(), Fault> {
        let ids = rows.iter().map(|row| row.id).collect();
        let known = self.ledger.known(self.name(), name, ids).await?.rows;
        let known: BTreeMap<u64, Known> = known.into_iter().map(|known| (known.id, known)).collect();
        for row in rows {
            let before = known.get(&row.id);
            let judged = decide::judge(name, row, (before, leads.counted_from), shape, depth);
            self.note(leads, (before, judged), row, (name, found));
        }
        Ok(())
    }

    /// Known records that are not shown any more: each is deleted, or a rule hides it.
    pub(super) async fn gone(&self, name: &str, missing: Vec<Known>, found: Found, leads: &mut Leads) -> Option<Unread> {
        for known in missing.chunks(decide::PAGE) {
            let ids: Vec<u64> = known.iter().map(|known| known.id).collect();
            let answer = self.records.missing(&self.peer, name, &ids).await;
            let absent = match self.read(found.word(), Vec::len, answer) {
                Ok(absent) => absent,
                Err(unread) => return Some(unread),
            };
            let is = |id: u64, absence| absent.contains(&(id, absence));
            let gone: Vec<u64> = ids.iter().copied().filter(|id| is(*id, Absence::Gone)).collect();
            leads.hidden.extend(ids.iter().filter(|id| is(**id, Absence::Hidden)));
            for known in known.iter().filter(|known| is(known.id, Absence::Gone)) {
                self.note_gone(leads, name, known, found);
            }
            leads.gone += gone.len() as u64;
            if !gone.is_empty() {
                leads.changes.push(Change::Forget { source: self.name().clone(), model: name.to_owned(), ids: gone });
            }
            self.hide(name, known, &absent, leads);
        }
        None
    }
}
