//! Faults of loops and of intake: each is counted, and of a flood the log has a few. A store that is away or full would otherwise
//! be answered with a line for every request, often onto the disk that has no room.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{Fault, Timestamp};
use policy::compiled::Rate;

use super::{Fact, Facts};
use crate::rules::bucket::Bucket;

/// LIMIT: faults of one loop and one kind that the log tells of one by one.
const TOLD: Rate = Rate { per_s: 0.1, burst: 10 };

/// What was told of already. Names of loops and kinds of faults are few.
#[derive(Debug, Default)]
pub(super) struct LoopFaults(Mutex<BTreeMap<(&'static str, &'static str), Bucket>>);

impl LoopFaults {
    /// Whether the log is told of this one.
    fn tells(&self, name: &'static str, fault: &Fault, now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry((name, fault.kind.word())).or_default().take(TOLD, now).is_ok()
    }
}

impl Facts {
    /// Tells of a fault in the loop of this name; of a flood of them a few.
    pub fn tell_fault(&self, name: &'static str, fault: &Fault, now: Timestamp) {
        let fact = Fact::LoopFault { name, fault };
        if self.loop_faults.tells(name, fault, now) {
            self.emit(&fact);
        } else {
            self.count(&fact);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{FaultKind, TimeSpan};

    use super::*;

    #[test]
    fn of_a_flood_of_faults_the_log_has_a_few_of_each_kind() {
        let faults = LoopFaults::default();
        let (full, away) = (Fault::new(FaultKind::Full, "append"), Fault::new(FaultKind::Unavailable, "append"));
        let at = |millis| Timestamp::from_secs(100) + TimeSpan::from_millis(millis);
        let told = (0..1_000).filter(|millis| faults.tells("intake", &full, at(*millis))).count();
        assert_eq!(told, 10);
        assert!(faults.tells("intake", &away, at(1_000)) && faults.tells("router", &full, at(1_000)));
        assert!(!faults.tells("intake", &full, at(1_000)) && faults.tells("intake", &full, at(11_000)));
    }
}
