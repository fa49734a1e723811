//! A run of named steps: each is timed, a failed one does not hide the next, a table closes the run.

use std::time::{Duration, Instant};

use crate::process::{self, Call};
use crate::{exit, packages, tidy};

/// One step of `check` or `test`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
}

/// What a step does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Install or ask for the Debian packages that the later steps need; without them the run stops.
    Packages,
    Run(Call),
    Tidy,
    /// Not done in this run, with the reason.
    Skip(String),
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the steps in order and closes with a table and the line `N passed, N failed`.
pub(crate) fn run(steps: &[Step]) -> u8 {
    let mut done = Vec::new();
    for step in steps {
        println!("==== {}", step.name);
        let start = Instant::now();
        let outcome = perform(&step.work);
        let took = start.elapsed();
        println!("{}", line(step.name, &outcome, took));
        let stop = step.work == Work::Packages && matches!(outcome, Outcome::Failed(_));
        done.push((step.name, outcome, took));
        if stop {
            break;
        }
    }
    println!("\n==== summary");
    for (name, outcome, took) in &done {
        println!("{}", line(name, outcome, *took));
    }
    let passed = done.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Passed)).count();
    let failed = done.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_))).count();
    println!("{passed} passed, {failed} failed");
    if failed == 0 { exit::DONE } else { exit::FAILED }
}

fn perform(work: &Work) -> Outcome {
    let result = match work {
        Work::Packages => packages::ensure(),
        Work::Run(call) => process::run(call),
        Work::Tidy => tidy::step(),
        Work::Skip(reason) => return Outcome::Skipped(reason.clone()),
    };
    result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn line(name: &str, outcome: &Outcome, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match outcome {
        Outcome::Passed => format!("  ok    {name:<10} {seconds:>7.1} s"),
        Outcome::Failed(why) => format!("  FAIL  {name:<10} {seconds:>7.1} s  {why}"),
        Outcome::Skipped(why) => format!("  skip  {name:<10}            {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(works: Vec<Work>, expected: u8) {
        let steps: Vec<Step> = works.into_iter().map(|work| Step { name: "step", work }).collect();
        assert_eq!(run(&steps), expected, "{steps:?}");
    }

    #[test]
    fn a_run_fails_with_its_worst_step_and_a_skipped_one_does_no_harm() {
        let does = |program: &str| Work::Run(Call::new(program, &[]));
        let skip = || Work::Skip("not here".to_owned());
        check(vec![does("true"), skip()], exit::DONE);
        check(vec![does("false"), does("true"), skip()], exit::FAILED);
        check(vec![does("crossdock-no-such-program")], exit::FAILED);
    }

    #[test]
    fn a_line_names_the_step_its_time_and_why_it_failed() {
        let took = Duration::from_millis(1_240);
        assert_eq!(line("tidy", &Outcome::Passed, took), "  ok    tidy           1.2 s");
        let failed = Outcome::Failed("2 findings".to_owned());
        assert_eq!(line("tidy", &failed, took), "  FAIL  tidy           1.2 s  2 findings");
    }
}
