//! `cargo xtask test`: everything that must hold, and what continuous integration calls.

use std::path::{Path, PathBuf};

use crate::args;
use crate::exit::Stop;
use crate::process::{self, Call};
use crate::steps::{self, Step, Work};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// What needs nothing but Rust and little time.
    Fast,
    Whole,
}

/// Whether the real messages of other systems are here, which are not part of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Corpus {
    Here,
    Missing,
}

pub(crate) fn run(given: &[String]) -> Result<u8, Stop> {
    let flags = args::read(given, &["--fast"])?;
    let scope = if flags.is_empty() { Scope::Whole } else { Scope::Fast };
    Ok(steps::run(&plan(scope, corpus(&process::root()))))
}

fn corpus(root: &Path) -> Corpus {
    let folder = std::env::var_os("CROSSDOCK_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() { Corpus::Here } else { Corpus::Missing }
}

fn plan(scope: Scope, corpus: Corpus) -> Vec<Step> {
    let (setup, sim) = match scope {
        Scope::Fast => (Work::Skip("--fast needs nothing but Rust".to_owned()), Work::Skip("left out by --fast".to_owned())),
        Scope::Whole => (Work::Packages, Work::Run(ignored(&["seeds"]))),
    };
    vec![
        Step { name: "setup", work: setup },
        format_step(),
        clippy_step(),
        tidy_step(),
        Step { name: "tests", work: Work::Run(whole(&["test", "--workspace", "--no-fail-fast"])) },
        corpus_step(corpus),
        Step { name: "sim", work: sim },
    ]
}

pub(crate) fn format_step() -> Step {
    Step { name: "format", work: Work::Run(Call::cargo(&["fmt", "--all", "--check"])) }
}

pub(crate) fn clippy_step() -> Step {
    let call = Call::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    Step { name: "clippy", work: Work::Run(call) }
}

pub(crate) fn tidy_step() -> Step {
    Step { name: "tidy", work: Work::Tidy }
}

/// Tests over the large sets that lie outside of the project; they fail where those are missing.
fn corpus_step(corpus: Corpus) -> Step {
    let missing = "the real messages of other systems are not here; CROSSDOCK_CORPUS says where they are";
    let work = match corpus {
        Corpus::Here => Work::Run(ignored(&["json_schema_suite", "packs"])),
        Corpus::Missing => Work::Skip(missing.to_owned()),
    };
    Step { name: "corpus", work }
}

/// The tests of these names that a plain run leaves out. Of the whole workspace, as the step before: a package by itself is
/// built with other features of its dependencies, once more.
fn ignored(tests: &[&str]) -> Call {
    let named = tests.iter().flat_map(|test| ["--test", *test]);
    let args: Vec<&str> = ["test", "--workspace"].into_iter().chain(named).chain(["--", "--ignored"]).collect();
    whole(&args)
}

/// Incremental state is of no use to a run that builds once, and costs disk and time.
fn whole(args: &[&str]) -> Call {
    Call::cargo(args).with_env("CARGO_INCREMENTAL", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a plan as `name: command` or `name: -`.
    fn shown(scope: Scope, corpus: Corpus) -> Vec<String> {
        let line = |step: &Step| match &step.work {
            Work::Run(call) => format!("{}: {}", step.name, call.shown()),
            Work::Packages | Work::Tidy => format!("{}: yes", step.name),
            Work::Skip(_) => format!("{}: -", step.name),
        };
        plan(scope, corpus).iter().map(line).collect()
    }

    #[test]
    fn the_whole_suite_runs_everything() {
        assert_eq!(
            shown(Scope::Whole, Corpus::Here),
            [
                "setup: yes",
                "format: cargo fmt --all --check",
                "clippy: cargo clippy --workspace --all-targets -- -D warnings",
                "tidy: yes",
                "tests: cargo test --workspace --no-fail-fast",
                "corpus: cargo test --workspace --test json_schema_suite --test packs -- --ignored",
                "sim: cargo test --workspace --test seeds -- --ignored",
            ]
        );
    }

    #[test]
    fn what_cannot_run_or_shall_not_is_left_out() {
        let skipped = |scope, corpus| -> Vec<String> {
            shown(scope, corpus).into_iter().filter(|line| line.ends_with(": -")).collect()
        };
        assert_eq!(skipped(Scope::Whole, Corpus::Missing), ["corpus: -"]);
        assert_eq!(skipped(Scope::Fast, Corpus::Here), ["setup: -", "sim: -"]);
    }
}
