//! Defects on purpose: at least one for each invariant, between a node and the world, never in the product's own code. A checker
//! that does not see its defect is no checker.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::{Journal, Ledger, Message};
use model::change::Change;
use model::{
    Appended, Batch, Delivery, DeliveryState, Entry, Fault, Guard, NewEntry, Offset, Owner, Partition, Position, TimeSpan,
    Timestamp,
};

use crate::oracle::Rule;
use crate::random::Random;

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The first way in which an invariant comes to mind.
    Of(Rule),
    /// Retention takes what is needed: I1 once more.
    Retention,
}

impl Flaw {
    /// The invariant that it breaks.
    pub const fn rule(self) -> Rule {
        match self {
            Self::Of(rule) => rule,
            Self::Retention => Rule::I1,
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(rule) => rule.fmt(f),
            Self::Retention => f.write_str("retention"),
        }
    }
}

/// The table of defects: what is broken, and how.
pub const DEFECTS: [(Flaw, &str); 12] = [
    (Flaw::Of(Rule::I1), "one append in 20 is answered and not made"),
    (Flaw::Of(Rule::I2), "what is held or dead belongs to nobody"),
    (Flaw::Of(Rule::I3), "one body in 20 arrives with another byte"),
    (Flaw::Of(Rule::I4), "the key registry does not recognise one event in 10"),
    (Flaw::Of(Rule::I5), "one delivery in 5 is stored outside of its lane"),
    (Flaw::Of(Rule::I6), "one routing commit in 10 moves the cursor one further"),
    (Flaw::Of(Rule::I7), "what is due in 5 seconds is said to be due, and may be claimed"),
    (Flaw::Of(Rule::I8), "rows of the audit are dropped"),
    (Flaw::Of(Rule::I9), "an answer is kept whole, however long it is"),
    (Flaw::Of(Rule::I10), "attempts that ended lives left open are not found"),
    (Flaw::Of(Rule::I11), "what routing counts is dropped"),
    (Flaw::Retention, "a trim keeps nothing, whoever needs it"),
];

/// How early the broken ledger says that something is due.
const EARLY: TimeSpan = TimeSpan::from_secs(5);

/// A defect, with its own stream of chance.
#[derive(Debug)]
pub struct Defect {
    flaw: Flaw,
    random: Mutex<Random>,
}

impl Defect {
    /// A defect.
    pub fn new(flaw: Flaw, random: Random) -> Self {
        Self { flaw, random: Mutex::new(random) }
    }

    fn breaks(&self, rule: Rule) -> bool {
        self.flaw == Flaw::Of(rule)
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, rule: Rule, in_thousand: u64) -> bool {
        self.breaks(rule) && self.random().in_thousand(in_thousand)
    }

    /// An append: I1 and I4 strike here.
    pub async fn append(&self, journal: &dyn Journal, mut entries: Vec<NewEntry>) -> Result<Vec<Appended>, Fault> {
        let from_intake = entries.iter().all(|new| new.emitted.is_none());
        if from_intake && self.strikes(Rule::I1, 50) {
            let nowhere = Position { partition: Partition(0), offset: Offset(1) };
            return Ok(vec![Appended::New(nowhere); entries.len()]);
        }
        for new in &mut entries {
            if let Entry::Admitted(event) | Entry::Quarantined { event, .. } = &mut new.entry
                && self.strikes(Rule::I4, 100)
            {
                event.key.push('!');
            }
        }
        journal.append(entries).await
    }

    /// What time it is for a look at what is due: I7 strikes here and in the claim that follows.
    pub fn due_at(&self, now: Timestamp) -> Timestamp {
        if self.breaks(Rule::I7) { now + EARLY } else { now }
    }

    /// What is found of the attempts that ended lives left open: I10 strikes here.
    pub fn orphans(&self, found: Vec<Delivery>) -> Vec<Delivery> {
        if self.breaks(Rule::I10) { Vec::new() } else { found }
    }

    /// What a trim keeps: retention strikes here.
    pub fn keep(&self, keep: Vec<Offset>) -> Vec<Offset> {
        if self.flaw == Flaw::Retention { Vec::new() } else { keep }
    }

    /// The bytes that arrive: I3 strikes here.
    pub fn body(&self, message: &Message) -> bytes::Bytes {
        if self.strikes(Rule::I3, 50) {
            let mut body = message.body.to_vec();
            body.push(b' ');
            body.push(b'0');
            return body.into();
        }
        message.body.clone()
    }

    /// A batch as the broken ledger takes it: all the others strike here.
    pub async fn bend(&self, ledger: &dyn Ledger, mut batch: Batch) -> Result<Batch, Fault> {
        let Flaw::Of(rule) = self.flaw else { return Ok(batch) };
        match rule {
            Rule::I2 => batch.changes.iter_mut().for_each(disown),
            Rule::I5 => batch.changes.iter_mut().for_each(|change| self.leave_lane(change)),
            Rule::I6 => self.run_ahead(&mut batch),
            Rule::I7 => claim_late(ledger, &mut batch).await?,
            Rule::I8 => batch.changes.retain(|change| !matches!(change, Change::Audit(_))),
            Rule::I11 => batch.changes.retain(|change| !matches!(change, Change::Count { .. })),
            Rule::I9 => batch.changes.iter_mut().for_each(keep_all),
            Rule::I1 | Rule::I3 | Rule::I4 | Rule::I10 | Rule::Assertion => {}
        }
        Ok(batch)
    }

    fn leave_lane(&self, change: &mut Change) {
        if let Change::Open { delivery, .. } = change
            && self.strikes(Rule::I5, 200)
        {
            delivery.lane = None;
        }
    }

    fn run_ahead(&self, batch: &mut Batch) {
        for guard in &mut batch.guards {
            if let Guard::Cursor { to, .. } = guard
                && self.strikes(Rule::I6, 100)
            {
                *to = Offset(to.0 + 1);
            }
        }
    }
}

fn disown(change: &mut Change) {
    if let Change::Settle {
        state: DeliveryState::Held { for_whom: owner } | DeliveryState::DeadLettered { owner }, ..
    } = change
    {
        *owner = Owner::new("nobody").expect("a literal name");
    }
}

/// The honest store refuses a claim before it is due, so the broken one says that it came later.
async fn claim_late(ledger: &dyn Ledger, batch: &mut Batch) -> Result<(), Fault> {
    for change in &mut batch.changes {
        let Change::Claim { delivery, claim } = change else { continue };
        let found = ledger.delivery(*delivery).await?;
        if let Some(DeliveryState::Waiting { due }) = found.map(|found| found.state) {
            claim.at = claim.at.max(due);
        }
    }
    Ok(())
}

/// Keeps one byte more of an answer than may be kept.
fn keep_all(change: &mut Change) {
    if let Change::Settle { result, .. } = change {
        result.response.resize(model::limit::RESPONSE_BYTES_KEPT + 1, b' ');
    }
}
