//! Many seeds in a row: those that failed before come first, then a range; each failure is told with how to see it again.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::arguments::{Arguments, Trace};
use crate::run::{Options, Report, run};
use crate::swarm::{Captures, JournalKind};

/// Seeds that failed in the past, one a line; `captures=off` behind those that failed before there were any, `captures=on` behind those
/// that failed with them and would not choose them; `#` begins a remark.
const SEEDS: &str = include_str!("../seeds.txt");

/// Lines of the trace that are shown: a cause may be far before its effect.
const TRACE_LINES: usize = 100_000;

/// LIMIT: failures that are told; nobody reads more, and one cause makes many.
const FAILURES_MAX: usize = 20;

/// Many seeds in a row.
#[derive(Debug)]
pub struct Campaign {
    arguments: Arguments,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Runs that were made.
    pub runs: u64,
    /// Seeds whose run broke a rule that was not broken on purpose.
    pub failed: Vec<u64>,
    /// Events that were accepted in all runs.
    pub events: u64,
    /// The first seed that showed what was broken on purpose.
    pub caught_at: Option<u64>,
    /// Whether something was broken on purpose.
    pub broken: bool,
}

impl std::fmt::Display for Outcome {
    /// The last line but for the time.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sim: {} seeds, {} failures, {} events", self.runs, self.failed.len(), self.events)
    }
}

impl Outcome {
    /// Whether it is as it should be.
    pub fn is_good(&self) -> bool {
        if self.broken { self.caught_at.is_some() } else { self.failed.is_empty() }
    }
}

/// A seed that failed in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub seed: u64,
    /// Whether a system is captured, where it is not the seed's choice: what was found before there were captures is seen again
    /// only without.
    pub captures: Option<Captures>,
}

/// Seeds that failed in the past.
pub fn past_seeds() -> Vec<Past> {
    let past = |line: &'static str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let seed = words.next()?.parse().ok()?;
        let captures = match words.next() {
            Some("captures=off") => Some(Captures::Off),
            Some("captures=on") => Some(Captures::On),
            Some(_) | None => None,
        };
        Some(Past { seed, captures })
    };
    SEEDS.lines().filter_map(past).collect()
}

impl Campaign {
    /// What the command line asks for.
    pub const fn new(arguments: Arguments) -> Self {
        Self { arguments }
    }

    /// Runs it; each line for people goes to `tell`, which breaks it off when nobody reads any more.
    pub fn run(&self, mut tell: impl FnMut(String) -> ControlFlow<()>) -> Outcome {
        let is_read = Cell::new(true);
        let mut tell = |line| is_read.set(is_read.get() && tell(line).is_continue());
        let Arguments { seed, broken, .. } = &self.arguments;
        let seeds = self.seeds();
        let mut outcome = Outcome { broken: broken.is_some(), ..Outcome::default() };
        for (place, at) in seeds.iter().enumerate() {
            let options = self.options();
            let report = run(at.seed, Options { captures: at.captures.or(options.captures), ..options });
            outcome.runs += 1;
            outcome.events += report.accepted;
            self.look(&report, &mut outcome, &mut tell);
            if outcome.caught_at.is_some() || outcome.failed.len() >= FAILURES_MAX || !is_read.get() {
                break;
            }
            let tenth = (seeds.len() / 10).max(1);
            if seed.is_none() && (place + 1) % tenth == 0 && seeds.len() >= 10 {
                tell(format!("{} of {} seeds, {} failures", place + 1, seeds.len(), outcome.failed.len()));
            }
        }
        self.sum_up(&outcome, &mut tell);
        outcome
    }

    fn look(&self, report: &Report, outcome: &mut Outcome, tell: &mut impl FnMut(String)) {
        if let Some(flaw) = self.arguments.broken {
            if report.shows(flaw.rule()) {
                outcome.caught_at = Some(report.seed);
            }
        } else if !report.is_clean() {
            outcome.failed.push(report.seed);
        }
        if self.arguments.trace == Trace::Shown {
            report.lines.iter().for_each(|line| tell(line.clone()));
        }
        let shown = self.arguments.broken.is_none() || self.arguments.seed.is_some();
        if shown && !report.is_clean() {
            for violation in report.violations.iter().take(5) {
                tell(format!(
                    "seed {}: {} is broken at {}: {}",
                    report.seed, violation.rule, violation.at, violation.sentence
                ));
            }
            tell(format!("  see it again: cargo xtask sim --seed {}{} --trace", report.seed, self.repeat(report)));
        }
        if self.arguments.seed.is_some() {
            let Report { seed, journal, accepted, arrivals, batches, polls, upkeep, digest, .. } = report;
            tell(format!(
                "seed {seed} ({journal:?}): {accepted} accepted, {arrivals} arrivals, {batches} batches, {polls} polls, {upkeep:?}, digest {digest:016x}"
            ));
        }
    }

    fn repeat(&self, report: &Report) -> String {
        let nodes = self.arguments.nodes.map(|count| format!(" --nodes {count}")).unwrap_or_default();
        let journal = match report.journal {
            JournalKind::Memory => "memory",
            JournalKind::Partitioned => "partitioned",
        };
        let captures = match report.captures {
            Captures::On => "on",
            Captures::Off => "off",
        };
        format!("{nodes} --journal {journal} --captures {captures}")
    }

    fn sum_up(&self, outcome: &Outcome, tell: &mut impl FnMut(String)) {
        if let Some(flaw) = self.arguments.broken {
            let how = flaw.how();
            match outcome.caught_at {
                Some(seed) => {
                    tell(format!("{flaw} ({how}) is caught at seed {seed}, run {}", outcome.runs));
                }
                None => tell(format!("{flaw} ({how}) is NOT caught in {} runs", outcome.runs)),
            }
        }
    }

    fn options(&self) -> Options {
        let trace_lines = if self.arguments.trace == Trace::Shown { TRACE_LINES } else { 0 };
        let Arguments { journal, nodes, captures, broken, .. } = self.arguments;
        Options { journal, nodes, captures, broken, trace_lines }
    }

    fn seeds(&self) -> Vec<Past> {
        let Arguments { seeds, start, seed, broken, .. } = &self.arguments;
        let drawn = |seed: u64| Past { seed, captures: None };
        if let Some(seed) = seed {
            return vec![drawn(*seed)];
        }
        let range = *start..start.saturating_add(*seeds);
        let past = if broken.is_some() { Vec::new() } else { past_seeds() };
        let is_run_anyway = |past: &Past| range.contains(&past.seed) && past.captures.is_none();
        let first: Vec<Past> = past.into_iter().filter(|past| !is_run_anyway(past)).collect();
        first.into_iter().chain(range.map(drawn)).collect()
    }
}
