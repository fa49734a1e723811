//! Whether a node is gone, judged by looking: its heartbeat has not changed for so many looks in a row. Looks are made on a
//! period that does not jump, so no clock has a say in it: neither the node's nor ours.

use std::collections::BTreeMap;

use model::limit::{HEARTBEAT, LEASE};
use model::{NodeName, Timestamp};

/// So many looks without a change, one each heartbeat's time, are a lease's time.
const LOOKS: u64 = LEASE.micros() / HEARTBEAT.micros();

/// What was seen of nodes.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    seen: BTreeMap<NodeName, (Timestamp, u64)>,
}

impl Pulse {
    /// One look: the heartbeat of each node as it is stored now; a node may be named twice.
    pub fn look(&mut self, beats: impl IntoIterator<Item = (NodeName, Timestamp)>) {
        let beats: BTreeMap<NodeName, Timestamp> = beats.into_iter().collect();
        for (node, beat) in beats {
            let (known, looks) = self.seen.entry(node).or_insert((beat, 0));
            *looks = if *known == beat { *looks + 1 } else { 0 };
            *known = beat;
        }
    }

    /// Whether the node is gone.
    pub fn is_gone(&self, node: &NodeName) -> bool {
        self.seen.get(node).is_some_and(|(_, looks)| *looks > LOOKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_gone_when_its_heartbeat_stands_still_and_back_when_it_moves() {
        let node = NodeName::new("n1").unwrap();
        let mut pulse = Pulse::default();
        for _ in 0..LOOKS {
            pulse.look([(node.clone(), Timestamp::from_secs(5)), (node.clone(), Timestamp::from_secs(5))]);
            assert!(!pulse.is_gone(&node));
        }
        pulse.look([(node.clone(), Timestamp::from_secs(5))]);
        assert!(pulse.is_gone(&node));
        pulse.look([(node.clone(), Timestamp::from_secs(4))]);
        assert!(!pulse.is_gone(&node));
    }
}
