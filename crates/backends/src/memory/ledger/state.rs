//! The rows of the ledger and the indexes over deliveries, all of which can be taken back to the last commit.
//!
//! INVARIANT: an index over deliveries is a function of the row alone and is written in one place, [`State::put`].

use engine::ports::Life;
use model::account::Tally;
use model::change::Switch;
use model::view::FeedRow;
use model::{
    Attempt, AuditId, AuditRow, Consumer, Delivery, DeliveryId, DeliveryState, DestinationName, Digest, EventId, FlowName,
    InForce, KeyedWrite, Known, LaterEvent, NewEntry, NodeName, Offset, Partition, PolicyVersion, Position, QuarantineRow,
    Replay, ReplayId, ReplayMember, SourceName, Standing, Timestamp, Token, TokenId,
};
use uuid::Uuid;

use crate::memory::table::{End, Table};

/// What a row takes, roughly.
const ROW_BYTES: u64 = 256;

/// Where deliveries went: from a partition, by a flow, to a destination.
pub(super) type Way = (Partition, FlowName, DestinationName);

/// A delivery and its places in the orders that the ledger keeps.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) delivery: Delivery,
    /// Its place in the order of opening.
    pub(super) opened: u64,
    /// Its place in its lane; another one after it left the lane and came back.
    pub(super) place: u64,
}

/// An entry for the journal, remembered so that it is written once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Emission {
    /// Its place in the order of emission.
    pub(super) seq: u64,
    /// The bytes that it speaks of: needed until a consumer has seen it.
    pub(super) refers_to: Option<Position>,
    /// When it was emitted; once it has left the outbox, when that was.
    pub(super) at: Timestamp,
}

/// A policy as it was applied.
#[derive(Clone, Debug)]
pub(super) struct PolicyText {
    pub(super) files: Vec<(String, String)>,
    pub(super) at: Timestamp,
}

/// Numbers that stand beside the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    /// The counters, per origin.
    pub(super) tallies: [Tally; 3],
    /// Of these, what retention removed the rows of.
    pub(super) trimmed: [Tally; 3],
    /// The last place of the feed.
    pub(super) feed: u64,
    /// The last place in the order of opening, of lanes and of emission.
    pub(super) place: u64,
}

/// Where a ready delivery stands: destination, whether it is a repeat, when it is due, its place in the order of opening.
pub(super) type ReadyKey = (DestinationName, bool, Timestamp, u64);

/// Everything that the ledger holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) numbers: Numbers,
    before: Numbers,
    pub(super) deliveries: Table<DeliveryId, Row>,
    pub(super) attempts: Table<(DeliveryId, u32), Attempt>,
    /// Those that block their lane, in the order of the lane.
    pub(super) lanes: Table<(Digest, u64), DeliveryId>,
    pub(super) ready: Table<ReadyKey, DeliveryId>,
    pub(super) leased: Table<(NodeName, u64), DeliveryId>,
    /// Those that wait under a deadline, by deadline and place in the order of opening.
    pub(super) deadlines: Table<(Timestamp, u64), DeliveryId>,
    pub(super) by_event: Table<(EventId, u64), DeliveryId>,
    /// By lane and by ordering key, in the order of their states, and of opening.
    pub(super) by_key: Table<(Digest, Position, u64), DeliveryId>,
    /// The last rank of which retention has removed something delivered.
    pub(super) removed_to: Table<Way, Offset>,
    pub(super) by_age: Table<(Timestamp, DeliveryId), DeliveryId>,
    pub(super) feed: Table<u64, FeedRow>,
    /// By word and event: where the event is, and when it was last indexed.
    pub(super) words: Table<(String, EventId), (Position, Timestamp)>,
    pub(super) quarantine: Table<EventId, QuarantineRow>,
    /// What is attached to quarantined events, with how many came.
    pub(super) later: Table<EventId, (LaterEvent, u64)>,
    pub(super) emissions: Table<Uuid, Emission>,
    /// Entries that wait for the outbox loop, in the order of emission.
    pub(super) outbox: Table<u64, NewEntry>,
    /// When the ledger was told.
    pub(super) seen: Table<Uuid, Timestamp>,
    pub(super) cursors: Table<(Consumer, Partition), Offset>,
    pub(super) policies: Table<PolicyVersion, PolicyText>,
    /// At most one.
    pub(super) breakers: Table<DestinationName, String>,
    pub(super) switches: Table<String, Switch>,
    pub(super) replays: Table<ReplayId, Replay>,
    pub(super) members: Table<(ReplayId, u32), ReplayMember>,
    pub(super) tokens: Table<TokenId, Token>,
    /// The last application of a policy, in one row.
    pub(super) in_force: Table<(), InForce>,
    pub(super) keyed: Table<Digest, KeyedWrite>,
    /// By source, model and id.
    pub(super) known: Table<(SourceName, String, u64), Known>,
    pub(super) standings: Table<SourceName, Standing>,
    pub(super) audit: Table<AuditId, AuditRow>,
    pub(super) lives: Table<NodeName, Life>,
    /// The holder of each shard: node and incarnation.
    pub(super) shards: Table<String, (NodeName, u64)>,
}

impl State {
    /// Ends a batch: all of it stays, or none of it.
    pub(super) fn close(&mut self, end: End) {
        match end {
            End::Keep => self.before = self.numbers,
            End::Undo => self.numbers = self.before,
        }
        self.deliveries.close(end);
        self.attempts.close(end);
        self.lanes.close(end);
        self.ready.close(end);
        self.leased.close(end);
        self.deadlines.close(end);
        self.by_event.close(end);
        self.by_key.close(end);
        self.removed_to.close(end);
        self.by_age.close(end);
        self.feed.close(end);
        self.words.close(end);
        self.quarantine.close(end);
        self.later.close(end);
        self.emissions.close(end);
        self.outbox.close(end);
        self.seen.close(end);
        self.cursors.close(end);
        self.policies.close(end);
        self.breakers.close(end);
        self.switches.close(end);
        self.replays.close(end);
        self.members.close(end);
        self.tokens.close(end);
        self.in_force.close(end);
        self.keyed.close(end);
        self.known.close(end);
        self.standings.close(end);
        self.audit.close(end);
        self.lives.close(end);
        self.shards.close(end);
    }

    /// The next place in the orders of opening, of lanes and of emission.
    pub(super) fn next_place(&mut self) -> u64 {
        self.numbers.place += 1;
        self.numbers.place
    }

    /// Writes a delivery and its indexes.
    pub(super) fn put(&mut self, row: Row) {
        let id = row.delivery.id;
        let old = self.deliveries.get(&id);
        let lane = (old.and_then(Row::lane_key), row.lane_key());
        let ready = (old.and_then(Row::ready_key), row.ready_key());
        let leased = (old.and_then(Row::leased_key), row.leased_key());
        let deadline = (old.and_then(Row::deadline_key), row.deadline_key());
        if old.is_none() {
            self.by_event.put((row.delivery.event, row.opened), id);
            self.by_age.put((row.delivery.created_at, id), id);
            row.state_keys().into_iter().for_each(|key| self.by_key.put(key, id));
        }
        reindex(&mut self.lanes, lane, id);
        reindex(&mut self.ready, ready, id);
        reindex(&mut self.leased, leased, id);
        reindex(&mut self.deadlines, deadline, id);
        self.deliveries.put(id, row);
    }

    /// Removes a final delivery with its attempts and indexes.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        let Some(row) = self.deliveries.get(&id).cloned() else { return };
        reindex(&mut self.lanes, (row.lane_key(), None), id);
        reindex(&mut self.ready, (row.ready_key(), None), id);
        reindex(&mut self.leased, (row.leased_key(), None), id);
        reindex(&mut self.deadlines, (row.deadline_key(), None), id);
        for key in row.state_keys() {
            self.by_key.remove(&key);
        }
        self.by_event.remove(&(row.delivery.event, row.opened));
        self.by_age.remove(&(row.delivery.created_at, id));
        for no in 1..=row.delivery.attempts {
            self.attempts.remove(&(id, no));
        }
        self.deliveries.remove(&id);
    }

    /// What it takes, roughly.
    pub(super) fn bytes(&self) -> u64 {
        let rows = self.deliveries.rows().len()
            + self.attempts.rows().len()
            + self.feed.rows().len()
            + self.later.rows().len()
            + self.known.rows().len();
        let answers = self.attempts.rows().values().filter_map(|attempt| attempt.result.as_ref());
        let answers: usize = answers.map(|result| result.response.len()).sum();
        let later: usize = self.later.rows().values().map(|(later, _)| later.event.body.len()).sum();
        rows as u64 * ROW_BYTES + (answers + later) as u64
    }

    /// Where a consumer stands.
    pub(super) fn cursor(&self, consumer: &Consumer, partition: Partition) -> Offset {
        self.cursors.get(&(consumer.clone(), partition)).copied().unwrap_or_default()
    }

    /// Whether this life of a node is over: a later one began, or it was not seen since `stale_before`.
    pub(super) fn is_over(&self, node: &NodeName, incarnation: u64, stale_before: Timestamp) -> bool {
        self.lives.get(node).is_none_or(|life| incarnation < life.incarnation || life.seen_at < stale_before)
    }
}

impl Row {
    /// Its place among those that block their lane, if it does.
    pub(super) fn lane_key(&self) -> Option<(Digest, u64)> {
        let delivery = &self.delivery;
        let blocks = delivery.state.blocks_lane(delivery.on_dead);
        if blocks { delivery.lane_digest().map(|lane| (lane, self.place)) } else { None }
    }

    /// Its place among the ready, if it is.
    pub(super) fn ready_key(&self) -> Option<ReadyKey> {
        let delivery = &self.delivery;
        match delivery.state {
            DeliveryState::Waiting { due } if delivery.lease.is_none() && !delivery.behind => {
                Some((delivery.destination.clone(), delivery.attempts > 0, due, self.opened))
            }
            _ => None,
        }
    }

    /// Its place among those that wait under a deadline, if it does.
    pub(super) fn deadline_key(&self) -> Option<(Timestamp, u64)> {
        let waits = matches!(self.delivery.state, DeliveryState::Waiting { .. });
        self.delivery.deadline.filter(|_| waits).map(|deadline| (deadline, self.opened))
    }

    /// Its places among the states of its keys.
    fn state_keys(&self) -> Vec<(Digest, Position, u64)> {
        let (lane, ordering) = (self.delivery.lane_digest(), self.delivery.ordering_digest());
        let digests = lane.into_iter().chain(ordering.filter(|it| lane != Some(*it)));
        digests.map(|digest| (digest, self.delivery.ranks_at, self.opened)).collect()
    }

    fn leased_key(&self) -> Option<(NodeName, u64)> {
        self.delivery.lease.as_ref().map(|lease| (lease.node.clone(), self.opened))
    }
}

fn reindex<K: Ord + Clone>(index: &mut Table<K, DeliveryId>, (old, new): (Option<K>, Option<K>), id: DeliveryId) {
    if old == new {
        return;
    }
    if let Some(key) = old {
        index.remove(&key);
    }
    if let Some(key) = new {
        index.put(key, id);
    }
}
