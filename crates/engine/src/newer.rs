//! What "a newer state of the same key" is, for whatever a person sends again: one question and one answer. The ledger is asked,
//! and of outbox and journal only what the router has not reached. States rank by where their events came in; what was replayed,
//! released or corrected since is no newer for it. It never reads further than a page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::account::ROUTER;
use model::limit::{BODY_BYTES_MAX, PAGE_ROWS_MAX, READ_BYTES_MAX, READ_RECORDS_MAX};
use model::newest::{Blind, Fate, Latest, Newest, NewestQuery, Place, StateKeys};
use model::{
    Consumer, Delivery, DeliveryId, DestinationName, Entry, Event, EventId, Fault, FlowName, LaneKey, Offset, Partition,
    Position, Record,
};
use policy::specs::Repeatable;
use policy::{EventView, Flow, Policy};

use crate::book::Book;
use crate::ports::{Journal, Ledger};
use crate::rules::lane::{self, FlowKey};

/// Where it is looked up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// What is not routed yet.
    pub journal: Arc<dyn Journal>,
    /// What became of the rest, and what is not appended yet.
    pub ledger: Arc<dyn Ledger>,
    /// The policies that judged the rest: their flows say to where and by which key it goes.
    pub book: Arc<Book>,
}

/// The question: a state that goes by a person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// Through which flow.
    pub flow: FlowName,
    /// To where it would go.
    pub destination: DestinationName,
    /// Where it ranks.
    pub at: Position,
    /// By what newer states are told.
    pub keys: StateKeys,
    /// Its place in the order of its flow.
    pub stand: Stand,
    /// By which other names of its flow, to the same destination, a newer state may have gone ([`lane::other_names`]).
    pub also: Vec<FlowKey>,
    /// Whether anything newer of its flow can have gone that retention has removed.
    pub past: Past,
}

/// Whether anything of its ordering key can have gone past what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Past {
    /// It can.
    #[default]
    Open,
    /// It cannot: it stands in the lane of that key and holds it.
    Barred,
}

impl Past {
    /// Of what a delivery is sent again for, to there, by a flow that gives its event these keys.
    pub fn of(delivery: &Delivery, (keys, to): (&StateKeys, &DestinationName)) -> Self {
        let holds = !delivery.state.is_final() && delivery.state.blocks_lane(delivery.on_dead);
        let is_its_lane = delivery.lane.is_some() && delivery.lane == keys.lane && keys.lane == keys.ordering;
        if holds && is_its_lane && delivery.destination == *to { Self::Barred } else { Self::Open }
    }
}

/// Where what is sent stands in the order of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It enters at the end.
    Enters,
    /// It has no lane.
    Loose,
    /// It keeps the place of this delivery in the lane of today: what is not routed yet comes behind it.
    Keeps(DeliveryId),
    /// It keeps the place of this delivery in a lane that its flow does not give it any more: what comes passes it.
    Lags(DeliveryId),
}

impl Passing {
    /// An event that enters a flow, and was first judged by that policy, where that can be read. Nothing for commands, whose repeat
    /// is what the person asks for.
    pub fn entering(
        policy: &Policy,
        flow: &Flow,
        event: &Event,
        (at, judged_by): (Position, Option<&Policy>),
    ) -> Option<Self> {
        let (keys, destination) = (lane::keys(flow, event), flow.destination.clone());
        let also = judged_by.map(|judged_by| lane::earlier_names(judged_by, policy, (event, &destination, &keys)));
        let (also, past) = (also.unwrap_or_default(), Past::Open);
        let passing = Self { flow: flow.name.clone(), destination, at, keys, stand: Stand::Enters, also, past };
        (repeat_of(policy, event) != Repeatable::Command).then_some(passing)
    }

    fn asked(&self) -> impl Iterator<Item = Key> {
        let of = |flow: &FlowName, key: &LaneKey| (flow.clone(), self.destination.clone(), key.clone(), self.at.partition);
        let own = self.keys.iter().map(move |key| of(&self.flow, key));
        own.chain(self.also.iter().map(move |(flow, key)| of(flow, key)))
    }

    /// Where it stands by one of its keys.
    fn place(&self, (flow, _, key, _): &Key, sent_after: &Arc<BTreeSet<DeliveryId>>) -> Place {
        if self.flow != *flow {
            return Place::Beside;
        }
        match self.stand {
            Stand::Enters if self.keys.lane.as_ref() == Some(key) => Place::End { but: Arc::clone(sent_after) },
            Stand::Enters | Stand::Loose => Place::Beside,
            Stand::Keeps(id) | Stand::Lags(id) => Place::Of(id),
        }
    }

    /// Whether it tells nothing that retention has removed something delivered by this flow.
    fn is_barred(&self, flow: &FlowName) -> bool {
        self.past == Past::Barred && self.flow == *flow
    }
}

/// What its contract says of repeating an event.
pub fn repeat_of(policy: &Policy, event: &Event) -> Repeatable {
    let contract = event.contract.as_ref().and_then(|reference| policy.contracts.get(reference));
    contract.map_or(Repeatable::State, |contract| contract.repeat)
}

/// Where the state of a record's event ranks: where that came in. A correction makes it no newer.
pub async fn rank_of(ledger: &dyn Ledger, record: &Record) -> Result<Position, Fault> {
    match &record.entry {
        Entry::Resubmitted { at: Some(at), .. } => Ok(*at),
        Entry::Resubmitted { at: None, of, .. } => {
            Ok(ledger.quarantined(*of).await?.map_or(record.position, |row| row.position))
        }
        Entry::Admitted(_)
        | Entry::Quarantined { .. }
        | Entry::Released { .. }
        | Entry::Replayed { .. }
        | Entry::PolicyApplied { .. } => Ok(record.position),
    }
}

/// A key of a flow to a destination, in a partition.
type Key = (FlowName, DestinationName, LaneKey, Partition);

/// What was found for the keys of some questions.
#[derive(Clone, Debug, Default)]
pub struct Newer {
    by_key: BTreeMap<Key, Latest>,
    /// What neither ledger nor router has reached, which is on its way.
    ahead: BTreeMap<Key, Newest>,
    /// Whether the router is so far behind that not all of what it has not reached was looked at.
    pub is_cut: bool,
}

impl Newer {
    /// The answer: what became of a newer state than this, by any of its keys. What went is told before what cannot be told.
    pub fn than(&self, passing: &Passing) -> Option<Fate> {
        self.found(passing).map(|(fate, _)| fate)
    }

    /// The same, with the flow by which the newer one goes.
    pub fn found(&self, passing: &Passing) -> Option<(Fate, FlowName)> {
        let keeps = matches!(passing.stand, Stand::Keeps(_));
        let mut fates: Vec<(Fate, FlowName)> = Vec::new();
        for key in passing.asked() {
            let routed = self.by_key.get(&key).and_then(|latest| latest.newest);
            let ahead = self.ahead.get(&key).copied().filter(|_| !keeps);
            let newer = routed.into_iter().chain(ahead).filter(|newest| newest.at > passing.at.offset);
            fates.extend(newer.map(|newest| (newest.fate, key.0.clone())));
        }
        fates.sort_by_key(|(fate, _)| urgency(*fate));
        if !fates.is_empty() {
            return Some(fates.swap_remove(0));
        }
        if self.is_cut && passing.asked().next().is_some() && !keeps {
            return Some((Fate::Unknown(Blind::Behind), passing.flow.clone()));
        }
        let removed_to = |key: &Key| self.by_key.get(key).map(|latest| latest.removed_to);
        let is_removed = |key: &Key| !passing.is_barred(&key.0) && removed_to(key) > Some(passing.at.offset);
        let removed = passing.asked().find(is_removed)?;
        Some((Fate::Unknown(Blind::Removed), removed.0))
    }
}

/// Of several answers the first is told.
const fn urgency(fate: Fate) -> u8 {
    match fate {
        Fate::Done => 0,
        Fate::UnderWay => 1,
        Fate::Blocks => 2,
        Fate::Unknown(_) => 3,
    }
}

impl Lookup {
    /// What one would go over, and by which flow that goes.
    pub async fn found(&self, passing: &Passing) -> Result<Option<(Fate, FlowName)>, Fault> {
        Ok(self.newer(std::iter::once(passing), &Arc::default()).await?.found(passing))
    }

    /// Looks up what is newer than any of these. What waits for a person and is named in `sent_after` is sent after all of them, by
    /// the same hand: nothing goes behind it.
    pub async fn newer<'p>(
        &self,
        wanted: impl Iterator<Item = &'p Passing>,
        sent_after: &Arc<BTreeSet<DeliveryId>>,
    ) -> Result<Newer, Fault> {
        let mut from: BTreeMap<Key, (Offset, Place)> = BTreeMap::new();
        let mut tells = false;
        for passing in wanted {
            tells |= !matches!(passing.stand, Stand::Keeps(_));
            for asked in passing.asked() {
                let place = passing.place(&asked, sent_after);
                let first = from.entry(asked).or_insert((passing.at.offset, place.clone()));
                first.0 = first.0.min(passing.at.offset);
                if first.1 == Place::Beside {
                    first.1 = place;
                }
            }
        }
        let mut newer = Newer::default();
        // In this order: what moves on in between is found twice instead of never.
        if tells && !from.is_empty() {
            self.unsent(&from, &mut newer).await?;
            self.unrouted(&from, &mut newer).await?;
        }
        self.routed(from, &mut newer).await?;
        Ok(newer)
    }

    /// What waits to be appended is on its way.
    async fn unsent(&self, from: &BTreeMap<Key, (Offset, Place)>, newer: &mut Newer) -> Result<(), Fault> {
        let waiting = self.ledger.outbox(READ_RECORDS_MAX).await?.rows;
        let bytes: usize = waiting.iter().filter_map(|new| Some(new.entry.event()?.body.len())).sum();
        newer.is_cut |= waiting.len() == READ_RECORDS_MAX || bytes + BODY_BYTES_MAX > READ_BYTES_MAX;
        for new in waiting {
            let unplaced = Position { partition: new.partition, offset: Offset(u64::MAX) };
            let entry = new.entry;
            let record =
                Record { position: unplaced, at: model::Timestamp::EPOCH, policy: new.policy, emitted: None, entry };
            self.note(&record, from, newer).await?;
        }
        Ok(())
    }

    /// What the router has not reached is on its way.
    async fn unrouted(&self, from: &BTreeMap<Key, (Offset, Place)>, newer: &mut Newer) -> Result<(), Fault> {
        let mut partitions: Vec<Partition> = from.keys().map(|(.., partition)| *partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let router = Consumer::new(ROUTER).expect("a literal name");
        for partition in partitions {
            let routed = self.ledger.cursor(&router, partition).await?;
            let records = self.journal.read(partition, routed, READ_RECORDS_MAX).await?;
            let last = records.last().map_or(routed, |record| record.position.offset);
            newer.is_cut |= last < self.journal.head(partition).await?;
            for record in records {
                self.note(&record, from, newer).await?;
            }
        }
        Ok(())
    }

    /// Whether the release of this event is still before the router, or may be.
    pub async fn is_release_ahead(&self, event: EventId, partition: Partition) -> Result<bool, Fault> {
        let is_release = |entry: &Entry| matches!(entry, Entry::Released { of, .. } if *of == event);
        let waiting = self.ledger.outbox(READ_RECORDS_MAX).await?.rows;
        if waiting.len() == READ_RECORDS_MAX || waiting.iter().any(|new| is_release(&new.entry)) {
            return Ok(true);
        }
        let routed = self.ledger.cursor(&Consumer::new(ROUTER).expect("a literal name"), partition).await?;
        let records = self.journal.read(partition, routed, READ_RECORDS_MAX).await?;
        let last = records.last().map_or(routed, |record| record.position.offset);
        Ok(records.iter().any(|it| is_release(&it.entry)) || last < self.journal.head(partition).await?)
    }

    /// Notes where what a record leads to is newer.
    async fn note(&self, record: &Record, from: &BTreeMap<Key, (Offset, Place)>, newer: &mut Newer) -> Result<(), Fault> {
        let referred = match record.entry.refers_to() {
            Some(at) => self.journal.get(at).await?,
            None => None,
        };
        let bytes = referred.as_deref().unwrap_or(record);
        let Some(event) = bytes.entry.event().filter(|_| leads_on(&record.entry)) else { return Ok(()) };
        let rank = rank_of(&*self.ledger, bytes).await?;
        // As the router does: what was admitted by a policy that nobody can read any more leads nowhere but to a person.
        let policy = match (self.book.kept(record.policy).await?, &record.entry) {
            (Some(policy), _) => policy,
            (None, Entry::Released { .. } | Entry::Replayed { .. }) => self.book.current(),
            (None, _) => return Ok(()),
        };
        for flow in ways(&policy, &record.entry, event) {
            for key in lane::keys(flow, event).iter() {
                let asked = (flow.name.clone(), flow.destination.clone(), key.clone(), rank.partition);
                if from.contains_key(&asked) {
                    let found = Newest { at: rank.offset, fate: Fate::UnderWay };
                    let newest = newer.ahead.entry(asked).or_insert(found);
                    newest.at = newest.at.max(found.at);
                }
            }
        }
        Ok(())
    }

    async fn routed(&self, from: BTreeMap<Key, (Offset, Place)>, newer: &mut Newer) -> Result<(), Fault> {
        let asked: Vec<Key> = from.keys().cloned().collect();
        let question = |((flow, destination, key, partition), (after, place))| {
            let after = Position { partition, offset: after };
            NewestQuery { flow, destination, key, after, place }
        };
        let mut questions: Vec<NewestQuery> = from.into_iter().map(question).collect();
        let mut asked = asked.into_iter();
        while !questions.is_empty() {
            let rest = questions.split_off(questions.len().min(PAGE_ROWS_MAX));
            let found = self.ledger.newest(questions).await?;
            newer.by_key.extend(asked.by_ref().zip(found));
            questions = rest;
        }
        Ok(())
    }
}

/// Through which flows of the policy that judged it an event goes because of an entry.
fn ways<'p>(policy: &'p Policy, entry: &Entry, event: &'p Event) -> Vec<&'p Flow> {
    if let Entry::Replayed { flows, .. } = entry {
        return flows.iter().filter_map(|name| policy.flows.get(name)).map(Arc::as_ref).collect();
    }
    let view = EventView::new(event);
    let fits = |flow: &&Arc<Flow>| flow.filter.as_ref().is_none_or(|it| it.eval_bool(&view) != Ok(false));
    policy.selected(event).filter(fits).map(Arc::as_ref).collect()
}

/// Whether an entry leads to deliveries of its event.
const fn leads_on(entry: &Entry) -> bool {
    match entry {
        Entry::Admitted(_) | Entry::Resubmitted { .. } | Entry::Released { .. } | Entry::Replayed { .. } => true,
        Entry::Quarantined { .. } | Entry::PolicyApplied { .. } => false,
    }
}
