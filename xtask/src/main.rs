//! `cargo xtask`: the project's own commands, in one place and the same on every machine.
//!
//! This file only picks the command; each command lives in the file of its name. Nothing here is
//! shipped, so printing and reading the clock are allowed (see the exemptions in STYLE.md).
#![expect(clippy::print_stdout, reason = "a command line tool speaks on stdout")]
#![expect(clippy::print_stderr, reason = "a command line tool complains on stderr")]
#![expect(clippy::disallowed_methods, reason = "steps are timed; cargo is named by the environment")]

mod addon;
mod args;
mod check;
mod exit;
mod forward;
mod packages;
mod process;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

use exit::Stop;

const USAGE: &str = "\
usage: cargo xtask <command> [flags]

  check                       format, clippy, tidy; deny, typos and machete where installed
  test   [--fast]             everything that must hold; --fast leaves out packages and simulation
  tidy   [--list] [--ratchet] the rules that the compiler does not know; --ratchet lowers xtask/ratchet.toml
  addon                       the Odoo module as target/crossdock_outbox.zip

  sim     ...                 the deterministic simulator
  bench   ...                 measurements against the limits of this machine
  capture | corpus | cost | kill | writes ...
                              long campaigns of the bench
  Of these --help tells more, and exit codes are theirs.

exit codes: 0 done, 1 failed, 2 wrong usage, 3 findings";

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = given.split_first() else {
        println!("{USAGE}");
        return exit::USAGE.into();
    };
    let done = match command.as_str() {
        "addon" => addon::run(rest),
        "bench" => forward::bench(None, rest),
        "capture" | "corpus" | "cost" | "kill" | "writes" => forward::bench(Some(command), rest),
        "check" => check::run(rest),
        "sim" => forward::sim(rest),
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(exit::DONE)
        }
        other => Err(Stop::Usage(format!("no command `{other}`\n\n{USAGE}"))),
    };
    match done {
        Ok(code) => code.into(),
        Err(Stop::Usage(message)) => {
            eprintln!("xtask: {message}");
            exit::USAGE.into()
        }
        Err(Stop::Failed(message)) => {
            eprintln!("xtask: {message}");
            exit::FAILED.into()
        }
    }
}
