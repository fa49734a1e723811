//! What came under the key of an earlier event with another body. It is refused; where the earlier event waits for a person,
//! it is attached to it first, so that the person has both. Nothing here is accepted, and nothing is decided for the person.

use model::account::ROUTER;
use model::{
    AuditId, AuditRow, Batch, Change, Consumer, Digest, Entry, EventId, Fault, FaultKind, LaterEvent, Position, Principal,
    QuarantineRow, QuarantineState, SourceName, Timestamp, Verdict,
};
use policy::Policy;

use super::decide::{self, Proven};
use super::run::Intake;

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

/// Whom a body is for.
enum Whom {
    /// For nobody: the first event of the key waits for no person, or that has enough to look at.
    Nobody,
    /// For a person, who has it already.
    HasIt,
    /// For a person.
    Person,
}

impl Intake {
    /// Tells the conflicts of a request, and gives the bodies to whom they are for: all that is needed is read first, and one
    /// commit takes them. A fault means that the sender has to come again: what it was told is final would be lost.
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
        let (mut conflicts, mut waiting) = (Vec::with_capacity(found.len()), Vec::new());
        for Found { index, at, first } in found {
            let later = judged.get_mut(index).and_then(Option::take).ok_or_else(|| corrupt("fewer verdicts than events"))?;
            self.tell_conflict(&proven.source().name, first, later.event.digest).await;
            let fate = match self.whom(at, first, &later).await {
                Ok(Whom::Nobody) => Fate::Dropped,
                Ok(Whom::HasIt) => Fate::Attached,
                Ok(Whom::Person) => {
                    waiting.push((conflicts.len(), Change::Attach { to: first, at, later: Box::new(later) }));
                    Fate::Dropped
                }
                Err(fault) => self.lost(fault)?,
            };
            conflicts.push(Conflict { index, first, fate });
        }
        for (place, fate) in self.attach(waiting).await? {
            conflicts[place].fate = fate;
        }
        Ok(conflicts)
    }

    /// Whom another body under the key of the event at a position is for.
    async fn whom(&self, at: Position, first: EventId, later: &LaterEvent) -> Result<Whom, Fault> {
        let router = Consumer::new(ROUTER).expect("a literal name");
        // In this order: what the router commits in between has its row, whatever the cursor said.
        let is_routed = self.ledger.cursor(&router, at.partition).await? >= at.offset;
        match self.ledger.quarantined(first).await? {
            Some(row) if row.state != QuarantineState::Open => Ok(Whom::Nobody),
            Some(QuarantineRow { later: Some(before), .. }) if before.digest == later.event.digest => Ok(Whom::HasIt),
            Some(QuarantineRow { later: Some(before), .. }) if !before.gives_way(later.event.received_at) => {
                Ok(Whom::Nobody)
            }
            Some(_) => Ok(Whom::Person),
            None if is_routed => Ok(Whom::Nobody),
            None => Ok(if self.is_kept(at).await? { Whom::Person } else { Whom::Nobody }),
        }
    }

    /// Attaches bodies in one commit; where one of them cannot be, each in its own. Answers with what became of each.
    async fn attach(&self, waiting: Vec<(usize, Change)>) -> Result<Vec<(usize, Fate)>, Fault> {
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let all = Batch { guards: Vec::new(), changes: waiting.iter().map(|(_, attach)| attach.clone()).collect() };
        match self.ledger.commit(all).await {
            Ok(_) => return Ok(waiting.into_iter().map(|(place, _)| (place, Fate::Attached)).collect()),
            Err(fault) if matches!(fault.kind, FaultKind::Conflict | FaultKind::Corrupt) => {}
            Err(fault) => return Err(fault),
        }
        let mut fates = Vec::with_capacity(waiting.len());
        for (place, attach) in waiting {
            let fate = match self.ledger.commit(Batch::new().change(attach)).await {
                Ok(_) => Fate::Attached,
                // A person has decided in between, or others came.
                Err(fault) if fault.kind == FaultKind::Conflict => Fate::Dropped,
                Err(fault) => self.lost(fault)?,
            };
            fates.push((place, fate));
        }
        Ok(fates)
    }

    /// What is damaged stays so, however often the sender comes: the fault is told, and the conflict answered like any other.
    fn lost(&self, fault: Fault) -> Result<Fate, Fault> {
        if fault.kind != FaultKind::Corrupt {
            return Err(fault);
        }
        self.facts.tell_fault("intake.attach", &fault, self.clock.now());
        Ok(Fate::Dropped)
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
            self.facts.tell_fault("intake.audit", &fault, self.clock.now());
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
