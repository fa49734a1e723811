//! The other side of `crossdock status` in the demo world: what the simulated systems say they sent and received, beside
//! what the product accounts for. Counts only grow, so ours lie between what the others said before and after.

use std::collections::BTreeMap;

use server::api::{Concern, Health, Status};
use sim::demo::ledger::{Books, Totals};
use sim::demo::system::System;

use crate::client::Client;
use crate::exit::Failure;
use crate::output::Output;
use crate::world::World;

/// LIMIT: looks, until all agree.
const LOOKS: usize = 5;

/// One system's word and ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    system: System,
    before: Totals,
    theirs: Totals,
    accepted: u64,
    done: u64,
    sent: Verdict,
    received: Verdict,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// There is none.
    Equal,
    /// So many are on their way: one side knows of them, the other is about to.
    Moving(u64),
    /// So many are wrong: promised and not there.
    Wrong(u64),
}

/// A status with what the other side says at the same time.
#[derive(Debug)]
pub(crate) struct Seen {
    status: Status,
    comparisons: Vec<Comparison>,
}

/// Compares, if the product has simulated systems. A few looks, because both sides move.
pub(crate) async fn look(client: &Client, status: &Status) -> Result<Option<Seen>, Failure> {
    let Some(url) = &status.world else { return Ok(None) };
    let world = World::new(url)?;
    let mut look = 1;
    loop {
        let before = world.books().await?;
        let status: Status = client.get("/status").await?;
        let comparisons = compare(&status, [&before, &world.books().await?]);
        let calm = comparisons.iter().all(|it| it.sent == Verdict::Equal && it.received == Verdict::Equal);
        if calm || look >= LOOKS {
            return Ok(Some(Seen { status, comparisons }));
        }
        look += 1;
    }
}

fn compare(status: &Status, [before, after]: [&Books; 2]) -> Vec<Comparison> {
    let none = BTreeMap::new;
    let accepted = status.sources.iter().fold(none(), |sums, it| add(sums, &it.system, it.accepted_since_start));
    let done = status.destinations.iter().fold(none(), |sums, it| add(sums, &it.system, it.done_since_start));
    let ours = |sums: &BTreeMap<String, u64>, system: System| sums.get(system.name()).copied().unwrap_or_default();
    let totals = |books: &Books, system| books.systems.get(&system).copied().unwrap_or_default();
    let one = |system| {
        let (before, theirs) = (totals(before, system), totals(after, system));
        let (accepted, done) = (ours(&accepted, system), ours(&done, system));
        Comparison {
            system,
            before,
            theirs,
            accepted,
            done,
            sent: sent(accepted, before.sent_accepted, theirs.sent_accepted),
            received: received(done, before.received_unique, theirs.received_unique),
        }
    };
    System::ALL.map(one).into()
}

fn add(mut sums: BTreeMap<String, u64>, name: &str, count: u64) -> BTreeMap<String, u64> {
    *sums.entry(name.to_owned()).or_default() += count;
    sums
}

/// What the status, which knows our side alone, does not say.
fn contradiction(comparisons: &[Comparison]) -> Option<Concern> {
    let is_wrong = |verdict| matches!(verdict, Verdict::Wrong(_));
    let wrong = comparisons.iter().filter(|it| is_wrong(it.sent) || is_wrong(it.received));
    let systems: Vec<String> = wrong.map(|it| format!("{}: {}", it.system.name(), it.words())).collect();
    (!systems.is_empty()).then(|| Concern {
        kind: "other side".to_owned(),
        health: Health::Unhealthy,
        text: format!("the simulated systems' books contradict: {}", systems.join("; ")),
        next: String::new(),
    })
}

/// They have a 202 for each: fewer accounted for is a loss; more means that answers are on their way.
fn sent(ours: u64, before: u64, after: u64) -> Verdict {
    match ours {
        _ if ours < before => Verdict::Wrong(before - ours),
        _ if ours > after => Verdict::Moving(ours - after),
        _ => Verdict::Equal,
    }
}

/// We say done for each: more than they have is a false claim; fewer means that we do not know of their answers yet.
fn received(ours: u64, before: u64, after: u64) -> Verdict {
    match ours {
        _ if ours > after => Verdict::Wrong(ours - after),
        _ if ours < before => Verdict::Moving(before - ours),
        _ => Verdict::Equal,
    }
}

impl Verdict {
    fn words(self, promise: &str, moving: &str) -> String {
        match self {
            Self::Equal => String::new(),
            Self::Moving(count) => format!("{count} {moving}"),
            Self::Wrong(count) => format!("DIFFERS BY {count}: {promise}"),
        }
    }
}

impl Comparison {
    fn words(&self) -> String {
        let sent = self.sent.words("sent, answered with 202, and not accounted for", "answers to it are on their way");
        let received =
            self.received.words("said to be done, and never received", "received, and its answers are not known here yet");
        let doubled = match self.theirs.doubled_effects {
            0 => String::new(),
            count => format!("{count} done twice"),
        };
        let words: Vec<String> = [sent, received, doubled].into_iter().filter(|it| !it.is_empty()).collect();
        if words.is_empty() { "equal".to_owned() } else { words.join("; ") }
    }

    fn row(&self) -> Vec<String> {
        // What moved between the two looks is shown as both.
        let theirs = |count: fn(&Totals) -> u64| match (count(&self.before), count(&self.theirs)) {
            (before, after) if before == after => after.to_string(),
            (before, after) => format!("{before} to {after}"),
        };
        vec![
            self.system.name().to_owned(),
            format!("{} / {}", theirs(|it| it.sent_accepted), self.accepted),
            format!("{} / {}", theirs(|it| it.received_unique), self.done),
            self.theirs.received_repeats.to_string(),
            self.theirs.doubled_effects.to_string(),
            self.words(),
        ]
    }
}

impl Seen {
    /// The status with what the other side contradicts among its concerns.
    pub(crate) fn judged(&self) -> Status {
        let mut status = self.status.clone();
        if let Some(concern) = contradiction(&self.comparisons) {
            status.health = Health::Unhealthy;
            status.concerns.push(concern);
        }
        status
    }

    /// A table, and one sentence.
    pub(crate) fn print(&self, output: &Output) {
        let sum = |count: fn(&Totals) -> u64| self.comparisons.iter().map(|it| count(&it.theirs)).sum::<u64>();
        let word = if contradiction(&self.comparisons).is_some() { "CONTRADICTS" } else { "agrees" };
        output.line(&format!(
            "the other side {word}: {} sent and accepted, {} received, {} repeats recognised, {} effects doubled (since the start)",
            sum(|it| it.sent_accepted), sum(|it| it.received_unique), sum(|it| it.received_repeats), sum(|it| it.doubled_effects),
        ));
        let rows: Vec<Vec<String>> = self.comparisons.iter().map(Comparison::row).collect();
        output.table(&["system", "sent: they / we", "received: they / we", "repeats", "doubled", ""], &rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_promised_must_be_there_and_what_moves_may_differ() {
        for (ours, before, after, sent_is, received_is) in [
            (5, 5, 5, Verdict::Equal, Verdict::Equal),
            (6, 5, 7, Verdict::Equal, Verdict::Equal),
            (4, 5, 7, Verdict::Wrong(1), Verdict::Moving(1)),
            (9, 5, 7, Verdict::Moving(2), Verdict::Wrong(2)),
        ] {
            assert_eq!(sent(ours, before, after), sent_is, "{ours} {before} {after}");
            assert_eq!(received(ours, before, after), received_is, "{ours} {before} {after}");
        }
    }

    #[test]
    fn differences_are_told_in_words() {
        let theirs = Totals { sent_accepted: 5, received_unique: 7, doubled_effects: 1, ..Totals::default() };
        let one = |sent, received| Comparison {
            system: System::Shop,
            before: theirs,
            theirs,
            accepted: 5,
            done: 6,
            sent,
            received,
        };
        assert_eq!(
            one(Verdict::Equal, Verdict::Moving(1)).words(),
            "1 received, and its answers are not known here yet; 1 done twice"
        );
        assert_eq!(contradiction(&[one(Verdict::Moving(2), Verdict::Equal)]), None);
        let told = contradiction(&[one(Verdict::Wrong(2), Verdict::Equal)]).unwrap();
        assert_eq!((told.kind.as_str(), told.health), ("other side", Health::Unhealthy));
        assert!(told.text.contains("books contradict: shop: DIFFERS BY 2"), "{}", told.text);
        let lost = one(Verdict::Wrong(2), Verdict::Equal).words();
        assert!(lost.starts_with("DIFFERS BY 2: sent, answered with 202, and not accounted for"), "{lost}");
    }
}
