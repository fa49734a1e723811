//! The loop of this room: every running replay sends its next members at its own pace. One batch holds the entries, what
//! they replace, and the replay's move, guarded by its version, so that a repeated or a second loop sends nothing twice.
//!
//! A replay comes to need what nobody needed before, maybe while retention is removing it. So its members are kept before
//! they are sent, after its order is in the ledger: what is there then stays, what is gone is passed over and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::limit::PAGE_ROWS_MAX;
use model::newest::{Fate, StateKeys};
use model::{Delivery, DeliveryId, Fault, MemberVerdict, Offset, Partition, Position, Replay, ReplayId, ReplayMember};
use policy::Policy;
use policy::compiled::Rate;

use super::decide::Reason;
use super::step::{self, Canary, STEP_MAX, Step, Turnout};
use crate::board::Board;
use crate::book::Book;
use crate::drive::Turn;
use crate::newer::{Lookup, Newer, Passing, Past, Stand};
use crate::observe::Facts;
use crate::ports::{Clock, Journal, Ledger, Readable};
use crate::rules::bucket::Bucket;
use crate::rules::replayed;

/// The shard whose holder runs replays: their order to the outside has one hand.
const SHARD: &str = "partition/0";

/// The loop of running replays.
#[derive(Debug)]
pub struct Replayer {
    /// Where the bytes of members are.
    pub journal: Arc<dyn Journal>,
    /// Where replays are.
    pub ledger: Arc<dyn Ledger>,
    /// The policies.
    pub book: Arc<Book>,
    /// What this node works on.
    pub board: Arc<Board>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where facts go.
    pub facts: Arc<Facts>,
    /// How much each replay has sent lately; begins full after a restart.
    pub paces: BTreeMap<ReplayId, Bucket>,
    /// What the members of a replay take the place of, read once where that matters.
    pub replaced: BTreeMap<ReplayId, Arc<BTreeSet<DeliveryId>>>,
}

impl Replayer {
    /// One step of every running replay that can be read.
    pub async fn turn(&mut self) -> Result<Turn, Fault> {
        if !self.board.holds(SHARD) {
            self.paces.clear();
            self.replaced.clear();
            return Ok(Turn::Idle);
        }
        let Readable { rows: running, unreadable } = self.ledger.replays_running().await?;
        self.facts.tell_unreadable(None, &unreadable);
        let is_running = |id: &ReplayId| running.iter().any(|replay| replay.id == *id);
        self.paces.retain(|id, _| is_running(id));
        self.replaced.retain(|id, _| is_running(id));
        let mut turn = Turn::Idle;
        for replay in &running {
            if self.step(replay).await? == Turn::Worked {
                turn = Turn::Worked;
            }
        }
        Ok(turn)
    }

    async fn step(&mut self, replay: &Replay) -> Result<Turn, Fault> {
        let progress = step::progress(&self.ledger.replay_progress(replay.id).await?);
        let canary = if step::waits_for_canary(replay) { self.canary(replay).await? } else { Canary::Done };
        match step::next(replay, &progress, &canary) {
            Step::Wait => Ok(Turn::Idle),
            Step::Stop { why } => {
                self.ledger.commit(step::stop(replay, why)).await?;
                Ok(Turn::Worked)
            }
            Step::Send { to } => self.send(replay, to).await,
        }
    }

    async fn canary(&self, replay: &Replay) -> Result<Canary, Fault> {
        let mut made = Vec::new();
        for member in self.ledger.members(replay.id, 0, replay.canary as usize).await? {
            if member.verdict == MemberVerdict::Send {
                made.push(self.ledger.delivery(replayed::delivery(member.event, replay.id, &member.flow)).await?);
            }
        }
        Ok(step::canary(replay, &made))
    }

    async fn send(&mut self, replay: &Replay, to: u32) -> Result<Turn, Fault> {
        let most = (to.saturating_sub(replay.next) as usize).min(STEP_MAX);
        let present = self.book.current();
        let mut next: Vec<(ReplayMember, Option<Delivery>)> = Vec::with_capacity(most);
        for member in self.ledger.members(replay.id, replay.next, most).await? {
            let of = self.replaced(&member).await?;
            next.push((member, of));
        }
        let newer = self.newer(&present, (replay, &next)).await?;
        if newer.is_cut {
            // What the router has not reached may be newer. It comes first in any case.
            return Ok(Turn::Idle);
        }
        let there = self.keep(&next).await?;
        let mut members: Vec<(ReplayMember, Turnout)> = Vec::with_capacity(most);
        for (member, of) in next {
            let found = passing(&present, (&member, of.as_ref())).and_then(|it| newer.than(&it));
            let stale = found.and_then(|found| Reason::of_newer(found, replay.forgotten));
            let against = if there.contains(&member.at) { stale } else { Some(Reason::BelowFloor) };
            let turnout = step::turnout(&member, of.as_ref(), against);
            if matches!(turnout, Turnout::Sent | Turnout::Replaces(..)) {
                if !present.flows.contains_key(&member.flow) {
                    return self.stop_without_flow(replay, &member).await;
                }
                if !self.has_room(replay) {
                    break;
                }
            }
            members.push((member, turnout));
        }
        if members.is_empty() {
            return Ok(Turn::Idle);
        }
        self.ledger.commit(step::batch(replay, &members, present.version, self.clock.now())).await?;
        Ok(Turn::Worked)
    }

    /// What is newer than these by now: the order was judged then, and a replay takes its time. What waits for a person and is a
    /// later member is sent after them.
    async fn newer(
        &mut self,
        present: &Arc<Policy>,
        (replay, members): (&Replay, &[(ReplayMember, Option<Delivery>)]),
    ) -> Result<Newer, Fault> {
        let sent = members.iter().filter(|(member, _)| member.verdict == MemberVerdict::Send);
        let asked: Vec<Passing> = sent.filter_map(|(member, of)| passing(present, (member, of.as_ref()))).collect();
        let (journal, ledger) = (Arc::clone(&self.journal), Arc::clone(&self.ledger));
        let lookup = Lookup { journal, ledger, book: Arc::clone(&self.book) };
        let newer = lookup.newer(asked.iter(), &Arc::default()).await?;
        if !asked.iter().any(|it| newer.than(it) == Some(Fate::Blocks)) {
            return Ok(newer);
        }
        let replaced = self.all_replaced(replay).await?;
        lookup.newer(asked.iter(), &replaced).await
    }

    /// What the members of a replay take the place of; of those that were sent already nothing waits for a person.
    async fn all_replaced(&mut self, replay: &Replay) -> Result<Arc<BTreeSet<DeliveryId>>, Fault> {
        if let Some(replaced) = self.replaced.get(&replay.id) {
            return Ok(Arc::clone(replaced));
        }
        let (mut replaced, mut from) = (BTreeSet::new(), 0);
        loop {
            let page = self.ledger.members(replay.id, from, PAGE_ROWS_MAX).await?;
            let Some(last) = page.last().map(|member| member.index) else { break };
            from = last + 1;
            let sent = page.iter().filter(|member| member.verdict == MemberVerdict::Send);
            replaced.extend(sent.filter_map(|member| member.of));
        }
        let replaced = Arc::new(replaced);
        self.replaced.insert(replay.id, Arc::clone(&replaced));
        Ok(replaced)
    }

    /// Keeps the bytes of what is sent from retention; answers where there are any.
    async fn keep(&self, members: &[(ReplayMember, Option<Delivery>)]) -> Result<BTreeSet<Position>, Fault> {
        let mut places: BTreeMap<Partition, Vec<Offset>> = BTreeMap::new();
        for (member, _) in members.iter().filter(|(member, _)| member.verdict == MemberVerdict::Send) {
            places.entry(member.at.partition).or_default().push(member.at.offset);
        }
        let mut there = BTreeSet::new();
        for (partition, offsets) in places {
            let kept = self.journal.keep(partition, offsets).await?;
            there.extend(kept.into_iter().map(|offset| Position { partition, offset }));
        }
        Ok(there)
    }

    /// The router makes no delivery for a flow that it does not know: what was sent to it would be lost.
    async fn stop_without_flow(&self, replay: &Replay, member: &ReplayMember) -> Result<Turn, Fault> {
        let why = format!("the flow {} is not in the policy any more", member.flow);
        self.ledger.commit(step::stop(replay, why)).await?;
        Ok(Turn::Worked)
    }

    fn has_room(&mut self, replay: &Replay) -> bool {
        let rate = Rate { per_s: f64::from(replay.pace_per_s.max(1)), burst: replay.pace_per_s.max(1) };
        self.paces.entry(replay.id).or_default().take(rate, self.clock.now()).is_ok()
    }

    async fn replaced(&self, member: &ReplayMember) -> Result<Option<Delivery>, Fault> {
        match member.of {
            Some(id) => self.ledger.delivery(id).await,
            None => Ok(None),
        }
    }
}

/// What a member asks for what is newer: it enters its flow as that is now. None where a person's word is enough.
fn passing(present: &Policy, (member, of): (&ReplayMember, Option<&Delivery>)) -> Option<Passing> {
    let destination = present.flows.get(&member.flow)?.destination.clone();
    let keys = StateKeys { lane: member.lane.clone(), ordering: member.ordering.clone() };
    let past = of.map_or(Past::Open, |of| Past::of(of, (&keys, &destination)));
    let (flow, also) = (member.flow.clone(), member.also.clone());
    let at = member.ranks_at.unwrap_or(member.at);
    Some(Passing { flow, destination, at, keys, stand: Stand::Enters, also, past })
}
