//! Commands about kept events: read the row and the bytes, decide, commit. A command that loses a race is decided anew
//! on what is there then.

use std::sync::Arc;

use bytes::Bytes;
use model::{Digest, Event, EventId, Fault, FaultKind, QuarantineRow, QuarantineState, Record};
use policy::{EventView, Flow, Policy};

use super::decide::{self, Decided, Kept, Moved, Stand};
use crate::book::Book;
use crate::newer::{Lookup, Passing, rank_of, repeat_of};
use crate::ports::{Journal, Ledger};
use crate::rules::asked::{Asked, NotDone};
use crate::rules::overtaken::{Newer, Overtaken};

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
    /// `Invalid` with the broken rules where it would be kept again, `Overtaken` as for a release: new bytes make no state of
    /// an order newer than what came after the old ones.
    pub async fn correct(&self, which: Which, body: Bytes, newer: Newer, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, (asked, newer), |stand, kept| decide::correct(stand, kept, &body, asked)).await
    }

    /// What its sender sent under its key later takes its place; with `seen`, only where that is its digest.
    ///
    /// `Refused` where nothing came, `Changed` where something else has come since, `Invalid` and `Overtaken` as for a
    /// correction.
    pub async fn resubmit(&self, which: Which, seen: Option<Digest>, newer: Newer, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, (asked, newer), |stand, kept| decide::resubmit(stand, kept, seen, asked)).await
    }

    /// The event passes as it is.
    ///
    /// `Overtaken` where a newer state of its key went by a flow that takes it, and that is to stay.
    pub async fn release(&self, which: Which, newer: Newer, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, (asked, newer), |stand, kept| decide::release(stand, kept, asked)).await
    }

    /// Whether a kept event that is still open would go over a newer state, by a flow that takes it.
    pub async fn would_go_over(&self, row: &QuarantineRow) -> Result<Option<Overtaken>, Fault> {
        if row.state != QuarantineState::Open {
            return Ok(None);
        }
        let record = match self.journal.get(row.position).await {
            // What cannot be read is told by the command.
            Err(fault) if fault.kind == FaultKind::Corrupt => None,
            read => read?,
        };
        let Some(record) = record else { return Ok(None) };
        let Some(event) = record.entry.event() else { return Ok(None) };
        self.over(event, &record, self.book.current()).await
    }

    /// Whether what came in with this record would go over a newer state, as this event and by a flow that takes it.
    async fn over(&self, event: &Event, record: &Record, policy: Arc<Policy>) -> Result<Option<Overtaken>, Fault> {
        let (at, judged_by) = (rank_of(&*self.ledger, record).await?, self.book.kept(record.policy).await?);
        let first = (at, judged_by.as_deref());
        let view = EventView::new(event);
        let takes = |flow: &&Arc<Flow>| flow.filter.as_ref().is_none_or(|it| it.eval_bool(&view) != Ok(false));
        let flows = policy.selected(event).filter(takes);
        let passing: Vec<Passing> = flows.filter_map(|flow| Passing::entering(&policy, flow, event, first)).collect();
        let repeat = repeat_of(&policy, event);
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        let lookup = Lookup { journal, ledger, book: Arc::clone(&self.book) };
        let newer = lookup.newer(passing.iter(), &Arc::default()).await?;
        let mut found: Vec<Overtaken> = passing
            .iter()
            .filter_map(|passing| newer.found(passing))
            .map(|(newer, flow)| Overtaken { flow, newer, repeat })
            .collect();
        // Of several flows what is known speaks before what cannot be told.
        found.sort_by_key(|overtaken| Newer::MayBeGone.lets(overtaken.newer));
        Ok(found.into_iter().next())
    }

    /// The event is not to be delivered.
    pub async fn close(&self, which: Which, asked: &Asked) -> Result<Moved, NotDone> {
        self.settle(which, (asked, Newer::Stays), |_, kept| decide::close(kept, asked)).await
    }

    async fn settle(
        &self,
        which: Which,
        (asked, newer): (&Asked, Newer),
        decide: impl Fn(Stand<'_>, Kept<'_>) -> Result<Decided, NotDone>,
    ) -> Result<Moved, NotDone> {
        asked.check()?;
        let partitions = self.journal.partitions();
        for _ in 0..TRIES_MAX {
            let row = self.ledger.quarantined(which.event).await?;
            let row = row.ok_or_else(|| NotDone::Unknown(format!("no event {} was ever kept for a person", which.event)))?;
            let record = self.journal.get(row.position).await?;
            let record = record.ok_or_else(|| NotDone::Refused("the bytes of the event are no longer there".to_owned()))?;
            // Its record may say that it was admitted: by a policy that nobody can read any more.
            let Some(event) = record.entry.event().filter(|event| event.id == which.event) else {
                return Err(NotDone::Fault(Fault::from_error(
                    FaultKind::Corrupt,
                    "quarantine.settle",
                    "the row points elsewhere",
                )));
            };
            let ranks_at = rank_of(&*self.ledger, &record).await?;
            // What came after the row was read fails the commit.
            let later = if row.later.is_some() { self.ledger.later(which.event).await? } else { None };
            let policy = self.book.current();
            let stand = Stand { policy: &policy, partitions: &partitions };
            let Decided { batch, moved } =
                decide(stand, Kept { row: &row, ranks_at, event, later: later.as_ref(), seen: which.version })?;
            let Some(mut batch) = batch else { return Ok(moved) };
            if let Some(passes) = decide::passes(&batch, event) {
                if newer != Newer::GoesUnder
                    && let Some(overtaken) = self.over(passes, &record, Arc::clone(&policy)).await?
                    && !newer.lets(overtaken.newer)
                {
                    return Err(NotDone::Overtaken(overtaken.sentence()));
                }
                batch.changes.extend(decide::over(which.event, newer, asked));
            }
            match self.ledger.commit(batch).await {
                Ok(_) => return Ok(moved),
                Err(fault) if fault.kind == FaultKind::Conflict => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(Fault::new(FaultKind::Conflict, "quarantine.settle").into())
    }
}
