//! How much room a ledger takes, and what of it has had its time.

use crate::time::Timestamp;

/// Rows of the ledger that were made before these moments have had their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Bytes of others that are not in the journal: what destinations answered, [`crate::AttemptResult::response`], and what is
    /// attached to settled quarantined events; never kept longer than the rows.
    pub answers: Timestamp,
    /// All others but the audit, and but what is remembered of emitted entries.
    pub rows: Timestamp,
    /// What is remembered of emitted entries, from when they left the outbox: a repeat may be on its way in the journal.
    pub emitted: Timestamp,
    /// The audit.
    pub audit: Timestamp,
}

/// How much room a ledger takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes in use, free pages not counted.
    pub bytes: u64,
    /// The budget; above it intake is refused as by a full journal. 0 for none.
    pub budget: u64,
}

impl Room {
    /// Hundredths of the budget in use; 0 without a budget.
    pub fn percent(&self) -> u64 {
        let percent = u128::from(self.bytes) * 100 / u128::from(self.budget.max(1));
        if self.budget == 0 { 0 } else { u64::try_from(percent).unwrap_or(u64::MAX) }
    }
}
