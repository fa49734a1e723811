//! The commands of this room: preview, order, cancel, and the account of progress.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::limit::REPLAY_MEMBERS_MAX;
use model::outcome::Again;
use model::{
    Batch, Change, DeliveryId, Digest, Fault, FaultKind, Forgotten, Guard, MemberVerdict, Outcome, Replay, ReplayId,
    ReplayState, Timestamp,
};

use super::decide::{self, Candidate, Included, Reason};
use super::gather::Gather;
use super::preview::{self, Before, Fallen, PACE_MAX, PREVIEW_ABOVE, Preview, SAMPLES_MAX, Set, Tried};
use super::previews::Previews;
use super::selection::Selection;
use super::step::{self, Progress};
use crate::book::Book;
use crate::newer::{Lookup, Passing};
use crate::ports::{Journal, Ledger, Views};
use crate::rules::asked::{Asked, NotDone};

/// LIMIT: members that go first; the loop looks at each of them in every turn while it waits for them.
pub const CANARY_MAX: u32 = 500;

/// The commands on replays.
#[derive(Clone, Debug)]
pub struct Replays {
    /// Where events are.
    pub journal: Arc<dyn Journal>,
    /// Where replays are stored.
    pub ledger: Arc<dyn Ledger>,
    /// Where selections are looked up.
    pub views: Arc<dyn Views>,
    /// The present policy.
    pub book: Arc<Book>,
    /// What was previewed last.
    pub previews: Arc<Previews>,
}

/// What is to be replayed, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which events, through which flows.
    pub selection: Selection,
    /// What is sent that is otherwise left out.
    pub included: Included,
    /// Members per second; a fifth of the slowest destination's rate when nothing is said.
    pub pace_per_s: Option<u32>,
    /// So many members go first; the rest follows when all of them are done. 0 for none.
    pub canary: u32,
    /// It stops by itself when so many members have failed; 0 for never.
    pub stop_after: u32,
}

/// The preview that a person saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPreview {
    /// Its moment: [`Preview::at`].
    pub at: Timestamp,
    /// Its set: [`Preview::digest`].
    pub digest: Digest,
}

/// What was ordered.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The replay.
    pub replay: Replay,
    /// Members that will be sent.
    pub send: usize,
    /// One sentence for people.
    pub sentence: String,
}

/// What a replay of deliveries would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How many it would send.
    pub send: u64,
    /// How many it would not, by reason.
    pub left_out: BTreeMap<Reason, u64>,
}

impl Replays {
    /// What a replay would do, as of `at`. Changes nothing.
    pub async fn preview(&self, wanted: &Wanted, at: Timestamp) -> Result<Preview, NotDone> {
        let gather = self.gather();
        let set = set(&gather, wanted, at).await?;
        let tried = self.try_out(&gather, &set).await?;
        self.previews.remember(decide::digest(&set.members), decide::marks(&set.members));
        Ok(preview::preview(&set, at, tried, preview::pace(&gather.policy, &set, wanted.pace_per_s)))
    }

    /// How many of these deliveries a replay would send, and why it would leave the others out. Nothing is remembered of it.
    pub async fn outlook(&self, deliveries: Vec<DeliveryId>, at: Timestamp) -> Result<Outlook, NotDone> {
        let selection = Selection::Deliveries { deliveries };
        let wanted = Wanted { selection, included: Included::default(), pace_per_s: None, canary: 0, stop_after: 0 };
        let set = set(&self.gather(), &wanted, at).await?;
        let mut outlook = Outlook::default();
        for reason in &set.reasons {
            match reason {
                Some(reason) => *outlook.left_out.entry(*reason).or_default() += 1,
                None => outlook.send += 1,
            }
        }
        Ok(outlook)
    }

    /// Freezes the set and lets the replay run. Over [`PREVIEW_ABOVE`] members it needs the preview that the person saw; of
    /// what that would have sent it sends what still may be sent, and nothing else.
    ///
    /// Refused: `Unknown` for a named flow that there is not, `Refused` for an empty set, too large a canary or pace, or a missing preview; `Changed` when nothing is left
    /// of the preview, or when it is not remembered and the set is another one by now.
    pub async fn order(&self, wanted: &Wanted, seen: Option<SeenPreview>, asked: &Asked) -> Result<Ordered, NotDone> {
        asked.check()?;
        check_limits(wanted)?;
        let id = id_of(wanted, asked);
        if let Some(replay) = self.ledger.replay(id).await? {
            // Asked twice, it is one.
            return Ok(ordered(replay, &Fallen::default()));
        }
        let gather = self.gather();
        let mut set = set(&gather, wanted, seen.map_or(asked.at, |seen| seen.at)).await?;
        let fallen = self.hold_to_preview(&mut set, seen)?;
        if set.sent().count() == 0 {
            return Err(nothing_to_send(&fallen));
        }
        let pace_per_s = preview::pace(&gather.policy, &set, wanted.pace_per_s);
        let replay = Replay { id, ..frozen(wanted, &set, pace_per_s, asked) };
        let mut batch = Batch::new()
            .change(Change::Replay { replay: Box::new(replay.clone()), members: set.members })
            .change(Change::Audit(asked.audit("replay.order", &replay.id.to_string())));
        if replay.forgotten == Forgotten::Include {
            batch.changes.push(Change::Audit(asked.audit("replay.over_removed", &replay.id.to_string())));
        }
        self.ledger.commit(batch).await?;
        Ok(ordered(replay, &fallen))
    }

    /// Narrows a set to what its preview would have sent; answers what of that is not sent any more.
    fn hold_to_preview(&self, set: &mut Set, seen: Option<SeenPreview>) -> Result<Fallen, NotDone> {
        let count = set.members.len();
        match (seen, seen.and_then(|seen| self.previews.find(seen.digest))) {
            (None, _) if count > PREVIEW_ABOVE => {
                Err(NotDone::Refused(format!("{count} members are more than {PREVIEW_ABOVE}: look at the preview first")))
            }
            (None, _) => Ok(Fallen::default()),
            (Some(_), Some(previewed)) => Ok(set.narrow(&previewed)),
            (Some(seen), None) if seen.digest == decide::digest(&set.members) => Ok(Fallen::default()),
            (Some(_), None) => {
                let changed = "the set is not the one of the preview any more; look at the preview again";
                Err(NotDone::Changed(changed.to_owned()))
            }
        }
    }

    /// Ends a running replay; what was sent stays sent. With `version` only while the replay is at that version. One that
    /// cannot be read is ended too: `None` is all that can be told of it.
    pub async fn cancel(&self, id: ReplayId, version: Option<u64>, asked: &Asked) -> Result<Option<Replay>, NotDone> {
        asked.check()?;
        let replay = match self.find(id).await {
            Err(NotDone::Fault(fault)) if fault.kind == FaultKind::Corrupt => None,
            found => Some(found?),
        };
        if let Some(replay) = &replay {
            check_cancel(replay, version)?;
        }
        let seen = replay.as_ref().map_or(version, |replay| Some(replay.version));
        let mut batch = Batch::new()
            .change(Change::CancelReplay { replay: id, by: asked.by.clone() })
            .change(Change::Audit(asked.audit("replay.cancel", &id.to_string())));
        batch.guards.extend(seen.map(|version| Guard::ReplayVersion { replay: id, version }));
        match self.ledger.commit(batch).await {
            Err(fault) if fault.kind == FaultKind::Conflict && replay.is_none() => Err(not_cancelled(id, version)),
            done => {
                done?;
                let state = ReplayState::Cancelled { by: asked.by.clone() };
                Ok(replay.map(|replay| Replay { state, version: replay.version + 1, ..replay }))
            }
        }
    }

    /// How far a replay is, and what became of what it sent.
    pub async fn progress(&self, id: ReplayId) -> Result<(Replay, Progress), NotDone> {
        let replay = self.find(id).await?;
        let progress = step::progress(&self.ledger.replay_progress(id).await?);
        Ok((replay, progress))
    }

    async fn find(&self, id: ReplayId) -> Result<Replay, NotDone> {
        self.ledger.replay(id).await?.ok_or_else(|| NotDone::Unknown(format!("there is no replay {id}")))
    }

    fn gather(&self) -> Gather {
        Gather {
            journal: Arc::clone(&self.journal),
            ledger: Arc::clone(&self.ledger),
            views: Arc::clone(&self.views),
            policy: self.book.current(),
            book: Arc::clone(&self.book),
        }
    }

    /// Tries the mappings of the first of what would be sent.
    async fn try_out(&self, gather: &Gather, set: &Set) -> Result<Tried, Fault> {
        let mut tried = Tried::default();
        for candidate in set.sent().take(SAMPLES_MAX) {
            let Some(record) = self.journal.get(candidate.at).await? else { continue };
            let Some(event) = record.entry.event() else { continue };
            let earlier = self.earlier(candidate).await?;
            let earlier = earlier.as_ref().map(|(delivery, before)| (delivery, *before));
            tried.tried += 1;
            tried.failures.extend(preview::would_fail(&gather.policy, candidate, event, earlier));
        }
        Ok(tried)
    }

    async fn earlier(&self, candidate: &Candidate) -> Result<Option<(model::Delivery, Before)>, Fault> {
        let Some(id) = candidate.of else { return Ok(None) };
        let Some(story) = self.views.delivery_story(id).await? else { return Ok(None) };
        let last = story.attempts.iter().rev().find_map(|attempt| attempt.result.as_ref());
        let for_good = last.is_some_and(|result| matches!(result.outcome, Outcome::Refused { again: Again::Never, .. }));
        Ok(Some((story.delivery, if for_good { Before::RefusedForGood } else { Before::Open })))
    }
}

async fn set(gather: &Gather, wanted: &Wanted, at: Timestamp) -> Result<Set, NotDone> {
    // A mistyped name would look as if nothing had to be sent.
    if let Some(flow) = wanted.selection.flows().iter().find(|flow| !gather.policy.flows.contains_key(*flow)) {
        return Err(NotDone::Unknown(format!("there is no flow {flow}")));
    }
    let candidates = decide::in_order(gather.candidates(&wanted.selection, at).await?);
    let Gather { journal, ledger, book, .. } = gather.clone();
    let may_go = candidates.iter().filter(|candidate| candidate.reason.is_none());
    let passing: Vec<Passing> = may_go.clone().filter_map(Candidate::passing).collect();
    // What waits for a person and is newer is sent after what is older, in the order of the set.
    let replaced = Arc::new(may_go.filter_map(|candidate| candidate.of).collect());
    let found = Lookup { journal, ledger, book }.newer(passing.iter(), &replaced).await?;
    let newer = |candidate: &Candidate| found.than(&candidate.passing()?);
    let reasons = decide::judge(&candidates, wanted.included, newer);
    let members = decide::members(&candidates, &reasons);
    let floor_at = gather.floor(&wanted.selection, at).await?;
    Ok(Set { candidates, reasons, members, floor_at })
}

fn check_limits(wanted: &Wanted) -> Result<(), NotDone> {
    if wanted.canary > CANARY_MAX {
        return Err(NotDone::Refused(format!("a canary has at most {CANARY_MAX} members")));
    }
    if wanted.pace_per_s.is_some_and(|pace| pace == 0 || pace > PACE_MAX) {
        return Err(NotDone::Refused(format!("the pace is 1 to {PACE_MAX} a second")));
    }
    Ok(())
}

fn check_cancel(replay: &Replay, version: Option<u64>) -> Result<(), NotDone> {
    if version.is_some_and(|version| version != replay.version) {
        return Err(NotDone::Changed(format!("the replay has moved on: it is at member {}", replay.next)));
    }
    if replay.state != ReplayState::Running {
        return Err(NotDone::Refused(format!("the replay is {} already", replay.state.word())));
    }
    Ok(())
}

/// Of one that cannot be read the store tells only that a guard did not hold.
fn not_cancelled(id: ReplayId, version: Option<u64>) -> NotDone {
    match version {
        Some(_) => NotDone::Changed(format!("the replay {id}, which cannot be read, does not run or has another version")),
        None => NotDone::Refused(format!("the replay {id}, which cannot be read, does not run any more")),
    }
}

fn nothing_to_send(fallen: &Fallen) -> NotDone {
    if fallen.is_nothing() {
        return NotDone::Refused("there is nothing to send in this selection".to_owned());
    }
    NotDone::Changed(format!("nothing of what the preview would have sent is left{fallen}"))
}

fn ordered(replay: Replay, fallen: &Fallen) -> Ordered {
    let Replay { to_send, members, pace_per_s, .. } = &replay;
    let sentence = format!("{to_send} of {members} members are sent, {pace_per_s} a second{fallen}");
    Ordered { send: *to_send as usize, replay, sentence }
}

/// The id follows from who asked, when, and for what; not from what was found, which the replay itself changes.
fn id_of(wanted: &Wanted, asked: &Asked) -> ReplayId {
    let what = format!("{wanted:?}");
    let chance = Digest::of_fields(&[asked.by.as_str().as_bytes(), asked.why.as_bytes(), what.as_bytes()]).head();
    ReplayId(model::arrival_id(asked.at, chance))
}

/// The replay as it is stored, but for its id.
fn frozen(wanted: &Wanted, set: &Set, pace_per_s: u32, asked: &Asked) -> Replay {
    debug_assert!(set.members.len() <= REPLAY_MEMBERS_MAX, "gather bounds the set");
    debug_assert!(set.members.iter().any(|member| member.verdict == MemberVerdict::Send), "checked before");
    Replay {
        id: ReplayId(uuid::Uuid::nil()),
        by: asked.by.clone(),
        why: asked.why.clone(),
        selection: wanted.selection.to_string(),
        created_at: asked.at,
        pace_per_s,
        canary: decide::canary_end(&set.members, wanted.canary),
        stop_after: wanted.stop_after,
        state: ReplayState::Running,
        members: u32::try_from(set.members.len()).unwrap_or(u32::MAX),
        next: 0,
        to_send: u32::try_from(set.sent().count()).unwrap_or(u32::MAX),
        passed: 0,
        passed_for: Vec::new(),
        forgotten: wanted.included.forgotten,
        version: 1,
    }
}
