//! Flaws of what is told of newer states of a key. They strike in what the ledger answers and stores, never in the product's code.

use model::newest::{Fate, Latest};
use model::{Change, Offset};

use super::{Defect, Flaw};

impl Defect {
    /// What is found of newer events of the same key: flaws of I5 strike here.
    pub fn newest(&self, mut found: Vec<Latest>) -> Vec<Latest> {
        for latest in &mut found {
            let is_waiting = latest.newest.is_some_and(|newest| newest.fate == Fate::Blocks);
            if self.flaw == Flaw::I5Replays {
                *latest = Latest::default();
            } else if self.flaw == Flaw::I5Waits && is_waiting {
                latest.newest = None;
            } else if self.flaw == Flaw::I5Removed {
                latest.removed_to = Offset(0);
            }
        }
        found
    }
}

pub(super) fn rank_anew(change: &mut Change) {
    if let Change::Open { delivery, .. } = change {
        delivery.ranks_at = delivery.bytes_at;
    }
}
