//! The outbox loop: what rooms emitted is appended to the journal under its derived id and marked as sent. A crash in
//! between appends it again; the journal or its consumers drop the repeat.

use std::sync::Arc;

use model::limit::COMMIT_ENTRIES_MAX;
use model::{Batch, Change, Fault};

use crate::drive::Turn;
use crate::observe::Facts;
use crate::ports::{Journal, Ledger, Readable};

/// The outbox loop of a node. Several nodes may run one: repeats are dropped.
#[derive(Debug)]
pub struct Outbox {
    /// Where entries go.
    pub journal: Arc<dyn Journal>,
    /// Where they come from.
    pub ledger: Arc<dyn Ledger>,
    /// Where facts go.
    pub facts: Arc<Facts>,
}

impl Outbox {
    /// Appends what waits, in the order in which it was emitted. What cannot be read stays where it is, and is told of.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        let Readable { rows: entries, unreadable } = self.ledger.outbox(COMMIT_ENTRIES_MAX).await?;
        self.facts.tell_unreadable(None, &unreadable);
        if entries.is_empty() {
            return Ok(Turn::Idle);
        }
        let ids: Vec<uuid::Uuid> = entries.iter().filter_map(|entry| entry.emitted).collect();
        self.journal.append(entries).await?;
        let changes = ids.into_iter().map(|id| Change::Emitted { id }).collect();
        self.ledger.commit(Batch { guards: Vec::new(), changes }).await?;
        Ok(Turn::Worked)
    }
}
