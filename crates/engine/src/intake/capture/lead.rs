//! What a look leads to: events are taken in, and once these are in the journal what is known is committed, in one step with how
//! far the source is. It never commits what was not taken in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue};
use model::event::Brought;
use model::{Batch, Change, Fault, Guard, Received, RefusalKind, Timestamp};
use policy::compiled::{FOUND_HEADER, KEY_HEADER, TYPE_HEADER};

use super::decide::{self, Found, News};
use super::look::{Came, Looker};
use crate::intake::run::Answer;
use crate::observe::Capturing;

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
}

impl Looker {
    pub(super) fn is_listed(&self, coming: &Coming) -> bool {
        self.source.events.contains_key(&native(coming))
    }

    /// Takes note of which events were begun, takes them in, those of one record one after the other, and then commits what is known.
    /// When it is broken off between, the next look tells once more of what was begun, though it may have been changed back or deleted.
    pub(super) async fn lead(&self, leads: Leads, guards: Vec<Guard>) -> Result<Came, Fault> {
        if !leads.begun.is_empty() {
            self.ledger.commit(Batch { guards: guards.clone(), changes: leads.begun }).await?;
        }
        let mut listed: BTreeMap<(&str, u64), Vec<&Coming>> = BTreeMap::new();
        for coming in leads.coming.iter().filter(|coming| self.is_listed(coming)) {
            listed.entry((&coming.model, coming.id)).or_default().push(coming);
        }
        let listed: Vec<Vec<&Coming>> = listed.into_values().collect();
        for page in listed.chunks(decide::PAGE) {
            let answers = join_all(page.iter().map(|of_record| self.take_all(of_record))).await;
            if answers.contains(&false) {
                return Ok(Came::Refused);
            }
        }
        if !leads.changes.is_empty() {
            self.ledger.commit(Batch { guards, changes: leads.changes }).await?;
        }
        Ok(Came::Done)
    }

    /// Whether intake has them, in this order.
    async fn take_all(&self, of_record: &[&Coming]) -> bool {
        for coming in of_record {
            if !self.take(coming).await {
                return false;
            }
        }
        true
    }

    /// Whether intake has it, or will never take it, which is told.
    async fn take(&self, coming: &Coming) -> bool {
        let Some(received) = self.received(coming, self.clock.now()) else { return true };
        match self.intake.receive(received).await {
            Answer::Accepted(item) => {
                if !item.duplicate {
                    self.tell(Capturing::Taken { found: coming.found.word() });
                }
                true
            }
            Answer::Batch(_) | Answer::Handshake(_) => true,
            Answer::Refused(refusal) if matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::OverLimit) => false,
            Answer::Refused(refusal) => {
                self.tell(Capturing::NotTaken { record: &coming.news.key, why: &refusal.detail });
                true
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
