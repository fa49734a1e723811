//! What came under the key of an earlier event with another body. It is refused; where the earlier event waits for a person,
//! it is attached to it first, so that the person has both. Nothing here is accepted, and nothing is decided for the person.

use model::account::ROUTER;
use model::{
    AuditId, AuditRow, Batch, Change, Consumer, Digest, Entry, EventId, Fault, FaultKind, LaterEvent, Position, Principal,
    QuarantineState, SourceName, Timestamp, Verdict,
};
use policy::Policy;

use super::decide::{self, Proven};
use super::run::Intake;
use crate::observe::Fact;

/// A conflict as the journal found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Which event of the request.
    pub(super) index: usize,
    /// Where the first event of the key is.
    pub(super) at: Position,
    /// The first event of the key.
    pub(super) first: EventId,
}

/// A conflict as the sender is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// Which event of the request.
    pub(super) index: usize,
    /// The first event of the key.
    pub(super) first: EventId,
    /// What became of the other body.
    pub(super) fate: Fate,
}

/// What became of a body that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is attached to the first event, for the person that this waits for.
    Attached,
    /// It is gone.
    Dropped,
}

impl Intake {
    /// Tells the conflicts of a request, and gives the bodies to whom they are for. A fault means that the sender has to
    /// come again: what it was told is final would be lost.
    pub(super) async fn conflicts(
        &self,
        policy: &Policy,
        proven: &Proven<'_>,
        found: Vec<Found>,
    ) -> Result<Vec<Conflict>, Fault> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let mut judged = judged_again(policy, proven)?;
        let mut conflicts = Vec::with_capacity(found.len());
        for Found { index, at, first } in found {
            let later = judged.get_mut(index).and_then(Option::take).ok_or_else(|| corrupt("fewer verdicts than events"))?;
            self.tell_conflict(&proven.source().name, first, later.event.digest).await;
            conflicts.push(Conflict { index, first, fate: self.attach(at, first, later).await? });
        }
        Ok(conflicts)
    }

    /// Attaches a body to the first event of its key, where that waits for a person.
    async fn attach(&self, at: Position, first: EventId, later: LaterEvent) -> Result<Fate, Fault> {
        let router = Consumer::new(ROUTER).expect("a literal name");
        // Before the row: a router that had not passed the event then may write the row at any moment.
        let routed_to = self.ledger.cursor(&router, at.partition).await?;
        let is_open = match self.ledger.quarantined(first).await? {
            Some(row) if row.later.as_ref().is_some_and(|before| before.digest == later.event.digest) => {
                return Ok(if row.state == QuarantineState::Open { Fate::Attached } else { Fate::Dropped });
            }
            Some(row) => row.state == QuarantineState::Open,
            None => routed_to < at.offset && self.is_kept(at).await?,
        };
        if !is_open {
            return Ok(Fate::Dropped);
        }
        let attach = Change::Attach { to: first, later: Box::new(later) };
        match self.ledger.commit(Batch::new().change(attach)).await {
            Ok(_) => Ok(Fate::Attached),
            // A person has decided in between.
            Err(fault) if fault.kind == FaultKind::Conflict => Ok(Fate::Dropped),
            // What is busy is not the journal, which may have taken the others of the request.
            Err(fault) if fault.kind == FaultKind::Busy => {
                Err(Fault::from_error(FaultKind::Unavailable, "intake.attach", fault))
            }
            Err(fault) => Err(fault),
        }
    }

    async fn is_kept(&self, at: Position) -> Result<bool, Fault> {
        let record = self.journal.get(at).await?;
        Ok(record.is_some_and(|record| matches!(record.entry, Entry::Quarantined { .. })))
    }

    /// A sample of key conflicts goes to the audit, where the first event's story shows them. It is no part of the
    /// answer: a ledger that fails changes nothing about it.
    async fn tell_conflict(&self, source: &SourceName, first: EventId, digest: Digest) {
        let now = self.clock.now();
        if !self.meter(source, |meter| meter.tells_conflict(now)) {
            return;
        }
        let row = conflict_row(source, first, digest, now);
        if let Err(fault) = self.ledger.commit(Batch::new().change(Change::Audit(row))).await {
            self.facts.emit(&Fact::LoopFault { name: "intake.audit", fault: &fault });
        }
    }
}

/// The events of a request once more: the journal took the first ones, and a copy of each beforehand would be paid for by
/// all requests. The same request is judged the same.
fn judged_again(policy: &Policy, proven: &Proven<'_>) -> Result<Vec<Option<LaterEvent>>, Fault> {
    let verdicts = decide::judge(policy, proven).map_err(|refusal| corrupt(&refusal.detail))?;
    let later = |verdict| match verdict {
        Verdict::Admitted(event) => LaterEvent { event: *event, reasons: Vec::new() },
        Verdict::Quarantined { event, reasons } => LaterEvent { event: *event, reasons },
    };
    Ok(verdicts.into_iter().map(|verdict| Some(later(verdict))).collect())
}

fn corrupt(what: &str) -> Fault {
    Fault::from_error(FaultKind::Corrupt, "intake.conflict", what.to_owned())
}

fn conflict_row(source: &SourceName, first: EventId, digest: Digest, at: Timestamp) -> AuditRow {
    AuditRow {
        id: AuditId::derive(first.0, &[b"intake.key_reused", &digest.0]),
        at,
        by: Principal::new(&format!("source:{source}")),
        action: "intake.key_reused".to_owned(),
        subject: first.to_string(),
        why: format!("another body came under its key, sha256 {digest}"),
    }
}
