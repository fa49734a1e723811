//! Quarantined events: a row for each, moved with its counter.

use model::account::ROUTER;
use model::{Bucket, Consumer, EventId, Fault, Later, LaterEvent, Position, QuarantineRow, QuarantineState};

use super::counters;
use super::deliveries::{Step, conflict};

impl Step<'_> {
    /// See [`model::Change::Quarantine`].
    pub(super) fn quarantine(&mut self, row: QuarantineRow) {
        let (origin, bucket) = (row.origin, bucket(&row.state));
        let later = self.attached(row.event).or(row.later);
        let row = QuarantineRow { later, ..row };
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

    /// See [`model::Change::Attach`].
    pub(super) fn attach(&mut self, to: EventId, at: Position, later: LaterEvent) -> Result<(), Fault> {
        let row = self.state.quarantine.get(&to).cloned();
        if row.as_ref().is_some_and(|row| row.state != QuarantineState::Open) {
            return Err(conflict("ledger.attach"));
        }
        let router = Consumer::new(ROUTER).expect("a literal name");
        if row.is_none() && at.offset <= self.state.cursor(&router, at.partition) {
            return Err(conflict("ledger.attach"));
        }
        let before = self.attached(to);
        if before.as_ref().is_some_and(|before| before.digest == later.event.digest) {
            return Ok(());
        }
        if before.as_ref().is_some_and(|before| !before.gives_way(later.event.received_at)) {
            return Err(conflict("ledger.attach"));
        }
        let summary = later.summary(before.map_or(0, |before| before.count));
        self.state.later.put(to, (later, summary.count));
        if let Some(row) = row {
            let version = row.version + 1;
            self.state.quarantine.put(to, QuarantineRow { later: Some(summary), version, ..row });
        }
        Ok(())
    }

    fn attached(&self, to: EventId) -> Option<Later> {
        self.state.later.get(&to).map(|(later, count)| later.summary(count - 1))
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
