//! A chunk: the records of one commit, or of a part of it, as one row of the file. One row for many records is what
//! makes an append cost little more than its bytes.
//!
//! A chunk holds the policies that its records name, then the records one after the other, integers little-endian. Stored
//! chunks are read by this layout for ever: a change of it gets a new number in the first byte.

use bytes::Bytes;
use model::{Digest, Entry, EventId, Offset, Origin, Partition, PolicyVersion, Position, Record, Timestamp};
use uuid::Uuid;

use super::super::broken::Broken;

/// The number of this layout.
const LAYOUT: u8 = 1;
/// LIMIT: a chunk takes no more records when it has so many bytes; whoever wants one record reads all of them.
const FULL_BYTES: usize = 64 * 1024;
/// LIMIT: policies of one chunk; their index is one byte.
const POLICIES_MAX: usize = u8::MAX as usize;
/// What stands for no origin: the entry is in no account of accepted ones.
const NO_ORIGIN: u8 = u8::MAX;

/// A record as it is stored, still in the bytes of its chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'a> {
    pub(super) place: u64,
    pub(super) at: Timestamp,
    pub(super) policy: PolicyVersion,
    pub(super) emitted: Option<Uuid>,
    /// The event that the entry carries itself.
    pub(super) event: Option<EventId>,
    /// The account of accepted entries that it counts in.
    pub(super) accepted: Option<Origin>,
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
}

impl Stored<'_> {
    /// The record itself.
    pub(super) fn record(&self) -> Result<Record, Broken> {
        let entry = Entry::decode(self.head, Bytes::copy_from_slice(self.body))
            .map_err(|error| Broken::Corrupt(format!("record {}: {error}", self.place)))?;
        Ok(Record {
            position: Position { partition: Partition(0), offset: Offset(self.place) },
            at: self.at,
            policy: self.policy,
            emitted: self.emitted,
            entry,
        })
    }
}

/// A chunk that is being filled.
#[derive(Debug, Default)]
pub(super) struct Draft {
    first: u64,
    records: u64,
    policies: Vec<PolicyVersion>,
    bytes: Vec<u8>,
}

impl Draft {
    /// Whether it takes a record of this policy; the first always fits.
    pub(super) fn takes(&self, policy: PolicyVersion) -> bool {
        let room = self.policies.len() < POLICIES_MAX || self.policies.contains(&policy);
        self.records == 0 || room && self.bytes.len() < FULL_BYTES
    }

    /// Adds the next record. INVARIANT: its place is one above that of the last, and [`Draft::takes`] said so.
    pub(super) fn push(&mut self, record: &Stored<'_>) {
        if self.records == 0 {
            self.first = record.place;
        }
        assert_eq!(record.place, self.first + self.records, "INVARIANT: a chunk has no gaps");
        self.records += 1;
        let policy = self.policies.iter().position(|known| *known == record.policy).unwrap_or_else(|| {
            self.policies.push(record.policy);
            self.policies.len() - 1
        });
        let origin = record.accepted.map_or(NO_ORIGIN, |origin| u8::try_from(origin.index()).unwrap_or(NO_ORIGIN));
        let bytes = &mut self.bytes;
        bytes.extend(record.at.micros().to_le_bytes());
        bytes.extend([u8::try_from(policy).unwrap_or(u8::MAX), origin]);
        for id in [record.emitted, record.event.map(|event| event.0)] {
            bytes.push(u8::from(id.is_some()));
            bytes.extend(id.iter().flat_map(Uuid::as_bytes));
        }
        for part in [record.head, record.body] {
            // LIMIT: heads and bodies are far smaller; see model::limit.
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(part);
        }
    }

    /// Its first and last place; none while it is empty.
    pub(super) const fn places(&self) -> Option<(u64, u64)> {
        if self.records == 0 { None } else { Some((self.first, self.first + self.records - 1)) }
    }

    /// As it is stored.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut chunk = Vec::with_capacity(2 + self.policies.len() * 32 + self.bytes.len());
        chunk.extend([LAYOUT, u8::try_from(self.policies.len()).unwrap_or(u8::MAX)]);
        chunk.extend(self.policies.iter().flat_map(|policy| policy.0.0));
        chunk.extend(self.bytes);
        chunk
    }
}

/// Reads the records of a chunk in their order.
#[derive(Debug)]
pub(super) struct Records<'a> {
    place: u64,
    policies: Vec<PolicyVersion>,
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// The records of a chunk whose first one has this place.
    pub(super) fn of(first: u64, chunk: &'a [u8]) -> Result<Self, Broken> {
        let mut rest = chunk;
        let [layout, policies] = take(&mut rest)?;
        if layout != LAYOUT {
            return Err(Broken::Corrupt(format!("the chunk at {first} has the unknown layout {layout}")));
        }
        let policies = (0..policies).map(|_| Ok(PolicyVersion(Digest(take(&mut rest)?)))).collect::<Result<_, Broken>>()?;
        Ok(Self { place: first, policies, rest })
    }

    fn read(&mut self) -> Result<Stored<'a>, Broken> {
        let rest = &mut self.rest;
        let at = Timestamp::from_micros(i64::from_le_bytes(take(rest)?));
        let [policy, origin] = take(rest)?;
        let policy = self.policies.get(usize::from(policy)).copied();
        let emitted = id(rest)?;
        let event = id(rest)?.map(EventId);
        let head = part(rest)?;
        let body = part(rest)?;
        Ok(Stored {
            place: self.place,
            at,
            policy: policy.ok_or_else(|| Broken::corrupt("a record without its policy"))?,
            emitted,
            event,
            accepted: Origin::ALL.get(usize::from(origin)).copied(),
            head,
            body,
        })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Stored<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        self.place += 1;
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

fn id(rest: &mut &[u8]) -> Result<Option<Uuid>, Broken> {
    let [has] = take(rest)?;
    if has == 0 { Ok(None) } else { Ok(Some(Uuid::from_bytes(take(rest)?))) }
}

fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Broken> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (part, after) = rest.split_at_checked(length).ok_or_else(cut)?;
    *rest = after;
    Ok(part)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or_else(cut)?;
    *rest = after;
    Ok(*taken)
}

fn cut() -> Broken {
    Broken::corrupt("a chunk of the journal ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(n: u8) -> PolicyVersion {
        PolicyVersion(Digest::of(&[n]))
    }

    fn stored(place: u64) -> Stored<'static> {
        Stored {
            place,
            at: Timestamp::from_secs(7),
            policy: policy(u8::try_from(place % 3).unwrap()),
            emitted: place.is_multiple_of(2).then(|| Uuid::from_u128(u128::from(place))),
            event: (place % 2 == 1).then(|| EventId(Uuid::from_u128(u128::from(place)))),
            accepted: (place % 2 == 1).then_some(Origin::Synthetic),
            head: b"{}",
            body: if place == 12 { b"" } else { b"body" },
        }
    }

    fn shown(stored: &Stored<'_>) -> String {
        format!("{stored:?}")
    }

    #[test]
    fn records_read_back_as_they_were_put_in() {
        let mut draft = Draft::default();
        (10..20).for_each(|place| draft.push(&stored(place)));
        assert_eq!(draft.places(), Some((10, 19)));
        let bytes = draft.finish();
        let read: Vec<String> = Records::of(10, &bytes).unwrap().map(|read| shown(&read.unwrap())).collect();
        assert_eq!(read, (10..20).map(|place| shown(&stored(place))).collect::<Vec<_>>());
    }

    #[test]
    fn a_chunk_that_was_cut_is_found_out_wherever_it_ends() {
        let mut draft = Draft::default();
        (1..3).for_each(|place| draft.push(&stored(place)));
        let bytes = draft.finish();
        let second = {
            let mut draft = Draft::default();
            draft.push(&stored(1));
            // The same two policies stand in front of both.
            draft.finish().len() + 32
        };
        for end in (0..bytes.len()).filter(|end| *end != second && *end != 2 + 2 * 32) {
            let read = Records::of(1, &bytes[..end]).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            assert!(read.is_err(), "cut after {end} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn an_unknown_layout_is_refused() {
        assert!(Records::of(1, &[9, 0]).is_err());
    }

    #[test]
    fn a_full_chunk_takes_no_more() {
        let mut draft = Draft::default();
        let body = vec![0; FULL_BYTES];
        assert!(draft.takes(policy(0)));
        draft.push(&Stored { body: &body, ..stored(1) });
        assert!(!draft.takes(policy(0)));
    }
}
