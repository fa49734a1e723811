//! Commands that live in packages of their own: the simulator, the bench and the kill rounds.
//!
//! Flags are checked here, so that a misspelt one fails before a long build, and then passed on.

use crate::args::{self, Flag, Takes};
use crate::exit::Stop;
use crate::process::{self, Call};

/// The part of a cargo call that names what to run.
#[derive(Clone, Copy, Debug)]
struct Target {
    /// A file that exists when the target does.
    proof: &'static str,
    cargo: &'static [&'static str],
}

const SIM: Target =
    Target { proof: "crates/sim/src/bin/sim.rs", cargo: &["run", "--quiet", "--package", "crossdock-sim", "--bin", "sim"] };
const BENCH: Target = Target { proof: "bench/Cargo.toml", cargo: &["run", "--release", "--package", "crossdock-bench"] };
const KILL: Target =
    Target { proof: "bench/src/kill/mod.rs", cargo: &["run", "--quiet", "--release", "--package", "crossdock-bench"] };

pub(crate) fn sim(given: &[String]) -> Result<u8, Stop> {
    let known = [
        Flag { name: "--seeds", takes: Takes::Number },
        Flag { name: "--start", takes: Takes::Number },
        Flag { name: "--break", takes: Takes::Text },
        Flag { name: "--nodes", takes: Takes::Number },
    ];
    forward(SIM, args::read(given, &known)?)
}

pub(crate) fn bench(given: &[String]) -> Result<u8, Stop> {
    let known = [Flag { name: "--quick", takes: Takes::Nothing }, Flag { name: "--json", takes: Takes::Text }];
    forward(BENCH, args::read(given, &known)?)
}

pub(crate) fn capture(given: &[String]) -> Result<u8, Stop> {
    let known = [
        Flag { name: "--version", takes: Takes::Number },
        Flag { name: "--from", takes: Takes::Text },
        Flag { name: "--changes", takes: Takes::Number },
        Flag { name: "--away", takes: Takes::Number },
        Flag { name: "--seed", takes: Takes::Number },
    ];
    forward(BENCH, [vec!["capture".to_owned()], args::read(given, &known)?].concat())
}

pub(crate) fn kill(given: &[String]) -> Result<u8, Stop> {
    let known = [Flag { name: "--rounds", takes: Takes::Number }, Flag { name: "--seed", takes: Takes::Number }];
    let flags = args::read(given, &known)?;
    if flags.is_empty() {
        return Err(Stop::Usage("`kill` needs `--rounds N`".to_owned()));
    }
    forward(KILL, [vec!["kill".to_owned()], flags].concat())
}

/// The caller's folder is kept: a file named in a flag means what it says where it was typed.
fn forward(target: Target, flags: Vec<String>) -> Result<u8, Stop> {
    let root = process::root();
    if !root.join(target.proof).is_file() {
        return Err(Stop::Failed(format!("{} is not in this checkout", target.proof)));
    }
    let manifest = root.join("Cargo.toml").to_string_lossy().into_owned();
    let mut call = Call::cargo(target.cargo);
    call.args.extend(["--manifest-path".to_owned(), manifest, "--".to_owned()]);
    call.args.extend(flags);
    Ok(process::exit_code(&call, None)?)
}
