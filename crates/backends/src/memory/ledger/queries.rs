//! What rooms decide from.

use std::collections::{BTreeMap, BTreeSet};

use engine::ports::{DueQuery, LeftQuery, Readable, Shard};
use model::delivery::ordering_digest;
use model::limit::{NEWEST_ROWS_MAX, READ_BYTES_MAX, SUCCESSORS_MAX};
use model::newest::{Blind, Fate, Latest, Newest, NewestQuery, Place};
use model::{
    Delivery, DeliveryId, DeliveryState, DestinationName, Digest, KeyedWrite, MemberVerdict, NewEntry, Offset, Partition,
    Position, QuarantineState, Replay, ReplayId, ReplayMember, ReplayState, Timestamp,
};
use uuid::Uuid;

use super::state::{ReadyKey, Row, State};

impl State {
    pub(super) fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        self.deliveries.get(&id).map(|row| row.delivery.clone())
    }

    /// See [`engine::ports::Ledger::due`]: first attempts and repeats are two queues, merged by due time.
    pub(super) fn due(&self, query: &DueQuery) -> Readable<Delivery> {
        let mut found: Vec<(&ReadyKey, Delivery)> = Vec::new();
        for (repeat, most) in [(false, query.all), (true, query.repeats.min(query.all))] {
            let from = (query.destination.clone(), repeat, Timestamp::from_micros(i64::MIN), 0);
            let to = (query.destination.clone(), repeat, query.now, u64::MAX);
            let ready = self.ready.rows().range(from..=to);
            let rows = ready.filter_map(|(key, id)| Some((key, self.delivery(*id)?)));
            let wanted = |delivery: &Delivery| delivery.may_begin(query.now) && !query.without.contains(&delivery.flow);
            found.extend(rows.filter(|(_, delivery)| wanted(delivery)).take(most));
        }
        found.sort_by_key(|((_, _, due, opened), _)| (*due, *opened));
        Readable::all(found.into_iter().take(query.all).map(|(_, delivery)| delivery).collect())
    }

    pub(super) fn overdue(&self, now: Timestamp, limit: usize) -> Vec<Delivery> {
        let waiting = self.deadlines.rows().range(..(now, 0)).filter_map(|(_, id)| self.delivery(*id));
        waiting.filter(|delivery| delivery.is_overdue(now)).take(limit).collect()
    }

    pub(super) fn left_waiting(&self, query: &LeftQuery) -> Readable<Delivery> {
        let waits = |row: &&Row| matches!(row.delivery.state, DeliveryState::Waiting { .. });
        let left = self.deliveries.rows().values().filter(waits).filter(|row| query.wants(&row.delivery));
        let mut left: Vec<&Row> = left.collect();
        left.sort_by_key(|row| (row.delivery.lease.is_some(), row.opened));
        Readable::all(left.into_iter().take(query.limit).map(|row| row.delivery.clone()).collect())
    }

    pub(super) fn agenda(&self) -> Vec<(DestinationName, Timestamp)> {
        let mut first: BTreeMap<&DestinationName, Timestamp> = BTreeMap::new();
        for (destination, _, due, _) in self.ready.rows().keys() {
            let earliest = first.entry(destination).or_insert(*due);
            *earliest = (*earliest).min(*due);
        }
        first.into_iter().map(|(destination, due)| (destination.clone(), due)).collect()
    }

    pub(super) fn orphans(&self, stale_before: Timestamp, limit: usize) -> Vec<Delivery> {
        let over = |delivery: &Delivery| {
            delivery.lease.as_ref().is_some_and(|lease| self.is_over(&lease.node, lease.incarnation, stale_before))
        };
        self.leased.rows().values().filter_map(|id| self.delivery(*id)).filter(over).take(limit).collect()
    }

    /// See [`engine::ports::Ledger::newest`].
    pub(super) fn newest(&self, question: &NewestQuery) -> Latest {
        let way = (question.after.partition, question.flow.clone(), question.destination.clone());
        let removed_to = self.removed_to.get(&way).copied().unwrap_or_default();
        Latest { newest: self.newest_of(question), removed_to }
    }

    fn newest_of(&self, question: &NewestQuery) -> Option<Newest> {
        let NewestQuery { flow, destination, key, after, .. } = question;
        let digest = ordering_digest(destination, flow, key);
        let last = Position { offset: Offset(u64::MAX), ..*after };
        let newer = self.by_key.rows().range((digest, *after, u64::MAX)..=(digest, last, u64::MAX)).rev();
        for (looked, ((_, ranks_at, _), id)) in newer.enumerate() {
            let at = ranks_at.offset;
            if looked == NEWEST_ROWS_MAX {
                return Some(Newest { at, fate: Fate::Unknown(Blind::Crowded) });
            }
            if let Some(fate) = self.fate(*id, question) {
                return Some(Newest { at, fate });
            }
        }
        None
    }

    /// What a delivery, or that which took its place, is to whatever asks.
    fn fate(&self, mut id: DeliveryId, question: &NewestQuery) -> Option<Fate> {
        for _ in 0..SUCCESSORS_MAX {
            let Some(row) = self.deliveries.get(&id) else { return Some(Fate::UnderWay) };
            match &row.delivery.state {
                DeliveryState::Done { .. } => return Some(Fate::Done),
                DeliveryState::Waiting { .. } => return Some(Fate::UnderWay).filter(|_| !self.is_behind(row, question)),
                DeliveryState::Superseded { by } => id = *by,
                DeliveryState::Held { .. } | DeliveryState::DeadLettered { .. } => {
                    return Some(Fate::Blocks).filter(|_| self.is_in_the_way(row, question));
                }
                DeliveryState::Cancelled { .. } => return None,
            }
        }
        Some(Fate::UnderWay)
    }

    /// The place in its lane of the delivery whose place is kept, where it keeps one.
    fn place_of(&self, question: &NewestQuery) -> Option<(Digest, u64)> {
        match &question.place {
            Place::Of(id) => self.deliveries.get(id)?.lane_key(),
            Place::Beside | Place::End { .. } => None,
        }
    }

    fn is_behind(&self, row: &Row, question: &NewestQuery) -> bool {
        let places = row.lane_key().zip(self.place_of(question));
        places.is_some_and(|((lane, place), (of, kept))| lane == of && place > kept)
    }

    fn is_in_the_way(&self, row: &Row, question: &NewestQuery) -> bool {
        let NewestQuery { flow, destination, key, place, .. } = question;
        let Some((lane, _)) = row.lane_key() else { return false };
        match place {
            Place::Beside => false,
            Place::End { but } => lane == ordering_digest(destination, flow, key) && !but.contains(&row.delivery.id),
            Place::Of(_) => self.place_of(question).is_some_and(|(of, _)| lane == of) && !self.is_behind(row, question),
        }
    }

    pub(super) fn seen(&self, ids: Vec<Uuid>) -> Vec<Uuid> {
        ids.into_iter().filter(|id| self.seen.has(id)).collect()
    }

    pub(super) fn outbox(&self, limit: usize) -> Vec<NewEntry> {
        let mut bytes = 0;
        let rows = self.outbox.rows().values().take(limit).take_while(|new| {
            let is_first = bytes == 0;
            bytes += 1 + new.entry.event().map_or(0, |event| event.body.len());
            is_first || bytes <= READ_BYTES_MAX
        });
        rows.cloned().collect()
    }

    pub(super) fn keyed_writes(&self, id: Digest) -> u64 {
        self.keyed.rows().range(KeyedWrite::of_same_principal(id)).count() as u64
    }

    pub(super) fn replays_running(&self) -> Vec<Replay> {
        self.replays.rows().values().filter(|replay| replay.state == ReplayState::Running).cloned().collect()
    }

    pub(super) fn members(&self, id: ReplayId, from: u32, limit: usize) -> Vec<ReplayMember> {
        self.members.rows().range((id, from)..=(id, u32::MAX)).take(limit).map(|(_, member)| member.clone()).collect()
    }

    pub(super) fn replay_progress(&self, id: ReplayId) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for row in self.deliveries.rows().values().filter(|row| row.delivery.replay == Some(id)) {
            *counts.entry(row.delivery.state.word()).or_default() += 1;
        }
        counts.into_iter().map(|(word, count)| (word.to_owned(), count)).collect()
    }

    pub(super) fn shards(&self) -> Vec<Shard> {
        let shard = |(name, (node, incarnation)): (&String, &(_, u64))| Shard {
            shard: name.clone(),
            node: Clone::clone(node),
            incarnation: *incarnation,
            seen_at: self.lives.get(node).map_or(Timestamp::EPOCH, |life| life.seen_at),
        };
        self.shards.rows().iter().map(shard).collect()
    }

    /// See [`engine::ports::Ledger::needed`].
    pub(super) fn needed(&self, partition: Partition, from: Offset, to: Offset) -> Vec<Offset> {
        let running = |id: &ReplayId| self.replays.get(id).is_some_and(|replay| replay.state == ReplayState::Running);
        let deliveries = self.deliveries.rows().values().map(|row| &row.delivery);
        let open = deliveries.filter(|delivery| !delivery.state.is_final()).map(|delivery| delivery.bytes_at);
        let quarantined = self.quarantine.rows().values().filter(|row| row.state == QuarantineState::Open);
        let members =
            self.members.rows().iter().filter(|((id, _), member)| member.verdict == MemberVerdict::Send && running(id));
        let unseen = self.emissions.rows().iter().filter(|(id, _)| !self.seen.has(id));
        let positions = open
            .chain(quarantined.map(|row| row.position))
            .chain(members.map(|(_, member)| member.at))
            .chain(unseen.filter_map(|(_, emission)| emission.refers_to));
        let inside = |at: &Position| at.partition == partition && at.offset > from && at.offset <= to;
        positions.filter(inside).map(|at| at.offset).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
