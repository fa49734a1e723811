//! Commands about kept events: read the row and the bytes, decide, commit. A command that loses a race is decided anew
//! on what is there then.

use std::sync::Arc;

use bytes::Bytes;
use model::{Digest, Entry, EventId, Fault, FaultKind, FlowName, QuarantineState};
use policy::{EventView, Flow};

use super::decide::{self, Decided, Kept, Moved, Stand};
use crate::book::Book;
use crate::newer::{Lookup, Passing};
use crate::ports::{Journal, Ledger};
use crate::rules::asked::{Asked, NotDone};
use crate::rules::overtaken::{self, Newer};

/// LIMIT: races that one command may lose; people do not decide the same thing four times in a moment.
const TRIES_MAX: usize = 4;

/// The desk of kept events.
#[derive(Clone, Debug)]
pub struct Quarantine {
    /// Where the bytes are.
    pub journal: Arc<dyn Journal>,
    /// Where the rows are.
    pub ledger: Arc<dyn Ledger>,
    /// The policies: the present one judges.
    pub book: Arc<Book>,
}

/// Which kept event, and in which version the person saw it. `None` for whatever it is now: refused where something came
/// under its key later, unless that is what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    /// The event.
    pub event: EventId,
    /// The version.
    pub version: Option<u64>,
}

impl Quarantine {
    /// Another body takes the place of the kept one: in the same form, envelope included where it had one in its body.
    ///
    /// `Invalid` with the broken rules where it would be kept again.
    pub async fn correct(&self, which: Which, body: Bytes, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, asked, |stand, kept| decide::correct(stand, kept, &body, asked)).await
    }

    /// What its sender sent under its key later takes its place; with `seen`, only where that is its digest.
    ///
    /// `Refused` where nothing came, `Changed` where something else has come since, `Invalid` as for a correction.
    pub async fn resubmit(&self, which: Which, seen: Option<Digest>, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, asked, |stand, kept| decide::resubmit(stand, kept, seen, asked)).await
    }

    /// The event passes as it is.
    ///
    /// `Overtaken` where a newer state of its key went by a flow that takes it, and that is to stay.
    pub async fn release(&self, which: Which, newer: Newer, asked: &Asked) -> Result<Moved, NotDone> {
        asked.check()?;
        if newer == Newer::Stays {
            self.check_newer(which.event).await?;
        }
        self.settle(which, asked, |stand, kept| decide::release(stand, kept, newer, asked)).await
    }

    async fn check_newer(&self, event: EventId) -> Result<(), NotDone> {
        let row = self.ledger.quarantined(event).await?.filter(|row| row.state == QuarantineState::Open);
        let Some(row) = row else { return Ok(()) };
        let Some(record) = self.journal.get(row.position).await? else { return Ok(()) };
        let Some(event) = record.entry.event() else { return Ok(()) };
        let policy = self.book.current();
        let view = EventView::new(event);
        let takes = |flow: &&Arc<Flow>| flow.filter.as_ref().is_none_or(|it| it.eval_bool(&view) != Ok(false));
        let flows: Vec<FlowName> = policy.selected(event).filter(takes).map(|flow| flow.name.clone()).collect();
        let lookup = Lookup { journal: Arc::clone(&self.journal), ledger: Arc::clone(&self.ledger), policy };
        for flow in &flows {
            let passing = Passing { flow, at: row.position, event: Some(event), known: None };
            if let Some(newer) = lookup.than(passing).await? {
                return Err(NotDone::Overtaken(overtaken::sentence(flow, newer)));
            }
        }
        Ok(())
    }

    /// The event is not to be delivered.
    pub async fn close(&self, which: Which, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, asked, |_, kept| decide::close(kept, asked)).await
    }

    async fn settle(
        &self,
        which: Which,
        asked: &Asked,
        decide: impl Fn(Stand<'_>, Kept<'_>) -> Result<Decided, NotDone>,
    ) -> Result<Moved, NotDone> {
        asked.check()?;
        let partitions = self.journal.partitions();
        for _ in 0..TRIES_MAX {
            let row = self.ledger.quarantined(which.event).await?;
            let row = row.ok_or_else(|| NotDone::Unknown(format!("no event {} was ever kept for a person", which.event)))?;
            let record = self.journal.get(row.position).await?;
            let record = record.ok_or_else(|| NotDone::Refused("the bytes of the event are no longer there".to_owned()))?;
            let Entry::Quarantined { event, .. } = &record.entry else {
                return Err(NotDone::Fault(Fault::from_error(
                    FaultKind::Corrupt,
                    "quarantine.settle",
                    "the row points elsewhere",
                )));
            };
            // What came after the row was read fails the commit.
            let later = if row.later.is_some() { self.ledger.later(which.event).await? } else { None };
            let policy = self.book.current();
            let stand = Stand { policy: &policy, partitions: &partitions };
            let Decided { batch, moved } =
                decide(stand, Kept { row: &row, event, later: later.as_ref(), seen: which.version })?;
            let Some(batch) = batch else { return Ok(moved) };
            match self.ledger.commit(batch).await {
                Ok(_) => return Ok(moved),
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(Fault::new(FaultKind::Conflict, "quarantine.settle").into())
    }
}
