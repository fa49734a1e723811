//! The ids of a trace: they follow from the event, the delivery and the attempt's number alone, so that a chain of hops
//! stays whole across processes and restarts, and so that what is sent and what is told of it cannot differ.
//!
//! sender ─▶ arrival (from the event's id) ─▶ attempt (from the delivery's id and the attempt's number) ─▶ receiver

use formats::trace_context::TraceParent;
use model::{DeliveryId, Digest, Entry, Event, EventId};

/// The share of traces that begin here and are recorded. A sender's own decision is always followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of the values that the random part of a trace id can have, those from here on.
    threshold: u64,
}

/// The right 56 bits of a trace id are random, as Trace Context level 2 wants them for this use.
const RANDOM: u64 = 1 << 56;

impl Share {
    /// No trace begins here.
    pub const NONE: Self = Self { threshold: RANDOM };
    /// Every event without a trace of its sender begins one.
    pub const ALL: Self = Self { threshold: 0 };

    /// From 0 to 1; what is beyond counts as the nearer of the two.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "from 0 to 2^56, where a float loses less than anybody samples by"
    )]
    pub fn of(ratio: f64) -> Self {
        Self { threshold: ((1.0 - ratio.clamp(0.0, 1.0)) * RANDOM as f64) as u64 }
    }

    fn takes(self, trace_id: [u8; 16]) -> bool {
        let [.., tail] = trace_id.as_chunks::<8>().0 else { return false };
        u64::from_be_bytes(*tail) % RANDOM >= self.threshold
    }
}

/// What all hops of one arrival have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The trace: the sender's, else the event's id.
    pub trace_id: [u8; 16],
    /// The sender's span.
    pub sender: Option<[u8; 8]>,
    /// The span of the arrival.
    pub arrival: [u8; 8],
    /// The flags of all hops: the sender's, else whether the trace is recorded.
    pub flags: u8,
}

impl Chain {
    /// The chain of an arrival under this id, of a sender that named its place in a trace or did not.
    pub fn of(id: EventId, sender: Option<TraceParent>, roots: Share) -> Self {
        let arrival = Digest::of_fields(&[b"arrival", &id.bytes()]).head();
        let (trace_id, flags) = match sender {
            Some(sender) => (sender.trace_id, sender.flags & (TraceParent::SAMPLED | TraceParent::RANDOM)),
            None if roots.takes(id.bytes()) => (id.bytes(), TraceParent::SAMPLED),
            None => (id.bytes(), 0),
        };
        Self { trace_id, sender: sender.map(|sender| sender.parent_id), arrival, flags }
    }

    /// The chain that an entry's bytes came in by. A corrected event goes on from the arrival that it corrects.
    pub fn of_entry(entry: &Entry, roots: Share) -> Option<Self> {
        let id = match entry {
            Entry::Admitted(event) | Entry::Quarantined { event, .. } => event.id,
            Entry::Resubmitted { of, .. } => *of,
            Entry::Released { .. } | Entry::Replayed { .. } | Entry::PolicyApplied { .. } => return None,
        };
        Some(Self::of(id, entry.event().and_then(sender), roots))
    }

    /// The place of an attempt: what its receiver is told.
    pub fn attempt(&self, delivery: DeliveryId, no: u32) -> TraceParent {
        let parent_id = Digest::of_fields(&[&delivery.bytes(), &no.to_be_bytes()]).head();
        TraceParent { trace_id: self.trace_id, parent_id, flags: self.flags }
    }

    /// Whether its hops are told to a collector.
    pub const fn is_recorded(&self) -> bool {
        self.flags & TraceParent::SAMPLED != 0
    }
}

/// The place in a trace that an event came with.
pub fn sender(event: &Event) -> Option<TraceParent> {
    let trace = event.trace.as_ref()?;
    let mut parent = TraceParent { trace_id: [0; 16], parent_id: [0; 8], flags: trace.flags };
    hex::decode_to_slice(&trace.trace_id, &mut parent.trace_id).ok()?;
    hex::decode_to_slice(&trace.parent_id, &mut parent.parent_id).ok()?;
    Some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SENDER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn chain(id: u128, sender: Option<&str>, roots: Share) -> Chain {
        Chain::of(EventId(Uuid::from_u128(id)), sender.map(|text| TraceParent::parse(text).unwrap()), roots)
    }

    #[test]
    fn the_senders_trace_goes_on_with_its_decision() {
        for (flags, recorded) in [("01", true), ("00", false), ("03", true), ("02", false)] {
            let text = SENDER.replace("-01", &format!("-{flags}"));
            for roots in [Share::ALL, Share::NONE] {
                let chain = chain(7, Some(&text), roots);
                assert_eq!(chain.is_recorded(), recorded, "{flags} {roots:?}");
                let attempt = chain.attempt(DeliveryId(Uuid::from_u128(1)), 1).to_string();
                assert!(attempt.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{attempt}");
                assert!(attempt.ends_with(&format!("-{flags}")), "{attempt}");
            }
        }
    }

    #[test]
    fn a_trace_that_begins_here_has_the_events_id() {
        let chain = chain(7, None, Share::ALL);
        assert_eq!((chain.trace_id, chain.sender), (7_u128.to_be_bytes(), None));
        assert!(chain.is_recorded());
    }

    #[test]
    fn every_hop_has_a_span_of_its_own_and_always_the_same() {
        let (one, two) = (chain(7, Some(SENDER), Share::ALL), chain(8, Some(SENDER), Share::ALL));
        let spans = |chain: &Chain| {
            let first = DeliveryId(Uuid::from_u128(1));
            let second = DeliveryId(Uuid::from_u128(2));
            [
                chain.arrival,
                chain.attempt(first, 1).parent_id,
                chain.attempt(first, 2).parent_id,
                chain.attempt(second, 1).parent_id,
            ]
        };
        let mut all = [spans(&one), spans(&two)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5, "two arrivals, and three attempts that do not depend on the arrival");
        assert_eq!(spans(&one), spans(&chain(7, Some(SENDER), Share::NONE)));
    }

    #[test]
    fn a_share_takes_so_many_and_the_same_at_every_hop() {
        let ids = (0..4_096_u64).map(|n| Digest::of(&n.to_be_bytes()).head::<16>());
        let ids: Vec<u128> = ids.map(u128::from_be_bytes).collect();
        let taken = |share| ids.iter().filter(|id| chain(**id, None, share).is_recorded()).count();
        assert_eq!((taken(Share::NONE), taken(Share::of(0.0)), taken(Share::of(-3.0))), (0, 0, 0));
        assert_eq!((taken(Share::ALL), taken(Share::of(1.0)), taken(Share::of(9.0))), (4_096, 4_096, 4_096));
        let quarter = taken(Share::of(0.25));
        assert!((900..1_150).contains(&quarter), "{quarter}");
    }
}
