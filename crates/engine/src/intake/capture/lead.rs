//! What a look leads to: events are taken in, and once these are in the journal what is known is committed, in one step with how
//! far the source is. It never commits what was not taken in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue};
use model::event::Brought;
use model::{Batch, Change, Fault, Known, Received, RefusalKind, Telling, Timestamp};
use policy::compiled::{FOUND_HEADER, KEY_HEADER, TYPE_HEADER, Unknown};

use super::decide::{self, Found, Judged, News};
use super::look::{Came, Looker};
use super::progress::{Counted, Doubt, Model, Progress};
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
    /// How far what is missing was asked after, where it is so much.
    pub(super) doubt: Option<Doubt>,
    /// Records that are taken as deleted.
    pub(super) gone: u64,
    /// Records that a rule hides from us.
    pub(super) hidden: BTreeSet<u64>,
    /// From where tellings are counted of records of which nothing is known.
    pub(super) counted_from: u64,
    /// Records that intake refused before, of which this look says something.
    pub(super) refused: BTreeSet<(String, u64)>,
}

/// What became of events that were to be taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Journalled {
    /// They are in the journal.
    pub(super) taken: u64,
    /// They will not be, as they are; each was told.
    pub(super) refused: u64,
    /// The source leaves them out.
    pub(super) left_out: u64,
    /// Records whose last event was refused.
    pub(super) refused_of: BTreeSet<(String, u64)>,
}

/// Why intake takes nothing now, in a sentence.
pub(super) type NotNow = String;

/// Whether intake has an event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Taken {
    /// It has.
    Now,
    /// It has not, and will not as things are.
    Refused,
    /// It may, later.
    NotNow(NotNow),
}

impl Leads {
    /// Of a look at this model.
    pub(super) fn of(model: Option<&Model>) -> Self {
        Self { counted_from: model.map_or(0, |model| model.counted_from), ..Self::default() }
    }

    /// Whether nothing is news and nothing is known otherwise.
    pub(super) fn is_nothing(&self) -> bool {
        self.coming.is_empty() && self.changes.is_empty()
    }

    /// These records were named by nudges that wait: a look that comes to them sooner finds nothing that nudges missed.
    pub(super) fn were_named(&mut self, nudged: &BTreeSet<u64>) {
        for coming in self.coming.iter_mut().filter(|coming| nudged.contains(&coming.id)) {
            coming.found = Found::Nudge;
        }
    }

    /// Leaves out what they say of some records of their model.
    pub(super) fn without(&mut self, ids: &BTreeSet<u64>) {
        self.coming.retain(|coming| !ids.contains(&coming.id));
        self.hidden.retain(|id| !ids.contains(id));
        self.refused.retain(|(_, id)| !ids.contains(id));
        for changes in [&mut self.begun, &mut self.changes] {
            changes.retain_mut(|change| leaves_any(change, ids));
        }
    }
}

impl Leads {
    /// Something is said of a record of which this was known.
    pub(super) fn had(&mut self, model: &str, before: Option<&Known>) {
        if let Some(before) = before.filter(|before| before.told.telling == Telling::Refused) {
            self.refused.insert((model.to_owned(), before.id));
        }
    }

    /// What the journal took and what it did not is known from now on, and counted.
    pub(super) fn learn(&mut self, journalled: &Journalled, progress: &mut Progress) {
        for change in &mut self.changes {
            if let Change::Know { model, rows, .. } = change {
                let is_refused = |row: &&mut Known| journalled.refused_of.contains(&(model.clone(), row.id));
                for row in rows.iter_mut().filter(is_refused) {
                    row.told.telling = Telling::Refused;
                }
            }
        }
        let known = |(model, id): &&(String, u64)| self.changes.iter().any(|change| knows(change, model, *id));
        self.refused.iter().for_each(|(model, _)| progress.count_refused(model, Counted::Less));
        journalled.refused_of.iter().filter(known).for_each(|(model, _)| progress.count_refused(model, Counted::More));
    }
}

/// Whether a change says what is known of a record.
fn knows(change: &Change, of: &str, id: u64) -> bool {
    matches!(change, Change::Know { model, rows, .. } if model == of && rows.iter().any(|row| row.id == id))
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
    /// Whether an event goes to intake. What is listed does, and what is not where `unknown` asks for it as of any sender: a state that
    /// nobody listed is one that its author did not know of. That a record was made, changed or deleted is ours to say, and a list
    /// without it leaves it out.
    fn is_wanted(&self, coming: &Coming) -> bool {
        self.source.events.contains_key(&native(coming))
            || match self.source.unknown {
                Unknown::Accept => true,
                Unknown::Quarantine => !decide::is_our_word(&coming.news.word),
                Unknown::Refuse => false,
            }
    }

    /// Takes the events in, and then commits what is known together with the progress that it leads to. `before` is the progress
    /// that the look began with, and the version to guard it with.
    ///
    /// INVARIANT (decision 0052): who tells something steps on before and after it, so that of two hands on one source the one whose
    /// reading is older tells nothing.
    pub(super) async fn lead(
        &self,
        mut leads: Leads,
        (before, version): (&Progress, u64),
        mut after: Progress,
    ) -> Result<Came, Fault> {
        let version = self.begin_telling(&mut leads, before, version).await?;
        let journalled = match self.journal(&leads.coming).await {
            Ok(journalled) => journalled,
            Err(why) => return Ok(Came::Refused(why)),
        };
        leads.learn(&journalled, &mut after);
        self.step(&mut leads, &after);
        self.ledger.commit(Batch { guards: vec![self.guard(version)], changes: leads.changes }).await?;
        Ok(Came::Done)
    }

    /// Takes note of which events are begun, before the journal has them. When what follows is broken off, the next look tells once
    /// more of what was begun, though it may have been changed back or deleted. Answers the version to go on with.
    pub(super) async fn begin_telling(&self, leads: &mut Leads, before: &Progress, version: u64) -> Result<u64, Fault> {
        let mut changes = std::mem::take(&mut leads.begun);
        if changes.is_empty() {
            return Ok(version);
        }
        let mut before = before.clone();
        let is_begun = |(model, id): &&(String, u64)| changes.iter().any(|change| knows(change, model, *id));
        leads.refused.iter().filter(is_begun).for_each(|(model, _)| before.count_refused(model, Counted::Less));
        changes.push(Change::Stand { source: self.name().clone(), text: before.text() });
        self.ledger.commit(Batch { guards: vec![self.guard(version)], changes }).await?;
        Ok(version + 1)
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
            if self.is_wanted(&coming) {
                self.know(&mut leads.begun, name, decide::begun(row.id, before, &coming.news));
            }
            leads.coming.push(coming);
        }
        if before != Some(&known) {
            leads.had(name, before);
            self.know(&mut leads.changes, name, known);
        }
    }

    /// A known record is gone. That its deletion is told is begun as everything is: a record that is there again before this is
    /// committed, as after a database was restored, is told again.
    pub(super) fn note_gone(&self, leads: &mut Leads, name: &str, known: &Known, found: Found) {
        let (news, body) = (decide::deletion(name, known), decide::deleted_body(name, known.id));
        let coming = Coming { model: name.to_owned(), id: known.id, news, body, found };
        if self.is_wanted(&coming) {
            self.know(&mut leads.begun, name, decide::begun(known.id, Some(known), &coming.news));
        }
        leads.coming.push(coming);
        leads.had(name, Some(known));
        leads.counted_from = leads.counted_from.max(decide::counted_after(known));
    }

    /// Adds what is known of a record to the others of its model.
    fn know(&self, changes: &mut Vec<Change>, name: &str, known: Known) {
        match changes.last_mut() {
            Some(Change::Know { model, rows, .. }) if model == name => rows.push(known),
            _ => changes.push(Change::Know { source: self.name().clone(), model: name.to_owned(), rows: vec![known] }),
        }
    }

    /// Takes events in, those that are wanted, and those of one record one after the other.
    pub(super) async fn journal(&self, coming: &[Coming]) -> Result<Journalled, NotNow> {
        let mut wanted: BTreeMap<(&str, u64), Vec<&Coming>> = BTreeMap::new();
        for coming in coming.iter().filter(|coming| self.is_wanted(coming)) {
            wanted.entry((&coming.model, coming.id)).or_default().push(coming);
        }
        let count = wanted.values().map(Vec::len).sum::<usize>();
        let mut journalled = Journalled { left_out: (coming.len() - count) as u64, ..Journalled::default() };
        let wanted: Vec<((&str, u64), Vec<&Coming>)> = wanted.into_iter().collect();
        for page in wanted.chunks(decide::PAGE) {
            let answers = join_all(page.iter().map(|(_, of_record)| self.take_all(of_record))).await;
            for (((model, id), of_record), answer) in page.iter().zip(answers) {
                let (refused, last) = answer?;
                journalled.taken += (of_record.len() - refused) as u64;
                journalled.refused += refused as u64;
                if last == Taken::Refused {
                    journalled.refused_of.insert(((*model).to_owned(), *id));
                }
            }
        }
        if journalled.left_out > 0 {
            self.tell(Capturing::LeftOut { count: journalled.left_out });
        }
        Ok(journalled)
    }

    /// How many of them intake refuses and what became of the last one, taken in this order.
    async fn take_all(&self, of_record: &[&Coming]) -> Result<(usize, Taken), NotNow> {
        let (mut refused, mut last) = (0, Taken::Now);
        for coming in of_record {
            last = self.take(coming).await;
            match &last {
                Taken::Now => {}
                Taken::Refused => refused += 1,
                Taken::NotNow(why) => return Err(why.clone()),
            }
        }
        Ok((refused, last))
    }

    /// Whether intake has it, or refuses it, which is told.
    async fn take(&self, coming: &Coming) -> Taken {
        let refused = |why: &str| {
            self.tell(Capturing::NotTaken { record: &coming.news.key, why });
            Taken::Refused
        };
        let Some(received) = self.received(coming, self.clock.now()) else {
            return refused("its state can be no type of an event: it has characters that no header may have");
        };
        match self.intake.receive(received).await {
            Answer::Accepted(item) => {
                if !item.duplicate {
                    self.tell(Capturing::Taken { found: coming.found.word() });
                }
                Taken::Now
            }
            Answer::Batch(_) | Answer::Handshake(_) => Taken::Now,
            Answer::Refused(refusal) if matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::OverLimit) => {
                Taken::NotNow(refusal.detail)
            }
            Answer::Refused(refusal) => refused(&refusal.detail),
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
