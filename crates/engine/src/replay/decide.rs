//! Which candidates of a replay are sent. The stale rule is the contract's: of state events the newest wins, a transition
//! goes only while nothing newer of its key went, a command goes only when a person says so.

use std::collections::BTreeSet;

use model::newest::{Blind, Fate, StateKeys};
use model::{
    DeliveryId, DestinationName, Digest, EventId, FlowName, Forgotten, LaneKey, MemberVerdict, Position, ReplayMember,
    SourceName, Timestamp,
};
use policy::specs::Repeatable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::newer::{Passing, Past, Stand};
use crate::rules::lane::FlowKey;
use crate::rules::overtaken::{self, Newer};

/// An event and a flow that a selection found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The event.
    pub event: EventId,
    /// Where its bytes are.
    pub at: Position,
    /// Where its state ranks: where its event came in. A set is in this order.
    pub ranks_at: Position,
    /// Through which flow.
    pub flow: FlowName,
    /// To where that flow goes now.
    pub destination: Option<DestinationName>,
    /// The delivery that waits for a person and is replaced, if there is one.
    pub of: Option<DeliveryId>,
    /// By what newer states are told.
    pub keys: StateKeys,
    /// The same, by flows that are gone and went to the same destination.
    pub also: Vec<FlowKey>,
    /// Whether anything newer of its flow can have gone that retention has removed.
    pub past: Past,
    /// What its contract says of repeating it.
    pub repeat: Repeatable,
    /// By which source it came; unknown where its bytes are gone.
    pub source: Option<SourceName>,
    /// When it was received, or its delivery made where its bytes are gone.
    pub received_at: Timestamp,
    /// Why it cannot be sent, whatever the stale rule says.
    pub reason: Option<Reason>,
}

/// Why a candidate is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Retention has removed its bytes.
    BelowFloor,
    /// It is in quarantine, or was closed there.
    Quarantined,
    /// Its delivery is on its way already.
    UnderWay,
    /// The present policy does not have the flow.
    NoFlow,
    /// The flow does not select it.
    NotSelected,
    /// It is a command.
    Command,
    /// A newer event of the same key is in the set.
    NewerInSet,
    /// A newer event of the same key was delivered since.
    NewerDelivered,
    /// A newer event of the same key is on its way.
    NewerUnderWay,
    /// A newer event of the same key waits for a person, and it would go after that.
    NewerWaits,
    /// Too many later deliveries of its key wait for a person to tell.
    NewerUnknown,
    /// Retention has removed what was delivered since.
    NewerRemoved,
    /// The preview would not have sent it.
    NotPreviewed,
    /// Its delivery was retried, cancelled or replaced after the order.
    MovedOn,
}

impl Reason {
    /// Every reason, in the order of the preview.
    pub const ALL: [Self; 14] = [
        Self::NewerDelivered,
        Self::NewerUnderWay,
        Self::NewerWaits,
        Self::NewerUnknown,
        Self::NewerRemoved,
        Self::NewerInSet,
        Self::Command,
        Self::BelowFloor,
        Self::Quarantined,
        Self::UnderWay,
        Self::NoFlow,
        Self::NotSelected,
        Self::MovedOn,
        Self::NotPreviewed,
    ];

    /// One sentence for people, without a full stop.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BelowFloor => "retention has removed its bytes",
            Self::Quarantined => "it is in quarantine, or was settled there without a release: correct or release it there",
            Self::UnderWay => "its delivery is on its way already",
            Self::NoFlow => "the flow is not in the present policy",
            Self::NotSelected => "the flow does not select it: its types, sources or filter leave it out",
            Self::Command => "it is a command, and commands are repeated only when a person asks for them",
            Self::NewerInSet => "a newer event of the same key is in this replay",
            Self::NewerDelivered => overtaken::why(Fate::Done),
            Self::NewerUnderWay => overtaken::why(Fate::UnderWay),
            Self::NewerWaits => overtaken::why(Fate::Blocks),
            Self::NewerUnknown => overtaken::why(Fate::Unknown(Blind::Crowded)),
            Self::NewerRemoved => overtaken::why(Fate::Unknown(Blind::Removed)),
            Self::NotPreviewed => "the preview would not have sent it",
            Self::MovedOn => "its delivery was retried, cancelled or replaced since the order",
        }
    }

    /// Whether a newer event makes it stale.
    pub const fn is_stale(self) -> bool {
        match self {
            Self::NewerInSet
            | Self::NewerDelivered
            | Self::NewerUnderWay
            | Self::NewerWaits
            | Self::NewerUnknown
            | Self::NewerRemoved => true,
            Self::BelowFloor
            | Self::Quarantined
            | Self::UnderWay
            | Self::NoFlow
            | Self::NotSelected
            | Self::Command
            | Self::NotPreviewed
            | Self::MovedOn => false,
        }
    }
}

impl Candidate {
    /// What it asks for what is newer; nothing where there is no flow that it could enter.
    pub fn passing(&self) -> Option<Passing> {
        Some(Passing {
            flow: self.flow.clone(),
            destination: self.destination.clone()?,
            at: self.ranks_at,
            keys: self.keys.clone(),
            stand: Stand::Enters,
            also: self.also.clone(),
            past: self.past,
        })
    }
}

/// Whether a person includes commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Commands {
    /// Not sent.
    #[default]
    Leave,
    /// Sent, on the person's word.
    Include,
}

/// The candidates in the order of their states, each event and flow once.
pub fn in_order(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|one, other| (one.ranks_at, &one.flow, one.event).cmp(&(other.ranks_at, &other.flow, other.event)));
    candidates.dedup_by(|one, other| one.event == other.event && one.flow == other.flow);
    candidates
}

/// What a person includes that is otherwise left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Included {
    /// Commands.
    pub commands: Commands,
    /// What nothing newer is known of, where retention has removed what would tell.
    pub forgotten: Forgotten,
}

/// Why each candidate is not sent, or nothing where it is, in the order of the candidates, which is that of their states.
///
/// `newer` tells what became of a newer event of the same flow and key, outside of the set.
pub fn judge(
    candidates: &[Candidate],
    included: Included,
    newer: impl Fn(&Candidate) -> Option<Fate>,
) -> Vec<Option<Reason>> {
    let mut newest: BTreeSet<(&FlowName, &LaneKey)> = BTreeSet::new();
    let mut reasons: Vec<Option<Reason>> = Vec::with_capacity(candidates.len());
    for candidate in candidates.iter().rev() {
        let mut reason = candidate.reason.or_else(|| stale(candidate, included, &newer));
        if reason.is_none() && candidate.repeat == Repeatable::State {
            let is_newest = candidate.keys.iter().all(|key| !newest.contains(&(&candidate.flow, key)));
            if is_newest {
                newest.extend(candidate.keys.iter().map(|key| (&candidate.flow, key)));
            } else {
                reason = Some(Reason::NewerInSet);
            }
        }
        reasons.push(reason);
    }
    reasons.reverse();
    reasons
}

fn stale(candidate: &Candidate, included: Included, newer: &impl Fn(&Candidate) -> Option<Fate>) -> Option<Reason> {
    match (candidate.repeat, included.commands) {
        (Repeatable::Command, Commands::Leave) => Some(Reason::Command),
        (Repeatable::Command, Commands::Include) => None,
        (Repeatable::State | Repeatable::Transition, _) => {
            newer(candidate).and_then(|found| Reason::of_newer(found, included.forgotten))
        }
    }
}

impl Reason {
    /// Why something is stale, by what became of what is newer. Nothing is while the router is behind: a member that is sent waits
    /// for it when its turn comes, and is judged then. Nor is what a person includes although it cannot be told.
    pub fn of_newer(newer: Fate, forgotten: Forgotten) -> Option<Self> {
        if Newer::from(forgotten).lets(newer) {
            return None;
        }
        match newer {
            Fate::Done => Some(Self::NewerDelivered),
            Fate::UnderWay => Some(Self::NewerUnderWay),
            Fate::Blocks => Some(Self::NewerWaits),
            Fate::Unknown(Blind::Crowded) => Some(Self::NewerUnknown),
            Fate::Unknown(Blind::Removed) => Some(Self::NewerRemoved),
            Fate::Unknown(Blind::Behind) => None,
        }
    }
}

/// The frozen set.
pub fn members(candidates: &[Candidate], reasons: &[Option<Reason>]) -> Vec<ReplayMember> {
    let member = |(index, (candidate, reason)): (u32, (&Candidate, &Option<Reason>))| ReplayMember {
        index,
        event: candidate.event,
        at: candidate.at,
        ranks_at: Some(candidate.ranks_at).filter(|rank| *rank != candidate.at),
        flow: candidate.flow.clone(),
        of: candidate.of,
        lane: candidate.keys.lane.clone().filter(|_| candidate.repeat != Repeatable::Command),
        ordering: candidate.keys.ordering.clone().filter(|_| candidate.repeat != Repeatable::Command),
        also: if candidate.repeat == Repeatable::Command { Vec::new() } else { candidate.also.clone() },
        verdict: match reason {
            None => MemberVerdict::Send,
            Some(reason) => MemberVerdict::Skip { why: reason.sentence().to_owned() },
        },
    };
    (0_u32..).zip(candidates.iter().zip(reasons)).map(member).collect()
}

/// What stands for a candidate in its preview: event, flow, and what it replaces.
pub fn mark(candidate: &Candidate) -> u64 {
    mark_of(candidate.event, &candidate.flow, candidate.of)
}

fn mark_of(event: EventId, flow: &FlowName, of: Option<DeliveryId>) -> u64 {
    let of = of.map_or([0; 16], DeliveryId::bytes);
    Digest::of_fields(&[&event.bytes(), flow.as_str().as_bytes(), &of]).short()
}

/// The marks of what is sent, in order.
pub fn marks(members: &[ReplayMember]) -> Vec<u64> {
    let sent = members.iter().filter(|member| member.verdict == MemberVerdict::Send);
    let mut marks: Vec<u64> = sent.map(|member| mark_of(member.event, &member.flow, member.of)).collect();
    marks.sort_unstable();
    marks
}

/// The digest of what is sent: what a person saw in the preview is what is ordered. What is left out is not in it, because
/// that changes by the second where keys are live.
pub fn digest(members: &[ReplayMember]) -> Digest {
    let bytes: Vec<u8> = marks(members).into_iter().flat_map(u64::to_be_bytes).collect();
    Digest::of(&bytes)
}

/// The index after the canary: so many sent members go first, with the skipped ones among them.
pub fn canary_end(members: &[ReplayMember], canary: u32) -> u32 {
    if canary == 0 {
        return 0;
    }
    let mut left = canary;
    for member in members {
        if member.verdict == MemberVerdict::Send {
            left -= 1;
        }
        if left == 0 {
            return member.index + 1;
        }
    }
    u32::try_from(members.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
