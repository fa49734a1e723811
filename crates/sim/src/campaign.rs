//! Many seeds in a row: those that failed before come first, then a range; each failure is told with how to see it again.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::arguments::{Arguments, Trace};
use crate::run::{Options, Report, run};
use crate::swarm::JournalKind;

/// Seeds that failed in the past, one a line; `#` begins a remark.
const SEEDS: &str = include_str!("../seeds.txt");

/// Lines of the trace that are shown.
const TRACE_LINES: usize = 4_000;

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

/// Seeds that failed in the past.
pub fn past_seeds() -> Vec<u64> {
    let text = |line: &'static str| line.split('#').next().unwrap_or_default().trim();
    SEEDS.lines().filter_map(|line| text(line).parse().ok()).collect()
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
            let report = run(*at, self.options());
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
        format!("{nodes} --journal {journal}")
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
        let Arguments { journal, nodes, broken, .. } = self.arguments;
        Options { journal, nodes, broken, trace_lines }
    }

    fn seeds(&self) -> Vec<u64> {
        let Arguments { seeds, start, seed, broken, .. } = &self.arguments;
        if let Some(seed) = seed {
            return vec![*seed];
        }
        let range = *start..start.saturating_add(*seeds);
        let past = if broken.is_some() { Vec::new() } else { past_seeds() };
        let first: Vec<u64> = past.into_iter().filter(|seed| !range.contains(seed)).collect();
        first.into_iter().chain(range).collect()
    }
}
