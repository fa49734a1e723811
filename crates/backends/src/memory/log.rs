//! The partitions of a journal, its keys and its emitted ids, as plain values: everything but the port.
//!
//! INVARIANT: an offset is given when the record becomes visible, so nothing ever appears below an offset that was read.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use engine::ports::{Mark, Usage};
use model::account::Census;
use model::limit::{READ_BYTES_MAX, TRIM_ROWS_MAX};
use model::{Appended, EventId, Fault, FaultKind, NewEntry, Offset, Partition, Position, Record, TimeSpan, Timestamp};
use uuid::Uuid;

use super::keys::{Key, Keys};
use crate::spared::Spared;

/// What a record takes beside its body, roughly.
const HEAD_BYTES: u64 = 512;

/// A clock's time, and how long it has run.
pub(crate) type Reading = (Timestamp, TimeSpan);

/// How long emitted ids are found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmittedWindow {
    /// Always.
    Endless,
    /// Only so long after their append, as brokers do.
    For(TimeSpan),
}

/// All that a journal holds.
#[derive(Debug)]
pub(crate) struct Log {
    parts: BTreeMap<Partition, Part>,
    keys: Keys,
    emitted: BTreeMap<Uuid, (Position, Timestamp)>,
    events: BTreeMap<EventId, Position>,
    spared: Spared,
    bytes: u64,
    budget: u64,
}

#[derive(Debug, Default)]
struct Part {
    live: BTreeMap<Offset, Stored>,
    kept: BTreeMap<Offset, Stored>,
    head: Offset,
    /// Accepted entries up to the head, whatever retention did, per origin.
    accepted: [u64; 3],
    /// Up to where it is trimmed, and what was accepted up to there.
    trimmed: (Offset, [u64; 3]),
}

#[derive(Clone, Debug)]
struct Stored {
    record: Arc<Record>,
    /// Accepted entries up to this one.
    accepted: [u64; 3],
}

impl Log {
    /// An empty log with partitions from 0 on.
    pub(crate) fn new(partitions: u16, budget: u64) -> Self {
        Self {
            parts: (0..partitions).map(|number| (Partition(number), Part::default())).collect(),
            keys: Keys::default(),
            emitted: BTreeMap::new(),
            events: BTreeMap::new(),
            spared: Spared::default(),
            bytes: 0,
            budget,
        }
    }

    /// Refuses intake at `budget` bytes from now on.
    pub(crate) fn set_budget(&mut self, budget: u64) {
        self.budget = budget;
    }

    /// Whether these entries may be appended now.
    pub(crate) fn admits(&self, entries: &[NewEntry]) -> Result<(), Fault> {
        if entries.iter().any(|new| !self.parts.contains_key(&new.partition)) {
            return Err(Fault::from_error(FaultKind::Corrupt, "journal.append", "no such partition"));
        }
        let from_intake = entries.iter().any(|new| new.emitted.is_none());
        if from_intake && self.bytes >= self.budget {
            return Err(Fault::new(FaultKind::Full, "journal.append"));
        }
        Ok(())
    }

    /// Appends an entry or finds its repeat.
    pub(crate) fn append(&mut self, new: NewEntry, (now, ran): Reading, window: EmittedWindow) -> Appended {
        if let Some(repeat) = self.repeat_of(&new, (now, ran), window) {
            return repeat;
        }
        let Some(part) = self.parts.get_mut(&new.partition) else {
            unreachable!("entries are checked against the partitions before they are appended")
        };
        part.head = Offset(part.head.0 + 1);
        let position = Position { partition: new.partition, offset: part.head };
        if let Some(origin) = new.entry.accepted() {
            part.accepted[origin.index()] += 1;
        }
        let record = Record { position, at: now, policy: new.policy, emitted: new.emitted, entry: new.entry };
        self.bytes += bytes_of(&record);
        let stored = Stored { record: Arc::new(record), accepted: part.accepted };
        part.live.insert(position.offset, stored.clone());
        self.remember(&stored.record, (now, ran));
        Appended::New(position)
    }

    fn repeat_of(&self, new: &NewEntry, (now, ran): Reading, window: EmittedWindow) -> Option<Appended> {
        if let Some(id) = new.emitted {
            let (position, at) = self.emitted.get(&id)?;
            let known = match window {
                EmittedWindow::Endless => true,
                EmittedWindow::For(span) => now < *at + span,
            };
            return known.then(|| Appended::Duplicate(*position, EventId(Uuid::nil())));
        }
        let (hash, digest) = new.entry.dedupe()?;
        let key = self.keys.find(hash, ran)?;
        Some(if key.digest == digest {
            Appended::Duplicate(key.position, key.event)
        } else {
            Appended::KeyReused(key.position, key.event)
        })
    }

    fn remember(&mut self, record: &Record, (now, ran): Reading) {
        let position = record.position;
        if let Some(event) = record.entry.event() {
            self.events.entry(event.id).or_insert(position);
        }
        match (record.emitted, record.entry.dedupe(), record.entry.event()) {
            (Some(id), _, _) => {
                self.emitted.insert(id, (position, now));
            }
            (None, Some((hash, digest)), Some(event)) => {
                self.keys.put(hash, Key { digest, position, event: event.id, ran });
            }
            (None, _, _) => {}
        }
    }

    /// See [`engine::ports::Journal::read`].
    pub(crate) fn read(&self, partition: Partition, after: Offset, records: usize) -> Vec<Arc<Record>> {
        let mut page = Vec::new();
        let mut bytes = 0_u64;
        let live = self.parts.get(&partition).into_iter().flat_map(|part| part.live.range((Excluded(after), Unbounded)));
        for (_, stored) in live.take(records) {
            bytes += bytes_of(&stored.record);
            if bytes > READ_BYTES_MAX as u64 && !page.is_empty() {
                break;
            }
            page.push(Arc::clone(&stored.record));
        }
        page
    }

    /// See [`engine::ports::Journal::get`].
    pub(crate) fn get(&self, position: Position) -> Option<Arc<Record>> {
        let part = self.parts.get(&position.partition)?;
        let stored = part.live.get(&position.offset).or_else(|| part.kept.get(&position.offset))?;
        Some(Arc::clone(&stored.record))
    }

    /// See [`engine::ports::Journal::find`].
    pub(crate) fn find(&self, event: EventId) -> Option<Arc<Record>> {
        self.get(*self.events.get(&event)?)
    }

    /// See [`engine::ports::Journal::recent`]. Partitions are merged by the time of their records; inside a partition
    /// the offset alone decides, because the wall clock may jump.
    pub(crate) fn recent(&self, before: Option<Position>, records: usize) -> Vec<Arc<Record>> {
        let mut tails: Vec<_> = self.parts.values().map(|part| part.live.values().rev().peekable()).collect();
        let mut page = Vec::new();
        let mut passed = before.is_none();
        while page.len() < records {
            let newest = tails
                .iter_mut()
                .enumerate()
                .filter_map(|(index, tail)| tail.peek().map(|stored| (stored.record.at, index)))
                .max();
            let Some((_, index)) = newest else { break };
            let Some(stored) = tails[index].next() else { break };
            let here = stored.record.position;
            let below = before.is_some_and(|at| here.partition == at.partition && here.offset < at.offset);
            if passed || below {
                passed = true;
                page.push(Arc::clone(&stored.record));
            } else {
                passed = before == Some(here);
            }
        }
        page
    }

    /// The partitions.
    pub(crate) fn partitions(&self) -> Vec<Partition> {
        self.parts.keys().copied().collect()
    }

    /// The last offset of a partition.
    pub(crate) fn head(&self, partition: Partition) -> Offset {
        self.parts.get(&partition).map(|part| part.head).unwrap_or_default()
    }

    /// See [`engine::ports::Journal::census`].
    pub(crate) fn census(&self, cursors: &[(Partition, Offset)]) -> Census {
        let mut census = Census::default();
        for (partition, part) in &self.parts {
            let cursor = cursors.iter().find(|(of, _)| of == partition).map(|(_, offset)| *offset).unwrap_or_default();
            let passed = part.accepted_up_to(cursor);
            for (index, behind) in passed.iter().enumerate() {
                census.accepted[index] += part.accepted[index];
                census.unrouted[index] += part.accepted[index] - behind;
            }
        }
        census
    }

    /// See [`engine::ports::Journal::trim`].
    pub(crate) fn trim(&mut self, partition: Partition, to: Offset, keep: &[Offset], as_of: Mark) -> Offset {
        let Some(part) = self.parts.get_mut(&partition) else { return Offset::default() };
        let Some(mut keep_all) = self.spared.since(as_of, partition) else { return part.trimmed.0 };
        keep_all.extend(keep);
        let gone: Vec<Offset> = part.live.range(..=to).map(|(offset, _)| *offset).take(TRIM_ROWS_MAX).collect();
        let mut removed = Vec::new();
        for offset in gone {
            let Some(stored) = part.live.remove(&offset) else { continue };
            part.trimmed = (offset, stored.accepted);
            if keep_all.contains(&offset) {
                part.kept.insert(offset, stored);
            } else {
                removed.push(stored.record);
            }
        }
        let trimmed = part.trimmed.0;
        for record in &removed {
            self.forget(record);
        }
        trimmed
    }

    /// See [`engine::ports::Journal::kept`].
    pub(crate) fn kept(&self, partition: Partition, after: Offset, records: usize) -> Vec<Offset> {
        let kept = self.parts.get(&partition).into_iter().flat_map(|part| part.kept.range((Excluded(after), Unbounded)));
        kept.take(records).map(|(offset, _)| *offset).collect()
    }

    /// See [`engine::ports::Journal::release`].
    pub(crate) fn release(&mut self, partition: Partition, offsets: &[Offset], as_of: Mark) -> u64 {
        let (Some(part), Some(spared)) = (self.parts.get_mut(&partition), self.spared.since(as_of, partition)) else {
            return 0;
        };
        let going = offsets.iter().filter(|offset| !spared.contains(offset)).take(TRIM_ROWS_MAX);
        let removed: Vec<Stored> = going.filter_map(|offset| part.kept.remove(offset)).collect();
        for stored in &removed {
            self.forget(&stored.record);
        }
        removed.len() as u64
    }

    /// See [`engine::ports::Journal::keep`].
    pub(crate) fn keep(&mut self, partition: Partition, offsets: Vec<Offset>) -> Vec<Offset> {
        let position = |offset| Position { partition, offset };
        let there: Vec<Offset> = offsets.into_iter().filter(|offset| self.get(position(*offset)).is_some()).collect();
        for offset in &there {
            self.spared.add(position(*offset));
        }
        there
    }

    /// Forgets a record that is neither live nor kept any more.
    fn forget(&mut self, record: &Record) {
        self.bytes -= bytes_of(record);
        if let Some(event) = record.entry.event()
            && self.events.get(&event.id) == Some(&record.position)
        {
            self.events.remove(&event.id);
        }
    }

    /// See [`engine::ports::Journal::forget_keys`].
    pub(crate) fn forget_keys(&mut self, ran: TimeSpan) -> u64 {
        self.keys.forget(ran)
    }

    /// See [`engine::ports::Journal::forget_emitted`].
    pub(crate) fn forget_emitted(&mut self, before: Timestamp) -> u64 {
        let is_trimmed = |at: &Position| self.parts.get(&at.partition).is_some_and(|part| at.offset <= part.trimmed.0);
        let old = self.emitted.iter().filter(|(_, (place, at))| *at < before && is_trimmed(place));
        let going: Vec<Uuid> = old.map(|(id, _)| *id).take(TRIM_ROWS_MAX).collect();
        going.iter().filter(|id| self.emitted.remove(id).is_some()).count() as u64
    }

    /// See [`engine::ports::Journal::usage`].
    pub(crate) fn usage(&self) -> Usage {
        let oldest = self.parts.values().filter_map(|part| part.live.values().next()).map(|stored| stored.record.at).min();
        let floor = self.parts.get(&Partition(0)).map(|part| part.trimmed.0).unwrap_or_default();
        let (floor, mark) = (Offset(floor.0 + 1), self.spared.mark());
        Usage { bytes: self.bytes, budget: self.budget, waiting: 0, oldest_at: oldest, floor, mark }
    }
}

impl Part {
    fn accepted_up_to(&self, cursor: Offset) -> [u64; 3] {
        self.live.range(..=cursor).next_back().map_or(self.trimmed.1, |(_, stored)| stored.accepted)
    }
}

fn bytes_of(record: &Record) -> u64 {
    HEAD_BYTES + record.entry.event().map_or(0, |event| event.body.len() as u64)
}
