//! What became of newer events of the same keys. The ledger is asked, and of the journal only what the router has not
//! reached. The place of the bytes decides: what was replayed or released has a new place in its lane and is no newer for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::account::ROUTER;
use model::limit::{PAGE_ROWS_MAX, READ_RECORDS_MAX};
use model::newest::{Fate, Newest, NewestQuery};
use model::{Consumer, Entry, Event, Fault, FlowName, LaneKey, Offset, Partition, Position, Record};
use policy::specs::Repeatable;
use policy::{EventView, Flow, Policy};

use crate::ports::{Journal, Ledger};
use crate::rules::lane;

/// Where it is looked up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// What is not routed yet.
    pub journal: Arc<dyn Journal>,
    /// What became of the rest.
    pub ledger: Arc<dyn Ledger>,
    /// The present policy: its flows say to where and by which key.
    pub policy: Arc<Policy>,
}

/// A key of a flow in a partition.
type Key = (FlowName, LaneKey, Partition);

/// The newest event of each key that was delivered or is on its way.
#[derive(Clone, Debug, Default)]
pub struct NewestByKey {
    by_key: BTreeMap<Key, Newest>,
    /// Whether the router is so far behind that not all of what it has not reached was looked at.
    pub is_cut: bool,
}

impl NewestByKey {
    /// What became of an event of this flow and key that is newer than the one at this place.
    pub fn than(&self, flow: &FlowName, key: Option<&LaneKey>, at: Position) -> Option<Fate> {
        let newest = self.by_key.get(&(flow.clone(), key?.clone(), at.partition))?;
        (newest.at > at.offset).then_some(newest.fate)
    }
}

/// An event on its way through a flow, by a person's word.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Through which flow.
    pub flow: &'a FlowName,
    /// Where its bytes are.
    pub at: Position,
    /// The event; `None` where its bytes are gone or cannot be read.
    pub event: Option<&'a Event>,
    /// The key that its delivery has, where the event cannot be asked.
    pub known: Option<&'a LaneKey>,
}

impl Lookup {
    /// What this would go over: a newer state of its key that is done or under way. Nothing for commands, whose repeat is
    /// what the person asks for. While the router is too far behind to tell, nobody can.
    pub async fn than(&self, passing: Passing<'_>) -> Result<Option<Fate>, Fault> {
        let Passing { flow, at, event, known } = passing;
        let contract = event.and_then(|event| self.policy.contracts.get(event.contract.as_ref()?));
        if contract.is_some_and(|contract| contract.repeat == Repeatable::Command) {
            return Ok(None);
        }
        let by_flow = self.policy.flows.get(flow).zip(event).map(|(flow, event)| lane::ordering_keys(flow, event));
        let keys = by_flow.filter(|keys| !keys.is_empty()).unwrap_or_else(|| known.cloned().into_iter().collect());
        if keys.is_empty() {
            return Ok(None);
        }
        let newest = self.newest(keys.iter().map(|key| (flow, key, at))).await?;
        let found = keys.iter().find_map(|key| newest.than(flow, Some(key), at));
        Ok(found.or(newest.is_cut.then_some(Fate::Unknown)))
    }

    /// Looks up what is newer than any of these: a flow, a key, and the place of an event.
    pub async fn newest(&self, wanted: impl Iterator<Item = (&FlowName, &LaneKey, Position)>) -> Result<NewestByKey, Fault> {
        let mut from: BTreeMap<Key, Offset> = BTreeMap::new();
        for (flow, key, at) in wanted {
            let first = from.entry((flow.clone(), key.clone(), at.partition)).or_insert(at.offset);
            *first = (*first).min(at.offset);
        }
        let mut newest = NewestByKey::default();
        // In this order: what is routed in between is found twice instead of never.
        self.ahead(&from, &mut newest).await?;
        self.routed(&from, &mut newest).await?;
        Ok(newest)
    }

    /// What the router has not reached is on its way, and newer than all that it has.
    async fn ahead(&self, from: &BTreeMap<Key, Offset>, newest: &mut NewestByKey) -> Result<(), Fault> {
        let mut partitions: Vec<Partition> = from.keys().map(|(_, _, partition)| *partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let router = Consumer::new(ROUTER).expect("a literal name");
        for partition in partitions {
            let routed = self.ledger.cursor(&router, partition).await?;
            let records = self.journal.read(partition, routed, READ_RECORDS_MAX).await?;
            let last = records.last().map_or(routed, |record| record.position.offset);
            newest.is_cut |= last < self.journal.head(partition).await?;
            for record in records {
                let Some(bytes) = self.bytes_of(record).await? else { continue };
                let Some(event) = bytes.entry.event() else { continue };
                for (flow, key) in self.ways(event) {
                    let key = (flow, key, bytes.position.partition);
                    if from.contains_key(&key) {
                        newest.put(key, Newest { at: bytes.position.offset, fate: Fate::UnderWay });
                    }
                }
            }
        }
        Ok(())
    }

    /// The record whose event is sent because of this one. What is replayed is left out: it was there before.
    async fn bytes_of(&self, record: Arc<Record>) -> Result<Option<Arc<Record>>, Fault> {
        match &record.entry {
            Entry::Admitted(_) | Entry::Resubmitted { .. } => Ok(Some(record)),
            Entry::Released { at, .. } => self.journal.get(*at).await,
            Entry::Quarantined { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => Ok(None),
        }
    }

    /// Through which flows an event goes, and by which keys.
    fn ways(&self, event: &Event) -> Vec<(FlowName, LaneKey)> {
        let view = EventView::new(event);
        let fits = |flow: &&Arc<Flow>| flow.filter.as_ref().is_none_or(|it| it.eval_bool(&view) != Ok(false));
        let ways = |flow: &Arc<Flow>| {
            let name = flow.name.clone();
            lane::ordering_keys(flow, event).into_iter().map(move |key| (name.clone(), key))
        };
        self.policy.selected(event).filter(fits).flat_map(ways).collect()
    }

    async fn routed(&self, from: &BTreeMap<Key, Offset>, newest: &mut NewestByKey) -> Result<(), Fault> {
        let known = |(key, after): (&Key, &Offset)| {
            let (flow, lane, partition) = key;
            let destination = self.policy.flows.get(flow)?.destination.clone();
            let after = Position { partition: *partition, offset: *after };
            Some((key.clone(), NewestQuery { flow: flow.clone(), destination, key: lane.clone(), after }))
        };
        let questions: Vec<(Key, NewestQuery)> = from.iter().filter_map(known).collect();
        for page in questions.chunks(PAGE_ROWS_MAX) {
            let asked = page.iter().map(|(_, question)| question.clone()).collect();
            for ((key, _), found) in page.iter().zip(self.ledger.newest(asked).await?) {
                if let Some(found) = found {
                    newest.put(key.clone(), found);
                }
            }
        }
        Ok(())
    }
}

impl NewestByKey {
    fn put(&mut self, key: Key, found: Newest) {
        let newest = self.by_key.entry(key).or_insert(found);
        if found.at >= newest.at {
            *newest = found;
        }
    }
}
