//! Reads what a selection names: from journal and ledger, by pages. It decides nothing but what an event is; every delivery
//! that a page of people's views names is judged anew from the ledger.

use std::sync::Arc;

use model::account::ROUTER;
use model::digest::bounded;
use model::limit::{
    IDENTIFIER_BYTES_MAX, PAGE_ROWS_MAX, READ_RECORDS_MAX, REPLAY_MEMBERS_MAX, SUCCESSORS_MAX, TRIM_ROWS_MAX,
};
use model::newest::StateKeys;
use model::view::DeliveryQuery;
use model::{
    Consumer, Delivery, DeliveryState, DestinationName, Entry, Event, Fault, FlowName, Offset, Partition, PolicyVersion,
    Position, QuarantineState, Record, Timestamp,
};
use policy::specs::Repeatable;
use policy::{EventView, Policy};

use super::decide::{Candidate, Reason};
use super::selection::{Filter, Selection};
use crate::book::Book;
use crate::newer::{Lookup, Past, rank_of, repeat_of};
use crate::ports::{Journal, Ledger, Views};
use crate::rules::asked::NotDone;
use crate::rules::{lane, replayed};

/// The first offset of a partition.
const FIRST: Offset = Offset(1);
/// LIMIT: events that an identifier may lead to; who has more narrows the period instead.
const LOOKUP_MAX: usize = 10_000;

/// Where candidates are read.
#[derive(Clone, Debug)]
pub struct Gather {
    /// Where events are.
    pub journal: Arc<dyn Journal>,
    /// Where deliveries are.
    pub ledger: Arc<dyn Ledger>,
    /// Where a selection is looked up.
    pub views: Arc<dyn Views>,
    /// The present policy: its flows get what is replayed.
    pub policy: Arc<Policy>,
    /// All policies: what is not routed yet goes by that which judged it.
    pub book: Arc<Book>,
}

impl Gather {
    /// Everything that a selection names, of a period what was received before `cut`, in no order, at most
    /// [`REPLAY_MEMBERS_MAX`] candidates.
    pub async fn candidates(&self, selection: &Selection, cut: Timestamp) -> Result<Vec<Candidate>, NotDone> {
        let mut found = Vec::new();
        match selection {
            Selection::Events { events, flows } => {
                bound(events.len())?;
                for event in events {
                    let gone = || NotDone::Unknown(format!("there is no event {event}, or retention has removed it"));
                    let record = self.journal.find(*event).await?.ok_or_else(gone)?;
                    self.of_named(&record, flows, &mut found).await?;
                }
            }
            Selection::Deliveries { deliveries } => {
                bound(deliveries.len())?;
                for id in deliveries {
                    let delivery = self.ledger.delivery(*id).await?;
                    let delivery = delivery.ok_or_else(|| NotDone::Unknown(format!("there is no delivery {id}")))?;
                    found.push(self.of_delivery(&delivery).await?);
                }
            }
            Selection::Cause { flow, destination, cause } => {
                self.of_cause((flow, destination, cause), &mut found).await?;
            }
            Selection::Filter(filter) => {
                let filter = Filter { until: Some(filter.until.map_or(cut, |until| until.min(cut))), ..filter.clone() };
                match &filter.identifier {
                    Some(word) => self.of_word(&filter, word, &mut found).await?,
                    None => self.of_period(&filter, &mut found).await?,
                }
            }
        }
        bound(found.len())?;
        Ok(found)
    }

    async fn of_cause(
        &self,
        (flow, destination, cause): (&FlowName, &DestinationName, &str),
        found: &mut Vec<Candidate>,
    ) -> Result<(), NotDone> {
        let mut query = DeliveryQuery {
            states: vec!["held".to_owned(), "dead_lettered".to_owned()],
            flow: Some(flow.clone()),
            destination: Some(destination.clone()),
            cause: Some(cause.to_owned()),
            limit: PAGE_ROWS_MAX,
            ..DeliveryQuery::default()
        };
        loop {
            let page = self.views.deliveries(query.clone()).await?;
            for row in &page.rows {
                if let Some(delivery) = self.ledger.delivery(row.id).await? {
                    found.push(self.of_delivery(&delivery).await?);
                }
            }
            bound(found.len())?;
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn of_word(&self, filter: &Filter, word: &str, found: &mut Vec<Candidate>) -> Result<(), NotDone> {
        let word = &bounded(word.to_owned(), IDENTIFIER_BYTES_MAX);
        let places = self.views.lookup(word, LOOKUP_MAX).await?;
        if places.len() >= LOOKUP_MAX {
            return Err(NotDone::Refused(format!("more than {LOOKUP_MAX} events carry {word}; select a period instead")));
        }
        for place in places {
            let Some(record) = self.journal.get(place.at).await? else { continue };
            if record.entry.event().is_some_and(|event| filter.fits(event)) {
                self.of_record(&record, &filter.flows, found).await?;
            }
        }
        Ok(())
    }

    async fn of_period(&self, filter: &Filter, found: &mut Vec<Candidate>) -> Result<(), NotDone> {
        for partition in self.journal.partitions() {
            let head = self.journal.head(partition).await?;
            let mut after = match filter.since {
                Some(since) => self.before(partition, since, head).await?,
                None => Offset(0),
            };
            while after < head {
                let records = self.journal.read(partition, after, READ_RECORDS_MAX).await?;
                let Some(last) = records.last() else { break };
                after = last.position.offset;
                for record in &records {
                    if record.entry.event().is_some_and(|event| filter.fits(event)) {
                        self.of_record(record, &filter.flows, found).await?;
                    }
                }
                // On to the head, whatever these were stamped with: a journal may have been written by a clock that went back
                // between two lives, so that what is of the period stands behind what is later.
                bound(found.len())?;
            }
            // After the rest: what moves there meanwhile is found twice instead of never.
            self.of_kept(partition, filter, found).await?;
        }
        Ok(())
    }

    /// What retention has moved to what is kept: dead letters, mostly, which are what a period is replayed for.
    async fn of_kept(&self, partition: Partition, filter: &Filter, found: &mut Vec<Candidate>) -> Result<(), NotDone> {
        let mut after = Offset(0);
        loop {
            let kept = self.journal.kept(partition, after, TRIM_ROWS_MAX).await?;
            let Some(last) = kept.last().copied() else { return Ok(()) };
            after = last;
            if self.is_before(Position { partition, offset: last }, filter.since).await? {
                continue;
            }
            for offset in kept {
                let Some(record) = self.journal.get(Position { partition, offset }).await? else { continue };
                if record.entry.event().is_some_and(|event| filter.fits(event)) {
                    self.of_record(&record, &filter.flows, found).await?;
                }
            }
            bound(found.len())?;
        }
    }

    /// Whether the record there was appended before a period.
    async fn is_before(&self, at: Position, since: Option<Timestamp>) -> Result<bool, Fault> {
        let Some(since) = since else { return Ok(false) };
        Ok(self.journal.get(at).await?.is_some_and(|record| record.at < since))
    }

    /// Since when there is everything, where a period begins before that.
    pub(super) async fn floor(&self, selection: &Selection, cut: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let Selection::Filter(filter) = selection else { return Ok(None) };
        let usage = self.journal.usage().await?;
        let everything_since = usage.oldest_at.unwrap_or(cut);
        let is_trimmed = usage.floor > FIRST;
        let begins_before = filter.since.is_none_or(|since| since < everything_since);
        Ok((is_trimmed && begins_before).then_some(everything_since))
    }

    /// An offset such that every record that was appended at or after `since` is above it, found by halving.
    async fn before(&self, partition: Partition, since: Timestamp, head: Offset) -> Result<Offset, Fault> {
        let (mut below, mut above) = (0, head.0);
        while below < above {
            let middle = below + (above - below) / 2;
            let record = self.journal.read(partition, Offset(middle), 1).await?;
            match record.first() {
                Some(record) if record.at < since => {
                    below = record.position.offset.0.max(middle + 1);
                }
                Some(_) | None => above = middle,
            }
        }
        Ok(Offset(below))
    }

    /// An event of a period or an identifier: for the flows that select it, of these where some are named.
    async fn of_record(&self, record: &Record, named: &[FlowName], found: &mut Vec<Candidate>) -> Result<(), Fault> {
        let Some(event) = record.entry.event() else { return Ok(()) };
        let mut flows = self.selecting(event);
        if !named.is_empty() {
            flows.retain(|flow| named.contains(flow));
            // That a named flow is not there is told of each event.
            flows.extend(named.iter().filter(|flow| !self.policy.flows.contains_key(*flow)).cloned());
        }
        self.of_flows(record, event, flows, found).await
    }

    /// An event that a person named: for each flow that is named with it, selected or not, so that none is left out in
    /// silence; without names for the flows that select it.
    async fn of_named(&self, record: &Record, named: &[FlowName], found: &mut Vec<Candidate>) -> Result<(), Fault> {
        let Some(event) = record.entry.event() else { return Ok(()) };
        let selecting = self.selecting(event);
        let begins = found.len();
        let flows = if named.is_empty() { selecting.clone() } else { named.to_vec() };
        self.of_flows(record, event, flows, found).await?;
        for candidate in found.iter_mut().skip(begins).filter(|it| !selecting.contains(&it.flow)) {
            candidate.reason = candidate.reason.or(Some(Reason::NotSelected));
        }
        Ok(())
    }

    async fn of_flows(
        &self,
        record: &Record,
        event: &Event,
        flows: Vec<FlowName>,
        found: &mut Vec<Candidate>,
    ) -> Result<(), Fault> {
        // Before its deliveries are asked for: what the router reaches in between is left out, and never sent beside its first.
        let unrouted = self.unrouted(record, event).await?;
        let rank = rank_of(&*self.ledger, record).await?;
        for flow in flows {
            let mut candidate = self.candidate(event, (record.position, rank), flow, record.policy).await?;
            let earlier = match self.ledger.delivery(replayed::first_delivery(event.id, &candidate.flow)).await? {
                Some(delivery) => Some(self.latest(delivery).await?),
                None => None,
            };
            apply_state(&mut candidate, earlier.as_ref());
            // What was released and whose row is gone has deliveries.
            candidate.reason = unrouted.filter(|_| earlier.is_none()).or(candidate.reason);
            found.push(candidate);
        }
        Ok(())
    }

    /// Why an event has no deliveries yet: it is in quarantine, or the router has to reach it, or its release.
    async fn unrouted(&self, record: &Record, event: &Event) -> Result<Option<Reason>, Fault> {
        let partition = record.position.partition;
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        match &record.entry {
            Entry::Quarantined { .. } => {
                let row = ledger.quarantined(event.id).await?;
                if !row.is_some_and(|row| matches!(row.state, QuarantineState::Released { .. })) {
                    return Ok(Some(Reason::Quarantined));
                }
                if !ledger.seen(vec![replayed::release(event.id)]).await?.is_empty() {
                    return Ok(None);
                }
                // That is not remembered for ever either.
                let lookup = Lookup { journal, ledger, book: Arc::clone(&self.book) };
                let is_ahead = lookup.is_release_ahead(event.id, partition).await?;
                Ok(is_ahead.then_some(Reason::UnderWay))
            }
            Entry::Admitted(_) | Entry::Resubmitted { .. } => {
                let routed = ledger.cursor(&Consumer::new(ROUTER).expect("a literal name"), partition).await?;
                Ok((record.position.offset > routed).then_some(Reason::UnderWay))
            }
            Entry::Released { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => Ok(None),
        }
    }

    /// The flows that select an event.
    fn selecting(&self, event: &Event) -> Vec<FlowName> {
        let view = EventView::new(event);
        // Without an answer it may fit: routing holds it, so a replay has to name it too.
        let fits = |flow: &&Arc<policy::Flow>| flow.filter.as_ref().is_none_or(|it| it.eval_bool(&view) != Ok(false));
        self.policy.selected(event).filter(fits).map(|flow| flow.name.clone()).collect()
    }

    async fn of_delivery(&self, delivery: &Delivery) -> Result<Candidate, Fault> {
        let delivery = self.latest(delivery.clone()).await?;
        let record = self.journal.get(delivery.bytes_at).await?;
        let places = (delivery.bytes_at, delivery.ranks_at);
        let mut candidate = match record.as_ref().and_then(|record| record.entry.event()) {
            Some(event) => {
                let judged_by = record.as_ref().map_or(delivery.policy, |record| record.policy);
                self.candidate(event, places, delivery.flow.clone(), judged_by).await?
            }
            None => without_bytes(&delivery),
        };
        apply_state(&mut candidate, Some(&delivery));
        Ok(candidate)
    }

    /// The delivery that stands at the end of those that took each other's place.
    async fn latest(&self, delivery: Delivery) -> Result<Delivery, Fault> {
        let mut latest = delivery;
        for _ in 0..SUCCESSORS_MAX {
            let DeliveryState::Superseded { by } = latest.state else { break };
            match self.ledger.delivery(by).await? {
                Some(next) => latest = next,
                None => break,
            }
        }
        Ok(latest)
    }

    async fn candidate(
        &self,
        event: &Event,
        (at, ranks_at): (Position, Position),
        flow: FlowName,
        judged_by: PolicyVersion,
    ) -> Result<Candidate, Fault> {
        let known = self.policy.flows.get(&flow);
        let judged_by = if judged_by == self.policy.version { None } else { self.book.kept(judged_by).await? };
        let keys = known.map_or_else(StateKeys::default, |flow| lane::keys(flow, event));
        let also = judged_by
            .zip(known)
            .map(|(judged_by, flow)| lane::earlier_names(&judged_by, &self.policy, (event, &flow.destination, &keys)));
        Ok(Candidate {
            event: event.id,
            at,
            ranks_at,
            destination: known.map(|flow| flow.destination.clone()),
            reason: if known.is_none() { Some(Reason::NoFlow) } else { None },
            flow,
            of: None,
            keys,
            also: also.unwrap_or_default(),
            past: Past::Open,
            repeat: repeat_of(&self.policy, event),
            source: Some(event.source.clone()),
            received_at: event.received_at,
        })
    }
}

/// What an earlier delivery means for a candidate: one that waits for a person is replaced, one that is on its way, or
/// whose successor the router has not made yet, is not sent beside.
fn apply_state(candidate: &mut Candidate, earlier: Option<&Delivery>) {
    let Some(earlier) = earlier else { return };
    match earlier.state {
        DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } => {
            candidate.of = Some(earlier.id);
            candidate.past = match &candidate.destination {
                Some(to) => Past::of(earlier, (&candidate.keys, to)),
                None => Past::Open,
            };
        }
        DeliveryState::Waiting { .. } | DeliveryState::Superseded { .. } => {
            candidate.reason = candidate.reason.or(Some(Reason::UnderWay));
        }
        DeliveryState::Done { .. } | DeliveryState::Cancelled { .. } => {}
    }
}

fn without_bytes(delivery: &Delivery) -> Candidate {
    Candidate {
        event: delivery.event,
        at: delivery.bytes_at,
        ranks_at: delivery.ranks_at,
        flow: delivery.flow.clone(),
        destination: Some(delivery.destination.clone()),
        of: None,
        keys: delivery.keys(),
        also: Vec::new(),
        past: Past::Open,
        repeat: Repeatable::State,
        source: None,
        received_at: delivery.created_at,
        reason: Some(Reason::BelowFloor),
    }
}

fn bound(candidates: usize) -> Result<(), NotDone> {
    if candidates <= REPLAY_MEMBERS_MAX {
        return Ok(());
    }
    Err(NotDone::Refused(format!(
        "the selection has more than {REPLAY_MEMBERS_MAX} members, which is the most of one replay; split it by period"
    )))
}
