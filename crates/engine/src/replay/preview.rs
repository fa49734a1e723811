//! What a replay would do, for the person who decides: how much, whose, how old, what is left out, what would fail again.

use std::collections::BTreeMap;
use std::fmt;

use model::{Delivery, Digest, Event, MemberVerdict, ReplayMember, Timestamp};
use policy::{EventView, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{self, Candidate, Reason};

/// The pace where the destination declares no rate.
pub const PACE_PER_S: u32 = 20;
/// The share of a destination's rate that a replay takes by default, in hundredths.
const PACE_PERCENT: f64 = 20.0;
/// Above this many members a preview is compulsory.
pub const PREVIEW_ABOVE: usize = 100;
/// LIMIT: members whose mapping is tried for a preview.
pub const SAMPLES_MAX: usize = 200;
/// LIMIT: examples of what would fail again that a preview shows.
const EXAMPLES_MAX: usize = 5;

/// What a replay would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// The moment that it speaks of: what came later is not in it. The order repeats it.
    pub at: Timestamp,
    /// The digest of the set. The order repeats it.
    pub digest: Digest,
    /// Events and flows that the selection found.
    pub found: usize,
    /// How many of them would be sent.
    pub send: usize,
    /// How many would not, by reason.
    pub left_out: Vec<LeftOut>,
    /// Where retention has removed records of the period: since when there is everything. Of what is older only that
    /// is found which somebody still needs.
    pub floor_at: Option<Timestamp>,
    /// What would be sent, by flow and destination.
    pub targets: Vec<Share>,
    /// What would be sent, by source.
    pub sources: Vec<Share>,
    /// When the oldest that would be sent was received.
    pub oldest_at: Option<Timestamp>,
    /// When the newest that would be sent was received.
    pub newest_at: Option<Timestamp>,
    /// What would be sent and takes the place of a delivery that waits for a person.
    pub replaces: usize,
    /// How many were tried under the present policy.
    pub tried: usize,
    /// How many of those would fail again.
    pub would_fail: usize,
    /// Why, for the first of them; the server shows them with the scope `bodies` alone.
    pub examples: Vec<String>,
    /// At this pace …
    pub pace_per_s: u32,
    /// … it takes this many seconds, if nothing fails.
    pub takes_s: u64,
    /// One sentence for people.
    pub sentence: String,
}

/// A reason and how many are left out for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The reason.
    pub reason: Reason,
    /// In words.
    pub why: String,
    /// How many.
    pub count: usize,
}

/// A name and its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The name: `FLOW -> DESTINATION`, or a source.
    pub name: String,
    /// How many.
    pub count: usize,
}

/// What the mapping of samples gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// How many were tried.
    pub tried: usize,
    /// Why some would fail again.
    pub failures: Vec<String>,
}

/// The set as it would be frozen.
#[derive(Clone, Debug)]
pub struct Set {
    /// The candidates in journal order.
    pub candidates: Vec<Candidate>,
    /// Why each is not sent.
    pub reasons: Vec<Option<Reason>>,
    /// The members that follow.
    pub members: Vec<ReplayMember>,
    /// Since when there is everything, where the period begins before.
    pub floor_at: Option<Timestamp>,
}

/// What an order does not send of what its preview would have sent, and what came to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallen {
    /// What is not sent any more, by reason.
    by_reason: BTreeMap<Reason, usize>,
    /// What the selection does not find any more.
    lost: usize,
    /// What may be sent by now and was not in the preview.
    more: usize,
}

impl Fallen {
    /// Whether the order is the preview.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What follows after the sentence of an order.
impl fmt::Display for Fallen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.by_reason.iter().map(|(reason, count)| (*count, reason.sentence()));
        let lost = (self.lost > 0).then_some((self.lost, "the selection does not find it any more"));
        for (count, why) in reasons.chain(lost) {
            write!(f, "; {count} fell out since the preview: {why}")?;
        }
        if self.more > 0 {
            write!(f, "; {} more may be sent by now: look at the preview again for them", self.more)?;
        }
        Ok(())
    }
}

impl Set {
    /// What would be sent.
    pub fn sent(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().zip(&self.reasons).filter(|(_, reason)| reason.is_none()).map(|(candidate, _)| candidate)
    }

    /// Leaves out what a preview with these marks would not have sent; answers how the two differ.
    pub fn narrow(&mut self, previewed: &[u64]) -> Fallen {
        let was_sent = |candidate: &Candidate| previewed.binary_search(&decide::mark(candidate)).is_ok();
        let mut fallen = Fallen::default();
        let mut found = 0;
        for (candidate, reason) in self.candidates.iter().zip(&mut self.reasons) {
            found += usize::from(was_sent(candidate));
            match (was_sent(candidate), *reason) {
                (true, Some(reason)) => *fallen.by_reason.entry(reason).or_default() += 1,
                (false, None) => {
                    *reason = Some(Reason::NotPreviewed);
                    fallen.more += 1;
                }
                (true, None) | (false, Some(_)) => {}
            }
        }
        fallen.lost = previewed.len().saturating_sub(found);
        self.members = decide::members(&self.candidates, &self.reasons);
        fallen
    }
}

/// Sums a set up.
pub fn preview(set: &Set, at: Timestamp, tried: Tried, pace_per_s: u32) -> Preview {
    let send = set.members.iter().filter(|member| member.verdict == MemberVerdict::Send).count();
    let left_out = Reason::ALL.into_iter().map(|reason| LeftOut {
        reason,
        why: reason.sentence().to_owned(),
        count: set.reasons.iter().filter(|found| **found == Some(reason)).count(),
    });
    let target = |candidate: &Candidate| {
        let destination = candidate.destination.as_ref().map_or("nowhere", |name| name.as_str());
        format!("{} -> {destination}", candidate.flow)
    };
    let source = |candidate: &Candidate| candidate.source.as_ref().map_or_else(String::new, ToString::to_string);
    let takes_s = (send as u64).div_ceil(u64::from(pace_per_s.max(1)));
    let would_fail = tried.failures.len();
    Preview {
        at,
        digest: decide::digest(&set.members),
        found: set.members.len(),
        send,
        floor_at: set.floor_at,
        left_out: left_out.filter(|left_out| left_out.count > 0).collect(),
        targets: shares(set.sent().map(target)),
        sources: shares(set.sent().map(source)),
        oldest_at: set.sent().map(|candidate| candidate.received_at).min(),
        newest_at: set.sent().map(|candidate| candidate.received_at).max(),
        replaces: set.sent().filter(|candidate| candidate.of.is_some()).count(),
        tried: tried.tried,
        would_fail,
        examples: tried.failures.into_iter().take(EXAMPLES_MAX).collect(),
        pace_per_s,
        takes_s,
        sentence: format!(
            "{}{}",
            sentence((set.members.len(), send), (tried.tried, would_fail), (pace_per_s, takes_s)),
            set.floor_at.map_or_else(String::new, below_floor)
        ),
    }
}

fn sentence((found, send): (usize, usize), (tried, would_fail): (usize, usize), (pace, takes_s): (u32, u64)) -> String {
    let sentence = format!("{send} of {found} would be sent, {pace} a second, in about {takes_s} s");
    match would_fail {
        0 => sentence,
        _ => format!("{sentence}; of {tried} that were tried {would_fail} would fail again"),
    }
}

fn below_floor(floor_at: Timestamp) -> String {
    format!("; retention has removed records of this period: before {floor_at} only what somebody still needs is found")
}

fn shares(names: impl Iterator<Item = String>) -> Vec<Share> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut shares: Vec<Share> = counts.into_iter().map(|(name, count)| Share { name, count }).collect();
    shares.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.name.cmp(&other.name)));
    shares
}

/// The pace of a replay: as asked, or a fifth of the slowest declared rate among its destinations.
pub fn pace(policy: &Policy, set: &Set, asked: Option<u32>) -> u32 {
    let rate = |candidate: &Candidate| policy.destinations.get(candidate.destination.as_ref()?)?.rate;
    let slowest = set.sent().filter_map(rate).map(|rate| rate.per_s).reduce(f64::min);
    asked.unwrap_or_else(|| share_of(slowest)).max(1)
}

/// A fifth of a rate, rounded down, at least one. Counted up, because a float has no lossless way into an integer.
fn share_of(rate: Option<f64>) -> u32 {
    let Some(rate) = rate else { return PACE_PER_S };
    let share = rate * PACE_PERCENT / 100.0;
    (1..=PACE_MAX).take_while(|pace| f64::from(*pace) <= share).last().unwrap_or(1)
}

/// LIMIT: members per second of a replay, whatever a destination declares or a person asks for.
pub const PACE_MAX: u32 = 10_000;

/// How the last attempt of a delivery that is replayed was refused for good, if it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// The same bytes would be refused again.
    RefusedForGood,
    /// Otherwise.
    Open,
}

/// Why an event would fail again through a flow under this policy, where that is known without sending it.
pub fn would_fail(
    policy: &Policy,
    candidate: &Candidate,
    event: &Event,
    earlier: Option<(&Delivery, Before)>,
) -> Option<String> {
    let flow = policy.flows.get(&candidate.flow)?;
    let body = match &flow.mapping {
        None => event.data().into_owned(),
        Some(name) => match policy.mappings.get(name)?.apply_checked(policy, &EventView::new(event)) {
            Ok(body) => body.to_vec(),
            Err(broken) => {
                let first = broken.first().map_or_else(String::new, |reason| format!("{}: {}", reason.code, reason.message));
                return Some(format!("event {}: the mapping {name} refuses: {first}", candidate.event));
            }
        },
    };
    let (delivery, before) = earlier?;
    let same = delivery.output == Some(Digest::of(&body));
    (same && before == Before::RefusedForGood)
        .then(|| format!("event {}: the destination refused the same bytes before ({})", candidate.event, delivery.cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pace_is_a_fifth_of_the_rate() {
        for (rate, expected) in [(None, 20), (Some(50.0), 10), (Some(4.0), 1), (Some(0.1), 1), (Some(1e9), PACE_MAX)] {
            assert_eq!(share_of(rate), expected, "{rate:?}");
        }
    }

    #[test]
    fn shares_are_largest_first() {
        let names = ["b", "a", "b"].into_iter().map(str::to_owned);
        let shares = shares(names);
        assert_eq!(shares.iter().map(|share| (share.name.as_str(), share.count)).collect::<Vec<_>>(), [("b", 2), ("a", 1)]);
    }

    #[test]
    fn the_sentence_says_what_counts() {
        let text = sentence((120, 100), (50, 3), (20, 5));
        assert_eq!(text, "100 of 120 would be sent, 20 a second, in about 5 s; of 50 that were tried 3 would fail again");
    }
}
