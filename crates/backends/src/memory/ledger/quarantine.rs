//! Quarantined events: a row for each, moved with its counter.

use model::{Bucket, EventId, Fault, QuarantineRow, QuarantineState};

use super::counters;
use super::deliveries::{Step, conflict};

impl Step<'_> {
    /// See [`model::Change::Quarantine`].
    pub(super) fn quarantine(&mut self, row: QuarantineRow) {
        let (origin, bucket) = (row.origin, bucket(&row.state));
        if self.state.quarantine.put_new(row.event, row) {
            counters::enter(self.state, origin, bucket, 1);
        }
    }

    /// See [`model::Change::QuarantineMove`].
    pub(super) fn quarantine_move(&mut self, event: EventId, to: QuarantineState) -> Result<(), Fault> {
        let mut row = self.state.quarantine.get(&event).cloned().ok_or(conflict("ledger.quarantine_move"))?;
        counters::shift(self.state, row.origin, bucket(&row.state), bucket(&to));
        if matches!(to, QuarantineState::Resubmitted { .. }) {
            row.revision += 1;
        }
        row.state = to;
        row.version += 1;
        self.state.quarantine.put(event, row);
        Ok(())
    }
}

/// The bucket of an entry in this state.
pub(super) const fn bucket(state: &QuarantineState) -> Bucket {
    match state {
        QuarantineState::Open => Bucket::Quarantined,
        QuarantineState::Resubmitted { .. } => Bucket::Resubmitted,
        QuarantineState::Released { .. } => Bucket::Released,
        QuarantineState::Closed { .. } => Bucket::Closed,
    }
}
