//! `cargo xtask test`: everything that must hold, and what continuous integration calls.

use std::path::{Path, PathBuf};

use crate::args::{self, Flag, Takes};
use crate::exit::Stop;
use crate::process::{self, Call};
use crate::steps::{self, Step, Work};

/// Seeds of the simulator in one run of the whole suite; long runs belong to the night.
const SEEDS: &str = "200";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// What needs nothing but Rust and little time.
    Fast,
    Whole,
}

/// Which later parts of the workspace exist in this checkout.
#[derive(Clone, Copy, Debug)]
struct Present {
    simulator: bool,
    black_box: bool,
    /// The real messages of other systems, which are not part of the project.
    corpus: bool,
}

pub(crate) fn run(given: &[String]) -> Result<u8, Stop> {
    let flags = args::read(given, &[Flag { name: "--fast", takes: Takes::Nothing }])?;
    let scope = if flags.is_empty() { Scope::Whole } else { Scope::Fast };
    Ok(steps::run(&plan(scope, present(&process::root()))))
}

fn present(root: &Path) -> Present {
    let corpus = std::env::var_os("CROSSDOCK_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    Present {
        simulator: root.join("crates/sim/src/bin/sim.rs").is_file(),
        black_box: root.join("e2e/Cargo.toml").is_file(),
        corpus: corpus.is_dir(),
    }
}

fn plan(scope: Scope, present: Present) -> Vec<Step> {
    let setup = match scope {
        Scope::Fast => Work::Skip("--fast needs nothing but Rust".to_owned()),
        Scope::Whole => Work::Packages,
    };
    vec![
        Step { name: "setup", work: setup },
        format_step(),
        clippy_step(),
        tidy_step(),
        tests_step(present),
        corpus_step(present),
        slow("sim", scope, present.simulator, sim()),
        slow("binary", scope, present.black_box, binary()),
        slow("e2e", scope, present.black_box, e2e()),
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

/// The black-box suite is left to its own step: it wants the real binary built first.
fn tests_step(present: Present) -> Step {
    let mut args = vec!["test", "--workspace", "--no-fail-fast"];
    if present.black_box {
        args.extend(["--exclude", "crossdock-e2e"]);
    }
    Step { name: "tests", work: Work::Run(whole(&args)) }
}

/// Tests over the large sets that lie outside of the project; they fail where those are missing.
fn corpus_step(present: Present) -> Step {
    let args = ["test", "--package", "crossdock-engine", "--package", "crossdock-policy", "--tests", "--", "--ignored"];
    let missing = "the real messages of other systems are not here; CROSSDOCK_CORPUS says where they are";
    let work = if present.corpus { Work::Run(whole(&args)) } else { Work::Skip(missing.to_owned()) };
    Step { name: "corpus", work }
}

/// A step of the whole suite whose package may still be missing.
fn slow(name: &'static str, scope: Scope, exists: bool, call: Call) -> Step {
    let work = match (scope, exists) {
        (Scope::Fast, _) => Work::Skip("left out by --fast".to_owned()),
        (Scope::Whole, false) => Work::Skip("not in this checkout yet".to_owned()),
        (Scope::Whole, true) => Work::Run(call),
    };
    Step { name, work }
}

fn sim() -> Call {
    let args = ["run", "--quiet", "--package", "crossdock-sim", "--bin", "sim", "--", "--seeds", SEEDS];
    whole(&args)
}

fn binary() -> Call {
    whole(&["build", "--package", "crossdock-cli"])
}

fn e2e() -> Call {
    whole(&["test", "--package", "crossdock-e2e"])
}

/// Incremental state is of no use to a run that builds once, and costs disk and time.
fn whole(args: &[&str]) -> Call {
    Call::cargo(args).with_env("CARGO_INCREMENTAL", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a plan as `name: command` or `name: -`.
    fn shown(scope: Scope, present: Present) -> Vec<String> {
        let line = |step: &Step| match &step.work {
            Work::Run(call) => format!("{}: {}", step.name, call.shown()),
            Work::Packages | Work::Tidy => format!("{}: yes", step.name),
            Work::Skip(_) => format!("{}: -", step.name),
        };
        plan(scope, present).iter().map(line).collect()
    }

    #[test]
    fn the_whole_suite_runs_each_part_that_exists() {
        let all = shown(Scope::Whole, Present { simulator: true, black_box: true, corpus: true });
        assert_eq!(
            all,
            [
                "setup: yes",
                "format: cargo fmt --all --check",
                "clippy: cargo clippy --workspace --all-targets -- -D warnings",
                "tidy: yes",
                "tests: cargo test --workspace --no-fail-fast --exclude crossdock-e2e",
                "corpus: cargo test --package crossdock-engine --package crossdock-policy --tests -- --ignored",
                "sim: cargo run --quiet --package crossdock-sim --bin sim -- --seeds 200",
                "binary: cargo build --package crossdock-cli",
                "e2e: cargo test --package crossdock-e2e",
            ]
        );
        let young = shown(Scope::Whole, Present { simulator: false, black_box: false, corpus: false });
        assert!(young.contains(&"tests: cargo test --workspace --no-fail-fast".to_owned()), "{young:?}");
        let skipped = young.iter().filter(|line| line.ends_with(": -")).count();
        assert_eq!(skipped, 4, "{young:?}");
    }

    #[test]
    fn fast_leaves_out_packages_simulation_and_black_box() {
        let fast = shown(Scope::Fast, Present { simulator: true, black_box: true, corpus: true });
        let skipped: Vec<&String> = fast.iter().filter(|line| line.ends_with(": -")).collect();
        assert_eq!(skipped, ["setup: -", "sim: -", "binary: -", "e2e: -"]);
    }
}
