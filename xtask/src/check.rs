//! `cargo xtask check`: what a developer runs before each commit. It builds nothing to run.

use crate::exit::Stop;
use crate::process::{self, Call};
use crate::steps::{self, Step, Work};
use crate::{args, test};

/// Tools that are used where they are installed and never required.
const OPTIONAL: &[(&str, &[&str], &[&str])] = &[
    ("deny", &["cargo-deny", "--version"], &["cargo-deny", "check", "--hide-inclusion-graph"]),
    ("typos", &["typos", "--version"], &["typos"]),
    ("machete", &["cargo-machete", "--version"], &["cargo-machete"]),
];

pub(crate) fn run(given: &[String]) -> Result<u8, Stop> {
    args::read(given, &[])?;
    let mut plan = vec![test::format_step(), test::clippy_step(), test::tidy_step()];
    plan.extend(OPTIONAL.iter().map(|(name, probe, call)| optional(name, probe, call)));
    Ok(steps::run(&plan))
}

fn optional(name: &'static str, probe: &[&str], call: &[&str]) -> Step {
    let work = match (probe, call) {
        ([program, rest @ ..], [run, args @ ..]) if process::answers(program, rest) => Work::Run(Call::new(run, args)),
        _ => Work::Skip("not installed".to_owned()),
    };
    Step { name, work }
}
