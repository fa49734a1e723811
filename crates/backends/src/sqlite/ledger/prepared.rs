//! A batch with all that can be made ready outside of the writer's thread: hashes and texts.

use model::{Batch, Change, Digest};

/// A batch on its way to the writer.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) batch: Batch,
    /// One for each change, in their order.
    pub(super) made: Vec<Made>,
}

/// What was made ready for a change.
#[derive(Debug)]
pub(super) enum Made {
    /// Nothing.
    Nothing,
    /// The hashes by which it is found.
    Hashes(Hashes),
    /// The hashes of its words, one after the other.
    Words(Vec<u8>),
    /// Its outcome as JSON.
    Outcome(String),
}

/// By what a new delivery is found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hashes {
    /// Its lane.
    pub(super) lane: Option<i64>,
    /// Its ordering key, or its lane where it has none.
    pub(super) ordering: Option<i64>,
}

/// Bytes of a word's hash: eight that segments find it by, and eight more to be sure.
pub(super) const WORD_BYTES: usize = 16;

impl Prepared {
    /// Fails where an outcome has no JSON, which none has.
    pub(super) fn of(batch: Batch) -> Result<Self, serde_json::Error> {
        let made = batch.changes.iter().map(make).collect::<Result<_, _>>()?;
        Ok(Self { batch, made })
    }
}

fn make(change: &Change) -> Result<Made, serde_json::Error> {
    Ok(match change {
        Change::Open { delivery, .. } => {
            let lane = delivery.lane_digest().map(|lane| short(&lane));
            // The lane is the ordering key, mostly.
            let is_lane = delivery.ordering.is_none() || delivery.ordering == delivery.lane;
            let ordering = if is_lane { lane } else { delivery.ordering_digest().map(|ordering| short(&ordering)) };
            Made::Hashes(Hashes { lane, ordering })
        }
        Change::Index { words, .. } => Made::Words(words.iter().flat_map(|word| word_hash(word)).collect()),
        Change::Settle { result, .. } => Made::Outcome(serde_json::to_string(&result.outcome)?),
        _ => Made::Nothing,
    })
}

/// The hash of a word.
pub(super) fn word_hash(word: &str) -> [u8; WORD_BYTES] {
    Digest::of(word.as_bytes()).head()
}

/// What segments find a word by.
pub(super) fn word_short(hash: &[u8; WORD_BYTES]) -> i64 {
    let (first, _) = hash.split_at(8);
    i64::from_be_bytes(first.try_into().unwrap_or_default())
}

/// The first eight bytes of a digest as a number.
pub(super) fn short(digest: &Digest) -> i64 {
    digest.short().cast_signed()
}
