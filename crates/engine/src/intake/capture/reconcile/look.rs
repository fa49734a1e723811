//! The looks of a reconciliation, each in two halves: a page of contents or of identities is seen and compared, and nothing is
//! different after that; then gaps become events, and one commit has what is known, what was counted and where it stands. A look that
//! fails leaves everything as it was, and is taken again.

use std::collections::{BTreeMap, BTreeSet};

use model::{Batch, Fault, Known};
use policy::compiled::CapturedModel;

use super::super::decide::{self as capture, Depth, Found};
use super::super::lead::{Journalled, Leads};
use super::super::look::{Came, Looker};
use super::super::progress::{Pass, Progress};
use super::super::search::{At, Cut, Ids, Purpose, Searched};
use super::decide::{self, Compared, Reached};
use super::standing::{Brake, Mode, Place, Run, Step};
use crate::observe::Capturing;
use crate::ports::{Asked, Extent, Row, Shape, Shown, Unread, Which};

/// What a look compares.
struct Comparing<'a> {
    name: &'a str,
    captured: &'a CapturedModel,
    run: &'a Run,
    step: Step,
    /// Records whose nudge waits.
    nudged: &'a BTreeSet<u64>,
    /// Whether identities were looked at since it was asked for: what is missing then is not hidden.
    has_looked: bool,
}

/// What a look saw: compared with what is known, and neither counted nor taken in.
#[derive(Debug)]
pub(in super::super) struct Sighting {
    pub(in super::super) model: String,
    run: Run,
    step: Step,
    seen: Seen,
    reached: Reached,
    /// Why the model could not be read.
    unread: Option<Unread>,
}

/// Records that were seen.
#[derive(Debug, Default)]
struct Seen {
    /// Each record, and what it is.
    compared: Vec<(u64, Compared)>,
    /// Records known by rows that cannot be read.
    unreadable: u64,
    /// More of the range that are gone, and more that are not known, than a look asks after.
    beyond: (u64, u64),
    leads: Leads,
}

impl Sighting {
    /// Leaves some records to what told of them since.
    pub(in super::super) fn without(mut self, ids: &BTreeSet<u64>) -> Self {
        for (id, compared) in &mut self.seen.compared {
            if ids.contains(id) && *compared != Compared::Same {
                *compared = Compared::Moving;
            }
        }
        self.seen.leads.without(ids);
        self
    }
}

type Looked = Result<Result<Reached, Unread>, Fault>;

impl Looker {
    /// The first half of a step: nothing is different after it.
    pub(in super::super) async fn sight(
        &self,
        name: &str,
        (run, step): (&Run, Step),
        nudged: &BTreeSet<u64>,
    ) -> Result<Result<Sighting, Unread>, Fault> {
        let (progress, _) = self.progress().await?;
        let model = progress.models.get(name);
        let brake = model.and_then(|model| model.reconciliation.brake.clone());
        let has_looked = model.and_then(|model| model.identities.ended_at).is_some_and(|at| at >= run.asked_at);
        let mut sighting = Sighting {
            model: name.to_owned(),
            run: run.clone(),
            step,
            seen: Seen::default(),
            reached: Reached::End,
            unread: None,
        };
        let Some(captured) = self.capture.models.get(name) else { return Ok(Ok(sighting)) };
        let comparing = Comparing { name, captured, run, step, nudged, has_looked };
        let leads = Leads::of(progress.models.get(name));
        let mut seen = Seen { leads, ..Seen::default() };
        let looked = match step.place {
            Place::Contents { after } => self.contents(&comparing, after, &mut seen).await?,
            Place::Identities { from } => self.identities_of(&comparing, (from, brake.as_ref()), &mut seen).await?,
        };
        match looked {
            Ok(reached) => (sighting.seen, sighting.reached) = (seen, reached),
            Err(unread) if unread.of == Extent::System => return Ok(Err(unread)),
            Err(unread) => {
                sighting.reached = Reached::Unread(unread.why.clone());
                sighting.unread = Some(unread);
            }
        }
        Ok(Ok(sighting))
    }

    /// The second half: what was seen is counted and taken in.
    pub(in super::super) async fn count(
        &self,
        (before, mut version): (Progress, u64),
        sighting: Sighting,
    ) -> Result<Came, Fault> {
        let Sighting { model: name, mut run, step, seen, reached, unread } = sighting;
        let mut progress = before.clone();
        let Some(mut model) = progress.models.remove(&name) else { return Ok(Came::Done) };
        if model.reconciliation.run.as_ref().is_some_and(|held| *held != run) {
            // Somebody asked for another one meanwhile.
            return Ok(Came::Done);
        }
        let (mut leads, now) = (seen.leads, self.clock.now());
        run.tally.add(&seen.compared, seen.unreadable, seen.beyond);
        if let Some(lacking) = leads.lacking {
            run.tally.withheld = lacking.missing.saturating_sub(run.tally.gone);
        }
        let mut journalled = Journalled::default();
        match run.mode {
            Mode::Recover => {
                version = self.begin_telling(&mut leads, &before, version).await?;
                journalled = match self.journal(&leads.coming).await {
                    Ok(journalled) => journalled,
                    Err(why) => return Ok(Came::Refused(why)),
                };
                run.tally.recovered += journalled.taken;
                run.tally.unlisted += journalled.left_out;
                run.tally.refused += journalled.refused;
                if reached == Reached::End {
                    let held = model.reconciliation.brake.take();
                    model.reconciliation.brake = self.brake(&name, held, leads.lacking, now);
                }
            }
            Mode::Count => leads = Leads::default(),
        }
        if reached == Reached::End {
            let part = run.tally.completeness();
            self.tell(Capturing::Reconciled { model: &name, same: part.same, of: part.of });
        }
        if reached == Reached::Doubted {
            model.identities = Pass { next: Some(0), ..Pass::default() };
        }
        model.reconciliation = decide::after(model.reconciliation, (run, step), reached, now);
        model.counted_from = model.counted_from.max(leads.counted_from);
        progress.models.insert(name, model);
        leads.learn(&journalled, &mut progress);
        self.step(&mut leads, &progress);
        self.ledger.commit(Batch { guards: vec![self.guard(version)], changes: leads.changes }).await?;
        Ok(unread.map_or(Came::Done, Came::Unread))
    }

    /// A model that cannot be read: what is under way of it, and would wait for what goes before it, ends without a number.
    pub(in super::super) async fn give_up(
        &self,
        (mut progress, version): (Progress, u64),
        name: &str,
        unread: Unread,
    ) -> Result<Came, Fault> {
        let model = progress.models.get_mut(name).filter(|_| unread.of == Extent::Model);
        let ended = model.and_then(|model| {
            model.reconciliation = decide::given_up(&model.reconciliation, &unread.why, self.clock.now())?;
            Some(())
        });
        if ended.is_some() {
            let mut leads = Leads::default();
            self.step(&mut leads, &progress);
            self.ledger.commit(Batch { guards: vec![self.guard(version)], changes: leads.changes }).await?;
        }
        Ok(Came::Unread(unread))
    }

    /// A page of what was written within the window.
    async fn contents(&self, of: &Comparing<'_>, after: u64, seen: &mut Seen) -> Looked {
        let which = Which::Written { from: of.step.window.from, after };
        let shown = match self.whole(of, which, capture::PAGE).await {
            Ok(shown) => shown,
            Err(unread) => return Ok(Err(unread)),
        };
        let more = shown.more_after;
        self.closed(of.name, &shown.closed, &mut seen.leads).await?;
        let rows = decide::settle(shown.rows, &of.step.window);
        self.compare(of, rows, shown.shape, seen).await?;
        let place = more.map_or(Place::Identities { from: 0 }, |after| Place::Contents { after });
        Ok(Ok(Reached::Place(place)))
    }

    /// Which ids are there. Contents went before: what is missing within the window is counted, and known where it became an event.
    async fn identities_of(&self, of: &Comparing<'_>, (from, brake): (u64, Option<&Brake>), seen: &mut Seen) -> Looked {
        let (mode, tally) = (of.run.mode, of.run.tally);
        let ids = if mode == Mode::Count && tally.missing > 0 { Ids::Everywhere } else { Ids::WhereCountsDiffer };
        let (found, purpose) = (Found::Reconciliation, Purpose::Take);
        let at = At { name: of.name, from, found, gone: tally.gone, brake, ids, purpose };
        let differ = match self.search(at).await? {
            Ok(Searched::Apart(differ)) => differ,
            Ok(Searched::TooMany(_)) if !of.has_looked => return Ok(Ok(Reached::Doubted)),
            Ok(Searched::TooMany(lacking)) => {
                seen.leads.lacking = Some(lacking);
                return Ok(Ok(Reached::End));
            }
            Err(unread) => return Ok(Err(unread)),
        };
        let (left, missing): (Vec<u64>, Vec<u64>) = differ.apart.missing.iter().partition(|id| of.nudged.contains(id));
        seen.compared.extend(left.into_iter().map(|id| (id, Compared::Moving)));
        let rows = self.ledger.known(self.name(), of.name, missing).await?.rows;
        if let Some(unread) = self.gone(of.name, rows, Found::Reconciliation, &mut seen.leads).await {
            return Ok(Err(unread));
        }
        let gone = seen.leads.coming.iter().map(|coming| (coming.id, Compared::Gone));
        seen.compared.extend(gone);
        for ids in differ.apart.unknown.chunks(capture::PAGE) {
            let shown = match self.whole(of, Which::These(ids.to_vec()), ids.len()).await {
                Ok(shown) => shown,
                Err(unread) => return Ok(Err(unread)),
            };
            self.closed(of.name, &shown.closed, &mut seen.leads).await?;
            let mut rows = decide::settle(shown.rows, &of.step.window);
            if mode == Mode::Count {
                rows.retain(|row| decide::is_older(row, &of.step.window));
            }
            self.compare(of, rows, shown.shape, seen).await?;
        }
        let next = match (mode, differ.cut) {
            (Mode::Recover, _) if !seen.leads.changes.is_empty() => differ.rest(),
            (Mode::Count, Some(Cut { beyond, .. })) => {
                // LIMIT: those beyond a look are counted without being asked after: nothing goes away that would be found next time.
                seen.beyond = (beyond.0 as u64, beyond.1 as u64);
                differ.past()
            }
            (Mode::Recover | Mode::Count, _) => differ.past(),
        };
        Ok(Ok(next.map_or(Reached::End, |from| Reached::Place(Place::Identities { from }))))
    }

    /// Records, read whole.
    async fn whole(&self, of: &Comparing<'_>, which: Which, limit: usize) -> Result<Shown, Unread> {
        let asked = Asked { model: of.name.to_owned(), reading: of.captured.reading.clone(), which, limit };
        let answer = self.records.shown(&self.peer, &asked).await;
        self.read(Found::Reconciliation.word(), |shown: &Shown| shown.rows.len(), answer)
    }

    /// Compares settled rows with what is known of them.
    async fn compare(&self, of: &Comparing<'_>, rows: Vec<Row>, shape: Shape, seen: &mut Seen) -> Result<(), Fault> {
        let ids = rows.iter().map(|row| row.id).collect();
        let readable = self.ledger.known(self.name(), of.name, ids).await?;
        let known: BTreeMap<u64, Known> = readable.rows.into_iter().map(|known| (known.id, known)).collect();
        seen.unreadable += readable.unreadable.len() as u64;
        for row in rows {
            let before = known.get(&row.id);
            let judged = capture::judge(of.name, &row, (before, seen.leads.counted_from), shape, Depth::Again);
            let compared = decide::compared(before, &judged, row.id, of.nudged);
            seen.compared.push((row.id, compared));
            if compared != Compared::Moving {
                self.note(&mut seen.leads, (before, judged), &row, (of.name, Found::Reconciliation));
            }
        }
        Ok(())
    }
}
