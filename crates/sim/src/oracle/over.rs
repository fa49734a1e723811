//! What retention has removed from the ledger because it was over, as it stood when it went. Checkers ask the ledger and this
//! together, so that a row that may go is not missed, and one that may not is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::limit::PAGE_ROWS_MAX;
use model::view::{DeliveryStory, EventStory, QuarantineQuery};
use model::{DeliveryId, EventId, Fault, QuarantineRow, QuarantineState, Timestamp};

use super::{Stores, Work};

/// Rows of the ledger.
#[derive(Debug, Default)]
pub struct Rows {
    deliveries: BTreeMap<DeliveryId, DeliveryStory>,
    settled: BTreeMap<EventId, QuarantineRow>,
}

/// Rows that went, however they stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Deliveries.
    pub deliveries: BTreeSet<DeliveryId>,
    /// Quarantined events.
    pub events: BTreeSet<EventId>,
}

/// Rows that are over and were removed.
#[derive(Debug, Default)]
pub struct Over {
    rows: Mutex<Rows>,
}

impl Over {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stores {
    /// Rows that are over and from before a moment, as they stand now.
    pub async fn rows_over(&self, deliveries: Vec<DeliveryId>, before: Timestamp) -> Result<Rows, Fault> {
        let mut rows = Rows::default();
        for id in deliveries {
            let story = self.views.delivery_story(id).await?.filter(|story| story.delivery.created_at < before);
            rows.deliveries.extend(story.map(|story| (id, story)));
        }
        let mut query = QuarantineQuery { limit: PAGE_ROWS_MAX, ..QuarantineQuery::default() };
        loop {
            let page = self.views.quarantine(query.clone()).await?;
            let settled = page.rows.into_iter().filter(|row| row.state != QuarantineState::Open && row.at < before);
            rows.settled.extend(settled.map(|row| (row.event, row)));
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Archives those of the rows that are not there any more, and answers all that has gone.
    pub async fn archive_gone(&self, rows: Rows, open: (Vec<DeliveryId>, Vec<EventId>)) -> Result<Gone, Fault> {
        let mut gone = Gone::default();
        for id in rows.deliveries.keys().copied().chain(open.0) {
            if self.ledger.delivery(id).await?.is_none() {
                gone.deliveries.insert(id);
            }
        }
        for event in rows.settled.keys().copied().chain(open.1) {
            if self.ledger.quarantined(event).await?.is_none() {
                gone.events.insert(event);
            }
        }
        let mut over = self.archive.over.rows();
        over.deliveries.extend(rows.deliveries.into_iter().filter(|(id, _)| gone.deliveries.contains(id)));
        over.settled.extend(rows.settled.into_iter().filter(|(event, _)| gone.events.contains(event)));
        Ok(gone)
    }

    /// A delivery with its attempts, of what went as well.
    pub async fn delivery_story(&self, id: DeliveryId) -> Result<Option<DeliveryStory>, Fault> {
        let story = self.views.delivery_story(id).await?;
        Ok(story.or_else(|| self.archive.over.rows().deliveries.get(&id).cloned()))
    }

    /// All about an event, what went included. A delivery that went and was opened again is there twice.
    pub async fn event_story(&self, event: EventId) -> Result<EventStory, Fault> {
        let mut story = self.views.event_story(event).await?;
        let over = self.archive.over.rows();
        story.deliveries.extend(over.deliveries.values().filter(|it| it.delivery.event == event).cloned());
        story.quarantine = story.quarantine.or_else(|| over.settled.get(&event).cloned());
        Ok(story)
    }

    /// A quarantined event, also one that was settled and went.
    pub async fn quarantined(&self, event: EventId) -> Result<Option<QuarantineRow>, Fault> {
        let row = self.ledger.quarantined(event).await?;
        Ok(row.or_else(|| self.archive.over.rows().settled.get(&event).cloned()))
    }
}

impl Work {
    /// Deliveries of the ledger that are over, and those that are not.
    pub fn over_and_open(&self) -> (Vec<DeliveryId>, Vec<DeliveryId>) {
        let there = self.deliveries.iter().filter(|(_, it)| !it.gone);
        let (over, open): (Vec<_>, Vec<_>) = there.partition(|(_, it)| it.state.is_final());
        let ids = |some: Vec<(&DeliveryId, _)>| some.into_iter().map(|(id, _)| *id).collect();
        (ids(over), ids(open))
    }

    /// Events that wait for a person.
    pub fn kept_events(&self) -> Vec<EventId> {
        self.kept.keys().copied().collect()
    }

    /// The ledger does not have these any more.
    pub fn went(&mut self, gone: &Gone) {
        for id in &gone.deliveries {
            if let Some(it) = self.deliveries.get_mut(id) {
                it.gone = true;
            }
        }
    }
}
