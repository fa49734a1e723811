//! Commands that live in packages of their own: the simulator and the bench. What is behind the command is theirs to read, so
//! that it is described in one place: theirs.

use crate::exit::Stop;
use crate::process::{self, Call};

/// The cargo call that names what to run.
const SIM: &[&str] = &["run", "--quiet", "--package", "crossdock-sim", "--bin", "sim"];
const BENCH: &[&str] = &["run", "--quiet", "--release", "--package", "crossdock-bench"];

pub(crate) fn sim(given: &[String]) -> Result<u8, Stop> {
    forward(SIM, given)
}

/// The bench itself, or a campaign of it.
pub(crate) fn bench(campaign: Option<&str>, given: &[String]) -> Result<u8, Stop> {
    let flags: Vec<String> = campaign.map(str::to_owned).into_iter().chain(given.iter().cloned()).collect();
    forward(BENCH, &flags)
}

/// The caller's folder is kept: a file named in a flag means what it says where it was typed.
fn forward(target: &[&str], flags: &[String]) -> Result<u8, Stop> {
    let manifest = process::root().join("Cargo.toml").to_string_lossy().into_owned();
    let mut call = Call::cargo(target);
    call.args.extend(["--manifest-path".to_owned(), manifest, "--".to_owned()]);
    call.args.extend_from_slice(flags);
    Ok(process::exit_code(&call, None)?)
}
