//! Defects on purpose: at least one for each invariant, between a node and the world, never in the product's own code. A checker
//! that does not see its defect is no checker.

mod captured;
mod newer;
mod policies;

pub use captured::Held;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::policies::Policies;
use engine::ports::{Journal, Ledger, Message, Readable};
use engine::retention::decide::ALARM_FULL;
use model::change::Change;
use model::limit::PAGE_ROWS_MAX;
use model::room::{Ages, Room};
use model::view::DeliveryQuery;
use model::{
    Appended, Batch, Delivery, DeliveryState, Entry, Fault, Guard, NewEntry, Offset, Owner, Partition, Position, Principal,
    TimeSpan, Timestamp,
};

use crate::oracle::{Rule, Stores};
use crate::random::Random;
use crate::swarm::Captures;

/// What can be broken on purpose: at least one flaw for each invariant, named after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is told by `how`")]
pub enum Flaw {
    I1,
    I1Later,
    I1Retention,
    I2,
    I2Deadlines,
    I2Retention,
    I3,
    I4,
    I4Keys,
    I5,
    I5Ranks,
    I5Removed,
    I5Replays,
    I5Waits,
    I6,
    I6Policies,
    I6Routing,
    I7,
    I7Deadlines,
    I8,
    I8Retention,
    I9,
    I10,
    I10Clocks,
    I10Room,
    I11,
    I13Journal,
    I13Watermark,
    I13Overlap,
    I13Gone,
    I13Hidden,
    I13Keys,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::I1,
        Self::I1Later,
        Self::I1Retention,
        Self::I2,
        Self::I2Deadlines,
        Self::I2Retention,
        Self::I3,
        Self::I4,
        Self::I4Keys,
        Self::I5,
        Self::I5Ranks,
        Self::I5Removed,
        Self::I5Replays,
        Self::I5Waits,
        Self::I6,
        Self::I6Policies,
        Self::I6Routing,
        Self::I7,
        Self::I7Deadlines,
        Self::I8,
        Self::I8Retention,
        Self::I9,
        Self::I10,
        Self::I10Clocks,
        Self::I10Room,
        Self::I11,
        Self::I13Journal,
        Self::I13Watermark,
        Self::I13Overlap,
        Self::I13Gone,
        Self::I13Hidden,
        Self::I13Keys,
    ];

    /// The flaw with this name, in letters of any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.to_string().eq_ignore_ascii_case(name))
    }

    /// The invariant that it breaks, and that has to be seen broken.
    pub const fn rule(self) -> Rule {
        match self {
            Self::I1 | Self::I1Later | Self::I1Retention => Rule::I1,
            Self::I2 | Self::I2Deadlines | Self::I2Retention => Rule::I2,
            Self::I3 => Rule::I3,
            Self::I4 | Self::I4Keys => Rule::I4,
            Self::I5 | Self::I5Ranks | Self::I5Removed | Self::I5Replays | Self::I5Waits => Rule::I5,
            Self::I6 | Self::I6Policies | Self::I6Routing => Rule::I6,
            Self::I7 | Self::I7Deadlines => Rule::I7,
            Self::I8 | Self::I8Retention => Rule::I8,
            Self::I9 => Rule::I9,
            Self::I10 | Self::I10Clocks | Self::I10Room => Rule::I10,
            Self::I11 => Rule::I11,
            Self::I13Journal | Self::I13Watermark | Self::I13Overlap | Self::I13Gone | Self::I13Hidden | Self::I13Keys => {
                Rule::I13
            }
        }
    }

    /// Whether it needs a captured system to be seen.
    pub fn captures(self) -> Option<Captures> {
        (self.rule() == Rule::I13).then_some(Captures::On)
    }

    /// What is broken, in words.
    pub const fn how(self) -> &'static str {
        match self {
            Self::I1 => "one append in 20 is answered and not made",
            Self::I1Later => "what came under the key of a kept event is not attached to it",
            Self::I1Retention => "a trim keeps nothing, whoever needs it",
            Self::I2 => "what is held or dead belongs to nobody",
            Self::I2Deadlines => "what waits beyond its deadline is not found",
            Self::I2Retention => "rows go by their age whose work is undone",
            Self::I3 => "one body in 20 arrives with another byte",
            Self::I4 => "the key registry does not recognise one event in 10",
            Self::I4Keys => "the window of keys is counted by the time that a wrong calendar sets ahead",
            Self::I5 => "one delivery in 5 is stored outside of its lane",
            Self::I5Ranks => "what was corrected is as new as its correction",
            Self::I5Removed => "nothing is known to have been delivered that retention has removed",
            Self::I5Replays => "nothing newer is found of what a person sends again",
            Self::I5Waits => "what waits in a lane is nothing to what enters behind it",
            Self::I6 => "one routing commit in 10 moves the cursor one further",
            Self::I6Policies => "the policy that was in force first is said to be so again",
            Self::I6Routing => {
                "records are routed by the last policy before them in their partition, not by the one that judged them"
            }
            Self::I7 => "what is due in 5 seconds is said to be due, and may be claimed",
            Self::I7Deadlines => "deliveries are stored without their deadline",
            Self::I8 => "rows of the audit are dropped",
            Self::I8Retention => "the audit goes with the rows",
            Self::I9 => "an answer is kept whole, however long it is",
            Self::I10 => "attempts that ended lives left open are not found",
            Self::I10Clocks => "a life begins with what its calendar says, whatever time it was before",
            Self::I10Room => "a ledger that was full is said to be full ever after",
            Self::I11 => "what routing counts is dropped",
            Self::I13Journal => "what was read becomes known before it is in the journal",
            Self::I13Watermark => "a sweep reaches up to when it was answered, not to when it began",
            Self::I13Overlap => "a sweep looks back no further than to the last one",
            Self::I13Gone => "what is not shown is said to be gone, without being asked after",
            Self::I13Hidden => "what is known to be hidden is never asked after again",
            Self::I13Keys => "the key of a captured record does not say how often it was told",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How early the broken ledger says that something is due.
const EARLY: TimeSpan = TimeSpan::from_secs(5);

/// A defect, with its own stream of chance.
#[derive(Debug)]
pub struct Defect {
    flaw: Flaw,
    random: Mutex<Random>,
    /// Whether a ledger was seen without room.
    was_full: AtomicBool,
    /// What was seen of policies.
    policies: Mutex<Policies>,
}

impl Defect {
    /// The defect that has this flaw.
    pub fn new(flaw: Flaw, random: Random) -> Self {
        Self { flaw, random: Mutex::new(random), was_full: AtomicBool::new(false), policies: Mutex::default() }
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, flaw: Flaw, in_thousand: u64) -> bool {
        self.flaw == flaw && self.random().in_thousand(in_thousand)
    }

    /// An append: I1 and I4 strike here.
    pub async fn append(&self, journal: &dyn Journal, mut entries: Vec<NewEntry>) -> Result<Vec<Appended>, Fault> {
        let from_intake = entries.iter().all(|new| new.emitted.is_none());
        if from_intake && self.strikes(Flaw::I1, 50) {
            let nowhere = Position { partition: Partition(0), offset: Offset(1) };
            return Ok(vec![Appended::New(nowhere); entries.len()]);
        }
        for new in &mut entries {
            if let Entry::Admitted(event) | Entry::Quarantined { event, .. } = &mut new.entry
                && self.strikes(Flaw::I4, 100)
            {
                event.key.push('!');
            }
            self.forget_told(&mut new.entry);
        }
        journal.append(entries).await
    }

    /// What time it is for a look at what is due: I7 strikes here and in the claim that follows.
    pub fn due_at(&self, now: Timestamp) -> Timestamp {
        if self.flaw == Flaw::I7 { now + EARLY } else { now }
    }

    /// What is found of the attempts that ended lives left open: I10 strikes here.
    pub fn orphans(&self, found: Readable<Delivery>) -> Readable<Delivery> {
        if self.flaw == Flaw::I10 { Readable::default() } else { found }
    }

    /// What is found of what waits beyond its deadline: [`Flaw::I2Deadlines`] strikes here.
    pub fn overdue(&self, found: Readable<Delivery>) -> Readable<Delivery> {
        if self.flaw == Flaw::I2Deadlines { Readable::default() } else { found }
    }

    /// What a trim keeps: [`Flaw::I1Retention`] strikes here.
    pub fn keep(&self, keep: Vec<Offset>) -> Vec<Offset> {
        if self.flaw == Flaw::I1Retention { Vec::new() } else { keep }
    }

    /// Whether a clock takes what its calendar says for what has run: [`Flaw::I4Keys`] strikes here.
    pub fn counts_by_calendar(&self) -> bool {
        self.flaw == Flaw::I4Keys
    }

    /// What a trim of the ledger takes: [`Flaw::I2Retention`] and [`Flaw::I8Retention`] strike here.
    pub async fn trim(&self, stores: &Stores, ages: Ages) -> Result<Ages, Fault> {
        if self.flaw == Flaw::I2Retention {
            end_unseen(stores, ages.rows).await?;
        }
        Ok(if self.flaw == Flaw::I8Retention { Ages { audit: ages.rows, ..ages } } else { ages })
    }

    /// Whether a clock takes no notice of what time it was in earlier lives: [`Flaw::I10Clocks`] strikes here.
    pub fn forgets_time(&self) -> bool {
        self.flaw == Flaw::I10Clocks
    }

    /// How much room the ledger is said to take: [`Flaw::I10Room`] strikes here.
    pub fn room(&self, found: Room) -> Room {
        if found.percent() >= ALARM_FULL {
            self.was_full.store(true, Ordering::Relaxed);
        }
        let is_stuck = self.flaw == Flaw::I10Room && self.was_full.load(Ordering::Relaxed);
        if is_stuck { Room { bytes: found.budget, ..found } } else { found }
    }

    /// The bytes that arrive: I3 strikes here.
    pub fn body(&self, message: &Message) -> bytes::Bytes {
        if self.strikes(Flaw::I3, 50) {
            let mut body = message.body.to_vec();
            body.push(b' ');
            body.push(b'0');
            return body.into();
        }
        message.body.clone()
    }

    /// A batch as the broken ledger takes it: all the others strike here.
    pub async fn bend(&self, ledger: &dyn Ledger, mut batch: Batch) -> Result<Batch, Fault> {
        match self.flaw {
            Flaw::I2 => batch.changes.iter_mut().for_each(disown),
            Flaw::I5 => batch.changes.iter_mut().for_each(|change| self.leave_lane(change)),
            Flaw::I5Ranks => batch.changes.iter_mut().for_each(newer::rank_anew),
            Flaw::I6 => self.run_ahead(&mut batch),
            Flaw::I7 => claim_late(ledger, &mut batch).await?,
            Flaw::I1Later => batch.changes.retain(|change| !matches!(change, Change::Attach { .. })),
            Flaw::I8 => batch.changes.retain(|change| !matches!(change, Change::Audit(_))),
            Flaw::I11 => batch.changes.retain(|change| !matches!(change, Change::Count { .. })),
            Flaw::I9 => batch.changes.iter_mut().for_each(keep_all),
            Flaw::I7Deadlines => batch.changes.iter_mut().for_each(forget_deadline),
            Flaw::I1
            | Flaw::I1Retention
            | Flaw::I2Deadlines
            | Flaw::I2Retention
            | Flaw::I3
            | Flaw::I4
            | Flaw::I4Keys
            | Flaw::I5Removed
            | Flaw::I5Replays
            | Flaw::I5Waits
            | Flaw::I6Policies
            | Flaw::I6Routing
            | Flaw::I10Clocks
            | Flaw::I8Retention
            | Flaw::I10
            | Flaw::I10Room
            | Flaw::I13Journal
            | Flaw::I13Watermark
            | Flaw::I13Overlap
            | Flaw::I13Gone
            | Flaw::I13Hidden
            | Flaw::I13Keys => {}
        }
        Ok(batch)
    }

    fn leave_lane(&self, change: &mut Change) {
        if let Change::Open { delivery, .. } = change
            && self.strikes(Flaw::I5, 200)
        {
            delivery.lane = None;
        }
    }

    fn run_ahead(&self, batch: &mut Batch) {
        for guard in &mut batch.guards {
            if let Guard::Cursor { to, .. } = guard
                && self.strikes(Flaw::I6, 100)
            {
                *to = Offset(to.0 + 1);
            }
        }
    }
}

/// The honest ledger keeps what is open, so the broken one says that it is over.
async fn end_unseen(stores: &Stores, before: Timestamp) -> Result<(), Fault> {
    let states = ["waiting", "held", "dead_lettered"].map(str::to_owned).to_vec();
    let query = DeliveryQuery { states, until: Some(before), limit: PAGE_ROWS_MAX, ..DeliveryQuery::default() };
    let open = stores.views.deliveries(query).await?.rows.into_iter().filter(|it| it.lease.is_none());
    let end = |it: Delivery| Change::Move {
        delivery: it.id,
        state: DeliveryState::Cancelled { by: Principal::product() },
        why: String::new(),
        new_round: None,
    };
    stores.ledger.commit(Batch { guards: Vec::new(), changes: open.map(end).collect() }).await?;
    Ok(())
}

fn forget_deadline(change: &mut Change) {
    match change {
        Change::Open { delivery, .. } => delivery.deadline = None,
        Change::Move { new_round: Some(round), .. } => round.deadline = None,
        _ => {}
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
