//! Which ids are there and which are known: counts by ranges, ids only where these differ. Deletions that are too many at once to be
//! believed are told from the counts, before anything is looked at.

use std::collections::BTreeSet;

use model::{Fault, Sight, Timestamp};
use policy::compiled::CapturedModel;

use super::decide::{self, Found, Told};
use super::identities::{ALL, Apart, apart, compare, ranges};
use super::lead::Leads;
use super::look::Looker;
use super::progress::{Doubt, Model};
use super::reconcile::brake::{self, Forecast, Lacking};
use super::reconcile::standing::Brake;
use crate::observe::Capturing;
use crate::ports::{Absence, Unread};

/// LIMIT: ids that one look finds on one side only; the rest is found by the next.
const APART_MAX: usize = 1_000;
/// LIMIT: missing records that one look asks after where they are too many to be believed, and hidden ones, the rest the next: where they are hidden still, each is a call of its own.
const HIDDEN_MAX: usize = 400;

/// Where a pass over identities is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    /// Of which model.
    pub(super) name: &'a str,
    /// The next id.
    pub(super) from: u64,
    /// What is found is found so.
    pub(super) found: Found,
    /// Records that this pass has taken as deleted.
    pub(super) gone: u64,
    /// The brake, where a pass before this one met too many.
    pub(super) brake: Option<&'a Brake>,
    /// Where ids are read.
    pub(super) ids: Ids,
    /// What for.
    pub(super) purpose: Purpose,
}

/// What becomes of what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is deleted, unless it is too much.
    Take,
    /// It is asked after, however much it is.
    Doubt,
}

/// Where ids are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// In ranges in which there are not as many as are known.
    WhereCountsDiffer,
    /// In every range: what is missing and stays so would hide what is gone.
    Everywhere,
}

/// What a look at ids came to.
#[derive(Debug)]
pub(super) enum Searched {
    /// These are on one side only.
    Apart(Differences),
    /// So many are not shown any more that none of them is believed.
    TooMany(Lacking),
}

/// Ids on one side only.
#[derive(Debug)]
pub(super) struct Differences {
    /// At most as many as a look asks after.
    pub(super) apart: Apart,
    /// The range in which this was not all.
    pub(super) cut: Option<Cut>,
    /// Where the next look begins, where this was all.
    pub(super) next: Option<u64>,
    /// What the pass would take as deleted by these.
    lacking: Lacking,
}

/// A range in which there are more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// The range.
    pub(super) range: (u64, u64),
    /// How many more are missing, and how many more are not known.
    pub(super) beyond: (usize, usize),
}

impl Differences {
    /// Where the pass goes on once these are dealt with.
    pub(super) fn rest(&self) -> Option<u64> {
        self.cut.map_or(self.next, |cut| Some(cut.range.0))
    }

    /// Where it goes on where dealing with them changed nothing: a range that was cut would be cut for ever.
    pub(super) fn past(&self) -> Option<u64> {
        self.cut.map_or(self.next, |cut| Some(cut.range.1))
    }
}

impl Looker {
    /// Which ids are there: what is missing and what is not known, where the counts differ.
    pub(super) async fn identities(
        &self,
        (name, captured): (&str, &CapturedModel),
        from: u64,
        leads: &mut Leads,
    ) -> Result<Result<Told, Unread>, Fault> {
        let (progress, _) = self.progress().await?;
        let model = progress.models.get(name);
        let pass = model.map(|it| it.identities).unwrap_or_default();
        let (gone, brake) = (pass.gone, model.and_then(|it| it.reconciliation.brake.as_ref()));
        let found = Found::Identities;
        let at = At { name, from, found, gone, brake, ids: Ids::WhereCountsDiffer, purpose: Purpose::Take };
        let ended = |more_after| Ok(Ok(Told { more_after, at: self.clock.wall() }));
        if let Some(Doubt { next: Some(next), gone }) = pass.doubt {
            let unread = self.doubted(At { from: next, purpose: Purpose::Doubt, ..at }, gone, leads).await?;
            // What is hidden counts no more: the pass goes on from where it was, unless too many are gone.
            return unread.map_or_else(|| ended(leads.lacking.is_none().then_some(from)), |unread| Ok(Err(unread)));
        }
        let differ = match self.search(at).await? {
            Ok(Searched::Apart(differ)) => differ,
            Ok(Searched::TooMany(_)) if pass.doubt.is_none() => {
                leads.doubt = Some(Doubt { next: Some(from), gone: 0 });
                return ended(Some(from));
            }
            Ok(Searched::TooMany(lacking)) => {
                leads.lacking = Some(lacking);
                return ended(None);
            }
            Err(unread) => return Ok(Err(unread)),
        };
        let rows = self.ledger.known(self.name(), name, differ.apart.missing.clone()).await?.rows;
        if let Some(unread) = self.gone(name, rows, found, leads).await {
            return Ok(Err(unread));
        }
        if let Some(unread) = self.these((name, captured), differ.apart.unknown.clone(), found, leads).await? {
            return Ok(Err(unread));
        }
        let next = if leads.changes.is_empty() { differ.past() } else { differ.rest() };
        let before = leads.gone;
        let next = match self.hidden_again((name, captured), (from, next), &differ.apart.unknown, leads).await? {
            Ok(next) => next,
            Err(unread) => return Ok(Err(unread)),
        };
        let lacking = Lacking { missing: differ.lacking.missing + leads.gone - before, ..differ.lacking };
        if lacking.is_too_many(brake) {
            *leads = Leads { lacking: Some(lacking), ..Leads::default() };
            return ended(None);
        }
        ended(next)
    }

    /// So much is missing that no deletion is believed, but a rule may hide it: as much as a look may is asked after, and what is hidden
    /// becomes known so. `gone` were found gone before, and nothing is taken as deleted here.
    async fn doubted(&self, at: At<'_>, gone: u64, leads: &mut Leads) -> Result<Option<Unread>, Fault> {
        let differ = match self.search(at).await? {
            Ok(Searched::Apart(differ)) => differ,
            Ok(Searched::TooMany(lacking)) => {
                leads.lacking = Some(lacking);
                return Ok(None);
            }
            Err(unread) => return Ok(Some(unread)),
        };
        let ids = &differ.apart.missing;
        let known = self.ledger.known(self.name(), at.name, ids.clone()).await?.rows;
        let (mut hidden, mut lost) = (0, gone);
        for known in known.chunks(decide::PAGE) {
            let ids: Vec<u64> = known.iter().map(|known| known.id).collect();
            let answer = self.records.missing(&self.peer, at.name, &ids).await;
            let absent = match self.read(at.found.word(), Vec::len, answer) {
                Ok(absent) => absent,
                Err(unread) => return Ok(Some(unread)),
            };
            lost += absent.iter().filter(|(_, absence)| *absence == Absence::Gone).count() as u64;
            hidden += self.hide(at.name, known, &absent, leads);
        }
        let lacking = differ.lacking;
        if (Lacking { missing: at.gone + lost, ..lacking }).is_too_many(at.brake) {
            leads.lacking = Some(Lacking { missing: (lacking.missing + gone).saturating_sub(hidden), ..lacking });
        }
        let next = differ.cut.map_or(differ.next, |_| ids.last().map(|last| last + 1));
        leads.doubt = Some(Doubt { next, gone: lost });
        Ok(None)
    }

    /// Asks after hidden records from an id on, and up to where the pass goes on: one may be deleted by now, or be shown again. Those
    /// of which that was read have their answer. Answers where the pass goes on after these.
    async fn hidden_again(
        &self,
        of: (&str, &CapturedModel),
        (from, next): (u64, Option<u64>),
        read: &[u64],
        leads: &mut Leads,
    ) -> Result<Result<Option<u64>, Unread>, Fault> {
        let within = (Sight::Unread, (from, next.unwrap_or(ALL.1)));
        let mut ids = self.ledger.known_ids(self.name(), of.0, within, HIDDEN_MAX).await?;
        let next = if ids.len() == HIDDEN_MAX { ids.last().map(|last| last + 1) } else { next };
        let read: BTreeSet<u64> = read.iter().copied().collect();
        ids.retain(|id| !read.contains(id));
        let unread = self.these(of, ids, Found::Identities, leads).await?;
        Ok(unread.map_or(Ok(next), Err))
    }

    /// The model after a look at identities, with its brake, and with what is hidden; so many were by the looks of the pass before.
    pub(super) fn braked(&self, name: &str, mut model: Model, (leads, hidden): (&Leads, u64), now: Timestamp) -> Model {
        // What is hidden beyond is asked after again, and counted there.
        let upto = model.identities.next.unwrap_or(u64::MAX);
        let hidden = hidden + leads.hidden.range(..upto).count() as u64;
        if model.identities.next.is_some() {
            model.identities.doubt = leads.doubt.or(model.identities.doubt);
            model.identities.gone += leads.gone;
            model.identities.hidden = hidden;
        } else {
            if leads.lacking.is_none() {
                if hidden > model.hidden {
                    self.tell(Capturing::Hidden { model: name, count: hidden });
                }
                model.hidden = hidden;
            }
            model.reconciliation.brake = self.brake(name, model.reconciliation.brake, leads.lacking, now);
        }
        model
    }

    /// The brake after a pass over identities; that one begins is told.
    pub(super) fn brake(&self, name: &str, held: Option<Brake>, lacking: Option<Lacking>, now: Timestamp) -> Option<Brake> {
        if let (None, Some(Lacking { missing, known })) = (&held, lacking) {
            self.tell(Capturing::Withheld { model: name, missing, known });
        }
        brake::after(held, lacking, now)
    }

    /// The ids on one side only, from where a pass is.
    pub(super) async fn search(&self, at: At<'_>) -> Result<Result<Searched, Unread>, Fault> {
        let At { name, found, .. } = at;
        let ranges = ranges(at.from);
        let answer = self.records.counts(&self.peer, name, &ranges).await;
        let there = match self.read(found.word(), Vec::len, answer) {
            Ok(counts) => counts,
            Err(unread) => return Ok(Err(unread)),
        };
        let known = self.ledger.known_counts(self.name(), name, ranges.clone()).await?;
        let all: u64 = self.ledger.known_counts(self.name(), name, vec![ALL]).await?.iter().sum();
        let mut forecast = Forecast::by_counts(&there, &known, all, at.gone);
        let compared = compare(&ranges, &there, &known);
        let mut told = Differences { apart: Apart::default(), cut: None, next: compared.next, lacking: forecast.lacking() };
        let differ = match at.ids {
            Ids::WhereCountsDiffer => compared.differ,
            Ids::Everywhere => compared.within,
        };
        let most = match at.purpose {
            Purpose::Take => APART_MAX,
            Purpose::Doubt => HIDDEN_MAX,
        };
        let is_too_many = |lacking: Lacking| at.purpose == Purpose::Take && lacking.is_too_many(at.brake);
        for range in differ {
            if is_too_many(forecast.lacking()) {
                break;
            }
            let answer = self.records.ids(&self.peer, name, range).await;
            let there = match self.read(found.word(), Vec::len, answer) {
                Ok(ids) => ids,
                Err(unread) => return Ok(Err(unread)),
            };
            let limit = usize::try_from(range.1 - range.0).unwrap_or(usize::MAX);
            let mut these = apart(&there, &self.ledger.known_ids(self.name(), name, (Sight::Listed, range), limit).await?);
            if at.purpose == Purpose::Doubt {
                // Nothing is asked of those that nobody knows: they would take the room of what is missing.
                these.unknown.clear();
            }
            forecast.learn(ranges.iter().position(|it| *it == range).unwrap_or(usize::MAX), these.missing.len());
            let beyond = these.cut(most - told.apart.len());
            told.apart.append(these);
            if beyond != (0, 0) {
                told.cut = Some(Cut { range, beyond });
                break;
            }
        }
        let lacking = forecast.lacking();
        told.lacking = lacking;
        Ok(Ok(if is_too_many(lacking) { Searched::TooMany(lacking) } else { Searched::Apart(told) }))
    }
}
