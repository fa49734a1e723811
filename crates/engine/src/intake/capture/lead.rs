//! What a look leads to: events are taken in, and once these are in the journal what is known is committed, in one step with how
//! far the source is. It never commits what was not taken in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue};
use model::event::Brought;
use model::{Batch, Change, Fault, Guard, Known, Received, RefusalKind, Timestamp};
use policy::compiled::{FOUND_HEADER, KEY_HEADER, TYPE_HEADER};

use super::decide::{self, Found, Judged, News};
use super::look::{Came, Looker};
use super::reconcile::brake::Lacking;
use crate::intake::run::Answer;
use crate::observe::Capturing;
use crate::ports::Row;

/// An event that is to be taken in.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) model: String,
    pub(super) id: u64,
    pub(super) news: News,
    pub(super) body: Bytes,
    pub(super) found: Found,
}

/// What a look leads to: that events were begun, the events, and once these are in the journal, the changes.
#[derive(Debug, Default)]
pub(super) struct Leads {
    /// Nothing of what comes again by itself, as lines of an outbox do.
    pub(super) begun: Vec<Change>,
    /// In the order of what happened.
    pub(super) coming: Vec<Coming>,
    pub(super) changes: Vec<Change>,
    /// So many deletions at once that none is believed.
    pub(super) lacking: Option<Lacking>,
    /// Records that are taken as deleted.
    pub(super) gone: u64,
    /// Records that a rule hides from us.
    pub(super) hidden: BTreeSet<u64>,
}

/// What became of events that were to be taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Journalled {
    /// They are in the journal.
    pub(super) taken: u64,
    /// They will never be; each was told.
    pub(super) refused: u64,
    /// Their types are not listed.
    pub(super) unlisted: u64,
}

/// Whether intake has an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It has.
    Now,
    /// It has not, and never will.
    Never,
    /// It may, later.
    NotNow,
}

impl Leads {
    /// Leaves out what they say of some records of their model.
    pub(super) fn without(&mut self, ids: &BTreeSet<u64>) {
        self.coming.retain(|coming| !ids.contains(&coming.id));
        self.hidden.retain(|id| !ids.contains(id));
        for changes in [&mut self.begun, &mut self.changes] {
            changes.retain_mut(|change| leaves_any(change, ids));
        }
    }
}

/// Whether anything is left of a change that is to be without these records.
fn leaves_any(change: &mut Change, ids: &BTreeSet<u64>) -> bool {
    match change {
        Change::Know { rows, .. } => {
            rows.retain(|known| !ids.contains(&known.id));
            !rows.is_empty()
        }
        Change::Forget { ids: gone, .. } => {
            gone.retain(|id| !ids.contains(id));
            !gone.is_empty()
        }
        _ => true,
    }
}

impl Looker {
    pub(super) fn is_listed(&self, coming: &Coming) -> bool {
        self.source.events.contains_key(&native(coming))
    }

    /// Takes the events in, and then commits what is known.
    pub(super) async fn lead(&self, mut leads: Leads, guards: Vec<Guard>) -> Result<Came, Fault> {
        self.begin_telling(&mut leads, &guards).await?;
        if self.journal(&leads.coming).await.is_none() {
            return Ok(Came::Refused);
        }
        if !leads.changes.is_empty() {
            self.ledger.commit(Batch { guards, changes: leads.changes }).await?;
        }
        Ok(Came::Done)
    }

    /// Takes note of which events are begun, before the journal has them. When what follows is broken off, the next look tells once
    /// more of what was begun, though it may have been changed back or deleted.
    pub(super) async fn begin_telling(&self, leads: &mut Leads, guards: &[Guard]) -> Result<(), Fault> {
        let changes = std::mem::take(&mut leads.begun);
        if !changes.is_empty() {
            self.ledger.commit(Batch { guards: guards.to_vec(), changes }).await?;
        }
        Ok(())
    }

    /// What a row that was judged leads to.
    pub(super) fn note(
        &self,
        leads: &mut Leads,
        (before, judged): (Option<&Known>, Judged),
        row: &Row,
        (name, found): (&str, Found),
    ) {
        let Judged { news, known } = judged;
        if let Some(news) = news {
            let coming = Coming { model: name.to_owned(), id: row.id, news, body: row.body.clone(), found };
            if self.is_listed(&coming) {
                self.know(&mut leads.begun, name, decide::begun(row.id, before));
            }
            leads.coming.push(coming);
        }
        if before != Some(&known) {
            self.know(&mut leads.changes, name, known);
        }
    }

    /// Adds what is known of a record to the others of its model.
    fn know(&self, changes: &mut Vec<Change>, name: &str, known: Known) {
        match changes.last_mut() {
            Some(Change::Know { model, rows, .. }) if model == name => rows.push(known),
            _ => changes.push(Change::Know { source: self.name().clone(), model: name.to_owned(), rows: vec![known] }),
        }
    }

    /// Takes events in, those whose types the source lists, and those of one record one after the other; `None` where intake cannot
    /// take one now.
    pub(super) async fn journal(&self, coming: &[Coming]) -> Option<Journalled> {
        let mut listed: BTreeMap<(&str, u64), Vec<&Coming>> = BTreeMap::new();
        for coming in coming.iter().filter(|coming| self.is_listed(coming)) {
            listed.entry((&coming.model, coming.id)).or_default().push(coming);
        }
        let count = listed.values().map(Vec::len).sum::<usize>();
        let mut journalled = Journalled { unlisted: (coming.len() - count) as u64, ..Journalled::default() };
        let listed: Vec<Vec<&Coming>> = listed.into_values().collect();
        for page in listed.chunks(decide::PAGE) {
            let answers = join_all(page.iter().map(|of_record| self.take_all(of_record))).await;
            for (taken, refused) in answers.into_iter().collect::<Option<Vec<_>>>()? {
                journalled.taken += taken;
                journalled.refused += refused;
            }
        }
        Some(journalled)
    }

    /// How many of them intake has and how many it never will, taken in this order; `None` where it cannot take one now.
    async fn take_all(&self, of_record: &[&Coming]) -> Option<(u64, u64)> {
        let mut all = (0, 0);
        for coming in of_record {
            match self.take(coming).await {
                Taken::Now => all.0 += 1,
                Taken::Never => all.1 += 1,
                Taken::NotNow => return None,
            }
        }
        Some(all)
    }

    /// Whether intake has it, or will never take it, which is told.
    async fn take(&self, coming: &Coming) -> Taken {
        let Some(received) = self.received(coming, self.clock.now()) else { return Taken::Never };
        match self.intake.receive(received).await {
            Answer::Accepted(item) => {
                if !item.duplicate {
                    self.tell(Capturing::Taken { found: coming.found.word() });
                }
                Taken::Now
            }
            Answer::Batch(_) | Answer::Handshake(_) => Taken::Now,
            Answer::Refused(refusal) if matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::OverLimit) => {
                Taken::NotNow
            }
            Answer::Refused(refusal) => {
                self.tell(Capturing::NotTaken { record: &coming.news.key, why: &refusal.detail });
                Taken::Never
            }
        }
    }

    fn received(&self, coming: &Coming, at: Timestamp) -> Option<Received> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            (TYPE_HEADER, native(coming)),
            (KEY_HEADER, coming.news.key.clone()),
            (FOUND_HEADER, coming.found.word().to_owned()),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).ok()?);
        }
        let seed = self.clock.chance();
        Some(Received {
            source: self.name().clone(),
            at,
            headers,
            method: "POST".to_owned(),
            path: String::new(),
            query: String::new(),
            body: coming.body.clone(),
            peer: None::<IpAddr>,
            by: Brought::Capture,
            seed: seed.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte)),
        })
    }
}

/// The native type of an event.
fn native(coming: &Coming) -> String {
    format!("{}.{}", coming.model, coming.news.word)
}
