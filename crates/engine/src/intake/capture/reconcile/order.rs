//! What people ask of reconciliations: how far they are, one now, and deletions that are withheld let go. Read, decide, commit with
//! the audit row; the loop of captures does the rest, on whichever node that is.

use std::sync::Arc;

use model::limit::{RECONCILED_MAX, RECONCILED_MIN};
use model::{Batch, Change, Fault, FaultKind, Guard, SourceName, Standing, TimeSpan};
use policy::compiled::Capture;

use super::super::decide::up_to_date;
use super::super::progress::{Model, Progress};
use super::brake;
use super::decide;
use super::standing::{Mode, Reconciliation};
use crate::board::Board;
use crate::book::Book;
use crate::ports::Ledger;
use crate::rules::asked::{Asked, NotDone};

/// LIMIT: how often a commit is tried while the loop of captures commits pages of the same source.
const TRIES_MAX: usize = 20;

/// The commands on reconciliations.
#[derive(Clone, Debug)]
pub struct Reconciliations {
    /// Where they stand.
    pub ledger: Arc<dyn Ledger>,
    /// What is captured.
    pub book: Arc<Book>,
    /// What is paused, which keys have values, and what cannot be read.
    pub board: Arc<Board>,
}

/// One that is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of which source.
    pub source: SourceName,
    /// Of these models; of all where there are none.
    pub models: Vec<String>,
    /// How much of the past; as the source declares where there is none.
    pub span: Option<TimeSpan>,
    /// What becomes of gaps.
    pub mode: Mode,
}

/// What stands of a captured model.
#[derive(Clone, Debug)]
pub struct Stands {
    /// Of which source.
    pub source: SourceName,
    /// Of which model.
    pub model: String,
    /// Its reconciliations.
    pub reconciliation: Reconciliation,
    /// Records that a rule hides from us.
    pub hidden: u64,
    /// Records of it that intake refused as they are.
    pub refused: u64,
}

impl Reconciliations {
    /// All captured models, by source and name.
    pub async fn all(&self) -> Result<Vec<Stands>, Fault> {
        let policy = self.book.current();
        let mut all = Vec::new();
        for source in policy.sources.values() {
            let Some(capture) = source.captured() else { continue };
            let (progress, _) = self.progress(&source.name, capture).await?;
            all.extend(progress.models.into_iter().map(|(model, held)| Stands {
                source: source.name.clone(),
                model,
                reconciliation: held.reconciliation,
                hidden: held.hidden,
                refused: held.refused,
            }));
        }
        Ok(all)
    }

    /// Asks for one now; answers the models that will be compared. One of the schedule gives way.
    ///
    /// Refused: `Unknown` for a source or model that there is not, `Refused` for one that is not captured, is paused, cannot be read,
    /// or is being compared for a person already.
    pub async fn order(&self, wanted: &Wanted, asked: &Asked) -> Result<Vec<String>, NotDone> {
        asked.check()?;
        let capture = self.capture(&wanted.source)?;
        let span = wanted.span.unwrap_or(capture.rhythm.window);
        if !(RECONCILED_MIN..=RECONCILED_MAX).contains(&span) {
            let (least, most) = (RECONCILED_MIN.rounded(), RECONCILED_MAX.rounded());
            return Err(NotDone::Refused(format!("a window is at least {least} and at most {most}")));
        }
        self.can_be_read(&wanted.source, &capture)?;
        let models = named(&wanted.source, &capture, &wanted.models)?;
        let subject = format!("source/{}", wanted.source);
        self.change(&wanted.source, &capture, asked.audit("reconciliation.order", &subject), |progress| {
            let of_wanted = progress.models.iter_mut().filter(|(name, _)| models.contains(name));
            for (name, model) in of_wanted {
                begin(name, model, decide::asked(asked.by.clone(), wanted.mode, span, asked.at))?;
            }
            Ok(())
        })
        .await?;
        Ok(models)
    }

    /// Lets the deletions of a model go that are withheld, as many as were told; answers how many these are.
    ///
    /// Refused: `Unknown` for a source or model that there is not, `Refused` where nothing is withheld.
    pub async fn release(&self, source: &SourceName, name: &str, asked: &Asked) -> Result<u64, NotDone> {
        asked.check()?;
        let capture = self.capture(source)?;
        named(source, &capture, &[name.to_owned()])?;
        let audit = asked.audit("reconciliation.release", &format!("source/{source}/{name}"));
        let mut missing = 0;
        self.change(source, &capture, audit, |progress| {
            let model = progress.models.get_mut(name);
            let held = model.and_then(|model| Some((model.reconciliation.brake.take()?, model)));
            let Some((held, model)) = held else {
                return Err(NotDone::Refused(format!("no deletions of {name} of {source} are withheld")));
            };
            missing = held.missing;
            model.reconciliation.brake = Some(brake::release(held, &asked.by));
            // The next pass over identities begins now.
            model.identities = super::super::progress::Pass::default();
            Ok(())
        })
        .await?;
        Ok(missing)
    }

    fn capture(&self, source: &SourceName) -> Result<Capture, NotDone> {
        let policy = self.book.current();
        let Some(declared) = policy.sources.get(source) else {
            return Err(NotDone::Unknown(format!("there is no source {source} in the present policy")));
        };
        let told = || format!("{source} is not captured: its events are sent to it, and there is nothing to compare with");
        declared.captured().cloned().ok_or_else(|| NotDone::Refused(told()))
    }

    /// Refuses what would wait for somebody.
    fn can_be_read(&self, source: &SourceName, capture: &Capture) -> Result<(), NotDone> {
        if let Some(switch) = self.board.switches.paused(&format!("source/{source}")) {
            return Err(NotDone::Refused(format!(
                "source/{source} is paused by {}: {}; resume it first",
                switch.by, switch.why
            )));
        }
        let keys = self.board.keys.borrow();
        if keys.values(&capture.odoo.keys).next().is_none() {
            return Err(NotDone::Refused(format!("no key of {source} has a value: it cannot be read")));
        }
        let gaps = self.board.gaps.all();
        match gaps.iter().find(|gap| gap.source == *source && gap.model.is_none()) {
            Some(gap) => {
                let help = if gap.help.is_empty() { String::new() } else { format!("; {}", gap.help) };
                Err(NotDone::Refused(format!("{source} cannot be read since {}: {}{help}", gap.since, gap.why)))
            }
            None => Ok(()),
        }
    }

    /// Changes what stands of a source, and says so in the audit.
    async fn change(
        &self,
        source: &SourceName,
        capture: &Capture,
        audit: model::AuditRow,
        mut change: impl FnMut(&mut Progress) -> Result<(), NotDone>,
    ) -> Result<(), NotDone> {
        for _ in 0..TRIES_MAX {
            let (mut progress, version) = self.progress(source, capture).await?;
            change(&mut progress)?;
            let batch = Batch {
                guards: vec![Guard::Standing { source: source.clone(), version }],
                changes: vec![Change::Stand { source: source.clone(), text: progress.text() }, Change::Audit(audit.clone())],
            };
            match self.ledger.commit(batch).await {
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                committed => return Ok(committed.map(drop)?),
            }
        }
        Err(NotDone::Changed(format!("{source} is being read so fast that nothing can be put in between; ask again")))
    }

    async fn progress(&self, source: &SourceName, capture: &Capture) -> Result<(Progress, u64), Fault> {
        let held = self.ledger.standing(source).await?;
        let (progress, version) = match held {
            Some(Standing { text, version }) => (Progress::read(&text)?, version),
            None => (Progress::default(), 0),
        };
        Ok((up_to_date(progress, capture), version))
    }
}

/// The models that were named, or all of them.
fn named(source: &SourceName, capture: &Capture, models: &[String]) -> Result<Vec<String>, NotDone> {
    let all = || capture.models.keys().cloned().collect::<Vec<_>>();
    if let Some(unknown) = models.iter().find(|name| !capture.models.contains_key(*name)) {
        return Err(NotDone::Unknown(format!("{source} does not capture {unknown}: it captures {}", all().join(", "))));
    }
    Ok(if models.is_empty() { all() } else { models.to_vec() })
}

/// Puts a run where none of a person is. The same wish twice is one.
fn begin(name: &str, model: &mut Model, run: super::standing::Run) -> Result<(), NotDone> {
    let held = model.reconciliation.run.as_ref().filter(|held| held.by != model::Principal::product());
    if let Some(held) = held.filter(|held| (held.asked_at, &held.by) != (run.asked_at, &run.by)) {
        let told = format!("{name} is being compared for {} since {}; wait for its end", held.by, held.asked_at);
        return Err(NotDone::Refused(told));
    }
    if held.is_none() {
        model.reconciliation.run = Some(run);
    }
    Ok(())
}
